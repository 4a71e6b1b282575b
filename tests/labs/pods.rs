//! Random pods.

use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::scene::{Mix, NAMESPACES};
use crate::{terms, volumes};

/// A pod that asks to be placed.
pub fn pod(dice: &mut Dice, mix: &Mix, name: &str) -> Value {
    let app = dice.pick(&["web", "web", "web", "db", "cache"]);
    let mut labels = json!({"app": app});
    for (key, values) in [("tier", &["x", "y"]), ("pod-template-hash", &["h1", "h2"])] {
        if dice.percent(60) {
            labels[key] = json!(dice.pick(values));
        }
    }
    let mut spec = Map::new();
    containers(dice, mix, &mut spec);
    if dice.percent(mix.chance("selectors", 12)) {
        let (key, values) = dice.pick(terms::NODE_LABELS);
        spec.insert("nodeSelector".into(), json!({key: dice.pick(values)}));
    }
    if let Some(affinity) = terms::affinity(dice, mix, app) {
        spec.insert("affinity".into(), affinity);
    }
    let spread = terms::spread(dice, mix, app);
    if !spread.is_empty() {
        spec.insert("topologySpreadConstraints".into(), json!(spread));
    }
    if dice.percent(mix.chance("taints", 35)) {
        let tolerations: Vec<Value> = (0..dice.from(1, 3)).map(|_| toleration(dice)).collect();
        spec.insert("tolerations".into(), json!(tolerations));
    }
    if dice.percent(mix.chance("priorities", 30)) {
        spec.insert("priorityClassName".into(), json!(dice.pick(&["low", "high"])));
    }
    if dice.percent(mix.chance("gates", 4)) {
        spec.insert("schedulingGates".into(), json!([{"name": "example.com/wait"}]));
    }
    let namespace = if dice.percent(55) { NAMESPACES[0] } else { dice.pick(NAMESPACES) };
    volumes::mount(dice, mix, name, &mut spec);
    if dice.percent(mix.chance("packing", 30)) {
        spec.insert("schedulerName".into(), json!("packer"));
    }
    let mut made = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec,
    });
    if dice.percent(mix.chance("owners", 40)) {
        let uid = format!("{namespace}/{app}");
        made["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": owner(app), "name": app, "uid": uid, "controller": true}]);
    }
    made
}

fn owner(app: &str) -> &'static str {
    if app == "db" { "StatefulSet" } else { "ReplicaSet" }
}

/// What owns pods: the scheduler spreads those of one owner, if they say nothing of spread themselves.
pub fn owners(mix: &Mix) -> Vec<Value> {
    if mix.chance("owners", 1) == 0 {
        return Vec::new();
    }
    let owners = NAMESPACES.iter().flat_map(|namespace| {
        ["web", "db", "cache"].map(|app| {
            let labels = json!({"app": app});
            let template =
                json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none"}]}});
            let mut made = json!({"apiVersion": "apps/v1", "kind": owner(app),
                "metadata": {"name": app, "namespace": namespace},
                "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}});
            if owner(app) == "StatefulSet" {
                made["spec"]["serviceName"] = json!(app);
            }
            made
        })
    });
    owners.chain(services()).collect()
}

/// Services over some of the pods: the scheduler spreads those of one Service too. One selects nobody.
fn services() -> impl Iterator<Item = Value> {
    let selectors = [
        ("blue", "front", json!({"app": "web", "tier": "x"})),
        ("green", "all-x", json!({"tier": "x"})),
        ("green", "h1", json!({"pod-template-hash": "h1"})),
        ("red", "nobody", json!(null)),
    ];
    selectors.into_iter().map(|(namespace, name, selector)| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"clusterIP": "None", "ports": [{"port": 80}], "selector": selector}})
    })
}

fn containers(dice: &mut Dice, mix: &Mix, spec: &mut Map<String, Value>) {
    let count = if dice.percent(mix.chance("containers", 20)) { dice.from(2, 3) } else { 1 };
    let containers: Vec<Value> = (0..count).map(|n| container(dice, mix, &format!("c{n}"))).collect();
    let mut init = Vec::new();
    if dice.percent(mix.chance("containers", 20)) {
        for n in 0..dice.from(1, 3) {
            let mut one = container(dice, mix, &format!("i{n}"));
            if dice.percent(50) {
                one["restartPolicy"] = json!("Always");
            }
            init.push(one);
        }
    }
    if dice.percent(mix.chance("containers", 12)) {
        let total = |resource: &str| -> u64 {
            let asks = containers.iter().chain(&init).map(|one| &one["resources"]["requests"][resource]);
            asks.filter_map(|ask| {
                ask.as_str().and_then(|ask| ask.trim_end_matches(['m', 'M', 'i']).parse::<u64>().ok())
            })
            .sum()
        };
        let mut requests = json!({});
        if dice.percent(80) {
            requests["cpu"] = json!(format!("{}m", total("cpu") + dice.pick(&[0, 50, 1000])));
        }
        if dice.percent(60) {
            requests["memory"] = json!(format!("{}Mi", total("memory") + dice.pick(&[0, 50, 1000])));
        }
        if requests != json!({}) {
            spec.insert("resources".into(), json!({"requests": requests}));
        }
    }
    if dice.percent(mix.chance("containers", 12)) {
        spec.insert("runtimeClassName".into(), json!("heavy"));
    }
    if dice.percent(mix.chance("ports", 5)) && dice.percent(30) {
        spec.insert("hostNetwork".into(), json!(true));
    }
    spec.insert("containers".into(), json!(containers));
    if !init.is_empty() {
        spec.insert("initContainers".into(), json!(init));
    }
}

