//! What became of a pod: the scheduler's answer, read from the pod.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// How many nodes each reason speaks of.
pub type Counts = BTreeMap<String, usize>;

/// What the random clusters must lead to, or they prove less than they seem to.
pub const REASONS: &[&str] = &[
    "bound",
    "Insufficient cpu",
    "Insufficient memory",
    "Insufficient ephemeral-storage",
    "Insufficient hugepages-2Mi",
    "Insufficient nvidia.com/gpu",
    "Too many pods",
    "node(s) didn't have free ports",
    "node(s) didn't match Pod's node affinity/selector",
    "node(s) had untolerated taint",
    "node(s) were unschedulable",
    "node(s) didn't match pod affinity rules",
    "node(s) didn't match pod anti-affinity rules",
    "node(s) didn't satisfy existing pods anti-affinity rules",
    "node(s) didn't match pod topology spread constraints",
    "node(s) didn't match PersistentVolume's node affinity",
    "node(s) didn't find available persistent volumes to bind",
    "pod has unbound immediate PersistentVolumeClaims",
    "node(s) did not have enough free storage",
    "disk.example.com CSI driver is not installed on the node",
    "node(s) exceed max volume count",
    "node(s) had no available disk",
    "node(s) had no available volume zone",
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod",
    "persistentvolumeclaim \"…\" not found",
    "gated",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Bound(String),
    Unschedulable(Counts),
    Gated,
    /// A filter failed: the pod waits, and nothing is said of nodes.
    Failed(String),
}

/// What a conflict of updates ends with: no answer yet. Of a claim that waits and is mounted twice the scheduler updates
/// the same object twice, so that its first try always ends so.
const TRIES_AGAIN: &str = "please apply your changes to the latest version and try again";

impl Answer {
    /// The answer that stands in a Pod object, if there is one yet.
    pub fn of(pod: &Value) -> Result<Option<Self>, String> {
        if let Some(node) = pod["spec"]["nodeName"].as_str() {
            return Ok(Some(Self::Bound(node.to_owned())));
        }
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let condition = conditions.find(|one| one["type"] == "PodScheduled" && one["status"] == "False");
        let Some(condition) = condition else { return Ok(None) };
        match condition["reason"].as_str() {
            Some("SchedulingGated") => Ok(Some(Self::Gated)),
            Some("Unschedulable") => {
                let counts = counts(condition["message"].as_str().unwrap_or_default())?;
                Ok(Some(Self::Unschedulable(counts)))
            }
            _ => {
                let why = condition["message"].as_str().unwrap_or_default();
                Ok((!why.ends_with(TRIES_AGAIN)).then(|| Self::Failed(why.to_owned())))
            }
        }
    }
}

impl Answer {
    /// As it is kept in a file.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Bound(node) => json!({"bound": node}),
            Self::Unschedulable(counts) => json!({"unschedulable": counts}),
            Self::Gated => json!("gated"),
            Self::Failed(why) => json!({"failed": why}),
        }
    }

    /// The inverse of [`Answer::to_json`].
    pub fn from_json(kept: &Value) -> Option<Self> {
        if let Some(node) = kept["bound"].as_str() {
            return Some(Self::Bound(node.to_owned()));
        }
        if let Some(why) = kept["failed"].as_str() {
            return Some(Self::Failed(why.to_owned()));
        }
        match kept["unschedulable"].as_object() {
            None => (kept == "gated").then_some(Self::Gated),
            Some(counts) => {
                let count = |count: &Value| usize::try_from(count.as_u64()?).ok();
                let counts = counts.iter().map(|(reason, nodes)| Some((reason.clone(), count(nodes)?)));
                Some(Self::Unschedulable(counts.collect::<Option<_>>()?))
            }
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bound(node) => write!(f, "bound to {node}"),
            Self::Gated => f.write_str("gated"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Unschedulable(counts) => {
                f.write_str("unschedulable:")?;
                counts.iter().try_for_each(|(reason, nodes)| write!(f, " [{nodes} {reason}]"))
            }
        }
    }
}

/// Reads `0/3 nodes are available: 2 Insufficient cpu, 1 Too many pods. preemption: …`. What holds for the pod whatever
/// the node (`…: claim "c" not found. …`) counts for all nodes.
pub fn counts(message: &str) -> Result<Counts, String> {
    if message.starts_with("no nodes available to schedule pods") {
        return Ok(Counts::new());
    }
    let unread = || format!("this is no scheduler's message: `{message}`");
    let (total, rest) = message.strip_prefix("0/").and_then(|rest| rest.split_once(' ')).ok_or_else(unread)?;
    let total: usize = total.parse().map_err(|_| unread())?;
    let rest = rest.strip_prefix("nodes are available:").ok_or_else(unread)?.trim_start();
    let reasons =
        rest.split(". preemption:").next().unwrap_or(rest).trim_end_matches(". not found").trim_end_matches('.');
    let mut counts = Counts::new();
    if reasons.is_empty() || reasons == ":" {
        return Ok(counts);
    }
    for part in reasons.split(", ") {
        match part.split_once(' ').and_then(|(count, reason)| Some((count.parse::<usize>().ok()?, reason))) {
            Some((count, reason)) => *counts.entry(uniform(reason).to_owned()).or_insert(0) += count,
            None => return Ok(Counts::from([(uniform(reasons).to_owned(), total)])),
        }
    }
    Ok(counts)
}

/// One text per rule: how a rule is worded depends on the scheduler's version and on where in it the rule struck.
pub fn uniform(reason: &str) -> &str {
    if reason.starts_with("node(s) had untolerated taint") {
        "node(s) had untolerated taint(s)"
    } else if reason == "node(s) didn't satisfy plugin(s) [NodeAffinity]" || reason == "pod affinity terms conflict" {
        "node(s) didn't match Pod's node affinity/selector"
    } else {
        reason
    }
}

#[test]
fn a_message_is_read() {
    let of =
        |pairs: &[(&str, usize)]| -> Counts { pairs.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect() };
    for (message, expected) in [
        (
            "0/5 nodes are available: 1 Too many pods, 2 Insufficient cpu, 3 node(s) had untolerated taint(s). preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
            of(&[("Too many pods", 1), ("Insufficient cpu", 2), ("node(s) had untolerated taint(s)", 3)]),
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {a.b/c: d}. preemption: not eligible due to preemptionPolicy=Never.",
            of(&[("node(s) had untolerated taint(s)", 1)]),
        ),
        (
            "0/4 nodes are available: persistentvolumeclaim \"c\" not found. not found",
            of(&[("persistentvolumeclaim \"c\" not found", 4)]),
        ),
        (
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
            of(&[("node(s) didn't match Pod's node affinity/selector", 2)]),
        ),
    ] {
        assert_eq!(counts(message), Ok(expected), "{message}");
    }
    for none in ["no nodes available to schedule pods", "0/0 nodes are available:"] {
        assert_eq!(counts(none), Ok(Counts::new()));
    }
    assert!(counts("skip schedule deleting pod").is_err());
}
