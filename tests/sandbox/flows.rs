//! What an operator knows: evictions, budgets, controllers, nodes that go and come back.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate::cloud::{Provider, ProviderError};
use tidegate::cluster::{Cluster, ClusterError, Evicted, NodePatch};
use tidegate::execute::Clock;
use tidegate::model::*;
use tidegate::policy::Idle;
use tidegate::sandbox::{Faults, Sandbox};

use crate::build::*;

fn open(snapshot: Snapshot) -> Sandbox {
    Sandbox::in_memory(snapshot, &Faults::default())
}

fn faulty(snapshot: Snapshot, faults: &str) -> Sandbox {
    Sandbox::in_memory(snapshot, &Faults::parse(faults).unwrap())
}

fn evict(sandbox: &Sandbox, name: &str, uid: &str) -> Evicted {
    now(sandbox.evict(&PodKey::new("web", name), &uid.into())).unwrap()
}

fn pods(sandbox: &Sandbox) -> Vec<Pod> {
    sandbox.snapshot().pods
}

fn state(sandbox: &Sandbox, id: &str) -> (ServerState, Option<String>) {
    let server = now(sandbox.server(&id.into())).unwrap().unwrap();
    (server.state, server.task.map(|task| task.to_string()))
}

fn ready(sandbox: &Sandbox, name: &str) -> bool {
    now(sandbox.node(&name.into())).unwrap().unwrap().ready()
}

fn replicas(count: u32, on: &[&str]) -> Snapshot {
    let pods = (0..count).map(|n| owned(pod(&format!("app-{n}"), on[n as usize % on.len()]), "ReplicaSet", "app"));
    Snapshot { pods: pods.collect(), workloads: vec![workload("ReplicaSet", "app", Some(count))], ..cluster(3) }
}

#[test]
fn a_replica_is_replaced_at_once_and_the_budget_waits_for_it() {
    let mut start = replicas(3, &["n-1", "n-2"]);
    start.budgets = vec![budget("app", Some(IntOrPercent::Count(2)), None)];
    let sandbox = open(start);
    assert_eq!(evict(&sandbox, "app-0", "uid-app-0"), Evicted::Accepted);
    let Evicted::Blocked { budgets, cause, retry_after } = evict(&sandbox, "app-1", "uid-app-1") else {
        panic!("two evictions in one instant passed");
    };
    assert_eq!(budgets, [PodKey::new("web", "app")]);
    assert_eq!(cause, "The disruption budget app needs 2 healthy pods and has 2 currently");
    assert_eq!(retry_after, None);
    assert_eq!(pods(&sandbox).len(), 4, "the replacement is there while the old one stops");
    sandbox.advance(mins(1)).unwrap();
    let after = pods(&sandbox);
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|pod| pod.ready && pod.node.is_some()));
    assert_eq!(evict(&sandbox, "app-0", "uid-app-0"), Evicted::Gone);
    assert_eq!(evict(&sandbox, "app-1", "uid-app-1"), Evicted::Accepted);
}

#[test]
fn a_numbered_pod_comes_back_under_its_name_after_it_is_gone() {
    let pods_at_start = (0..3).map(|n| owned(pod(&format!("db-{n}"), "n-1"), "StatefulSet", "db")).collect();
    let workloads = vec![workload("StatefulSet", "db", Some(3))];
    let sandbox = open(Snapshot { pods: pods_at_start, workloads, ..cluster(2) });
    evict(&sandbox, "db-1", "uid-db-1");
    assert_eq!(pods(&sandbox).len(), 3);
    let first = now(sandbox.changes(sandbox.now() + mins(1))).unwrap();
    assert!(
        first.iter().any(|change| matches!(change, Change::Pod(pod) if &*pod.key.name == "db-1" && pod.terminating()))
    );
    sandbox.advance(mins(1)).unwrap();
    let back = pods(&sandbox).into_iter().find(|pod| &*pod.key.name == "db-1").unwrap();
    assert!(back.ready && back.deletion.is_none());
    assert_ne!(&*back.uid, "uid-db-1");
}

