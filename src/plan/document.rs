//! The plan document: the public format, from which everything else is rendered.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Creation, HeadroomPlan, Reason, Waiting};
use crate::model::ByHand;
use crate::policy::{Origin, Revision};
use crate::schedule::Said;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// No new pods come to the node; marked as ours in the same patch.
    Cordon,
    /// Its pods leave: evicted, or waited for.
    Drain,
    /// The provider's verb is in `providerVerb`: shelve, stop, suspend.
    Park,
    /// The provider's verb is in `providerVerb`: unshelve, start, resume.
    Wake,
    /// Its server is parked already; the record on the node and its marks are completed to say so.
    Record,
    /// Until the node is Ready.
    Wait,
    /// New pods may come; what is ours on the node goes. Of a node that is new, that it is in use.
    Uncordon,
    /// A server is made, as `creation` says.
    Create,
    /// The server is destroyed, and with it the Node.
    Delete,
}

impl Verb {
    /// Whether a step of this verb takes capacity away: what brakes and freezes hold back.
    pub fn takes(self) -> bool {
        matches!(self, Self::Cordon | Self::Drain | Self::Park | Self::Delete)
    }
}

/// What happens to a pod of a node that is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PodAction {
    /// It is evicted.
    Evict,
    /// It is waited for.
    Wait,
    /// It goes with the node (DaemonSet, mirror, finished).
    Stays,
}

/// A pod of a node that is drained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodMove {
    /// `namespace/name`.
    pub pod: String,
    /// Its UID: another pod of that name is another pod.
    pub uid: String,
    /// What happens to it.
    pub action: PodAction,
    /// In which round it is evicted, from 1: a forecast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// The budget that counts it, `namespace/name`, or `implied Deployment namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// A node that could take it, by simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Longest wait, for a pod that is waited for or whose budget is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i64>,
    /// Its budget allows no disruption now; the cordon is to release it (`action: cordonFirst`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_cordon: bool,
    /// It would be deleted, not evicted, if it did not go in time (`onTimeout: delete`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete_on_timeout: bool,
    /// It is evicted and nothing makes it again: it has no controller, or its controller is not there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// It has no home, and waits Pending until its pool may have more nodes (`whenNoHome`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sleeps: bool,
    /// Why, where it is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// What must still be so when a step starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "is")]
pub enum Precondition {
    /// The node exists with this UID; left out where the UID is not known.
    Node {
        /// `metadata.uid`.
        uid: String,
    },
    /// The node is not cordoned by somebody else.
    NotCordonedByOther,
    /// The server exists and is in this state.
    Server {
        /// The provider's id.
        id: String,
        /// As the provider names it: `ACTIVE`, `SHELVED_OFFLOADED`.
        state: String,
    },
    /// Our mark is on the node.
    Marked,
}

/// What a step changes per hour, in millionths of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepCost {
    /// Added (positive) or saved (negative) per hour.
    pub per_hour_micros: i64,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// `verb/node`: stable between plans.
    pub id: String,
    /// What it does.
    pub verb: Verb,
    /// The provider's word for it, where it is the provider that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_verb: Option<String>,
    /// The pool; empty for a node that no pool has any more and that is only given back.
    pub pool: String,
    /// The node.
    pub node: String,
    /// The server's id, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Steps that must be done before.
    pub after: Vec<String>,
    /// Why.
    pub reason: Reason,
    /// What must still be so.
    pub preconditions: Vec<Precondition>,
    /// The policy's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What it costs or saves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<StepCost>,
    /// For a drain: the node's pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<PodMove>,
    /// For a node that does not exist yet: what is made, or was and is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<Creation>,
}

/// What is wanted of a pool and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolPlan {
    /// Its name.
    pub name: String,
    /// The least active nodes.
    pub floor: u32,
    /// The most active nodes.
    pub ceiling: u32,
    /// Active now.
    pub active: u32,
    /// Cordoned now.
    pub cordoned: u32,
    /// Parked now.
    pub parked: u32,
    /// Neither of these: the server is busy or in error, or the node is not Ready.
    #[serde(default)]
    pub unsettled: u32,
    /// Members with no server and no node: named by the policy only.
    pub absent: u32,
    /// Up when the plan is done; what is only cordoned until its window ends is still up.
    pub desired: u32,
    /// Who says so.
    pub said: Vec<Said>,
    /// The next change of floor or ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change: Option<NextChange>,
    /// What it keeps free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<HeadroomPlan>,
    /// The provider's verb for parking.
    pub idle: String,
    /// A freeze that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

