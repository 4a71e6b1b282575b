//! A Pod: who it is, where it runs, how it is, and the part of its spec that decisions look at.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Labels, Name, PodKey, PodSpec};

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Not on a node, or its containers are not there yet.
    Pending,
    /// On a node.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// Its node is silent.
    Unknown,
}

/// The owner reference with `controller: true`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// `apps/v1`.
    pub api_version: Name,
    /// `ReplicaSet`.
    pub kind: Name,
    /// The owner's name, in the pod's namespace.
    pub name: Name,
    /// The owner's UID.
    pub uid: Name,
}

/// A Pod object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace and name.
    pub key: PodKey,
    /// `metadata.uid`; `namespace/name` where a dump has none, so that it is never empty.
    pub uid: Name,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `metadata.annotations`, without those that only repeat the object.
    pub annotations: Labels,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// `metadata.deletionTimestamp`: the moment by which it will be killed.
    pub deletion: Option<Timestamp>,
    /// The controller, if it has one.
    pub owner: Option<Owner>,
    /// `spec.nodeName`. The node may be missing from the snapshot.
    pub node: Option<Name>,
    /// `status.nominatedNodeName`.
    pub nominated_node: Option<Name>,
    /// `status.phase`.
    pub phase: Phase,
    /// Condition Ready is True.
    pub ready: bool,
    /// Since when `ready` is what it is.
    pub ready_since: Option<Timestamp>,
    /// Condition PodScheduled is False with reason Unschedulable.
    pub marked_unschedulable: bool,
    /// The message of that condition while it is False: why the scheduler found no node when it last looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unscheduled_message: Option<Name>,
    /// A container waits in CrashLoopBackOff.
    pub crash_looping: bool,
    /// What it needs and tolerates; pods from one template share it.
    pub spec: Arc<PodSpec>,
}

impl Pod {
    /// A pod of which nothing but this is known: Pending, nobody's, on no node, without a UID.
    pub fn new(key: PodKey, spec: Arc<PodSpec>) -> Self {
        Self {
            key,
            uid: Name::default(),
            labels: Labels::default(),
            annotations: Labels::default(),
            created: None,
            deletion: None,
            owner: None,
            node: None,
            nominated_node: None,
            phase: Phase::Pending,
            ready: false,
            ready_since: None,
            marked_unschedulable: false,
            unscheduled_message: None,
            crash_looping: false,
            spec,
        }
    }

    /// A static pod's shadow in the API (`kubernetes.io/config.mirror`).
    pub fn mirror(&self) -> bool {
        self.annotations.contains_key("kubernetes.io/config.mirror")
    }

    /// Whether a DaemonSet owns it, or it says it counts as such.
    pub fn daemon(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| &*owner.kind == "DaemonSet")
            || self.annotations.get("cluster-autoscaler.kubernetes.io/daemonset-pod").is_some_and(|v| &**v == "true")
    }

    /// Succeeded or Failed: it uses nothing and comes back by nobody's doing but its controller's.
    pub fn finished(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// Its deletion has been asked for.
    pub fn terminating(&self) -> bool {
        self.deletion.is_some()
    }
}
