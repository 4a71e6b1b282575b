//! A pod's explanation for people: how it stands, why nodes cannot take it, which could, and what would help.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::kept_text::{named, refusals};
use super::layout::{faint, local_times, plural, wrapped};
use super::plan_text::rests_on;
use crate::plan::{HelpKind, Outlook, Plan, PodExplanation, PodVerdict};

/// Nodes that could take it which are listed with their points.
const BEST: usize = 3;
/// Changes that are listed; JSON has all.
const HELPS: usize = 12;
/// Lines of what could not be read.
const GAPS: usize = 5;
/// Resources and holders of room that are listed.
const ASKS: usize = 5;

/// An explanation of a pod as text, with times as a person in `zone` reads them; `plan` is the one that it is told from.
pub fn pod_text(found: &PodExplanation, plan: Option<&Plan>, zone: &str, width: usize) -> String {
    let mut out = format!("{}\n", format_args!("pod/{}", found.pod).bold());
    match plan {
        Some(plan) => rests_on(&mut out, plan, width),
        None => incomplete(&mut out, found, width),
    }
    out.push_str(&wrapped(&local_times(&found.text, zone), 2, width));
    if let Some(leaving) = &found.leaving {
        let homes = usize::try_from(leaving.homes).unwrap_or(usize::MAX);
        let homes = match homes {
            _ if leaving.lost => String::new(),
            0 => String::new(),
            some => format!(" ({} could take it when the plan is done)", plural(some, "other node")),
        };
        let line = format!("in a drain it {}: {}{homes}", leaving.answer, local_times(&leaving.text, zone));
        out.push_str(&wrapped(&line, 2, width));
    }
    if let Some(promise) = &found.promise {
        let why = local_times(&promise.reason.text, zone);
        let line = match (promise.outlook, &promise.node) {
            (Outlook::Comes, Some(node)) => {
                let verbs: Vec<&str> = promise.after.iter().map(String::as_str).collect();
                format!("the plan brings {node} for it ({})", verbs.join(" → "))
            }
            (Outlook::Room, Some(node)) => format!("the plan brings nothing for it: {why} ({node})"),
            (Outlook::Ignored, _) => format!("the plan brings nothing for it: {why}"),
            _ => format!("the plan cannot help it: {why}"),
        };
        out.push_str(&wrapped(&line, 2, width));
    }
    scheduler(&mut out, found, width);
    nodes(&mut out, found, width);
    evidence(&mut out, found, width);
    helps(&mut out, found, width);
    out
}

/// What the answer rests on and is not whole.
fn incomplete(out: &mut String, found: &PodExplanation, width: usize) {
    for text in found.incomplete.iter().take(GAPS) {
        out.push_str(&wrapped(&format!("incomplete: {text}"), 2, width));
    }
    let more = found.incomplete.len().saturating_sub(GAPS);
    if more > 0 {
        let _ = writeln!(out, "  incomplete: and {more} more: `--format json` has them all");
    }
}

/// How much of what it asks for there is, and who else holds room.
fn evidence(out: &mut String, found: &PodExplanation, width: usize) {
    for asks in found.asks.iter().take(ASKS) {
        let line = format!(
            "it asks for {} of {} with init containers and overhead; at most {} are left on a node, and the largest has {}",
            asks.asked, asks.resource, asks.most_left, asks.largest
        );
        out.push_str(&wrapped(&line, 2, width));
    }
    for nominee in found.nominees.iter().take(ASKS) {
        let line = format!("{} keeps room for {}, which it was promised to", nominee.node, nominee.pod);
        out.push_str(&wrapped(&line, 2, width));
    }
}

fn scheduler(out: &mut String, found: &PodExplanation, width: usize) {
    let Some(words) = &found.scheduler else { return };
    let _ = writeln!(out, "  {}", "what the scheduler says".bold());
    let ours = words.message.as_ref().map(|message| wrapped(&format!("for this snapshot: {message}"), 4, width));
    match (&words.condition, words.agree) {
        (Some(condition), true) => out.push_str(&wrapped(condition, 4, width)),
        (Some(condition), false) => {
            out.push_str(&wrapped(&format!("when it last looked: {condition}"), 4, width));
            out.push_str(&ours.unwrap_or_default());
        }
        (None, _) => out.push_str(&ours.unwrap_or_default()),
    }
}

