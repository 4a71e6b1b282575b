//! Parked nodes that stay as Node objects poison nothing (H7), and say that they are parked.

use std::cell::Cell;

use futures::FutureExt;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate::cluster::{Cluster as _, NodePatch};
use tidegate::execute::EventKind;
use tidegate::model::{Node, SUSPENDED, keys};
use tidegate::plan::{Code, Plan, Rule, Verb, verify};

use crate::executing::cut::cut_after;
use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, merge, policy};
use crate::{CALM, object, one_of_them, parks, stage};

fn suspended(stage: &Stage) -> bool {
    stage.world().nodes["worker-2"].condition(SUSPENDED).is_some()
}

#[test]
fn h7_a_parked_node_says_suspended_and_a_woken_one_does_not() {
    let stage = stage(&Cluster::workers(2), "- {target: server/worker-2, kind: no-valid-host, on: wake, times: 1}");
    assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
    assert!(suspended(&stage));
    let both = policy("      replicas: 2\n", "");
    let (outcome, told) = stage.apply(&both);
    assert_eq!((exit(&outcome), suspended(&stage)), (6, true), "still parked\n{}", lines(&told));
    stage.until("2026-11-22T21:00:00Z");
    let (outcome, told) = stage.apply(&both);
    assert_eq!((exit(&outcome), suspended(&stage)), (0, false), "{}", lines(&told));
}

/// Four workers; a ReplicaSet with this constraint and two pods on each of the first two.
fn spreading(spread: &Value) -> Cluster {
    let mut cluster = Cluster::workers(4);
    for number in 1..=4 {
        let pod = cluster.pod(&format!("web-{number}"), &format!("worker-{}", (number + 1) / 2), "web", "100m");
        merge(pod, json!({"spec": {"topologySpreadConstraints": [spread]}}));
    }
    cluster
}

fn constraint(more: Value) -> Value {
    let mut constraint = json!({
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    });
    merge(&mut constraint, more);
    constraint
}

fn held(plan: &Plan, node: &str) -> bool {
    let kept = plan.kept.iter().find(|kept| kept.node == node);
    kept.is_some_and(|kept| kept.reasons.iter().any(|reason| reason.code == Code::SpreadDomainStays))
}

#[test]
fn h7_a_hard_spread_that_counts_the_parked_nodes_domain_keeps_it() {
    // worker-3 and worker-4 are empty and could go by their pods; then four pods would have room for one on each node.
    for (more, goes) in [
        (json!({}), false),
        (json!({"nodeTaintsPolicy": "Ignore"}), false),
        (json!({"nodeTaintsPolicy": "Honor"}), true),
        (json!({"whenUnsatisfiable": "ScheduleAnyway"}), true),
        (json!({"maxSkew": 2}), true),
        // Every node is in the one zone: nothing is emptied.
        (json!({"topologyKey": "topology.kubernetes.io/zone"}), true),
    ] {
        let mut cluster = spreading(&constraint(more.clone()));
        for number in 1..=4 {
            let zone = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "one"}}});
            merge(object(&mut cluster, "Node", &format!("worker-{number}")), zone);
        }
        let plan = cluster.plan(&one_of_them("", ""), CALM);
        assert_eq!(parks(&plan).contains(&"worker-4"), goes, "{more}: {:?}", plan.kept);
        assert_eq!(held(&plan, "worker-4"), !goes, "{more}");
        // With two on each node the empty ones may go; the second node's pods have room then but for the parked domains.
        assert_eq!(held(&plan, "worker-2"), !goes || more["maxSkew"] == 2, "{more}");
        if !goes {
            let blocker = plan.blockers.iter().find(|blocker| blocker.code == Code::SpreadDomainStays).unwrap();
            assert!(blocker.text.contains("ReplicaSet default/web"), "{}", blocker.text);
            assert!(blocker.hint.contains("nodeTaintsPolicy: Honor"), "{}", blocker.hint);
        }
    }
}

/// `all` workers in zones by turns, of which only the first stays.
fn zoned(all: usize, zones: &[&str]) -> Cluster {
    let mut cluster = Cluster::workers(all);
    for (number, zone) in (1..=all).zip(zones.iter().cycle()) {
        let labels = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}});
        merge(object(&mut cluster, "Node", &format!("worker-{number}")), labels);
    }
    cluster
}

fn autoscaler(cluster: &mut Cluster) {
    let pod = cluster.pod("kube-system/cluster-autoscaler-x", "worker-1", "cluster-autoscaler", "100m");
    merge(pod, json!({"metadata": {"labels": {"app.kubernetes.io/name": "cluster-autoscaler"}}}));
}

