//! Pods that wait: what is brought for them, what is not, and why.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::plan::{Code, Outlook, Plan, Verb, Verdict, explain_pod, plan, verify};
use tidegate::policy::{Policy, PolicySource, load};
use tidegate::report::{plan_markdown, plan_text, pod_text};

use super::fixture::{Cluster, at, merge, policy};
use super::random::{cluster as random_cluster, pods};
use super::{CALM, verbs};

/// A node that Tidegate parked.
pub fn parked(cluster: &mut Cluster, name: &str) {
    let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    cluster.node(name, metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
}

/// Workers of which the first `up` are active and the others, up to `all`, parked.
pub fn workers(up: usize, all: usize) -> Cluster {
    let mut cluster = Cluster::workers(up);
    (up + 1..=all).for_each(|number| parked(&mut cluster, &format!("worker-{number}")));
    cluster
}

/// A pod that the scheduler refused.
pub fn pending<'c>(cluster: &'c mut Cluster, name: &str, owner: &str, cpu: &str) -> &'c mut Value {
    let pod = cluster.pod(name, "", owner, cpu);
    pod["spec"].as_object_mut().unwrap().remove("nodeName");
    merge(
        pod,
        json!({"status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]}}),
    );
    pod
}

/// So many of one workload.
fn carts(cluster: &mut Cluster, count: usize, cpu: &str) {
    for number in 1..=count {
        pending(cluster, &format!("cart-{number}"), "cart", cpu);
    }
}

fn outlooks(plan: &Plan) -> Vec<(Outlook, Code, usize)> {
    plan.waiting.iter().map(|waiting| (waiting.outlook, waiting.reason.code, waiting.pods.len())).collect()
}

fn clean(plan: &Plan, world: &World, policy: &Policy) {
    assert_eq!(verify(plan, world, policy), [], "{}", plan_text(plan, 110));
}

#[test]
fn pods_that_do_not_fit_wake_as_few_nodes_as_hold_them() {
    let policy = policy("      min: 1\n", "");
    let mut cluster = workers(1, 10);
    cluster.pod("busy", "worker-1", "busy", "7");
    carts(&mut cluster, 5, "3");
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    // Two of 3 cores fit on a node of 8.
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-2", "worker-3", "worker-4"]);
    assert_eq!(outlooks(&plan), [(Outlook::Comes, Code::Demand, 5)]);
    let reasons: Vec<_> = plan.steps.iter().filter(|step| step.verb == Verb::Wake).map(|step| &step.reason).collect();
    assert!(reasons.iter().all(|reason| reason.code == Code::Demand && reason.origin.is_some()), "{reasons:#?}");
    assert_eq!(reasons[0].text, "2 pending pods need it: default/cart-1 and default/cart-2");
    assert_eq!(plan.pools[0].desired, 4);
    let quality = "3 nodes come for what has no room on those that are up, at least 2 needed";
    assert!(plan.notes.iter().any(|note| note == quality), "{:?}", plan.notes);
    assert!(plan.summary.text.starts_with("Plan: 3 to wake (unshelve) for 5 pending pods."), "{}", plan.summary.text);
    clean(&plan, &world, &policy);
    let text = plan_text(&plan, 200);
    assert!(
        text.contains(
            "5 pods of ReplicaSet default/cart (default/cart-1, default/cart-2, default/cart-3 and 2 more): \
                           room on worker-2, worker-3, worker-4, which come"
        ),
        "{text}"
    );
    assert!(plan_markdown(&plan).contains("Pending pods"));
}

/// Room that is there, or comes for the floor, is used first, and nothing is brought beside it.
#[test]
fn what_fits_on_what_is_there_or_comes_wakes_nothing() {
    for (min, wakes, outlook) in [(1, 0, Outlook::Room), (2, 1, Outlook::Comes)] {
        let policy = policy(&format!("      min: {min}\n"), "");
        let mut cluster = workers(1, 3);
        cluster.pod("busy", "worker-1", "busy", if min == 1 { "5" } else { "7" });
        pending(&mut cluster, "cart-1", "cart", "3");
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(verbs(&plan, Verb::Wake).len(), wakes, "{}", plan_text(&plan, 100));
        assert_eq!(plan.waiting[0].outlook, outlook);
        clean(&plan, &world, &policy);
    }
}

/// A node with room for a pod that waits is not taken away from it, though nothing runs there.
#[test]
fn a_node_that_a_pending_pod_needs_stays() {
    let policy = policy("      min: 0\n", "");
    let mut cluster = Cluster::workers(2);
    pending(&mut cluster, "cart-1", "cart", "6");
    pending(&mut cluster, "cart-2", "cart", "6");
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    assert_eq!(plan.steps, [], "{}", plan_text(&plan, 100));
    let kept = &plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap().reasons[0];
    assert_eq!(kept.code, Code::NoOtherHome);
    assert!(kept.text.starts_with("pending pod default/cart-"), "{}", kept.text);
    clean(&plan, &world, &policy);
}

/// H6: what gives capacity back goes on under a freeze; own cordons come before wakes.
#[test]
fn own_cordons_are_lifted_before_anything_is_woken() {
    let policy =
        policy("      min: 1\n      windows: [{name: exam, kind: freeze, start: \"0 0 * * *\", duration: 24h}]\n", "");
    let mut cluster = workers(1, 3);
    cluster.pod("busy", "worker-1", "busy", "7");
    super::own_cordon(&mut cluster, 9, "draining");
    carts(&mut cluster, 3, "4");
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    assert_eq!(verbs(&plan, Verb::Uncordon), ["worker-9", "worker-2"]);
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-2"]);
    clean(&plan, &world, &policy);
}

/// Who waits and brings nothing, each with its word.
#[test]
fn who_is_no_demand_brings_nothing_and_is_told_why() {
    let cases: [(&str, Value, Code); 5] = [
        ("gated", json!({"spec": {"schedulingGates": [{"name": "quota"}]}}), Code::Gated),
        ("cheap", json!({"spec": {"priority": -11}}), Code::LowPriority),
        ("promised", json!({"spec": {"priority": 1000}, "status": {"nominatedNodeName": "worker-1"}}), Code::Nominated),
        ("fresh", json!({"status": {"conditions": []}}), Code::NotRefused),
        (
            "daemon",
            json!({"metadata": {"ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "d", "controller": true}]}}),
            Code::DaemonSet,
        ),
    ];
    for (name, change, code) in cases {
        let policy = policy("      min: 1\n", "");
        let mut cluster = workers(1, 3);
        cluster.pod("busy", "worker-1", "busy", "7");
        merge(pending(&mut cluster, name, "x", "3"), change);
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(plan.steps, [], "{name}");
        assert_eq!(outlooks(&plan), [(Outlook::Ignored, code, 1)], "{name}");
        assert_eq!(plan.summary.verdict, Verdict::NoChanges, "{name}: {}", plan.summary.text);
        clean(&plan, &world, &policy);
    }
    // A promise that nobody has to keep is none: the node is gone, is shut, or all on it are as important.
    for (name, node, change) in [
        ("gone", "worker-77", json!({})),
        ("equal", "worker-1", json!({})),
        ("shut", "worker-1", json!({"spec": {"unschedulable": true}})),
    ] {
        let policy = policy("      min: 1\n", "");
        let mut cluster = workers(1, 3);
        cluster.pod("busy", "worker-1", "busy", "7");
        merge(pending(&mut cluster, name, "x", "3"), json!({"status": {"nominatedNodeName": node}}));
        let first = cluster.items.iter_mut().find(|item| item["metadata"]["name"] == "worker-1").unwrap();
        merge(first, change);
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(verbs(&plan, Verb::Wake), ["worker-2"], "{name}");
        clean(&plan, &world, &policy);
    }
    // At the cutoff a pod still counts.
    let policy = policy("      min: 1\n", "");
    let mut cluster = workers(1, 3);
    cluster.pod("busy", "worker-1", "busy", "7");
    merge(pending(&mut cluster, "cheap", "x", "3"), json!({"spec": {"priority": -10}}));
    assert_eq!(verbs(&cluster.plan(&policy, CALM), Verb::Wake), ["worker-2"]);
}

/// Each pod that is not helped has its reason: too large, not for these nodes, the ceiling, nothing left, not to be woken.
#[test]
fn who_waits_on_is_told_why() {
    let cases: [(&str, usize, &str, Value, Code, &str); 5] = [
        ("", 3, "9", json!({}), Code::NoNodeFits, "Insufficient cpu"),
        ("", 3, "1", json!({"spec": {"nodeSelector": {"gpu": "yes"}}}), Code::NoNodeFits, "node affinity/selector"),
        ("      max: 1\n", 3, "3", json!({}), Code::Ceiling, "the pool's ceiling is 1"),
        ("", 1, "3", json!({}), Code::NoCreate, "pool workers has none left to wake"),
        ("held", 2, "3", json!({}), Code::Hold, "held by a person"),
    ];
    for (pool, all, cpu, change, code, said) in cases {
        let held = pool == "held";
        let policy = policy(&format!("      min: 1\n{}", if held { "" } else { pool }), "");
        let mut cluster = workers(1, all);
        if held {
            let node =
                cluster.items.iter_mut().find(|item| item["kind"] == "Node" && item["metadata"]["name"] == "worker-2");
            node.unwrap()["metadata"]["annotations"]["tidegate.dev/hold"] = json!("disk");
        }
        cluster.pod("busy", "worker-1", "busy", "7");
        merge(pending(&mut cluster, "cart-1", "cart", cpu), change);
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(outlooks(&plan), [(Outlook::Waits, code, 1)], "{said}: {:#?}", plan.waiting);
        assert!(plan.waiting[0].reason.text.contains(said), "{}", plan.waiting[0].reason.text);
        assert_eq!(plan.summary.verdict, Verdict::NothingNow);
        assert!(plan.summary.text.contains("1 pod stays pending, see above"), "{}", plan.summary.text);
        clean(&plan, &world, &policy);
        let key = world.pods.keys().find(|key| &*key.name == "cart-1").unwrap();
        let found = explain_pod(&world, Some((&policy, &plan)), key, at(CALM)).unwrap();
        let text = pod_text(&found, Some(&plan), "UTC", 200);
        assert!(text.contains("the plan cannot help it: ") && text.contains(said), "{text}");
    }
}

/// H8: a pool that backs off is not woken for pods either, and the next pool is.
#[test]
fn what_backs_off_gives_way_to_another_pool() {
    let text = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: test}\nspec:\n  pools:\n    \
                - {name: one, nodes: {names: \"one-*\"}, idle: shelve, weight: 1}\n    \
                - {name: two, nodes: {names: \"two-*\"}, idle: shelve}\n";
    let policy = load(&[PolicySource { path: "policy.yaml".into(), text: text.into() }]).policy.unwrap();
    for (until, woken) in [("2026-11-22T20:00:00Z", "two-1"), ("2026-11-22T18:00:00Z", "one-1")] {
        let mut cluster = Cluster::workers(0);
        parked(&mut cluster, "one-1");
        parked(&mut cluster, "two-1");
        pending(&mut cluster, "cart-1", "cart", "3");
        cluster.memory(json!({"pools": {"one": {"members": 1, "failedWakes": 1, "backoffUntil": until,
                                                "parkTimes": [], "wakeTimes": []}}}));
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(verbs(&plan, Verb::Wake), [woken]);
        clean(&plan, &world, &policy);
    }
}

/// Rates decide between flavors: the cheapest for what is asked, not the largest or the first.
#[test]
fn the_cheapest_that_serves_is_woken() {
    let text = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: test}\nspec:\n  \
                rates:\n    - {unit: SU, perHour: {small: 4, large: 14}, charged: {shelved: 0%}}\n  pools:\n    \
                - {name: all, nodes: {names: [\"small-*\", \"large-*\"]}, idle: shelve}\n";
    let policy = load(&[PolicySource { path: "policy.yaml".into(), text: text.into() }]).policy.unwrap();
    for (pods, woken) in [(1, vec!["small-1"]), (2, vec!["small-1", "small-2"]), (4, vec!["large-1"])] {
        let mut cluster = Cluster::workers(0);
        for (name, flavor, cpu) in
            [("large-1", "large", "8"), ("large-2", "large", "8"), ("small-1", "small", "2"), ("small-2", "small", "2")]
        {
            parked(&mut cluster, name);
            for item in cluster.items.iter_mut().filter(|item| item["metadata"]["name"] == name) {
                if item["kind"] == "Node" {
                    item["status"]["allocatable"]["cpu"] = json!(cpu);
                } else {
                    item["spec"]["flavor"] = json!(flavor);
                }
            }
        }
        carts(&mut cluster, pods, "2");
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(verbs(&plan, Verb::Wake), woken, "{pods} pods");
        clean(&plan, &world, &policy);
    }
}

/// H9: where the simulation has room and the scheduler refuses for minutes, nothing is brought, and both are shown.
#[test]
fn a_scheduler_that_disagrees_is_told_and_not_fed() {
    let policy = policy("      min: 1\n", "");
    for (since, code) in [("2026-11-22T18:59:00Z", Code::HasRoom), ("2026-11-22T18:58:00Z", Code::PlacementDisagrees)] {
        let mut cluster = workers(1, 3);
        let node = cluster.items.iter_mut().find(|item| item["kind"] == "Node").unwrap();
        node["status"]["conditions"][0]["lastTransitionTime"] = json!(since);
        pending(&mut cluster, "cart-1", "cart", "3");
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(plan.steps, []);
        assert_eq!(outlooks(&plan), [(Outlook::Room, code, 1)]);
        assert_eq!(plan.waiting[0].reason.text.contains("0/1 nodes are available"), code == Code::PlacementDisagrees);
        clean(&plan, &world, &policy);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever runs and whatever waits: each pod is spoken of, each that is to have a node fits there with all the others,
    /// floor and ceiling hold, no node comes for nothing, and none that is spare.
    #[test]
    fn every_pod_is_served_or_told_why(
        running in pods(),
        waiting in prop::collection::vec((0..5_usize, 1..=20_u32), 0..16),
        up in 1..8_usize,
        min in 0..3_u32,
        more in 0..9_u32,
    ) {
        let policy = policy(&format!("      min: {min}\n      max: {}\n", min + more), super::RATES);
        let mut cluster = random_cluster(&running, &[Some(1), None, Some(2)]);
        for number in up + 1..=8 {
            let name = format!("worker-{number}");
            cluster.items.retain(|item| item["metadata"]["name"] != name.as_str() && item["spec"]["nodeName"] != name.as_str());
            parked(&mut cluster, &name);
        }
        for (index, (owner, half_cores)) in waiting.iter().enumerate() {
            let pod = pending(&mut cluster, &format!("w{index}"), &format!("o{owner}"), &format!("{}00m", half_cores * 5));
            merge(pod, super::random::company(*owner));
        }
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        prop_assert_eq!(verify(&plan, &world, &policy), vec![], "{}", plan_text(&plan, 110));
        let told: usize = plan.waiting.iter().map(|waiting| waiting.pods.len()).sum();
        prop_assert_eq!(told, waiting.len());
        for step in plan.steps.iter().filter(|step| step.reason.code == Code::Demand) {
            let serves = plan.waiting.iter().flat_map(|waiting| &waiting.pods).any(|pod| pod.node.as_ref() == Some(&step.node));
            prop_assert!(serves, "{} comes for nobody", step.node);
        }
    }
}
