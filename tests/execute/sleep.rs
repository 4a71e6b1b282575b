//! The empty night carried out (H20): the pool goes though its pods have no other home, and all of them run in the morning.

use jiff::SignedDuration;
use tidegate::plan::{Code, Verb};

use super::executing::{Stage, example, exit, lines, policy_text};

/// Sunday, 19:00 in Denver.
const NIGHT: &str = "2026-11-23T02:00:00Z";

/// The workshop's workers, of which there are none by night but the first.
fn policy(pool: &str) -> tidegate::policy::Policy {
    policy_text(&format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: workshop}}
spec:
  timeZone: America/Denver
  providers: [{{name: jetstream, openstack: {{cloud: workshop}}}}]
  pools:
    - name: workers
      nodes: {{names: [\"demo-k8s-node-1\", \"demo-k8s-node-nf-{{2..10}}\"]}}
      frontDoors: allowed
      nodeStorage: allowed
      min: 0
      max: 10
{pool}      unneededFor: 3h
      minParked: 1m
      windows:
        - {{name: night, start: \"0 18 * * *\", end: \"0 6 * * *\", min: 0, max: 0}}
  drain:
    disposable: [{{namespaces: [\"kube-system\", \"jhub\", \"default\"]}}]
    whenNoHome:
      - {{match: {{namespaces: [jhub, kube-system, default, monitoring, ingress-nginx]}}, action: sleep}}
    pods:
      - {{match: {{namespaces: [jhub, kube-system, default, monitoring, ingress-nginx]}}, action: evict}}
"
    ))
}

#[test]
fn a_whole_pool_sleeps_at_night_and_wakes_in_the_morning() {
    let mut snapshot = tidegate::observe::read(&[example("jetstream-workshop", "cluster.yaml")]).unwrap();
    let wanted = policy("");
    let kept = Stage::of(snapshot.clone(), "");
    kept.until(NIGHT);
    let plan = kept.plan(&wanted);
    let budget = plan.kept.iter().flat_map(|kept| &kept.reasons).any(|reason| reason.code == Code::SleepBudget);
    assert!(budget, "a budget keeps a node for its pods: {:#?}", plan.kept);

    snapshot.budgets.clear();
    // One after another: what is evicted first may land on a node that goes later.
    for pool in ["", "      parallelism: 1\n"] {
        night_and_morning(&policy(pool), Stage::of(snapshot.clone(), ""));
    }
}

fn night_and_morning(policy: &tidegate::policy::Policy, stage: Stage) {
    stage.until(NIGHT);
    let plan = stage.plan(policy);
    let parks = plan.steps.iter().filter(|step| step.verb == Verb::Park).count();
    assert_eq!(parks, 10, "{}\n{:#?}", plan.summary.text, plan.kept);
    assert!(plan.summary.asleep > 0);
    let owned = |stage: &Stage| {
        let world = stage.world();
        let pods = world.pods.values().filter(|pod| pod.owner.is_some() && !pod.daemon() && !pod.mirror());
        pods.filter(|pod| !pod.finished() && !pod.terminating()).count()
    };
    let before = owned(&stage);
    let began = stage.sandbox.now();
    let (outcome, told) = stage.apply(policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert_eq!(stage.parked(), 10, "{}", lines(&told));
    let took = stage.sandbox.now().duration_since(began);
    assert!(took < SignedDuration::from_mins(90), "nobody is waited for who sleeps: {took:#}");
    let night = stage.plan(policy);
    assert_eq!(night.steps, [], "{}", night.summary.text);
    assert!(night.summary.text.contains("until 2026-11-23T13:00:00Z"), "{}", night.summary.text);

    stage.until("2026-11-23T13:01:00Z");
    let (outcome, told) = stage.apply(policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    stage.sandbox.advance(SignedDuration::from_mins(5)).unwrap();
    let world = stage.world();
    let waits = world.pods.values().filter(|pod| pod.node.is_none() && !pod.finished()).count();
    assert_eq!(waits, 0, "{}", lines(&told));
    assert!(owned(&stage) >= before.min(1));
}
