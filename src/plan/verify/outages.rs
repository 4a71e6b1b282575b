//! Outages: exactly the evictions that leave a workload without a Ready pod are listed, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use super::rounds::{ready, workload};
use super::violation::{Found, Rule};
use crate::model::{Pod, WorkloadKind, World};
use crate::plan::{Outage, PodAction};

/// Whether a workload wants a Ready pod at all times: a Job does not, nor one that has ended.
fn serves(world: &World, pod: &Pod) -> bool {
    world.workload_of(pod).is_none_or(|workload| {
        !workload.finished && !matches!(workload.kind, WorkloadKind::DaemonSet | WorkloadKind::Job)
    })
}

/// Compares what the plan lists with what its rounds do.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let ready = ready(case.world);
    let mut rounds: BTreeMap<(String, u32), Vec<Outage>> = BTreeMap::new();
    for step in &case.plan.steps {
        for entry in step.pods.iter().filter(|entry| entry.action == PodAction::Evict) {
            let Some(pod) = case.pod(&entry.pod).filter(|pod| pod.ready && serves(case.world, pod)) else { continue };
            let Some(workload) = workload(case.world, pod) else { continue };
            let outage = Outage {
                workload: workload.clone(),
                pod: entry.pod.clone(),
                node: step.node.clone(),
                webhooks: Vec::new(),
            };
            rounds.entry((workload, entry.chunk.unwrap_or(1))).or_default().push(outage);
        }
    }
    let all_at_once = rounds.into_iter().filter(|((workload, _), away)| {
        ready.get(workload).is_some_and(|ready| usize::try_from(*ready).is_ok_and(|ready| away.len() >= ready))
    });
    let real: BTreeSet<Outage> = all_at_once.filter_map(|(_, mut away)| away.pop()).collect();
    let bare = |outage: &Outage| Outage { webhooks: Vec::new(), ..outage.clone() };
    let said: BTreeSet<Outage> = case.plan.outages.iter().map(bare).collect();
    for outage in real.difference(&said) {
        let text = format!("{} has no Ready pod while {} moves, and it does not say so", outage.workload, outage.pod);
        found.plan(Rule::Outage, text);
    }
    for outage in said.difference(&real) {
        found.plan(Rule::Outage, format!("{} keeps a Ready pod while {} moves", outage.workload, outage.pod));
    }
    if said.len() != case.plan.outages.len() {
        found.plan(Rule::Outage, "an outage is listed twice");
    }
}