/// The next change of what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NextChange {
    /// When.
    pub at: Timestamp,
    /// The floor from then on.
    pub floor: u32,
    /// The ceiling from then on; absent is all members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<u32>,
    /// Why.
    pub why: Vec<String>,
}

/// A node that stays although there are more than are needed, or that cannot be woken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// The node.
    pub node: String,
    /// Its pool.
    pub pool: String,
    /// Every reason found, the first is enough to keep it.
    pub reasons: Vec<Reason>,
}

/// Reasons that are alike, with what would lift them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Blocker {
    /// What they have in common.
    pub code: super::Code,
    /// In words: `local storage (volume socket-dir) of Deployment kube-system/csi-cinder-controllerplugin`.
    pub text: String,
    /// The nodes it holds.
    pub nodes: Vec<String>,
    /// The workloads of those pods, `Deployment namespace/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<String>,
    /// The pods it rests on.
    pub pods: Vec<String>,
    /// Nodes that would be free if only this were lifted.
    pub frees: u32,
    /// Nodes that would be free if this and every blocker before it were lifted.
    #[serde(default, skip_serializing_if = "none")]
    pub frees_with_above: u32,
    /// The lines of policy that would lift it, ready to paste; empty if none would.
    pub lift: Vec<String>,
    /// Where to put them, or what else to do.
    pub hint: String,
}

/// An eviction that leaves a workload with no Ready pod for a while.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outage {
    /// `Deployment namespace/name`.
    pub workload: String,
    /// The pod that is its last Ready one.
    pub pod: String,
    /// The node it leaves.
    pub node: String,
    /// Webhooks that have no backend meanwhile and then refuse what they are asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<String>,
}

/// A brake: why the plan may not be carried out as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// `inventory-shrank`, `empty-policy`, `max-nodes`, `max-deletes`, `snapshot-too-old`, `other-cluster`, …
    pub brake: String,
    /// What it found and what to do.
    pub text: String,
    /// The policy's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileRef {
    /// As it was named.
    pub path: String,
    /// SHA-256, in hex.
    pub digest: String,
}

/// Which policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRef {
    /// `metadata.name`.
    pub name: String,
    /// Of the effective policy.
    pub digest: String,
    /// Its files; one in git by an address that reads it again at the same commit.
    pub files: Vec<FileRef>,
    /// The commits that files of it were read at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<Revision>,
}

/// Which observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotRef {
    /// Of its contents; order does not count.
    pub digest: String,
    /// When it was taken.
    pub taken: Option<Timestamp>,
    /// The kubeconfig context, or the sandbox.
    pub context: Option<String>,
    /// Where its API server is; absent for files and sandboxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The cluster's UID.
    pub cluster: Option<String>,
    /// Kinds that were not listed: unknown, not none.
    pub unknown: Vec<String>,
    /// What to say of its age where it is older than `brakes.maxSnapshotAge` at `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The files it was read from, as they were named; none where it cannot be read again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The folder of the sandbox that was looked at, as it was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
}

/// What a person asked for by hand, beside the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskedByHand {
    /// `node/N` or `pool/P`.
    pub object: String,
    /// `parked`, `awake` or `drained`.
    pub wish: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; absent where it stands until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who asked.
    pub author: String,
    /// Why; absent if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<&ByHand> for AskedByHand {
    fn from(asked: &ByHand) -> Self {
        Self {
            object: asked.target.to_string(),
            wish: asked.wish.to_string(),
            since: asked.since,
            until: asked.until,
            author: asked.author.to_string(),
            reason: Some(asked.reason.to_string()).filter(|reason| !reason.is_empty()),
        }
    }
}

/// A node or server with our record that no pool has: it is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unclaimed {
    /// The node, or the server's name where there is none.
    pub node: String,
    /// The server's state, as the provider names it.
    pub state: String,
    /// What it costs per hour, in millionths of the unit; absent without a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour_micros: Option<i64>,
}

/// How the plan reads in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What is wanted is what is there.
    NoChanges,
    /// There are steps.
    Changes,
    /// Something will change later, nothing now.
    NothingNow,
    /// Something is wanted that cannot be had.
    Cannot,
    /// Pods are waited for.
    Waiting,
}

