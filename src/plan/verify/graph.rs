//! The graph of steps: sound at all, in order on each node, and the orders that it allows.

use std::collections::{BTreeMap, BTreeSet};

use super::case::takes;
use super::violation::{Found, Rule};
use crate::plan::{Code, Plan, Step, Verb, verb_name};

/// Which of the steps that are ready comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// As they are written.
    First,
    /// From the end.
    Last,
    /// What takes capacity away.
    Taking,
    /// What gives it back.
    Giving,
}

/// Every order that is replayed.
pub const ORDERS: [Prefer; 4] = [Prefer::First, Prefer::Last, Prefer::Taking, Prefer::Giving];

/// Ids are unique and say what the step does, every step waits for steps that exist, and nothing waits in a circle.
pub fn check(plan: &Plan, found: &mut Found) {
    let ids: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    for step in &plan.steps {
        if !seen.insert(step.id.as_str()) {
            found.step(step, Rule::Graph, "two steps have this id");
        }
        let named = format!("{}/{}", verb_name(step.verb), step.node);
        if step.id != named {
            found.step(step, Rule::Graph, format!("it does {named}, which its id does not say"));
        }
        for before in step.after.iter().filter(|before| !ids.contains(before.as_str())) {
            found.step(step, Rule::Graph, format!("it waits for {before}, which is not in the plan"));
        }
    }
    if found.nothing() {
        let done: BTreeSet<&str> = order(plan, Prefer::First).iter().map(|step| step.id.as_str()).collect();
        if let Some(step) = plan.steps.iter().find(|step| !done.contains(step.id.as_str())) {
            found.step(step, Rule::Graph, "it waits for itself in a circle");
        }
    }
}

/// An order that the graph allows.
pub fn order(plan: &Plan, prefer: Prefer) -> Vec<&Step> {
    let rank = |index: usize| {
        let taking = plan.steps.get(index).is_some_and(takes);
        match prefer {
            Prefer::First => (false, index),
            Prefer::Last => (false, plan.steps.len().saturating_sub(index)),
            Prefer::Taking => (!taking, index),
            Prefer::Giving => (taking, index),
        }
    };
    let mut waits: Vec<usize> = plan.steps.iter().map(|step| step.after.len()).collect();
    let mut dependants: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for (index, step) in plan.steps.iter().enumerate() {
        if step.after.is_empty() {
            ready.insert((rank(index), index));
        }
        for before in &step.after {
            dependants.entry(before.as_str()).or_default().push(index);
        }
    }
    let mut order = Vec::new();
    while let Some((_, index)) = ready.pop_first() {
        let Some(step) = plan.steps.get(index) else { break };
        order.push(step);
        for dependant in dependants.get(step.id.as_str()).into_iter().flatten() {
            if let Some(left) = waits.get_mut(*dependant) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.insert((rank(*dependant), *dependant));
                }
            }
        }
    }
    order
}

/// On each node every step waits, by the node's own steps, for what must come before it.
pub fn order_on_nodes(plan: &Plan, found: &mut Found) {
    let mut of_node: BTreeMap<&str, BTreeMap<&str, &Step>> = BTreeMap::new();
    for step in &plan.steps {
        of_node.entry(step.node.as_str()).or_default().insert(step.id.as_str(), step);
    }
    // What a repair takes, and in which order, is judged by itself.
    let mended = |steps: &BTreeMap<&str, &Step>| steps.values().any(|step| step.reason.code == Code::Repair);
    for steps in of_node.values().filter(|steps| !mended(steps)) {
        if steps.values().any(|step| takes(step)) && !steps.values().all(|step| takes(step)) {
            for step in steps.values().filter(|step| !takes(step)) {
                found.step(step, Rule::Order, "the node is taken away and given back in one plan");
            }
        }
        for step in steps.values() {
            let (needed, wrong): (&[Verb], _) = match step.verb {
                Verb::Drain => (&[Verb::Cordon], "drained before it is cordoned"),
                Verb::Park => (&[Verb::Drain], "its server goes before it is drained"),
                Verb::Uncordon if steps.values().any(|other| matches!(other.verb, Verb::Wake | Verb::Create)) => {
                    (&[Verb::Wait], "uncordoned before it is Ready")
                }
                Verb::Wait => (&[Verb::Wake, Verb::Create], "waited for before it is woken or made"),
                // What was never a node in use has nothing to be drained.
                Verb::Delete if steps.len() == 1 => continue,
                Verb::Delete => (&[Verb::Drain], "its server is destroyed before it is drained"),
                Verb::Cordon | Verb::Uncordon | Verb::Wake | Verb::Record | Verb::Create => continue,
            };
            // A node that was on its way already is waited for without a wake.
            let optional = step.verb == Verb::Wait && !steps.values().any(|other| needed.contains(&other.verb));
            if !optional && !waits_for(step, steps, needed) {
                found.step(step, Rule::Order, wrong);
            }
        }
    }
}

/// Whether `step` waits for one of these verbs through steps of its own node.
fn waits_for(step: &Step, own: &BTreeMap<&str, &Step>, verbs: &[Verb]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = step.after.iter().map(String::as_str).collect();
    while let Some(id) = open.pop() {
        let Some(before) = own.get(id).filter(|_| seen.insert(id)) else { continue };
        if verbs.contains(&before.verb) {
            return true;
        }
        open.extend(before.after.iter().map(String::as_str));
    }
    false
}
