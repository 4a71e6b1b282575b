//! The kinds of objects that a snapshot may know, and the command that lists them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The command that writes a snapshot, wherever one is called for: every kind that an API server has.
pub const KUBECTL: &str = "kubectl get nodes,pods,pdb,deploy,rs,rc,sts,ds,jobs,pvc,pv,sc,csinode,csidriver,\
                           csistoragecapacity,volumeattachment,pc,ns,leases,svc,\
                           validatingwebhookconfigurations,mutatingwebhookconfigurations -A -o json";

/// Where an API server has the objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api {
    /// Group and version: `v1`, `policy/v1`.
    pub version: &'static str,
    /// The resource's name in requests and roles.
    pub resource: &'static str,
    /// What `kubectl get` takes for it.
    pub short: &'static str,
}

impl Api {
    /// The group; empty is the core.
    pub fn group(&self) -> &'static str {
        self.version.split_once('/').map_or("", |(group, _)| group)
    }
}

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
    ValidatingWebhookConfiguration,
    MutatingWebhookConfiguration,
    /// A machine of a provider: an item of ours.
    Server,
    /// A size of machines of a provider: an item of ours.
    Flavor,
}

impl Kind {
    /// Every kind, in the order in which they are named.
    pub const ALL: [Self; 24] = [
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
        Self::ValidatingWebhookConfiguration,
        Self::MutatingWebhookConfiguration,
        Self::Server,
        Self::Flavor,
    ];

    /// Where an API server has it; None for our own items.
    pub const fn api(self) -> Option<Api> {
        const STORAGE: &str = "storage.k8s.io/v1";
        const ADMISSION: &str = "admissionregistration.k8s.io/v1";
        const VALIDATING: &str = "validatingwebhookconfigurations";
        const MUTATING: &str = "mutatingwebhookconfigurations";
        let (version, resource, short) = match self {
            Self::Node => ("v1", "nodes", "nodes"),
            Self::Pod => ("v1", "pods", "pods"),
            Self::PodDisruptionBudget => ("policy/v1", "poddisruptionbudgets", "pdb"),
            Self::Deployment => ("apps/v1", "deployments", "deploy"),
            Self::ReplicaSet => ("apps/v1", "replicasets", "rs"),
            Self::ReplicationController => ("v1", "replicationcontrollers", "rc"),
            Self::StatefulSet => ("apps/v1", "statefulsets", "sts"),
            Self::DaemonSet => ("apps/v1", "daemonsets", "ds"),
            Self::Job => ("batch/v1", "jobs", "jobs"),
            Self::PersistentVolumeClaim => ("v1", "persistentvolumeclaims", "pvc"),
            Self::PersistentVolume => ("v1", "persistentvolumes", "pv"),
            Self::StorageClass => (STORAGE, "storageclasses", "sc"),
            Self::CSINode => (STORAGE, "csinodes", "csinode"),
            Self::CSIDriver => (STORAGE, "csidrivers", "csidriver"),
            Self::CSIStorageCapacity => (STORAGE, "csistoragecapacities", "csistoragecapacity"),
            Self::VolumeAttachment => (STORAGE, "volumeattachments", "volumeattachment"),
            Self::PriorityClass => ("scheduling.k8s.io/v1", "priorityclasses", "pc"),
            Self::Namespace => ("v1", "namespaces", "ns"),
            Self::Lease => ("coordination.k8s.io/v1", "leases", "leases"),
            Self::Service => ("v1", "services", "svc"),
            Self::ValidatingWebhookConfiguration => (ADMISSION, VALIDATING, VALIDATING),
            Self::MutatingWebhookConfiguration => (ADMISSION, MUTATING, MUTATING),
            Self::Server | Self::Flavor => return None,
        };
        Some(Api { version, resource, short })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
