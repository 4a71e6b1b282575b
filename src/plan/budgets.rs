//! How many of a workload's pods may be away at once: budgets as written, and implied ones (H1).

use std::collections::BTreeMap;

use crate::model::{Name, Pod, PodKey, UnhealthyPodEviction, World, budget_status};
use crate::policy::Drain;

/// What bounds the evictions of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// A PodDisruptionBudget.
    Budget(PodKey),
    /// The implied budget of a controller without one, by `Kind namespace/name`.
    Implied(String),
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Budget(key) => write!(f, "{key}"),
            Self::Implied(workload) => write!(f, "implied {workload}"),
        }
    }
}

/// Why a budget lets a pod not go at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It allows no disruption now.
    Exhausted(PodKey),
    /// The Eviction API refuses pods of more than one budget.
    Several(Vec<PodKey>),
}

/// What budgets say of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// Nothing bounds it.
    Free,
    /// At most so many at once under this bound, never 0.
    AtOnce(Bound, u32),
    /// It cannot go.
    Closed(Closed),
}

/// A workload at the top of a pod's owners: the Deployment over its ReplicaSet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// `Deployment namespace/name`.
    pub name: String,
    /// UID of the pod's direct owner.
    pub owner_uid: Name,
}

/// The top owner of a pod, as far as the snapshot knows it.
pub fn root(world: &World, pod: &Pod) -> Option<Root> {
    let owner = pod.owner.as_ref()?;
    let above = world.workload_of(pod).and_then(|direct| direct.owner.clone());
    let (kind, name) = above.map_or((owner.kind.clone(), owner.name.clone()), |above| (above.kind, above.name));
    Some(Root { name: format!("{kind} {}/{name}", pod.key.namespace), owner_uid: owner.uid.clone() })
}

/// The allowances of every budget and workload, computed once each.
#[derive(Clone, Debug, Default)]
pub struct Allowances {
    budgets: BTreeMap<PodKey, u32>,
    implied: BTreeMap<String, u32>,
    ready: BTreeMap<String, u32>,
}

impl Allowances {
    /// Counts every workload's Ready pods and every budget's allowance.
    pub fn count(world: &World, drain: &Drain) -> Self {
        let mut allowances = Self::default();
        for budget in world.budgets.values() {
            let status = budget.status.unwrap_or_else(|| budget_status(world, budget));
            allowances.budgets.insert(budget.key.clone(), status.disruptions_allowed);
        }
        for pod in world.pods.values().filter(|pod| pod.ready && !pod.finished() && !pod.terminating()) {
            if let Some(root) = root(world, pod) {
                *allowances.ready.entry(root.name).or_insert(0) += 1;
            }
        }
        for (name, ready) in &allowances.ready {
            let least = (u64::from(*ready) * u64::from(drain.implied)).div_ceil(100);
            let away = ready.saturating_sub(u32::try_from(least).unwrap_or(u32::MAX)).max(1);
            allowances.implied.insert(name.clone(), away);
        }
        allowances
    }

    /// Ready pods of a workload.
    pub fn ready(&self, workload: &str) -> u32 {
        self.ready.get(workload).copied().unwrap_or(0)
    }

    /// What budgets say of `pod`.
    pub fn say(&self, world: &World, drain: &Drain, pod: &Pod) -> Say {
        let budgets: Vec<_> = world.budgets_of(pod).collect();
        match budgets.as_slice() {
            [] => match root(world, pod) {
                Some(root) if drain.implied > 0 && pod.ready && self.ready(&root.name) >= 2 => {
                    let at_once = self.implied.get(&root.name).copied().unwrap_or(1);
                    Say::AtOnce(Bound::Implied(root.name), at_once)
                }
                _ => Say::Free,
            },
            [budget] => {
                let status = budget.status.unwrap_or_else(|| budget_status(world, budget));
                let unready_may_go = match budget.unhealthy {
                    UnhealthyPodEviction::AlwaysAllow => true,
                    UnhealthyPodEviction::IfHealthyBudget => {
                        status.current_healthy >= status.desired_healthy && status.desired_healthy > 0
                    }
                };
                let allowed = self.budgets.get(&budget.key).copied().unwrap_or(0);
                if !pod.ready && unready_may_go {
                    Say::Free
                } else if allowed == 0 {
                    Say::Closed(Closed::Exhausted(budget.key.clone()))
                } else {
                    Say::AtOnce(Bound::Budget(budget.key.clone()), allowed)
                }
            }
            several => Say::Closed(Closed::Several(several.iter().map(|budget| budget.key.clone()).collect())),
        }
    }
}