#[test]
fn h7_the_share_of_unready_nodes_is_predicted_by_zone_and_in_all() {
    let floor = |keep: u32| policy(&format!("      min: {keep}\n      max: 10\n"), "");
    let said = |plan: &Plan, text: &str| plan.notes.iter().any(|note| note.contains(text));
    // Above 45 % and three for the autoscaler; from 55 % and three on, by zone, for evictions.
    for (nodes, stay, autoscaler, zone) in [
        (10, 6, false, false),
        (10, 5, true, false),
        (10, 1, true, true),
        (6, 3, false, false),
        (5, 2, false, true),
        (3, 1, false, false),
    ] {
        let plan = zoned(nodes, &["a"]).plan(&floor(stay), CALM);
        assert_eq!(said(&plan, "a Cluster Autoscaler before 1.36"), autoscaler, "{nodes} {stay}: {:?}", plan.notes);
        assert_eq!(said(&plan, "in zone a will be NotReady"), zone, "{nodes} {stay}: {:?}", plan.notes);
        assert!(plan.refusals.is_empty(), "nobody counts here: {:?}", plan.refusals);
    }
    let plan = zoned(9, &["a", "b", "c"]).plan(&floor(1), CALM);
    let zones = plan.notes.iter().filter(|note| note.contains("in zone")).count();
    assert_eq!(zones, 2, "three of three in two zones, two of three in the one that keeps a node: {:?}", plan.notes);
}

#[test]
fn h7_where_a_cluster_autoscaler_runs_its_limit_is_a_brake() {
    let mut cluster = zoned(10, &["a"]);
    autoscaler(&mut cluster);
    let brakes = |cluster: &Cluster, rest: &str| -> Vec<String> {
        let plan = cluster.plan(&one_of_them("", rest), CALM);
        plan.refusals.iter().map(|refusal| refusal.brake.clone()).collect()
    };
    assert_eq!(brakes(&cluster, ""), ["unready-share"]);
    assert_eq!(brakes(&cluster, "  brakes: {maxUnready: 95%}\n"), [""; 0]);
    let (policy, world) = (one_of_them("", ""), cluster.world());
    let mut plan = cluster.plan(&policy, CALM);
    assert_eq!(verify(&plan, &world, &policy), []);
    let refusals = std::mem::take(&mut plan.refusals);
    assert!(verify(&plan, &world, &policy).iter().any(|found| found.rule == Rule::Brake));
    let mut plan = zoned(3, &["a"]).plan(&policy, CALM);
    plan.refusals = refusals;
    assert!(verify(&plan, &zoned(3, &["a"]).world(), &policy).iter().any(|found| found.rule == Rule::Brake));
    let stage = stage(&cluster, "");
    let (outcome, _) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked()), (7, 0));
}

/// Whether the Node object is there, as a cluster would show it.
fn there(stage: &Stage) -> bool {
    !stage.world().nodes["worker-2"].annotations.contains_key(keys::DELETED)
}

#[test]
fn h24_a_node_object_that_is_deleted_while_its_server_is_parked_comes_back_as_it_was() {
    let (down, up) =
        (one_of_them("      parkedNode: delete\n", ""), policy("      replicas: 2\n      parkedNode: delete\n", ""));
    let mut cluster = Cluster::workers(2);
    let own = json!({"metadata": {"labels": {"disk": "fast"}, "annotations": {"note": "rack 7"}},
        "spec": {"taints": [{"key": "dedicated", "value": "hub", "effect": "PreferNoSchedule"}]}});
    merge(object(&mut cluster, "Node", "worker-2"), own);
    let plan = cluster.plan(&down, CALM);
    assert!(plan.notes.iter().any(|note| note.contains("`parkedNode: delete`")), "{:?}", plan.notes);
    let stage = stage(&cluster, "");
    let before = stage.world().nodes["worker-2"].clone();
    let (outcome, told) = stage.apply(&down);
    assert_eq!((exit(&outcome), stage.parked(), there(&stage)), (0, 1, false), "{}", lines(&told));
    assert!(lines(&told).contains("the Node object of worker-2 is deleted"), "{}", lines(&told));
    // There is nothing more to do, and nobody counts what is not there as NotReady.
    let plan = stage.plan(&down);
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    let (outcome, told) = stage.apply(&up);
    assert_eq!((exit(&outcome), stage.parked(), there(&stage)), (0, 0, true), "{}", lines(&told));
    let after = stage.world().nodes["worker-2"].clone();
    let of =
        |node: &Node| (node.labels.clone(), node.annotations.clone(), node.taints.clone(), node.provider_id.clone());
    assert_eq!((of(&after), after.unschedulable, after.ready()), (of(&before), false, true));
    assert!(stage.nothing_of_ours());
}

/// Cut after each record: whatever is taken up again ends with the Node object deleted, and it comes back.
#[test]
fn h24_an_apply_that_is_cut_short_deletes_the_node_object_when_it_is_taken_up() {
    let (down, up) =
        (one_of_them("      parkedNode: delete\n", ""), policy("      replicas: 2\n      parkedNode: delete\n", ""));
    let (total, ended) = cut_after(&stage(&Cluster::workers(2), ""), &down, usize::MAX);
    assert!(ended && total > 10, "{total}");
    for records in 1..total {
        let stage = stage(&Cluster::workers(2), "");
        cut_after(&stage, &down, records);
        let (outcome, told) = stage.carry_out(&down, None, true, false);
        assert_eq!((exit(&outcome), stage.parked(), there(&stage)), (0, 1, false), "{records}: {}", lines(&told));
        let (outcome, told) = stage.apply(&up);
        assert_eq!((exit(&outcome), stage.nothing_of_ours()), (0, true), "{records}: {}", lines(&told));
    }
}

