//! Plans carried out on the sandbox: the workshop up and down, each failure, and what a person may do meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "execute/blind.rs"]
mod blind;
mod executing;
#[path = "execute/hooks.rs"]
mod hooks;
#[path = "execute/outages.rs"]
mod outages;
#[path = "execute/repair.rs"]
mod repair;
#[path = "execute/sleep.rs"]
mod sleep;

use std::collections::{BTreeMap, BTreeSet};

use executing::{Stage, exit, policy, span_of};
use jiff::SignedDuration;
use tidegate::execute::{Event, EventKind};
use tidegate::policy::Policy;

/// A Sunday: the workshop is over, nine of ten workers may go.
const SUNDAY: &str = "2026-11-22T12:00:00Z";
/// Tuesday, within the lead of the window.
const LEAD: &str = "2026-12-01T19:46:00Z";

/// The workshop's policy, one node after another.
fn one_by_one() -> Policy {
    let text = std::fs::read_to_string(executing::example("jetstream-workshop", "policy.yaml")).unwrap();
    let serial = text.replacen("      max: 10\n", "      max: 10\n      parallelism: 1\n", 1);
    assert_ne!(serial, text);
    executing::policy_text(&serial)
}

/// How long each node takes when it is the only one, and all of them one after another: down, then up.
fn each_alone() -> [(SignedDuration, SignedDuration); 2] {
    let stage = Stage::workshop(SUNDAY, "");
    [SUNDAY, LEAD].map(|moment| {
        if moment == LEAD {
            stage.until(moment);
        }
        let (outcome, told) = stage.apply(&one_by_one());
        assert_eq!(exit(&outcome), 0, "{}", executing::lines(&told));
        let spans = node_spans(&told);
        let (whole, sum) = (whole(&told), spans.values().copied().sum::<SignedDuration>());
        assert_eq!(spans.len(), 9);
        assert!(sum <= whole, "one after another: {sum:#} in {whole:#}");
        (spans.into_values().max().unwrap(), whole)
    })
}

#[test]
fn nine_nodes_go_and_come_in_the_time_of_the_slowest() {
    let [alone_down, alone_up] = each_alone();
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let (down, told) = stage.apply(&policy);
    assert_eq!(exit(&down), 0, "{down:?}\n{}", executing::lines(&told));
    assert_eq!(stage.parked(), 9);
    let down = whole(&told);
    stage.sound();

    stage.until(LEAD);
    let (up, told) = stage.apply(&policy);
    assert_eq!(exit(&up), 0, "{up:?}\n{}", executing::lines(&told));
    assert_eq!(stage.parked(), 0);
    assert!(stage.nothing_of_ours(), "marks are left over");
    let up = whole(&told);
    stage.sound();
    for (way, together, (slowest, serial)) in [("down", down, alone_down), ("up", up, alone_up)] {
        println!("{way}: {together:#} together, {slowest:#} for the slowest node alone, {serial:#} one by one");
        assert!(together.as_millis() * 100 <= slowest.as_millis() * 105, "{way}: {together:#} against {slowest:#}");
        assert!(serial > together * 4, "{way}: one by one must take far longer: {serial:#} against {together:#}");
    }

    let (again, _) = stage.apply(&policy);
    assert_eq!(exit(&again), 0);
}

/// From the first event to the last.
fn whole(told: &[Event]) -> SignedDuration {
    span_of(told, |event| event.kind != EventKind::Version)
}

/// From each node's first step to its last.
fn node_spans(told: &[Event]) -> BTreeMap<&str, SignedDuration> {
    let of_steps = |event: &Event| matches!(event.kind, EventKind::StepStarted | EventKind::StepDone);
    let nodes: BTreeSet<&str> =
        told.iter().filter(|event| of_steps(event)).filter_map(|event| event.node.as_deref()).collect();
    let span = |node| span_of(told, |event| of_steps(event) && event.node.as_deref() == Some(node));
    nodes.into_iter().map(|node| (node, span(node))).collect()
}

