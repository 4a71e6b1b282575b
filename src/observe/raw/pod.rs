//! Pods.

use serde::Deserialize;

use super::{Affinity, Container, ContainerStatus, Map, Meta, ResourceNeeds, Scalar, Spread, Volume};

/// A Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<PodSpec>,
    /// `status`.
    pub status: Option<PodStatus>,
}

/// `spec` of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// `nodeName`.
    pub node_name: Option<String>,
    /// `containers`.
    pub containers: Option<Vec<Container>>,
    /// `initContainers`.
    pub init_containers: Option<Vec<Container>>,
    /// `resources`: what the pod as a whole asks for.
    pub resources: Option<ResourceNeeds>,
    /// `overhead`.
    pub overhead: Option<Map>,
    /// `nodeSelector`.
    pub node_selector: Option<Map>,
    /// `affinity`.
    pub affinity: Option<Affinity>,
    /// `tolerations`.
    pub tolerations: Option<Vec<Toleration>>,
    /// `topologySpreadConstraints`.
    pub topology_spread_constraints: Option<Vec<Spread>>,
    /// `volumes`.
    pub volumes: Option<Vec<Volume>>,
    /// `hostNetwork`.
    pub host_network: Option<bool>,
    /// `terminationGracePeriodSeconds`.
    pub termination_grace_period_seconds: Option<i64>,
    /// `priority`.
    pub priority: Option<i32>,
    /// `priorityClassName`.
    pub priority_class_name: Option<String>,
    /// `preemptionPolicy`.
    pub preemption_policy: Option<String>,
    /// `schedulerName`.
    pub scheduler_name: Option<String>,
    /// `schedulingGates`.
    pub scheduling_gates: Option<Vec<NamedPart>>,
    /// `readinessGates`.
    pub readiness_gates: Option<Vec<serde::de::IgnoredAny>>,
    /// `restartPolicy`.
    pub restart_policy: Option<String>,
    /// `resourceClaims`.
    pub resource_claims: Option<Vec<NamedPart>>,
}

/// A part that has a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NamedPart {
    /// `name`.
    pub name: Option<String>,
}

/// One of `tolerations`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Toleration {
    /// `key`.
    pub key: Option<String>,
    /// `operator`.
    pub operator: Option<String>,
    /// `value`.
    pub value: Option<Scalar>,
    /// `effect`.
    pub effect: Option<String>,
    /// `tolerationSeconds`.
    pub toleration_seconds: Option<i64>,
}

/// `status` of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `phase`.
    pub phase: Option<String>,
    /// `conditions`.
    pub conditions: Option<Vec<PodCondition>>,
    /// `containerStatuses`.
    pub container_statuses: Option<Vec<ContainerStatus>>,
    /// `initContainerStatuses`.
    pub init_container_statuses: Option<Vec<ContainerStatus>>,
    /// `resources`: what the whole pod runs with (in-place resize).
    pub resources: Option<ResourceNeeds>,
    /// `allocatedResources`.
    pub allocated_resources: Option<Map>,
    /// `nominatedNodeName`.
    pub nominated_node_name: Option<String>,
}

/// One of a Pod's `conditions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodCondition {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `status`.
    pub status: Option<Scalar>,
    /// `reason`.
    pub reason: Option<String>,
    /// `message`.
    pub message: Option<String>,
    /// `lastTransitionTime`.
    pub last_transition_time: Option<String>,
}
