//! A person holds or cordons a node that is on its way: it is left to them, and a cordon that is theirs stays.

use std::cell::Cell;

use tidegate::cluster::{Cluster, NodeMark, NodePatch, keys};
use tidegate::execute::{Event, EventKind};
use tidegate::model::Name;
use tidegate::sandbox::sim::What;

use super::executing::{Stage, exit, lines, policy};
use super::{LEAD, SUNDAY, block_on_inside, changed, with};

/// One pod of it is evicted, in the second round of its budget.
const NODE: &str = "demo-k8s-node-nf-2";

fn ask(stage: &Stage, node: &str, held: bool, unschedulable: Option<bool>) {
    let annotations = if held { [(keys::HOLD.into(), Some("ops: debugging".into()))].into() } else { [].into() };
    let patch = NodePatch { annotations, unschedulable, ..NodePatch::default() };
    block_on_inside(stage.sandbox.patch_node(&Name::from(node), &patch)).unwrap();
}

fn release(stage: &Stage, node: &str) {
    let patch = NodePatch { annotations: [(keys::HOLD.into(), None)].into(), ..NodePatch::default() };
    block_on_inside(stage.sandbox.patch_node(&Name::from(node), &patch)).unwrap();
}

/// Nothing on it is ours.
fn clean(stage: &Stage, node: &str) -> bool {
    let world = stage.world();
    let node = &world.nodes[node];
    let label = node.labels.contains_key(keys::EXCLUDE_FROM_LOAD_BALANCERS);
    let server = world.server_of(node).unwrap();
    let taint = node.taints.iter().any(|taint| &*taint.key == keys::LEAVING);
    !node.annotations.contains_key(keys::RECORD)
        && !label
        && !taint
        && !server.metadata.contains_key(keys::SERVER_RECORD)
}

/// When something is said of it, before it is parked.
fn before_its_park(told: &[Event]) -> usize {
    let parks = |event: &Event| event.kind == EventKind::StepStarted && event.step == Some(format!("park/{NODE}"));
    told.iter().position(parks).unwrap()
}

#[test]
fn h23_a_hold_at_any_moment_stops_the_drain_and_the_node_is_given_back() {
    let policy = policy("jetstream-workshop");
    let start = Stage::workshop(SUNDAY, "").sandbox.snapshot();
    let pods: Vec<Name> =
        start.pods.iter().filter(|pod| pod.node.as_deref() == Some(NODE)).map(|pod| pod.uid.clone()).collect();
    let undisturbed = with(&Stage::of(start.clone(), ""), &policy, true, |_, _| {}).1;
    let (total, parks) = (undisturbed.len(), before_its_park(&undisturbed));
    assert!(parks > 20 && parks + 5 < total, "{parks} of {total}");
    // At the first event nothing was looked at yet: such a plan is stale.
    for at in (1..total).filter(|at| at % 3 == 0 || at.abs_diff(parks) < 2) {
        let stage = Stage::of(start.clone(), "");
        let held_at = Cell::new(None);
        let (outcome, told) = with(&stage, &policy, true, |count, event| {
            if count == at {
                ask(&stage, NODE, true, None);
                held_at.set(Some(event.time));
            }
        });
        let context = format!("held at event {at} of {total}: {outcome:?}\n{}", lines(&told));
        // What was asked for at that instant is in flight; nothing is asked for later.
        let late = stage.sandbox.audit().into_iter().find(|record| {
            let ours = matches!(&record.what, What::Evicted { uid, .. } if pods.contains(uid));
            ours && Some(record.at) > held_at.get()
        });
        assert!(late.is_none(), "nobody is evicted from a held node: {late:?} {context}");
        let world = stage.world();
        assert!(world.nodes[NODE].annotations.contains_key(keys::HOLD), "{context}");
        let given_back = stage.record(NODE).is_none();
        // At the instant at which it is parked either may come first.
        assert!(given_back || held_at.get() >= Some(undisturbed[parks].time), "{context}");
        if given_back {
            assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{context}");
            assert!(!world.nodes[NODE].unschedulable && clean(&stage, NODE), "{context}");
            let said = told.iter().any(|event| event.message.contains("is held by a person: ops: debugging"));
            assert!(said, "{context}");
        } else {
            assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{context}");
            assert!(world.nodes[NODE].unschedulable, "{context}");
            assert_eq!(stage.record(NODE).unwrap().mark, NodeMark::Parked, "{context}");
        }
        stage.sound();
        assert!(stage.plan(&policy).steps.is_empty(), "{context}");
        release(&stage, NODE);
        // What came to it meanwhile may be too young to leave.
        stage.until("2026-11-22T16:00:00Z");
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{context}\nthen\n{}", lines(&told));
    }
}

#[test]
fn a_cordon_that_is_anothers_stays_when_a_chosen_node_is_given_back() {
    // One at a time: the others are chosen, tainted and wait for their turn.
    let policy = changed("      idle: shelve", "      parallelism: 1\n      idle: shelve");
    for held in [false, true] {
        let stage = Stage::workshop(SUNDAY, "");
        let once = Cell::new(true);
        let (outcome, told) = with(&stage, &policy, true, |_, event| {
            if event.kind == EventKind::PodEvicted && once.take() {
                let mark = stage.record(NODE).map(|record| record.mark);
                assert_eq!(mark, Some(NodeMark::Leaving), "it waits for its turn");
                ask(&stage, NODE, held, Some(true));
            }
        });
        let context = format!("held {held}: {outcome:?}\n{}", lines(&told));
        assert!(!once.get(), "{context}");
        assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{context}");
        assert!(stage.cordoned().contains(NODE) && clean(&stage, NODE), "the cordon is theirs: {context}");
        assert!(stage.plan(&policy).steps.is_empty(), "{context}");
        stage.sound();
    }
}

#[test]
fn a_node_that_is_held_before_its_turn_to_wake_stays_asleep_and_the_others_come() {
    let policy = changed("      idle: shelve", "      parallelism: 1\n      idle: shelve");
    let stage = Stage::workshop(SUNDAY, "");
    assert_eq!(exit(&stage.apply(&policy).0), 0);
    stage.until(LEAD);
    let last = "demo-k8s-node-nf-10";
    let once = Cell::new(true);
    let (outcome, told) = with(&stage, &policy, true, |_, event| {
        if event.kind == EventKind::StepStarted && once.take() {
            ask(&stage, last, true, None);
        }
    });
    let context = format!("{outcome:?}\n{}", lines(&told));
    assert_eq!((exit(&outcome), stage.parked()), (6, 1), "{context}");
    assert_eq!(stage.record(last).unwrap().mark, NodeMark::Parked, "{context}");
    assert!(stage.plan(&policy).steps.is_empty(), "{context}");
}
