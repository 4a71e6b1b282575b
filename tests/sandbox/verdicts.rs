//! What the API server says to an eviction, by the status that the budget carries.

use tidegate::model::*;
use tidegate::sandbox::sim::{Verdict, may_evict};

use crate::build::*;

fn verdict(change: impl FnOnce(&mut Pod, &mut Budget)) -> Verdict {
    let mut victim = owned(pod("victim", "n-1"), "ReplicaSet", "app");
    let mut holder = budget("app", Some(IntOrPercent::Count(3)), None);
    holder.status =
        Some(BudgetStatus { disruptions_allowed: 0, current_healthy: 3, desired_healthy: 3, expected_pods: 4 });
    change(&mut victim, &mut holder);
    let world = World::build(Snapshot { pods: vec![victim.clone()], budgets: vec![holder], ..cluster(1) });
    may_evict(&world, &victim)
}

fn passes(change: impl FnOnce(&mut Pod, &mut Budget)) -> bool {
    match verdict(change) {
        Verdict::Pass => true,
        Verdict::Blocked { budget, .. } => {
            assert_eq!(budget, PodKey::new("web", "app"));
            false
        }
        other => panic!("{other:?}"),
    }
}

fn status(budget: &mut Budget, allowed: u32, healthy: u32, desired: u32) {
    budget.status = Some(BudgetStatus {
        disruptions_allowed: allowed,
        current_healthy: healthy,
        desired_healthy: desired,
        expected_pods: 4,
    });
}

#[test]
fn a_ready_pod_needs_a_disruption_that_is_allowed() {
    assert!(!passes(|_, _| {}));
    assert!(passes(|_, budget| status(budget, 1, 4, 3)));
    assert!(!passes(|_, budget| budget.status = None), "still being processed");
    assert!(passes(|_, budget| budget.selector = None), "a budget without a selector holds nobody");
}

#[test]
fn only_a_budget_that_was_not_yet_looked_at_says_when_to_come_again() {
    let retry = |change: fn(&mut Budget)| match verdict(|_, budget| change(budget)) {
        Verdict::Blocked { retry_after, .. } => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(retry(|_| {}), None, "nobody knows when an exhausted budget allows more");
    assert_eq!(retry(|budget| budget.status = None), Some(secs(10)));
}

#[test]
fn what_does_not_run_needs_none() {
    for phase in [Phase::Pending, Phase::Succeeded, Phase::Failed] {
        assert!(passes(|pod, _| (pod.phase, pod.ready) = (phase, false)), "{phase:?}");
    }
    assert!(passes(|pod, _| pod.deletion = Some(start())));
    assert!(!passes(|pod, _| pod.phase = Phase::Unknown));
}

#[test]
fn a_pod_that_is_not_ready_goes_by_the_policy() {
    assert!(passes(|pod, _| pod.ready = false), "the budget is met without it");
    let short = |policy| {
        passes(move |pod, budget| {
            pod.ready = false;
            budget.unhealthy = policy;
            status(budget, 0, 2, 3);
        })
    };
    assert!(!short(UnhealthyPodEviction::IfHealthyBudget));
    assert!(short(UnhealthyPodEviction::AlwaysAllow));
    assert!(!passes(|pod, budget| {
        pod.ready = false;
        status(budget, 0, 0, 0);
    }));
}

#[test]
fn two_budgets_for_one_pod_are_an_error() {
    let victim = owned(pod("victim", "n-1"), "ReplicaSet", "app");
    let one = budget("app", Some(IntOrPercent::Count(0)), None);
    let other = Budget { key: PodKey::new("web", "second"), ..one.clone() };
    let elsewhere = Budget { key: PodKey::new("wea", "app"), ..one.clone() };
    let world = World::build(Snapshot { budgets: vec![elsewhere, one, other], ..cluster(1) });
    let keys = vec![PodKey::new("web", "app"), PodKey::new("web", "second")];
    assert_eq!(may_evict(&world, &victim), Verdict::SeveralBudgets(keys));
}
