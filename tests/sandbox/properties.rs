//! What holds of any sandbox, whatever is asked of it.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tidegate::cluster::{Cluster, Evicted, NodePatch};
use tidegate::model::*;
use tidegate::sandbox::sim::{Command, Sim, What};
use tidegate::sandbox::{Faults, Sandbox, SandboxError};

use crate::build::*;
use crate::random::*;

/// Active pods by owner.
fn counts(snapshot: &Snapshot) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for pod in snapshot.pods.iter().filter(|pod| !pod.finished() && !pod.terminating()) {
        if let Some(owner) = &pod.owner {
            *counts.entry(owner.name.to_string()).or_default() += 1;
        }
    }
    counts
}

/// Owners that replace at once have their number at every instant; others never more than it.
fn no_pod_is_lost_or_doubled(snapshot: &Snapshot) {
    let counts = counts(snapshot);
    for workload in &snapshot.workloads {
        let there = counts.get(&*workload.key.name).copied().unwrap_or(0);
        match workload.kind {
            WorkloadKind::ReplicaSet | WorkloadKind::Job => assert_eq!(Some(there), workload.replicas, "{workload:?}"),
            WorkloadKind::DaemonSet => assert!(there as usize <= snapshot.nodes.len(), "{workload:?}"),
            _ => assert!(Some(there) <= workload.replicas, "{workload:?}"),
        }
    }
    for pod in snapshot.pods.iter().filter(|pod| pod.ready) {
        assert!(pod.phase == Phase::Running && pod.node.is_some(), "{pod:?}");
    }
    for node in &snapshot.nodes {
        let on_it = snapshot.pods.iter().filter(|pod| pod.node.as_ref() == Some(&node.name) && !pod.finished());
        let cpu: i64 = on_it.map(|pod| pod.spec.requests.cpu).sum();
        assert!(cpu <= node.allocatable.cpu, "{} has {cpu}", node.name);
    }
}

