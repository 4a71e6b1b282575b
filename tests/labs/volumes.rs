//! Random storage: classes, drivers with limits, claims in every state, and what pods mount of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::scene::Mix;

const DRIVER: &str = "disk.example.com";
const ZONE: &str = "topology.kubernetes.io/zone";

/// Gives a pod volumes.
pub fn mount(dice: &mut Dice, mix: &Mix, pod: &str, spec: &mut Map<String, Value>) {
    if !dice.percent(mix.chance("volumes", 10)) {
        return;
    }
    let volumes: Vec<Value> = (0..dice.pick(&[1, 1, 1, 2]))
        .map(|n| {
            let mut made = match dice.below(10) {
                0 => json!({"emptyDir": {}}),
                1 => json!({"hostPath": {"path": "/data"}}),
                2 => json!({"nfs": {"server": "files.example.com", "path": "/"}}),
                3 => json!({"csi": {"driver": DRIVER}}),
                4 | 5 => json!({"persistentVolumeClaim": {"claimName": dice.pick(&["shared-1", "shared-2"])}}),
                _ => json!({"persistentVolumeClaim": {"claimName": format!("{pod}-{n}")}}),
            };
            made["name"] = json!(format!("v{n}"));
            made
        })
        .collect();
    spec.insert("volumes".into(), json!(volumes));
}

/// Makes the storage behind pods.
#[derive(Default)]
pub struct Storage {
    claims: BTreeSet<(String, String)>,
}

impl Storage {
    /// Classes and drivers; nothing where no pod has volumes.
    pub fn classes(dice: &mut Dice, mix: &Mix, nodes: usize) -> Vec<Value> {
        if mix.chance("volumes", 1) == 0 {
            return Vec::new();
        }
        let class = |name: &str, mode: &str| {
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                "provisioner": DRIVER, "volumeBindingMode": mode})
        };
        let mut zonal = class("zonal", "WaitForFirstConsumer");
        let zones = dice.pick(&[&["a"][..], &["b", "c"]]);
        zonal["allowedTopologies"] = json!([{"matchLabelExpressions": [{"key": ZONE, "values": zones}]}]);
        let mut made = vec![class("now", "Immediate"), class("later", "WaitForFirstConsumer"), zonal];
        for n in 1..=nodes {
            if dice.percent(70) {
                let mut driver = json!({"name": DRIVER, "nodeID": format!("n{n}"), "topologyKeys": []});
                if dice.percent(80) {
                    driver["allocatable"] = json!({"count": dice.pick(&[1, 2, 4])});
                }
                made.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
                    "metadata": {"name": format!("n{n}")}, "spec": {"drivers": [driver]}}));
            }
        }
        made
    }

    /// The claims that `pod` mounts, unless they are there, and the volumes that those are bound to.
    pub fn behind(&mut self, dice: &mut Dice, pod: &Value, nodes: usize) -> Vec<Value> {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap();
        let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        let mut made = Vec::new();
        for volume in &volumes {
            let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() else { continue };
            if self.claims.insert((namespace.to_owned(), name.to_owned())) {
                made.extend(claim(dice, namespace, name, nodes));
            }
        }
        made
    }
}

fn claim(dice: &mut Dice, namespace: &str, name: &str, nodes: usize) -> Vec<Value> {
    let modes = [dice.pick(&["ReadWriteOnce", "ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"])];
    let volume = format!("{namespace}-{name}");
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": modes, "storageClassName": "now", "resources": {"requests": {"storage": "1Gi"}}},
    });
    let state = dice.below(20);
    if state == 0 {
        return Vec::new();
    }
    if state == 1 {
        return vec![claim];
    }
    if state <= 5 {
        claim["spec"]["storageClassName"] = json!(dice.pick(&["later", "zonal", "none"]));
        return vec![claim];
    }
    claim["spec"]["volumeName"] = json!(volume);
    claim["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
    claim["status"] = json!({"phase": "Bound", "accessModes": modes, "capacity": {"storage": "1Gi"}});
    if state == 6 {
        return vec![claim];
    }
    let mut made = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume, "labels": {}},
        "spec": {"accessModes": modes, "storageClassName": "now", "capacity": {"storage": "1Gi"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name}},
        "status": {"phase": "Bound"},
    });
    match dice.below(4) {
        0 => made["spec"]["nfs"] = json!({"server": "files.example.com", "path": "/"}),
        1 => made["spec"]["local"] = json!({"path": "/disk"}),
        _ => made["spec"]["csi"] = json!({"driver": DRIVER, "volumeHandle": volume}),
    }
    let required = |key: &str, values: Value| json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "In", "values": values}]}]}});
    if made["spec"]["local"] != Value::Null {
        let node = format!("n{}", dice.from(1, nodes));
        made["spec"]["nodeAffinity"] = required("kubernetes.io/hostname", json!([node]));
    } else if dice.percent(35) {
        made["spec"]["nodeAffinity"] = required(ZONE, json!([dice.pick(&["a", "b"])]));
    } else if dice.percent(30) {
        made["metadata"]["labels"][ZONE] = json!(dice.pick(&["a", "b", "a__b"]));
    }
    vec![claim, made]
}
