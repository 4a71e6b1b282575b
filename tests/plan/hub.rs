//! A hub with its database on one disk: JupyterHub's `hub-db-dir` on Cinder, as Zero to JupyterHub ships it.

use serde_json::{Value, json};
use tidegate::plan::{Code, Verb, verify};

use super::fixture::{Cluster, WORKSHOP, merge, policy};
use super::{CALM, codes, verbs};

const ZONE: &str = "topology.cinder.csi.openstack.org/zone";
const DRIVER: &str = "cinder.csi.openstack.org";

/// Ten workers, each in the zone that `zone` gives its number, and the hub on worker-4 with its disk in `nova`.
fn with_hub(zone: impl Fn(usize) -> &'static str, attachable: u32) -> Cluster {
    let mut cluster = Cluster::workers(10);
    for number in 1..=10 {
        let name = format!("worker-{number}");
        let node = cluster.items.iter_mut().find(|item| item["kind"] == "Node" && item["metadata"]["name"] == *name);
        merge(
            &mut node.unwrap()["metadata"],
            json!({"labels": {ZONE: zone(number), "topology.kubernetes.io/zone": zone(number)}}),
        );
        cluster.items.push(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name},
            "spec": {"drivers": [{"name": DRIVER, "nodeID": name, "topologyKeys": [ZONE], "allocatable": {"count": attachable}}]}}));
    }
    let hub = cluster.pod("jhub/hub-1", "worker-4", "hub", "200m");
    hub["spec"]["volumes"] = json!([{"name": "pvc", "persistentVolumeClaim": {"claimName": "hub-db-dir"}}]);
    let storage: [Value; 4] = [
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "cinder-csi"},
            "provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer"}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "hub-db-dir", "namespace": "jhub", "uid": "u-1",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
                            "volume.kubernetes.io/selected-node": "worker-9", "volume.kubernetes.io/storage-provisioner": DRIVER}},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "cinder-csi", "volumeName": "pvc-1",
                     "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": "Bound"}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pvc-1"},
            "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "storageClassName": "cinder-csi",
                "claimRef": {"namespace": "jhub", "name": "hub-db-dir", "uid": "u-1"}, "csi": {"driver": DRIVER, "volumeHandle": "h-1"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["nova"]}]}]}}},
            "status": {"phase": "Bound"}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "csi-1"},
            "spec": {"attacher": DRIVER, "nodeName": "worker-4", "source": {"persistentVolumeName": "pvc-1"}}, "status": {"attached": true}}),
    ];
    cluster.items.extend(storage);
    cluster
}

/// What keeps worker-4, in words.
fn keeps(cluster: &Cluster) -> Vec<String> {
    let plan = cluster.plan(&policy(WORKSHOP, ""), CALM);
    assert!(codes(&plan, "worker-4").contains(&Code::NoOtherHome), "{plan:#?}");
    let kept = plan.kept.iter().filter(|kept| kept.node == "worker-4");
    kept.flat_map(|kept| kept.reasons.iter().map(|reason| reason.text.clone())).collect()
}

#[test]
fn a_hub_moves_to_another_node_of_its_disks_zone_and_its_node_is_parked() {
    let (cluster, policy) = (with_hub(|_| "nova", 26), policy(WORKSHOP, ""));
    let plan = cluster.plan(&policy, CALM);
    let parked = verbs(&plan, Verb::Park);
    assert_eq!(parked.len(), 9, "{plan:#?}");
    assert!(parked.contains(&"worker-4"));
    let mut moves = plan.steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.pod == "jhub/hub-1");
    assert_eq!(moves.next().and_then(|pod| pod.home.as_deref()), Some("worker-1"));
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn a_hub_whose_zone_has_one_node_keeps_it() {
    let cluster = with_hub(|number| if number == 4 { "nova" } else { "other" }, 26);
    assert_eq!(
        keeps(&cluster),
        ["jhub/hub-1 has no other home: 9 node(s) didn't match PersistentVolume's node affinity, \
          8 node(s) were unschedulable"],
        "eight others go in the same plan"
    );
}

#[test]
fn a_hub_stays_where_no_other_node_can_attach_its_disk() {
    assert_eq!(
        keeps(&with_hub(|_| "nova", 0)),
        ["jhub/hub-1 has no other home: 9 node(s) exceed max volume count, 8 node(s) were unschedulable"]
    );
}

#[test]
fn a_hub_stays_where_its_volume_was_not_read_and_the_plan_says_how_to() {
    let mut cluster = with_hub(|_| "nova", 26);
    cluster.items.retain(|item| item["kind"] != "PersistentVolume");
    let kinds = cluster.items[0]["kinds"].as_array_mut().unwrap();
    kinds.retain(|kind| kind != "PersistentVolume");
    let said = keeps(&cluster);
    assert!(said[0].contains("PersistentVolume not read") && said[0].contains("kubectl get pv,pvc"), "{said:?}");
}
