//! Containers: what they ask for, and how they are.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Map;

/// A container or init container.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// `name`.
    pub name: Option<String>,
    /// `resources`.
    pub resources: Option<ResourceNeeds>,
    /// `ports`.
    pub ports: Option<Vec<Port>>,
    /// `restartPolicy`: `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
    /// `readinessProbe`.
    pub readiness_probe: Option<IgnoredAny>,
}

/// `resources` of a container or a pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceNeeds {
    /// `requests`.
    pub requests: Option<Map>,
    /// `limits`.
    pub limits: Option<Map>,
}

/// One of `ports`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Port {
    /// `containerPort`.
    pub container_port: Option<i64>,
    /// `hostPort`.
    pub host_port: Option<i64>,
    /// `hostIP`.
    #[serde(rename = "hostIP")]
    pub host_ip: Option<String>,
    /// `protocol`.
    pub protocol: Option<String>,
}

/// One of `containerStatuses`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// `name`.
    pub name: Option<String>,
    /// `state`.
    pub state: Option<ContainerState>,
    /// `resources`: what the kubelet runs it with (in-place resize).
    pub resources: Option<ResourceNeeds>,
    /// `allocatedResources`.
    pub allocated_resources: Option<Map>,
}

/// `state`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// `waiting`.
    pub waiting: Option<Waiting>,
}

/// `state.waiting`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// `reason`.
    pub reason: Option<String>,
}
