//! Random storage: classes, drivers with limits, claims in every state, and what pods mount of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::scene::Mix;

/// The CSI driver of all classes.
pub const DRIVER: &str = "disk.example.com";

const ZONE: &str = "topology.kubernetes.io/zone";

/// Gives a pod volumes.
pub fn mount(dice: &mut Dice, mix: &Mix, pod: &str, spec: &mut Map<String, Value>) {
    if !dice.percent(mix.chance("volumes", 10)) {
        return;
    }
    let volumes: Vec<Value> = (0..dice.pick(&[1, 1, 1, 2]))
        .map(|n| {
            let mut made = match dice.below(14) {
                0 => dice.pick(&[json!({"emptyDir": {}}), json!({"hostPath": {"path": "/data"}})]),
                1 => json!({"nfs": {"server": "files.example.com", "path": "/"}}),
                2 => json!({"csi": {"driver": DRIVER}}),
                3..=5 => inline(dice),
                6 | 7 => json!({"persistentVolumeClaim": {"claimName": dice.pick(&["shared-1", "shared-2"])}}),
                _ => json!({"persistentVolumeClaim": {"claimName": format!("{pod}-{n}")}}),
            };
            made["name"] = json!(format!("v{n}"));
            made
        })
        .collect();
    spec.insert("volumes".into(), json!(volumes));
}

/// A disk named in the pod itself: mostly the same one, so that pods meet over it.
fn inline(dice: &mut Dice) -> Value {
    let (which, read_only) = (dice.pick(&["one", "one", "one", "two"]), dice.percent(25));
    match dice.below(9) {
        0..=4 => json!({"gcePersistentDisk": {"pdName": which, "readOnly": read_only}}),
        5 => json!({"awsElasticBlockStore": {"volumeID": which, "readOnly": read_only}}),
        6 => json!({"cinder": {"volumeID": which, "readOnly": read_only}}),
        7 => json!({"rbd": {"monitors": [dice.pick(&["m1", "m2"]), "m3"], "image": which, "readOnly": read_only}}),
        _ => json!({"iscsi": {"targetPortal": "10.0.0.9", "iqn": format!("iqn.2001-04.com.example:{which}"), "lun": 0,
            "readOnly": read_only}}),
    }
}

/// Makes the storage behind pods.
#[derive(Default)]
pub struct Storage {
    claims: BTreeSet<(String, String)>,
}

impl Storage {
    /// Classes, drivers, volumes that wait for a claim; nothing where no pod has volumes.
    pub fn offered(dice: &mut Dice, mix: &Mix, nodes: usize) -> Vec<Value> {
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
        let mut kept = class("kept", "WaitForFirstConsumer");
        kept["provisioner"] = json!("kubernetes.io/no-provisioner");
        let mut made = vec![class("now", "Immediate"), class("later", "WaitForFirstConsumer"), zonal, kept];
        made.extend(driver(dice));
        for n in 1..=nodes {
            if dice.percent(70) {
                let mut driver = json!({"name": DRIVER, "nodeID": format!("n{n}"), "topologyKeys": []});
                if dice.percent(80) {
                    driver["allocatable"] = json!({"count": dice.pick(&[1, 2, 4])});
                }
                let mut drivers = vec![driver];
                let mut annotations = json!({});
                if dice.percent(40) {
                    annotations["storage.alpha.kubernetes.io/migrated-plugins"] = json!("kubernetes.io/cinder");
                    let count = json!({"count": dice.pick(&[1, 2])});
                    let name = "cinder.csi.openstack.org";
                    drivers.push(
                        json!({"name": name, "nodeID": format!("n{n}"), "topologyKeys": [], "allocatable": count}),
                    );
                }
                made.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
                    "metadata": {"name": format!("n{n}"), "annotations": annotations}, "spec": {"drivers": drivers}}));
            }
            if dice.percent(10) {
                made.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
                    "metadata": {"name": format!("left-{n}")},
                    "spec": {"attacher": DRIVER, "nodeName": format!("n{n}"), "source": {"persistentVolumeName": "waiting-1"}}}));
            }
        }
        for n in 1..=dice.from(0, 8) {
            let mut volume = volume(dice, &format!("waiting-{n}"), nodes);
            volume["spec"]["storageClassName"] = json!(dice.pick(&["kept", "kept", "kept", "later"]));
            volume["spec"]["accessModes"] =
                json!(dice.pick(&[&["ReadWriteOnce"][..], &["ReadWriteOnce", "ReadWriteMany"]]));
            // No two alike: of those the scheduler takes any, and with it perhaps the one that another claim needs.
            volume["spec"]["capacity"]["storage"] = json!(format!("{}Mi", dice.pick(&[500, 1024, 5120]) + n));
            volume["metadata"]["labels"]["speed"] = json!(dice.pick(&["slow", "fast"]));
            volume["status"] = json!({"phase": dice.pick(&["Available", "Available", "Available", "Released"])});
            made.push(volume);
        }
        made
    }

    /// The claims that `pod` mounts, unless they are there, and the volumes that those are bound to.
    /// A pod that runs has claims that are bound.
    pub fn behind(&mut self, dice: &mut Dice, pod: &Value, nodes: usize) -> Vec<Value> {
        let runs = pod["spec"]["nodeName"].is_string();
        let namespace = pod["metadata"]["namespace"].as_str().unwrap();
        let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        let mut made = Vec::new();
        for volume in &volumes {
            let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() else { continue };
            if self.claims.insert((namespace.to_owned(), name.to_owned())) {
                made.extend(claim(dice, namespace, name, nodes, runs));
            }
        }
        made
    }
}

