//! Nodes that are silent: restarted or replaced, killed at every instant, given back when they recover, and not tried again
//! and again where that fails.

use jiff::{SignedDuration, Timestamp};
use tidegate::model::{ConditionStatus, Name, Snapshot};
use tidegate::plan::{Code, Verb};
use tidegate::policy::Policy;
use tidegate::sandbox::sim::What;

use super::SUNDAY;
use super::executing::cut::cut_after;
use super::executing::{Stage, example, exit, lines, policy_text};

const SICK: &str = "demo-k8s-node-nf-4";

/// The workshop's cluster on a Sunday, in which one worker has been silent for an hour and its pods are given up.
fn stage(faults: &str) -> Stage {
    let mut snapshot: Snapshot = tidegate::observe::read(&[example("jetstream-workshop", "cluster.yaml")]).unwrap();
    let now: Timestamp = SUNDAY.parse().unwrap();
    snapshot.taken = Some(now);
    let node = snapshot.nodes.iter_mut().find(|node| &*node.name == SICK).unwrap();
    let ready = node.conditions.iter_mut().find(|condition| &*condition.kind == "Ready").unwrap();
    ready.status = ConditionStatus::Unknown;
    ready.transition = Some(now - SignedDuration::from_hours(1));
    ready.heartbeat = Some(now - SignedDuration::from_hours(1));
    for pod in snapshot.pods.iter_mut().filter(|pod| pod.node.as_deref() == Some(SICK)) {
        pod.ready = false;
        if !pod.daemon() && !pod.mirror() {
            pod.deletion = Some(now - SignedDuration::from_mins(50));
        }
    }
    Stage::of(snapshot, faults)
}

/// Nine of ten workers are to be up, all of them may be.
fn policy(pool: &str) -> Policy {
    policy_text(&format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: workshop}}
