//! A site that takes changes one by one is the site built anew from what they lead to.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{Change, Name, Pod, Snapshot, World};
use tidegate::observe;
use tidegate::placement::{Site, Strategy as Scoring, Unfit};

use super::company::{ground, social_pod};

/// One of few objects, so that changes meet what is there.
fn object() -> impl Strategy<Value = Value> {
    let pods = (social_pod(), 0..6_u8, 0..6_u8, 0..4_u8, any::<bool>(), 0..3_u8);
    let pod = pods.prop_map(|(mut pod, name, node, fate, port, cpu)| {
        pod["metadata"]["name"] = json!(format!("p{name}"));
        pod["metadata"]["namespace"] = json!("n0");
        pod["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "w", "uid": "u", "controller": true}]);
        pod["spec"]["containers"] = json!([{"resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}]);
        if name < 2 {
            let claim = ["c", "e"][usize::from(name)];
            pod["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]);
        }
        if port {
            pod["spec"]["containers"][0]["ports"] = json!([{"hostPort": 80}]);
        }
        match fate {
            0 => pod["status"] = json!({"nominatedNodeName": format!("m{node}")}),
            1 => pod["status"] = json!({"phase": "Succeeded"}),
            _ => {}
        }
        if fate != 0 && node < 5 {
            pod["spec"]["nodeName"] = json!(format!("m{node}"));
        }
        pod
    });
    let node =
        (0..5_u8, 0..3_u8, any::<bool>(), any::<bool>(), 1..5_u8).prop_map(|(name, zone, taint, cordon, cpu)| {
            let mut node =
                super::node(&format!("m{name}"), json!({"metadata": {"labels": {"zone": format!("z{zone}")}}}));
            node["status"]["allocatable"]["cpu"] = json!(cpu);
            if zone == 2 {
                node["metadata"]["labels"] = json!({"rack": "r0"});
            }
            if taint {
                node["spec"]["taints"] =
                    json!([{"key": "k", "effect": "NoSchedule"}, {"key": "soft", "effect": "PreferNoSchedule"}]);
            }
            node["spec"]["unschedulable"] = json!(cordon);
            node
        });
    prop_oneof![8 => pod, 6 => node, 2 => owner(), 6 => storage(), 1 => service(), 2 => namespace(), 1 => bystander()]
}

/// The owner of every pod, with one of two selectors.
fn owner() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!({"app": "a"}), json!({"tier": "x", "run": "b"})]).prop_map(|labels| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "w", "namespace": "n0", "uid": "u"},
               "spec": {"selector": {"matchLabels": labels}}})
    })
}

/// One of two Services, over one of two sets of pods, or nobody.
fn service() -> impl Strategy<Value = Value> {
    (0..2_u8, prop::sample::select(vec![json!({"app": "a"}), json!({"tier": "x"}), json!(null)])).prop_map(
        |(name, selector)| {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{name}"), "namespace": "n0"},
                   "spec": {"selector": selector}})
        },
    )
}

/// A namespace that terms may mean by its label.
fn namespace() -> impl Strategy<Value = Value> {
    (0..3_u8, 0..3_u8).prop_map(|(name, team)| {
        json!({"apiVersion": "v1", "kind": "Namespace",
               "metadata": {"name": format!("n{name}"), "labels": {"team": format!("t{team}")}}})
    })
}

/// What placement does not look at.
fn bystander() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "n0"},
               "spec": {"minAvailable": 1, "selector": {}}}),
        json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": "m1"}, "spec": {"id": "s1"},
               "status": {"state": "ACTIVE"}}),
        json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Flavor", "metadata": {"name": "large"},
               "spec": {"provider": "p", "vcpus": 4, "ram": "8Gi"}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
               "metadata": {"name": "m1", "namespace": "kube-node-lease"}, "spec": {"renewTime": "2026-11-24T12:00:00.000000Z"}}),
    ])
}

/// A claim, its volume in one of two zones, or how many volumes a node attaches.
fn storage() -> impl Strategy<Value = Value> {
    (0..10_u8, 0..2_u8, 0..2_u8).prop_map(|(what, number, other)| match what {
        0 => json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": "n0", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
            "spec": {"volumeName": format!("v{number}"), "accessModes": ["ReadWriteOnce"]}}),
        1 => json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("v{number}")},
            "spec": {"csi": {"driver": "d", "volumeHandle": format!("h{number}")}, "nodeAffinity": {"required": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [format!("z{number}")]}]}]}}}}),
        2 => json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n0"},
            "spec": {"storageClassName": "later", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}}),
        3 => json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "e", "namespace": "n0"},
            "spec": {"storageClassName": "later", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "4Gi"}}}}),
        4 => json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "later"},
            "provisioner": (["d", "kubernetes.io/no-provisioner"][usize::from(number)]), "volumeBindingMode": "WaitForFirstConsumer"}),
        5 => json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("free{number}")},
            "spec": {"storageClassName": "later", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": format!("{}Gi", 5 + number)},
                "csi": {"driver": "d", "volumeHandle": format!("f{number}")}}, "status": {"phase": "Available"}}),
        6 => json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "d"},
            "spec": {"storageCapacity": number == 1, "preventPodSchedulingIfMissing": other == 1}}),
        7 => json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIStorageCapacity",
            "metadata": {"name": format!("room{number}"), "namespace": "n1"}, "storageClassName": "later",
            "capacity": format!("{}Gi", 3 + 3 * other), "nodeTopology": {"matchLabels": {"zone": format!("z{number}")}}}),
        8 => json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": format!("va{number}")},
            "spec": {"attacher": "d", "nodeName": "m1", "source": {"persistentVolumeName": format!("v{other}")}}}),
        _ => json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "m1"},
            "spec": {"drivers": [{"name": "d", "allocatable": {"count": number}}]}}),
    })
}

