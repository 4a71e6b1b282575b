//! What people and clocks do while a plan is carried out: users who stay, Ctrl-C, freezes, others' hands, locks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;
#[path = "meanwhile/holds.rs"]
mod holds;
#[path = "meanwhile/rescaled.rs"]
mod rescaled;
#[path = "meanwhile/stops.rs"]
mod stops;

use std::cell::Cell;

use executing::doubt::{Doubt, Doubtful};
use executing::{Stage, block_on, example, exit, lines, policy, policy_text};
use tidegate::cluster::{Cluster, Locks, NodeMark, NodePatch, keys};
use tidegate::execute::run::lock::{FileLock, FileLocks, holder};
use tidegate::execute::run::process::claim;
use tidegate::execute::run::{self, Interrupts, Order, Outcome};
use tidegate::execute::{Event, EventKind};
use tidegate::model::Name;
use tidegate::policy::Policy;
use tidegate::sandbox::sim::What;

const SUNDAY: &str = "2026-11-22T12:00:00Z";
/// Before the next workshop.
const LEAD: &str = "2026-12-01T19:46:00Z";
/// The workshop is over; Dana stays on demo-k8s-node-nf-9 until five past midnight.
const EVENING: &str = "2026-11-10T23:35:00Z";
const DANA: &str = "jupyter-dana";
const HER_NODE: &str = "demo-k8s-node-nf-9";

/// The example's policy with one piece of its text replaced.
fn changed(from: &str, to: &str) -> Policy {
    let text = std::fs::read_to_string(example("jetstream-workshop", "policy.yaml")).unwrap();
    assert!(text.contains(from), "{from}");
    policy_text(&text.replacen(from, to, 1))
}

fn evicted(stage: &Stage, pod: &str) -> bool {
    stage
        .sandbox
        .audit()
        .iter()
        .any(|record| matches!(&record.what, What::Evicted { pod: key, .. } if &*key.name == pod))
}

/// Carries the plan for now out, and does something at each event.
fn with(stage: &Stage, policy: &Policy, no_wait: bool, mut at: impl FnMut(usize, &Event)) -> (Outcome, Vec<Event>) {
    let (_keep, mut interrupts) = Interrupts::channel();
    run_with(stage, policy, no_wait, &mut interrupts, &mut at)
}

fn run_with(
    stage: &Stage,
    policy: &Policy,
    no_wait: bool,
    interrupts: &mut Interrupts,
    at: &mut dyn FnMut(usize, &Event),
) -> (Outcome, Vec<Event>) {
    run_under(stage, policy, &FileLocks::of(stage.folder.path()), no_wait, interrupts, at)
}

fn run_under(
    stage: &Stage,
    policy: &Policy,
    locks: &dyn Locks,
    no_wait: bool,
    interrupts: &mut Interrupts,
    at: &mut dyn FnMut(usize, &Event),
) -> (Outcome, Vec<Event>) {
    let plan = Some(stage.plan(policy));
    let order = Order { no_wait, ..stage.order(policy, plan, locks) };
    let mut told: Vec<Event> = Vec::new();
    let outcome = block_on(run::apply(stage.doors(), &order, interrupts, &mut |event| {
        at(told.len(), event);
        told.push(event.clone());
    }));
    (outcome, told)
}

#[test]
fn without_a_wait_the_rest_is_done_the_lock_is_free_and_the_next_run_goes_on() {
    let stage = Stage::workshop(EVENING, "");
    let policy = policy("jetstream-workshop");
    let (outcome, told) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{outcome:?}\n{}", lines(&told));
    assert!(told.iter().any(|event| event.kind == EventKind::Waiting && event.pods == [format!("jhub/{DANA}")]));
    assert_eq!(holder(stage.folder.path()).unwrap(), None);
    assert_eq!(stage.record(HER_NODE).unwrap().mark, NodeMark::Draining);
    stage.until("2026-11-11T00:10:00Z");
    let (outcome, told) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{}", lines(&told));
    assert!(!evicted(&stage, DANA));
    stage.sound();
}

