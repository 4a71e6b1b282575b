//! Who sleeps: only pods that the policy lets wait without a home, from nodes that their pool may not have now and may have
//! later, and as few as leave the others of their budget a way (H20).

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::case::{Case, Life, Wanted, takes};
use super::rounds::bounds;
use super::violation::{Found, Rule};
use crate::model::Pod;
use crate::plan::{Code, PodAction, Step, Verb};
use crate::schedule::turns;

/// Every pod that is said to sleep, those that are pending already too.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let mut emptied: BTreeMap<&str, u32> = BTreeMap::new();
    for step in &case.plan.steps {
        let asleep: Vec<_> = step.pods.iter().filter(|entry| entry.sleeps).collect();
        if asleep.is_empty() {
            continue;
        }
        for entry in asleep {
            let pod = case.pod(&entry.pod).filter(|pod| lets(case, pod));
            let until = entry.reason.as_ref().and_then(|reason| reason.evidence.until);
            if pod.is_none() || entry.action != PodAction::Evict || entry.home.is_some() || until.is_none() {
                found.step(step, Rule::Sleep, format!("nothing lets {} sleep, or it has a home", entry.pod));
            }
            if let Some(pod) = pod
                && let Some(home) = room(case, pod)
            {
                found.step(step, Rule::Sleep, format!("{} sleeps, and {home} has room for it in the end", entry.pod));
            }
        }
        let Some(wanted) = case.pool_of(&step.node) else { continue };
        *emptied.entry(&*wanted.pool.name).or_default() += 1;
        if !wakes(case, wanted) {
            found.step(step, Rule::Sleep, "its pool never may have more nodes than now, so nobody wakes");
        }
        if !case.has(Verb::Park, &step.node) && !case.has(Verb::Delete, &step.node) {
            found.step(step, Rule::Sleep, "pods sleep, and its server goes on running");
        }
    }
    for wanted in &case.pools {
        let up = case.count(wanted, |life| matches!(life, Life::Active | Life::Cordoned { ours: true }));
        let above = wanted.holding.ceiling.map_or(0, |ceiling| up.saturating_sub(ceiling.max(wanted.holding.floor)));
        let nodes = emptied.get(&*wanted.pool.name).copied().unwrap_or_default();
        if nodes > above {
            let text = format!("pods of {nodes} of its nodes sleep, and {above} are more than it may have");
            found.pool(&wanted.pool.name, Rule::Sleep, text);
        }
    }
    pending(case, found);
    budgets(case, found);
}

/// What is pending sleeps where the policy lets it and a pool is as large as it may be, for now.
fn pending(case: &Case<'_>, found: &mut Found) {
    let groups = case.plan.waiting.iter().filter(|waiting| waiting.reason.code == Code::Sleeps);
    for entry in groups.flat_map(|waiting| &waiting.pods) {
        let shut = case.pools.iter().any(|wanted| wakes(case, wanted));
        if !shut || !case.pod(&entry.pod).is_some_and(|pod| lets(case, pod)) {
            found.plan(Rule::Sleep, format!("nothing lets {} sleep", entry.pod));
        }
    }
}

/// The first entry of the policy that takes the pod in says so.
pub fn lets(case: &Case<'_>, pod: &Pod) -> bool {
    let kind = pod.owner.as_ref().map_or("none", |owner| &*owner.kind);
    let first = case.policy.drain.when_no_home.iter().find(|entry| {
        (entry.namespaces.is_empty() || entry.namespaces.contains(&pod.key.namespace))
            && (entry.owner_kinds.is_empty() || entry.owner_kinds.iter().any(|name| **name == *kind))
            && entry.labels.as_ref().is_none_or(|labels| labels.matches(&pod.labels))
    });
    first.is_some_and(|entry| entry.sleeps)
}

/// Within a month the pool may have more nodes than now.
fn wakes(case: &Case<'_>, wanted: &Wanted<'_>) -> bool {
    let now = case.plan.now;
    let Some((ceiling, end)) = wanted.holding.ceiling.zip(now.checked_add(SignedDuration::from_hours(32 * 24)).ok())
    else {
        return false;
    };
    let ahead = turns(case.policy, wanted.pool, now, end, wanted.lead);
    ahead.iter().any(|turn| turn.at > now && turn.holding.ceiling.is_none_or(|later| later > ceiling))
}

/// A node that stays and has room when all is done. Pods that look at others are not judged: those may have moved.
fn room(case: &Case<'_>, pod: &Pod) -> Option<String> {
    let looks =
        pod.spec.affinity.as_ref().is_some_and(|affinity| !affinity.pod.is_empty() || !affinity.anti.is_empty());
    if looks || pod.spec.spread.iter().any(|spread| spread.hard) {
        return None;
    }
    let mut site = case.site();
    let going: BTreeSet<&str> =
        case.plan.steps.iter().filter(|step| takes(step)).map(|step| step.node.as_str()).collect();
    for step in &case.plan.steps {
        for entry in &step.pods {
            if let Some((moved, home)) = case.pod(&entry.pod).zip(entry.home.as_ref()) {
                site.lift(moved, &step.node);
                site.place(moved, home);
            }
        }
    }
    let stays = |name: &&crate::model::Name| !going.contains(&***name) && case.life(name) == Life::Active;
    case.world.nodes.keys().filter(stays).find(|name| site.unfit(pod, name).is_empty()).map(ToString::to_string)
}

/// Under a budget that also counts pods which move, so many may sleep that one at least can be away beside them.
fn budgets(case: &Case<'_>, found: &mut Found) {
    let mut counts: BTreeMap<String, (u32, u32, u32)> = BTreeMap::new();
    let evicted =
        |step: &Step| step.pods.iter().filter(|entry| entry.action == PodAction::Evict).cloned().collect::<Vec<_>>();
    for entry in case.plan.steps.iter().flat_map(evicted) {
        let pod = case.pod(&entry.pod).filter(|pod| case.world.budgets_of(pod).next().is_some());
        let Some((name, most)) = pod.and_then(|pod| bounds(case, pod)) else { continue };
        let count = counts.entry(name).or_default();
        count.0 = most;
        if entry.sleeps { count.1 += 1 } else { count.2 += 1 }
    }
    for (name, (most, asleep, moved)) in counts {
        let wrong = if moved > 0 { asleep >= most } else { asleep > most };
        if asleep > 0 && wrong {
            found.plan(
                Rule::Sleep,
                format!("{asleep} pods of {name} sleep, and {moved} others could not leave after them"),
            );
        }
    }
}
