//! Evictions that leave a workload without a Ready pod for a while.

use std::collections::{BTreeMap, BTreeSet};

use super::budgets::{Allowances, root};
use super::webhooks::fronts;
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
            let outage = Outage {
                workload: root.name.clone(),
                pod: entry.pod.clone(),
                node: step.node.clone(),
                webhooks: Vec::new(),
            };
            let count = away.get(&(root.name.clone(), entry.chunk.unwrap_or(1))).map_or(0, |(count, _)| *count);
            away.insert((root.name, entry.chunk.unwrap_or(1)), (count.saturating_add(1), outage));
        }
    }
    let all = away.into_values().filter(|(count, outage)| *count >= allowances.ready(&outage.workload));
    let mut all: Vec<Outage> = all.map(|(_, outage)| outage).collect::<BTreeSet<_>>().into_iter().collect();
    silenced(&mut all, world);
    all
}

/// Says with each outage which webhooks that fail closed have no backend while it lasts (H17).
fn silenced(outages: &mut [Outage], world: &World) {
    let out: BTreeSet<String> = outages.iter().map(|outage| outage.workload.clone()).collect();
    for front in fronts(world) {
        let pods = || front.backends.iter().filter_map(|key| world.pods.get(key));
        let roots: Vec<Option<String>> = pods().map(|pod| root(world, pod).map(|root| root.name)).collect();
        if !roots.iter().all(|root| root.as_ref().is_some_and(|root| out.contains(root))) {
            continue;
        }
        for outage in outages.iter_mut().filter(|outage| roots.contains(&Some(outage.workload.clone()))) {
            outage.webhooks.push(front.name.to_string());
            outage.webhooks.dedup();
        }
    }
}

/// Whether somebody misses the pod while it moves: nobody does where it works for itself or has ended.
fn missed(world: &World, pod: &Pod) -> bool {
    world.workload_of(pod).is_none_or(|workload| {
        !workload.finished && !matches!(workload.kind, WorkloadKind::DaemonSet | WorkloadKind::Job)
    })
}
