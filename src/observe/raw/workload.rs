//! Owners of pods: Deployments, Jobs and whatever else has a scale.

use serde::Deserialize;

use super::{LabelSelector, Map, Meta, Scalar};

/// A workload of any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<WorkloadSpec>,
    /// `status`.
    pub status: Option<Conditions>,
}

/// The fields of `spec` over all kinds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// `replicas`.
    pub replicas: Option<i64>,
    /// `parallelism` of a Job.
    pub parallelism: Option<i64>,
    /// `suspend` of a Job.
    pub suspend: Option<bool>,
    /// `selector`.
    pub selector: Option<AnySelector>,
    /// `podManagementPolicy` of a StatefulSet.
    pub pod_management_policy: Option<String>,
    /// `podFailurePolicy` of a Job.
    pub pod_failure_policy: Option<FailurePolicy>,
    /// `template`.
    pub template: Option<Template>,
}

/// `template`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    /// `spec`.
    pub spec: Option<TemplateSpec>,
}

/// `spec` of a template.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateSpec {
    /// `containers`.
    pub containers: Option<Vec<Told>>,
}

/// What a container is told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    /// `command`.
    pub command: Option<Vec<Scalar>>,
    /// `args`.
    pub args: Option<Vec<Scalar>>,
}

/// A label selector, or the plain map of a ReplicationController.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum AnySelector {
    /// The plain map.
    Plain(Map),
    /// The selector.
    Selector(LabelSelector),
}

/// `podFailurePolicy`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FailurePolicy {
    /// `rules`.
    pub rules: Option<Vec<FailureRule>>,
}

/// One of its rules.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FailureRule {
    /// `action`.
    pub action: Option<String>,
    /// `onPodConditions`.
    pub on_pod_conditions: Option<Vec<Typed>>,
}

/// `status` with its conditions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// `conditions`.
    pub conditions: Option<Vec<Typed>>,
}

/// A condition: its type and status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `status`.
    pub status: Option<Scalar>,
}
