//! What a budget allows now, computed as Kubernetes' disruption controller computes it.

use std::collections::BTreeMap;

use super::{Budget, BudgetStatus, IntOrPercent, Name, Pod, PodKey, WorkloadKind, World};

/// The status that the disruption controller would write for `budget` in this `world`.
///
/// Counted are all pods that the selector takes in, finished and terminating ones too; healthy are those that are Ready
/// and not terminating. A percentage and `maxUnavailable` are of what the pods' controllers want, rounded up; where a
/// controller has no known scale (a DaemonSet, a Job, one that is missing), or a percentage meets a pod without a
/// controller, nothing is allowed, and the rest of the status is what is known.
pub fn budget_status(world: &World, budget: &Budget) -> BudgetStatus {
    let first = PodKey::new(budget.key.namespace.clone(), "");
    let pods: Vec<&Pod> = (world.pods.range(first..).map(|(_, pod)| &**pod))
        .take_while(|pod| pod.key.namespace == budget.key.namespace)
        .filter(|pod| budget.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels)))
        .collect();
    let current_healthy = count(pods.iter().filter(|pod| pod.ready && !pod.terminating()).count());
    let (expected_pods, desired_healthy, computable) = wanted(world, budget, &pods);
    let spare = current_healthy.saturating_sub(desired_healthy);
    let disruptions_allowed = if computable && expected_pods > 0 { spare } else { 0 };
    BudgetStatus { disruptions_allowed, current_healthy, desired_healthy, expected_pods }
}

/// Expected pods, healthy pods wanted, and whether that can be relied on.
fn wanted(world: &World, budget: &Budget, pods: &[&Pod]) -> (u32, u32, bool) {
    match (budget.max_unavailable, budget.min_available) {
        (Some(most), _) => {
            let (scale, known) = scale(world, pods);
            (scale, scale.saturating_sub(of(most, scale)), known)
        }
        (None, Some(IntOrPercent::Count(least))) => (count(pods.len()), least, true),
        (None, Some(percent)) => {
            let (scale, known) = scale(world, pods);
            let managed = pods.iter().all(|pod| pod.owner.is_some());
            (scale, of(percent, scale), known && managed)
        }
        (None, None) => (0, 0, true),
    }
}

/// The sum of what the controllers of these pods want, each controller once; false if one has no scale.
fn scale(world: &World, pods: &[&Pod]) -> (u32, bool) {
    let mut scales: BTreeMap<Name, u32> = BTreeMap::new();
    let mut known = true;
    for pod in pods {
        if pod.owner.is_none() {
            continue;
        }
        match controller(world, pod) {
            Some((uid, replicas)) => drop(scales.insert(uid, replicas)),
            None => known = false,
        }
    }
    (scales.values().fold(0_u32, |sum, scale| sum.saturating_add(*scale)), known)
}

/// The controller whose scale counts for `pod`, and that scale: the Deployment above a ReplicaSet where it is known.
fn controller(world: &World, pod: &Pod) -> Option<(Name, u32)> {
    let workload = world.workload_of(pod)?;
    if matches!(workload.kind, WorkloadKind::DaemonSet | WorkloadKind::Job) {
        return None;
    }
    let above = workload.owner.as_ref().filter(|_| workload.kind == WorkloadKind::ReplicaSet).and_then(|owner| {
        let key = PodKey::new(pod.key.namespace.clone(), owner.name.clone());
        world.workloads.get(&(WorkloadKind::named(&owner.kind), key)).filter(|above| above.uid == owner.uid)
    });
    let counted = above.unwrap_or(workload);
    Some((counted.uid.clone(), counted.replicas?))
}

fn of(part: IntOrPercent, whole: u32) -> u32 {
    match part {
        IntOrPercent::Count(count) => count,
        IntOrPercent::Percent(percent) => {
            let share = (u64::from(percent) * u64::from(whole)).div_ceil(100);
            u32::try_from(share).unwrap_or(u32::MAX)
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
