//! Whatever owns pods and says how many there should be.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Name, Owner, PodKey, Selector};

/// The kinds of owners that Tidegate knows more about than their scale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkloadKind {
    /// By way of ReplicaSets.
    Deployment,
    /// So many pods that are alike.
    ReplicaSet,
    /// Its forerunner.
    ReplicationController,
    /// So many pods with a name each.
    StatefulSet,
    /// A pod for each node.
    DaemonSet,
    /// Pods that end.
    Job,
    /// Another kind with a scale, by its name.
    Scaled(Name),
}

impl WorkloadKind {
    /// The kind of that name.
    pub fn named(kind: &str) -> Self {
        match kind {
            "Deployment" => Self::Deployment,
            "ReplicaSet" => Self::ReplicaSet,
            "ReplicationController" => Self::ReplicationController,
            "StatefulSet" => Self::StatefulSet,
            "DaemonSet" => Self::DaemonSet,
            "Job" => Self::Job,
            other => Self::Scaled(other.into()),
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::ReplicationController => "ReplicationController",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::Scaled(kind) => kind,
        })
    }
}

/// A controller of pods, or of controllers of pods (Deployment over ReplicaSet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// What it is.
    pub kind: WorkloadKind,
    /// Namespace and name.
    pub key: PodKey,
    /// `metadata.uid`.
    pub uid: Name,
    /// Its own controller (the Deployment of a ReplicaSet, the CronJob of a Job).
    pub owner: Option<Owner>,
    /// Pods wanted: `spec.replicas` (1 where unset), `spec.parallelism` of a Job; None for a DaemonSet.
    pub replicas: Option<u32>,
    /// `spec.selector`.
    pub selector: Option<Selector>,
    /// A Job that has its completions, or failed for good: it wants no replacement.
    pub finished: bool,
    /// A Job whose podFailurePolicy ignores the condition DisruptionTarget: an eviction costs it no retry.
    pub ignores_disruption: bool,
    /// A StatefulSet with `podManagementPolicy: Parallel`.
    pub parallel: bool,
    /// Nodes that a DaemonSet which reboots nodes has locked for that (kured's annotation on itself).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reboots: Vec<RebootLock>,
    /// What such a DaemonSet is told of when it may: its arguments that are about days and times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reboot_times: Vec<Name>,
}

/// That a node is about to be rebooted, or comes back from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebootLock {
    /// The node.
    pub node: Name,
    /// When the lock counts no more, whoever holds it; None if it has to be given back.
    pub until: Option<Timestamp>,
}

impl Workload {
    /// Whether `owner` means this one: by UID where both have one, else by kind and name. A UID that a dump lacks is made
    /// up of kind, namespace and name, with a blank, which no UID has.
    pub fn is(&self, owner: &Owner) -> bool {
        let made_up = |uid: &str| uid.contains(' ');
        self.uid == owner.uid
            || ((made_up(&self.uid) || made_up(&owner.uid))
                && self.key.name == owner.name
                && self.kind == WorkloadKind::named(&owner.kind))
    }
}