spec:
  providers: [{{name: jetstream, openstack: {{cloud: workshop}}}}]
  pools:
    - name: workers
      nodes: {{names: [\"demo-k8s-node-1\", \"demo-k8s-node-nf-{{2..12}}\"]}}
      keep: [\"demo-k8s-node-1\"]
      adopt: true
{pool}"
    ))
}

fn restart() -> Policy {
    policy("      min: 10\n      max: 10\n      repair: {notReadyFor: 15m}\n")
}

fn ready(stage: &Stage, node: &str) -> bool {
    stage.world().nodes.get(node).is_some_and(|node| node.ready() && !node.unschedulable)
}

/// How often the cloud began to shelve, and to unshelve, the sick node's server.
fn begun(stage: &Stage) -> (usize, usize) {
    let server = |name: &Name| stage.world().servers.get(name).is_some_and(|server| &*server.name == SICK);
    let audit = stage.sandbox.audit();
    let count = |word: &str| {
        let is = |what: &What| matches!(what, What::Server { server: id, task: Some(task), .. } if &**task == word && server(id));
        audit.iter().filter(|record| is(&record.what)).count()
    };
    (count("shelving"), count("unshelving"))
}

#[test]
fn a_silent_node_is_restarted_and_serves_again() {
    let (stage, policy) = (stage(""), restart());
    assert_eq!(stage.plan(&policy).summary.restart, 1);
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert!(ready(&stage, SICK), "{}", lines(&told));
    assert!(stage.nothing_of_ours());
    let again = stage.plan(&policy);
    assert_eq!(again.steps, [], "{}", again.summary.text);
    assert_eq!(again.summary.text, "No changes. The cluster is what the policy wants.");
}

/// Whatever instant it is killed at, it is taken up again and ends the same, and nothing is asked of the cloud twice.
#[test]
fn a_restart_that_was_cut_short_at_any_instant_ends_the_same() {
    let policy = restart();
    let mut records = 0;
    loop {
        let stage = stage("");
        let (_, ended) = cut_after(&stage, &policy, records);
        if ended {
            break;
        }
        let (outcome, told) = stage.carry_out(&policy, None, true, true);
        assert_eq!(exit(&outcome), 0, "cut after {records}: {}", lines(&told));
        assert!(ready(&stage, SICK) && stage.nothing_of_ours(), "cut after {records}: {}", lines(&told));
        assert_eq!(begun(&stage), (1, 1), "cut after {records}");
        records += 1;
    }
    assert!(records > 10, "{records}");
}

/// What came back by itself before anything was asked of the cloud is left alone, and nothing of ours is left on it.
#[test]
fn a_node_that_is_ready_again_is_left_alone() {
    let policy = restart();
    let plan = stage("").plan(&policy);
    assert_eq!(plan.summary.restart, 1);
    let snapshot = tidegate::observe::read(&[example("jetstream-workshop", "cluster.yaml")]).unwrap();
    let well = Stage::of(snapshot, "");
    let (outcome, told) = well.carry_out(&policy, Some(plan), false, true);
    assert_eq!(begun(&well), (0, 0), "{outcome:?} {}", lines(&told));
    assert!(ready(&well, SICK) && well.nothing_of_ours());
}

/// A cloud that does not bring it back is not asked again and again (H3, H8).
#[test]
fn what_does_not_come_back_is_not_tried_again_at_once() {
    for (fault, begun_first, later) in
        [("no-valid-host, times: 1", (1, 1), 11), ("locked, on: park, times: 1", (0, 0), 11)]
    {
        let stage = stage(&format!("- {{target: server/{SICK}, kind: {fault}}}"));
        let policy = restart();
        let (outcome, told) = stage.apply(&policy);
        assert_eq!(exit(&outcome), 6, "{fault}: {}", lines(&told));
        assert_eq!(begun(&stage), begun_first, "{fault}");
        assert!(!ready(&stage, SICK));
        let at_once = stage.plan(&policy);
        assert!(at_once.steps.iter().all(|step| step.node != SICK), "{fault}: {:#?}", at_once.steps);
        stage.sandbox.advance_to(stage.sandbox.now() + SignedDuration::from_mins(later)).unwrap();
        let (outcome, told) = stage.apply(&policy);
        assert_eq!(exit(&outcome), 0, "{fault}: {}", lines(&told));
        assert!(ready(&stage, SICK) && stage.nothing_of_ours(), "{fault}: {}", lines(&told));
    }
}

#[test]
fn a_silent_node_is_replaced() {
    let soft = policy(
        "      min: 1\n      max: 10\n      unneededFor: 3h\n      repair: {notReadyFor: 15m, action: replace}\n",
    );
    let stage_soft = stage("");
    let (outcome, told) = stage_soft.apply(&soft);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    let parked =
        |stage: &Stage| stage.world().servers.values().any(|server| &*server.name == SICK && server.state.parked());
    assert!(parked(&stage_soft), "{}", lines(&told));
    assert_eq!(begun(&stage_soft), (1, 0));
    assert!(stage_soft.plan(&soft).steps.iter().all(|step| step.node != SICK), "it stays parked");

    let hard = policy(
        "      min: 10\n      idle: delete\n      create: {image: ubuntu, flavors: [m3.medium]}\n      repair: {notReadyFor: 15m}\n",
    );
    let stage_hard = stage("");
    let plan = stage_hard.plan(&hard);
    let verbs: Vec<(Verb, &str)> = plan
        .steps
        .iter()
        .filter(|s| matches!(s.verb, Verb::Create | Verb::Delete))
        .map(|s| (s.verb, s.node.as_str()))
        .collect();
    assert_eq!(verbs, [(Verb::Create, "demo-k8s-node-nf-11"), (Verb::Delete, SICK)]);
    assert!(plan.steps.iter().filter(|step| step.node == SICK).all(|step| step.reason.code == Code::Repair));
    let (outcome, told) = stage_hard.apply(&hard);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert!(ready(&stage_hard, "demo-k8s-node-nf-11"), "{}", lines(&told));
    let gone = stage_hard.world();
    assert!(
        !gone.nodes.contains_key(SICK) && gone.servers.values().all(|server| &*server.name != SICK),
        "{}",
        lines(&told)
    );
    let done = |id: &str| {
        told.iter().position(|event| event.step.as_deref() == Some(id) && event.message.ends_with("done")).unwrap()
    };
    assert!(done("uncordon/demo-k8s-node-nf-11") < done(&format!("delete/{SICK}")), "{}", lines(&told));
}
