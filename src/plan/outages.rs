//! Evictions that leave a workload without a Ready pod for a while.

use std::collections::{BTreeMap, BTreeSet};

use super::budgets::{Allowances, root};
use super::{Outage, PodAction, Step};
use crate::model::{Pod, PodKey, WorkloadKind, World};

/// Every outage that the steps make: an only replica, or all Ready replicas of a workload in one round, where a budget
/// allows it or the implied one is off. The pod is the last of them in the plan's order.
pub fn outages(steps: &[Step], world: &World, allowances: &Allowances) -> Vec<Outage> {
    let mut away: BTreeMap<(String, u32), (u32, Outage)> = BTreeMap::new();
    for step in steps {
        for entry in step.pods.iter().filter(|entry| entry.action == PodAction::Evict) {
            let pod = entry.pod.split_once('/').and_then(|(space, name)| world.pods.get(&PodKey::new(space, name)));
            let Some(pod) = pod.filter(|pod| pod.ready && missed(world, pod)) else { continue };
            let Some(root) = root(world, pod) else { continue };
            let outage = Outage { workload: root.name.clone(), pod: entry.pod.clone(), node: step.node.clone() };
            let count = away.get(&(root.name.clone(), entry.chunk.unwrap_or(1))).map_or(0, |(count, _)| *count);
            away.insert((root.name, entry.chunk.unwrap_or(1)), (count.saturating_add(1), outage));
        }
    }
    let all = away.into_values().filter(|(count, outage)| *count >= allowances.ready(&outage.workload));
    all.map(|(_, outage)| outage).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether somebody misses the pod while it moves: nobody does where it works for itself or has ended.
fn missed(world: &World, pod: &Pod) -> bool {
    world.workload_of(pod).is_none_or(|workload| {
        !workload.finished && !matches!(workload.kind, WorkloadKind::DaemonSet | WorkloadKind::Job)
    })
}