#[test]
fn a_bare_pod_does_not_come_back_and_a_session_ends_by_itself() {
    let session = annotated(pod("session", "n-1"), "sandbox.tidegate.dev/lifetime", "11h");
    let sandbox = open(Snapshot { pods: vec![pod("bare", "n-1"), session], ..cluster(1) });
    evict(&sandbox, "bare", "uid-bare");
    sandbox.advance(mins(59)).unwrap();
    assert_eq!(pods(&sandbox).len(), 1);
    sandbox.advance(mins(2)).unwrap();
    assert_eq!(pods(&sandbox), []);
}

#[test]
fn a_job_wants_no_pod_after_its_last_has_succeeded() {
    let worker = annotated(owned(pod("job-a", "n-1"), "Job", "job"), "sandbox.tidegate.dev/lifetime", "601m");
    let sandbox = open(Snapshot { pods: vec![worker], workloads: vec![workload("Job", "job", Some(1))], ..cluster(1) });
    sandbox.advance(mins(5)).unwrap();
    let after = sandbox.snapshot();
    assert_eq!(after.pods.len(), 1);
    assert_eq!(after.pods[0].phase, Phase::Succeeded);
    assert!(after.workloads[0].finished);
}

#[test]
fn grace_ends_what_stops_too_slowly() {
    for (stops, gone_after) in [("5s", 5), ("10m", 30)] {
        let slow = annotated(pod("slow", "n-1"), "sandbox.tidegate.dev/stops-after", stops);
        let sandbox = open(Snapshot { pods: vec![slow], ..cluster(1) });
        evict(&sandbox, "slow", "uid-slow");
        sandbox.advance(secs(gone_after - 1)).unwrap();
        assert_eq!(pods(&sandbox)[0].deletion, Some(start() + secs(30)));
        sandbox.advance(secs(1)).unwrap();
        assert_eq!(pods(&sandbox), [], "{stops}");
    }
}

#[test]
fn a_server_is_shelved_and_comes_back_with_its_node() {
    let daemon = owned(pod("agent-1", "n-1"), "DaemonSet", "agent");
    let mut start = replicas(2, &["n-1"]);
    start.pods.push(daemon);
    start.workloads.push(workload("DaemonSet", "agent", None));
    let sandbox = open(start);
    assert_eq!(pods(&sandbox).len(), 5, "the daemon is on each node");
    let (id, begin) = (Name::from("id-n-1"), sandbox.now());
    now(sandbox.park(&id, Idle::Shelve)).unwrap();
    assert_eq!(state(&sandbox, "id-n-1"), (ServerState::Active, Some("shelving".into())));
    now(sandbox.park(&id, Idle::Shelve)).unwrap();
    assert_eq!(state(&sandbox, "id-n-1"), (ServerState::Active, Some("shelving".into())), "it is on its way already");
    assert!(matches!(now(sandbox.wake(&id)), Err(ProviderError::WrongState { .. })));
    while state(&sandbox, "id-n-1") != (ServerState::ShelvedOffloaded, None) {
        assert!(!now(sandbox.changes(begin + mins(4))).unwrap().is_empty(), "shelving takes at most three minutes");
    }
    assert!(sandbox.now().duration_since(begin) >= secs(60));
    assert!(!ready(&sandbox, "n-1"));
    now(sandbox.park(&id, Idle::Shelve)).unwrap();
    sandbox.advance(mins(10)).unwrap();
    let moved = pods(&sandbox).into_iter().filter(|pod| &*pod.labels["app"] == "app" && pod.ready);
    assert!(moved.clone().count() == 2 && moved.clone().all(|pod| pod.node.as_deref() != Some("n-1")));
    now(sandbox.wake(&id)).unwrap();
    let begin = sandbox.now();
    while !ready(&sandbox, "n-1") {
        assert!(!now(sandbox.changes(begin + mins(6))).unwrap().is_empty(), "waking takes at most five minutes");
    }
    sandbox.advance(mins(2)).unwrap();
    let node = now(sandbox.node(&"n-1".into())).unwrap().unwrap();
    assert_eq!(node.taints, BTreeSet::new());
    assert_eq!(pods(&sandbox).iter().filter(|pod| pod.ready).count(), 5);
}

