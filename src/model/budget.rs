//! PodDisruptionBudgets: what they ask, and what the API server last said they allow.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, PodKey, Selector};

/// A count or a share of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IntOrPercent {
    /// So many.
    Count(u32),
    /// Of a hundred.
    Percent(u32),
}

impl fmt::Display for IntOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// `spec.unhealthyPodEvictionPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UnhealthyPodEviction {
    /// Unready running pods may go only while the budget is met (the default).
    #[default]
    IfHealthyBudget,
    /// Unready running pods may always go.
    AlwaysAllow,
}

/// `status` of a budget as the disruption controller wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// Evictions it allows now.
    pub disruptions_allowed: u32,
    /// Ready pods it counts.
    pub current_healthy: u32,
    /// Ready pods it wants.
    pub desired_healthy: u32,
    /// Pods it counts in all.
    pub expected_pods: u32,
}

/// A PodDisruptionBudget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Namespace and name.
    pub key: PodKey,
    /// `metadata.uid`.
    pub uid: Name,
    /// Which pods. None selects none; the empty selector selects the whole namespace (`policy/v1`).
    pub selector: Option<Selector>,
    /// `spec.minAvailable`.
    pub min_available: Option<IntOrPercent>,
    /// `spec.maxUnavailable`.
    pub max_unavailable: Option<IntOrPercent>,
    /// What holds for pods that are not Ready.
    pub unhealthy: UnhealthyPodEviction,
    /// What the controller last wrote; None if it never did, or wrote it for an older generation of the object.
    pub status: Option<BudgetStatus>,
}
