//! The kinds of objects that a snapshot may know, and the command that lists them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The command that writes a snapshot, wherever one is called for.
pub const KUBECTL: &str =
    "kubectl get nodes,pods,pdb,deploy,rs,rc,sts,ds,jobs,pvc,pv,sc,csinode,volumeattachment,svc,leases,ns -A -o json";

/// The kinds that a snapshot may know. A kind that was not listed is *unknown*, which is not the same as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "Kubernetes' own names of kinds")]
pub enum Kind {
    Node,
    Pod,
    PodDisruptionBudget,
    Deployment,
    ReplicaSet,
    ReplicationController,
    StatefulSet,
    DaemonSet,
    Job,
    PersistentVolumeClaim,
    PersistentVolume,
    StorageClass,
    CSINode,
    CSIDriver,
    CSIStorageCapacity,
    VolumeAttachment,
    PriorityClass,
    Namespace,
    Lease,
    Service,
    /// A machine of a provider: an item of ours.
    Server,
    /// A size of machines of a provider: an item of ours.
    Flavor,
}

impl Kind {
    /// Every kind, in the order in which they are named.
    pub const ALL: [Self; 22] = [
        Self::Node,
        Self::Pod,
        Self::PodDisruptionBudget,
        Self::Deployment,
        Self::ReplicaSet,
        Self::ReplicationController,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::PersistentVolumeClaim,
        Self::PersistentVolume,
        Self::StorageClass,
        Self::CSINode,
        Self::CSIDriver,
        Self::CSIStorageCapacity,
        Self::VolumeAttachment,
        Self::PriorityClass,
        Self::Namespace,
        Self::Lease,
        Self::Service,
        Self::Server,
        Self::Flavor,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
