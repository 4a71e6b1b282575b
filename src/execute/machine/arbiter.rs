//! One arbiter over all nodes that drain together: which eviction may be asked for now.

use std::collections::{BTreeMap, BTreeSet};

use super::census::{Census, healthy};
use crate::cluster::Evicted;
use crate::model::{Budget, Name, Phase, Pod, PodKey, UnhealthyPodEviction, WorkloadKind, World};

/// What holds a pod back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A budget allows no more now.
    Budget(PodKey),
    /// The implied budget of a workload without one (H1).
    Implied(String),
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Budget(key) => write!(f, "budget {key}"),
            Self::Implied(workload) => write!(f, "the implied budget of {workload} (half stay Ready)"),
        }
    }
}

/// Keeps count of what is on its way out, and of what every workload had at the start.
#[derive(Clone, Debug, Default)]
pub struct Arbiter {
    /// Least share of Ready pods of a workload without a budget, in per cent; 0 turns it off.
    implied: u32,
    /// Ready pods by workload at the start of the whole execution.
    ready: BTreeMap<String, u32>,
    /// Direct owners by workload.
    owners: BTreeMap<String, BTreeSet<Name>>,
    /// Who stands and who is on the way out.
    pub census: Census,
    /// Pods whose going leaves a workload without a Ready pod, as the plan spells out.
    outages: BTreeSet<String>,
}

/// The workload at the top of a pod's owners, `Deployment namespace/name`.
fn top(world: &World, pod: &Pod) -> Option<String> {
    let owner = pod.owner.as_ref()?;
    let above = world.workload_of(pod).and_then(|direct| direct.owner.as_ref()).unwrap_or(owner);
    Some(format!("{} {}/{}", above.kind, pod.key.namespace, above.name))
}

impl Arbiter {
    /// Counts the Ready pods of every workload. What a journal remembers of the beginning counts instead.
    pub fn new(world: &World, implied: u32, remembered: &BTreeMap<String, u32>, outages: BTreeSet<String>) -> Self {
        let mut ready = BTreeMap::new();
        let mut owners: BTreeMap<String, BTreeSet<Name>> = BTreeMap::new();
        for pod in world.pods.values() {
            if let (Some(workload), Some(owner)) = (top(world, pod), &pod.owner) {
                *ready.entry(workload.clone()).or_insert(0) += u32::from(healthy(pod));
                owners.entry(workload).or_default().insert(owner.uid.clone());
            }
        }
        ready.extend(remembered.iter().map(|(workload, count)| (workload.clone(), *count)));
        let mut census = Census::default();
        census.follow(world);
        Self { implied, ready, owners, outages, census }
    }

    /// What every workload had at the start.
    pub fn at_start(&self) -> &BTreeMap<String, u32> {
        &self.ready
    }

    /// What holds `pod` back now; None if its eviction may be asked for.
    pub fn holds(&mut self, pod: &Pod, world: &World) -> Option<Held> {
        if pod.terminating() || matches!(pod.phase, Phase::Pending) || pod.finished() {
            return None;
        }
        let mut budgets = world.budgets_of(pod).peekable();
        if budgets.peek().is_none() {
            return self.implied_holds(pod, world).map(Held::Implied);
        }
        budgets.find(|budget| !self.allows(budget, pod)).map(|budget| Held::Budget(budget.key.clone()))
    }

    fn allows(&mut self, budget: &Budget, pod: &Pod) -> bool {
        if !pod.ready && budget.unhealthy == UnhealthyPodEviction::AlwaysAllow {
            return true;
        }
        // The API server refuses while the controller has not seen the budget as it is.
        let Some(status) = budget.status else { return false };
        let sums = self.census.of_budget(budget);
        if !pod.ready && status.desired_healthy > 0 && sums.standing >= status.desired_healthy {
            return true;
        }
        sums.standing > status.desired_healthy && status.disruptions_allowed > sums.unanswered
    }

    fn implied_holds(&self, pod: &Pod, world: &World) -> Option<String> {
        if self.implied == 0 || !pod.ready || self.outages.contains(&pod.key.to_string()) {
            return None;
        }
        let counts = world.workload_of(pod).is_none_or(|workload| {
            !workload.finished && !matches!(workload.kind, WorkloadKind::DaemonSet | WorkloadKind::Job)
        });
        let workload = top(world, pod).filter(|_| counts)?;
        let start = self.ready.get(&workload).copied().unwrap_or(0);
        if start < 2 {
            return None;
        }
        let share = u32::try_from((u64::from(start) * u64::from(self.implied)).div_ceil(100)).unwrap_or(start);
        // A share of the whole would never let one go: then they go one at a time.
        let least = share.min(start - 1);
        let own = pod.owner.as_ref().map(|owner| &owner.uid);
        let known = self.owners.get(&workload);
        let owners: BTreeSet<&Name> = known.into_iter().flatten().chain(own).collect();
        let ready = owners.into_iter().map(|owner| self.census.standing(owner)).fold(0, u32::saturating_add);
        (ready <= least).then_some(workload)
    }

    /// The implied budget of its workload does not hold this pod back: nothing is to be Ready in its place (H20).
    pub fn spare(&mut self, pod: &PodKey) {
        self.outages.insert(pod.to_string());
    }

    /// The eviction of a pod is asked for.
    pub fn ask(&mut self, pod: &Pod) {
        self.census.ask(pod);
    }

    /// It was accepted, or the pod is gone.
    pub fn accepted(&mut self, uid: &Name) {
        self.census.answered(uid, true);
    }

    /// An answer that came when its node had been given up.
    pub fn late(&mut self, uid: &Name, answer: &super::act::Answer) {
        match answer {
            super::act::Answer::Evicted(Evicted::Accepted | Evicted::Gone) => self.accepted(uid),
            _ => self.refused(uid),
        }
    }

    /// It was refused.
    pub fn refused(&mut self, uid: &Name) {
        self.census.answered(uid, false);
    }
}
