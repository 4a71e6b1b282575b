//! How many nodes of a pool are in transition at once, whatever the order.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Life, Wanted, takes};
use super::violation::{Found, Rule};
use crate::model::IntOrPercent;
use crate::plan::Step;

/// The nodes that go, and those that come, stand in so many queues that no more are in transition than may be: in a
/// queue each node waits for the last step of the one before it.
pub fn check(case: &Case<'_>, found: &mut Found) {
    for wanted in &case.pools {
        let most = most(case, wanted);
        for taking in [true, false] {
            let mut nodes: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
            // What is restarted counts once, with those that go.
            let counts = |step: &Step| takes(step) == taking && (taking || !case.restarted(&step.node));
            let own = |step: &&Step| *step.pool == *wanted.pool.name && counts(step);
            for step in case.plan.steps.iter().filter(own) {
                nodes.entry(step.node.as_str()).or_default().push(step);
            }
            let queues = queues(&nodes);
            if queues > most {
                let what = if taking { "go" } else { "come" };
                let text = format!("{queues} of its nodes may {what} at once, {most} may be in transition");
                found.pool(&wanted.pool.name, Rule::Width, text);
            }
        }
    }
}

/// `parallelism`, and `maxUnavailable` of the active nodes, rounded down; one may always be.
fn most(case: &Case<'_>, wanted: &Wanted<'_>) -> usize {
    let active = case.count(wanted, |life| life == Life::Active);
    let share = match wanted.pool.max_unavailable {
        None => u64::MAX,
        Some(IntOrPercent::Count(count)) => u64::from(count),
        Some(IntOrPercent::Percent(percent)) => u64::from(active) * u64::from(percent) / 100,
    };
    usize::try_from(share.min(u64::from(wanted.pool.parallelism)).max(1)).unwrap_or(usize::MAX)
}

/// Queues that hold all nodes: each node stands behind one that it waits for, if nobody stands there yet.
fn queues(nodes: &BTreeMap<&str, Vec<&Step>>) -> usize {
    let mut last_of: BTreeMap<&str, &str> = BTreeMap::new();
    for (node, steps) in nodes {
        let waited_for: BTreeSet<&str> = steps.iter().flat_map(|step| &step.after).map(String::as_str).collect();
        let last = steps.iter().filter(|step| !waited_for.contains(step.id.as_str()));
        last_of.extend(last.map(|step| (step.id.as_str(), *node)));
    }
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (node, steps) in nodes {
        let ids: BTreeSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        let first = steps.iter().filter(|step| !step.after.iter().any(|id| ids.contains(id.as_str())));
        let ahead = first.flat_map(|step| &step.after).filter_map(|id| last_of.get(id.as_str()).copied());
        let mut free = ahead.filter(|ahead| ahead != node && !taken.contains(ahead));
        if let Some(ahead) = free.next() {
            taken.insert(ahead);
        }
    }
    nodes.len().saturating_sub(taken.len())
}
