//! Sorts the reasons of kept nodes into groups of one cause, and counts the nodes that each holds and would free.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cause::{Cause, Ground};
use super::lift::{Lifted, lift};
use super::words::words;
use crate::model::{Pod, World};
use crate::plan::budgets::root;
use crate::plan::{Blocker, Code, Kept, Reason};
use crate::policy::Drain;

/// Reasons that say a node is wanted as it is, by the policy or by a person for a while, or that its time is still to come;
/// not that something is in its way.
pub fn needed(code: Code) -> bool {
    matches!(
        code,
        Code::Floor
            | Code::MinParked
            | Code::UnneededFor
            | Code::Headroom
            | Code::Keep
            | Code::ControlPlane
            | Code::OverCeiling
            | Code::WindDown
            | Code::Override
    )
}

/// Whether something is in the way of a node that is not needed.
pub fn blocked(kept: &Kept) -> bool {
    kept.reasons.first().is_some_and(|reason| !needed(reason.code)) && kept.reasons.iter().any(|r| !needed(r.code))
}

/// Everything that was found of one cause.
#[derive(Default)]
pub struct Found<'a> {
    /// The nodes it holds.
    pub nodes: BTreeSet<&'a str>,
    /// Its reasons by their text.
    pub reasons: BTreeMap<&'a str, &'a Reason>,
    /// The pods that they name.
    pub names: BTreeSet<&'a str>,
    /// Those of them that are there.
    pub pods: Vec<&'a Pod>,
    /// Their workloads, or what stands for pods without one.
    pub subjects: BTreeSet<String>,
    /// When the first of the reasons ends.
    pub until: Option<Timestamp>,
}

/// A pod's workload, or what stands for pods without one.
pub fn subject(pod: &Pod, world: &World) -> String {
    match root(world, pod) {
        Some(root) => root.name,
        None => format!("pods of namespace {} without a controller", pod.key.namespace),
    }
}

/// Groups the reasons of every blocked node by their cause. Most nodes first, then by code and text.
pub fn group(kept: &[Kept], world: &World, drain: &Drain) -> Vec<Blocker> {
    let ground = Ground { world, drain };
    let mut causes: BTreeMap<Cause, Found<'_>> = BTreeMap::new();
    let mut causes_of: BTreeMap<&str, BTreeSet<Cause>> = BTreeMap::new();
    for kept in kept.iter().filter(|kept| blocked(kept)) {
        for reason in kept.reasons.iter().filter(|reason| !needed(reason.code)) {
            let pod = ground.pod(reason);
            let cause = ground.cause(reason, pod);
            let found = causes.entry(cause.clone()).or_default();
            found.nodes.insert(&kept.node);
            found.reasons.insert(&reason.text, reason);
            found.until = [found.until, reason.evidence.until].into_iter().flatten().min();
            if let Some(name) = &reason.evidence.pod
                && found.names.insert(name)
            {
                found.pods.extend(pod);
                found.subjects.extend(pod.map(|pod| subject(pod, world)));
            }
            causes_of.entry(&kept.node).or_default().insert(cause);
        }
    }
    let mut blockers: Vec<(Cause, Blocker)> = causes
        .into_iter()
        .map(|(cause, found)| {
            let alone = found.nodes.iter().filter(|node| causes_of.get(*node).is_some_and(|causes| causes.len() == 1));
            let Lifted { lines, hint } = lift(cause.code, &found, &ground);
            let blocker = Blocker {
                code: cause.code,
                text: words(cause.code, &found, &ground),
                nodes: found.nodes.iter().map(|node| (*node).to_owned()).collect(),
                frees: count(alone.count()),
                frees_with_above: 0,
                workloads: found.subjects.iter().cloned().collect(),
                pods: found.names.iter().map(|pod| (*pod).to_owned()).collect(),
                lift: lines,
                hint,
            };
            (cause, blocker)
        })
        .collect();
    blockers.sort_by(|(_, a), (_, b)| {
        b.nodes.len().cmp(&a.nodes.len()).then_with(|| a.code.cmp(&b.code)).then_with(|| a.text.cmp(&b.text))
    });
    let mut above: BTreeSet<&Cause> = BTreeSet::new();
    let freed: Vec<u32> = (blockers.iter())
        .map(|(cause, _)| {
            above.insert(cause);
            count(causes_of.values().filter(|causes| causes.iter().all(|cause| above.contains(cause))).count())
        })
        .collect();
    blockers
        .into_iter()
        .zip(freed)
        .map(|((_, blocker), freed)| Blocker { frees_with_above: freed, ..blocker })
        .collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
