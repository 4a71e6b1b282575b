//! An explanation for people: what it is, what would happen to it, and why.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::headroom_text::headroom_lines;
use super::kept_text::{kept_nodes, node_answers};
use super::layout::{bounds, faint, local_times, next_line, plural, wrapped};
use super::node_steps::{by_node, in_words};
use super::plan_text::{rests_on, said_words};
use crate::plan::{Explanation, NodeStatus, Plan, ServerBehind};

/// Nodes whose steps are listed; the plan has all.
const NODES: usize = 40;

/// An explanation as text.
pub fn explain_text(found: &Explanation, plan: &Plan, width: usize) -> String {
    let mut out = format!("{}  {}\n", found.object.bold(), local_times(&found.state, &plan.time_zone));
    if let Some(line) = found.status.as_ref().and_then(since) {
        out.push_str(&wrapped(&local_times(&line, &plan.time_zone), 2, width));
    }
    if let Some(server) = &found.server {
        out.push_str(&wrapped(&server_line(server), 2, width));
    }
    rests_on(&mut out, plan, width);
    if let Some(pool) = &found.pool {
        let title = format!("pool {}: {} active; {}", pool.name, pool.active, bounds(pool.floor, Some(pool.ceiling)));
        let _ = writeln!(out, "  {title}");
        for said in &pool.said {
            let origin = said.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
            let verdict = if said.won { "decides" } else { "is overruled" };
            let line = format!("{} by {} {verdict}{origin}", said_words(said), said.by);
            out.push_str(&faint(&line, 4, width));
        }
        for line in headroom_lines(pool) {
            out.push_str(&wrapped(&local_times(&line, &plan.time_zone), 4, width));
        }
        if let Some(next) = &pool.next_change {
            let line = next_line(pool, next, &plan.time_zone);
            out.push_str(&wrapped(&line, 4, width));
        }
    }
    if let Some(used) = found.utilisation {
        let line = format!("pods that would have to move request {}", used.words());
        out.push_str(&wrapped(&line, 2, width));
    }
    steps(&mut out, found, plan, width);
    match (&*found.kept, found.object.starts_with("pool/")) {
        ([], _) => {}
        (kept, true) => {
            let _ = writeln!(out, "  {}", "what stays".bold());
            kept_nodes(&mut out, &kept.iter().collect::<Vec<_>>(), &plan.blockers, &plan.time_zone, width);
        }
        (kept, false) => {
            let _ = writeln!(out, "  {}", "why it stays".bold());
            for reason in kept.iter().flat_map(|kept| &kept.reasons) {
                let origin = reason.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
                let text = local_times(&format!("{}{origin}", reason.text), &plan.time_zone);
                out.push_str(&wrapped(&text, 4, width));
            }
        }
    }
    pods(&mut out, found, width);
    out
}

/// `since 2026-11-10T23:32:57Z, by tidegate (policy workshop): not needed`.
fn since(status: &NodeStatus) -> Option<String> {
    let when = status.since.map(|since| format!("since {since}"));
    match (when, status.who.as_str()) {
        (when, "") => when,
        (when, who) => Some(format!("{}by {who}: {}", when.map_or_else(String::new, |when| when + ", "), status.why)),
    }
}

/// `server 0b6f…: SHELVED_OFFLOADED, m3.medium in nova`.
fn server_line(server: &ServerBehind) -> String {
    let named = server.id.as_ref().unwrap_or(&server.name);
    let task = server.task.iter().map(|task| format!(" ({task})"));
    let flavor = Some(&server.flavor).filter(|flavor| !flavor.is_empty()).map(|flavor| format!(", {flavor}"));
    let zone = server.zone.iter().map(|zone| format!(" in {zone}"));
    let about: String = task.chain(flavor).chain(zone).collect();
    let guessed = if server.id.is_none() { ", as its node says" } else { "" };
    format!("server {named}: {}{about}{guessed}", server.state)
}

/// One line for each node that something is done to; of a pool's nodes the first ones.
fn steps(out: &mut String, found: &Explanation, plan: &Plan, width: usize) {
    if found.steps.is_empty() {
        let _ = writeln!(out, "  {}", "nothing would be done to it now".dimmed());
    }
    let nodes = by_node(found.steps.iter());
    for steps in nodes.iter().take(NODES) {
        let Some(first) = steps.first() else { continue };
        let origin = first.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        let line = format!("{} {}: {}{origin}", first.node, in_words(plan, steps), first.reason.text);
        out.push_str(&wrapped(&local_times(&line, &plan.time_zone), 2, width));
    }
    let rest = nodes.len().saturating_sub(NODES);
    if rest > 0 {
        let _ = writeln!(out, "  and {}: `tidegate plan` shows them all", plural(rest, "more node"));
    }
}

fn pods(out: &mut String, found: &Explanation, width: usize) {
    if found.pods.is_empty() {
        return;
    }
    let title = match found.object.starts_with("pool/") {
        true => "what is in the way: a pod of each kind".to_owned(),
        false => plural(found.pods.len(), "pod"),
    };
    let _ = writeln!(out, "  {}", title.bold());
    let wide = found.pods.iter().map(|pod| pod.pod.chars().count()).max().unwrap_or(0).min(60);
    for pod in &found.pods {
        let homes = match pod.answer.as_str() {
            "goes" if pod.nodes.is_empty() && !pod.lost => {
                let homes = usize::try_from(pod.homes).unwrap_or(usize::MAX);
                format!(", {} could take it", plural(homes, "other node"))
            }
            _ => String::new(),
        };
        let on = if found.object.starts_with("pool/") { format!(" on {}", pod.node) } else { String::new() };
        let _ = writeln!(out, "    {:wide$}  {:6}  {}{homes}{on}", pod.pod, pod.answer, pod.text);
        node_answers(out, &pod.nodes, 8, width);
    }
}