#[test]
fn a_cordoned_node_takes_no_pod_and_a_discouraged_one_only_if_there_is_no_other() {
    let sandbox = open(replicas(2, &["n-1"]));
    let cordon = NodePatch { unschedulable: Some(true), ..NodePatch::default() };
    now(sandbox.patch_node(&"n-1".into(), &cordon)).unwrap();
    let taint = Taint { key: "tidegate.dev/leaving".into(), value: "".into(), effect: TaintEffect::PreferNoSchedule };
    let leaving = NodePatch { add_taints: BTreeSet::from([taint]), ..NodePatch::default() };
    now(sandbox.patch_node(&"n-2".into(), &leaving)).unwrap();
    evict(&sandbox, "app-0", "uid-app-0");
    evict(&sandbox, "app-1", "uid-app-1");
    sandbox.advance(mins(1)).unwrap();
    assert!(pods(&sandbox).iter().all(|pod| pod.node.as_deref() == Some("n-3")));
    let other = NodePatch { uid: "another".into(), ..NodePatch::default() };
    assert!(matches!(now(sandbox.patch_node(&"n-1".into(), &other)), Err(ClusterError::Conflict(_))));
}

#[test]
fn each_failure_looks_as_it_does_in_the_field() {
    let wake = |faults: &str| {
        let mut start = cluster(1);
        start.servers[0].state = ServerState::ShelvedOffloaded;
        start.nodes[0].conditions[0].status = ConditionStatus::Unknown;
        let sandbox = faulty(start, faults);
        now(sandbox.wake(&"id-n-1".into())).unwrap();
        sandbox.advance(mins(30)).unwrap();
        sandbox
    };
    let sandbox = wake("faults: [{target: server/*, kind: no-valid-host, times: 1}]");
    assert_eq!(state(&sandbox, "id-n-1"), (ServerState::ShelvedOffloaded, None));
    now(sandbox.wake(&"id-n-1".into())).unwrap();
    sandbox.advance(mins(6)).unwrap();
    assert!(ready(&sandbox, "n-1"), "it struck once");
    assert_eq!(state(&wake("faults: [{target: server/n-1, kind: error}]"), "id-n-1").0, ServerState::Error);
    let stuck = wake("faults: [{target: node/n-1, kind: stuck, on: wake}]");
    assert_eq!(state(&stuck, "id-n-1"), (ServerState::ShelvedOffloaded, Some("unshelving".into())));
    let lonely = wake("faults: [{target: node/n-*, kind: node-never-ready}]");
    assert_eq!(state(&lonely, "id-n-1"), (ServerState::Active, None));
    assert!(!ready(&lonely, "n-1"));
    assert!(!ready(&wake("faults: [{target: server/n-1, kind: slow, on: wake, latency: 1h}]"), "n-1"));

    for (kind, crashes) in [("pod-never-ready", false), ("crash-loop", true)] {
        let sandbox = faulty(replicas(1, &["n-1"]), &format!("faults: [{{target: workload/web/app, kind: {kind}}}]"));
        evict(&sandbox, "app-0", "uid-app-0");
        sandbox.advance(mins(30)).unwrap();
        let after = pods(&sandbox);
        assert!(after.len() == 1 && !after[0].ready && after[0].crash_looping == crashes, "{kind}");
    }
    let sandbox = faulty(replicas(1, &["n-1"]), "faults: [{target: pod/web/app-0, kind: evict-error, times: 1}]");
    let first = now(sandbox.evict(&PodKey::new("web", "app-0"), &"uid-app-0".into()));
    assert!(matches!(first, Err(ClusterError::Unavailable(_))));
    assert_eq!(evict(&sandbox, "app-0", "uid-app-0"), Evicted::Accepted);
    let sandbox = faulty(cluster(1), "faults: [{target: server/n-1, kind: error, on: park, ends: active}]");
    now(sandbox.park(&"id-n-1".into(), Idle::Shelve)).unwrap();
    sandbox.advance(mins(10)).unwrap();
    assert_eq!(state(&sandbox, "id-n-1"), (ServerState::Active, None));
    assert!(ready(&sandbox, "n-1"));
}

#[test]
fn time_passes_only_when_it_is_asked_to() {
    let sandbox = open(replicas(3, &["n-1", "n-2", "n-3"]));
    assert_eq!(now(sandbox.changes(start() + mins(60 * 24 * 7))).unwrap(), []);
    assert_eq!(Clock::now(&sandbox), start() + mins(60 * 24 * 7));
    let leases = sandbox.snapshot().leases;
    let fresh = |at: &Timestamp| *at <= sandbox.now() && sandbox.now().duration_since(*at) < secs(10);
    assert!(leases.len() == 3 && leases.values().all(fresh), "{leases:?}");
}
