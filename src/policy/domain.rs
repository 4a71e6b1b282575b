//! The validated policy: what the planner reads.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Ask, Hook, Idle, Origin, Pool, Revision};
use crate::model::{CapacityType, IntOrPercent, Money, Name, PerMille, Pod, Resources, Selector, Target};

/// A file that the policy was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFile {
    /// As it was named.
    pub path: Name,
    /// SHA-256 of its bytes, in hex.
    pub digest: Name,
}

/// Most capacity that may be active, over all pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Millicores and bytes, and GPUs among the extended resources; 1000 cores and 4000 GiB by default.
    pub resources: Resources,
    /// Nodes.
    pub nodes: Option<u32>,
    /// Cost per hour.
    pub cost_per_hour: Option<Money>,
    /// The limits that were not written.
    pub defaulted: Vec<Name>,
    /// Where it stands.
    pub origin: Option<Origin>,
}

/// How long a cloud gets to free the host of a shelved server, unless the policy says otherwise.
pub const OFFLOAD_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// How a provider is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProviderKind {
    /// OpenStack, an entry of clouds.yaml.
    Openstack {
        /// The entry's name.
        cloud: Name,
        /// The region, where the entry has several.
        region: Option<Name>,
        /// How long to wait for a shelved server's host to be freed after that was asked for, 2 min by default.
        offload_timeout: SignedDuration,
    },
    /// The operator's own programs.
    Command {
        /// The program and its arguments.
        run: Vec<Name>,
        /// How long one question may take, 5 min by default.
        deadline: SignedDuration,
        /// How it parks servers.
        parks: Vec<Idle>,
    },
}

impl ProviderKind {
    /// The ways in which it sells servers.
    pub fn buys(&self) -> &'static [CapacityType] {
        match self {
            Self::Openstack { .. } => &[CapacityType::OnDemand],
            // What its programs cannot buy they refuse themselves.
            Self::Command { .. } => &[CapacityType::Reserved, CapacityType::Spot, CapacityType::OnDemand],
        }
    }

    /// How long to wait for a shelved server's host to be freed.
    pub fn offload_timeout(&self) -> SignedDuration {
        match self {
            Self::Openstack { offload_timeout, .. } => *offload_timeout,
            Self::Command { .. } => OFFLOAD_TIMEOUT,
        }
    }
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name in the policy.
    pub name: Name,
    /// How it is reached.
    pub kind: ProviderKind,
    /// Where it stands.
    pub origin: Origin,
}

/// A temporary exception to the policy by a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// What for. Of a node `min: 1` keeps it awake, `max: 0` parked.
    pub target: Target,
    /// What is asked.
    pub ask: Ask,
    /// It ends here.
    pub expires: Timestamp,
    /// Why.
    pub reason: Name,
    /// Who.
    pub author: Option<Name>,
    /// Where it stands.
    pub origin: Origin,
}

/// What a scheduler thinks of full nodes: `scoringStrategy` of its plugin NodeResourcesFit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Scoring {
    /// The emptier the better.
    #[default]
    LeastAllocated,
    /// The fuller the better.
    MostAllocated,
}

/// How a scheduler of the cluster likes nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduler {
    /// What pods call it.
    pub name: Name,
    /// How it scores.
    pub scoring: Scoring,
    /// Where it stands.
    pub origin: Origin,
}

/// What to do with pods that `drain.pods` matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DrainAction {
    /// May go although it has no controller, is in kube-system or has declared local storage. Lifts nothing else.
    Evict,
    /// Wait for it to end, up to `atMost`.
    Wait,
    /// The node stays.
    Block,
    /// Cordon, one such node at a time, and wait for its budget to open (H19).
    CordonFirst,
}

/// An entry of `drain.pods`; the first that matches a pod decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainRule {
    /// In these namespaces; empty is all.
    pub namespaces: Vec<Name>,
    /// With these labels; None is all.
    pub labels: Option<Selector>,
    /// With a controller of this kind, `none` for bare pods; empty is all.
    pub owner_kinds: Vec<Name>,
    /// What to do.
    pub action: DrainAction,
    /// For `wait`: how long a wait may last; None is without end. For `cordonFirst`: how long its budget may stay closed
    /// after the cordon; None is `budgetTimeout`.
    pub at_most: Option<SignedDuration>,
    /// Where it stands.
    pub origin: Origin,
}