/// The parts of a snapshot that pass with the time.
fn still(mut snapshot: Snapshot) -> Snapshot {
    snapshot.taken = None;
    snapshot.leases.clear();
    for node in &mut snapshot.nodes {
        for condition in &mut node.conditions {
            condition.heartbeat = None;
        }
    }
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_same_questions_have_the_same_answers(start in snapshot(), faults in faults(), steps in steps()) {
        let (one, other) = (Sandbox::in_memory(start.clone(), &faults), Sandbox::in_memory(start, &faults));
        for step in &steps {
            if let Step::Advance(seconds) = step {
                // The other gets there second by second.
                for _ in 0..*seconds {
                    other.advance(secs(1)).unwrap();
                }
                one.advance(secs(*seconds)).unwrap();
            } else {
                ask(&one, step);
                ask(&other, step);
            }
        }
        prop_assert_eq!(one.audit(), other.audit());
        prop_assert_eq!(one.snapshot(), other.snapshot());
    }

    #[test]
    fn pods_are_neither_lost_nor_doubled(start in snapshot(), faults in faults(), steps in steps()) {
        let sandbox = Sandbox::in_memory(start, &faults);
        no_pod_is_lost_or_doubled(&sandbox.snapshot());
        for step in &steps {
            ask(&sandbox, step);
            no_pod_is_lost_or_doubled(&sandbox.snapshot());
        }
    }

    #[test]
    fn an_eviction_never_takes_a_ready_pod_below_its_budget(start in snapshot(), steps in steps()) {
        let sandbox = Sandbox::in_memory(start, &Faults::default());
        for step in &steps {
            ask(&sandbox, step);
            let before = World::build(sandbox.snapshot());
            for pod in before.pods.values().filter(|pod| pod.ready && !pod.terminating()) {
                let budgets: Vec<_> = before.budgets_of(pod).map(|budget| budget.key.clone()).collect();
                let answer = now(sandbox.evict(&pod.key, &pod.uid)).unwrap();
                let after = World::build(sandbox.snapshot());
                for key in budgets.iter().filter(|_| answer == Evicted::Accepted) {
                    let status = after.budgets[key].status.unwrap();
                    prop_assert!(status.current_healthy >= status.desired_healthy, "{key} {status:?}");
                }
            }
        }
    }

    #[test]
    fn the_status_of_a_budget_is_true_at_every_instant(start in snapshot(), faults in faults(), steps in steps()) {
        let sandbox = Sandbox::in_memory(start, &faults);
        for step in &steps {
            ask(&sandbox, step);
            let world = World::build(sandbox.snapshot());
            for budget in world.budgets.values() {
                prop_assert_eq!(budget.status, Some(budget_status(&world, budget)));
            }
        }
    }

    #[test]
    fn who_watches_sees_what_who_lists_sees(start in snapshot(), faults in faults(), steps in steps()) {
        let sandbox = Sandbox::in_memory(start, &faults);
        let mut watched = World::build(now(sandbox.observe()).unwrap());
        for step in &steps {
            ask(&sandbox, step);
            for change in now(sandbox.changes(sandbox.now())).unwrap() {
                watched.apply(change);
            }
            let listed = still(sandbox.snapshot());
            let mut nodes: Vec<Node> = watched.nodes.values().map(|node| (**node).clone()).collect();
            nodes.iter_mut().flat_map(|node| &mut node.conditions).for_each(|condition| condition.heartbeat = None);
            prop_assert_eq!(nodes, listed.nodes);
            prop_assert!(watched.pods.values().map(|pod| &**pod).eq(&listed.pods));
            prop_assert!(watched.servers.values().map(|server| &**server).eq(&listed.servers));
            prop_assert!(watched.budgets.values().map(|budget| &**budget).eq(&listed.budgets));
            prop_assert!(watched.workloads.values().map(|workload| &**workload).eq(&listed.workloads));
        }
    }

    #[test]
    fn everything_comes_back_when_it_is_let(start in snapshot(), steps in steps()) {
        let sandbox = Sandbox::in_memory(start, &Faults::default());
        for step in &steps {
            ask(&sandbox, step);
        }
        for _ in 0..2 {
            sandbox.advance(mins(10)).unwrap();
            for n in 0..5 {
                ask(&sandbox, &Step::Wake(n));
                ask(&sandbox, &Step::Cordon(n, false));
            }
        }
        sandbox.advance(mins(30)).unwrap();
        let end = sandbox.snapshot();
        for node in &end.nodes {
            prop_assert!(node.ready() && node.taints.is_empty(), "{node:?}");
        }
        let settled = sandbox.audit().len();
        for pod in &end.pods {
            let well = pod.ready || pod.crash_looping || pod.marked_unschedulable || pod.deletion.is_some();
            prop_assert!(well || pod.owner.is_none(), "{pod:?}");
            // Whose own time has just ended is still within its grace.
            let ends_itself = pod.annotations.contains_key("sandbox.tidegate.dev/lifetime");
            prop_assert!(pod.deletion.is_none_or(|at| ends_itself && at >= sandbox.now()), "{pod:?}");
        }
        sandbox.advance(mins(20)).unwrap();
        let more: Vec<_> = sandbox.audit().split_off(settled);
        prop_assert!(more.iter().all(|record| !matches!(record.what, What::Created { .. })), "{more:?}");
    }
}

/// The request that this step is to this simulation.
fn request(sim: &Sim, step: &Step) -> Command {
    let world = sim.world();
    let node = |n: usize| world.nodes.keys().nth(n % world.nodes.len()).unwrap().clone();
    let server = |n: usize| Name::from(format!("id-{}", node(n)));
    let pod = |n: usize| world.pods.values().nth(n % world.pods.len().max(1));
    match step {
        Step::Advance(_) => Command::Advance,
        Step::Evict(n) | Step::Delete(n) => pod(*n).map_or(Command::Advance, |pod| {
            let (key, uid) = (pod.key.clone(), pod.uid.clone());
            if matches!(step, Step::Evict(_)) {
                Command::Evict { pod: key, uid }
            } else {
                Command::DeletePod { pod: key, uid }
            }
        }),
        Step::Cordon(n, unschedulable) => Command::PatchNode {
            node: node(*n),
            patch: NodePatch { unschedulable: Some(*unschedulable), ..NodePatch::default() },
        },
        Step::Park(n, how) => Command::Park { server: server(*n), how: *how },
        Step::Wake(n) => Command::Wake { server: server(*n) },
    }
}

proptest! {
    #[test]
    fn a_state_that_was_written_and_read_goes_on_the_same(
        start in snapshot(), faults in faults(), steps in steps(), later in steps(),
    ) {
        let mut sim = Sim::start(start, &faults);
        let go = |sim: &mut Sim, step: &Step| {
            let passed = if let Step::Advance(seconds) = step { secs(*seconds) } else { secs(0) };
            let command = request(sim, step);
            sim.replay(sim.now() + passed, &command);
        };
        steps.iter().for_each(|step| go(&mut sim, step));
        let text = serde_json::to_string(&sim.checkpoint()).unwrap();
        let mut other = Sim::from_checkpoint(serde_json::from_str(&text).unwrap());
        prop_assert_eq!(other.snapshot(), sim.snapshot());
        for step in &later {
            go(&mut sim, step);
            go(&mut other, step);
        }
        prop_assert_eq!(other.snapshot(), sim.snapshot());
        prop_assert_eq!(other.audit(), sim.audit());
        prop_assert_eq!(other.changes_since(0), sim.changes_since(0));
    }
}

