//! A node that dies with its pods and volumes, and comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate::cloud::Provider;
use tidegate::cluster::Cluster;
use tidegate::model::*;
use tidegate::policy::Idle;
use tidegate::sandbox::{Faults, Sandbox};

use crate::build::*;

fn with_disk(mut snapshot: Snapshot, pod: &str, on: &str) -> Snapshot {
    let (claim, volume) = (format!("data-{pod}"), format!("pv-{pod}"));
    let modes = BTreeSet::from(["ReadWriteOnce".into()]);
    snapshot.claims.push(Claim {
        key: PodKey::new("web", &*claim),
        uid: (&*claim).into(),
        owner: None,
        spec: ClaimSpec { access_modes: modes.clone(), ..ClaimSpec::default() },
        volume: Some((&*volume).into()),
        bound: true,
        lost: false,
        deleting: false,
        selected_node: None,
    });
    snapshot.volumes.push(PersistentVolume {
        name: (&*volume).into(),
        labels: Arc::default(),
        node_affinity: None,
        disk: Some(Disk { driver: "disk.example.org".into(), handle: (&*volume).into(), in_tree: false }),
        local: false,
        class: None,
        bytes: 0,
        access_modes: modes,
        block: false,
        attributes_class: None,
        claim: Some(PodKey::new("web", &*claim)),
        claim_uid: None,
        available: false,
        deleting: false,
    });
    snapshot.attachments.push(VolumeAttachment {
        name: format!("csi-{pod}").into(),
        attacher: "disk.example.org".into(),
        node: on.into(),
        volume: Some((&*volume).into()),
        attached: true,
    });
    let source = VolumeSource::Claim((&*claim).into());
    for found in snapshot.pods.iter_mut().filter(|found| &*found.key.name == pod) {
        let volumes = BTreeSet::from([Volume { name: "data".into(), source: source.clone() }]);
        found.spec = Arc::new(PodSpec { volumes, ..(*found.spec).clone() });
    }
    snapshot
}

fn numbered(count: u32, on: &str) -> Snapshot {
    let pods = (0..count).map(|n| owned(pod(&format!("db-{n}"), on), "StatefulSet", "db")).collect();
    Snapshot { pods, workloads: vec![workload("StatefulSet", "db", Some(count))], ..cluster(2) }
}

fn attached_to(sandbox: &Sandbox) -> Vec<String> {
    sandbox.snapshot().attachments.iter().map(|attachment| attachment.node.to_string()).collect()
}

#[test]
fn a_disk_follows_its_pod_and_leaves_the_node_a_little_later() {
    let sandbox = Sandbox::in_memory(with_disk(numbered(1, "n-1"), "db-0", "n-1"), &Faults::default());
    let cordon = tidegate::cluster::NodePatch { unschedulable: Some(true), ..Default::default() };
    now(sandbox.patch_node(&"n-1".into(), &cordon)).unwrap();
    now(sandbox.evict(&PodKey::new("web", "db-0"), &"uid-db-0".into())).unwrap();
    let on = |sandbox: &Sandbox| sandbox.snapshot().pods[0].node.clone();
    while on(&sandbox).as_deref() == Some("n-1") {
        assert!(!now(sandbox.changes(start() + mins(1))).unwrap().is_empty());
    }
    assert_eq!(attached_to(&sandbox), ["n-1"], "the pod has left, its disk not yet");
    assert_eq!(on(&sandbox).as_deref(), Some("n-2"));
    sandbox.advance(mins(2)).unwrap();
    assert_eq!(attached_to(&sandbox), ["n-2"]);
    assert!(sandbox.snapshot().pods[0].ready);
}

#[test]
fn pods_of_a_dead_node_are_given_up_after_five_minutes() {
    let mut begin = numbered(1, "n-1");
    let tolerant = Toleration { key: None, value: None, effect: None, seconds: None };
    let mut stays = owned(pod("stays", "n-1"), "ReplicaSet", "stays");
    stays.spec = Arc::new(PodSpec { tolerations: BTreeSet::from([tolerant]), ..spec(100) });
    begin.pods.push(stays);
    begin.pods.push(owned(pod("moves", "n-1"), "ReplicaSet", "moves"));
    let sandbox = Sandbox::in_memory(begin, &Faults::default());
    now(sandbox.park(&"id-n-1".into(), Idle::Stop)).unwrap();
    let find = |name: &str| sandbox.snapshot().pods.into_iter().find(|pod| pod.key.name.starts_with(name)).unwrap();
    sandbox.advance(mins(2)).unwrap();
    for name in ["db-0", "stays", "moves"] {
        let pod = find(name);
        assert!(!pod.ready && !pod.terminating(), "{name}: the node is silent");
    }
    let node = now(sandbox.node(&"n-1".into())).unwrap().unwrap();
    assert_eq!(node.condition("Ready").unwrap().status, ConditionStatus::Unknown);
    assert_eq!(node.taints.len(), 2);
    let lease = sandbox.snapshot().leases["n-1"];
    assert!(sandbox.now().duration_since(lease) > secs(60), "the lease is old");
    sandbox.advance(mins(6)).unwrap();
    assert!(!find("stays").terminating());
    let both = sandbox.snapshot().pods.into_iter().filter(|pod| &*pod.labels["app"] == "moves").collect::<Vec<_>>();
    assert!(both.len() == 2 && both.iter().any(|pod| pod.terminating()) && both.iter().any(|pod| pod.ready));
    let stuck = find("db-0");
    assert!(stuck.terminating(), "nobody knows whether it still runs, so it is not replaced");
    now(sandbox.wake(&"id-n-1".into())).unwrap();
    sandbox.advance(mins(5)).unwrap();
    let end = sandbox.snapshot().pods;
    assert!(end.len() == 3 && end.iter().all(|pod| pod.ready && !pod.terminating()), "{end:?}");
}
