//! Several pools in one policy: what comes in any of them is a home, and their order means nothing.

use serde_json::json;
use tidegate::model::Target;
use tidegate::plan::{Plan, Request, Verb, plan_for, verify};
use tidegate::policy::{Policy, PolicySource, load};

use super::fixture::{Cluster, at};
use super::{CALM, verbs};

fn policy(pools: &[String]) -> Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: test}}\nspec:\n  pools:\n{}",
        pools.concat()
    );
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.clone().into_bytes() }]);
    loaded.policy.unwrap_or_else(|| panic!("{text}\n{:#?}", loaded.problems))
}

fn pool(name: &str, min: u32) -> String {
    format!("    - {{name: {name}, nodes: {{names: \"{name}-*\"}}, min: {min}, idle: shelve}}\n")
}

/// `old-1` runs a pod; `new-1` and `new-2` are parked.
fn cluster() -> Cluster {
    let mut cluster = Cluster::workers(0);
    cluster.node("old-1", json!({}), json!({}), "ACTIVE");
    for name in ["new-1", "new-2"] {
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "new"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node(name, metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    cluster.pod("web-1", "old-1", "web", "1");
    cluster
}

fn before(plan: &Plan, id: &str) -> Vec<String> {
    plan.steps.iter().find(|step| step.id == id).map(|step| step.after.clone()).unwrap_or_default()
}

#[test]
fn a_node_goes_to_what_another_pool_brings_in_the_same_plan() {
    let world = cluster().world();
    let orders = [[pool("new", 1), pool("old", 0)], [pool("old", 0), pool("new", 1)]];
    let plans = orders.map(|pools| {
        let policy = policy(&pools);
        let plan = plan_for(&policy, &world, at(CALM), &Request::default()).0;
        assert_eq!((verbs(&plan, Verb::Wake), verbs(&plan, Verb::Park)), (vec!["new-1"], vec!["old-1"]));
        assert!(before(&plan, "drain/old-1").contains(&"uncordon/new-1".to_owned()), "{:#?}", plan.steps);
        assert_eq!(verify(&plan, &world, &policy), []);
        plan
    });
    // But for the lines at which things stand, both say the same.
    let said = |plan: &Plan| {
        let steps: Vec<_> = plan.steps.iter().map(|step| (step.id.clone(), step.after.clone())).collect();
        let pools: Vec<_> = plan.pools.iter().map(|pool| (pool.name.clone(), pool.desired)).collect();
        (steps, pools, plan.policy.digest.clone(), plan.cost.clone(), plan.summary.clone())
    };
    assert_eq!(said(&plans[0]), said(&plans[1]));
}

#[test]
fn what_a_narrowed_plan_does_not_bring_is_no_home_and_fills_no_floor() {
    let world = cluster().world();
    let policy = policy(&[pool("new", 1), pool("old", 0)]);
    let narrowed = |target: &str| {
        let request = Request { targets: vec![target.parse::<Target>().unwrap()], ..Request::default() };
        plan_for(&policy, &world, at(CALM), &request).0
    };
    let plan = narrowed("pool/old");
    assert!(plan.steps.is_empty(), "its pod has no other home without new-1: {:#?}", plan.steps);
    assert_eq!(plan.kept.iter().map(|kept| kept.node.as_str()).collect::<Vec<_>>(), ["old-1"]);
    assert_eq!(verbs(&narrowed("node/new-1"), Verb::Wake), ["new-1"]);
    assert!(narrowed("node/new-2").steps.is_empty(), "the whole plan wakes new-1, and no other in its place");
}
