//! A Kubernetes Node, as far as capacity decisions look at it.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Labels, Name, Resources};

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaintEffect {
    /// No new pods that do not tolerate it.
    NoSchedule,
    /// New pods where else there is no room.
    PreferNoSchedule,
    /// Pods that do not tolerate it are evicted too.
    NoExecute,
}

/// A taint on a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// The key.
    pub key: Name,
    /// The value, often empty.
    pub value: Name,
    /// The effect.
    pub effect: TaintEffect,
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.value.is_empty() { "" } else { "=" };
        write!(f, "{}{separator}{}:{:?}", self.key, self.value, self.effect)
    }
}

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Nobody heard.
    Unknown,
}

/// The condition that says a node's server is parked: Cluster Autoscaler from 1.36 on does not count such a node as
/// unready.
pub const SUSPENDED: &str = "Suspended";

/// One entry of `status.conditions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `Ready`, `MemoryPressure`, `Suspended`, …
    pub kind: Name,
    /// Its status.
    pub status: ConditionStatus,
    /// When the kubelet last posted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Timestamp>,
    /// When the status last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Timestamp>,
}

/// A Node object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// `metadata.name`.
    pub name: Name,
    /// `metadata.uid`; empty where a dump has none.
    pub uid: Name,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `metadata.annotations`, without those that only repeat the object (`last-applied-configuration`).
    pub annotations: Labels,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// `spec.unschedulable`: cordoned by somebody.
    pub unschedulable: bool,
    /// `spec.taints`, sorted.
    pub taints: BTreeSet<Taint>,
    /// `spec.providerID`.
    pub provider_id: Option<Name>,
    /// What pods may ask for. A node without capacity has zeros here and takes no pod.
    pub allocatable: Resources,
    /// What the machine has.
    pub capacity: Resources,
    /// `status.conditions` in their order.
    pub conditions: Vec<Condition>,
    /// `status.nodeInfo.kubeletVersion`.
    pub kubelet_version: Option<Name>,
    /// `status.addresses` of type ExternalIP.
    pub external_addresses: Vec<Name>,
    /// `status.volumesInUse`: disks that the kubelet has mounted, by the names that only it and the controller know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes_in_use: Vec<Name>,
}

impl Node {
    /// The condition called `kind`.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| &*condition.kind == kind)
    }

    /// Whether the kubelet says Ready. No Ready condition at all (a dump that was slimmed) is not Ready.
    pub fn ready(&self) -> bool {
        self.condition("Ready").is_some_and(|ready| ready.status == ConditionStatus::True)
    }

    /// Whether it carries a control-plane role label or taint.
    pub fn control_plane(&self) -> bool {
        const KEYS: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
        KEYS.iter().any(|key| self.labels.contains_key(*key) || self.taints.iter().any(|taint| &*taint.key == *key))
    }
}
