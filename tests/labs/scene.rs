//! A random small cluster, and pods that ask to be placed on it one after another.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::pods;
use crate::volumes::Storage;

/// What may be in the mix, by the names that `--mix` takes: what placement models.
pub const FEATURES: &[&str] = &[
    "resources",
    "containers",
    "extended",
    "selectors",
    "nodeaffinity",
    "taints",
    "ports",
    "preferences",
    "priorities",
    "ending",
];

pub const NAMESPACES: &[&str] = &["blue", "green", "red"];

/// Kubernetes objects as they are created, and pods as they are then asked about.
#[derive(Clone, Debug)]
pub struct Scene {
    /// In an order in which they can be created.
    pub objects: Vec<Value>,
    pub pending: Vec<Value>,
}

/// How often a feature is used, in percent.
pub struct Mix {
    features: Vec<&'static str>,
    theme: &'static str,
}

impl Mix {
    /// The chance of `feature`: none where it is out of the mix, high where it is what this cluster is about.
    pub fn chance(&self, feature: &str, usual: usize) -> usize {
        if !self.features.contains(&feature) {
            0
        } else if self.theme == feature {
            usual.max(65)
        } else {
            usual
        }
    }
}

/// The scene of a seed. Equal seeds and features give equal scenes.
pub fn scene(seed: u64, features: &[&'static str]) -> Scene {
    let mut dice = Dice::new(seed);
    let mix = Mix { features: features.to_vec(), theme: dice.pick(features) };
    let mut objects: Vec<Value> = NAMESPACES.iter().map(|name| namespace(&mut dice, name)).collect();
    let nodes = dice.from(1, 7);
    objects.extend((1..=nodes).map(|n| node(&mut dice, &mix, n)));
    objects.extend(Storage::classes(&mut dice, &mix, nodes));
    let mut storage = Storage::default();
    for n in 1..=dice.from(0, 3 * nodes) {
        let mut made = pods::pod(&mut dice, &mix, &format!("b{n}"));
        made["spec"]["nodeName"] = json!(format!("n{}", dice.from(1, nodes)));
        if let Some(spec) = made["spec"].as_object_mut() {
            spec.remove("schedulingGates");
        }
        pods::befall(&mut dice, &mix, &mut made);
        objects.extend(storage.behind(&mut dice, &made, nodes));
        objects.push(made);
    }
    let mut pending = Vec::new();
    for n in 1..=dice.from(3, 8) {
        let made = pods::pod(&mut dice, &mix, &format!("p{n}"));
        objects.extend(storage.behind(&mut dice, &made, nodes));
        pending.push(made);
    }
    objects.extend(pods::nominated(&mut dice, &mix, nodes));
    Scene { objects, pending }
}

fn namespace(dice: &mut Dice, name: &str) -> Value {
    let mut labels = json!({});
    if dice.percent(70) {
        labels["team"] = json!(dice.pick(&["one", "two"]));
    }
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

fn node(dice: &mut Dice, mix: &Mix, n: usize) -> Value {
    let name = format!("n{n}");
    let mut labels = json!({});
    if dice.percent(92) {
        let hostname = if dice.percent(4) { "n1" } else { &name };
        labels["kubernetes.io/hostname"] = json!(hostname);
    }
    if dice.percent(88) {
        labels["topology.kubernetes.io/zone"] = json!(dice.pick(&["a", "b", "c"]));
    }
    if dice.percent(40) {
        labels["topology.kubernetes.io/region"] = json!(dice.pick(&["north", "south"]));
    }
    if dice.percent(60) {
        labels["disk"] = json!(dice.pick(&["ssd", "hdd", ""]));
    }
    if dice.percent(60) {
        labels["size"] = json!(dice.pick(&["1", "3", "5", "07", "big"]));
    }
    let mut allocatable = json!({
        "cpu": dice.pick(&["1", "2", "3920m", "4", "8"]),
        "memory": dice.pick(&["1Gi", "2Gi", "4000000Ki", "8Gi"]),
        "pods": dice.pick(&["1", "3", "6", "110", "110", "110"]),
    });
    if dice.percent(70) {
        allocatable["ephemeral-storage"] = json!(dice.pick(&["1Gi", "10Gi", "100G"]));
    }
    if dice.percent(mix.chance("extended", 30)) {
        allocatable["nvidia.com/gpu"] = json!(dice.pick(&["0", "1", "2", "4"]));
    }
    if dice.percent(mix.chance("extended", 20)) {
        allocatable["example.com/licence"] = json!(dice.pick(&["1", "3"]));
    }
    if dice.percent(mix.chance("extended", 20)) {
        allocatable["hugepages-2Mi"] = json!(dice.pick(&["0", "4Mi", "64Mi"]));
    }
    if dice.percent(3) {
        allocatable = json!({});
    }
    let mut spec = json!({});
    if dice.percent(mix.chance("taints", 8)) && dice.percent(40) {
        spec["unschedulable"] = json!(true);
    }
    let mut taints = Vec::new();
    for key in dice.some(&["dedicated", "gpu", "node.kubernetes.io/unschedulable"], mix.chance("taints", 12) / 2) {
        let effect = dice.pick(&["NoSchedule", "NoSchedule", "PreferNoSchedule", "NoExecute"]);
        taints.push(json!({"key": key, "value": dice.pick(&["", "a", "b", "5"]), "effect": effect}));
    }
    if !taints.is_empty() {
        spec["taints"] = json!(taints);
    }
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec,
        "status": {
            "capacity": allocatable, "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "posted by the test"}],
        },
    })
}
