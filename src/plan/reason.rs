//! Why a step is taken, why a node stays, why a pod blocks: a closed set, with evidence.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Origin;

/// The closed set of reasons. The names are public: scripts match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Code {
    // Why a step is taken.
    BelowFloor,
    AboveCeiling,
    NotNeeded,
    Override,
    WindDown,
    GiveBack,
    // Why a node stays.
    Floor,
    Keep,
    ControlPlane,
    Hold,
    OtherOwner,
    RunsHere,
    FrontDoor,
    HoldsStorage,
    ScaleDownDisabled,
    RecentlyFailed,
    Foreign,
    CordonedByOther,
    StoppedByOther,
    StartedByHand,
    SpreadDomainStays,
    MinParked,
    Headroom,
    Freeze,
    Brake,
    OverCeiling,
    Parallelism,
    MaxUnavailable,
    WaitsForPods,
    ServerUnknown,
    ServerBusy,
    ServerError,
    NotReady,
    RecordUnreadable,
    Unclaimed,
    NotActedOn,
    Target,
    // Why a pod does not leave.
    DoNotDisrupt,
    PolicyBlock,
    PolicyWait,
    JobRuns,
    NoController,
    DaemonSet,
    ControllerNotFound,
    MinReplicas,
    LocalStorage,
    SystemPod,
    LongGrace,
    Budget,
    ImpliedBudget,
    NoOtherHome,
    NoCreate,
    BackOff,
    PoolBroken,
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
