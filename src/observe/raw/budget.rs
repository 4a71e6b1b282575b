//! PodDisruptionBudgets.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{LabelSelector, Meta, Scalar};

/// A PodDisruptionBudget.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<BudgetSpec>,
    /// `status`.
    pub status: Option<BudgetStatus>,
}

/// `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BudgetSpec {
    /// `selector`; null and `{}` differ.
    pub selector: Option<LabelSelector>,
    /// `minAvailable`.
    pub min_available: Option<Scalar>,
    /// `maxUnavailable`.
    pub max_unavailable: Option<Scalar>,
    /// `unhealthyPodEvictionPolicy`.
    pub unhealthy_pod_eviction_policy: Option<String>,
}

/// `status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BudgetStatus {
    /// `observedGeneration`.
    pub observed_generation: Option<i64>,
    /// `disruptedPods`: the names of pods whose eviction was accepted and not seen done.
    pub disrupted_pods: Option<BTreeMap<String, IgnoredAny>>,
    /// `disruptionsAllowed`.
    pub disruptions_allowed: Option<i64>,
    /// `currentHealthy`.
    pub current_healthy: Option<i64>,
    /// `desiredHealthy`.
    pub desired_healthy: Option<i64>,
    /// `expectedPods`.
    pub expected_pods: Option<i64>,
}