/// A failure, and what must come of it.
struct Case {
    fault: &'static str,
    /// Fails on the way up instead of down.
    up: bool,
    exit: u8,
    /// Nodes parked in the end.
    parked: usize,
    /// What the failed step says.
    says: &'static str,
    /// Nodes that carry our record although they are neither parked nor in use.
    stuck: usize,
}

/// What was measured once is said of each node that goes or comes after it.
#[test]
fn each_node_says_how_long_its_phase_usually_takes_once_that_is_known() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let starts = |told: &[Event], verb: &str| -> Vec<String> {
        let begun = told.iter().filter(|event| event.kind == EventKind::StepStarted && event.message.starts_with(verb));
        begun.map(|event| event.message.clone()).collect()
    };
    for (round, [down, up]) in
        [[SUNDAY, LEAD], ["2026-12-06T12:00:00Z", "2026-12-08T19:46:00Z"]].into_iter().enumerate()
    {
        for (moment, verb) in [(down, "parking "), (up, "waking ")] {
            stage.until(moment);
            let (outcome, told) = stage.apply(&policy);
            assert_eq!(exit(&outcome), 0, "{}", executing::lines(&told));
            let begun = starts(&told, verb);
            assert_eq!(begun.len(), 9, "{}", executing::lines(&told));
            for message in begun {
                let takes = message.split_once(", which usually takes ").map(|(_, length)| length);
                assert_eq!(takes.is_some(), round == 1, "{message}");
                let length = takes.map(|length| length.parse::<SignedDuration>().unwrap());
                assert!(length.is_none_or(|length| (10..600).contains(&length.as_secs())), "{message}");
            }
        }
    }
}

