//! What a woken node must have before it is uncordoned (H10), and how long it has to join (H8).

use serde_json::{Value, json};
use tidegate::execute::EventKind;
use tidegate::sandbox::sim::What;

use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, merge, policy};
use crate::{object, one_of_them, stage};

/// Two workers; a DaemonSet pod of this name on the second, with more of what is given.
fn with_daemon(name: &str, more: Value) -> Cluster {
    let mut cluster = Cluster::workers(2);
    let pod = cluster.pod(&format!("agents/{name}-2"), "worker-2", name, "10m");
    pod["metadata"]["ownerReferences"][0]["kind"] = json!("DaemonSet");
    merge(pod, more);
    cluster
}

/// Parks worker-2, wakes it again with `rest` of a policy, and says: exit code, seconds from Ready to uncordoned, events.
fn down_and_up(cluster: &Cluster, faults: &str, rest: &str) -> (Stage, u8, Option<i64>, Vec<tidegate::execute::Event>) {
    let stage = stage(cluster, faults);
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{}", lines(&told));
    let (outcome, told) = stage.apply(&policy("      replicas: 2\n", rest));
    let audit = stage.sandbox.audit();
    let last = |test: &dyn Fn(&What) -> bool| audit.iter().rev().find(|record| test(&record.what)).map(|r| r.at);
    let ready = last(&|what| matches!(what, What::NodeReady { .. })).unwrap();
    let open = last(&|what| matches!(what, What::Cordoned { cordoned: false, .. }));
    let seconds = open.map(|open| open.duration_since(ready).as_secs());
    (stage, exit(&outcome), seconds, told)
}

const REQUIRED: &str = "  wake: {require: [{namespaces: [agents], labels: {app: logs}}]}\n";

#[test]
fn h10_one_broken_log_agent_holds_no_node_longer_than_three_minutes() {
    let cluster = with_daemon("logs", json!({}));
    let broken = "- {target: pod/agents/logs-*, kind: pod-never-ready, on: ready}";
    let (_, code, seconds, told) = down_and_up(&cluster, broken, "");
    assert_eq!((code, seconds), (0, Some(180)), "{}", lines(&told));
    let warned = told.iter().find(|event| event.kind == EventKind::Warning).unwrap();
    assert!(warned.message.contains("agents/logs-2") && warned.message.contains("uncordoned nevertheless"));
}

#[test]
fn h10_what_the_policy_requires_and_what_is_critical_holds_it() {
    let critical = json!({"spec": {"priorityClassName": "system-node-critical"}});
    for (more, rest, why) in
        [(json!({}), REQUIRED, "wake.require names it"), (critical, "", "it is system-node-critical")]
    {
        let cluster = with_daemon("logs", more);
        let late = "- {target: pod/agents/logs-*, kind: slow, on: ready, latency: 6m}";
        let (_, code, seconds, told) = down_and_up(&cluster, late, rest);
        assert_eq!((code, seconds), (0, Some(360)), "{why}\n{}", lines(&told));
        let broken = "- {target: pod/agents/logs-*, kind: pod-never-ready, on: ready}";
        let (stage, code, seconds, told) = down_and_up(&cluster, broken, rest);
        assert_eq!((code, seconds), (6, None), "{why}\n{}", lines(&told));
        let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
        assert!(failed.message.contains(why), "{}", failed.message);
        // It runs for nobody: parked again, and not tried again at once (H8).
        assert_eq!((stage.parked(), stage.plan(&policy("      replicas: 2\n", rest)).steps.len()), (1, 0));
    }
}

#[test]
fn h10_extended_resources_and_csi_drivers_are_back_before_the_node_is_open() {
    let gpu = || {
        let provides = json!({"metadata": {"annotations": {"sandbox.tidegate.dev/provides": "nvidia.com/gpu"}}});
        let mut cluster = with_daemon("gpu", provides);
        let has = json!({"nvidia.com/gpu": "2"});
        merge(object(&mut cluster, "Node", "worker-2"), json!({"status": {"allocatable": has, "capacity": has}}));
        cluster
    };
    let csi = || {
        let provides = json!({"metadata": {"annotations": {"sandbox.tidegate.dev/provides": "csi/cinder"}}});
        let mut cluster = with_daemon("gpu", provides);
        cluster.items.push(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "worker-2"},
            "spec": {"drivers": [{"name": "cinder", "nodeID": "x", "allocatable": {"count": 25}}]},
        }));
        cluster
    };
    for (cluster, what) in [(gpu(), "without 2 of nvidia.com/gpu"), (csi(), "without CSI driver cinder")] {
        // Later than the three minutes that others get.
        let late = "- {target: pod/agents/gpu-*, kind: slow, on: ready, latency: 8m}";
        let (stage, code, seconds, told) = down_and_up(&cluster, late, "");
        assert_eq!((code, seconds), (0, Some(480)), "{what}\n{}", lines(&told));
        assert!(stage.nothing_of_ours());
        let never = "- {target: pod/agents/gpu-*, kind: pod-never-ready, on: ready}";
        let (stage, code, seconds, told) = down_and_up(&cluster, never, "");
        assert_eq!((code, seconds, stage.parked()), (6, None, 1), "{what}\n{}", lines(&told));
        let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
        assert!(failed.message.contains(what), "{}", failed.message);
    }
}

#[test]
fn h8_the_time_to_join_is_the_policys() {
    let cluster = Cluster::workers(2);
    let slow = "- {target: node/worker-2, kind: slow, on: join, latency: 18m}";
    let (_, code, ..) = down_and_up(&cluster, slow, "  wake: {joinTimeout: 30m}\n");
    assert_eq!(code, 0);
    let stage = stage(&cluster, slow);
    stage.apply(&one_of_them("", ""));
    let (outcome, told) = stage.apply(&policy("      replicas: 2\n", ""));
    assert_eq!(exit(&outcome), 6, "{}", lines(&told));
    assert!(told.iter().any(|event| event.message.contains("was not Ready 15m after its wake")), "{}", lines(&told));
}
