//! What the scheduler prefers: totals worked out by hand from its plugins' rules.

use serde_json::{Value, json};
use tidegate::placement::{Site, Strategy};

use super::{get, node, pod, world};

/// `node score` of each that takes the pod `p`, best first.
fn ranking(objects: Vec<Value>, strategy: Strategy) -> Vec<String> {
    let world = world(objects);
    let ranked = Site::new(&world).ranking(get(&world, "p"), strategy);
    ranked.into_iter().map(|(score, node)| format!("{node} {score}")).collect()
}

fn asks(cpu: &str, memory: &str) -> Value {
    json!({"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]})
}

fn on(node: &str, mut spec: Value) -> Value {
    spec["nodeName"] = json!(node);
    spec
}

#[test]
fn empty_nodes_first_or_full_ones() {
    let objects = || {
        vec![
            node("a", json!({})),
            node("b", json!({})),
            pod("x", on("a", asks("2", "4Gi"))),
            pod("p", asks("1", "2Gi")),
        ]
    };
    // Taints count 3 x 100 where nothing speaks against a node. a: 75 % in use, b: 25 %; both stay balanced: 75.
    assert_eq!(ranking(objects(), Strategy::LeastAllocated), ["b 450", "a 400"]);
    assert_eq!(ranking(objects(), Strategy::MostAllocated), ["a 450", "b 400"]);
}

#[test]
fn balance_counts_only_for_pods_that_ask() {
    let objects = |asked: Value| {
        vec![
            node("a", json!({})),
            node("b", json!({})),
            pod("x", on("a", asks("2", "0"))),
            pod("y", on("b", asks("0", "4Gi"))),
            pod("p", asked),
        ]
    };
    // LeastAllocated 62 on both. a: 50 and 0 % become 75 and 0 %, balance 75 -> 62; b: 0 and 50 % become 25 and 50 %,
    // balance 75 -> 87.
    let asked = ranking(objects(asks("1", "0")), Strategy::LeastAllocated);
    assert_eq!(asked, ["b 443", "a 430"]);
    let silent = ranking(objects(json!({"containers": [{}]})), Strategy::LeastAllocated);
    assert_eq!(silent, ["a 372", "b 372"]);
}

#[test]
fn soft_taints_and_preferred_labels() {
    let tainted = json!({"spec": {"taints": [{"key": "k", "effect": "PreferNoSchedule"}]}});
    let marked = json!({"metadata": {"labels": {"disk": "ssd"}}});
    let preferred = |weight: u8, key: &str| json!({"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]}});
    let mut spec = json!({"containers": [{}]});
    spec["affinity"] = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred(30, "disk"), preferred(10, "zone")]}});
    let objects = vec![node("a", json!({})), node("b", tainted), node("c", marked), pod("p", spec)];
    // LeastAllocated 97 everywhere. Affinity: a and b have 10 of 40 (25), c 40 of 40 (100), twice.
    assert_eq!(ranking(objects, Strategy::LeastAllocated), ["c 597", "a 447", "b 147"]);
}

#[test]
fn friends_and_foes_in_both_directions() {
    let near = |app: &str, weight: u8| json!({"weight": weight, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}});
    let friend = json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near("p", 20)]}});
    let foe = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near("p", 60)]}});
    let devoted = json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "p"}}}]}});
    let mut objects: Vec<Value> = ["a", "b", "c", "d"].iter().map(|name| node(name, json!({}))).collect();
    for (name, node, affinity) in [("x", "a", friend), ("y", "b", foe), ("z", "c", devoted), ("w", "d", json!({}))] {
        objects.push(pod(name, on(node, json!({"containers": [{}], "affinity": affinity}))));
    }
    objects.push(pod("p", json!({"containers": [{}], "affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near("w", 20)]}}})));
    // Sums: a 20, b -60, c 1, d 20; shares of the way from -60 to 20, cut, twice. LeastAllocated 95 everywhere.
    assert_eq!(ranking(objects, Strategy::LeastAllocated), ["a 595", "d 595", "c 547", "b 395"]);
}

#[test]
fn replicas_of_one_owner_spread_by_default_and_by_their_own_constraint() {
    let replica = |name: &str, node: &str, rest: Value| {
        let mut pod = pod(name, json!({"containers": [{}]}));
        if !node.is_empty() {
            pod["spec"]["nodeName"] = json!(node);
        }
        pod["metadata"]["labels"] = json!({"app": "web"});
        pod["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": true}]);
        super::merge(&mut pod, rest);
        pod
    };
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "a", "uid": "u"},
                       "spec": {"selector": {"matchLabels": {"app": "web"}}}});
    let objects = |rest: Value| {
        let mut objects: Vec<Value> = ["a", "b", "c"].iter().map(|name| node(name, json!({}))).collect();
        objects.push(owner.clone());
        objects.extend([("x", "a"), ("y", "a"), ("z", "b")].map(|(name, node)| replica(name, node, json!({}))));
        objects.push(replica("p", "", rest));
        objects
    };
    // By default: pods of each node times ln 5, plus maxSkew - 1 = 2; no node has the zone label. a 5.2, b 3.6, c 2:
    // rounded 5, 4, 2, turned around 40, 60, 100. LeastAllocated 92, 95, 97.
    let expected = ["c 597", "b 515", "a 472"];
    assert_eq!(ranking(objects(json!({})), Strategy::LeastAllocated), expected);
    // A Service over the same pods does instead of an owner that is not there, and narrows what an owner selects.
    let served = |selector: Value, owned: bool| {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "a"}, "spec": {"selector": selector}});
        let mut objects = objects(json!({}));
        objects.retain(|object| owned || object["kind"] != "ReplicaSet");
        objects.push(service);
        ranking(objects, Strategy::LeastAllocated)
    };
    assert_eq!(served(json!({"app": "web"}), false), expected);
    assert_eq!(served(json!({"app": "web"}), true), expected);
    let unspread = served(json!(null), false);
    assert_ne!(unspread, expected);
    assert_eq!(served(json!({"app": "other"}), false), unspread, "it does not mean the pod");
    let soft = json!({"spec": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "web"}}}]}});
    // Its own: a 3.2, b 1.6, c 0: rounded 3, 2, 0, turned around 0, 33, 100.
    assert_eq!(ranking(objects(soft), Strategy::LeastAllocated), ["c 597", "b 461", "a 392"]);
}
