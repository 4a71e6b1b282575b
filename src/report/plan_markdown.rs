//! The plan as Markdown, for a comment on a pull request: what it comes to first, the rest folded, and never longer than a
//! comment may be.

use std::fmt::Write as _;

use super::comment::{LONG, MIDDLE, SHORT, escaped, folded, listed, marker, shortened};
use super::headroom_text::headroom_lines;
use super::kept_text::{grouped, named};
use super::layout::{by_hand_line, local, local_long, local_times, next_line, outage_line, plural};
use super::node_steps::{by_node, cost_words, in_words, pod_words};
use super::plan_money::money_lines;
use super::plan_text::{frees_words, said_words, unclaimed_line};
use super::waiting_text::waiting_lines;
use crate::model::Money;
use crate::plan::{Blocker, Kept, Plan, PlanCost, PodAction, Step};

/// Summary first, details folded. What does not fit in a comment is left out, with how much that is.
pub fn plan_markdown(plan: &Plan) -> String {
    let mut out = String::new();
    let say = |text: &str| escaped(&local_times(text, &plan.time_zone));
    let from: String = plan
        .policy
        .revisions
        .iter()
        .map(|revision| format!(", from `{}`", revision.to_string().replace('`', "'")))
        .collect();
    let _ = writeln!(out, "{}", marker("plan", &plan.policy.name, plan.snapshot.context.as_deref()));
    let _ = writeln!(out, "### Tidegate: {}\n", shortened(&say(&plan.summary.text)));
    let _ = writeln!(
        out,
        "Policy `{}`{}, {}{}\n",
        shortened(&plan.policy.name),
        shortened(&from),
        local_long(plan.now, &plan.time_zone),
        if plan.complete { "" } else { ", **incomplete**" }
    );
    pools(&mut out, plan);
    let asked = plan.by_hand.iter().map(|asked| format!("- By hand: {}\n", say(&by_hand_line(asked, &plan.time_zone))));
    listed(&mut out, "", asked.collect(), SHORT);
    steps(&mut out, plan);
    let pending: Vec<String> = waiting_lines(plan).iter().map(|line| format!("- {}\n", escaped(line))).collect();
    folded(&mut out, "Pending pods", "", pending, MIDDLE);
    let kept: Vec<&Kept> = plan.kept.iter().collect();
    let kept = grouped(&kept, &plan.blockers, &plan.time_zone).into_iter();
    let kept: Vec<String> = kept.map(|(nodes, why)| format!("- {}: {}\n", named(&nodes), escaped(&why))).collect();
    folded(&mut out, &stays(plan.kept.len()), "", kept, LONG);
    let freed = std::iter::once(0).chain(plan.blockers.iter().map(|found| found.frees_with_above));
    let blockers = plan.blockers.iter().zip(freed).map(|(found, before)| blocker(found, before, plan)).collect();
    folded(&mut out, "In the way", "", blockers, LONG);
    let losses = plan.losses().map(|(step, pod)| {
        format!("\n:warning: **LOST**: nothing makes `{}` on {} again\n", pod.pod, escaped(&step.node))
    });
    listed(&mut out, "", losses.collect(), SHORT);
    let outages = plan
        .outages
        .iter()
        .map(|outage| format!("\n:warning: {}\n", outage_line(outage, &escaped, &format!("`{}`", outage.pod))));
    listed(&mut out, "", outages.collect(), SHORT);
    let unclaimed = plan.unclaimed.iter().map(|unclaimed| format!("- {}\n", say(&unclaimed_line(unclaimed, plan))));
    listed(&mut out, "\nUnclaimed, ours once and in no pool now:\n\n", unclaimed.collect(), SHORT);
    let refusals = plan.refusals.iter().map(|refusal| {
        let place = refusal.origin.as_ref().map(|origin| format!(" (`{origin}`)")).unwrap_or_default();
        format!("\n:no_entry: **{}**: {}{place}\n", refusal.brake, say(&refusal.text))
    });
    listed(&mut out, "", refusals.collect(), SHORT);
    let remarks = plan.snapshot.old.iter().chain(plan.caveats_beside_brakes()).chain(&plan.notes);
    listed(&mut out, "", remarks.map(|remark| format!("\n> {}\n", say(remark))).collect(), SHORT);
    if let Some(cost) = &plan.cost {
        money(&mut out, plan, cost);
    }
    out
}