fn container(dice: &mut Dice, mix: &Mix, name: &str) -> Value {
    let (mut requests, mut limits) = (json!({}), json!({}));
    for (resource, asks, chance) in [
        ("cpu", &["0m", "10m", "100m", "250m", "500m", "1000m", "1900m"][..], 60),
        ("memory", &["0Mi", "1Mi", "64Mi", "256Mi", "700Mi", "1024Mi"], 50),
        ("ephemeral-storage", &["100Mi", "1Gi", "20G"], 12),
    ] {
        if dice.percent(mix.chance("resources", chance).max(25)) {
            // A limit alone is a request too.
            let list = if dice.percent(15) { &mut limits } else { &mut requests };
            list[resource] = json!(dice.pick(asks));
        }
    }
    for (resource, asks) in
        [("nvidia.com/gpu", ["1", "2"]), ("example.com/licence", ["1", "3"]), ("hugepages-2Mi", ["4Mi", "20Mi"])]
    {
        if dice.percent(mix.chance("extended", 6)) {
            limits[resource] = json!(dice.pick(&asks));
            if resource == "hugepages-2Mi" {
                requests["cpu"] = json!("10m");
                limits.as_object_mut().unwrap().remove("cpu");
            }
        }
    }
    let mut made = json!({"name": name, "image": "none", "resources": {"requests": requests, "limits": limits}});
    if dice.percent(mix.chance("ports", 20)) {
        made["ports"] = json!((0..dice.from(1, 2)).map(|_| port(dice)).collect::<Vec<_>>());
    }
    made
}

fn port(dice: &mut Dice) -> Value {
    let number = dice.pick(&[80, 80, 443]);
    let mut made = json!({"containerPort": number, "protocol": dice.pick(&["TCP", "TCP", "UDP", "SCTP"])});
    if dice.percent(85) {
        made["hostPort"] = json!(number);
        if dice.percent(50) {
            made["hostIP"] = json!(dice.pick(&["0.0.0.0", "127.0.0.1", "10.0.0.1", "::", "::1"]));
        }
    }
    made
}

fn toleration(dice: &mut Dice) -> Value {
    let mut made = json!({"operator": dice.pick(&["Equal", "Equal", "Exists"])});
    let exists = made["operator"] == "Exists";
    if !exists || dice.percent(60) {
        made["key"] = json!(dice.pick(&["dedicated", "dedicated", "gpu", "node.kubernetes.io/unschedulable"]));
    }
    if !exists {
        made["value"] = json!(dice.pick(&["", "a", "b"]));
    }
    if dice.percent(60) {
        made["effect"] = json!(dice.pick(&["NoSchedule", "NoSchedule", "PreferNoSchedule", "NoExecute"]));
        if made["effect"] == "NoExecute" && dice.percent(30) {
            made["tolerationSeconds"] = json!(60);
        }
    }
    made
}

/// What may have happened to a pod that runs: it is finished, it is going, or it was resized in place.
pub fn befall(dice: &mut Dice, mix: &Mix, pod: &mut Value) {
    if dice.percent(mix.chance("ending", 15)) {
        if dice.percent(50) {
            pod["metadata"]["deletionTimestamp"] = json!("2030-01-01T00:00:00Z");
        } else {
            pod["status"] = json!({"phase": dice.pick(&["Succeeded", "Failed"])});
        }
    } else if dice.percent(mix.chance("containers", 5)) {
        resize(dice, pod);
    }
}

/// The kubelet runs the pod with other amounts than it asks for now, and has promised others again.
fn resize(dice: &mut Dice, pod: &mut Value) {
    let amounts = |dice: &mut Dice| json!({"cpu": dice.pick(&["50m", "600m", "2500m"]), "memory": dice.pick(&["10Mi", "300Mi", "2Gi"])});
    let names = pod["spec"]["containers"].as_array().into_iter().flatten().map(|one| one["name"].clone());
    let names: Vec<Value> = names.collect();
    let mut statuses = Vec::new();
    for name in names {
        let mut status = json!({"name": name, "image": "none", "imageID": "none", "ready": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2030-01-01T00:00:00Z"}}});
        if dice.percent(80) {
            status["resources"] = json!({"requests": amounts(dice)});
        }
        if dice.percent(60) {
            status["allocatedResources"] = amounts(dice);
        }
        statuses.push(status);
    }
    let mut status = json!({"phase": "Running", "containerStatuses": statuses});
    if dice.percent(20) {
        status["resources"] = json!({"requests": amounts(dice)});
        if dice.percent(60) {
            status["allocatedResources"] = amounts(dice);
        }
    }
    if dice.percent(30) {
        let reason = dice.pick(&["Infeasible", "Deferred"]);
        status["conditions"] = json!([{"type": "PodResizePending", "status": "True", "reason": reason}]);
    }
    pod["status"] = status;
}

/// Pods for which the scheduler keeps room on a node. Gated, so that it does not place them.
pub fn nominated(dice: &mut Dice, mix: &Mix, nodes: usize) -> Vec<Value> {
    let count = if dice.percent(mix.chance("nominated", 10)) { dice.from(1, 3) } else { 0 };
    let made = (1..=count).map(|n| {
        let mut made = pod(dice, mix, &format!("nominated{n}"));
        made["spec"]["schedulingGates"] = json!([{"name": "example.com/wait"}]);
        made["spec"].as_object_mut().unwrap().remove("volumes");
        made["status"] = json!({"nominatedNodeName": format!("n{}", dice.from(1, nodes))});
        made
    });
    made.collect()
}
