//! Capacity follows pods from end to end: load rises, nodes wake, pods run; load falls, nodes are parked.

use proptest::prelude::*;
use tidegate::model::{Kind, PodKey, Snapshot, World};
use tidegate::plan::{Code, Outlook, Plan, Step, Verb, verify};
use tidegate::policy::Policy;

use crate::build::{cluster, mins, owned, pod, secs, spec, workload};
use crate::executing::{Stage, exit, lines, policy_text};

/// `web` has two pods of a core, `cart` two of 3 cores.
fn shop() -> Snapshot {
    shop_of(1000, 3000)
}

/// Four nodes of 8 cores, two pods of `web` and two of `cart`, which ask for so many millicores.
fn shop_of(web: i64, cart: i64) -> Snapshot {
    shop_on(4, web, cart)
}

fn shop_on(nodes: usize, web: i64, cart: i64) -> Snapshot {
    let mut snapshot = cluster(nodes);
    snapshot.observed = Kind::ALL.into_iter().collect();
    for (name, of, cpu, on) in [
        ("web-1", "web", web, "n-1"),
        ("web-2", "web", web, "n-2"),
        ("cart-1", "cart", cart, "n-1"),
        ("cart-2", "cart", cart, "n-3"),
    ] {
        let mut made = owned(pod(name, on), "ReplicaSet", of);
        made.spec = std::sync::Arc::new(spec(cpu));
        snapshot.pods.push(made);
    }
    snapshot.workloads = vec![workload("ReplicaSet", "web", Some(2)), workload("ReplicaSet", "cart", Some(2))];
    snapshot
}

fn policy(pool: &str, rest: &str) -> Policy {
    policy_text(&format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: shop}}\nspec:\n{rest}  pools:\n    \
         - name: all\n      nodes: {{names: \"n-*\"}}\n      unneededFor: 10m\n      minParked: 1m\n{pool}"
    ))
}

fn scale(stage: &Stage, workload: &str, pods: u32) {
    stage.sandbox.scale(&PodKey::new("web", workload), pods).unwrap();
    stage.sandbox.advance(secs(5)).unwrap();
}

fn waiting(world: &World) -> usize {
    world.pods.values().filter(|pod| pod.node.is_none() && !pod.finished()).count()
}

#[test]
fn nodes_come_for_pods_and_go_when_nothing_needs_them() {
    let stage = Stage::of(shop(), "");
    let policy = policy("      min: 1\n", "");
    let (outcome, told) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 3), "everything fits on one node: {}", lines(&told));
    scale(&stage, "cart", 7);
    assert_eq!(waiting(&stage.world()), 5);
    let plan = stage.plan(&policy);
    let wakes: Vec<_> = plan.steps.iter().filter(|step| step.verb == Verb::Wake).collect();
    assert_eq!(wakes.len(), 3, "{:#?}", plan.waiting);
    assert!(wakes.iter().all(|step| step.reason.code == Code::Demand));
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    stage.sandbox.advance(mins(2)).unwrap();
    assert_eq!((waiting(&stage.world()), stage.parked()), (0, 0));
    assert!(stage.plan(&policy).steps.is_empty(), "it settles");
    scale(&stage, "cart", 2);
    stage.sandbox.advance(mins(1)).unwrap();
    let (outcome, _) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 0), "nothing goes at once");
    stage.sandbox.advance(mins(9)).unwrap();
    assert!(stage.plan(&policy).steps.is_empty());
    stage.sandbox.advance(mins(1)).unwrap();
    let (outcome, told) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 3), "{}", lines(&told));
    stage.sound();
    assert_eq!(waiting(&stage.world()), 0);
}

/// O2: what fits into the headroom waits for no capacity.
#[test]
fn a_burst_within_the_headroom_waits_for_no_node() {
    let stage = Stage::of(shop(), "");
    let policy = policy("      min: 1\n      headroom: {units: [{cpu: 3, memory: 3Gi, count: 2}]}\n", "");
    stage.apply(&policy);
    assert_eq!(stage.parked(), 2, "8 cores are in use, and two units need a second node");
    scale(&stage, "cart", 4);
    assert_eq!(waiting(&stage.world()), 0, "bound by the scheduler at once");
    let refill = stage.plan(&policy);
    assert!(refill.steps.is_empty() && refill.pools[0].headroom.as_ref().unwrap().refill_at.is_some());
    stage.apply(&policy);
    stage.sandbox.advance(mins(5)).unwrap();
    let (outcome, _) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 1), "refilled");
    stage.sound();
}

#[test]
fn a_limit_bites_and_the_pods_that_it_holds_back_are_listed() {
    let stage = Stage::of(shop(), "");
    let policy = policy("      min: 1\n", "  limits: {cpu: 16}\n");
    stage.apply(&policy);
    scale(&stage, "cart", 7);
    let (outcome, _) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 2));
    stage.sandbox.advance(mins(2)).unwrap();
    let plan = stage.plan(&policy);
    let held: Vec<_> = plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Waits).collect();
    assert_eq!((held.len(), held[0].reason.code, held[0].pods.len()), (1, Code::Limit, waiting(&stage.world())));
    assert!(plan.steps.is_empty());
}

