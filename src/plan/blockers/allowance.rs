//! Why a budget allows no disruption now, as far as it says what would change that.

use crate::model::{Budget, IntOrPercent, PodKey, World, budget_status};
use crate::plan::Reason;

/// Why a budget allows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// The pod is in several budgets, which the Eviction API refuses.
    Several,
    /// As it is written it never allows one.
    Never,
    /// It would allow one if all its pods were Ready.
    Spent,
    /// It wants as many pods as there are to be.
    AllWanted,
}

impl Allowance {
    /// Of the budget that a reason names.
    pub fn of(reason: &Reason, world: &World) -> Self {
        let name = reason.evidence.budget.as_deref().unwrap_or_default();
        let key = name.split_once('/').map(|(namespace, name)| PodKey::new(namespace, name));
        match key.and_then(|key| world.budgets.get(&key)) {
            _ if name.contains(", ") => Self::Several,
            Some(budget) if never(budget) => Self::Never,
            Some(budget) => {
                let status = budget.status.unwrap_or_else(|| budget_status(world, budget));
                if status.expected_pods > status.desired_healthy { Self::Spent } else { Self::AllWanted }
            }
            None => Self::AllWanted,
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Several => "narrow the budgets' selectors so that each pod is in one at most",
            Self::Never => {
                "as written it never allows a disruption, however many replicas there are: let it allow one \
                 (`maxUnavailable: 1`)"
            }
            Self::Spent => {
                "not all of its pods are Ready: it allows one again when they are; `kubectl get pods` in its namespace shows \
                 which are not"
            }
            Self::AllWanted => "raise the workload's replicas, or let the budget allow one disruption",
        }
    }
}

fn never(budget: &Budget) -> bool {
    match (budget.max_unavailable, budget.min_available) {
        (Some(most), _) => matches!(most, IntOrPercent::Count(0) | IntOrPercent::Percent(0)),
        (None, Some(IntOrPercent::Percent(least))) => least >= 100,
        _ => false,
    }
}
