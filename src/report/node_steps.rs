//! The steps of one node, which people read as one thing: a line for what happens, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::kept_text::named;
use super::layout::{faint, local_times, plural, wrapped};
use crate::model::Money;
use crate::plan::{Plan, PodAction, PodMove, Step, Verb};

/// What becomes of a pod that nothing makes again.
pub const LOST: &str = "LOST: nothing makes it again";

/// The steps of each node together, in the order of the first of each.
pub fn by_node<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<Vec<&'a Step>> {
    let mut nodes: Vec<Vec<&Step>> = Vec::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for step in steps {
        let index = *place.entry(step.node.as_str()).or_insert(nodes.len());
        match nodes.get_mut(index) {
            Some(of_node) => of_node.push(step),
            None => nodes.push(vec![step]),
        }
    }
    nodes
}

/// `cordon → drain (2 evictions) → shelve`.
pub fn in_words(plan: &Plan, steps: &[&Step]) -> String {
    let blind = plan.snapshot.unknown.iter().any(|kind| kind == "Pod");
    // What is new is in use when it is Ready: nobody cordoned it.
    let new = steps.iter().any(|step| step.verb == Verb::Create || step.creation.is_some());
    let told = steps.iter().filter(|step| !new || step.verb != Verb::Uncordon);
    let verbs: Vec<String> = told.map(|step| step_words(step, blind)).collect();
    verbs.join(" → ")
}

/// More nodes in a row than this to which the same happens, without a pod to name, are told as one.
const ALIKE: usize = 12;

/// Nodes in a row that are told together: many to which the same happens, else each by itself.
pub fn alike<'a>(nodes: Vec<Vec<&'a Step>>, plan: &Plan) -> Vec<Vec<Vec<&'a Step>>> {
    let same = |a: &Vec<&Step>, b: &Vec<&Step>| {
        let what = |steps: &[&Step]| {
            let first = steps.first().map(|step| (step.reason.code, step.origin.clone()));
            (in_words(plan, steps), cost_words(plan, steps), first)
        };
        moves(a).next().is_none() && moves(b).next().is_none() && what(a) == what(b)
    };
    let mut told = Vec::new();
    for run in nodes.chunk_by(same) {
        match run.len() > ALIKE {
            true => told.push(run.to_vec()),
            false => told.extend(run.iter().map(|node| vec![node.clone()])),
        }
    }
    told
}

fn moves<'a>(steps: &[&'a Step]) -> impl Iterator<Item = &'a PodMove> {
    let pods: Vec<&PodMove> = steps.iter().flat_map(|step| &step.pods).collect();
    pods.into_iter().filter(|pod| pod.action != PodAction::Stays)
}

/// What happens to one node, or to many alike: the steps in one line, why, and what becomes of each pod.
pub fn node_steps(out: &mut String, plan: &Plan, nodes: &[Vec<&Step>], width: usize) {
    let Some(steps) = nodes.first() else { return };
    let Some(first) = steps.first() else { return };
    let up = steps.iter().any(|step| step.verb == Verb::Uncordon);
    let cordon_only = steps.iter().all(|step| matches!(step.verb, Verb::Cordon | Verb::Record));
    let again = up && steps.iter().any(|step| step.verb == Verb::Park);
    let symbol = match (up && !again, cordon_only || again) {
        (true, _) => "+".green().to_string(),
        (_, true) => "~".yellow().to_string(),
        _ => "-".cyan().to_string(),
    };
    let names: Vec<&str> = nodes.iter().flat_map(|steps| steps.first()).map(|step| step.node.as_str()).collect();
    let cost = match (cost_words(plan, steps), nodes.len()) {
        (cost, _) if cost.is_empty() => cost,
        (cost, 1) => format!("  {cost}"),
        (cost, _) => format!("  {cost} each"),
    };
    let _ = writeln!(out, "  {symbol} {}  {}{}", named(&names).bold(), in_words(plan, steps), cost.dimmed());
    let origin = first.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
    let why = format!("{}{origin}", local_times(&first.reason.text, &plan.time_zone));
    out.push_str(&faint(&why, 6, width));
    for pod in moves(steps) {
        out.push_str(&wrapped(&local_times(&pod_words(pod), &plan.time_zone), 6, width));
    }
}

/// `-8 SU/h`: what the steps of a node change; empty if nothing.
pub fn cost_words(plan: &Plan, steps: &[&Step]) -> String {
    let cost: i64 = steps.iter().filter_map(|step| step.cost).map(|cost| cost.per_hour_micros).sum();
    let unit = plan.cost.as_ref().map(|cost| cost.unit.as_str()).unwrap_or_default();
    if cost == 0 { String::new() } else { format!("{}{} {unit}/h", sign(cost), Money(cost)) }
}

/// `evict default/web-1 (room on node-2)`: what becomes of a pod.
pub fn pod_words(pod: &PodMove) -> String {
    if pod.action == PodAction::Wait {
        let limit = pod.at_most.map(|s| format!("at most {:#}", jiff::SignedDuration::from_secs(s)));
        return format!("wait for {}, {}", pod.pod, limit.unwrap_or_else(|| "for as long as it runs".to_owned()));
    }
    let home = pod.home.as_deref().unwrap_or("?");
    let round = pod.budget.as_ref().map(|budget| match pod.at_most.filter(|_| pod.after_cordon) {
        Some(limit) => {
            let limit = jiff::SignedDuration::from_secs(limit);
            format!(", once the cordon releases {budget}, waited for {limit:#} at most")
        }
        None => {
            let round = pod.chunk.unwrap_or(1);
            match budget.strip_prefix("implied ") {
                Some(workload) => format!(", round {round}, the rest of {workload} stays Ready"),
                None => format!(", round {round} of {budget}"),
            }
        }
    });
    let forced = if pod.delete_on_timeout { ", DELETED if it does not go in time" } else { "" };
    let asleep = pod.reason.as_ref().map(|reason| reason.text.clone()).filter(|_| pod.sleeps);
    let becomes = if let Some(asleep) = asleep {
        asleep
    } else if pod.lost {
        LOST.to_owned()
    } else {
        format!("room on {home}")
    };
    format!("evict {} ({becomes}{}{forced})", pod.pod, round.unwrap_or_default())
}

fn sign(micros: i64) -> &'static str {
    if micros > 0 { "+" } else { "" }
}

/// `blind` if pods were not listed.
fn step_words(step: &Step, blind: bool) -> String {
    match step.verb {
        Verb::Cordon => "cordon".to_owned(),
        Verb::Drain => {
            let count = |action| step.pods.iter().filter(|pod| pod.action == action).count();
            let (evicted, waited) = (count(PodAction::Evict), count(PodAction::Wait));
            match (evicted, waited) {
                (0, 0) if blind => "drain (of what is unknown)".to_owned(),
                (0, 0) => "drain (nothing to move)".to_owned(),
                (_, 0) => format!("drain ({})", plural(evicted, "eviction")),
                (0, _) => format!("drain ({waited} waited for)"),
                _ => format!("drain ({}, {waited} waited for)", plural(evicted, "eviction")),
            }
        }
        Verb::Record => "record as parked".to_owned(),
        Verb::Wait => "wait until Ready".to_owned(),
        Verb::Create => {
            let what = step.creation.as_ref().map(|creation| format!(" ({})", creation.offering())).unwrap_or_default();
            format!("create{what}")
        }
        Verb::Uncordon => "uncordon".to_owned(),
        verb => {
            let own = crate::plan::verb_name(verb);
            step.provider_verb.clone().unwrap_or_else(|| own.to_owned())
        }
    }
}
