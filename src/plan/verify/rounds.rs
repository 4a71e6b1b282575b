//! Who is away at once: no round takes more than a budget, or an implied one (H1), allows over the whole plan.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use super::sleep::lets;
use super::violation::{Found, Rule};
use crate::model::{Budget, Pod, UnhealthyPodEviction, World, budget_status};
use crate::plan::{PodAction, Step};

/// Counts every round under every bound.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let ready = ready(case.world);
    let spared = spared(case, &ready);
    let mut away: BTreeMap<(Bound, u32), u32> = BTreeMap::new();
    for step in &case.plan.steps {
        for entry in step.pods.iter().filter(|entry| entry.action == PodAction::Evict) {
            let Some(pod) = case.pod(&entry.pod) else { continue };
            let budgets: Vec<&Budget> = case.world.budgets_of(pod).map(AsRef::as_ref).collect();
            if budgets.len() > 1 {
                let text = format!("{} is in {} budgets: the Eviction API refuses it", entry.pod, budgets.len());
                found.step(step, Rule::Budget, text);
                continue;
            }
            let Some(round) = entry.chunk.filter(|round| *round > 0) else {
                found.step(step, Rule::Round, format!("{} is evicted in no round", entry.pod));
                continue;
            };
            // A workload that may sleep, and does, has no implied budget; a real one counts all the same.
            let counts = |bound: &Bound| !(spared.contains(&bound.name) && lets(case, pod));
            let mut bound = bound(case, pod, budgets.first().copied(), &ready).filter(counts);
            // The cordon is to release its budget, and the API is asked only then (H19).
            if let Some(bound) = bound.as_mut().filter(|_| entry.after_cordon) {
                bound.most = bound.most.max(1);
            }
            if entry.budget.as_deref() != bound.as_ref().map(ToString::to_string).as_deref() {
                let by = bound.as_ref().map_or("nothing".to_owned(), ToString::to_string);
                found.step(step, Rule::Round, format!("{} is bounded by {by}", entry.pod));
            }
            let Some(bound) = bound else {
                if round > 1 {
                    found.step(step, Rule::Round, format!("nothing bounds {}: it goes in the first round", entry.pod));
                }
                continue;
            };
            let most = bound.most;
            let pods = away.entry((bound, round)).or_insert(0);
            *pods += 1;
            if *pods > most {
                too_many(step, *pods, most, &entry.pod, &budgets, found);
            }
        }
    }
    gaps(&away, found);
}

/// Implied budgets under which a pod sleeps.
fn spared(case: &Case<'_>, ready: &BTreeMap<String, u32>) -> BTreeSet<String> {
    let moves = case.plan.steps.iter().flat_map(|step| &step.pods).filter(|entry| entry.sleeps);
    let pods = moves.filter_map(|entry| case.pod(&entry.pod)).filter(|pod| case.world.budgets_of(pod).next().is_none());
    pods.filter_map(|pod| bound(case, pod, None, ready)).map(|bound| bound.name).collect()
}

fn too_many(step: &Step, away: u32, most: u32, pod: &str, budgets: &[&Budget], found: &mut Found) {
    match budgets.first() {
        Some(budget) => {
            let text = format!("{pod} is one of {away} pods of budget {} at once, it allows {most}", budget.key);
            found.step(step, Rule::Budget, text);
        }
        None => {
            let text = format!("{pod} is one of {away} Ready pods of its workload at once, {most} may be away (H1)");
            found.step(step, Rule::ImpliedBudget, text);
        }
    }
}

/// By what the eviction of a pod is bounded, and how many may be away under it at once.
pub fn bounds(case: &Case<'_>, pod: &Pod) -> Option<(String, u32)> {
    let bound = bound(case, pod, case.world.budgets_of(pod).next().map(AsRef::as_ref), &ready(case.world))?;
    Some((bound.name, bound.most))
}

/// The rounds under one bound are 1, 2, 3 and so on, and each but the last takes all that it may.
fn gaps(away: &BTreeMap<(Bound, u32), u32>, found: &mut Found) {
    let mut rounds: BTreeMap<&Bound, BTreeMap<u32, u32>> = BTreeMap::new();
    for ((bound, round), pods) in away {
        rounds.entry(bound).or_default().insert(*round, *pods);
    }
    for (bound, rounds) in rounds {
        let last = rounds.keys().last().copied().unwrap_or_default();
        let full = rounds.iter().all(|(round, pods)| *round == last || *pods >= bound.most);
        if usize::try_from(last) != Ok(rounds.len()) || !full {
            found.plan(Rule::Round, format!("the rounds under {bound} are not 1 to {last} of {} each", bound.most));
        }
    }
}

/// What bounds an eviction, and how many pods may be away under it at once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bound {
    name: String,
    most: u32,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

fn bound(case: &Case<'_>, pod: &Pod, budget: Option<&Budget>, ready: &BTreeMap<String, u32>) -> Option<Bound> {
    let Some(budget) = budget else {
        let workload = workload(case.world, pod).filter(|_| pod.ready && case.policy.drain.implied > 0)?;
        let ready = ready.get(&workload).copied().filter(|ready| *ready >= 2)?;
        // At least the share stays, rounded up in favour of staying; one may always be away.
        let away = (0..ready)
            .rev()
            .find(|away| u64::from(ready - away) * 100 >= u64::from(ready) * u64::from(case.policy.drain.implied));
        return Some(Bound { name: format!("implied {workload}"), most: away.unwrap_or(0).max(1) });
    };
    let status = budget.status.unwrap_or_else(|| budget_status(case.world, budget));
    let met = status.desired_healthy > 0 && status.current_healthy >= status.desired_healthy;
    let unbounded = !pod.ready && (met || budget.unhealthy == UnhealthyPodEviction::AlwaysAllow);
    (!unbounded).then(|| Bound { name: budget.key.to_string(), most: status.disruptions_allowed })
}

/// Ready pods by workload.
pub fn ready(world: &World) -> BTreeMap<String, u32> {
    let mut ready = BTreeMap::new();
    for pod in world.pods.values().filter(|pod| pod.ready && !pod.finished() && !pod.terminating()) {
        if let Some(workload) = workload(world, pod) {
            *ready.entry(workload).or_insert(0) += 1;
        }
    }
    ready
}

/// What a pod is a replica of, in words: a ReplicaSet's Deployment, where the snapshot knows it.
pub fn workload(world: &World, pod: &Pod) -> Option<String> {
    let direct = pod.owner.as_ref()?;
    let above = world.workload_of(pod).and_then(|workload| workload.owner.as_ref());
    let owner = above.unwrap_or(direct);
    Some(format!("{} {}/{}", owner.kind, pod.key.namespace, owner.name))
}
