//! The plan for people: one summary line, what changes by node, what stays and why, what it costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::kept_text::kept_nodes;
use super::layout::{by_hand_line, faint, local, local_long, local_times, next_line, plural, wanted, wrapped};
use super::plan_money::money_lines;
use crate::model::Money;
use crate::plan::{Kept, Plan, PodAction, PoolPlan, Step, Unclaimed, Verb};
use crate::schedule::Said;

/// The plan as text for a terminal `width` columns wide. Colours are always in it; the stream strips them.
pub fn plan_text(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    head(&mut out, plan, width);
    for pool in &plan.pools {
        pool_section(&mut out, plan, pool, width);
    }
    blockers(&mut out, plan, width);
    rest(&mut out, plan, width);
    if let Some(cost) = &plan.cost {
        let _ = writeln!(out, "\n{}", "Money".bold());
        out.push_str(&money_lines(cost, plan));
    }
    for refusal in &plan.refusals {
        let _ = writeln!(out, "\n{}", format!("Brake {}", refusal.brake).red().bold());
        out.push_str(&wrapped(&local_times(&refusal.text, &plan.time_zone), 2, width));
        if let Some(origin) = &refusal.origin {
            let _ = writeln!(out, "  {}", origin.dimmed());
        }
    }
    let _ = writeln!(out);
    out.push_str(&wrapped(&local_times(&plan.summary.text, &plan.time_zone), 0, width));
    out
}

fn head(out: &mut String, plan: &Plan, width: usize) {
    let files: Vec<&str> = plan.policy.files.iter().map(|file| file.path.as_str()).collect();
    let _ = writeln!(out, "{}   {} ({})", "Policy".dimmed(), plan.policy.name.bold(), files.join(", "));
    let cluster = plan.snapshot.context.as_deref().unwrap_or("not named");
    let taken = plan.snapshot.taken.map(|at| format!(", seen {}", local_long(at, &plan.time_zone))).unwrap_or_default();
    let _ = writeln!(out, "{}  {cluster}{taken}", "Cluster".dimmed());
    let _ = writeln!(out, "{}      {}", "Now".dimmed(), local_long(plan.now, &plan.time_zone));
    for asked in &plan.by_hand {
        let _ = writeln!(out, "{}  {}", "By hand".dimmed(), by_hand_line(asked, &plan.time_zone));
    }
    let old = plan.snapshot.old.iter().map(|old| format!("old: {old}"));
    for text in old.chain(plan.caveats.iter().map(|caveat| format!("incomplete: {caveat}"))) {
        for line in wrapped(&text, 0, width).lines() {
            let _ = writeln!(out, "{}", line.yellow());
        }
    }
}

fn pool_section(out: &mut String, plan: &Plan, pool: &PoolPlan, width: usize) {
    let range = format!("{} wanted", wanted(pool.floor, pool.ceiling));
    let others =
        [(pool.cordoned, "cordoned"), (pool.parked, "parked"), (pool.unsettled, "unsettled"), (pool.absent, "absent")];
    let others: String = others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}")).collect();
    let title = format!("Pool {}", pool.name);
    let _ = writeln!(out, "\n{}  {} active{others}; {range}; {} when done", title.bold(), pool.active, pool.desired);
    for said in pool.said.iter().filter(|said| said.won && said.origin.is_some()) {
        let until = said.until.map(|until| format!(" until {}", local(until, &plan.time_zone))).unwrap_or_default();
        let origin = said.origin.as_ref().map(ToString::to_string).unwrap_or_default();
        let line = format!("{} by {}{until}  {origin}", said_words(said), said.by);
        let _ = writeln!(out, "  {}", line.dimmed());
    }
    if let Some(next) = &pool.next_change {
        let line = next_line(pool, next, &plan.time_zone);
        out.push_str(&faint(&line, 2, width));
    }
    let mut nodes: BTreeMap<usize, Vec<&Step>> = BTreeMap::new();
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| step.pool == pool.name) {
        let next = place.len();
        let index = *place.entry(step.node.as_str()).or_insert(next);
        nodes.entry(index).or_default().push(step);
    }
    for steps in nodes.values() {
        node_steps(out, plan, steps, width);
    }
    let kept: Vec<&Kept> = plan.kept.iter().filter(|kept| kept.pool == pool.name).collect();
    kept_nodes(out, &kept, &plan.time_zone, width);
}

