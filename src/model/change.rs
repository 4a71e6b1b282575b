//! One change to what is observed: what a watch delivers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Budget, Claim, CsiDriver, CsiNode, Flavor, Kind, Labels, Memory, Name, Node, PersistentVolume, Pod, PodKey, Quota,
    Server, Service, StorageCapacity, StorageClass, VolumeAttachment, Webhooks, Workload, WorkloadKind,
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
    Webhooks(Webhooks),
    WebhooksGone(Kind, Name),
    Namespace(Name, Labels),
    NamespaceGone(Name),
    /// A node's kubelet renewed its lease.
    Lease(Name, Timestamp),
    LeaseGone(Name),
    Server(Server),
    /// By the provider's id.
    ServerGone(Name),
    Flavor(Flavor),
    Quota(Quota),
    Memory(Memory),
}

impl Change {
    /// That the object of this kind and key went, as a watch would tell it; the namespace of what has none does not count.
    /// None for kinds that are not followed.
    pub fn gone(kind: Kind, key: PodKey) -> Option<Self> {
        Some(match kind {
            Kind::Node => Self::NodeGone(key.name),
            Kind::Pod => Self::PodGone(key),
            Kind::PodDisruptionBudget => Self::BudgetGone(key),
            Kind::Deployment
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job => Self::WorkloadGone(WorkloadKind::named(&kind.to_string()), key),
            Kind::PersistentVolumeClaim => Self::ClaimGone(key),
            Kind::PersistentVolume => Self::PersistentVolumeGone(key.name),
            Kind::StorageClass => Self::StorageClassGone(key.name),
            Kind::CSINode => Self::CsiNodeGone(key.name),
            Kind::CSIDriver => Self::CsiDriverGone(key.name),
            Kind::CSIStorageCapacity => Self::StorageCapacityGone(key),
            Kind::VolumeAttachment => Self::VolumeAttachmentGone(key.name),
            Kind::Namespace => Self::NamespaceGone(key.name),
            Kind::Lease => Self::LeaseGone(key.name),
            Kind::Service => Self::ServiceGone(key),
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
                Self::WebhooksGone(kind, key.name)
            }
            Kind::Server => Self::ServerGone(key.name),
            Kind::PriorityClass | Kind::Flavor => return None,
        })
    }
}