impl DrainRule {
    /// Whether it takes the pod in.
    pub fn matches(&self, pod: &Pod) -> bool {
        takes_in(pod, &self.namespaces, self.labels.as_ref(), &self.owner_kinds)
    }
}

/// Whether a pod is meant by these conditions, of which an empty one is none. One without a controller has the kind `none`.
fn takes_in(pod: &Pod, namespaces: &[Name], labels: Option<&Selector>, owner_kinds: &[Name]) -> bool {
    let kind = pod.owner.as_ref().map_or("none", |owner| &owner.kind);
    let has = |names: &[Name], wanted: &str| names.is_empty() || names.iter().any(|name| &**name == wanted);
    has(namespaces, &pod.key.namespace)
        && has(owner_kinds, kind)
        && labels.is_none_or(|selector| selector.matches(&pod.labels))
}

/// What becomes of some pods that have no other home where their pool has more nodes than it may (H20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoHome {
    /// In these namespaces; empty is all.
    pub namespaces: Vec<Name>,
    /// With these labels; None is all.
    pub labels: Option<Selector>,
    /// With a controller of this kind, `none` for bare pods; empty is all.
    pub owner_kinds: Vec<Name>,
    /// They wait Pending until the pool may have more nodes again; else they keep their node.
    pub sleeps: bool,
    /// Where it stands.
    pub origin: Origin,
}

impl Drain {
    /// The entry by which a pod may wait Pending for a while, if the first that takes it in says so.
    pub fn sleeps(&self, pod: &Pod) -> Option<&NoHome> {
        let entry = self
            .when_no_home
            .iter()
            .find(|entry| takes_in(pod, &entry.namespaces, entry.labels.as_ref(), &entry.owner_kinds));
        entry.filter(|entry| entry.sleeps)
    }
}

impl Disposable {
    /// Whether it speaks of volumes of this pod, by namespace and labels.
    pub fn of(&self, pod: &Pod) -> bool {
        (self.namespaces.is_empty() || self.namespaces.contains(&pod.key.namespace))
            && self.labels.as_ref().is_none_or(|selector| selector.matches(&pod.labels))
    }
}

/// Local volumes that may be lost. All conditions that are given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposable {
    /// Of pods in these namespaces; empty is all.
    pub namespaces: Vec<Name>,
    /// Of pods with these labels; None is all.
    pub labels: Option<Selector>,
    /// Volumes of these names, `*` allowed; empty is all.
    pub volumes: Vec<Name>,
    /// Where it stands.
    pub origin: Origin,
}

/// What to do when a pod does not go in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnTimeout {
    /// Give the node back (the default).
    #[default]
    GiveBack,
    /// Delete the pod; the plan spells it out.
    Delete,
}

/// How nodes are drained. Durations in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// From an accepted eviction until the old pod is gone; its own grace + 30 s where that is longer. 120 s.
    pub pod_timeout: SignedDuration,
    /// From then until the replacement is Ready. 300 s.
    pub ready_timeout: SignedDuration,
    /// How long one pod may wait for its budget to open. 600 s.
    pub budget_timeout: SignedDuration,
    /// A longer grace period blocks at plan time (H5). 10 min.
    pub longest_grace: SignedDuration,
    /// Least share of Ready pods of a workload without a budget (H1), in per cent; 0 turns it off. 50.
    pub implied: u32,
    /// What to do on a time-out.
    pub on_timeout: OnTimeout,
    /// Between the last pod gone and the server's end where front doors are (H15). 30 s.
    pub traffic_grace: SignedDuration,
    /// Local volumes that may be lost.
    pub disposable: Vec<Disposable>,
    /// Rules by pod, in order.
    pub pods: Vec<DrainRule>,
    /// What becomes of pods without another home, the first that takes a pod in decides; else they keep their node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_no_home: Vec<NoHome>,
    /// Where `drain` stands.
    pub origin: Option<Origin>,
}

/// The share of the price that each state is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateShares {
    /// Running; 1000.
    pub active: PerMille,
    /// SUSPENDED and PAUSED; 1000 unless written.
    pub suspended: PerMille,
    /// SHUTOFF; 1000 unless written.
    pub stopped: PerMille,
    /// SHELVED and SHELVED_OFFLOADED; 1000 unless written.
    pub shelved: PerMille,
}