/// Somebody deleted the Node and what was kept of it; its server still says that it is ours. It is woken, and it is said what
/// nobody knows any more. Here no kubelet registers it: what runs for nothing is parked again (H8).
#[test]
fn h24_a_server_of_ours_without_node_and_record_is_woken_and_told_what_it_lost() {
    let (down, up) = (one_of_them("", ""), policy("      replicas: 2\n", ""));
    let stage = stage(&Cluster::workers(2), "");
    let (outcome, _) = stage.apply(&down);
    assert_eq!((exit(&outcome), stage.parked()), (0, 1));
    let mut snapshot = stage.sandbox.snapshot();
    snapshot.nodes.retain(|node| &*node.name != "worker-2");
    let stage = Stage::of(snapshot, "");
    let (outcome, told) = stage.apply(&up);
    let told = lines(&told);
    assert!(told.contains("neither Node worker-2 nor the record of what it had is there"), "{told}");
    assert!(told.contains("its server is ACTIVE"), "it was woken: {told}");
    assert_eq!((exit(&outcome), stage.parked()), (6, 1), "{told}");
}

/// Cut after each record and planned anew with `parkedNode: delete`: the plan says of each Node object that it deletes it,
/// also where only the record is behind, and of no other.
#[test]
fn h24_the_plan_names_each_node_object_that_is_deleted() {
    let (keep, delete) = (one_of_them("", ""), one_of_them("      parkedNode: delete\n", ""));
    let (total, _) = cut_after(&stage(&Cluster::workers(2), ""), &keep, usize::MAX);
    let mut recorded = 0;
    for records in 1..total {
        let stage = stage(&Cluster::workers(2), "");
        cut_after(&stage, &keep, records);
        stage.until(&(stage.sandbox.now() + SignedDuration::from_mins(20)).to_string());
        let plan = stage.plan(&delete);
        let noted = plan.notes.iter().any(|note| note.contains("the Node object of 1 node is deleted"));
        let record = plan.steps.iter().find(|step| step.verb == Verb::Record);
        recorded += u32::from(record.is_some());
        if let Some(step) = record {
            assert!(
                step.reason.text.contains("its Node object is deleted (`parkedNode: delete`)"),
                "{}",
                step.reason.text
            );
        }
        let (_, told) = stage.apply(&delete);
        assert_eq!(!there(&stage), noted, "{records}: {:?}\n{}", plan.steps, lines(&told));
    }
    assert!(recorded > 0, "one of them was parked before its record");
}

#[test]
fn h7_node_objects_that_are_deleted_are_no_domains_and_not_unready() {
    let mut cluster = spreading(&constraint(json!({})));
    for number in 1..=4 {
        let zone = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "one"}}});
        merge(object(&mut cluster, "Node", &format!("worker-{number}")), zone);
    }
    for (more, goes) in [("", false), ("      parkedNode: delete\n", true)] {
        let plan = cluster.plan(&one_of_them(more, ""), CALM);
        assert_eq!(parks(&plan).contains(&"worker-4"), goes, "{more}: {:?}", plan.kept);
    }
    let floor = |more: &str| policy(&format!("      min: 1\n      max: 10\n{more}"), "");
    for (more, said) in [("", true), ("      parkedNode: delete\n", false)] {
        let plan = zoned(10, &["a"]).plan(&floor(more), CALM);
        assert_eq!(plan.notes.iter().any(|note| note.contains("will be NotReady")), said, "{:?}", plan.notes);
    }
}

/// A hold is on the Node object: one that is set while the server is being parked keeps the object.
#[test]
fn h24_a_node_object_that_is_held_is_not_deleted() {
    let stage = stage(&Cluster::workers(2), "");
    let down = one_of_them("      parkedNode: delete\n", "");
    let hold =
        NodePatch { annotations: [(keys::HOLD.into(), Some("ada: a look".into()))].into(), ..NodePatch::default() };
    let held = Cell::new(false);
    let (outcome, told) = stage.watched(&down, &|event| {
        if event.kind == EventKind::StepStarted && event.step.as_deref() == Some("park/worker-2") && !held.replace(true)
        {
            stage.sandbox.patch_node(&"worker-2".into(), &hold).now_or_never().unwrap().unwrap();
        }
    });
    assert_eq!((exit(&outcome), stage.parked(), there(&stage)), (0, 1, true), "{}", lines(&told));
    assert!(lines(&told).contains("its Node object is kept: it is held"), "{}", lines(&told));
}