/// What the driver demands, and the room that it has for volumes of each class in each zone.
fn driver(dice: &mut Dice) -> Vec<Value> {
    if dice.percent(40) {
        return Vec::new();
    }
    let spec = json!({"storageCapacity": dice.percent(60), "preventPodSchedulingIfMissing": dice.percent(30)});
    let mut made = vec![
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": spec}),
    ];
    for class in ["later", "zonal"] {
        for zone in ["a", "b", "c"] {
            if dice.percent(25) {
                continue;
            }
            let mut room = json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity",
                "metadata": {"name": format!("{class}-{zone}"), "namespace": "red"}, "storageClassName": class,
                "capacity": dice.pick(&["100Mi", "1Gi", "3Gi", "20Gi"])});
            if dice.percent(90) {
                room["nodeTopology"] = json!({"matchLabels": {ZONE: zone}});
            }
            if dice.percent(30) {
                room["maximumVolumeSize"] = json!(dice.pick(&["500Mi", "2Gi"]));
            }
            made.push(room);
        }
    }
    made
}

fn claim(dice: &mut Dice, namespace: &str, name: &str, nodes: usize, runs: bool) -> Vec<Value> {
    let modes = [dice.pick(&["ReadWriteOnce", "ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"])];
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": modes, "storageClassName": "now", "resources": {"requests": {"storage": "1Gi"}}},
    });
    match dice.from(if runs { 10 } else { 0 }, 19) {
        0 => return Vec::new(),
        1 => return vec![claim],
        2..=4 => {
            claim["spec"]["storageClassName"] = json!(dice.pick(&["later", "later", "zonal", "none"]));
            return vec![claim];
        }
        5..=9 => {
            claim["spec"]["storageClassName"] = json!("kept");
            claim["spec"]["resources"]["requests"]["storage"] = json!(dice.pick(&["1Gi", "1Gi", "4Gi"]));
            if dice.percent(40) {
                claim["spec"]["selector"] = json!({"matchLabels": {"speed": dice.pick(&["slow", "fast"])}});
            }
            return vec![claim];
        }
        _ => {}
    }
    let bound_to = format!("{namespace}-{name}");
    claim["spec"]["volumeName"] = json!(bound_to);
    if !runs && dice.percent(4) {
        claim["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
        claim["metadata"]["deletionTimestamp"] = json!("2030-01-01T00:00:00Z");
    }
    if !runs && dice.percent(3) {
        claim["status"] = json!({"phase": "Lost"});
        return vec![claim];
    }
    if runs || dice.percent(95) {
        claim["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
        claim["status"] = json!({"phase": "Bound", "accessModes": modes, "capacity": {"storage": "1Gi"}});
    }
    if dice.percent(5) {
        return vec![claim];
    }
    let mut made = volume(dice, &bound_to, nodes);
    made["spec"]["accessModes"] = json!(modes);
    made["spec"]["claimRef"] =
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name});
    made["status"] = json!({"phase": "Bound"});
    vec![claim, made]
}

fn volume(dice: &mut Dice, name: &str, nodes: usize) -> Value {
    let mut made = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "labels": {}},
        "spec": {"storageClassName": "now", "capacity": {"storage": "1Gi"}},
    });
    let kept = name.starts_with("waiting");
    match dice.from(if kept { 1 } else { 0 }, 4) {
        0 => made["spec"]["nfs"] = json!({"server": "files.example.com", "path": "/"}),
        1 => made["spec"]["local"] = json!({"path": "/disk"}),
        2 | 3 if kept => made["spec"]["local"] = json!({"path": "/disk"}),
        2 if dice.percent(30) => made["spec"]["cinder"] = json!({"volumeID": name}),
        _ => made["spec"]["csi"] = json!({"driver": DRIVER, "volumeHandle": name}),
    }
    let required = |key: &str, values: Value| json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "In", "values": values}]}]}});
    if made["spec"]["local"].is_object() {
        let node = format!("n{}", dice.from(1, nodes));
        made["spec"]["nodeAffinity"] = required("kubernetes.io/hostname", json!([node]));
    } else if dice.percent(35) {
        made["spec"]["nodeAffinity"] = required(ZONE, json!([dice.pick(&["a", "b"])]));
    } else if dice.percent(30) {
        made["metadata"]["labels"][ZONE] = json!(dice.pick(&["a", "b", "a__b"]));
    }
    made
}
