//! What a woken node must have before it is uncordoned (H10), and how long it has to join (H8).

use serde_json::{Value, json};
use tidegate::execute::EventKind;
use tidegate::plan::{Code, Rule, Verb, Verdict, plan, status, verify};
use tidegate::report::{plan_text, status_text};
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

/// H8: who never joins does not count and is parked again; its pool is left in peace for 5 minutes, then longer, and is
/// called broken at the third failure in a row, until a wake works.
#[test]
fn h8_a_pool_whose_nodes_never_join_backs_off_and_is_broken_at_the_third() {
    let never = "- {target: \"node/worker-*\", kind: node-never-ready, times: 3}";
    let stage = stage(&Cluster::workers(4), never);
    assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
    let two = policy("      replicas: 2\n      idle: shelve\n", "");
    let mut woken = Vec::new();
    for (fails, minutes) in [(1, 5), (2, 10), (3, 20)] {
        let plan = stage.plan(&two);
        woken.extend(plan.steps.iter().filter(|step| step.verb == Verb::Wake).map(|step| step.node.clone()));
        assert_eq!(woken.len(), fails, "one at a time: {:?}", plan.steps);
        let (outcome, told) = stage.apply(&two);
        assert_eq!((exit(&outcome), stage.parked()), (6, 3), "parked again\n{}", lines(&told));
        let memory = &stage.world().memory.pools["workers"];
        let until = memory.backoff_until.unwrap();
        assert_eq!(memory.failed_wakes as usize, fails);
        let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
        assert_eq!(until.duration_since(failed.time).as_mins(), minutes);

        // Nothing in the pool is tried meanwhile, its sound nodes neither, and the plan and the status say why.
        let plan = stage.plan(&two);
        assert_eq!((plan.steps.len(), plan.summary.verdict), (0, Verdict::Cannot));
        let code = if fails < 3 { Code::BackOff } else { Code::PoolBroken };
        let held =
            plan.kept.iter().filter(|kept| kept.reasons[0].code == code && kept.node.starts_with("worker")).count();
        assert!(held >= 2, "{:?}", plan.kept);
        let world = stage.world();
        let status = status_text(&status(&two, &world, &plan), &plan, 1000);
        for said in [plan_text(&plan, 1000), status] {
            assert_eq!(
                said.contains("pool workers is broken: its wakes failed 3 times in a row"),
                fails == 3,
                "{said}"
            );
        }
        assert_eq!(told.iter().any(|event| event.message.contains("pool workers is broken")), fails == 3);
        let mut hasty = plan.clone();
        hasty.steps = first_wake(&stage, &two);
        assert!(verify(&hasty, &world, &two).iter().any(|found| found.rule == Rule::Kept), "{:?}", hasty.steps);
        stage.until(&until.to_string());
    }
    assert_eq!(woken, ["worker-2", "worker-3", "worker-4"], "those first that failed least often");
    let (outcome, told) = stage.apply(&two);
    assert_eq!((exit(&outcome), stage.parked()), (0, 2), "{}", lines(&told));
    let memory = &stage.world().memory.pools["workers"];
    assert_eq!((memory.failed_wakes, memory.backoff_until), (0, None), "a wake that works mends it");
}

/// What a plan would wake that forgot all failures.
fn first_wake(stage: &Stage, policy: &tidegate::policy::Policy) -> Vec<tidegate::plan::Step> {
    let mut snapshot = stage.sandbox.snapshot();
    snapshot.memory = tidegate::model::Memory::default();
    plan(policy, &tidegate::model::World::build(snapshot), stage.sandbox.now()).0.steps
}

/// H8: nodes that fail to come in one run are one failure of their pool, not many.
#[test]
fn h8_nodes_that_fail_together_count_for_one() {
    let stage = stage(&Cluster::workers(4), "- {target: \"server/worker-*\", kind: no-valid-host, on: wake}");
    assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
    let (outcome, told) = stage.apply(&policy("      replicas: 4\n", ""));
    assert_eq!((exit(&outcome), stage.parked()), (6, 3), "{}", lines(&told));
    assert_eq!(stage.world().memory.pools["workers"].failed_wakes, 1);
}
