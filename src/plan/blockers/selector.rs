//! The part of a policy's line that finds the pods of a workload.

use crate::model::{Labels, Pod};

/// `namespaces: [n], labels: {k: v}`: enough to find the workload's pods, without what changes with each rollout.
pub fn selector(pod: &Pod) -> String {
    const FLEETING: [&str; 6] = [
        "pod-template-hash",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
    ];
    let namespace = quoted(&pod.key.namespace);
    match telling(&pod.labels, &FLEETING) {
        None => format!("namespaces: [{namespace}]"),
        Some((key, value)) => format!("namespaces: [{namespace}], labels: {{{}: {}}}", quoted(key), quoted(value)),
    }
}

fn telling<'a>(labels: &'a Labels, fleeting: &[&str]) -> Option<(&'a str, &'a str)> {
    const TELLING: [&str; 5] = ["component", "app.kubernetes.io/name", "k8s-app", "app", "name"];
    let by_habit = TELLING.iter().find_map(|key| labels.get_key_value(*key));
    by_habit
        .or_else(|| labels.iter().find(|(key, _)| !fleeting.contains(&&***key)))
        .map(|(key, value)| (&**key, &**value))
}

/// As a YAML scalar in a flow sequence: quoted where it might read as something else.
pub fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    if plain { text.to_owned() } else { format!("{text:?}") }
}