fn snapshot(objects: &[Value]) -> Snapshot {
    let mut snapshot = observe::from_values(objects.iter().cloned());
    snapshot.gaps.clear();
    snapshot
}

fn change(object: &Value, comes: bool) -> Change {
    let one = snapshot(std::slice::from_ref(object));
    let mut came = (one.nodes.into_iter().map(Change::Node))
        .chain(one.pods.into_iter().map(Change::Pod))
        .chain(one.workloads.into_iter().map(Change::Workload))
        .chain(one.claims.into_iter().map(Change::Claim))
        .chain(one.volumes.into_iter().map(Change::PersistentVolume))
        .chain(one.csi_nodes.into_iter().map(Change::CsiNode))
        .chain(one.csi_drivers.into_iter().map(Change::CsiDriver))
        .chain(one.capacities.into_iter().map(Change::StorageCapacity))
        .chain(one.classes.into_iter().map(Change::StorageClass))
        .chain(one.attachments.into_iter().map(Change::VolumeAttachment))
        .chain(one.services.into_iter().map(Change::Service))
        .chain(one.budgets.into_iter().map(Change::Budget))
        .chain(one.servers.into_iter().map(Change::Server))
        .chain(one.flavors.into_iter().map(Change::Flavor))
        .chain(one.namespaces.into_iter().map(|(name, labels)| Change::Namespace(name, labels)))
        .chain(one.leases.into_iter().map(|(node, renewed)| Change::Lease(node, renewed)));
    let came = came.next().unwrap();
    match came {
        came if comes => came,
        Change::Node(node) => Change::NodeGone(node.name),
        Change::Pod(pod) => Change::PodGone(pod.key),
        Change::Workload(workload) => Change::WorkloadGone(workload.kind, workload.key),
        Change::Claim(claim) => Change::ClaimGone(claim.key),
        Change::PersistentVolume(volume) => Change::PersistentVolumeGone(volume.name),
        Change::CsiNode(node) => Change::CsiNodeGone(node.name),
        Change::CsiDriver(driver) => Change::CsiDriverGone(driver.name),
        Change::StorageCapacity(capacity) => Change::StorageCapacityGone(capacity.key),
        Change::StorageClass(class) => Change::StorageClassGone(class.name),
        Change::VolumeAttachment(attachment) => Change::VolumeAttachmentGone(attachment.name),
        Change::Service(service) => Change::ServiceGone(service.key),
        Change::Budget(budget) => Change::BudgetGone(budget.key),
        Change::Server(server) => Change::ServerGone(server.id),
        Change::Namespace(name, _) => Change::NamespaceGone(name),
        Change::Lease(node, _) => Change::LeaseGone(node),
        other => other,
    }
}

fn key(object: &Value) -> (String, String) {
    (object["kind"].to_string(), object["metadata"]["name"].to_string())
}

type Picture = Vec<(Vec<Vec<Unfit>>, Vec<Name>, Vec<(i64, Name)>)>;

fn picture(site: &Site, pods: &[&Pod], nodes: &[Name]) -> Picture {
    let each = |pod: &&Pod| {
        let unfit = nodes.iter().map(|node| site.unfit(pod, node)).collect();
        (unfit, site.homes(pod), site.ranking(pod, Scoring::LeastAllocated))
    };
    pods.iter().map(each).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn apply_and_build_agree(
        start in prop::collection::vec(object(), 0..10),
        changes in prop::collection::vec((object(), prop::bool::weighted(0.7)), 1..14),
        stranger in social_pod(),
    ) {
        let mut objects = ground();
        for kind in [
            "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "CSINode", "CSIDriver", "CSIStorageCapacity",
            "VolumeAttachment",
        ] {
            objects.push(json!({"apiVersion": "v1", "kind": format!("{kind}List"), "items": []}));
        }
        for object in start {
            objects.retain(|other| key(other) != key(&object));
            objects.push(object);
        }
        let mut world = World::build(snapshot(&objects));
        let mut site = Site::new(&world);
        let stranger = snapshot(&[stranger]).pods.remove(0);
        for (object, comes) in changes {
            let change = change(&object, comes);
            site.apply(&mut world, change);
            let built = Site::new(&world);
            let nodes: Vec<Name> = (0..6).map(|node| format!("m{node}").into()).collect();
            let pods: Vec<&Pod> = world.pods.values().map(|pod| &**pod).chain([&stranger]).collect();
            prop_assert_eq!(picture(&site, &pods, &nodes), picture(&built, &pods, &nodes), "after {}", object);
        }
    }
}
