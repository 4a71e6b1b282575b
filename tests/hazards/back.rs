//! Whether a woken node is what it was before it is opened, and who comes first after a long sleep.

use jiff::{SignedDuration, Timestamp};
use tidegate::execute::EventKind;
use tidegate::model::{Kind, NodeMark, NodeRecord, ServerState, Snapshot, Taint, TaintEffect, keys};
use tidegate::plan::{Code, Verb};
use tidegate::policy::Policy;

use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, policy};
use crate::{one_of_them, stage};

fn of(count: u32) -> Policy {
    policy(&format!("      replicas: {count}\n"), "")
}

/// All workers but the first parked, and then changed behind everybody's back.
fn asleep(workers: usize, change: impl Fn(&mut Snapshot)) -> Stage {
    let parked = stage(&Cluster::workers(workers), "");
    assert_eq!((exit(&parked.apply(&one_of_them("", "")).0), parked.parked()), (0, workers - 1));
    changed(&parked, change)
}

fn changed(stage: &Stage, change: impl Fn(&mut Snapshot)) -> Stage {
    let mut snapshot = stage.sandbox.snapshot();
    change(&mut snapshot);
    Stage::of(snapshot, "")
}

fn node<'s>(snapshot: &'s mut Snapshot, name: &str) -> &'s mut tidegate::model::Node {
    snapshot.nodes.iter_mut().find(|node| &*node.name == name).unwrap()
}

fn edit(snapshot: &mut Snapshot, name: &str, edit: impl Fn(&mut NodeRecord)) {
    let node = node(snapshot, name);
    let mut record = NodeRecord::of(node).unwrap().unwrap();
    edit(&mut record);
    let mut annotations = (*node.annotations).clone();
    annotations.insert(keys::RECORD.into(), record.to_annotation());
    node.annotations = annotations.into();
}

fn state(stage: &Stage) -> ServerState {
    stage.world().servers["id-worker-2"].state
}

/// Applies a wake that fails, and says why.
fn refused(stage: &Stage, policy: &Policy) -> String {
    let (outcome, told) = stage.apply(policy);
    assert_eq!(exit(&outcome), 6, "{}", lines(&told));
    assert!(stage.cordoned().contains("worker-2"), "{}", lines(&told));
    told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap().message.clone()
}

#[test]
fn h10_a_node_that_still_says_its_machine_is_off_is_not_opened() {
    for (key, effect, says) in [
        ("node.kubernetes.io/out-of-service", TaintEffect::NoExecute, "`kubectl taint node worker-2"),
        ("node.cloudprovider.kubernetes.io/shutdown", TaintEffect::NoSchedule, "cloud controller manager"),
    ] {
        let taint = Taint { key: key.into(), value: "".into(), effect };
        let stage = asleep(2, |snapshot| {
            node(snapshot, "worker-2").taints.insert(taint.clone());
        });
        let why = refused(&stage, &of(2));
        assert!(why.contains(&format!("was Ready with the taint {taint}")) && why.contains(says), "{why}");
        assert!(state(&stage).parked(), "it runs for nobody");
    }
}

#[test]
fn h27_a_node_that_comes_back_as_another_machine_stays_cordoned() {
    let other = |snapshot: &mut Snapshot| {
        edit(snapshot, "worker-2", |record| record.provider_id = Some("openstack:///id-before".into()));
    };
    let stage = asleep(2, other);
    let why = refused(&stage, &of(2));
    assert!(why.contains("its providerID is openstack:///id-worker-2, and was openstack:///id-before"), "{why}");
    assert_eq!(stage.record("worker-2").unwrap().mark, NodeMark::Waking);
}

/// A cluster that was upgraded while nodes slept: those that would not fit are not woken, and by hand they are not opened.
#[test]
fn a_kubelet_that_the_cluster_left_behind_is_not_opened() {
    let upgraded = |snapshot: &mut Snapshot| {
        snapshot.version = Some("v1.33.2".into());
        for node in &mut snapshot.nodes {
            node.kubelet_version = Some("v1.33.1".into());
        }
        node(snapshot, "worker-2").kubelet_version = Some("v1.29.4".into());
    };
    let stage = asleep(3, upgraded);
    let plan = stage.plan(&of(2));
    let woken: Vec<&str> = plan.steps.iter().filter(|s| s.verb == Verb::Wake).map(|s| s.node.as_str()).collect();
    assert_eq!(woken, ["worker-3"], "{:?}", plan.kept);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
    assert_eq!(kept.reasons[0].code, Code::KubeletSkew);
    let by_hand = "  overrides: [{target: node/worker-2, min: 1, expires: 2026-11-23, reason: upgrade}]\n";
    let by_hand = policy("      replicas: 1\n", by_hand);
    let why = refused(&stage, &by_hand);
    assert!(why.contains("its kubelet is v1.29.4, more than 3 minor versions behind"), "{why}");
    assert_eq!(state(&stage), ServerState::Active, "whoever upgrades it needs it awake");
    let stage = changed(&stage, |snapshot| node(snapshot, "worker-2").kubelet_version = Some("v1.33.2".into()));
    stage.sandbox.advance(SignedDuration::from_mins(6)).unwrap();
    let (outcome, told) = stage.apply(&by_hand);
    assert_eq!((exit(&outcome), stage.cordoned().contains("worker-2")), (0, false), "{}", lines(&told));
}

