//! Objects of storage, and pods that use them.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate::model::{Pod, World};
use tidegate::observe;
use tidegate::placement::Site;

pub const CLASH: &str = "node(s) didn't match PersistentVolume's node affinity";
pub const ZONE: &str = "node(s) had no available volume zone";
pub const NOTHING: &str = "node(s) didn't find available persistent volumes to bind";
pub const UNBOUND: &str = "pod has unbound immediate PersistentVolumeClaims";
pub const FULL: &str = "node(s) exceed max volume count";
pub const DISK: &str = "node(s) had no available disk";
pub const ONLY_ONE: &str =
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";

pub const STORAGE: [&str; 7] = [
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "CSINode",
    "CSIDriver",
    "CSIStorageCapacity",
    "VolumeAttachment",
];

/// A world that knows all kinds of storage but those named.
pub fn world_without(unread: &[&str], mut objects: Vec<Value>) -> World {
    let kinds: Vec<&str> = STORAGE.into_iter().filter(|kind| !unread.contains(kind)).collect();
    objects.push(json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot", "kinds": kinds}));
    let snapshot = observe::from_values(objects);
    assert!(snapshot.gaps.is_empty(), "{:?}", snapshot.gaps);
    World::build(snapshot)
}

pub fn world_of(objects: Vec<Value>) -> World {
    world_without(&[], objects)
}

pub fn object(api: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
    merge(&mut object, rest);
    object
}

pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

pub fn node(name: &str, labels: Value) -> Value {
    object(
        "v1",
        "Node",
        name,
        json!({"metadata": {"labels": labels},
        "status": {"allocatable": {"cpu": "8", "memory": "8Gi", "pods": "20"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
    )
}

pub fn pod(name: &str, on: Option<&str>, volumes: Value) -> Value {
    let mut pod = object(
        "v1",
        "Pod",
        name,
        json!({"metadata": {"namespace": "a", "uid": format!("uid-{name}")}, "spec": {"volumes": volumes}}),
    );
    if let Some(node) = on {
        pod["spec"]["nodeName"] = json!(node);
    }
    pod
}

/// A volume `v` of a pod from `claim`.
pub fn uses(claim: &str) -> Value {
    json!([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}])
}

pub fn claim(name: &str, rest: Value) -> Value {
    let mut claim = object(
        "v1",
        "PersistentVolumeClaim",
        name,
        json!({"metadata": {"namespace": "a", "uid": format!("uid-{name}")}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}}),
    );
    merge(&mut claim, rest);
    claim
}

/// A claim that is bound to `volume`.
pub fn bound(name: &str, volume: &str) -> Value {
    claim(
        name,
        json!({"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": volume}}),
    )
}

pub fn volume(name: &str, rest: Value) -> Value {
    let mut volume = object(
        "v1",
        "PersistentVolume",
        name,
        json!({"spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "csi": {"driver": "d", "volumeHandle": name}}}),
    );
    merge(&mut volume, rest);
    volume
}

/// A volume of class `c` that waits for a claim.
pub fn free(name: &str, size: &str, rest: Value) -> Value {
    let mut free = volume(
        name,
        json!({"spec": {"storageClassName": "c", "capacity": {"storage": size}}, "status": {"phase": "Available"}}),
    );
    merge(&mut free, rest);
    free
}

pub fn affinity(key: &str, values: Value) -> Value {
    json!({"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "In", "values": values}]}]}}})
}

pub fn class(name: &str, rest: Value) -> Value {
    let mut class = object(
        "storage.k8s.io/v1",
        "StorageClass",
        name,
        json!({"provisioner": "d", "volumeBindingMode": "WaitForFirstConsumer"}),
    );
    merge(&mut class, rest);
    class
}

pub fn csi_node(name: &str, limit: u32) -> Value {
    object(
        "storage.k8s.io/v1",
        "CSINode",
        name,
        json!({"spec": {"drivers": [{"name": "d", "allocatable": {"count": limit}}]}}),
    )
}

pub fn attachment(volume: &str, node: &str) -> Value {
    object(
        "storage.k8s.io/v1",
        "VolumeAttachment",
        &format!("va-{volume}-{node}"),
        json!({"spec": {"attacher": "d", "nodeName": node, "source": {"persistentVolumeName": volume}}, "status": {"attached": true}}),
    )
}

pub fn get<'a>(world: &'a World, name: &str) -> &'a Arc<Pod> {
    world.pods.values().find(|pod| &*pod.key.name == name).unwrap()
}

pub fn words(site: &Site, world: &World, pod: &str, node: &str) -> Vec<String> {
    site.unfit(get(world, pod), node).iter().map(ToString::to_string).collect()
}

/// Why pod `p` does not fit node `n` in zone `z1`.
pub fn says(volumes: Value, objects: Vec<Value>) -> Vec<String> {
    let mut all = vec![node("n", json!({"topology.kubernetes.io/zone": "z1", "disk": "ssd"})), pod("p", None, volumes)];
    all.extend(objects);
    let world = world_of(all);
    let site = Site::new(&world);
    assert_eq!(site.fits(get(&world, "p"), "n"), site.homes(get(&world, "p")) == ["n".into()]);
    words(&site, &world, "p", "n")
}