/// What is wanted of each pool, who says so, and what comes next.
fn pools(out: &mut String, plan: &Plan) {
    let head =
        "| pool | active | cordoned | parked | floor | ceiling | when done |\n|---|---:|---:|---:|---:|---:|---:|\n";
    let rows = plan.pools.iter().map(|pool| {
        let name = escaped(&pool.name);
        let (active, cordoned, parked) = (pool.active, pool.cordoned, pool.parked);
        format!(
            "| {name} | {active} | {cordoned} | {parked} | {} | {} | {} |\n",
            pool.floor, pool.ceiling, pool.desired
        )
    });
    listed(out, head, rows.collect(), MIDDLE);
    let mut lines = Vec::new();
    for pool in &plan.pools {
        for said in pool.said.iter().filter(|said| said.won && said.origin.is_some()) {
            let until = said.until.map(|until| format!(" until {}", local(until, &plan.time_zone))).unwrap_or_default();
            let origin = said.origin.as_ref().map(ToString::to_string).unwrap_or_default();
            let what = escaped(&format!("{}: {} by {}{until}", pool.name, said_words(said), said.by));
            lines.push(format!("- {what} (`{origin}`)\n"));
        }
        for line in headroom_lines(pool) {
            let line = escaped(&local_times(&line, &plan.time_zone));
            lines.push(format!("- {}: {line}\n", escaped(&pool.name)));
        }
        if let Some(next) = &pool.next_change {
            let line = next_line(pool, next, &plan.time_zone);
            lines.push(format!("- {}, {}\n", escaped(&pool.name), escaped(&line)));
        }
    }
    listed(out, "\n", lines, MIDDLE);
}

/// What happens to each node, and what becomes of each pod on it.
fn steps(out: &mut String, plan: &Plan) {
    let rows = by_node(plan.steps.iter()).into_iter().filter_map(|steps: Vec<&Step>| {
        let first = steps.first()?;
        let origin = first.origin.as_ref().map(|origin| format!(" (`{origin}`)")).unwrap_or_default();
        let why = escaped(&local_times(&first.reason.text, &plan.time_zone));
        let (node, what) = (escaped(&first.node), in_words(plan, &steps));
        Some(format!("| {node} | {what} | {} | {why}{origin} |\n", cost_words(plan, &steps)))
    });
    let say = |text: &str| escaped(&local_times(text, &plan.time_zone));
    let head = "| node | what | cost | why |\n|---|---|---:|---|\n";
    folded(out, &plural(plan.steps.len(), "step"), head, rows.collect(), LONG);
    let moves = plan.steps.iter().flat_map(|step| step.pods.iter().map(move |pod| (step, pod)));
    let moves = moves.filter(|(_, pod)| pod.action != PodAction::Stays);
    let lines: Vec<String> =
        moves.map(|(step, pod)| format!("- {}: {}\n", escaped(&step.node), say(&pod_words(pod)))).collect();
    folded(out, &format!("Where {} to go", are(lines.len(), "pod")), "", lines, LONG);
}

fn blocker(found: &Blocker, before: u32, plan: &Plan) -> String {
    let say = |text: &str| escaped(&local_times(text, &plan.time_zone));
    let (nodes, hint) = (frees_words(found, before), say(&found.hint));
    let mut text = format!("- {} ({nodes}): {hint}\n", say(&found.text));
    if !found.lift.is_empty() {
        let _ = writeln!(text, "  ```yaml\n  {}\n  ```", found.lift.join("\n  "));
    }
    text
}

fn money(out: &mut String, plan: &Plan, cost: &PlanCost) {
    if cost.unpriced() {
        let _ = writeln!(out, "\nNo price for any node: what this costs is not known");
        return;
    }
    let (now, after) = (Money(cost.now_per_hour_micros), Money(cost.after_per_hour_micros));
    let (week, always) = (Money(cost.week_micros), Money(cost.always_on_week_micros));
    let unit = &cost.unit;
    let _ = writeln!(out, "\n{now} → {after} {unit}/h; {week} {unit} in 7 days (always on: {always})");
    let lines = money_lines(cost, plan);
    // Four spaces: a block in which nothing is markup.
    folded(out, "Money", "", lines.lines().map(|line| format!("    {line}\n")).collect(), MIDDLE);
}

/// `1 node is`, `2 nodes are`.
fn are(count: usize, what: &str) -> String {
    format!("{} {}", plural(count, what), if count == 1 { "is" } else { "are" })
}

/// Parked nodes that are to stay so are among them.
fn stays(count: usize) -> String {
    if count == 1 { "Why 1 node stays as it is".to_owned() } else { format!("Why {count} nodes stay as they are") }
}
