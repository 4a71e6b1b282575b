//! Why a step is taken, why a node stays, why a pod blocks: a closed set, with evidence.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Origin;

/// The closed set of reasons. The names are public: scripts match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    // Why a step is taken.
    /// The pool is to have at least so many nodes.
    BelowFloor,
    /// Pending pods need it.
    Demand,
    /// The pool is to have at most so many nodes.
    AboveCeiling,
    /// Everything on the node has another home, and the floor is held without it.
    NotNeeded,
    /// A person asked for it, for a while.
    Override,
    /// A window ends soon: cordoned so long before.
    WindDown,
    /// What was begun with the node is no longer wanted.
    GiveBack,
    /// Its server was parked after the execution that drained it was cut short: its record does not say so yet.
    RecordBehind,
    /// It is not Ready for too long: restarted or replaced.
    Repair,
    /// A server that Tidegate made is in error, or did not become a node in time (H8).
    NeverJoined,
    /// The server is deleted, and only the Node is left.
    LeftOver,
    // Why a node stays.
    /// The pool would fall below its floor.
    Floor,
    /// The policy keeps it.
    Keep,
    /// It carries the control plane.
    ControlPlane,
    /// A person holds it.
    Hold,
    /// Another system adds, removes or repairs it (H16).
    OtherOwner,
    /// Tidegate itself runs on it (H17).
    RunsHere,
    /// It holds the lock of what reboots nodes (H25).
    RebootLock,
    /// Traffic from outside enters by it (H15).
    FrontDoor,
    /// Data lives on it (H11).
    HoldsStorage,
    /// It carries the mark against scaling down.
    ScaleDownDisabled,
    /// A drain of it failed, and is barred for a while (H3).
    RecentlyFailed,
    /// Somebody else cordoned it.
    CordonedByOther,
    /// Somebody else stopped its server (H23).
    StoppedByOther,
    /// Somebody started its server by hand (H23).
    StartedByHand,
    /// A pod that spreads would be stranded by the Node that stays (H7).
    SpreadDomainStays,
    /// It would be wanted again too soon (H26).
    MinParked,
    /// Nothing has needed it for too short a time.
    UnneededFor,
    /// Spare capacity is kept on it.
    Headroom,
    /// A freeze is open.
    Freeze,
    /// It is above the ceiling, and pods on it have no other home (H20).
    OverCeiling,
    /// As many nodes as may go at once go before it.
    Parallelism,
    /// Pods on it are waited for.
    WaitsForPods,
    /// Its server is not known.
    ServerUnknown,
    /// Its server does not allow what would be done with it.
    ServerRefuses,
    /// Its kubelet's version does not fit the API server's.
    KubeletSkew,
    /// Its server is at work for the provider.
    ServerBusy,
    /// Its server is in error.
    ServerError,
    /// Its kubelet is silent or says no.
    NotReady,
    /// A pod on it cannot be read, so nobody knows what would become of it.
    PodUnreadable,
    /// Our record on it cannot be read.
    RecordUnreadable,
    /// Its server was not made by Tidegate, and the pool adopts none: it is not deleted.
    NotOurs,
    /// The last backend of a webhook without which nothing replaces it would leave (H17).
    WebhookLockout,
    // Why a pod does not leave.
    /// A mark on the pod forbids it.
    DoNotDisrupt,
    /// `drain.pods` says block.
    PolicyBlock,
    /// `drain.pods` says wait.
    PolicyWait,
    /// A Job is at work (H4).
    JobRuns,
    /// Nothing would recreate it.
    NoController,
    /// It belongs to a DaemonSet.
    DaemonSet,
    /// Its controller is not there.
    ControllerNotFound,
    /// Its controller wants too few.
    MinReplicas,
    /// It keeps data on the node that is not declared disposable.
    LocalStorage,
    /// A young pod of kube-system without a budget.
    SystemPod,
    /// It asks for more grace than `drain.longestGrace` (H5).
    LongGrace,
    /// Its disruption budget allows none.
    Budget,
    /// Its disruption budget lets fewer pods be away than would sleep (H20).
    SleepBudget,
    /// Half of its workload stays Ready (H1).
    ImpliedBudget,
    /// It fits on no other node.
    NoOtherHome,
    /// Only a new node could fill the floor, or take the pod.
    NoCreate,
    /// A wake failed, and is tried again later (H8).
    BackOff,
    /// Three wakes in a row failed (H8).
    PoolBroken,
    /// The provider's quota does not allow it.
    Quota,
    /// The policy's limits over all pools do not allow it.
    Limit,
    // Why a pod waits, or does not.
    /// The policy lets it wait until its pool may have more nodes (H20).
    Sleeps,
    /// There is room for it on a node that is up.
    HasRoom,
    /// There is room for it by simulation, and the scheduler goes on refusing it (H9).
    PlacementDisagrees,
    /// No node of any pool would take it.
    NoNodeFits,
    /// The pool that could take it is to have no more nodes.
    Ceiling,
    /// Its scheduling gates are still there.
    Gated,
    /// It is less important than what nodes are brought for.
    LowPriority,
    /// The scheduler makes room for it.
    Nominated,
    /// The scheduler has not refused it.
    NotRefused,
    /// A node that would come for it was not asked about (`--target`).
    Target,
}

/// What a reason rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Evidence {
    /// The pod, `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The budget, `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The workload, `Deployment namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Another node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// A volume's name in the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// A label, annotation or taint key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A window, exception or override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Until when it holds, or when it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A reason with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    /// Which.
    pub code: Code,
    /// In words, one sentence without a full stop.
    pub text: String,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub evidence: Evidence,
    /// The policy's line that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

fn is_default(evidence: &Evidence) -> bool {
    *evidence == Evidence::default()
}
