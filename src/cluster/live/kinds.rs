//! The kinds that a snapshot knows, and where the API server has them.

use crate::model::Kind;

/// A list of the API server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// What it holds.
    pub kind: Kind,
    /// Group and version: `v1`, `policy/v1`.
    pub api_version: &'static str,
    /// The resource's name in requests and roles.
    pub resource: &'static str,
    /// The only namespace that is looked at, where it is not all of them.
    pub namespace: Option<&'static str>,
}

const fn all(kind: Kind, api_version: &'static str, resource: &'static str) -> Listed {
    Listed { kind, api_version, resource, namespace: None }
}

/// Nodes, for single reads.
pub(super) const NODES: Listed = all(Kind::Node, "v1", "nodes");
/// Pods, for single reads.
pub(super) const PODS: Listed = all(Kind::Pod, "v1", "pods");

/// Every kind, the smallest lists first: the first one says of which moment all the others are.
pub(super) const KINDS: [Listed; 20] = [
    all(Kind::Namespace, "v1", "namespaces"),
    NODES,
    PODS,
    all(Kind::PodDisruptionBudget, "policy/v1", "poddisruptionbudgets"),
    all(Kind::ReplicaSet, "apps/v1", "replicasets"),
    all(Kind::Deployment, "apps/v1", "deployments"),
    all(Kind::StatefulSet, "apps/v1", "statefulsets"),
    all(Kind::DaemonSet, "apps/v1", "daemonsets"),
    all(Kind::Job, "batch/v1", "jobs"),
    all(Kind::ReplicationController, "v1", "replicationcontrollers"),
    all(Kind::PersistentVolumeClaim, "v1", "persistentvolumeclaims"),
    all(Kind::PersistentVolume, "v1", "persistentvolumes"),
    all(Kind::StorageClass, "storage.k8s.io/v1", "storageclasses"),
    all(Kind::CSINode, "storage.k8s.io/v1", "csinodes"),
    all(Kind::CSIDriver, "storage.k8s.io/v1", "csidrivers"),
    all(Kind::CSIStorageCapacity, "storage.k8s.io/v1", "csistoragecapacities"),
    all(Kind::VolumeAttachment, "storage.k8s.io/v1", "volumeattachments"),
    all(Kind::PriorityClass, "scheduling.k8s.io/v1", "priorityclasses"),
    all(Kind::Service, "v1", "services"),
    Listed {
        kind: Kind::Lease,
        api_version: "coordination.k8s.io/v1",
        resource: "leases",
        namespace: Some("kube-node-lease"),
    },
];

impl Listed {
    /// The path of requests.
    pub fn path(&self) -> String {
        path(self.api_version, self.resource, self.namespace)
    }

    /// For messages: the resource as a role names it, with its group's version or its namespace.
    pub fn what(&self) -> String {
        what(self.api_version, self.resource, self.namespace)
    }

    /// Whether changes of it are followed: that there are priority classes is all that counts.
    pub fn followed(&self) -> bool {
        self.kind != Kind::PriorityClass
    }
}

/// The path of a list.
pub(super) fn path(api_version: &str, resource: &str, namespace: Option<&str>) -> String {
    let api = if api_version.contains('/') { "/apis" } else { "/api" };
    let namespace = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
    format!("{api}/{api_version}{namespace}/{resource}")
}

/// A list in words.
pub(super) fn what(api_version: &str, resource: &str, namespace: Option<&str>) -> String {
    let group = if api_version.contains('/') { format!(" in {api_version}") } else { String::new() };
    let namespace = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
    format!("{resource}{group}{namespace}")
}
