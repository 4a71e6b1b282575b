//! An explanation for people: what it is, what would happen to it, and why.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::layout::{local, local_times, plural, wrapped};
use crate::plan::{Explanation, Plan, verb_name};

/// An explanation as text.
pub fn explain_text(found: &Explanation, plan: &Plan, width: usize) -> String {
    let mut out = format!("{}  {}\n", found.object.bold(), found.state);
    if let Some(pool) = &found.pool {
        let title = format!("pool {}: {} active, {} to {} wanted", pool.name, pool.active, pool.floor, pool.ceiling);
        let _ = writeln!(out, "  {title}");
        for said in &pool.said {
            let origin = said.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
            let verdict = if said.won { "decides" } else { "is overruled" };
            let line = format!("{} {} by {} {verdict}{origin}", said.what, said.value, said.by);
            out.push_str(&wrapped(&line, 4, width).dimmed().to_string());
        }
        if let Some(next) = &pool.next_change {
            let line = format!("next change {}: {}", local(next.at, &plan.time_zone), next.why.join("; "));
            out.push_str(&wrapped(&line, 4, width));
        }
    }
    if found.steps.is_empty() {
        let _ = writeln!(out, "  {}", "nothing would be done to it now".dimmed());
    }
    for step in &found.steps {
        let verb = step.provider_verb.as_deref().unwrap_or_else(|| verb_name(step.verb));
        let origin = step.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
        out.push_str(&wrapped(&format!("{verb} {}: {}{origin}", step.node, step.reason.text), 2, width));
    }
    if !found.reasons.is_empty() {
        let _ = writeln!(out, "  {}", "why it stays".bold());
        for reason in &found.reasons {
            let node = reason.evidence.node.as_ref().map(|node| format!("{node}: ")).unwrap_or_default();
            let origin = reason.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
            let text = local_times(&format!("{node}{}{origin}", reason.text), &plan.time_zone);
            out.push_str(&wrapped(&text, 4, width));
        }
    }
    if !found.pods.is_empty() {
        let _ = writeln!(out, "  {}", plural(found.pods.len(), "pod").bold());
        let wide = found.pods.iter().map(|pod| pod.pod.chars().count()).max().unwrap_or(0).min(60);
        for pod in &found.pods {
            let homes = match pod.answer.as_str() {
                "goes" => format!(
                    ", {} could take it",
                    plural(usize::try_from(pod.homes).unwrap_or(usize::MAX), "other node")
                ),
                _ => String::new(),
            };
            let _ = writeln!(out, "    {:wide$}  {:6}  {}{homes}", pod.pod, pod.answer, pod.text);
        }
    }
    out
}