/// H10 holds for a wake that was cut short too, though the plan made after it has an uncordon only.
#[test]
fn h10_a_wake_that_was_cut_short_is_waited_for_to_its_end() {
    for gpus in [0, 2] {
        let stage = asleep(2, |snapshot| {
            let at = snapshot.taken.unwrap();
            edit(snapshot, "worker-2", |record| {
                let begun = at.checked_sub(SignedDuration::from_mins(5)).unwrap();
                (record.mark, record.since) = (NodeMark::Waking, begun);
                record.extended = (gpus > 0).then(|| ("nvidia.com/gpu".into(), gpus)).into_iter().collect();
            });
            let server = snapshot.servers.iter_mut().find(|server| &*server.name == "worker-2").unwrap();
            server.state = ServerState::Active;
            let ready = node(snapshot, "worker-2").conditions.iter_mut().find(|one| &*one.kind == "Ready").unwrap();
            (ready.status, ready.transition) = (tidegate::model::ConditionStatus::True, Some(at));
        });
        let steps: Vec<Verb> = stage.plan(&of(2)).steps.iter().map(|step| step.verb).collect();
        assert_eq!(steps, [Verb::Uncordon]);
        if gpus > 0 {
            let why = refused(&stage, &of(2));
            assert!(why.contains("was Ready without 2 of nvidia.com/gpu"), "{why}");
        } else {
            let (outcome, told) = stage.apply(&of(2));
            assert_eq!((exit(&outcome), stage.nothing_of_ours()), (0, true), "{}", lines(&told));
        }
    }
}

/// Whoever has slept for longer than `maxParked` comes first, the longest first, and both are said.
#[test]
fn those_that_sleep_longest_come_first_at_the_next_wake() {
    let taken: Timestamp = crate::CALM.parse().unwrap();
    let days_ago = |days: i64| taken.checked_sub(SignedDuration::from_hours(24 * days)).unwrap();
    let stage = asleep(5, |snapshot| {
        for (name, days) in [("worker-3", 31), ("worker-4", 45), ("worker-5", 29)] {
            edit(snapshot, name, |record| record.since = days_ago(days));
        }
    });
    let first = |pool: &str| {
        let plan = stage.plan(&policy(pool, ""));
        let woken = plan.steps.iter().find(|step| step.verb == Verb::Wake).map(|step| step.node.clone());
        (woken.unwrap(), plan.notes)
    };
    let (woken, notes) = first("      replicas: 2\n");
    assert_eq!(woken, "worker-4");
    assert!(notes.iter().any(|note| note.starts_with("worker-4 has been parked since 2026-10-08")), "{notes:?}");
    let sleeps = "1 node parked for longer than 30d (maxParked), worker-3 longest, since 2026-10-22";
    assert!(notes.iter().any(|note| note.contains(sleeps)), "{notes:?}");
    let (woken, notes) = first("      replicas: 2\n      maxParked: 60d\n");
    assert_eq!(woken, "worker-2");
    assert!(!notes.iter().any(|note| note.contains("maxParked")), "{notes:?}");
    assert_eq!(first("      replicas: 2\n      maxParked: 28d\n").0, "worker-4");
}

/// One that does not join after a long sleep says what to think of; one that slept a night does not.
#[test]
fn h8_a_node_that_does_not_join_after_a_long_sleep_says_so() {
    for (days, says) in [(1, false), (40, true)] {
        let parked = stage(&Cluster::workers(2), "");
        parked.apply(&one_of_them("", ""));
        let stage = Stage::of(parked.sandbox.snapshot(), "- {target: node/worker-2, kind: node-never-ready}");
        stage.sandbox.advance(SignedDuration::from_hours(24 * days)).unwrap();
        let why = refused(&stage, &of(2));
        assert!(why.contains("was not Ready") && why.contains("certificate may have expired") == says, "{why}");
    }
}

/// One that joins after a long sleep is opened, and its certificate is to be looked at.
#[test]
fn f8_a_node_that_joins_after_a_long_sleep_is_opened_with_a_word_on_its_certificate() {
    for (days, says) in [(1, false), (40, true)] {
        let stage = stage(&Cluster::workers(2), "");
        stage.apply(&one_of_them("", ""));
        stage.sandbox.advance(SignedDuration::from_hours(24 * days)).unwrap();
        let (outcome, told) = stage.apply(&of(2));
        assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{}", lines(&told));
        let word = told.iter().position(|event| event.message.contains("worker-2 slept since"));
        let opened = told.iter().position(|event| event.message.contains("uncordoning worker-2")).unwrap();
        assert_eq!(word.is_some_and(|at| at < opened), says, "{}", lines(&told));
        assert_eq!(lines(&told).contains("kubelet-client-current.pem"), says, "{}", lines(&told));
    }
}

/// H6: half an observation stops what takes capacity away; what gives it back goes on, and is no refusal.
#[test]
fn h6_half_an_observation_stops_no_wake() {
    let half: [fn(&mut Snapshot); 3] = [
        |snapshot| snapshot.gaps.push("cannot list pods: forbidden".to_owned()),
        |snapshot| {
            snapshot.pods.clear();
            snapshot.observed.remove(&Kind::Pod);
        },
        |snapshot| {
            snapshot.observed.remove(&Kind::PodDisruptionBudget);
        },
    ];
    for (case, half) in half.into_iter().enumerate() {
        let stage = asleep(3, half);
        let (outcome, told) = stage.apply(&of(2));
        assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{case}: {}", lines(&told));
        let (outcome, told) = stage.apply(&of(1));
        assert_eq!((exit(&outcome), stage.parked()), (7, 1), "{case}: {}", lines(&told));
    }
}
