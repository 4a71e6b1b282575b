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
    "pins",
    "taints",
    "ports",
    "affinity",
    "antiaffinity",
    "spread",
    "preferences",
    "owners",
    "packing",
    "priorities",
    "ending",
    "gates",
    "nominated",
    "volumes",
];

/// A label that each node has to itself, unlike its hostname.
pub const NODE_NAME: &str = "example.com/name";

pub const NAMESPACES: &[&str] = &["blue", "green", "red"];

/// Kubernetes objects as they are created, and pods as they are then asked about.
#[derive(Clone, Debug)]
pub struct Scene {
    /// In an order in which they can be created.
    pub objects: Vec<Value>,
    pub pending: Vec<Value>,
}

/// Features that are never what a cluster is about: they say little where all pods have them.
const MINOR: &[&str] = &["pins", "packing", "priorities", "gates", "ending"];

/// Features with the most rules: most clusters are about one of these.
const DEEP: &[&str] = &["affinity", "antiaffinity", "spread", "preferences", "volumes"];

/// Which features a cluster uses, and how much. One is what it is about, others join by chance: with all of them in every
/// cluster, hardly a pod would come as far as the later filters.
pub struct Mix {
    theme: &'static str,
    others: Vec<&'static str>,
}

impl Mix {
    fn new(dice: &mut Dice, features: &[&'static str]) -> Self {
        let themes: Vec<&str> = features.iter().copied().filter(|feature| !MINOR.contains(feature)).collect();
        let deep: Vec<&str> = themes.iter().copied().filter(|feature| DEEP.contains(feature)).collect();
        let theme = match () {
            () if themes.is_empty() => features[0],
            () if !deep.is_empty() && dice.percent(50) => dice.pick(&deep),
            () => dice.pick(&themes),
        };
        Self { theme, others: dice.some(features, 40) }
    }

    /// The chance of `feature` in percent: `usual` in its general use, more where it is what this cluster is about.
    pub fn chance(&self, feature: &str, usual: usize) -> usize {
        match () {
            () if self.theme == feature => (usual * 3).clamp(40, 80),
            () if feature == "pins" && DEEP.contains(&self.theme) => usual,
            () if self.others.contains(&feature) => usual,
            () => 0,
        }
    }
}

/// The scene of a seed. Equal seeds and features give equal scenes.
pub fn scene(seed: u64, features: &[&'static str]) -> Scene {
    let mut dice = Dice::new(seed);
    let mix = Mix::new(&mut dice, features);
    let mut objects: Vec<Value> = NAMESPACES.iter().map(|name| namespace(&mut dice, name)).collect();
    let nodes = dice.from(1, 7);
    objects.extend((1..=nodes).map(|n| node(&mut dice, &mix, n)));
    objects.extend(Storage::offered(&mut dice, &mix, nodes));
    let mut storage = Storage::default();
    objects.extend(pods::owners(&mix));
    // What has ended was there before what runs: the scheduler keeps a node's host ports as a set, so a pod that ended
    // while another one had its port, which no kubelet allows, would free that port.
    let mut running = Vec::new();
    for n in 1..=dice.from(0, 3 * nodes) {
        let mut made = pods::pod(&mut dice, &mix, &format!("b{n}"));
        // The first nodes have more pods than the last.
        let most = dice.from(1, nodes);
        let node = if dice.percent(3) { "gone".to_owned() } else { format!("n{}", dice.from(1, most)) };
        made["spec"]["nodeName"] = json!(node);
        if let Some(spec) = made["spec"].as_object_mut() {
            spec.remove("schedulingGates");
        }
        pods::befall(&mut dice, &mix, &mut made);
        let ended = made["status"]["phase"].as_str().is_some_and(|phase| phase != "Running");
        let there = if ended { &mut objects } else { &mut running };
        there.extend(storage.behind(&mut dice, &made, nodes));
        there.push(made);
    }
    objects.append(&mut running);
    let mut pending = Vec::new();
    for n in 1..=dice.from(6, 12) {
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
    let mut labels = json!({NODE_NAME: name});
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
        "cpu": dice.pick(&["2", "3920m", "4", "8"]),
        "memory": dice.pick(&["2Gi", "4000000Ki", "8Gi"]),
        "pods": if dice.percent(mix.chance("resources", 20)) { dice.pick(&["1", "3", "6"]) } else { "110" },
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
    if dice.percent(mix.chance("resources", 3) / 10) {
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