/// H9: of the pods of two sizes that leave two nodes at once, the scheduler binds whichever it likes first.
#[test]
fn what_drains_at_once_finds_homes_in_whatever_order_it_is_bound() {
    let stage = Stage::of(shop_of(2500, 1000), "");
    scale(&stage, "web", 3);
    scale(&stage, "cart", 8);
    let (outcome, told) = stage.apply(&policy("      min: 0\n      max: 1\n", "  limits: {cpu: 16}\n"));
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert_eq!((waiting(&stage.world()), stage.parked() > 0), (0, true));
    stage.sound();
}

/// H9: the scheduler spreads small pods over what comes first, so that large ones that would fit are left over.
#[test]
fn what_comes_is_enough_as_the_scheduler_binds() {
    for (web, cart) in [(4, 4), (8, 4), (5, 3)] {
        for (small, large) in [(3000, 5000), (1000, 4500), (1500, 5500), (2000, 4000)] {
            let stage = Stage::of(shop_on(6, small, large), "");
            let policy = policy("      min: 1\n", "");
            stage.apply(&policy);
            stage.sandbox.advance(mins(20)).unwrap();
            scale(&stage, "web", web);
            scale(&stage, "cart", cart);
            stage.apply(&policy);
            stage.sandbox.advance(mins(1)).unwrap();
            let (world, after) = (stage.world(), stage.plan(&policy));
            assert!(
                waiting(&world) == 0 || stage.parked() == 0,
                "{web} of {small}, {cart} of {large}: {} wait, {} are parked",
                waiting(&world),
                stage.parked()
            );
            assert!(after.steps.iter().all(|step| step.verb != Verb::Wake));
        }
    }
}

/// Pods that wait are too large for what could still come.
fn refused(plan: &Plan) -> bool {
    let waits = plan.waiting.iter().filter(|one| one.outlook == Outlook::Waits);
    waits.map(|one| one.reason.code).all(|code| matches!(code, Code::NoNodeFits | Code::Limit | Code::NoCreate))
}

/// What a person does to the load, and how long nothing happens after it.
fn turns() -> impl Strategy<Value = Vec<(u32, u32, i64)>> {
    prop::collection::vec((0..10_u32, 0..10_u32, 0..25_i64), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the load does: no pod waits that a node of the pool could take, what waits says why, floor, ceiling and
    /// limit hold, no pod is lost, no drain leaves a pod without a home in whatever order it is bound (H9), and after an
    /// apply there is nothing more to do at that moment.
    #[test]
    fn capacity_follows_any_load(
        turns in turns(),
        (min, more) in (0..3_u32, 0..4_u32),
        cores in prop::sample::select(vec![16_u32, 24, 1000]),
        headroom in any::<bool>(),
        (small, large) in (1..8_i64, 1..14_i64).prop_map(|(one, other)| (one * 500, other * 500)),
    ) {
        let max = (min + more).max(1);
        let room = if headroom { "      headroom: {units: [{cpu: 2, memory: 1Gi}]}\n" } else { "" };
        let policy = policy(&format!("      min: {min}\n      max: {max}\n{room}"), &format!("  limits: {{cpu: {cores}}}\n"));
        let stage = Stage::of(shop_of(small, large), "");
        for (web, cart, pause) in turns {
            scale(&stage, "web", web);
            scale(&stage, "cart", cart);
            let before = stage.world();
            let made = stage.plan(&policy);
            prop_assert_eq!(verify(&made, &before, &policy), vec![]);
            let (outcome, told) = stage.apply(&policy);
            prop_assert_eq!(exit(&outcome), 0, "{}", lines(&told));
            // The scheduler has bound what it can.
            stage.sandbox.advance(mins(1)).unwrap();
            // Who waited because no node had room for it may fit on one that was emptied: that is seen when it is.
            for _ in 0..2 {
                let refit = made.waiting.iter().any(|one| one.outlook == Outlook::Waits);
                if refit && stage.plan(&policy).steps.iter().any(|step| step.reason.code == Code::Demand) {
                    let (outcome, told) = stage.apply(&policy);
                    prop_assert_eq!(exit(&outcome), 0, "{}", lines(&told));
                    stage.sandbox.advance(mins(1)).unwrap();
                }
            }
            let world = stage.world();
            let up = 4 - u32::try_from(stage.parked()).unwrap();
            let over = made.kept.iter().any(|kept| kept.reasons.iter().any(|reason| reason.code == Code::OverCeiling));
            prop_assert!(up >= min.min(cores / 8) && (up <= max || over), "{up} up of {min}..{max}");
            let after = stage.plan(&policy);
            prop_assert_eq!(verify(&after, &world, &policy), vec![]);
            let told: usize = after.waiting.iter().filter(|one| one.outlook == Outlook::Waits).map(|one| one.pods.len()).sum();
            prop_assert_eq!(waiting(&world), told, "{:#?}", after.waiting);
            // A refill of the headroom that was waited for may have come due meanwhile.
            let due = |at: Option<jiff::Timestamp>| at.is_some_and(|at| Some(at) <= world.taken);
            let refill = made.pools[0].headroom.as_ref().is_some_and(|headroom| due(headroom.refill_at));
            let anew = |step: &Step| step.verb == Verb::Wake && !(refill && step.reason.code == Code::Headroom);
            prop_assert!(!after.steps.iter().any(anew), "it settles: {:#?}", after.steps);
            prop_assert!(told == 0 || up >= max.min(cores / 8).min(4) || refused(&after), "{told} wait, and {up} of {max} are up");
            stage.sound();
            stage.sandbox.advance(mins(pause)).unwrap();
        }
    }
}
