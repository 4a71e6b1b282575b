//! The plan as Markdown, for a comment on a pull request.

use std::fmt::Write as _;

use super::layout::{by_hand_line, local_long, local_times, next_line, plural};
use super::node_steps::{by_node, in_words};
use super::plan_text::unclaimed_line;
use crate::model::Money;
use crate::plan::{Plan, PoolPlan};

/// Summary first, details folded.
pub fn plan_markdown(plan: &Plan) -> String {
    let mut out = String::new();
    let escaped = |text: &str| escaped(&local_times(text, &plan.time_zone));
    let _ = writeln!(out, "### Tidegate: {}\n", escaped(&plan.summary.text));
    let _ = writeln!(
        out,
        "Policy `{}`, {}{}\n",
        plan.policy.name,
        local_long(plan.now, &plan.time_zone),
        if plan.complete { "" } else { ", **incomplete**" }
    );
    let _ = writeln!(
        out,
        "| pool | active | cordoned | parked | floor | ceiling | when done |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    for pool in &plan.pools {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            escaped(&pool.name),
            pool.active,
            pool.cordoned,
            pool.parked,
            pool.floor,
            pool.ceiling,
            pool.desired
        );
    }
    for asked in &plan.by_hand {
        let _ = writeln!(out, "\nBy hand: {}", escaped(&by_hand_line(asked, &plan.time_zone)));
    }
    let next = |pool: &PoolPlan| {
        let line = next_line(pool, pool.next_change.as_ref()?, &plan.time_zone);
        Some(format!("- {}, {}\n", escaped(&pool.name), escaped(&line)))
    };
    let next: String = plan.pools.iter().filter_map(next).collect();
    if !next.is_empty() {
        let _ = write!(out, "\n{next}");
    }
    if !plan.steps.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{}</summary>\n", plural(plan.steps.len(), "step"));
        let _ = writeln!(out, "| node | what | why |\n|---|---|---|");
        for steps in by_node(plan.steps.iter()) {
            let Some(first) = steps.first() else { continue };
            let origin = first.origin.as_ref().map(|origin| format!(" (`{origin}`)")).unwrap_or_default();
            let why = escaped(&first.reason.text);
            let _ = writeln!(out, "| {} | {} | {why}{origin} |", escaped(&first.node), in_words(plan, &steps));
        }
        let _ = writeln!(out, "\n</details>");
    }
    if !plan.blockers.is_empty() {
        let _ = writeln!(out, "\n<details><summary>In the way</summary>\n");
        for blocker in &plan.blockers {
            let _ = writeln!(
                out,
                "- {} ({}): {}",
                escaped(&blocker.text),
                plural(blocker.nodes.len(), "node"),
                escaped(&blocker.hint)
            );
            if !blocker.lift.is_empty() {
                let _ = writeln!(out, "  ```yaml\n  {}\n  ```", blocker.lift.join("\n  "));
            }
        }
        let _ = writeln!(out, "\n</details>");
    }
    for (step, pod) in plan.losses() {
        let _ = writeln!(out, "\n:warning: **LOST**: nothing makes `{}` on {} again", pod.pod, escaped(&step.node));
    }
    for outage in &plan.outages {
        let _ =
            writeln!(out, "\n:warning: {} has no Ready pod while `{}` moves", escaped(&outage.workload), outage.pod);
    }
    if !plan.unclaimed.is_empty() {
        let _ = writeln!(out, "\nUnclaimed, ours once and in no pool now:\n");
        for unclaimed in &plan.unclaimed {
            let _ = writeln!(out, "- {}", escaped(&unclaimed_line(unclaimed, plan)));
        }
    }
    for refusal in &plan.refusals {
        let _ = writeln!(out, "\n:no_entry: **{}**: {}", refusal.brake, escaped(&refusal.text));
    }
    for caveat in plan.snapshot.old.iter().chain(&plan.caveats).chain(&plan.notes) {
        let _ = writeln!(out, "\n> {}", escaped(caveat));
    }
    if let Some(cost) = &plan.cost {
        if cost.unpriced() {
            let _ = writeln!(out, "\nNo price for any node: what this costs is not known");
            return out;
        }
        let (now, after) = (Money(cost.now_per_hour_micros), Money(cost.after_per_hour_micros));
        let (week, always) = (Money(cost.week_micros), Money(cost.always_on_week_micros));
        let unit = &cost.unit;
        let _ = writeln!(out, "\n{now} → {after} {unit}/h; {week} {unit} in 7 days (always on: {always})");
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}