fn node_steps(out: &mut String, plan: &Plan, steps: &[&Step], width: usize) {
    let Some(first) = steps.first() else { return };
    let up = steps.iter().any(|step| step.verb == Verb::Uncordon);
    let cordon_only = steps.iter().all(|step| step.verb == Verb::Cordon);
    let symbol = match (up, cordon_only) {
        (true, _) => "+".green().to_string(),
        (_, true) => "~".yellow().to_string(),
        _ => "-".cyan().to_string(),
    };
    let blind = plan.snapshot.unknown.iter().any(|kind| kind == "Pod");
    let verbs: Vec<String> = steps.iter().map(|step| step_words(step, blind)).collect();
    let cost: i64 = steps.iter().filter_map(|step| step.cost).map(|cost| cost.per_hour_micros).sum();
    let unit = plan.cost.as_ref().map(|cost| cost.unit.as_str()).unwrap_or_default();
    let cost = if cost == 0 { String::new() } else { format!("  {}{} {unit}/h", sign(cost), Money(cost)) };
    let _ = writeln!(out, "  {symbol} {}  {}{}", first.node.bold(), verbs.join(" → "), cost.dimmed());
    let origin = first.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
    let why = format!("{}{origin}", local_times(&first.reason.text, &plan.time_zone));
    out.push_str(&faint(&why, 6, width));
    for pod in steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.action != PodAction::Stays) {
        let line = match pod.action {
            PodAction::Wait => {
                let limit = pod.at_most.map(|s| format!(", at most {:#}", jiff::SignedDuration::from_secs(s)));
                format!("wait for {}{}", pod.pod, limit.unwrap_or_default())
            }
            _ => {
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
                format!("evict {} (room on {home}{}{forced})", pod.pod, round.unwrap_or_default())
            }
        };
        out.push_str(&wrapped(&line, 6, width));
    }
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
        Verb::Wait => "wait until Ready".to_owned(),
        Verb::Uncordon => "uncordon".to_owned(),
        verb => {
            let own = crate::plan::verb_name(verb);
            step.provider_verb.clone().unwrap_or_else(|| own.to_owned())
        }
    }
}

fn blockers(out: &mut String, plan: &Plan, width: usize) {
    if plan.blockers.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", "In the way".bold());
    for blocker in &plan.blockers {
        let nodes = plural(blocker.nodes.len(), "node");
        let frees =
            if blocker.frees > 0 { format!(", the only thing in the way of {}", blocker.frees) } else { String::new() };
        let _ = writeln!(out, "  {}", format!("{nodes}{frees}").yellow());
        out.push_str(&wrapped(&local_times(&blocker.text, &plan.time_zone), 4, width));
        if !blocker.hint.is_empty() {
            let lead = if blocker.lift.is_empty() { "" } else { "lifted by, " };
            let hint = local_times(&format!("{lead}{}", blocker.hint), &plan.time_zone);
            out.push_str(&faint(&hint, 4, width));
        }
        for line in &blocker.lift {
            let _ = writeln!(out, "      {}", line.green());
        }
    }
}

/// `min 3`; of a freeze what becomes of a drain that is under way.
pub fn said_words(said: &Said) -> String {
    match (said.what.as_str(), said.value.as_str()) {
        ("freeze", "finish") => "freeze (a drain under way finishes)".to_owned(),
        ("freeze", "stop") => "freeze (a drain under way stops)".to_owned(),
        (what, value) => format!("{what} {value}"),
    }
}

/// `node-7 (SHELVED_OFFLOADED, 8 SU/h): left as it is`.
pub fn unclaimed_line(unclaimed: &Unclaimed, plan: &Plan) -> String {
    let cost = unclaimed.per_hour_micros.zip(plan.cost.as_ref());
    let cost = cost.map(|(micros, cost)| format!(", {} {}/h", Money(micros), cost.unit)).unwrap_or_default();
    let back = plan.steps.iter().any(|step| step.pool.is_empty() && step.node == unclaimed.node);
    let next = if back { "given back (uncordon)" } else { "left as it is" };
    format!("{} ({}{cost}): {next}", unclaimed.node, unclaimed.state)
}

fn rest(out: &mut String, plan: &Plan, width: usize) {
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{}", title.bold());
            for line in lines {
                out.push_str(&wrapped(&local_times(&line, &plan.time_zone), 2, width));
            }
        }
    };
    let outages = plan
        .outages
        .iter()
        .map(|outage| format!("{} has no Ready pod while {} moves off {}", outage.workload, outage.pod, outage.node));
    section("Outages: the only replica of a workload moves", outages.collect());
    section(
        "Unclaimed: ours once, in no pool now",
        plan.unclaimed.iter().map(|one| unclaimed_line(one, plan)).collect(),
    );
    section("Notes", plan.notes.clone());
}
