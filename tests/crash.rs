//! Cut short after every record of the journal and taken up again: the same end as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use std::collections::BTreeMap;

use executing::cut::cut_after;
use executing::{Stage, exit, policy};
use tidegate::cluster::keys;
use tidegate::model::Snapshot;

const SUNDAY: &str = "2026-11-22T12:00:00Z";
const LEAD: &str = "2026-12-01T19:46:00Z";

/// What must be the same in the end: every node's and server's state, marks and all, and how many pods live.
fn end_state(stage: &Stage) -> BTreeMap<String, String> {
    let world = stage.world();
    let mut state = BTreeMap::new();
    for node in world.nodes.values() {
        let server = world.server_of(node).map(|server| server.state);
        let mark = stage.record(&node.name).map(|record| record.mark);
        let label = node.labels.contains_key(keys::EXCLUDE_FROM_LOAD_BALANCERS);
        let text = format!("{} {server:?} {mark:?} {label} {:?}", node.unschedulable, node.taints);
        state.insert(node.name.to_string(), text);
    }
    for workload in world.workloads.values() {
        let live = world.pods_of(&workload.uid).filter(|pod| !pod.terminating() && !pod.finished()).count();
        state.insert(format!("{} {}", workload.kind, workload.key), live.to_string());
    }
    let memory = world.memory;
    let failed = memory.nodes.values().filter(|node| node.drain_failure.is_some() || node.wake_failure.is_some());
    state.insert("failures".to_owned(), failed.count().to_string());
    state
}

/// What there is before the act: Sunday with all awake, or Tuesday with nine parked.
fn before(up: bool) -> Snapshot {
    let stage = Stage::workshop(SUNDAY, "");
    if up {
        assert_eq!(exit(&stage.apply(&policy("jetstream-workshop")).0), 0);
        stage.until(LEAD);
    }
    stage.sandbox.snapshot()
}

fn survives(up: bool) {
    let policy = policy("jetstream-workshop");
    let start = before(up);
    let undisturbed = Stage::of(start.clone(), "");
    let (total, whole) = cut_after(&undisturbed, &policy, usize::MAX);
    assert!(whole && total > 50, "{total} records");
    let expected = end_state(&undisturbed);
    for records in 0..total {
        let stage = Stage::of(start.clone(), "");
        let (_, whole) = cut_after(&stage, &policy, records);
        assert!(!whole, "cut after {records} of {total}");
        let (outcome, told) = stage.carry_out(&policy, None, true, true);
        let lines = executing::lines(&told);
        assert_eq!(exit(&outcome), 0, "cut after {records} of {total}: {outcome:?}\n{lines}");
        assert_eq!(end_state(&stage), expected, "cut after {records} of {total}\n{lines}");
        stage.sound();
        let again = stage.plan(&policy);
        assert!(again.steps.is_empty(), "cut after {records} of {total}: {:?}", again.steps);
    }
    println!("{total} records, cut after each");
}

#[test]
fn nine_nodes_going_survive_a_cut_after_every_record() {
    survives(false);
}

#[test]
fn nine_nodes_coming_survive_a_cut_after_every_record() {
    survives(true);
}
