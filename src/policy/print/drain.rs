//! Drain rules, wake rules and brakes of the effective policy.

use super::lines::{DEFAULT, Lines, labels, length, list, quoted};
use super::pools::count_or_percent;
use crate::model::{Name, Selector};
use crate::policy::{DrainAction, OnTimeout, Origin, Policy};

/// The remark for a value that either is the default or stands somewhere in its section.
fn remark(is_default: bool, section: Option<&Origin>) -> String {
    match section {
        Some(origin) if !is_default => origin.to_string(),
        _ => DEFAULT.to_owned(),
    }
}

/// `drain` in full.
pub(super) fn drain(policy: &Policy) -> Lines {
    let drain = &policy.drain;
    let mut lines = Lines::default();
    let at = drain.origin.as_ref();
    for (key, value, default) in [
        ("podTimeout", drain.pod_timeout, 120),
        ("readyTimeout", drain.ready_timeout, 300),
        ("budgetTimeout", drain.budget_timeout, 600),
        ("longestGrace", drain.longest_grace, 600),
        ("trafficGrace", drain.traffic_grace, 30),
    ] {
        lines.add(format!("{key}: {}", length(value)), remark(value.as_secs() == default, at));
    }
    lines.add(format!("implied: {}", quoted(&format!("{}%", drain.implied))), remark(drain.implied == 50, at));
    let (on_timeout, default) = match drain.on_timeout {
        OnTimeout::GiveBack => ("giveBack", true),
        OnTimeout::Delete => ("delete", false),
    };
    lines.add(format!("onTimeout: {on_timeout}"), remark(default, at));
    let mut disposable = Lines::default();
    for entry in &drain.disposable {
        let mut parts = conditions(&entry.namespaces, entry.labels.as_ref());
        if !entry.volumes.is_empty() {
            parts.push(format!("volumes: {}", list(&entry.volumes)));
        }
        disposable.add(format!("- {{{}}}", parts.join(", ")), entry.origin.to_string());
    }
    lines.block("disposable", "", disposable);
    let mut pods = Lines::default();
    for rule in &drain.pods {
        let mut parts = conditions(&rule.namespaces, rule.labels.as_ref());
        if !rule.owner_kinds.is_empty() {
            parts.push(format!("owners: {}", list(&rule.owner_kinds)));
        }
        let mut entry = Lines::default();
        entry.field("match", format!("{{{}}}", parts.join(", ")), Some(&rule.origin));
        entry.plain(
            "action",
            match rule.action {
                DrainAction::Evict => "evict",
                DrainAction::Wait => "wait",
                DrainAction::Block => "block",
                DrainAction::CordonFirst => "cordonFirst",
            },
        );
        if let Some(at_most) = rule.at_most {
            entry.plain("atMost", length(at_most));
        }
        pods.item(entry);
    }
    lines.block("pods", "", pods);
    let mut homeless = Lines::default();
    for rule in &drain.when_no_home {
        let mut parts = conditions(&rule.namespaces, rule.labels.as_ref());
        if !rule.owner_kinds.is_empty() {
            parts.push(format!("owners: {}", list(&rule.owner_kinds)));
        }
        let mut entry = Lines::default();
        entry.field("match", format!("{{{}}}", parts.join(", ")), Some(&rule.origin));
        entry.plain("action", if rule.sleeps { "sleep" } else { "stay" });
        homeless.item(entry);
    }
    match drain.when_no_home.is_empty() {
        true => lines.add("# whenNoHome: pods without another home keep their node", DEFAULT),
        false => lines.block("whenNoHome", "", homeless),
    }
    lines
}

/// `wake` in full.
pub(super) fn wake(policy: &Policy) -> Lines {
    let wake = &policy.wake;
    let mut lines = Lines::default();
    let timeout = wake.join_timeout;
    lines.add(format!("joinTimeout: {}", length(timeout)), remark(timeout.as_secs() == 900, wake.origin.as_ref()));
    let mut required = Lines::default();
    for entry in &wake.require {
        let parts = conditions(&entry.namespaces, entry.labels.as_ref());
        required.add(format!("- {{{}}}", parts.join(", ")), entry.origin.to_string());
    }
    lines.block("require", "", required);
    lines
}

fn conditions(namespaces: &[Name], selector: Option<&Selector>) -> Vec<String> {
    let mut parts = Vec::new();
    if !namespaces.is_empty() {
        parts.push(format!("namespaces: {}", list(namespaces)));
    }
    if let Some(selector) = selector {
        parts.push(format!("labels: {}", labels(selector)));
    }
    parts
}

/// `brakes` in full.
pub(super) fn brakes(policy: &Policy) -> Lines {
    let brakes = &policy.brakes;
    let mut lines = Lines::default();
    let at = brakes.origin.as_ref();
    match brakes.max_nodes {
        Some(most) => lines.add(format!("maxNodes: {}", count_or_percent(most)), remark(false, at)),
        None => lines.add("# maxNodes: no limit", DEFAULT),
    }
    lines.add(format!("maxDeletes: {}", brakes.max_deletes), remark(brakes.max_deletes == 3, at));
    let age = brakes.max_snapshot_age;
    lines.add(format!("maxSnapshotAge: {}", length(age)), remark(age.as_secs() == 600, at));
    lines.add(
        format!("maxUnready: {}", quoted(&format!("{}%", brakes.max_unready))),
        remark(brakes.max_unready == 45, at),
    );
    let least = quoted(&format!("{}%", brakes.min_inventory));
    lines.add(format!("minInventory: {least}"), remark(brakes.min_inventory == 50, at));
    lines
}