#[test]
fn h18_with_a_wait_one_run_does_it_all_and_lends_its_lock_meanwhile() {
    let stage = Stage::workshop(EVENING, "");
    let policy = policy("jetstream-workshop");
    let plan = stage.plan(&policy);
    let (outcome, told) = stage.carry_out(&policy, Some(plan), false, false);
    assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{}", lines(&told));
    assert!(!evicted(&stage, DANA));
    stage.sound();
}

#[test]
fn h18_past_the_longest_wait_the_node_is_given_back_and_left_alone_for_half_an_hour() {
    let stage = Stage::workshop(EVENING, "");
    let policy = changed("atMost: 2h", "atMost: 10m");
    let plan = stage.plan(&policy);
    let (outcome, told) = stage.carry_out(&policy, Some(plan), false, false);
    assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{}", lines(&told));
    assert!(stage.record(HER_NODE).is_none() && !stage.cordoned().contains(HER_NODE));
    assert_eq!(stage.stuck(), 0);
    assert!(stage.plan(&policy).steps.is_empty(), "not tried again at once");
    let memory = stage.world().memory;
    assert_eq!(memory.nodes[HER_NODE].not_before.unwrap(), "2026-11-11T00:15:00Z".parse().unwrap());
}

/// Four nodes wait for somebody, one at a time, the others chosen to go after it; then all are wanted.
#[test]
fn h14_who_was_chosen_to_go_and_is_wanted_again_carries_nothing_of_ours() {
    let mut start = Stage::workshop(EVENING, "").sandbox.snapshot();
    let dana = start.pods.iter().find(|pod| &*pod.key.name == DANA).unwrap().clone();
    for (name, node) in [("jupyter-eve", 8), ("jupyter-finn", 7), ("jupyter-gus", 6)] {
        let mut pod = dana.clone();
        pod.key.name = name.into();
        pod.uid = name.into();
        pod.node = Some(format!("demo-k8s-node-nf-{node}").into());
        start.pods.push(pod);
    }
    let stage = Stage::of(start, "");
    let narrow = changed("max: 10", "max: 10\n      parallelism: 1");
    let (outcome, told) = stage.apply(&narrow);
    assert_eq!(exit(&outcome), 6, "{outcome:?}\n{}", lines(&told));
    let marked = (2..=10).filter(|number| {
        let record = stage.record(&format!("demo-k8s-node-nf-{number}"));
        record.is_some_and(|record| record.mark == NodeMark::Leaving)
    });
    assert!(marked.count() > 0, "somebody is chosen to go later\n{}", lines(&told));
    let all = changed("min: 1\n", "min: 10\n");
    let (outcome, told) = stage.apply(&all);
    assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{outcome:?}\n{}", lines(&told));
    assert!(stage.nothing_of_ours(), "{}", lines(&told));
    assert!(stage.plan(&all).steps.is_empty());
}

/// Every node is parked and says so, or carries nothing of ours.
fn safe(stage: &Stage, context: &str) {
    let world = stage.world();
    for node in world.nodes.values() {
        let parked = world.server_of(node).is_some_and(|server| server.state.parked());
        let mark = stage.record(&node.name).map(|record| record.mark);
        assert_eq!(mark, parked.then_some(NodeMark::Parked), "{}: {context}", node.name);
        assert_eq!(node.unschedulable, parked, "{}: {context}", node.name);
    }
}

#[test]
fn h28_interrupted_once_at_any_event_every_node_is_in_a_safe_state() {
    let policy = policy("jetstream-workshop");
    let start = Stage::workshop(SUNDAY, "").sandbox.snapshot();
    let total = with(&Stage::of(start.clone(), ""), &policy, true, |_, _| {}).1.len();
    for at in (0..total).step_by(3) {
        let stage = Stage::of(start.clone(), "");
        let (sender, mut interrupts) = Interrupts::channel();
        let (outcome, told) = run_with(&stage, &policy, true, &mut interrupts, &mut |count, _| {
            if count == at {
                sender.send(()).unwrap();
            }
        });
        let context = format!("at event {at} of {total}\n{}", lines(&told));
        assert!([0, 6].contains(&exit(&outcome)), "{outcome:?} {context}");
        safe(&stage, &context);
        stage.sound();
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{context}\nthen\n{}", lines(&told));
    }
}

