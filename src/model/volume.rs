//! Storage objects: what ties a pod to a zone, a node or a number of attachments.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Disk, Labels, Name, NodeTerm, PodKey, Selector};

/// What a claim asks of its volume: the spec of a claim, or of the template of an ephemeral volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimSpec {
    /// The storage class: of the beta annotation, or else `storageClassName`. None asks for volumes without a class.
    pub class: Option<Name>,
    /// `ReadWriteOnce`, `ReadWriteOncePod`, …
    pub access_modes: BTreeSet<Name>,
    /// Requested bytes; 0 where nothing is requested.
    pub bytes: i64,
    /// Which volumes will do; None takes any.
    pub selector: Option<Selector>,
    /// `volumeMode: Block`.
    pub block: bool,
    /// `volumeAttributesClassName`.
    pub attributes_class: Option<Name>,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Namespace and name.
    pub key: PodKey,
    /// `metadata.uid`; `namespace/name` where a dump has none.
    pub uid: Name,
    /// UID of the controller: of the pod, for the claim of an ephemeral volume.
    pub owner: Option<Name>,
    /// What it asks for.
    pub spec: ClaimSpec,
    /// The volume it is bound to, or wants to be bound to.
    pub volume: Option<Name>,
    /// Annotation `pv.kubernetes.io/bind-completed`: the binding to `volume` is complete. `status.phase: Bound`, which the
    /// same controller writes afterwards, stands in where a dump has no annotations.
    pub bound: bool,
    /// `status.phase: Lost`.
    pub lost: bool,
    /// Its deletion has been asked for.
    pub deleting: bool,
    /// Annotation `volume.kubernetes.io/selected-node`: the volume is being made for a pod on this node.
    pub selected_node: Option<Name>,
}

/// A PersistentVolume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistentVolume {
    /// Its name.
    pub name: Name,
    /// `metadata.labels`: those of its zone and region bind it too.
    pub labels: Labels,
    /// Required node affinity: any term; None if any node may have it.
    pub node_affinity: Option<Vec<NodeTerm>>,
    /// The disk, if a CSI driver attaches one.
    pub disk: Option<Disk>,
    /// A directory or disk of one node (`local`, `hostPath`).
    pub local: bool,
    /// The storage class, as with a claim.
    pub class: Option<Name>,
    /// Capacity in bytes.
    pub bytes: i64,
    /// `ReadWriteOnce`, …
    pub access_modes: BTreeSet<Name>,
    /// `volumeMode: Block`.
    pub block: bool,
    /// `volumeAttributesClassName`.
    pub attributes_class: Option<Name>,
    /// The claim it is bound to or kept for.
    pub claim: Option<PodKey>,
    /// The UID of that claim; None for any of that name.
    pub claim_uid: Option<Name>,
    /// `status.phase: Available`.
    pub available: bool,
    /// Its deletion has been asked for.
    pub deleting: bool,
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
    /// `allowedTopologies`: any of these; empty allows every node.
    pub topologies: Vec<NodeTerm>,
}

/// A CSINode: the drivers on a node and how many volumes each can attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsiNode {
    /// The node's name.
    pub name: Name,
    /// Driver to attach limit; None is unlimited.
    pub drivers: BTreeMap<Name, Option<u32>>,
    /// Annotation `storage.alpha.kubernetes.io/migrated-plugins`: the in-tree plugins whose volumes CSI drivers attach here.
    pub migrated: BTreeSet<Name>,
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

/// A CSIDriver, as far as the scheduler heeds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsiDriver {
    /// Its name, which is the provisioner of its classes.
    pub name: Name,
    /// `storageCapacity`: a volume is made only where a [`StorageCapacity`] says that there is room for it.
    pub storage_capacity: bool,
    /// `preventPodSchedulingIfMissing`: its volumes need a node on which it is installed.
    pub must_be_there: bool,
}

/// A CSIStorageCapacity: how much room there is for new volumes of a class on some nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageCapacity {
    /// Namespace and name.
    pub key: PodKey,
    /// The storage class.
    pub class: Name,
    /// Labels of the nodes that reach it; None for none of them.
    pub nodes: Option<Selector>,
    /// `capacity` in bytes.
    pub bytes: Option<i64>,
    /// `maximumVolumeSize` in bytes.
    pub largest: Option<i64>,
}
