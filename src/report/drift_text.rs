//! What was last applied, what is wanted and what is there, for people.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::kept_text::named;
use super::layout::{local_long, local_times, wrapped};
use crate::plan::{Drift, DriftCause, LastApplied, NodeDrift, verb_name};

/// The last apply, the pools, the nodes that are not as they are wanted, and the plan in one line.
pub fn drift_text(drift: &Drift, width: usize) -> String {
    let zone = &drift.time_zone;
    let mut out = String::new();
    let said = |out: &mut String, text: &str, indent| out.push_str(&wrapped(&local_times(text, zone), indent, width));
    let _ = writeln!(out, "Applied  {}", applied(drift.last_applied.as_ref(), zone));
    let read: Vec<String> = drift.policy.revisions.iter().map(ToString::to_string).collect();
    let read = if read.is_empty() { String::new() } else { format!(" ({})", read.join(", ")) };
    let _ = writeln!(out, "Wanted   policy {}{read}", drift.policy.name);
    let _ = writeln!(out, "Now      {}", local_long(drift.now, zone));
    out.push('\n');
    for pool in &drift.pools {
        let then = pool.applied.map_or_else(|| "-".to_owned(), |then| then.to_string());
        let title = format!("Pool {}", pool.name);
        let _ = writeln!(out, "{}  applied {then}, wanted {}, there {}", title.bold(), pool.wanted, pool.actual);
        for cause in &pool.why {
            said(&mut out, words(*cause), 2);
        }
        let nodes: Vec<&NodeDrift> = drift.nodes.iter().filter(|node| node.pool == pool.name).collect();
        told(&mut out, &nodes, &said);
    }
    let others: Vec<&NodeDrift> =
        drift.nodes.iter().filter(|node| drift.pools.iter().all(|pool| pool.name != node.pool)).collect();
    told(&mut out, &others, &said);
    for line in &drift.missed {
        said(&mut out, line, 0);
    }
    out.push('\n');
    for caveat in &drift.caveats {
        said(&mut out, &format!("incomplete: {caveat}"), 0);
    }
    let head = if drift.drifted { "Drifted" } else { "As wanted" };
    said(&mut out, &format!("{head}. {}", drift.summary), 0);
    out
}

/// Nodes to which the same is to happen together.
fn told(out: &mut String, nodes: &[&NodeDrift], said: &dyn Fn(&mut String, &str, usize)) {
    let line = |node: &NodeDrift| {
        let steps: Vec<&str> = node.steps.iter().map(|verb| verb_name(*verb)).collect();
        format!("is {}, to {}: {}", node.state, steps.join(", "), node.reason.text)
    };
    let mut groups: Vec<(String, Vec<&NodeDrift>)> = Vec::new();
    for node in nodes {
        let key = line(node);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, of_it)) => of_it.push(node),
            None => groups.push((key, vec![node])),
        }
    }
    for (what, of_it) in groups {
        let names: Vec<&str> = of_it.iter().map(|node| node.node.as_str()).collect();
        let what = if names.len() > 1 { what.replacen("is ", "are ", 1) } else { what };
        said(out, &format!("{} {what}", named(&names)), 2);
    }
}

fn applied(applied: Option<&LastApplied>, zone: &str) -> String {
    let Some(applied) = applied else { return "never, as far as is remembered in the cluster".to_owned() };
    let at = if applied.revisions.is_empty() { String::new() } else { format!(" ({})", applied.revisions.join(", ")) };
    let same = if applied.same_policy { "the same policy as now" } else { "another policy than now" };
    format!("{} by {}: policy {}{at}, {same}", local_long(applied.at, zone), applied.by, applied.policy)
}

fn words(cause: DriftCause) -> &'static str {
    match cause {
        DriftCause::NeverApplied => "no `apply` of a whole policy is remembered",
        DriftCause::PolicyChanged => "the policy has changed since, and was not applied",
        DriftCause::WantedChanged => "the schedule or the load asks for another number than at the last `apply`",
        DriftCause::ClusterChanged => "the cluster is not as the last `apply` was to leave it",
        DriftCause::Unfinished => "the last `apply` left something to do",
    }
}
