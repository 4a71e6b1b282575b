//! Pods that a policy lets go and that nothing makes again.

use super::check::{key, warning};
use super::{DrainAction, Policy, Problem};
use crate::model::{Kind, Pod, World};

/// Names that are listed before `and so many more`.
const SHOWN: usize = 5;

/// Entries of `drain.pods` by which pods may be evicted that are gone for good then. Warnings: somebody may mean it.
pub fn losses(policy: &Policy, world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !world.knows(Kind::Pod) {
        return problems;
    }
    for (index, rule) in policy.drain.pods.iter().enumerate() {
        if !matches!(rule.action, DrainAction::Evict | DrainAction::CordonFirst) {
            continue;
        }
        let decides = |pod: &Pod| policy.drain.pods.iter().position(|rule| rule.matches(pod)) == Some(index);
        let lost = |pod: &Pod| pod.node.is_some() && !pod.finished() && !pod.terminating() && !pod.daemon();
        let lost = world.pods.values().filter(|pod| lost(pod) && world.loses(pod) && decides(pod));
        let names: Vec<String> = lost.map(|pod| pod.key.to_string()).collect();
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = names.get(..SHOWN).unwrap_or(&names).join(", ");
        let message = format!("nothing makes these pods again, so that an eviction LOSES them: {shown}{more}");
        let help = "`wait` lets them end by themselves, `block` keeps their nodes; `evict` only if nobody misses them";
        problems.push(warning("loses-pods", &rule.origin, message, help));
    }
    problems.sort_by(|a, b| key(a).cmp(&key(b)));
    problems
}