#[test]
fn each_failure_ends_in_a_named_state_and_hinders_nobody_else() {
    let down = |fault, exit, parked, says, stuck| Case { fault, up: false, exit, parked, says, stuck };
    let up = |fault, exit, parked, says| Case {
        fault,
        up: true,
        exit,
        parked,
        says,
        stuck: usize::from(parked == 0 && exit != 0),
    };
    let cases = [
        down("- {target: server/demo-k8s-node-nf-3, kind: error, on: park, ends: active}", 6, 8, "came to nothing", 0),
        down("- {target: server/demo-k8s-node-nf-3, kind: error, on: park}", 6, 8, "is in ERROR", 1),
        down("- {target: server/demo-k8s-node-nf-3, kind: stuck, on: park}", 6, 8, "did not end in", 1),
        down("- {target: server/demo-k8s-node-nf-3, kind: slow, on: park, factor: 4}", 0, 9, "", 0),
        down("- {target: pod/jhub/user-scheduler-*, kind: stuck, on: stop}", 6, 7, "was not gone", 0),
        down(
            "- {target: workload/jhub/user-scheduler, kind: pod-never-ready}",
            6,
            7,
            "nothing Ready took the place",
            0,
        ),
        down("- {target: workload/jhub/user-scheduler, kind: crash-loop}", 6, 7, "nothing Ready took the place", 0),
        down("- {target: pod/jhub/user-scheduler-*, kind: slow, on: stop, latency: 100s}", 0, 9, "", 0),
        down("- {target: pod/jhub/user-scheduler-*, kind: slow, on: start, latency: 2m}", 0, 9, "", 0),
        down(
            "- {target: pod/jhub/user-scheduler-*, kind: slow, on: start, latency: 20m}",
            6,
            7,
            "nothing Ready took",
            0,
        ),
        down("- {target: pod/jhub/user-scheduler-*, kind: slow, on: ready, latency: 2m}", 0, 9, "", 0),
        down(
            "- {target: pod/jhub/user-scheduler-*, kind: slow, on: ready, latency: 20m}",
            6,
            7,
            "nothing Ready took",
            0,
        ),
        down("- {target: pod/jhub/user-scheduler-*, kind: evict-error}", 6, 7, "could not be evicted", 0),
        up("- {target: server/demo-k8s-node-nf-3, kind: no-valid-host, on: wake}", 6, 1, "did not wake"),
        up("- {target: server/demo-k8s-node-nf-3, kind: quota, on: wake}", 6, 1, "could not be woken"),
        up("- {target: server/demo-k8s-node-nf-3, kind: error, on: wake}", 6, 0, "is ERROR"),
        up("- {target: node/demo-k8s-node-nf-3, kind: node-never-ready}", 6, 1, "was not Ready"),
        up("- {target: server/demo-k8s-node-nf-3, kind: slow, on: wake, factor: 2}", 0, 0, ""),
        up("- {target: server/demo-k8s-node-nf-3, kind: stuck, on: wake}", 6, 1, "was not Ready"),
        up("- {target: node/demo-k8s-node-nf-3, kind: slow, on: join, factor: 5}", 0, 0, ""),
        up("- {target: node/demo-k8s-node-nf-3, kind: slow, on: join, latency: 18m}", 6, 1, "was not Ready"),
    ];
    let mut wrong = Vec::new();
    for case in cases {
        let stage = Stage::workshop(SUNDAY, case.fault);
        let policy = policy("jetstream-workshop");
        let (mut outcome, mut told) = stage.apply(&policy);
        if case.up {
            assert_eq!(exit(&outcome), 0, "{}", executing::lines(&told));
            stage.until(LEAD);
            (outcome, told) = stage.apply(&policy);
        }
        let said = told.iter().any(|event| event.kind == EventKind::StepFailed && event.message.contains(case.says));
        let failed = case.exit != 0;
        let found = (exit(&outcome), stage.parked(), said || !failed, stage.stuck());
        if found != (case.exit, case.parked, true, case.stuck) {
            wrong.push(format!("{}: {found:?}\n{}", case.fault, executing::lines(&told)));
        }
        if found.0 != 0 && !case.up && case.stuck == 0 {
            let back = told.iter().filter(|event| event.kind == EventKind::GivenBack).count();
            assert_eq!(back, 9 - case.parked, "{}\n{}", case.fault, executing::lines(&told));
        }
        stage.sound();
        // What failed is not tried again at once (H3, H8).
        let again = stage.plan(&policy);
        let unsettled: u32 = again.pools.iter().map(|pool| pool.unsettled).sum();
        if unsettled > 0 || stage.stuck() > 0 {
            let left = (again.summary.verdict, again.unsettled());
            assert_ne!(again.summary.verdict, tidegate::plan::Verdict::NoChanges, "{}: {left:?}", case.fault);
        }
        assert_eq!(tidegate::plan::verify(&again, &stage.world(), &policy), [], "{}", case.fault);
        if !again.steps.is_empty() && failed {
            let ids: Vec<&str> = again.steps.iter().map(|step| step.id.as_str()).collect();
            wrong.push(format!("{}: planned again at once: {ids:?}", case.fault));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The disk is for one node at a time: the hub's replacement waits until it has left, and the server goes after that.
#[test]
fn a_hub_and_its_disk_move_before_their_server_is_parked() {
    let mut snapshot = tidegate::observe::read(&[executing::example("jetstream-workshop", "cluster.yaml")]).unwrap();
    let (from, hub) = ("demo-k8s-node-nf-3", "hub-a8c3a0e5-");
    let moved = snapshot.pods.iter_mut().find(|pod| pod.key.name.starts_with(hub)).unwrap();
    moved.node = Some(from.into());
    snapshot.attachments[0].node = from.into();
    let stage = Stage::of(snapshot, "");
    stage.until(SUNDAY);
    let (outcome, told) = stage.apply(&policy("jetstream-workshop"));
    assert_eq!(exit(&outcome), 0, "{outcome:?}\n{}", executing::lines(&told));
    assert_eq!(stage.parked(), 9);
    let world = stage.world();
    let hub = world.pods.values().find(|pod| pod.key.name.starts_with("hub-")).unwrap();
    assert!(hub.ready && hub.node.as_deref() == Some("demo-k8s-node-1"), "{hub:?}");
    let attached: Vec<&str> = world.attachments.values().map(|attachment| &*attachment.node).collect();
    assert_eq!(attached, ["demo-k8s-node-1"]);
    stage.sound();
}
