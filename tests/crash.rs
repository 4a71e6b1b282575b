//! Cut short after every record of the journal and taken up again: the same end as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use std::collections::{BTreeMap, BTreeSet};

use executing::cut::cut_after;
use executing::{Stage, exit, lines, policy};
use jiff::SignedDuration;
use tidegate::cluster::{NodeMark, keys};
use tidegate::execute::EventKind;
use tidegate::execute::machine::Act;
use tidegate::execute::run::journal;
use tidegate::model::{Memory, PoolMemory, Snapshot};
use tidegate::plan::{Step, Verb, verify};

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
    remembered(&world.memory, &mut state);
    state
}

/// What must be remembered: all but the times that depend on when it was taken up again, and how long phases took to the
/// second.
fn remembered(memory: &Memory, state: &mut BTreeMap<String, String>) {
    for (name, node) in &memory.nodes {
        let drain = node.drain_failure.as_ref().map(|failure| failure.tries);
        let wake = node.wake_failure.as_ref().map(|failure| failure.tries);
        let (parked, given_back) = (node.parked_since.is_some(), node.not_before.is_some());
        let text = format!("{drain:?} {wake:?} {parked} {given_back} {:?}", node.unneeded_since);
        state.insert(format!("memory of {name}"), text);
    }
    for (name, pool) in &memory.pools {
        let PoolMemory { members, failed_wakes, .. } = pool;
        let (back_off, short) = (pool.backoff_until.is_some(), pool.headroom_short_since);
        let times = (pool.park_times.len(), pool.wake_times.len());
        state.insert(
            format!("memory of pool {name}"),
            format!("{members} {failed_wakes} {back_off} {short:?} {times:?}"),
        );
    }
}

/// How long each phase took, shortest first: a cut and what is read again after it may add so much.
const LONGER: SignedDuration = SignedDuration::from_secs(30);

fn times(stage: &Stage) -> Vec<SignedDuration> {
    let memory = stage.world().memory;
    let of_pool = |pool: &PoolMemory| {
        let mut times = [pool.park_times.clone(), pool.wake_times.clone()];
        times.iter_mut().for_each(|times| times.sort_unstable());
        times.concat()
    };
    memory.pools.values().flat_map(of_pool).collect()
}

/// Whether one of [`ONCE`] was refused and nobody wrote down that it was: it is asked again, and nothing refuses it a
/// second time.
fn unheard(stage: &Stage) -> bool {
    let told = journal::read(stage.folder.path()).unwrap().unwrap();
    let asked = |act: &Act| matches!(act, Act::Park { .. } | Act::Wake { .. });
    let once = |act: &Act| act.node().is_some_and(|node| ONCE.contains(&&**node));
    told.in_flight().values().any(|act| asked(act) && once(act))
}

/// Whatever was injected, and wherever it is cut: the same exit code, the same nodes, the same memory.
fn survives_faults(up: bool, faults: &str, (from, step): (usize, usize)) {
    let policy = policy("jetstream-workshop");
    let start = before(up);
    let (total, _) = cut_after(&Stage::of(start.clone(), faults), &policy, usize::MAX);
    let undisturbed = Stage::of(start.clone(), faults);
    let (outcome, told) = undisturbed.apply(&policy);
    let (code, expected) = (exit(&outcome), end_state(&undisturbed));
    assert_eq!(code, 6, "{outcome:?}\n{}", lines(&told));
    let took = times(&undisturbed);
    let mut wrong = Vec::new();
    for records in (from..total).step_by(step) {
        let stage = Stage::of(start.clone(), faults);
        cut_after(&stage, &policy, records);
        if unheard(&stage) {
            continue;
        }
        let (outcome, told) = stage.carry_out(&policy, None, true, true);
        let found = end_state(&stage);
        let differs = |key: &&String| found.get(*key) != expected.get(*key);
        let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
        let mut differences: Vec<String> = (keys.into_iter().filter(differs))
            .map(|key| format!("  {key}: {:?}, not {:?}", found.get(key), expected.get(key)))
            .collect();
        if exit(&outcome) != code {
            differences.push(format!("  exit {} of {outcome:?}", exit(&outcome)));
        }
        let now = times(&stage);
        let near = |(a, b): (&SignedDuration, &SignedDuration)| (*a - *b).abs() <= LONGER;
        if differences.is_empty() && !now.iter().zip(&took).all(near) {
            differences.push(format!("  took {now:?}, not {took:?}"));
        }
        if !differences.is_empty() {
            wrong.push(format!("cut after {records} of {total}:\n{}\n{}", differences.join("\n"), lines(&told)));
        }
        stage.sound();
    }
    let first: Vec<&String> = wrong.iter().take(2).collect();
    let at: Vec<&str> = wrong.iter().filter_map(|text| text.lines().next()).collect();
    assert!(
        wrong.is_empty(),
        "{} cuts went wrong: {at:?}\n{}",
        wrong.len(),
        first.iter().map(|text| text.as_str()).collect::<String>()
    );
}

/// Those that are refused at once, and once.
const ONCE: [&str; 2] = ["demo-k8s-node-nf-2", "demo-k8s-node-nf-6"];
const BACK_AGAIN: &str = "- {target: server/demo-k8s-node-nf-4, kind: error, on: park, ends: active, times: 1}\n\
                          - {target: server/demo-k8s-node-nf-6, kind: locked, on: park, times: 1}\n\
                          - {target: server/demo-k8s-node-nf-7, kind: slow, factor: 3}";
const REFUSED: &str = "- {target: server/demo-k8s-node-nf-2, kind: quota, times: 1}\n\
                       - {target: server/demo-k8s-node-nf-5, kind: no-valid-host, times: 1}";
const NEVER_READY: &str = "- {target: node/demo-k8s-node-nf-8, kind: node-never-ready, on: join, times: 1}";
const IN_ERROR: &str = "- {target: server/demo-k8s-node-nf-4, kind: error, on: park, times: 1}";

/// H3: a park that comes to nothing bars its node, once, whenever the apply is cut short.
#[test]
fn parks_that_come_to_nothing_are_remembered_wherever_it_is_cut() {
    survives_faults(false, BACK_AGAIN, (0, 1));
    survives_faults(false, IN_ERROR, (0, 9));
}

/// H8: a wake that comes to nothing counts, once, whenever the apply is cut short.
#[test]
fn wakes_that_come_to_nothing_are_remembered_wherever_it_is_cut() {
    survives_faults(true, REFUSED, (0, 1));
    survives_faults(true, NEVER_READY, (60, 2));
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
            let after = stage.plan(&policy);
            let half_way =
                |step: &&Step| stage.record(&step.node).is_some_and(|record| record.mark != NodeMark::Parked);
            let settled = !after.unsettled() && !after.steps.iter().any(|step| half_way(&step));
            assert!(settled || exit(&outcome) == 6, "not settled: {context}\n{}", after.summary.text);
            assert!(exit(&outcome) == 0 || !settled || !faults.is_empty(), "{context}");
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