fn write(folder: &Path, bytes: &[u8]) {
    std::fs::write(folder.join("log"), bytes).unwrap();
}

/// How far the log was known to be on the disk, and the text that says so.
fn head(folder: &Path) -> Option<(usize, String)> {
    let text = std::fs::read_to_string(folder.join("log.head")).ok()?;
    Some((text.split(' ').next().unwrap().parse().unwrap(), text))
}

fn write_head(folder: &Path, head: Option<&(usize, String)>) {
    let path = folder.join("log.head");
    match head {
        Some((_, text)) => std::fs::write(path, text).unwrap(),
        // An empty one says nothing; one that is missing was taken away.
        None => std::fs::write(path, "").unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_behind_what_the_disk_had_is_a_crash_and_one_before_it_is_damage(
        start in snapshot(), faults in faults(), steps in steps(), tear in 1_usize..40,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let kept = Sandbox::create_from(folder.path(), start.clone(), faults.clone()).unwrap();
        let memory = Sandbox::in_memory(start, &faults);
        let log = || std::fs::read(folder.path().join("log")).unwrap();
        let mut states = vec![(0, memory.snapshot(), memory.audit())];
        let mut heads = vec![None];
        for step in &steps {
            ask(&kept, step);
            ask(&memory, step);
            states.push((log().len(), memory.snapshot(), memory.audit()));
            heads.push(head(folder.path()));
        }
        prop_assert!(matches!(Sandbox::open(folder.path()), Err(SandboxError::Busy(_))));
        prop_assert_eq!(Sandbox::peek(folder.path()).unwrap(), kept.snapshot());
        drop(kept);
        let whole = log();
        // The last one is that of the whole log; where it says nothing a log is believed.
        let last = head(folder.path());
        for (index, (length, state, audit)) in states.iter().enumerate() {
            let next = states.get(index + 1).map_or(whole.len(), |(next, ..)| *next);
            let torn = (length + tear).min(next.saturating_sub(1)).max(*length);
            for (head, cut) in [&None, &heads[index], &last].into_iter().flat_map(|head| [(head, *length), (head, torn)]) {
                write(folder.path(), &whole[..cut]);
                write_head(folder.path(), head.as_ref());
                let opened = Sandbox::open(folder.path());
                if head.as_ref().is_some_and(|(sure, _)| cut < *sure) {
                    let line_of_it = whole[..cut].iter().filter(|byte| **byte == b'\n').count() + 1;
                    prop_assert!(
                        matches!(&opened, Err(SandboxError::Damaged { line, .. }) if *line == line_of_it),
                        "cut at {} of {:?}: {:?}", cut, head, opened.map(|opened| opened.now())
                    );
                    prop_assert_eq!(log().len(), cut, "what is damaged is left as it is");
                    continue;
                }
                let opened = opened.unwrap();
                prop_assert_eq!(&opened.snapshot(), state);
                prop_assert_eq!(&opened.audit(), audit);
                prop_assert_eq!(log().len(), *length, "what was torn is cut off");
            }
        }
    }
}

fn goes_back_to_its_start(sandbox: &Sandbox) {
    let begin = sandbox.snapshot();
    ask(sandbox, &Step::Cordon(0, true));
    ask(sandbox, &Step::Advance(100));
    assert_ne!(sandbox.snapshot(), begin);
    sandbox.reset().unwrap();
    assert_eq!(sandbox.snapshot(), begin);
}

#[test]
fn a_damaged_log_is_refused_and_a_reset_begins_anew() {
    goes_back_to_its_start(&Sandbox::in_memory(cluster(2), &Faults::default()));
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::create_from(folder.path(), cluster(2), Faults::default()).unwrap();
    goes_back_to_its_start(&sandbox);
    ask(&sandbox, &Step::Cordon(1, true));
    ask(&sandbox, &Step::Advance(100));
    let left = sandbox.snapshot();
    drop(sandbox);
    assert_eq!(Sandbox::open(folder.path()).unwrap().snapshot(), left);
    let again = Sandbox::create_from(folder.path(), cluster(2), Faults::default());
    assert!(matches!(again, Err(SandboxError::Exists(_))));
    let mut log = std::fs::read(folder.path().join("log")).unwrap();
    log[12] ^= 1;
    write(folder.path(), &log);
    assert!(matches!(Sandbox::open(folder.path()), Err(SandboxError::Damaged { .. })));
    assert_eq!(Sandbox::begin_anew(folder.path()).unwrap().now(), crate::build::start());
    assert_eq!(Sandbox::open(folder.path()).unwrap().now(), crate::build::start());
    assert!(matches!(Sandbox::begin_anew(&folder.path().join("none")), Err(SandboxError::Missing(_))));
    assert!(matches!(Sandbox::open(&folder.path().join("none")), Err(SandboxError::Missing(_))));
}

#[test]
fn a_long_history_is_opened_from_a_state_that_is_written_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = cluster(3);
    for n in 0..20 {
        let session = owned(pod(&format!("s-{n}"), "n-1"), "ReplicaSet", "s");
        start.pods.push(annotated(session, "sandbox.tidegate.dev/lifetime", "30m"));
    }
    start.budgets = vec![budget("s", Some(IntOrPercent::Percent(20)), None)];
    let sandbox = Sandbox::create_from(folder.path(), start.clone(), Faults::default()).unwrap();
    let memory = Sandbox::in_memory(start, &Faults::default());
    let both = |sandbox: &Sandbox, step: Step| {
        ask(sandbox, &step);
        ask(&memory, &step);
    };
    both(&sandbox, Step::Advance(30 * 3600));
    both(&sandbox, Step::Park(0, tidegate::policy::Idle::Shelve));
    both(&sandbox, Step::Advance(20));
    drop(sandbox);
    let sandbox = Sandbox::open(folder.path()).unwrap();
    let state = std::fs::read(folder.path().join("state.json")).expect("a written state");
    drop(sandbox);
    let sandbox = Sandbox::open(folder.path()).unwrap();
    assert_eq!(sandbox.snapshot(), memory.snapshot());
    for step in [Step::Evict(3), Step::Advance(4000), Step::Cordon(1, true), Step::Wake(0), Step::Advance(9000)] {
        both(&sandbox, step);
    }
    assert_eq!((sandbox.snapshot(), sandbox.audit()), (memory.snapshot(), memory.audit()));
    drop(sandbox);
    let log = std::fs::read(folder.path().join("log")).unwrap();
    for bad in [b"{}".to_vec(), state[..state.len() / 2].to_vec(), Vec::new(), state] {
        std::fs::write(folder.path().join("state.json"), bad).unwrap();
        let opened = Sandbox::open(folder.path()).unwrap();
        assert_eq!((opened.snapshot(), opened.audit()), (memory.snapshot(), memory.audit()));
    }
    let first = log.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    write(folder.path(), &log[first..]);
    let hole = Sandbox::open(folder.path()).map(|sandbox| sandbox.now());
    assert!(
        matches!(hole, Err(SandboxError::Damaged { line: 1, .. })),
        "{hole:?}: what the state covers is checked too"
    );
    // A log that was cut is not made good by the state that covers it; where an empty head says nothing, it is believed.
    write(folder.path(), &log[..first]);
    let cut = Sandbox::open(folder.path()).map(|sandbox| sandbox.now());
    assert!(matches!(cut, Err(SandboxError::Damaged { line: 2, .. })), "{cut:?}");
    std::fs::remove_file(folder.path().join("log.head")).unwrap();
    let bare = Sandbox::open(folder.path()).map(|sandbox| sandbox.now());
    assert!(matches!(bare, Err(SandboxError::Damaged { .. })), "{bare:?}");
    write_head(folder.path(), None);
    let opened = Sandbox::open(folder.path()).unwrap();
    assert_eq!(opened.now(), crate::build::start() + secs(30 * 3600));
    opened.reset().unwrap();
    assert_eq!(opened.now(), crate::build::start());
    drop(opened);
    assert_eq!(Sandbox::open(folder.path()).unwrap().now(), crate::build::start());
}

#[test]
fn every_session_of_a_week_is_played_through() {
    let mut start = cluster(10);
    for n in 0..60 {
        let session =
            annotated(owned(pod(&format!("s-{n}"), "n-1"), "ReplicaSet", "s"), "sandbox.tidegate.dev/lifetime", "2h");
        start.pods.push(Pod { created: Some(crate::build::start() - mins(n)), ..session });
    }
    let sandbox = Sandbox::in_memory(start, &Faults::default());
    sandbox.advance(mins(7 * 24 * 60)).unwrap();
    let started = sandbox.audit().iter().filter(|record| matches!(record.what, What::Created { .. })).count();
    assert!(started > 60 * 70, "{started}");
}
