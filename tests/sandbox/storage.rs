//! Claims and volumes: a pod follows its volume's zone, new pods get new volumes, and what nobody told of is made up.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate::cluster::{Cluster, NodePatch};
use tidegate::model::*;
use tidegate::sandbox::{Faults, Sandbox};

use crate::build::*;

const ZONE: &str = "topology.kubernetes.io/zone";

/// Nodes `n-1` and `n-3` in zone `a`, `n-2` and `n-4` in zone `b`.
fn zoned() -> Snapshot {
    let mut snapshot = cluster(4);
    for node in &mut snapshot.nodes {
        let zone = if node.name.ends_with(['1', '3']) { "a" } else { "b" };
        node.labels = labels(&[("kubernetes.io/hostname", &node.name), (ZONE, zone)]);
    }
    snapshot.classes = vec![StorageClass {
        name: "disks".into(),
        provisioner: "disk.example.org".into(),
        waits_for_consumer: true,
        topologies: Vec::new(),
    }];
    snapshot.observed = BTreeSet::from([Kind::PersistentVolumeClaim]);
    snapshot
}

fn asked() -> ClaimSpec {
    ClaimSpec {
        class: Some("disks".into()),
        access_modes: BTreeSet::from(["ReadWriteOnce".into()]),
        ..ClaimSpec::default()
    }
}

fn waiting(name: &str) -> Claim {
    let key = PodKey::new("web", name);
    Claim {
        uid: name.into(),
        key,
        owner: None,
        spec: asked(),
        volume: None,
        bound: false,
        lost: false,
        deleting: false,
        selected_node: None,
    }
}

fn mounting(pod: Pod, source: VolumeSource) -> Pod {
    let volumes = BTreeSet::from([Volume { name: "data".into(), source }]);
    Pod { spec: Arc::new(PodSpec { volumes, ..(*pod.spec).clone() }), ..pod }
}

fn set(pods: Vec<Pod>, replicas: u32, snapshot: Snapshot) -> Snapshot {
    let pods = pods.into_iter().map(|pod| owned(pod, "StatefulSet", "db")).collect();
    Snapshot { pods, workloads: vec![workload("StatefulSet", "db", Some(replicas))], ..snapshot }
}

fn cordon(sandbox: &Sandbox, node: &str, cordoned: bool) {
    let patch = NodePatch { unschedulable: Some(cordoned), ..NodePatch::default() };
    now(sandbox.patch_node(&node.into(), &patch)).unwrap();
}

fn node_of(sandbox: &Sandbox, pod: &str) -> Option<String> {
    let pods = sandbox.snapshot().pods;
    let found = pods.into_iter().find(|found| &*found.key.name == pod);
    found.and_then(|pod| pod.node.map(|node| node.to_string()))
}

fn evict(sandbox: &Sandbox, pod: &str) {
    let uid = sandbox.snapshot().pods.into_iter().find(|found| &*found.key.name == pod).unwrap().uid;
    now(sandbox.evict(&PodKey::new("web", pod), &uid)).unwrap();
    sandbox.advance(mins(3)).unwrap();
}

#[test]
fn a_numbered_pod_gets_a_volume_where_it_first_runs_and_follows_its_zone() {
    let mut snapshot = zoned();
    snapshot.claims.push(waiting("data-db-0"));
    let pod = mounting(pod("db-0", ""), VolumeSource::Claim("data-db-0".into()));
    let sandbox = Sandbox::in_memory(set(vec![pod], 1, snapshot), &Faults::default());
    sandbox.advance(mins(1)).unwrap();
    assert_eq!(node_of(&sandbox, "db-0").as_deref(), Some("n-1"));
    let volume = sandbox.snapshot().volumes.remove(0);
    assert_eq!(volume.claim, Some(PodKey::new("web", "data-db-0")));
    assert_eq!(sandbox.snapshot().attachments[0].volume, Some(volume.name));

    cordon(&sandbox, "n-1", true);
    evict(&sandbox, "db-0");
    assert_eq!(node_of(&sandbox, "db-0").as_deref(), Some("n-3"), "the other node of zone a");
    let attached: Vec<String> = sandbox.snapshot().attachments.iter().map(|one| one.node.to_string()).collect();
    assert_eq!(attached, ["n-3"]);

    cordon(&sandbox, "n-3", true);
    evict(&sandbox, "db-0");
    assert_eq!(node_of(&sandbox, "db-0"), None, "zone b has room and not the volume");
    cordon(&sandbox, "n-1", false);
    sandbox.advance(mins(3)).unwrap();
    assert_eq!(node_of(&sandbox, "db-0").as_deref(), Some("n-1"));
    assert!(sandbox.snapshot().pods[0].ready);
}

