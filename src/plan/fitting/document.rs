//! What is said of one pod: the public format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{NodeAnswer, Outlook, Reason};

/// How a pod stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PodVerdict {
    /// It has a node, and another could take it.
    FitsElsewhere,
    /// It has a node, and no other can take it.
    FitsNowhereElse,
    /// It belongs to its node: a DaemonSet's pod or a static one.
    Tied,
    /// It is pending though a node could take it.
    Fits,
    /// It is pending, and no node can take it.
    Unschedulable,
    /// Whether a node could take it is not known: what decides it is not in the snapshot, or is not simulated.
    Unknown,
    /// It is pending, and fits only where the scheduler pushes out pods of lower priority.
    Preempts,
    /// It is pending, and a node was promised to it where pods are still going.
    Promised,
    /// It waits for its scheduling gates.
    Gated,
    /// It is being deleted.
    Terminating,
    /// It has succeeded or failed.
    Finished,
}

/// What kind of change helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HelpKind {
    /// Its scheduling gates go.
    Gates,
    /// The scheduler pushes out pods of lower priority.
    Preemption,
    /// A parked node of a pool is woken.
    Wake,
    /// A node is uncordoned.
    Uncordon,
    /// A node becomes Ready, or a condition of it passes.
    Ready,
    /// It asks for less.
    Request,
    /// It tolerates a taint.
    Toleration,
    /// It does without a label of its node selector, or all of it.
    NodeSelector,
    /// It does without its required node affinity.
    NodeAffinity,
    /// It does without its required affinity to other pods.
    PodAffinity,
    /// It does without its required anti-affinity.
    PodAntiAffinity,
    /// It does without a label that the anti-affinity of other pods means.
    Label,
    /// It does without a hard topology spread.
    Spread,
    /// It does without its ports on the node.
    HostPorts,
    /// A pool gets one more node of its kind.
    NewNode,
}

/// One change after which a node that cannot take the pod now could.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Help {
    /// Its kind.
    pub kind: HelpKind,
    /// The change in words.
    pub text: String,
    /// The nodes that could take the pod then, of each of several nodes that are woken or uncordoned it alone; none for a
    /// node that does not exist yet.
    pub nodes: Vec<String>,
}

/// What the scheduler says of a pending pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchedulerWords {
    /// Its message as it would be for the snapshot: `0/10 nodes are available: 3 Insufficient cpu, ...`; absent where nobody
    /// can know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The message of the pod's condition PodScheduled, where the scheduler wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The two say the same, but for what is said of preemption; false too if there is no condition.
    pub agree: bool,
}

/// What the policy lets a drain do to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leaving {
    /// `goes`, `stays`, `waits`, `blocks`.
    pub answer: String,
    /// Why.
    pub text: String,
    /// Other nodes that could take it when the plan is done.
    pub homes: u32,
    /// It may be evicted, and nothing makes it again: the homes are nothing to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

/// What Tidegate's plan does for a pending pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promise {
    /// In one word.
    pub outlook: Outlook,
    /// The node that takes it, by simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Why so.
    pub reason: Reason,
    /// The verbs of the steps after which that node takes it, in order; none if it does now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// How far the scores of nodes are the scheduler's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scored {
    /// The scheduler that the pod wants.
    pub scheduler: String,
    /// It is the default one, or one whose way to score the policy tells; otherwise the scores are those that the default
    /// one would give.
    pub known: bool,
    /// How many of the nodes that could take the pod it scores. Where that is not all, it begins somewhere in its list, and
    /// no snapshot tells where: any of them may be the best of those that it sees.
    pub of: u32,
}

/// How much a pod asks of a resource, and what there is of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asks {
    /// `cpu`, `memory`, an extended one.
    pub resource: String,
    /// What it asks, init containers and overhead included, as Kubernetes writes it.
    pub asked: String,
    /// The most that any node has left.
    pub most_left: String,
    /// The most that any node has.
    pub largest: String,
}

/// A pending pod that a node was promised to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Nominee {
    /// `namespace/name`.
    pub pod: String,
    /// The node.
    pub node: String,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An explanation of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodExplanation {
    /// `namespace/name`.
    pub pod: String,
    /// In one word.
    pub verdict: PodVerdict,
    /// In one sentence.
    pub text: String,
    /// The node it is on.
    pub node: Option<String>,
    /// The node that the scheduler promised it, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<String>,
    /// What the scheduler says of it while it is pending and not gated.
    pub scheduler: Option<SchedulerWords>,
    /// What each node says, its own too, as if it were to be placed anew: first those that could take it, the one that the
    /// scheduler likes best first; then the others in natural order. None for a pod that the scheduler has no say in.
    pub nodes: Vec<NodeAnswer>,
    /// What it asks of resources of which some node has too little left, the largest lack first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Asks>,
    /// Pending pods that were promised a node which refuses this one, and what they hold there is held against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nominees: Vec<Nominee>,
    /// What the scores of those nodes are worth; none if no node could take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored: Option<Scored>,
    /// What would give it a node, or another one, where there is none: by asking again with that one thing changed.
    pub helps: Vec<Help>,
    /// Changes of the pod that were not tried, for there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untried: u32,
    /// What could not be read, or was not: any of this may rest on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// With a policy, of a pod that has a node: what a drain may do to it.
    pub leaving: Option<Leaving>,
    /// With a policy, of a pod that is pending: what the plan does for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
}
