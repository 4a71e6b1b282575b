//! Nodes that stay, those with the same reasons together, and what each node says to a pod: bounded for any cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::layout::{faint, local_times, plural, wrapped};
use super::names::braced;
use crate::plan::{Blocker, Code, Kept, NodeAnswer, Reason, needed};

/// Groups of nodes that are listed; JSON has all.
const GROUPS: usize = 30;
/// Groups of nodes that are listed for one pod.
const ANSWERS: usize = 8;

/// Names and ranges of names that are written for one group of nodes; JSON has all.
const NAMES: usize = 12;

/// `a, b, c`, or `4 nodes, n-{1,2,4..5}`: no node stands between the lines that is not meant.
pub fn named(nodes: &[&str]) -> String {
    match nodes.len() {
        0..=3 => nodes.join(", "),
        many => format!("{many} nodes, {}", braced(nodes.iter().copied(), NAMES)),
    }
}

/// Nodes that stay for the same reasons together, in the order of the first of each group, and those reasons. Where several
/// nodes have the same things in their way, with other pods on each, they are one group, which is told by what is in the way.
pub fn grouped<'k>(kept: &[&'k Kept], blockers: &[Blocker], zone: &str) -> Vec<(Vec<&'k str>, String)> {
    let mut groups: Vec<(Vec<&Kept>, Vec<&str>)> = Vec::new();
    let mut place: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for kept in kept {
        let mut causes: Vec<&str> = Vec::new();
        for reason in &kept.reasons {
            let cause = cause(reason, &kept.node, blockers).unwrap_or(&reason.text);
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        let index = *place.entry(causes.clone()).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((nodes, _)) => nodes.push(kept),
            None => groups.push((vec![kept], causes)),
        }
    }
    let told = |(nodes, causes): (Vec<&'k Kept>, Vec<&str>)| {
        let texts: BTreeSet<String> = nodes.iter().map(|kept| reasons(kept)).collect();
        let text = match (texts.len(), texts.into_iter().next()) {
            (1, Some(text)) => text,
            _ => causes.join("; "),
        };
        (nodes.into_iter().map(|kept| kept.node.as_str()).collect(), local_times(&text, zone))
    };
    groups.into_iter().map(told).collect()
}

/// What is in the way of a node by one of its reasons, in the words of the group that it is in.
fn cause<'b>(reason: &Reason, node: &str, blockers: &'b [Blocker]) -> Option<&'b str> {
    let of = |blocker: &&Blocker| {
        let named = |pod: &String| blocker.pods.contains(pod);
        blocker.code == reason.code
            && blocker.nodes.iter().any(|held| held == node)
            && reason.evidence.pod.as_ref().is_none_or(named)
    };
    blockers.iter().find(of).map(|blocker| blocker.text.as_str())
}

/// Nodes that stay.
pub fn kept_nodes(out: &mut String, kept: &[&Kept], blockers: &[Blocker], zone: &str, width: usize) {
    let groups = grouped(kept, blockers, zone);
    for (nodes, text) in groups.iter().take(GROUPS) {
        let _ = writeln!(out, "    {} stay{}", named(nodes), if nodes.len() == 1 { "s" } else { "" });
        out.push_str(&faint(text, 6, width));
    }
    let rest: usize = groups.iter().skip(GROUPS).map(|(nodes, _)| nodes.len()).sum();
    if rest > 0 {
        let _ = writeln!(out, "    and {rest} more, each for reasons of its own: `--format json` has them all");
    }
}

fn reasons(kept: &Kept) -> String {
    let mut texts: Vec<String> = (kept.reasons.iter())
        .map(|reason| match &reason.origin {
            Some(origin) if needed(reason.code) && reason.code != Code::Override => {
                format!("{} ({origin})", reason.text)
            }
            _ => reason.text.clone(),
        })
        .collect();
    let more = texts.len().saturating_sub(3);
    texts.truncate(3);
    let mut text = texts.join("; ");
    if more > 0 {
        let _ = write!(text, "; and {more} more (`tidegate explain node/{}`)", kept.node);
    }
    text
}

/// Which nodes can take a pod, then why the others cannot: the reason that most of them give first.
pub fn node_answers(out: &mut String, answers: &[NodeAnswer], indent: usize, width: usize) {
    if answers.is_empty() {
        return;
    }
    let fits: Vec<&str> = answers.iter().filter(|answer| answer.fits).map(|answer| answer.node.as_str()).collect();
    let head = match fits.as_slice() {
        [] => "fits on no other node".to_owned(),
        fits => format!("fits on {}", named(fits)),
    };
    out.push_str(&wrapped(&head, indent, width));
    refusals(out, answers, indent, width);
}

/// Why nodes cannot take a pod, those with the same reasons together: what most of them say first. What all of them say is
/// said once; where there are too many groups each reason is told for itself, with how many nodes give it.
pub fn refusals(out: &mut String, answers: &[NodeAnswer], indent: usize, width: usize) {
    let refusing: Vec<&NodeAnswer> = answers.iter().filter(|answer| !answer.fits).collect();
    let all = |reason: &&String| refusing.iter().all(|answer| answer.reasons.contains(reason));
    let shared: Vec<&String> =
        refusing.first().map(|first| first.reasons.iter().filter(all).collect()).unwrap_or_default();
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for answer in &refusing {
        let own = answer.reasons.iter().filter(|reason| !shared.contains(reason));
        let own: Vec<&str> = own.map(String::as_str).collect();
        groups.entry(own.join("; ")).or_default().push(&answer.node);
    }
    let several = groups.len() > 1;
    if !shared.is_empty() {
        let shared: Vec<&str> = shared.into_iter().map(String::as_str).collect();
        let nodes: Vec<&str> = refusing.iter().map(|answer| answer.node.as_str()).collect();
        let which = if several { "any of them".to_owned() } else { named(&nodes) };
        out.push_str(&faint(&format!("not on {which}: {}", shared.join("; ")), indent, width));
    }
    groups.remove("");
    if groups.len() > ANSWERS {
        return each_reason(out, &refusing, indent, width);
    }
    let mut groups: Vec<(String, Vec<&str>)> = groups.into_iter().collect();
    groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    for (why, nodes) in &groups {
        out.push_str(&faint(&format!("not on {}: {why}", named(nodes)), indent, width));
    }
}

/// Each reason with the nodes that give it, those of most nodes first. Taints of one key are one reason.
fn each_reason(out: &mut String, refusing: &[&NodeAnswer], indent: usize, width: usize) {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for answer in refusing {
        let kinds: std::collections::BTreeSet<String> =
            answer.reasons.iter().map(|reason| without_value(reason)).collect();
        kinds.into_iter().for_each(|kind| reasons.entry(kind).or_default().push(&answer.node));
    }
    let mut reasons: Vec<(String, Vec<&str>)> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    for (why, nodes) in reasons.iter().take(ANSWERS) {
        out.push_str(&faint(&format!("not on {}: {why}", named(nodes)), indent, width));
    }
    let more = reasons.len().saturating_sub(ANSWERS);
    let more = if more > 0 { format!("; {} not shown", plural(more, "reason")) } else { String::new() };
    let line =
        format!("a node with several reasons stands in several lines{more}: `--format json` has them node by node");
    out.push_str(&faint(&line, indent, width));
}

/// `node(s) had untolerated taint {team: a}` as `node(s) had untolerated taint {team}`.
fn without_value(reason: &str) -> String {
    let taint = reason.split_once(" {").and_then(|(what, taint)| Some((what, taint.split_once(": ")?.0)));
    taint.map_or_else(|| reason.to_owned(), |(what, key)| format!("{what} {{{key}}}"))
}
