//! The part of a pod's spec that decides where it may run and what it uses there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ClaimSpec, InlineDisk, Name, Requirement, Resources, Selector, TaintEffect};

/// One toleration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Toleration {
    /// None tolerates every key (operator Exists).
    pub key: Option<Name>,
    /// None means the operator Exists; otherwise the value must be equal (an empty one included).
    pub value: Option<Name>,
    /// None tolerates every effect.
    pub effect: Option<TaintEffect>,
    /// `tolerationSeconds`, for NoExecute.
    pub seconds: Option<i64>,
}

/// A port taken on the node itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostPort {
    /// The address it binds; `0.0.0.0` is all of them.
    pub address: Name,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Name,
    /// The port, never 0.
    pub port: u16,
}

/// A condition on a field of the Node object; only `metadata.name` exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FieldRequirement(pub Requirement);

/// One term of node affinity: all its conditions must hold. A term without any matches no node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeTerm {
    /// On the node's labels.
    pub labels: Vec<Requirement>,
    /// On the node's fields.
    pub fields: Vec<FieldRequirement>,
}

/// One term of pod affinity or anti-affinity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodTerm {
    /// Which pods; None matches none.
    pub selector: Option<Selector>,
    /// Namespaces by name. Empty with no `namespace_selector` means the pod's own.
    pub namespaces: BTreeSet<Name>,
    /// Namespaces by label.
    pub namespace_selector: Option<Selector>,
    /// The label that makes the domain.
    pub topology_key: Name,
    /// `matchLabelKeys`.
    pub match_label_keys: Vec<Name>,
    /// `mismatchLabelKeys`.
    pub mismatch_label_keys: Vec<Name>,
}

/// `spec.affinity`. Only the required parts can block; the preferred ones carry their weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Affinity {
    /// Required node affinity: any term; None if there is none.
    pub node: Option<Vec<NodeTerm>>,
    /// Preferred node affinity.
    pub node_preferred: Vec<(i32, NodeTerm)>,
    /// Required pod affinity: all terms.
    pub pod: Vec<PodTerm>,
    /// Required pod anti-affinity: all terms.
    pub anti: Vec<PodTerm>,
    /// Preferred pod affinity.
    pub pod_preferred: Vec<(i32, PodTerm)>,
    /// Preferred pod anti-affinity.
    pub anti_preferred: Vec<(i32, PodTerm)>,
}

/// A topology spread constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spread {
    /// `maxSkew`.
    pub max_skew: i32,
    /// The label that makes the domain.
    pub topology_key: Name,
    /// `whenUnsatisfiable: DoNotSchedule`; ScheduleAnyway never blocks.
    pub hard: bool,
    /// Which pods count; None matches none.
    pub selector: Option<Selector>,
    /// `minDomains`.
    pub min_domains: Option<i32>,
    /// `nodeAffinityPolicy: Honor` (the default).
    pub honor_affinity: bool,
    /// `nodeTaintsPolicy: Honor` (not the default).
    pub honor_taints: bool,
    /// `matchLabelKeys`.
    pub match_label_keys: Vec<Name>,
}

/// Where a volume's data lives, as far as it matters here. Secrets, config maps and projections are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeSource {
    /// A directory of the node.
    HostPath,
    /// Scratch space; `memory` if it is a tmpfs.
    EmptyDir {
        /// Medium Memory.
        memory: bool,
    },
    /// A PersistentVolumeClaim of the pod's namespace.
    Claim(Name),
    /// A claim made for this pod (`ephemeral`), called `pod-volume`, from this template.
    Ephemeral(Box<ClaimSpec>),
    /// A CSI volume inline in the pod, by driver. The kubelet mounts it wherever the pod is.
    Csi(Name),
    /// An in-tree disk that attaches to one node or to few.
    Disk(Box<InlineDisk>),
    /// Another kind that any node can mount (`nfs`), by its field name.
    Other(Name),
}

/// A volume of the pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Volume {
    /// Its name in the pod.
    pub name: Name,
    /// What it is.
    pub source: VolumeSource,
}

/// What a pod needs, wants and tolerates. Two pods with equal specs, labels and namespace are interchangeable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodSpec {
    /// What the scheduler reserves: containers, init and sidecar containers, pod-level requests and overhead; `pods` is 1.
    pub requests: Resources,
    /// The same for scoring, where a container without a request counts as 100m and 200 MiB: millicores and bytes.
    pub scored: (i64, i64),
    /// What LeastAllocated and MostAllocated count while the pod asks, where that differs: the scheduler (1.37) overlooks
    /// requests of the whole pod then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored_asking: Option<(i64, i64)>,
    /// `spec.nodeSelector`.
    pub node_selector: BTreeMap<Name, Name>,
    /// `spec.affinity`.
    pub affinity: Option<Affinity>,
    /// `spec.tolerations`, sorted.
    pub tolerations: BTreeSet<Toleration>,
    /// `spec.topologySpreadConstraints`.
    pub spread: Vec<Spread>,
    /// Ports on the node, sorted.
    pub host_ports: BTreeSet<HostPort>,
    /// Volumes that matter, sorted.
    pub volumes: BTreeSet<Volume>,
    /// `spec.terminationGracePeriodSeconds`, 30 where unset.
    pub grace_seconds: i64,
    /// `spec.priority`.
    pub priority: i32,
    /// `spec.priorityClassName`.
    pub priority_class: Option<Name>,
    /// `spec.preemptionPolicy` is Never: it pushes nobody out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_preempts: bool,
    /// `spec.schedulerName`, None for the default one.
    pub scheduler: Option<Name>,
    /// `spec.schedulingGates`.
    pub gates: Vec<Name>,
    /// `spec.restartPolicy`: true for Never, false for Always and OnFailure.
    pub never_restarts: bool,
    /// `spec.restartPolicy` is OnFailure.
    pub restarts_on_failure: bool,
    /// A container has a readiness probe, or the pod has readiness gates.
    pub has_readiness: bool,
    /// Dynamic resource claims: recognised, not modelled.
    pub resource_claims: Vec<Name>,
    /// No container at all (a malformed object): it uses one pod slot and nothing else.
    pub no_containers: bool,
}
