//! The plan for people: one summary line, what changes by node, what stays and why, what it costs.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::headroom_text::headroom_lines;
use super::kept_text::kept_nodes;
use super::layout::{
    bounds, by_hand_line, faint, local, local_long, local_times, next_line, outage_line, plural, wrapped,
};
use super::node_steps::{alike, by_node, node_steps};
use super::plan_money::money_lines;
use super::waiting_text::waiting_lines;
use crate::model::Money;
use crate::plan::{Blocker, Kept, Plan, PoolPlan, Unclaimed};
use crate::policy::file_name;
use crate::schedule::Said;

/// The plan as text for a terminal `width` columns wide. Colours are always in it; the stream strips them.
pub fn plan_text(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    head(&mut out, plan, width);
    for pool in &plan.pools {
        pool_section(&mut out, plan, pool, width);
    }
    pending(&mut out, plan, width);
    blockers(&mut out, plan, width);
    rest(&mut out, plan, width);
    if let Some(cost) = &plan.cost {
        let _ = writeln!(out, "\n{}", "Money".bold());
        out.push_str(&money_lines(cost, plan));
    }
    let _ = writeln!(out);
    out.push_str(&wrapped(&local_times(&plan.summary.text, &plan.time_zone), 0, width));
    out
}

fn head(out: &mut String, plan: &Plan, width: usize) {
    let files: Vec<String> = plan.policy.files.iter().map(|file| file_name(&file.path)).collect();
    let _ = writeln!(out, "{}   {} ({})", "Policy".dimmed(), plan.policy.name.bold(), files.join(", "));
    for revision in &plan.policy.revisions {
        let _ = writeln!(out, "{}     {revision}", "From".dimmed());
    }
    let cluster = plan.snapshot.context.as_deref().unwrap_or("not named");
    let server = plan.snapshot.server.as_ref().map(|server| format!(" at {server}")).unwrap_or_default();
    let uid = plan.snapshot.cluster.as_ref().filter(|_| !server.is_empty());
    let uid = uid.map(|uid| format!(" ({uid})")).unwrap_or_default();
    let taken = plan.snapshot.taken.map(|at| format!(", seen {}", local_long(at, &plan.time_zone))).unwrap_or_default();
    let _ = writeln!(out, "{}  {cluster}{server}{uid}{taken}", "Cluster".dimmed());
    let _ = writeln!(out, "{}      {}", "Now".dimmed(), local_long(plan.now, &plan.time_zone));
    for asked in &plan.by_hand {
        let _ = writeln!(out, "{}  {}", "By hand".dimmed(), by_hand_line(asked, &plan.time_zone));
    }
    rests_on(out, plan, width);
}

/// What is wrong with that on which a plan, and all that is told from it, rests: its age and what it leaves out; and the
/// brakes, for what they hold back does not come to pass.
pub fn rests_on(out: &mut String, plan: &Plan, width: usize) {
    let old = plan.snapshot.old.iter().map(|old| format!("old: {old}"));
    let caveats = plan.caveats_beside_brakes().map(|caveat| format!("incomplete: {caveat}"));
    for text in old.chain(caveats) {
        for line in wrapped(&local_times(&text, &plan.time_zone), 0, width).lines() {
            let _ = writeln!(out, "{}", line.yellow());
        }
    }
    for refusal in &plan.refusals {
        let origin = refusal.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        let text = format!("Brake {}: {}{origin}", refusal.brake, refusal.text);
        for line in wrapped(&local_times(&text, &plan.time_zone), 0, width).lines() {
            let _ = writeln!(out, "{}", line.red().bold());
        }
    }
}

fn pool_section(out: &mut String, plan: &Plan, pool: &PoolPlan, width: usize) {
    let range = bounds(pool.floor, Some(pool.ceiling));
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
    for line in headroom_lines(pool) {
        out.push_str(&wrapped(&local_times(&line, &plan.time_zone), 2, width));
    }
    for nodes in alike(by_node(plan.steps.iter().filter(|step| step.pool == pool.name)), plan) {
        node_steps(out, plan, &nodes, width);
    }
    let kept: Vec<&Kept> = plan.kept.iter().filter(|kept| kept.pool == pool.name).collect();
    kept_nodes(out, &kept, &plan.blockers, &plan.time_zone, width);
}

fn pending(out: &mut String, plan: &Plan, width: usize) {
    if plan.waiting.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", "Pending pods".bold());
    for line in waiting_lines(plan) {
        out.push_str(&wrapped(&line, 2, width));
    }
}

fn blockers(out: &mut String, plan: &Plan, width: usize) {
    if plan.blockers.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", "In the way".bold());
    let mut before = 0;
    for blocker in &plan.blockers {
        let head = frees_words(blocker, before);
        before = blocker.frees_with_above;
        let _ = writeln!(out, "  {}", head.yellow());
        out.push_str(&wrapped(&local_times(&blocker.text, &plan.time_zone), 4, width));
        if !blocker.hint.is_empty() {
            let hint = match blocker.hint.split_once(", ").filter(|_| !blocker.lift.is_empty()) {
                Some((place, cost)) => format!("lifted {place}: {cost}"),
                None => blocker.hint.clone(),
            };
            out.push_str(&faint(&local_times(&hint, &plan.time_zone), 4, width));
        }
        for line in &blocker.lift {
            let _ = writeln!(out, "      {}", line.green());
        }
    }
}

/// `3 nodes, the only thing found in the way of 2; with those above, of 5`; `before` is how many those above would free.
pub fn frees_words(blocker: &Blocker, before: u32) -> String {
    let nodes = plural(blocker.nodes.len(), "node");
    let together = blocker.frees_with_above > before.saturating_add(blocker.frees);
    let together =
        together.then(|| format!("with those above, the only things found in the way of {}", blocker.frees_with_above));
    match (blocker.frees, together) {
        (0, None) => nodes,
        (0, Some(together)) => format!("{nodes}; {together}"),
        (frees, None) => format!("{nodes}, the only thing found in the way of {frees}"),
        (frees, Some(together)) => format!("{nodes}, the only thing found in the way of {frees}; {together}"),
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
    let losses = plan.losses().map(|(step, pod)| format!("{} on {}", pod.pod, step.node));
    section("LOST: nothing makes these pods again", losses.collect());
    let outages = plan.outages.iter().map(|outage| outage_line(outage, &str::to_owned, &outage.pod));
    section("Outages: the only replica of a workload moves", outages.collect());
    section(
        "Unclaimed: ours once, in no pool now",
        plan.unclaimed.iter().map(|one| unclaimed_line(one, plan)).collect(),
    );
    section("Notes", plan.notes.clone());
}