#[test]
fn interrupted_twice_it_stops_at_once_and_a_resume_brings_it_to_its_end() {
    let policy = policy("jetstream-workshop");
    let start = Stage::workshop(SUNDAY, "").sandbox.snapshot();
    for at in [2, 15, 40, 55, 70] {
        let stage = Stage::of(start.clone(), "");
        let (sender, mut interrupts) = Interrupts::channel();
        let (outcome, told) = run_with(&stage, &policy, true, &mut interrupts, &mut |count, _| {
            if count == at {
                sender.send(()).unwrap();
                sender.send(()).unwrap();
            }
        });
        assert_eq!(exit(&outcome), 6, "{outcome:?}\n{}", lines(&told));
        let (outcome, told) = stage.carry_out(&policy, None, true, true);
        assert_eq!(exit(&outcome), 0, "at {at}: {outcome:?}\n{}", lines(&told));
        safe(&stage, "resumed");
        stage.sound();
        // What the first Ctrl-C gave back is not begun: the next plan decides about it anew.
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, 9), "at {at}: {outcome:?}\n{}", lines(&told));
    }
}

#[test]
fn a_freeze_that_opens_meanwhile_stops_drains_or_lets_them_finish() {
    let window = |overrun: &str| {
        let until = "2026-11-22T15:00:00Z";
        let freeze = format!(
            "windows: [{{name: exam, kind: freeze, overrun: {overrun}, from: 2026-11-22T12:00:03Z, until: {until}}}]"
        );
        changed("schedules: [teaching]", &format!("schedules: [teaching]\n      {freeze}"))
    };
    for (overrun, parked) in [("finish", 9), ("stop", 5)] {
        let stage = Stage::workshop(SUNDAY, "");
        let policy = window(overrun);
        let (outcome, told) = stage.apply(&policy);
        // Five nodes have nothing to evict and are being parked when it opens: those are brought to their end.
        assert_eq!(stage.parked(), parked, "{overrun}: {outcome:?}\n{}", lines(&told));
        assert_eq!(exit(&outcome), if parked == 9 { 0 } else { 6 });
        safe(&stage, overrun);
        stage.sound();
    }
}

/// A node that waits for its user when a freeze opens is drained when she leaves, by the run after, or given back.
#[test]
fn a_freeze_that_opens_between_two_runs_lets_a_node_that_waits_finish_or_gives_it_back() {
    for (overrun, parked) in [("finish", 9), ("stop", 8)] {
        let stage = Stage::workshop(EVENING, "");
        let freeze = format!(
            "windows: [{{name: exam, kind: freeze, overrun: {overrun}, from: 2026-11-10T23:50:00Z, \
             until: 2026-11-11T03:00:00Z}}]"
        );
        let policy = changed("schedules: [teaching]", &format!("schedules: [teaching]\n      {freeze}"));
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{outcome:?}\n{}", lines(&told));
        stage.until("2026-11-10T23:55:00Z");
        let (outcome, told) = stage.apply(&policy);
        assert_eq!(exit(&outcome), if parked == 9 { 6 } else { 0 }, "{outcome:?}\n{}", lines(&told));
        assert_eq!(stage.record(HER_NODE).is_some(), parked == 9, "{}", lines(&told));
        stage.until("2026-11-11T00:10:00Z");
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, parked), "{outcome:?}\n{}", lines(&told));
        assert!(!evicted(&stage, DANA));
        stage.sound();
    }
}

#[test]
fn a_node_that_somebody_takes_back_is_theirs() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let other = stage.sandbox.clone();
    let node = "demo-k8s-node-nf-2";
    let once = Cell::new(true);
    let (outcome, told) = with(&stage, &policy, true, |_, event| {
        if event.kind == EventKind::PodEvicted && once.take() {
            let patch = NodePatch { unschedulable: Some(false), ..NodePatch::default() };
            block_on_inside(other.patch_node(&Name::from(node), &patch)).unwrap();
        }
    });
    assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{}", lines(&told));
    assert!(stage.record(node).is_none() && !stage.cordoned().contains(node));
    safe(&stage, "taken back");
}

/// Sandbox answers come at once.
fn block_on_inside<T>(mut future: std::pin::Pin<Box<dyn Future<Output = T> + '_>>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the sandbox waits"),
    }
}