/// The plan in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// In one word.
    pub verdict: Verdict,
    /// The one line that people read and scripts match.
    pub text: String,
    /// Nodes to uncordon that were never parked.
    pub uncordon: u32,
    /// Nodes to wake.
    pub wake: u32,
    /// Nodes to park.
    pub park: u32,
    /// Nodes to park and to wake again, which count as neither.
    #[serde(default, skip_serializing_if = "none")]
    pub restart: u32,
    /// Parked nodes whose record is to be completed.
    #[serde(default, skip_serializing_if = "none")]
    pub record: u32,
    /// Nodes to create.
    pub create: u32,
    /// Nodes to delete.
    pub delete: u32,
    /// Pods to evict.
    pub evictions: u32,
    /// Pods that are waited for.
    pub waits: u32,
    /// Of those that are evicted, pods that wait until their pool may have more nodes.
    #[serde(default, skip_serializing_if = "none")]
    pub asleep: u32,
    /// Of those that are evicted, pods that nothing makes again.
    #[serde(default, skip_serializing_if = "none")]
    pub lost: u32,
    /// Pending pods that have room on nodes that come.
    #[serde(default, skip_serializing_if = "none")]
    pub served: u32,
    /// Pending pods for which nothing can be brought.
    #[serde(default, skip_serializing_if = "none")]
    pub unserved: u32,
}

fn none(count: &u32) -> bool {
    *count == 0
}

/// Cost of something now and after, in millionths of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostLine {
    /// A pool, or `other nodes`.
    pub what: String,
    /// Per hour now.
    pub now_per_hour_micros: i64,
    /// Per hour when the plan is done.
    pub after_per_hour_micros: i64,
    /// For the next seven days.
    pub week_micros: i64,
    /// There are nodes and none of them has a price: the figures are not known rather than zero.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_price: bool,
}

/// Money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanCost {
    /// `SU`, `USD`.
    pub unit: String,
    /// By pool.
    pub pools: Vec<CostLine>,
    /// Nodes in no pool.
    pub other: CostLine,
    /// All pools per hour now.
    pub now_per_hour_micros: i64,
    /// All pools per hour when the plan is done.
    pub after_per_hour_micros: i64,
    /// All pools until the next change.
    pub until_next_change_micros: Option<i64>,
    /// All pools for the next seven days.
    pub week_micros: i64,
    /// All pools for seven days with every member active.
    pub always_on_week_micros: i64,
    /// When the allocation runs out at this policy; absent without an allocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_ends: Option<Timestamp>,
    /// What is left of the balance then, where the allocation ends before that is used up, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_left_micros: Option<i64>,
    /// What the figures leave out, and flavors without a price.
    pub notes: Vec<String>,
}

impl PlanCost {
    /// Whether the pools have nodes and none of those has a price: the sums over pools say nothing.
    pub fn unpriced(&self) -> bool {
        self.always_on_week_micros == 0 && self.pools.iter().any(|line| line.no_price)
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// `1.0`; a new major number may break readers.
    pub format_version: String,
    /// The version that made it.
    pub tidegate: String,
    /// Of the bundled zone database.
    pub tzdb: String,
    /// It may be carried out.
    pub applyable: bool,
    /// Everything it rests on was known.
    pub complete: bool,
    /// Why it is not complete or not applyable.
    pub caveats: Vec<String>,
    /// Which policy.
    pub policy: PolicyRef,
    /// Which observation.
    pub snapshot: SnapshotRef,
    /// The moment it was made for.
    pub now: Timestamp,
    /// The policy's zone, in which times are shown.
    pub time_zone: String,
    /// What it was narrowed to, `node/N` or `pool/P`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// What people asked for by hand and is in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<AskedByHand>,
    /// What is wanted and what is there.
    pub pools: Vec<PoolPlan>,
    /// What to do.
    pub steps: Vec<Step>,
    /// Pods that wait for a node, with what becomes of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Nodes that stay although there are more than are needed, and those that cannot be woken.
    pub kept: Vec<Kept>,
    /// Their reasons, grouped.
    pub blockers: Vec<Blocker>,
    /// Workloads that are without a Ready pod for a while.
    pub outages: Vec<Outage>,
    /// Nodes and servers with our record that no pool of the policy has any more.
    pub unclaimed: Vec<Unclaimed>,
    /// Brakes.
    pub refusals: Vec<Refusal>,
    /// Everything else worth saying.
    pub notes: Vec<String>,
    /// In numbers.
    pub summary: Summary,
    /// Money; absent without rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<PlanCost>,
    /// Of everything else in a plan that was printed or saved: what was edited by hand since is not carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}
