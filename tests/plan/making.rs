//! Servers that are made: exactly at a limit and not one unit over, what that holds back pod by pod, and what is parked first.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::plan::{Code, Outlook, Plan, Verb, plan, verify};
use tidegate::policy::Policy;
use tidegate::report::plan_text;

use super::demand::{parked, pending};
use super::fixture::{Cluster, RATES, at, policy_of};
use super::{CALM, verbs};

const CREATE: &str = "      min: 1\n      create: {image: ubuntu, flavors: [m3.medium]}\n";

/// A pool of four that may make servers; one worker of 8 cores, 30 GiB and 8 SU runs.
fn policy(rest: &str) -> Policy {
    let cloud = "  providers: [{name: cloud, openstack: {cloud: shop}}]\n";
    policy_of("worker-{1..4}", CREATE, &format!("{RATES}{cloud}{rest}"))
}

/// That worker is full, and so many pods wait that take a whole one each.
fn asking(count: usize) -> Cluster {
    let mut cluster = Cluster::workers(1);
    cluster.pod("busy", "worker-1", "busy", "8");
    for number in 1..=count {
        pending(&mut cluster, &format!("cart-{number}"), "cart", "8");
    }
    cluster
}

fn planned(policy: &Policy, world: &World) -> Plan {
    let plan = plan(policy, world, at(CALM)).0;
    assert_eq!(verify(&plan, world, policy), [], "{}", plan_text(&plan, 100));
    plan
}

/// The pods that wait on, and why.
fn held(plan: &Plan) -> (BTreeSet<String>, BTreeSet<Code>) {
    let held: Vec<_> = plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Waits).collect();
    let pods = held.iter().flat_map(|waiting| &waiting.pods).map(|pod| pod.pod.clone());
    (pods.collect(), held.iter().map(|waiting| waiting.reason.code).collect())
}

#[test]
fn servers_are_made_up_to_each_limit_and_not_one_unit_over() {
    for (limit, made, field) in [
        ("cpu: 24", 2, "cpu"),
        ("cpu: 23999m", 1, "cpu"),
        ("cpu: 16", 1, "cpu"),
        ("cpu: 15999m", 0, "cpu"),
        ("memory: 90Gi", 2, "memory"),
        ("memory: 96636764159", 1, "memory"),
        ("nodes: 3", 2, "nodes"),
        ("nodes: 2", 1, "nodes"),
        ("nodes: 1", 0, "nodes"),
        ("costPerHour: 24", 2, "costPerHour"),
        ("costPerHour: 23.999999", 1, "costPerHour"),
    ] {
        let policy = policy(&format!("  limits: {{{limit}}}\n"));
        let world = asking(2).world();
        let plan = planned(&policy, &world);
        assert_eq!(verbs(&plan, Verb::Create).len(), made, "{limit}: {}", plan_text(&plan, 100));
        assert!(verbs(&plan, Verb::Wake).is_empty());
        let (pods, codes) = held(&plan);
        assert_eq!(pods.len(), 2 - made, "each pod that is held back is listed: {pods:?}");
        assert!(pods.iter().all(|pod| pod.starts_with("default/cart-")), "{pods:?}");
        for waiting in plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Waits) {
            assert_eq!(waiting.reason.evidence.key, Some(format!("limits.{field}")), "{limit}");
            assert!(waiting.reason.origin.is_some(), "the line of the policy");
        }
        assert_eq!(codes, [Code::Limit].into_iter().take(usize::from(made < 2)).collect());
    }
}

#[test]
fn gpus_of_servers_that_are_made_count_too() {
    for (most, made) in [(4, 2), (3, 1), (2, 1), (1, 0)] {
        let create = "      create: {image: ubuntu, flavors: [g]}\n";
        let rest = format!("  providers: [{{name: cloud, openstack: {{cloud: shop}}}}]\n  limits: {{gpus: {most}}}\n");
        let policy = policy_of("worker-{1..4}", create, &rest);
        let mut cluster = Cluster::workers(0);
        cluster.items.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Flavor", "metadata": {"name": "g"},
            "spec": {"capacity": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"}},
        }));
        for number in 1..=2 {
            let pod: &mut Value = pending(&mut cluster, &format!("train-{number}"), "train", "1");
            let resources = &mut pod["spec"]["containers"][0]["resources"];
            resources["limits"] = json!({"nvidia.com/gpu": "2"});
            resources["requests"]["nvidia.com/gpu"] = json!("2");
        }
        let plan = planned(&policy, &cluster.world());
        assert_eq!(verbs(&plan, Verb::Create).len(), made, "{most}: {}", plan_text(&plan, 100));
        assert_eq!(held(&plan).0.len(), 2 - made);
    }
}

/// A pool with one that is parked and two that do not exist: the parked one comes back before anything is made, limits count
/// both alike, and one whose wake failed a moment ago is passed over.
#[test]
fn what_is_parked_comes_back_before_anything_is_made() {
    for (pods, rest, woken, made) in [
        (0, "", vec![], vec![]),
        (1, "", vec!["worker-3"], vec![]),
        (2, "", vec!["worker-3"], vec!["worker-2"]),
        (3, "", vec!["worker-3"], vec!["worker-2", "worker-4"]),
        (4, "", vec!["worker-3"], vec!["worker-2", "worker-4"]),
        (3, "  limits: {nodes: 2}\n", vec!["worker-3"], vec![]),
        (3, "  limits: {nodes: 3}\n", vec!["worker-3"], vec!["worker-2"]),
        (3, "  limits: {cpu: 31999m}\n", vec!["worker-3"], vec!["worker-2"]),
        (3, "  limits: {cpu: 32}\n", vec!["worker-3"], vec!["worker-2", "worker-4"]),
    ] {
        let mut cluster = asking(pods);
        parked(&mut cluster, "worker-3");
        let plan = planned(&policy(rest), &cluster.world());
        assert_eq!(verbs(&plan, Verb::Wake), woken, "{pods} {rest}: {}", plan_text(&plan, 100));
        assert_eq!(verbs(&plan, Verb::Create), made, "{pods} {rest}: {}", plan_text(&plan, 100));
        assert_eq!(held(&plan).0.len(), pods.saturating_sub(woken.len() + made.len()), "{pods} {rest}");
    }
    let mut cluster = asking(1);
    parked(&mut cluster, "worker-3");
    cluster.memory(json!({"nodes": {"worker-3": {"wakeFailure": {
        "why": "No valid host was found", "tries": 1, "next": "2026-11-22T19:04:00Z",
    }}}}));
    let plan = planned(&policy(""), &cluster.world());
    assert_eq!((verbs(&plan, Verb::Wake), verbs(&plan, Verb::Create)), (vec![], vec!["worker-2"]));
}
