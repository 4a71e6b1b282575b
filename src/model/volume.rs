//! Storage objects: what ties a pod to a zone, a node or a number of attachments.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Name, NodeTerm, PodKey};

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Namespace and name.
    pub key: PodKey,
    /// The volume it is bound to.
    pub volume: Option<Name>,
    /// `spec.storageClassName`.
    pub class: Option<Name>,
    /// `ReadWriteOnce`, `ReadWriteOncePod`, …
    pub access_modes: BTreeSet<Name>,
}

/// A PersistentVolume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistentVolume {
    /// Its name.
    pub name: Name,
    /// Required node affinity: any term; None if any node may have it.
    pub node_affinity: Option<Vec<NodeTerm>>,
    /// Zone and region labels of volumes from before node affinity.
    pub zone_labels: BTreeMap<Name, Name>,
    /// The CSI driver.
    pub driver: Option<Name>,
    /// A directory or disk of one node (`local`, `hostPath`).
    pub local: bool,
    /// `ReadWriteOnce`, …
    pub access_modes: BTreeSet<Name>,
    /// The claim it is bound to.
    pub claim: Option<PodKey>,
}

/// A StorageClass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageClass {
    /// Its name.
    pub name: Name,
    /// `provisioner`.
    pub provisioner: Name,
    /// `volumeBindingMode: WaitForFirstConsumer`.
    pub waits_for_consumer: bool,
    /// `allowedTopologies`: any of these.
    pub topologies: Vec<NodeTerm>,
}

/// A CSINode: the drivers on a node and how many volumes each can attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsiNode {
    /// The node's name.
    pub name: Name,
    /// Driver to attach limit; None is unlimited.
    pub drivers: BTreeMap<Name, Option<u32>>,
}

/// A VolumeAttachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeAttachment {
    /// Its name.
    pub name: Name,
    /// The driver.
    pub attacher: Name,
    /// The node.
    pub node: Name,
    /// The volume.
    pub volume: Option<Name>,
    /// `status.attached`.
    pub attached: bool,
}