/// Prices from a date on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The provider; None is all.
    pub provider: Option<Name>,
    /// What is counted, for output: `SU`, `USD`.
    pub unit: Name,
    /// From this instant on; None is always. The latest that has begun counts, per flavor.
    pub from: Option<Timestamp>,
    /// Per hour, by flavor.
    pub per_hour: BTreeMap<Name, Money>,
    /// By state.
    pub charged: StateShares,
    /// Where it stands.
    pub origin: Origin,
}

/// What is left to spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// What was left at `as_of`.
    pub balance: Money,
    /// When that was read.
    pub as_of: Timestamp,
    /// When the allocation ends, whatever is left.
    pub ends: Option<Timestamp>,
    /// Where it stands.
    pub origin: Origin,
}

/// When to refuse what takes capacity away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brakes {
    /// Most nodes that one apply may take away; None is no limit.
    pub max_nodes: Option<IntOrPercent>,
    /// Most servers that one apply may delete; 3.
    pub max_deletes: u32,
    /// Oldest snapshot that `apply` acts on; 10 min.
    pub max_snapshot_age: SignedDuration,
    /// Largest share of NotReady nodes where a Cluster Autoscaler runs, in per cent; 45, its own default.
    pub max_unready: u32,
    /// Least share of the remembered members that must still be there, in per cent; 50.
    pub min_inventory: u32,
    /// Where it stands.
    pub origin: Option<Origin>,
}

/// DaemonSet pods that must be Ready before a woken node is uncordoned. All conditions that are given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeRequirement {
    /// In these namespaces; empty is all.
    pub namespaces: Vec<Name>,
    /// With these labels; None is all.
    pub labels: Option<Selector>,
    /// Where it stands.
    pub origin: Origin,
}

/// When a woken node may be uncordoned (H8, H10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// From an accepted wake until the node is Ready with what it must have. 15 min.
    pub join_timeout: SignedDuration,
    /// What must be Ready besides system-node-critical DaemonSets.
    pub require: Vec<WakeRequirement>,
    /// Where `wake` stands.
    pub origin: Option<Origin>,
}

impl Wake {
    /// Whether the pod must be Ready.
    pub fn requires(&self, pod: &Pod) -> bool {
        self.require.iter().any(|one| {
            (one.namespaces.is_empty() || one.namespaces.contains(&pod.key.namespace))
                && one.labels.as_ref().is_none_or(|selector| selector.matches(&pod.labels))
        })
    }
}

/// A validated policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// `metadata.name`.
    pub name: Name,
    /// SHA-256 over the effective policy, in hex; comments and order of files do not count.
    pub digest: Name,
    /// The files.
    pub files: Vec<PolicyFile>,
    /// The commits that files of it were read at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<Revision>,
    /// `spec.cluster`: the only cluster it is for.
    pub cluster: Option<Name>,
    /// Where that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_origin: Option<Origin>,
    /// `spec.timeZone`, `UTC` by default.
    pub time_zone: Name,
    /// Limits over all pools.
    pub limits: Limits,
    /// Providers by name.
    pub providers: BTreeMap<Name, Provider>,
    /// Pools in the policy's order.
    pub pools: Vec<Pool>,
    /// Overrides, expired ones too.
    pub overrides: Vec<Override>,
    /// How nodes are drained.
    pub drain: Drain,
    /// When woken nodes may be uncordoned.
    pub wake: Wake,
    /// What is called before a drain and after a wake, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// Prices.
    pub rates: Vec<Rate>,
    /// What is left to spend.
    pub allocation: Option<Allocation>,
    /// When to refuse.
    pub brakes: Brakes,
    /// Schedulers that do not score as the default one does by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedulers: Vec<Scheduler>,
}

/// What pods that name no scheduler have in their spec.
const DEFAULT_SCHEDULER: &str = "default-scheduler";

impl Policy {
    /// What is said of the scheduler that pods with this `schedulerName` have; None where the policy does not name it.
    pub fn scheduler(&self, name: Option<&str>) -> Option<&Scheduler> {
        let name = name.unwrap_or(DEFAULT_SCHEDULER);
        self.schedulers.iter().find(|scheduler| &*scheduler.name == name)
    }
}
