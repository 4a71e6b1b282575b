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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{Operator, Owner, Phase, Requirement, Selector, Snapshot, UnhealthyPodEviction, Workload};

    fn owner(kind: &str, name: &str) -> Owner {
        Owner { api_version: "v1".into(), kind: kind.into(), name: name.into(), uid: format!("uid-{name}").into() }
    }

    fn pod(name: &str, owner: Option<Owner>) -> Pod {
        Pod {
            uid: name.into(),
            labels: Arc::new(BTreeMap::from([("app".into(), "x".into())])),
            owner,
            node: Some("n".into()),
            phase: Phase::Running,
            ready: true,
            ..Pod::new(PodKey::new("ns", name), Arc::default())
        }
    }

    fn workload(kind: &str, name: &str, replicas: Option<u32>, above: Option<Owner>) -> Workload {
        Workload {
            kind: WorkloadKind::named(kind),
            key: PodKey::new("ns", name),
            uid: format!("uid-{name}").into(),
            owner: above,
            replicas,
            selector: None,
            finished: false,
            ignores_disruption: false,
            parallel: false,
            reboots: Vec::new(),
            reboot_times: Vec::new(),
        }
    }

    fn budget(min_available: Option<IntOrPercent>, max_unavailable: Option<IntOrPercent>) -> Budget {
        let values = BTreeSet::from(["x".into()]);
        let requirements = BTreeSet::from([Requirement { key: "app".into(), operator: Operator::In, values }]);
        Budget {
            key: PodKey::new("ns", "b"),
            uid: "b".into(),
            selector: Some(Selector { requirements }),
            min_available,
            max_unavailable,
            unhealthy: UnhealthyPodEviction::IfHealthyBudget,
            status: None,
        }
    }

    fn status(pods: Vec<Pod>, workloads: Vec<Workload>, budget: &Budget) -> (u32, u32, u32, u32) {
        let world = World::build(Snapshot { pods, workloads, ..Snapshot::default() });
        let status = budget_status(&world, budget);
        (status.disruptions_allowed, status.current_healthy, status.desired_healthy, status.expected_pods)
    }

    fn of_set(count: usize) -> Vec<Pod> {
        (0..count).map(|n| pod(&format!("p-{n}"), Some(owner("ReplicaSet", "rs")))).collect()
    }

    #[test]
    fn amounts_and_shares_are_rounded_up() {
        use IntOrPercent::{Count, Percent};
        let sets = || vec![workload("ReplicaSet", "rs", Some(7), None)];
        for (min, max, expected) in [
            (Some(Count(5)), None, (2, 7, 5, 7)),
            (Some(Count(0)), None, (7, 7, 0, 7)),
            (Some(Count(9)), None, (0, 7, 9, 7)),
            (Some(Percent(30)), None, (4, 7, 3, 7)),
            (Some(Percent(100)), None, (0, 7, 7, 7)),
            (Some(Percent(u32::MAX)), None, (0, 7, 300_647_711, 7)),
            (None, Some(Count(2)), (2, 7, 5, 7)),
            (None, Some(Count(99)), (7, 7, 0, 7)),
            (None, Some(Percent(30)), (3, 7, 4, 7)),
            (None, None, (0, 7, 0, 0)),
        ] {
            assert_eq!(status(of_set(7), sets(), &budget(min, max)), expected, "{min:?} {max:?}");
        }
    }

    #[test]
    fn what_terminates_or_is_not_ready_is_not_healthy_but_expected() {
        let mut pods = of_set(4);
        pods[0].deletion = Some(Timestamp::UNIX_EPOCH);
        pods[1].ready = false;
        (pods[2].phase, pods[2].ready) = (Phase::Succeeded, false);
        let least = budget(Some(IntOrPercent::Count(1)), None);
        assert_eq!(status(pods, Vec::new(), &least), (0, 1, 1, 4));
    }

    #[test]
    fn a_scale_is_the_deployments_and_counted_once() {
        let deployment = owner("Deployment", "web");
        let sets = vec![
            workload("ReplicaSet", "rs", Some(2), Some(deployment.clone())),
            workload("ReplicaSet", "old", Some(1), Some(deployment)),
            workload("Deployment", "web", Some(10), None),
        ];
        let mut pods = of_set(2);
        pods.push(pod("old-1", Some(owner("ReplicaSet", "old"))));
        let most = budget(None, Some(IntOrPercent::Percent(80)));
        assert_eq!(status(pods, sets, &most), (1, 3, 2, 10));
    }

    #[test]
    fn what_has_no_known_scale_allows_nothing() {
        let most = budget(None, Some(IntOrPercent::Count(1)));
        let share = budget(Some(IntOrPercent::Percent(10)), None);
        let daemons = vec![workload("DaemonSet", "ds", None, None), workload("Job", "job", Some(2), None)];
        for kind in [("DaemonSet", "ds"), ("Job", "job"), ("ReplicaSet", "unknown")] {
            let pods = || vec![pod("p", Some(owner(kind.0, kind.1)))];
            assert_eq!(status(pods(), daemons.clone(), &most).0, 0, "{kind:?}");
            assert_eq!(status(pods(), daemons.clone(), &share).0, 0, "{kind:?}");
        }
        assert_eq!(status(vec![pod("bare", None)], Vec::new(), &most), (0, 1, 0, 0));
        let mut mixed = of_set(5);
        mixed.push(pod("bare", None));
        let sets = vec![workload("ReplicaSet", "rs", Some(5), None)];
        assert_eq!(status(mixed.clone(), sets.clone(), &share).0, 0, "a share of a bare pod is not defined");
        assert_eq!(status(mixed, sets, &most).0, 2);
        let nobody = Budget { selector: None, ..most.clone() };
        assert_eq!(status(of_set(3), Vec::new(), &nobody), (0, 0, 0, 0));
        let everybody = Budget { selector: Some(Selector::default()), ..budget(Some(IntOrPercent::Count(1)), None) };
        assert_eq!(status(of_set(3), Vec::new(), &everybody), (2, 3, 1, 3));
    }
}
