//! Cut short after every record of the journal and taken up again: the same end as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use std::collections::{BTreeMap, BTreeSet};

use executing::cut::cut_after;
use executing::{Stage, exit, lines, policy};
use jiff::SignedDuration;
use tidegate::cluster::keys;
use tidegate::execute::EventKind;
use tidegate::model::Snapshot;
use tidegate::plan::{Verb, verify};

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

/// Cut short and not taken up but planned anew, at once or when the provider is done: what the plan shows is what the apply
/// does, step by step, and nothing beside it.
fn does_what_it_shows(up: bool, faults: &str, step: usize) {
    let policy = policy("jetstream-workshop");
    let start = before(up);
    let (total, _) = cut_after(&Stage::of(start.clone(), faults), &policy, usize::MAX);
    let mut recorded = 0;
    for records in (0..total).step_by(step) {
        for minutes in [0, 1, 20] {
            let stage = Stage::of(start.clone(), faults);
            cut_after(&stage, &policy, records);
            let now = stage.sandbox.now() + SignedDuration::from_mins(minutes);
            stage.until(&now.to_string());
            let plan = stage.plan(&policy);
            let world = stage.world();
            let (outcome, told) = stage.apply(&policy);
            let context = format!("cut after {records} of {total}, {minutes} min later\n{outcome:?}\n{}", lines(&told));
            assert_eq!(verify(&plan, &world, &policy), [], "{context}");
            recorded += plan.steps.iter().filter(|step| step.verb == Verb::Record).count();
            let shown: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            let begun = told.iter().filter(|event| event.kind == EventKind::StepStarted);
            let begun: BTreeSet<&str> = begun.filter_map(|event| event.step.as_deref()).collect();
            assert_eq!(begun.difference(&shown).collect::<Vec<_>>(), [&""; 0], "not shown: {context}");
            let ended = told.iter().filter(|event| matches!(event.kind, EventKind::StepDone | EventKind::StepFailed));
            let ended: BTreeSet<&str> = ended.filter_map(|event| event.step.as_deref()).collect();
            assert!(exit(&outcome) == 0 || !faults.is_empty(), "{context}");
            if exit(&outcome) == 0 {
                assert_eq!(ended, shown, "{context}");
            }
        }
    }
    assert!(up || recorded > 0, "a server that was parked after the cut has its record completed");
}

#[test]
fn what_is_planned_after_a_cut_is_what_is_applied() {
    does_what_it_shows(false, "", 7);
    does_what_it_shows(true, "", 7);
}

#[test]
fn what_is_planned_after_a_cut_among_failures_is_what_is_applied() {
    let faults = "- {target: server/demo-k8s-node-nf-4, kind: slow, factor: 9}\n\
                  - {target: server/demo-k8s-node-nf-5, kind: error, on: park, ends: active, times: 1}\n\
                  - {target: server/demo-k8s-node-nf-6, kind: no-valid-host, times: 1}";
    does_what_it_shows(false, faults, 19);
    does_what_it_shows(true, faults, 19);
}
