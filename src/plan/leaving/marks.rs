//! Rules that read marks on the pod and entries of the policy.

use super::table::{Asked, Ruling};
use crate::model::Pod;
use crate::model::keys;
use crate::plan::{Code, Evidence, Reason};
use crate::policy::{Drain, DrainAction, DrainRule};

const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";

/// Keys and the value that forbids disruption. Ocean's is a label, the others are annotations; both places are read.
const PROTECTIONS: [(&str, &str); 4] = [
    ("spotinst.io/restrict-scale-down", "true"),
    ("karpenter.sh/do-not-disrupt", "true"),
    (SAFE_TO_EVICT, "false"),
    (keys::DO_NOT_DISRUPT, "true"),
];

fn says(pod: &Pod, key: &str, value: &str) -> bool {
    [&pod.labels, &pod.annotations].iter().any(|set| set.get(key).is_some_and(|found| &**found == value))
}

fn protection(asked: &Asked<'_>, keys: &[(&str, &str)]) -> Option<Ruling> {
    let relaxed = |key: &str| asked.relaxed.iter().any(|name| &**name == key);
    let (key, value) = keys.iter().find(|(key, value)| says(asked.pod, key, value) && !relaxed(key))?;
    Some(Ruling::Blocks(Reason {
        code: Code::DoNotDisrupt,
        text: format!("{} says {key}: \"{value}\"", asked.pod.key),
        evidence: Evidence {
            pod: Some(asked.pod.key.to_string()),
            key: Some((*key).to_owned()),
            ..Evidence::default()
        },
        origin: None,
    }))
}

/// Any do-not-disrupt mark blocks.
pub fn do_not_disrupt(asked: &Asked<'_>) -> Option<Ruling> {
    protection(asked, &PROTECTIONS)
}

/// `safe-to-evict: "false"` blocks.
pub fn not_safe_to_evict(asked: &Asked<'_>) -> Option<Ruling> {
    protection(asked, &[(SAFE_TO_EVICT, "false")])
}

/// `safe-to-evict: "true"` may go.
pub fn safe_to_evict(asked: &Asked<'_>) -> Option<Ruling> {
    (asked.pod.annotations.get(SAFE_TO_EVICT).is_some_and(|value| &**value == "true")).then_some(Ruling::Goes)
}

/// `safe-to-evict: "on-completion"` is waited for, without end.
pub fn on_completion(asked: &Asked<'_>) -> Option<Ruling> {
    let waits = asked.pod.annotations.get(SAFE_TO_EVICT).is_some_and(|value| &**value == "on-completion");
    waits.then(|| {
        Ruling::Waits(
            None,
            Reason {
                code: Code::WaitsForPods,
                text: format!("{} says {SAFE_TO_EVICT}: \"on-completion\"", asked.pod.key),
                evidence: Evidence {
                    pod: Some(asked.pod.key.to_string()),
                    key: Some(SAFE_TO_EVICT.to_owned()),
                    ..Evidence::default()
                },
                origin: None,
            },
        )
    })
}

/// The first entry of `drain.pods` that takes the pod in.
pub fn matching_entry<'a>(rules: &'a [DrainRule], pod: &Pod) -> Option<&'a DrainRule> {
    rules.iter().find(|rule| rule.matches(pod))
}

/// The entry that says `cordonFirst` of the pod: its budget is one that only a cordon releases (H19).
pub fn cordon_first<'a>(drain: &'a Drain, pod: &Pod) -> Option<&'a DrainRule> {
    matching_entry(&drain.pods, pod).filter(|entry| entry.action == DrainAction::CordonFirst && !pod.daemon())
}

/// `block` and `wait` of the policy decide here; `evict` and `cordonFirst` lift other rules where those stand.
pub fn policy_entry(asked: &Asked<'_>) -> Option<Ruling> {
    let entry = matching_entry(&asked.drain.pods, asked.pod)?;
    let reason = |code, text: String| Reason {
        code,
        text,
        evidence: Evidence { pod: Some(asked.pod.key.to_string()), ..Evidence::default() },
        origin: Some(entry.origin.clone()),
    };
    // A pod that a DaemonSet brings to every node is nobody's session.
    if asked.pod.daemon() {
        return None;
    }
    match entry.action {
        DrainAction::Block => {
            Some(Ruling::Blocks(reason(Code::PolicyBlock, format!("the policy says block for {}", asked.pod.key))))
        }
        DrainAction::Wait => Some(Ruling::Waits(
            entry.at_most,
            reason(Code::PolicyWait, format!("the policy says to wait for {}", asked.pod.key)),
        )),
        DrainAction::Evict | DrainAction::CordonFirst => None,
    }
}

/// Whether the policy's first matching entry says `evict` (or `cordonFirst`, which evicts too): it lifts the rules
/// on controllers, on kube-system and on declared local storage, and nothing else.
pub fn lifted(asked: &Asked<'_>) -> bool {
    matching_entry(&asked.drain.pods, asked.pod)
        .is_some_and(|entry| matches!(entry.action, DrainAction::Evict | DrainAction::CordonFirst))
}

/// Whether such a pod can ever be waited for: of all others the table never says so, whatever else there is. It asks
/// for what [`on_completion`], [`policy_entry`] and the rule on Jobs ask first.
pub fn may_wait(pod: &Pod, drain: &Drain) -> bool {
    pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "Job")
        || pod.annotations.contains_key(SAFE_TO_EVICT)
        || matching_entry(&drain.pods, pod).is_some_and(|entry| entry.action == DrainAction::Wait)
}
