//! A person acts in the cloud (H23), and the cloud by itself (H27).

use serde_json::json;
use tidegate::cloud::Provider;
use tidegate::cluster::{Cluster as _, NodePatch, keys};
use tidegate::execute::EventKind;
use tidegate::model::Name;
use tidegate::plan::{Code, Verb, verify};
use tidegate::policy::{Idle, Policy};

use crate::executing::{Stage, block_on, exit, lines};
use crate::fixture::{Cluster, merge, policy};
use crate::{object, one_of_them, stage};

fn both() -> Policy {
    policy("      replicas: 2\n", "")
}

fn record_on_server(stage: &Stage) -> Option<Name> {
    stage.world().servers["id-worker-2"].metadata.get(keys::SERVER_RECORD).cloned()
}

#[test]
fn h23_the_record_is_on_the_server_too_while_it_is_parked() {
    let stage = stage(&Cluster::workers(2), "");
    assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
    let record = record_on_server(&stage).expect("a record");
    assert!(record.starts_with("test/workers since 2026-11-22T19:"), "{record}");
    assert_eq!(exit(&stage.apply(&both()).0), 0);
    assert_eq!(record_on_server(&stage), None);
}

#[test]
fn h23_a_server_that_was_not_parked_after_all_carries_nothing() {
    let stage = stage(&Cluster::workers(2), "- {target: server/worker-2, kind: error, on: park, ends: active}");
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!(exit(&outcome), 6, "{}", lines(&told));
    assert_eq!((record_on_server(&stage), stage.nothing_of_ours()), (None, true));
}

#[test]
fn h23_the_servers_own_record_is_enough_to_wake_it_when_the_node_has_lost_its() {
    let stage = stage(&Cluster::workers(2), "");
    stage.apply(&one_of_them("", ""));
    let forget = NodePatch {
        annotations: [(Name::from(keys::RECORD), None)].into(),
        unschedulable: Some(false),
        ..NodePatch::default()
    };
    block_on(stage.sandbox.patch_node(&"worker-2".into(), &forget)).unwrap();
    let (outcome, told) = stage.apply(&both());
    assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{}", lines(&told));
    assert_eq!(record_on_server(&stage), None);
}

#[test]
fn h23_a_server_that_somebody_stopped_is_theirs_until_it_is_adopted() {
    let stage = stage(&Cluster::workers(2), "");
    block_on(stage.sandbox.park(&"id-worker-2".into(), Idle::Stop)).unwrap();
    stage.until("2026-11-22T20:00:00Z");
    let plan = stage.plan(&both());
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
    assert_eq!(kept.reasons[0].code, Code::StoppedByOther);
    let blocker = plan.blockers.iter().find(|blocker| blocker.code == Code::StoppedByOther).unwrap();
    assert_eq!(blocker.lift, ["adopt: true"]);
    let adopting = policy("      replicas: 2\n      adopt: true\n", "");
    let (outcome, told) = stage.apply(&adopting);
    assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{}", lines(&told));
}

#[test]
fn h23_a_server_that_somebody_started_is_left_alone_for_four_hours() {
    let stage = stage(&Cluster::workers(2), "");
    let policy = one_of_them("", "");
    stage.apply(&policy);
    block_on(stage.sandbox.wake(&"id-worker-2".into())).unwrap();
    stage.until("2026-11-22T20:00:00Z");
    let started = stage.world().servers["id-worker-2"].since.unwrap();
    for wanted in [&policy, &both()] {
        let plan = stage.plan(wanted);
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-2");
        if std::ptr::eq(wanted, &policy) {
            let reason = &kept.unwrap().reasons[0];
            assert_eq!(reason.code, Code::StartedByHand);
            let until = reason.evidence.until.unwrap();
            assert_eq!(until.duration_since(started).as_hours(), 4);
        }
    }
    // Whoever wants it in use says so by hand, and need not wait.
    let asked = "  overrides:\n    - {target: node/worker-2, min: 1, expires: \"2026-11-23T00:00:00Z\", reason: r, author: a}\n";
    let plan = stage.plan(&one_of_them("", asked));
    let steps: Vec<_> = plan.steps.iter().map(|step| (step.verb, step.node.as_str())).collect();
    assert_eq!(steps, [(Verb::Uncordon, "worker-2")]);
    let ends = started.checked_add(jiff::SignedDuration::from_hours(4)).unwrap();
    stage.sandbox.advance_to(ends).unwrap();
    let plan = stage.plan(&policy);
    assert!(plan.steps.iter().any(|step| step.verb == Verb::Park), "{}", plan.summary.text);
    let plan = stage.plan(&both());
    assert!(plan.steps.iter().any(|step| step.verb == Verb::Uncordon), "{}", plan.summary.text);
}

#[test]
fn h27_a_server_that_wakes_in_another_zone_is_not_uncordoned() {
    let mut cluster = Cluster::workers(2);
    merge(object(&mut cluster, "Server", "worker-2"), json!({"spec": {"zone": "east"}}));
    let stage = stage(&cluster, "- {target: server/worker-2, kind: other-zone, on: wake, times: 1}");
    stage.apply(&one_of_them("", ""));
    let (outcome, told) = stage.apply(&both());
    assert_eq!(exit(&outcome), 6, "{}", lines(&told));
    let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
    assert!(failed.message.contains("came back in zone elsewhere"), "{}", failed.message);
    assert!(failed.message.contains("are of east"), "{}", failed.message);
    assert!(stage.cordoned().contains("worker-2"));
}

/// Who starts a server to use it uncordons its node as well, and where the Node object was deleted meanwhile the kubelet makes
/// one that takes pods: it is left alone all the same, and counts.
#[test]
fn h23_a_server_that_somebody_started_and_uncordoned_is_left_alone_for_four_hours_too() {
    for (more, uncordoned) in [("", true), ("      parkedNode: delete\n", false)] {
        let stage = stage(&Cluster::workers(2), "");
        let policy = one_of_them(more, "");
        stage.apply(&policy);
        block_on(stage.sandbox.wake(&"id-worker-2".into())).unwrap();
        stage.until("2026-11-22T20:00:00Z");
        if uncordoned {
            let taken = NodePatch { unschedulable: Some(false), ..NodePatch::default() };
            block_on(stage.sandbox.patch_node(&"worker-2".into(), &taken)).unwrap();
        }
        let node = stage.world().nodes["worker-2"].clone();
        assert!(node.ready() && !node.unschedulable, "{more}: {node:?}");
        let plan = stage.plan(&policy);
        assert!(plan.steps.is_empty(), "{more}: {:?}", plan.steps);
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
        assert!(kept.reasons.iter().any(|reason| reason.code == Code::StartedByHand), "{more}: {:?}", kept.reasons);
        assert_eq!(plan.pools[0].active, 2, "{more}: it takes pods");
        assert_eq!(verify(&plan, &stage.world(), &policy), [], "{more}");
        stage.until("2026-11-23T00:30:00Z");
        // Then what is left of our marks goes, and the policy decides again.
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{more}: {}", lines(&told));
        assert!(stage.nothing_of_ours());
        stage.until("2026-11-23T01:30:00Z");
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{more}: {}", lines(&told));
    }
}