#[test]
fn a_numbered_set_makes_claims_for_its_new_pods() {
    let mut snapshot = zoned();
    snapshot.claims.push(waiting("data-db-0"));
    let pod = mounting(pod("db-0", ""), VolumeSource::Claim("data-db-0".into()));
    let sandbox = Sandbox::in_memory(set(vec![pod], 2, snapshot), &Faults::default());
    sandbox.advance(mins(3)).unwrap();
    let claims = sandbox.snapshot().claims;
    let names: Vec<&str> = claims.iter().map(|claim| &*claim.key.name).collect();
    assert_eq!(names, ["data-db-0", "data-db-1"]);
    assert!(claims.iter().all(|claim| claim.bound && claim.spec == asked()));
    assert_eq!(sandbox.snapshot().pods.iter().filter(|pod| pod.ready).count(), 2);
    assert_eq!(sandbox.snapshot().volumes.len(), 2);
}

#[test]
fn an_ephemeral_volume_comes_and_goes_with_its_pod() {
    let mut snapshot = zoned();
    snapshot.workloads = vec![workload("ReplicaSet", "web", Some(1))];
    let scratch = mounting(pod("web-a", "n-1"), VolumeSource::Ephemeral(Box::new(asked())));
    snapshot.pods = vec![owned(scratch, "ReplicaSet", "web")];
    let sandbox = Sandbox::in_memory(snapshot, &Faults::default());
    let before = sandbox.snapshot();
    assert_eq!((&*before.claims[0].key.name, before.claims[0].owner.as_deref()), ("web-a-data", Some("uid-web-a")));
    cordon(&sandbox, "n-1", true);
    cordon(&sandbox, "n-3", true);
    evict(&sandbox, "web-a");
    let after = sandbox.snapshot();
    assert_eq!((after.pods.len(), after.claims.len(), after.volumes.len()), (1, 1, 1));
    assert_ne!(after.claims[0].key, before.claims[0].key);
    assert!(after.pods[0].ready, "its volume is new, so zone b will do");
    assert_eq!(after.volumes[0].node_affinity.as_ref().unwrap()[0].labels[0].values.first().unwrap(), &Name::from("b"));
}

#[test]
fn a_static_volume_goes_to_the_claim_that_the_scheduler_chose_it_for() {
    let mut snapshot = zoned();
    snapshot.classes[0].provisioner = "kubernetes.io/no-provisioner".into();
    snapshot.claims.push(waiting("data-db-0"));
    let here = Requirement { key: ZONE.into(), operator: Operator::In, values: BTreeSet::from(["b".into()]) };
    snapshot.volumes.push(PersistentVolume {
        name: "static".into(),
        labels: Arc::default(),
        node_affinity: Some(vec![NodeTerm { labels: vec![here], fields: Vec::new() }]),
        disk: None,
        local: true,
        class: Some("disks".into()),
        bytes: 1,
        access_modes: asked().access_modes,
        block: false,
        attributes_class: None,
        claim: None,
        claim_uid: None,
        available: true,
        deleting: false,
    });
    let pod = mounting(pod("db-0", ""), VolumeSource::Claim("data-db-0".into()));
    let sandbox = Sandbox::in_memory(set(vec![pod], 1, snapshot), &Faults::default());
    sandbox.advance(mins(1)).unwrap();
    assert_eq!(node_of(&sandbox, "db-0").as_deref(), Some("n-2"));
    let (claim, volume) = (sandbox.snapshot().claims.remove(0), sandbox.snapshot().volumes.remove(0));
    assert_eq!((claim.volume.as_deref(), claim.bound), (Some("static"), true));
    assert_eq!((volume.claim, volume.available), (Some(claim.key), false));
}

#[test]
fn claims_that_were_not_listed_are_made_up_and_those_that_are_not_there_are_missed() {
    for (listed, ready) in [(false, true), (true, false)] {
        let mut snapshot = zoned();
        snapshot.observed = if listed { snapshot.observed } else { BTreeSet::new() };
        let runs = mounting(pod("runs", "n-1"), VolumeSource::Claim("one".into()));
        let waits = mounting(pod("waits", ""), VolumeSource::Claim("two".into()));
        snapshot.pods = vec![runs, waits];
        let sandbox = Sandbox::in_memory(snapshot, &Faults::default());
        sandbox.advance(mins(1)).unwrap();
        let waits = sandbox.snapshot().pods.into_iter().find(|pod| &*pod.key.name == "waits").unwrap();
        assert_eq!(waits.ready, ready, "claims listed: {listed}");
        let bound = sandbox.snapshot().claims.iter().filter(|claim| claim.bound).count();
        assert_eq!(bound, if listed { 1 } else { 2 }, "a pod that runs has its claim");
    }
}
