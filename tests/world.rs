//! A world that takes changes one by one is the world built from what they lead to, and its digest tells worlds apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{Change, Kind, PodKey, Snapshot, World, digest};
use tidegate::observe;

/// One of few keys, so that changes meet what is there.
fn object() -> impl Strategy<Value = Value> {
    let name = 0..4_u8;
    prop_oneof![
        (name.clone(), 1..5_u8, any::<bool>()).prop_map(|(name, cpu, cordoned)| json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("n{name}")},
            "spec": {"unschedulable": cordoned, "providerID": format!("x:///s{name}")},
            "status": {"allocatable": {"cpu": cpu}},
        })),
        (name.clone(), 0..4_u8, 0..3_u8, any::<bool>()).prop_map(|(name, node, owner, bound)| {
            let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("w{owner}"),
                                "uid": format!("u{owner}"), "controller": true}]);
            let mut spec = json!({});
            if bound {
                spec["nodeName"] = json!(format!("n{node}"));
            }
            json!({"apiVersion": "v1", "kind": "Pod",
                   "metadata": {"name": format!("p{name}"), "namespace": "a", "ownerReferences": owner}, "spec": spec})
        }),
        (name.clone(), 0..5_u8).prop_map(|(name, min)| json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": format!("b{name}"), "namespace": "a"}, "spec": {"minAvailable": min, "selector": {}},
        })),
        (name.clone(), 0..5_u8).prop_map(|(name, replicas)| json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": format!("w{name}"), "namespace": "a", "uid": format!("u{name}")},
            "spec": {"replicas": replicas},
        })),
        (name.clone(), 0..3_u8).prop_map(|(name, label)| json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": format!("ns{name}"), "labels": {"team": format!("t{label}")}},
        })),
        (name.clone(), 0..3_u8).prop_map(|(name, minute)| json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": format!("n{name}"), "namespace": "kube-node-lease"},
            "spec": {"renewTime": format!("2026-11-24T12:0{minute}:00.000000Z")},
        })),
        (name, 0..3_u8).prop_map(|(name, other)| json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Server",
            "metadata": {"name": format!("n{other}")}, "spec": {"id": format!("s{name}")}, "status": {"state": "ACTIVE"},
        })),
    ]
}

fn snapshot(objects: &[Value]) -> Snapshot {
    let mut snapshot = observe::from_values(objects.iter().cloned());
    snapshot.gaps.clear();
    snapshot
}

/// The change that brings the only object of a snapshot.
fn arrival(one: Snapshot) -> Change {
    let mut changes = (one.nodes.into_iter().map(Change::Node))
        .chain(one.pods.into_iter().map(Change::Pod))
        .chain(one.budgets.into_iter().map(Change::Budget))
        .chain(one.workloads.into_iter().map(Change::Workload))
        .chain(one.servers.into_iter().map(Change::Server))
        .chain(one.namespaces.into_iter().map(|(name, labels)| Change::Namespace(name, labels)))
        .chain(one.leases.into_iter().map(|(node, renewed)| Change::Lease(node, renewed)));
    changes.next().unwrap()
}

/// The change that takes an object away.
fn departure(object: &Value) -> Change {
    let kind: Kind = serde_json::from_value(object["kind"].clone()).unwrap();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    Change::gone(kind, PodKey::new(namespace, key(object).1.as_str())).unwrap()
}

fn key(object: &Value) -> (String, String) {
    let name = object["spec"]["id"].as_str().or(object["metadata"]["name"].as_str());
    (object["kind"].to_string(), name.unwrap().to_owned())
}

/// When and what was listed is not a matter of changes.
fn settle(mut world: World) -> World {
    (world.taken, world.taken_inferred) = (None, false);
    world.observed.clear();
    world
}

proptest! {
    #[test]
    fn build_and_apply_agree(
        start in prop::collection::vec(object(), 0..12),
        changes in prop::collection::vec((object(), any::<bool>()), 1..12),
    ) {
        let mut objects = start;
        let mut world = settle(World::build(snapshot(&objects)));
        for (object, comes) in changes {
            let change = arrival(snapshot(std::slice::from_ref(&object)));
            objects.retain(|other| key(other) != key(&object));
            if comes {
                objects.push(object);
                world.apply(change);
            } else {
                world.apply(departure(&object));
            }
            let built = settle(World::build(snapshot(&objects)));
            prop_assert_eq!(&world, &built);
            prop_assert_eq!(digest(&world), digest(&built));
            for pod in world.pods.values() {
                if let Some(node) = &pod.node {
                    prop_assert!(world.pods_on(node).any(|other| other.key == pod.key));
                }
                let owner = pod.owner.as_ref().unwrap();
                prop_assert!(world.pods_of(&owner.uid).any(|other| other.key == pod.key));
            }
        }
    }

    #[test]
    fn the_digest_does_not_depend_on_order(objects in prop::collection::vec(object(), 0..10), by in 0..10_usize) {
        let mut distinct: Vec<Value> = Vec::new();
        for object in objects {
            distinct.retain(|other| key(other) != key(&object));
            distinct.push(object);
        }
        let one = digest(&World::build(snapshot(&distinct)));
        let len = distinct.len().max(1);
        distinct.rotate_left(by % len);
        prop_assert_eq!(&one, &digest(&World::build(snapshot(&distinct))));
        if let Some(last) = distinct.pop() {
            prop_assert_ne!(&one, &digest(&World::build(snapshot(&distinct))), "without {}", last);
        }
    }
}

#[test]
fn the_digest_does_not_depend_on_when_it_was_taken() {
    let node = |heard: &str| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "creationTimestamp": heard}});
    let mut world = World::build(snapshot(&[node("2026-01-01T00:00:00Z")]));
    let before = digest(&world);
    world.taken = Some("2026-06-01T00:00:00Z".parse().unwrap());
    world.taken_inferred = false;
    assert_eq!(digest(&world), before);
    assert_ne!(digest(&World::build(snapshot(&[node("2026-01-02T00:00:00Z")]))), before, "creation counts");
}
