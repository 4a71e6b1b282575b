//! Amounts and numbers that no cluster has: nothing panics, overflows or fits by accident, and what fits nowhere says so.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{PodKey, World};
use tidegate::plan::{Code, PodExplanation, Verb, explain_node, explain_pod, plan, verify};
use tidegate::policy::{PolicySource, load};
use tidegate::report::{plan_markdown, plan_text};
use tidegate::sandbox::{Faults, Sandbox};

use super::CALM;
use super::fixture::{Cluster, at, merge, policy};

const AMOUNTS: [&str; 10] = [
    "9223372036854775807",
    "4611686018427387904",
    "9223372036854775807m",
    "8Ei",
    "1e30",
    "1e-30",
    "-9223372036854775808",
    "-1",
    "0",
    "2",
];

fn amount() -> impl Strategy<Value = &'static str> {
    prop::sample::select(AMOUNTS.to_vec())
}

/// Numbers as a policy may have them; what is out of their range is a problem, not a panic.
fn number() -> impl Strategy<Value = &'static str> {
    let numbers = ["0", "1", "3", "4294967295", "4294967296", "9223372036854775807", "99999999999999999999", "-1"];
    prop::sample::select(numbers.to_vec())
}

fn duration() -> impl Strategy<Value = &'static str> {
    let durations = ["0s", "1s", "2h", "87600h", "9999999h", "2562047788015215h", "9223372036854775807s"];
    prop::sample::select(durations.to_vec())
}

fn asks(made: &mut Value, cpu: &str, memory: &str) {
    let requests = json!({"cpu": cpu, "memory": memory, "example.com/gpu": memory});
    let container = json!({"name": "c", "resources": {"requests": requests}});
    made["spec"]["containers"] = json!([container.clone(), container]);
    merge(made, json!({"spec": {"overhead": {"cpu": cpu, "memory": memory}}}));
}

#[test]
fn a_pod_that_asks_for_more_than_there_is_says_of_what_and_keeps_its_node() {
    for (cpu, memory, word) in
        [("9223372036854775807", "1Mi", "cpu"), ("1", "4611686018427387904", "memory"), ("1e30", "8Ei", "cpu")]
    {
        let mut cluster = Cluster::workers(3);
        asks(cluster.pod("huge", "worker-3", "huge", "1"), cpu, memory);
        let policy = policy("      min: 0\n", "");
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-3").unwrap();
        let reason = &kept.reasons[0];
        assert_eq!(reason.code, Code::NoOtherHome, "{reason:?}");
        assert!(reason.text.contains("default/huge") && reason.text.contains(word), "{}", reason.text);
        assert!(!plan.steps.iter().any(|step| step.node == "worker-3" && step.verb == Verb::Park));
        let explained: PodExplanation =
            explain_pod(&world, Some((&policy, &plan)), &PodKey::new("default", "huge"), at(CALM)).unwrap();
        let told = serde_json::to_string(&explained).unwrap();
        assert!(told.contains(word), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_amounts_and_numbers_make_a_plan_that_verifies_or_a_problem_that_is_said(
        nodes in prop::collection::vec((amount(), amount()), 1..6),
        pods in prop::collection::vec((amount(), amount(), 0..6_usize, 0..4_usize), 0..10),
        numbers in prop::collection::vec(number(), 5),
        durations in prop::collection::vec(duration(), 4),
        grace in prop::sample::select(vec![0, 30, i64::MAX, -1]),
        budget in prop::sample::select(vec![json!(0), json!(2_147_483_647), json!("200%"), json!("-1%"), json!(-5)]),
    ) {
        let mut cluster = Cluster::workers(nodes.len());
        for (item, (cpu, memory)) in cluster.items.iter_mut().filter(|item| item["kind"] == "Node").zip(&nodes) {
            item["status"]["allocatable"] = json!({"cpu": cpu, "memory": memory, "pods": cpu, "example.com/gpu": memory});
            item["status"]["capacity"] = item["status"]["allocatable"].clone();
        }
        for (index, (cpu, memory, node, owner)) in pods.iter().enumerate() {
            let owner = if *owner == 0 { String::new() } else { format!("o{owner}") };
            let made = cluster.pod(&format!("p{index}"), &format!("worker-{}", node + 1), &owner, "1");
            asks(made, cpu, memory);
            merge(made, json!({"spec": {"terminationGracePeriodSeconds": grace}}));
        }
        cluster.items.push(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "default", "uid": "b", "generation": 1},
            "spec": {"minAvailable": budget, "selector": {"matchLabels": {"app": "o1"}}}}));
        cluster.items.push(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "o1", "namespace": "default", "uid": "uid-default-o1"},
            "spec": {"replicas": i64::MAX, "selector": {"matchLabels": {"app": "o1"}}}}));
        let text = format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: test}}\nspec:\n  limits: \
             {{cpu: {}, memory: {}}}\n  rates: [{{unit: SU, perHour: {{m3.medium: {}}}}}]\n  allocation: {{balance: {}, asOf: \
             2026-01-01}}\n  drain: {{podTimeout: {}, longestGrace: {}}}\n  pools:\n    - name: workers\n      nodes: \
             {{names: \"worker-*\"}}\n      min: {}\n      parallelism: 3\n      minParked: {}\n      windows: [{{name: w, \
             start: \"0 13 * * *\", duration: 3h, lead: {}, min: 2}}]\n",
            numbers[0], numbers[1], numbers[2], numbers[3], durations[0], durations[1], numbers[4], durations[2], durations[3],
        );
        let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.clone().into_bytes() }]);
        prop_assert!(loaded.policy.is_some() || !loaded.problems.is_empty());
        let policy = loaded.policy.unwrap_or_else(|| policy("      min: 1\n", ""));
        let mut snapshot = tidegate::observe::from_values(cluster.whole());
        snapshot.gaps.clear();
        let world = World::build(snapshot.clone());
        let plan = plan(&policy, &world, at(CALM)).0;
        prop_assert_eq!(verify(&plan, &world, &policy), vec![], "{}", text);
        drop((plan_text(&plan, 100), plan_markdown(&plan)));
        for node in world.nodes.keys() {
            drop(explain_node(&policy, &world, &plan, node, at(CALM)));
        }
        for pod in world.pods.keys() {
            drop(explain_pod(&world, Some((&policy, &plan)), pod, at(CALM)));
        }
        // What cannot be played is refused when a sandbox is made of it.
        snapshot.workloads.retain(|workload| workload.replicas.is_none_or(|replicas| replicas < 100));
        let sandbox = Sandbox::in_memory(snapshot, &Faults::default());
        sandbox.advance(jiff::SignedDuration::from_mins(30)).unwrap();
    }
}