fn nodes(out: &mut String, found: &PodExplanation, width: usize) {
    let takers: Vec<_> = found.nodes.iter().filter(|answer| answer.fits).collect();
    let refused = found.nodes.len() - takers.len();
    if refused > 0 {
        let title = format!("does not fit on {refused} of {}", plural(found.nodes.len(), "node"));
        let _ = writeln!(out, "  {}", title.bold());
        refusals(out, &found.nodes, 4, width);
    }
    if takers.is_empty() {
        return;
    }
    let title = format!("fits on {} of {}", takers.len(), plural(found.nodes.len(), "node"));
    let own = takers.iter().find(|taker| found.node.as_deref() == Some(&*taker.node));
    let own = own.map(|own| format!(", its own ({}) among them", own.node)).unwrap_or_default();
    let _ = writeln!(out, "  {}{own}", title.bold());
    let best = takers.first().and_then(|taker| taker.score);
    let equals = takers.iter().filter(|taker| taker.score == best).count();
    for (place, taker) in takers.iter().take(BEST).enumerate() {
        let points = taker.score.map(|score| format!(" ({score} points)")).unwrap_or_default();
        let liked = match (place, equals) {
            _ if found.promised.as_ref() == Some(&taker.node) => {
                ": the scheduler asks it first, and takes it".to_owned()
            }
            _ if found.promised.as_ref().is_some_and(|first| takers.iter().any(|taker| taker.node == *first)) => {
                String::new()
            }
            (0, _) if takers.len() == 1 => String::new(),
            (0, 1) => ": the scheduler likes it best".to_owned(),
            (0, equals) => format!(": the scheduler draws among the {equals} that it likes best"),
            _ => String::new(),
        };
        out.push_str(&wrapped(&format!("{}{points}{liked}", taker.node), 4, width));
    }
    let rest: Vec<&str> = takers.iter().skip(BEST).map(|taker| taker.node.as_str()).collect();
    if !rest.is_empty() {
        out.push_str(&faint(&format!("then {}", named(&rest)), 4, width));
    }
    if takers.len() > 1 {
        worth(out, found, takers.len(), width);
    }
}

/// Why the scheduler may choose another node than the one with most points.
fn worth(out: &mut String, found: &PodExplanation, takers: usize, width: usize) {
    let Some(scored) = &found.scored else { return };
    out.push_str(&faint("which images a node has already counts too, and is not looked at", 4, width));
    if !scored.known {
        let line = format!(
            "points as the default scheduler gives them: `schedulers` in the policy says how `{}` likes full nodes",
            scored.scheduler
        );
        out.push_str(&faint(&line, 4, width));
    }
    if usize::try_from(scored.of).is_ok_and(|of| of < takers) {
        let line = format!(
            "in so large a cluster the scheduler looks at {} of these {takers}, and nobody can tell at which: it may choose any",
            scored.of
        );
        out.push_str(&faint(&line, 4, width));
    }
}

fn helps(out: &mut String, found: &PodExplanation, width: usize) {
    if found.helps.is_empty() {
        let stuck = [PodVerdict::Unschedulable, PodVerdict::FitsNowhereElse, PodVerdict::Unknown];
        if stuck.contains(&found.verdict) && !found.nodes.is_empty() {
            out.push_str(&wrapped("no single change of the pod or of a node would be enough", 2, width));
        }
        return;
    }
    let _ = writeln!(out, "  {}", "what would help, each alone".bold());
    for help in found.helps.iter().take(HELPS) {
        let nodes: Vec<&str> = help.nodes.iter().map(String::as_str).collect();
        let shown = match help.kind {
            HelpKind::NewNode => help.text.clone(),
            HelpKind::Wake | HelpKind::Uncordon | HelpKind::Ready if nodes.len() == 1 => help.text.clone(),
            HelpKind::Wake | HelpKind::Uncordon | HelpKind::Ready => format!("{}: {}", help.text, named(&nodes)),
            _ => format!("{}: then {} could take it", help.text, named(&nodes)),
        };
        out.push_str(&wrapped(&shown, 4, width));
    }
    let rest = found.helps.len().saturating_sub(HELPS);
    if rest > 0 {
        let _ = writeln!(out, "    and {}: `--format json` has them all", plural(rest, "more change"));
    }
    let untried = usize::try_from(found.untried).unwrap_or(usize::MAX);
    if untried > 0 {
        let _ = writeln!(out, "    {} of the pod not tried, for there are too many", plural(untried, "more change"));
    }
}
