//! What a plan says of lines of the policy, for pipelines that draw it beside them: GitHub's workflow commands and GitLab's
//! report of code quality.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::layout::{local_times, outage_line};
use super::node_steps::{by_node, in_words};
use crate::plan::{CheckLevel, Checked, Finding, Plan};
use crate::policy::{Origin, path_of};

/// Nodes that are named in one annotation.
const NAMED: usize = 5;

/// How loud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// It is held back.
    Error,
    /// Somebody should look.
    Warning,
    /// What happens.
    Notice,
}

struct Remark<'a> {
    level: Level,
    code: String,
    origin: Option<&'a Origin>,
    text: String,
}

/// Brakes, then what is lost, interrupted or not known, then what happens; each thing once.
fn remarks(plan: &Plan) -> Vec<Remark<'_>> {
    let local = |text: &str| local_times(text, &plan.time_zone);
    let warning =
        |code: &str, text: String| Remark { level: Level::Warning, code: code.to_owned(), origin: None, text };
    let mut found: Vec<Remark<'_>> = (plan.refusals.iter())
        .map(|refusal| Remark {
            level: Level::Error,
            code: refusal.brake.clone(),
            origin: refusal.origin.as_ref(),
            text: local(&refusal.text),
        })
        .collect();
    found.extend(plan.losses().map(|(step, pod)| {
        let text = format!("LOST: nothing makes {} on {} again", pod.pod, step.node);
        Remark { origin: step.origin.as_ref(), ..warning("lost", text) }
    }));
    found.extend(plan.outages.iter().map(|outage| warning("outage", outage_line(outage, &str::to_owned, &outage.pod))));
    let doubts = plan.snapshot.old.iter().chain(plan.caveats_beside_brakes());
    found.extend(doubts.map(|text| warning("incomplete", local(text))));
    found.extend(changes(plan));
    let summary =
        Remark { level: Level::Notice, code: "plan".to_owned(), origin: None, text: local(&plan.summary.text) };
    found.push(summary);
    found
}

/// Nodes to which the same happens for the same reason, in one line.
fn changes(plan: &Plan) -> Vec<Remark<'_>> {
    let mut kinds: Vec<(Remark<'_>, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<(Option<&Origin>, String), usize> = BTreeMap::new();
    for steps in by_node(plan.steps.iter()) {
        let Some(first) = steps.first() else { continue };
        let why = local_times(&first.reason.text, &plan.time_zone);
        let text = format!("{}: {why}", in_words(plan, &steps));
        let place = *known.entry((first.origin.as_ref(), text.clone())).or_insert(kinds.len());
        match kinds.get_mut(place) {
            Some((_, nodes)) => nodes.push(&first.node),
            None => {
                let code = serde_json::to_value(first.reason.code).ok();
                let code = code.as_ref().and_then(Value::as_str).unwrap_or("step").to_owned();
                let remark = Remark { level: Level::Notice, code, origin: first.origin.as_ref(), text };
                kinds.push((remark, vec![&first.node]));
            }
        }
    }
    let named = |nodes: &[&str]| match nodes.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{} and {more} more", nodes.get(..NAMED).unwrap_or_default().join(", ")),
        _ => nodes.join(", "),
    };
    for (remark, nodes) in &mut kinds {
        remark.text = format!("{} {}", named(nodes), remark.text);
    }
    kinds.into_iter().map(|(remark, _)| remark).collect()
}

/// A file as the repository that is checked out names it.
fn file(origin: &Origin) -> &str {
    let path = path_of(&origin.file);
    path.strip_prefix("./").unwrap_or(path)
}

/// The text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What rules say, as workflow commands of GitHub Actions, one per line.
pub fn checked(checked: &Checked) -> String {
    let line = |finding: &Finding| {
        let command = match finding.level {
            CheckLevel::Deny => "error",
            CheckLevel::Warn => "warning",
            CheckLevel::Advise => "notice",
        };
        let say = finding.say.as_ref().map(|say| format!(": {say}")).unwrap_or_default();
        let title = property(&format!("tidegate {}", finding.rule));
        format!("::{command} title={title}::{}\n", data(&format!("{}{say}", finding.text)))
    };
    checked.findings.iter().map(line).collect()
}

/// Workflow commands of GitHub Actions, one per line.
pub fn github(plan: &Plan) -> String {
    let line = |remark: Remark<'_>| {
        let command = match remark.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        let place = remark
            .origin
            .filter(|origin| origin.line > 0)
            .map(|origin| format!("file={},line={},col={},", property(file(origin)), origin.line, origin.column));
        let title = property(&format!("tidegate {}", remark.code));
        format!("::{command} {}title={title}::{}\n", place.unwrap_or_default(), data(&remark.text))
    };
    remarks(plan).into_iter().map(line).collect()
}

/// GitLab's report of code quality. It wants a place for everything: what has none stands at the policy's first line.
pub fn gitlab(plan: &Plan) -> Value {
    let first = plan.policy.files.first().map(|file| path_of(&file.path)).unwrap_or_default().to_owned();
    let mut taken = BTreeSet::new();
    let entries = remarks(plan).into_iter().map(|remark| {
        let severity = match remark.level {
            Level::Error => "blocker",
            Level::Warning => "major",
            Level::Notice => "info",
        };
        let (path, line) = match remark.origin.filter(|origin| origin.line > 0) {
            Some(origin) => (file(origin).to_owned(), origin.line),
            None => (first.strip_prefix("./").unwrap_or(&first).to_owned(), 1),
        };
        // The same finding has the same fingerprint in the next run; two of one run have two.
        let mut fingerprint = hex(&format!("{}\n{path}\n{}", remark.code, remark.text));
        while !taken.insert(fingerprint.clone()) {
            fingerprint = hex(&fingerprint);
        }
        json!({
            "description": remark.text,
            "check_name": format!("tidegate/{}", remark.code),
            "fingerprint": fingerprint,
            "severity": severity,
            "location": {"path": path, "lines": {"begin": line}},
        })
    });
    Value::Array(entries.collect())
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
