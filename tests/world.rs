//! A world that takes changes one by one is the world built from what they lead to, and its digest tells worlds apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{Change, Kind, Memory, PodKey, Snapshot, World, digest};
use tidegate::observe;

/// The kinds that a world holds.
fn held() -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| *kind != Kind::PriorityClass).collect()
}

/// An object of a kind, one of few by that key, so that changes meet what is there.
fn made(kind: Kind, name: u8, one: u8, other: u8) -> Value {
    let api = kind.api().map_or("tidegate.dev/v1alpha1", |api| api.version);
    let bare = |name: String| json!({"apiVersion": api, "kind": kind.to_string(), "metadata": {"name": name}});
    let here = |name: String| {
        let mut made = bare(name);
        made["metadata"]["namespace"] = json!("a");
        made
    };
    let mut made = match kind {
        Kind::Node => bare(format!("n{name}")),
        Kind::Namespace | Kind::StorageClass | Kind::CSINode | Kind::CSIDriver | Kind::PersistentVolume => {
            bare(format!("x{name}"))
        }
        Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => bare(format!("x{name}")),
        Kind::VolumeAttachment | Kind::PriorityClass | Kind::Flavor => bare(format!("x{name}")),
        Kind::Server => bare(format!("n{other}")),
        Kind::Lease => {
            let mut made = here(format!("n{name}"));
            made["metadata"]["namespace"] = json!("kube-node-lease");
            made
        }
        _ => here(format!("w{name}")),
    };
    let rest = match kind {
        Kind::Node => json!({
            "spec": {"unschedulable": other == 0, "providerID": format!("x:///s{name}"),
                     "taints": (0..other).map(|n| json!({"key": format!("t{n}"), "effect": "NoSchedule"})).collect::<Vec<_>>()},
            "status": {"allocatable": {"cpu": one + 1}},
        }),
        Kind::Pod => json!({
            "spec": if other == 0 { json!({}) } else { json!({"nodeName": format!("n{other}")}) },
            "status": {"phase": (["Pending", "Running", "Running", "Succeeded"][usize::from(one)])},
        }),
        Kind::PodDisruptionBudget => json!({"spec": {"minAvailable": one, "selector": {}}}),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => {
            json!({"spec": {"replicas": one, "selector": {"matchLabels": {"app": format!("l{other}")}}}})
        }
        Kind::ReplicationController => json!({"spec": {"replicas": one, "selector": {"app": format!("l{other}")}}}),
        Kind::PersistentVolumeClaim => {
            json!({"spec": {"volumeName": format!("x{one}"), "accessModes": ["ReadWriteOnce"]}})
        }
        Kind::PersistentVolume => json!({
            "spec": {"capacity": {"storage": format!("{one}Gi")}, "csi": {"driver": "d", "volumeHandle": format!("h{other}")}},
        }),
        Kind::StorageClass => json!({"provisioner": format!("d{one}")}),
        Kind::CSINode => json!({"spec": {"drivers": [{"name": "d", "nodeID": "n", "allocatable": {"count": one}}]}}),
        Kind::CSIDriver => json!({"spec": {"storageCapacity": one == 0}}),
        Kind::CSIStorageCapacity => json!({"storageClassName": "x1", "capacity": format!("{one}Gi")}),
        Kind::VolumeAttachment => json!({
            "spec": {"attacher": "d", "nodeName": format!("n{one}"), "source": {"persistentVolumeName": format!("x{other}")}},
        }),
        Kind::PriorityClass => json!({"value": one}),
        Kind::Namespace => json!({"metadata": {"labels": {"team": format!("t{one}")}}}),
        Kind::Lease => json!({"spec": {"renewTime": format!("2026-11-24T12:0{one}:00.000000Z")}}),
        Kind::Service => {
            json!({"spec": {"type": (["ClusterIP", "NodePort"][usize::from(one % 2)]), "selector": {"app": "l"}}})
        }
        Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => json!({
            "webhooks": [{"name": format!("w{one}"), "clientConfig": {"service": {"namespace": "a", "name": format!("w{other}")}}}],
        }),
        Kind::Server => {
            json!({"spec": {"id": format!("s{name}")}, "status": {"state": (["ACTIVE", "SHUTOFF"][usize::from(one % 2)])}})
        }
        Kind::Flavor => json!({"spec": {"provider": "p", "vcpus": one + 1, "ram": "8Gi"}}),
    };
    merge(&mut made, rest);
    if kind == Kind::Pod {
        made["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "name": format!("w{other}"), "uid": format!("uid-w{other}"), "controller": true}]);
    }
    made["metadata"]["uid"] = json!(format!("uid-w{name}"));
    made
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// What a provider allows, or what was remembered: these only come.
fn told(memory: bool, name: u8, one: u8) -> Value {
    let item = |kind: &str, name: String| json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": kind, "metadata": {"name": name}});
    if memory {
        let mut made = item("Memory", "memory".to_owned());
        made["memory"] =
            json!({"pools": {format!("p{name}"): {"members": one}}, "written": format!("2026-11-24T12:0{one}:00Z")});
        return made;
    }
    let mut made = item("Quota", format!("c{name}"));
    made["quota"] = json!({"provider": format!("c{name}"), "servers": {"most": null, "used": one}});
    made
}

fn object() -> impl Strategy<Value = Value> {
    // What the indexes are of comes more often.
    let kinds = prop_oneof![
        2 => prop::sample::select(held()),
        1 => prop::sample::select(vec![Kind::Pod, Kind::Node, Kind::Server]),
    ];
    prop_oneof![
        12 => (kinds, 0..4_u8, 0..4_u8, 0..4_u8).prop_map(|(kind, name, one, other)| made(kind, name, one, other)),
        1 => (any::<bool>(), 0..4_u8, 0..4_u8).prop_map(|(memory, name, one)| told(memory, name, one)),
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
        .chain(one.claims.into_iter().map(Change::Claim))
        .chain(one.volumes.into_iter().map(Change::PersistentVolume))
        .chain(one.classes.into_iter().map(Change::StorageClass))
        .chain(one.csi_nodes.into_iter().map(Change::CsiNode))
        .chain(one.csi_drivers.into_iter().map(Change::CsiDriver))
        .chain(one.capacities.into_iter().map(Change::StorageCapacity))
        .chain(one.attachments.into_iter().map(Change::VolumeAttachment))
        .chain(one.services.into_iter().map(Change::Service))
        .chain(one.webhooks.into_iter().map(Change::Webhooks))
        .chain(one.servers.into_iter().map(Change::Server))
        .chain(one.flavors.into_iter().map(Change::Flavor))
        .chain(one.namespaces.into_iter().map(|(name, labels)| Change::Namespace(name, labels)))
        .chain(one.leases.into_iter().map(|(node, renewed)| Change::Lease(node, renewed)))
        .chain(one.quotas.into_iter().map(Change::Quota))
        .chain(Some(one.memory).filter(|memory| *memory != Memory::default()).map(Change::Memory));
    changes.next().unwrap()
}

/// The change that takes an object away; None for flavors, quotas and the memory, which only come.
fn departure(object: &Value) -> Option<Change> {
    let kind: Kind = serde_json::from_value(object["kind"].clone()).ok()?;
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    Change::gone(kind, PodKey::new(namespace, key(object).1.as_str()))
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

#[test]
fn an_object_of_each_kind_comes_and_goes() {
    for kind in held() {
        let object = made(kind, 1, 2, 3);
        let built = settle(World::build(snapshot(std::slice::from_ref(&object))));
        let empty = settle(World::build(snapshot(&[])));
        assert!(built != empty, "{kind} is held");
        let mut world = empty.clone();
        world.apply(arrival(snapshot(std::slice::from_ref(&object))));
        assert_eq!(world, built, "{kind} comes");
        if let Some(departure) = departure(&object) {
            world.apply(departure);
            assert_eq!(world, empty, "{kind} goes");
        }
    }
    for memory in [true, false] {
        let object = told(memory, 1, 2);
        let built = settle(World::build(snapshot(std::slice::from_ref(&object))));
        let mut world = settle(World::build(snapshot(&[])));
        assert_ne!(world, built, "{object} is held");
        world.apply(arrival(snapshot(std::slice::from_ref(&object))));
        assert_eq!(world, built, "{object} comes");
    }
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
            match departure(&object).filter(|_| !comes) {
                Some(departure) => world.apply(departure),
                None => {
                    objects.push(object);
                    world.apply(change);
                }
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
