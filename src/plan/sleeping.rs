//! Pods that go to sleep: their node goes, no other takes them, and the policy lets them wait Pending (H20).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::budgets::{Bound, Say};
use super::pool_decision::{Pooled, wake_lead};
use super::removal::Mover;
use super::{Code, Evidence, PodAction, Reason};
use crate::model::{Name, Pod, PodKey};
use crate::policy::NoHome;
use crate::schedule::turns;

/// So far ahead it is looked when a pool may have more nodes again: whoever sleeps for longer is rather given up.
const AHEAD: SignedDuration = SignedDuration::from_hours(32 * 24);

/// How many of those that one bound counts leave, and how many of them sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    most: u32,
    leaving: u32,
    asleep: u32,
}

impl Count {
    /// Whether those who sleep, and are not Ready again for long, leave the others a way: one at least may be away beside
    /// them. An implied budget does not speak of workloads that may sleep.
    fn holds(self, bound: &Bound) -> bool {
        let moved = self.leaving.saturating_sub(self.asleep);
        let room = if moved > 0 { self.asleep < self.most } else { self.asleep <= self.most };
        self.asleep == 0 || matches!(bound, Bound::Implied(_)) || room
    }
}

/// Who sleeps, and what that leaves of each bound.
#[derive(Clone, Debug, Default)]
pub struct Sleepers {
    asleep: BTreeSet<PodKey>,
    counts: BTreeMap<Bound, Count>,
    bounds: BTreeMap<PodKey, Bound>,
}

impl Sleepers {
    /// Whether the pod sleeps.
    pub fn has(&self, pod: &PodKey) -> bool {
        self.asleep.contains(pod)
    }

    /// Whether a pod under this bound sleeps.
    pub fn under(&self, bound: &Bound) -> bool {
        self.counts.get(bound).is_some_and(|count| count.asleep > 0)
    }

    /// What the bounds come to that these touch when they leave too, and these of all that leave sleep.
    fn counted(&self, movers: &[Mover], asleep: &[Arc<Pod>]) -> BTreeMap<Bound, Count> {
        let mut counts: BTreeMap<Bound, Count> = BTreeMap::new();
        let mut bounds: BTreeMap<&PodKey, &Bound> = BTreeMap::new();
        let before = |bound: &Bound| self.counts.get(bound).copied().unwrap_or_default();
        for (pod, bound, most) in bounded(movers) {
            let count = counts.entry(bound.clone()).or_insert_with(|| before(bound));
            (count.most, count.leaving) = (most, count.leaving.saturating_add(1));
            bounds.insert(&pod.key, bound);
        }
        for pod in asleep.iter().filter(|pod| !self.has(&pod.key)) {
            let Some(bound) = bounds.get(&pod.key).copied().or_else(|| self.bounds.get(&pod.key)) else { continue };
            let count = counts.entry(bound.clone()).or_insert_with(|| before(bound));
            count.asleep = count.asleep.saturating_add(1);
        }
        counts
    }

    /// Why these may not leave so: a budget would never open again for the others.
    pub fn closed(&self, movers: &[Mover], asleep: &[Arc<Pod>]) -> Option<Reason> {
        let counts = self.counted(movers, asleep);
        counts.iter().find(|(bound, count)| !count.holds(bound)).map(|(bound, count)| closed(bound, *count))
    }

    /// These leave, and these of all that leave sleep.
    pub fn add(&mut self, movers: &[Mover], asleep: &[Arc<Pod>]) {
        let counts = self.counted(movers, asleep);
        self.counts.extend(counts);
        self.bounds.extend(bounded(movers).map(|(pod, bound, _)| (pod.key.clone(), bound.clone())));
        self.asleep.extend(asleep.iter().map(|pod| pod.key.clone()));
    }
}

/// Who is evicted under a bound, and how many that lets be away at once.
fn bounded(movers: &[Mover]) -> impl Iterator<Item = (&Arc<Pod>, &Bound, u32)> {
    let evicted = movers.iter().filter(|mover| mover.action == PodAction::Evict);
    evicted.filter_map(|mover| match &mover.say {
        Some(Say::AtOnce(bound, most)) => Some((&mover.pod, bound, *most)),
        _ => None,
    })
}

fn closed(bound: &Bound, count: Count) -> Reason {
    let text = format!(
        "budget {bound} lets {} of its pods be away, and {} would sleep: no other could leave after them",
        count.most, count.asleep
    );
    let budget = Some(bound.to_string());
    Reason { code: Code::SleepBudget, text, evidence: Evidence { budget, ..Evidence::default() }, origin: None }
}

impl Pooled<'_> {
    /// When the pool may have more nodes again than now; None if that is not known, or if nothing bounds it.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        let ceiling = self.holding.ceiling?;
        if self.policy.drain.when_no_home.iter().all(|entry| !entry.sleeps) {
            return None;
        }
        let end = self.now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let turns = turns(self.policy, self.pool, self.now, end, wake_lead(self.world, self.pool));
        let more = |at: Option<u32>| at.is_none_or(|at| at > ceiling);
        turns.iter().find(|turn| turn.at > self.now && more(turn.holding.ceiling)).map(|turn| turn.at)
    }
}

/// That a pod sleeps until then, by this entry.
pub fn reason(pool: &Name, entry: &NoHome, until: Timestamp) -> Reason {
    Reason {
        code: Code::Sleeps,
        text: format!("no other home: sleeps until {until}, when pool {pool} may have more nodes"),
        evidence: Evidence { until: Some(until), ..Evidence::default() },
        origin: Some(entry.origin.clone()),
    }
}