#[test]
fn a_stale_plan_says_what_changed_and_does_nothing() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let plan = stage.plan(&policy);
    let hold: NodePatch =
        NodePatch { annotations: [(keys::HOLD.into(), Some("mine".into()))].into(), ..NodePatch::default() };
    block_on(stage.sandbox.patch_node(&"demo-k8s-node-nf-4".into(), &hold)).unwrap();
    let before = stage.sandbox.audit().len();
    let (outcome, _) = stage.carry_out(&policy, Some(plan), false, true);
    let Outcome::Stale(changes) = &outcome else { panic!("{outcome:?}") };
    let change = "demo-k8s-node-nf-4: no cordon, drain, park any more: held by a person: mine";
    assert!(changes.iter().any(|found| found == change), "{changes:?}");
    assert_eq!((exit(&outcome), stage.sandbox.audit().len()), (4, before));
}

#[test]
fn a_held_lock_and_a_brake_stop_it_before_anything_is_done() {
    let stage = Stage::workshop(SUNDAY, "");
    let lock = FileLock::take(stage.folder.path(), &claim("apply", "another"), jiff::Timestamp::now()).unwrap();
    let (outcome, _) = stage.apply(&policy("jetstream-workshop"));
    assert_eq!(exit(&outcome), 5, "{outcome:?}");
    drop(lock);
    let braked = changed("  drain:\n", "  brakes: {maxNodes: 3}\n  drain:\n");
    let (outcome, _) = stage.apply(&braked);
    assert_eq!((exit(&outcome), stage.parked()), (7, 0), "{outcome:?}");
    assert!(stage.nothing_of_ours());
}

#[test]
fn nothing_is_taken_away_without_a_certain_lock_and_what_comes_back_needs_none() {
    // H6: a lapsed lock stops only what takes capacity away.
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let run = |doubt| {
        let locks = Doubtful { files: FileLocks::of(stage.folder.path()), doubt };
        let (_keep, mut interrupts) = Interrupts::channel();
        run_under(&stage, &policy, &locks, true, &mut interrupts, &mut |_, _| {})
    };
    let (outcome, told) = run(Doubt::Lost);
    assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{}", lines(&told));
    assert!(format!("{outcome:?}").contains("Lock"), "{outcome:?}");
    assert!(stage.nothing_of_ours() && stage.cordoned().is_empty());
    assert!(!stage.sandbox.audit().iter().any(|record| matches!(record.what, What::Evicted { .. })));
    assert!(holder(stage.folder.path()).unwrap().is_none());

    let (outcome, told) = run(Doubt::Passes);
    assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{}", lines(&told));
    stage.until(LEAD);
    let (outcome, told) = run(Doubt::Lost);
    assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{}", lines(&told));
    assert!(stage.nothing_of_ours());
}

#[test]
fn while_a_relaxed_window_is_open_a_pod_that_says_do_not_disrupt_goes_and_its_node_is_parked() {
    const KEY: &str = "karpenter.sh/do-not-disrupt";
    let mut start = Stage::workshop(SUNDAY, "").sandbox.snapshot();
    let is_free = |pod: &&mut tidegate::model::Pod| {
        let movable = pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "ReplicaSet");
        movable && pod.node.as_ref().is_some_and(|node| node.starts_with("demo-k8s-node-nf-"))
    };
    let pod = start.pods.iter_mut().find(is_free).unwrap();
    let mut annotations = (*pod.annotations).clone();
    annotations.insert(KEY.into(), "true".into());
    pod.annotations = std::sync::Arc::new(annotations);
    let name = pod.key.name.to_string();
    let open = "      exceptions:";
    let until = |hour: &str| {
        let at = format!("from: 2026-11-22T00:00:00Z, until: 2026-11-22T{hour}:00:00Z");
        format!("        - {{name: night, {at}, kind: relaxed, ignores: [\"{KEY}\"]}}\n{open}")
    };
    for (hour, parked) in [("23", 9), ("12", 8)] {
        let (stage, policy) = (Stage::of(start.clone(), ""), changed(open, &until(hour)));
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, parked), "until {hour}\n{}", lines(&told));
        assert_eq!(evicted(&stage, &name), parked == 9, "until {hour}");
        stage.sound();
    }
}
