//! One change to what is observed: what a watch delivers.

use serde::{Deserialize, Serialize};

use super::{
    Budget, Claim, CsiDriver, CsiNode, Flavor, Memory, Name, Node, PersistentVolume, Pod, PodKey, Quota, Server,
    Service, StorageCapacity, StorageClass, VolumeAttachment, Workload, WorkloadKind,
};

/// One object came, changed or went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the object of that kind, or the key of one that is gone")]
pub enum Change {
    Node(Node),
    NodeGone(Name),
    Pod(Pod),
    PodGone(PodKey),
    Budget(Budget),
    BudgetGone(PodKey),
    Workload(Workload),
    WorkloadGone(WorkloadKind, PodKey),
    Claim(Claim),
    ClaimGone(PodKey),
    PersistentVolume(PersistentVolume),
    PersistentVolumeGone(Name),
    StorageClass(StorageClass),
    StorageClassGone(Name),
    CsiNode(CsiNode),
    CsiNodeGone(Name),
    CsiDriver(CsiDriver),
    CsiDriverGone(Name),
    StorageCapacity(StorageCapacity),
    StorageCapacityGone(PodKey),
    VolumeAttachment(VolumeAttachment),
    VolumeAttachmentGone(Name),
    Service(Service),
    ServiceGone(PodKey),
    Server(Server),
    /// By the provider's id.
    ServerGone(Name),
    Flavor(Flavor),
    Quota(Quota),
    Memory(Memory),
}
