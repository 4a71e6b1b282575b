//! What fails in the cloud and in the cluster while an apply is at work: each in words, each node in a known place.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::execute::EventKind;

use super::both::{Both, Ran, block_on, node, nothing_left, servers, status, unlocked, workers};
use super::load::{only_on, template, workload};
use crate::cloud::{Hand, faults, mending};
use crate::kubectl::{kubectl, lab, make};

const PARKED: &str = "NotReady,SchedulingDisabled";

/// What failed, by node.
fn failed(ran: &Ran, node: &str) -> String {
    let of = |kind: EventKind| {
        move |event: &tidegate::execute::Event| event.kind == kind && event.node.as_deref() == Some(node)
    };
    let found = ran.events().into_iter().find(of(EventKind::StepFailed));
    found.unwrap_or_else(|| panic!("{node} did not fail:\n{}", ran.out)).message
}

/// A disk that cannot be saved, and one that takes long, at the same time.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn a_shelve_that_fails_and_one_that_is_slow() {
    let both = Both::open();
    let nodes = &workers()[..2];
    faults(&json!({"fail": {"snapshot": format!("^{}$", nodes[0])}, "delay": {"snapshot": 12}}));
    let ran = both.apply(&both.policy(1, nodes, ""), &[]);
    faults(&json!({}));
    let ran = ran.with(6);
    let why = failed(&ran, &nodes[0]);
    assert!(why.contains("shelve of") && why.contains("came to nothing"), "{why}");
    assert_eq!(status(&node(&nodes[1])), PARKED);
    println!("labs: {why}");
    // Given back, since its server is said to run: nothing of ours is on it, and nobody holds the lock.
    let back = node(&nodes[0]);
    assert_eq!(status(&back), "Ready");
    assert!(!back.to_string().contains("tidegate"), "{back}");
    assert_eq!(block_on(servers())[&nodes[0]]["metadata"]["tidegate_record"], Value::Null);
    unlocked();
    // Nova calls the server ACTIVE although it was stopped to be saved, and finds out later; the bridge believes it, so
    // that its node stays Ready where a real one would fall silent: only the other one is brought back here.
    block_on(async {
        let user = Hand::of("lab-password").await;
        user.drop_images(&format!("{}-shelved", nodes[0])).await;
    });
    let up = both.policy(2, &nodes[1..], "");
    both.apply(&up, &[]).with(0);
    assert_eq!(status(&node(&nodes[1])), "Ready");
}

/// No host has room; then there is one, and a kubelet that never comes back.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn wakes_that_come_to_nothing() {
    let both = Both::open();
    let nodes = &workers()[..2];
    both.apply(&both.policy(1, nodes, ""), &[]).with(0);
    let up = both.policy(3, nodes, "  wake: {joinTimeout: 25s}\n");
    block_on(async {
        let admin = Hand::of("lab-admin").await;
        let work = async {
            admin.open(false).await;
            let ran = both.apply(&up, &[]).with(6);
            for name in nodes {
                assert!(failed(&ran, name).contains("no host has room for it"), "{}", ran.out);
                assert_eq!(status(&node(name)), PARKED);
            }
        };
        mending(work, admin.open(true)).await;
    });
    // Not tried again at once; a person may.
    let plan = both.run(&["plan", "-f", &up], Duration::from_secs(60));
    assert!(plan.said("its last wake failed") && plan.said("because no host has room for it"), "{}", plan.out);
    forget();

    // The lab's kubelet of the first is gone for good: the server runs for nothing, and is parked again.
    kubectl(&["label", "node", &nodes[0], "kwok.x-k8s.io/node=broken", "--overwrite"]).unwrap();
    let ran = both.apply(&up, &[]).with(6);
    let why = failed(&ran, &nodes[0]);
    assert!(why.contains("was not Ready") && why.contains("after its wake"), "{why}");
    assert_eq!(status(&node(&nodes[1])), "Ready");
    assert_eq!(status(&node(&nodes[0])), PARKED);
    assert_eq!(block_on(servers())[&nodes[0]]["status"], "SHELVED_OFFLOADED");
    kubectl(&["label", "node", &nodes[0], "kwok.x-k8s.io/node=stopped", "--overwrite"]).unwrap();
    forget();
    both.apply(&up, &[]).with(0);
    nothing_left(nodes);
}

/// As if the back-off were over.
fn forget() {
    kubectl(&["delete", "configmap", "-n", "tidegate", "tidegate-memory"]).unwrap();
}

/// A hypervisor that cannot suspend leaves the server in ERROR: the node stays cordoned, and is said so.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn a_server_that_ends_in_error() {
    let both = Both::open();
    let nodes = &workers()[..1];
    let policy = both.policy(1, nodes, "");
    let text = std::fs::read_to_string(&policy).unwrap().replace("idle: shelve", "idle: suspend");
    std::fs::write(&policy, text).unwrap();
    faults(&json!({"fail": {"suspend": format!("^{}$", nodes[0])}}));
    let ran = both.apply(&policy, &[]);
    faults(&json!({}));
    let why = failed(&ran.with(6), &nodes[0]);
    assert!(why.contains("is in ERROR") && why.contains("stays cordoned"), "{why}");
    assert!(status(&node(&nodes[0])).ends_with("SchedulingDisabled"));
    assert!(node(&nodes[0])["metadata"]["annotations"]["tidegate.dev/record"].is_string());
    // The next plan names it and what to do, and touches nothing.
    let plan = both.run(&["plan", "-f", &policy], Duration::from_secs(60));
    assert!(plan.said("ERROR"), "{}", plan.out);
}

/// A volume that is not let go is waited for; when it is, the server goes. Asked to stop, the node is given back.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn a_volume_that_is_not_let_go() {
    let both = Both::open();
    let nodes = &workers()[..1];
    let attachment = json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "held"},
        "spec": {"attacher": "cinder.csi.openstack.org", "nodeName": nodes[0], "source": {"persistentVolumeName": "pv"}},
        "status": {"attached": true}});
    let detached = || drop(kubectl(&["delete", "volumeattachment", "held", "--ignore-not-found"]));
    detached();
    make(std::slice::from_ref(&attachment));
    let policy = both.policy(1, nodes, "");
    let args = ["apply", "-f", &policy, "--yes", "--format", "json"];
    let mut running = both.start(&args);
    running.says("volume");
    running.signal("-INT");
    let ran = running.end(Duration::from_secs(60)).with(6);
    assert!(ran.said("given_back"), "{}", ran.out);
    assert_eq!(status(&node(&nodes[0])), "Ready");
    assert_eq!(block_on(servers())[&nodes[0]]["status"], "ACTIVE");

    let mut running = both.start(&args);
    running.says("volume");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(block_on(servers())[&nodes[0]]["status"], "ACTIVE", "nothing is shelved under a volume");
    detached();
    running.end(Duration::from_secs(120)).with(0);
    assert_eq!(status(&node(&nodes[0])), PARKED);
    both.apply(&both.policy(2, nodes, ""), &[]).with(0);
    nothing_left(nodes);
}

/// The API server frozen for longer than any call may take, then killed and started anew, while pods go.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn an_api_server_that_is_frozen_and_one_that_is_started_anew() {
    let both = Both::open();
    let nodes = &workers()[..1];
    let mut pod = template("web", "2s", "10s");
    pod["spec"]["terminationGracePeriodSeconds"] = json!(20);
    only_on(&nodes[0], &[workload("Deployment", "apps", "web", 2, &pod)], &[("web".to_owned(), 2)].into());
    let pid = std::fs::read_to_string(format!("{}/kube-apiserver.pid", lab("TIDEGATE_LAB_RUN"))).unwrap();
    let pid = pid.split_whitespace().next().unwrap().to_owned();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    let policy = both.policy(1, nodes, "");
    let mut running = both.start(&["apply", "-f", &policy, "--yes", "--format", "json"]);
    running.says("pod_evicted");
    signal("-STOP");
    std::thread::sleep(Duration::from_secs(12));
    signal("-CONT");
    running.says("pod_gone");
    signal("-KILL");
    let ended = Command::new("timeout").args(["60", "tail", "-f", "/dev/null", "--pid", &pid]).status().unwrap();
    assert!(ended.success(), "the API server does not end");
    let up = Command::new(format!("{}/kubernetes/up", lab("TIDEGATE_LABS"))).stdout(Stdio::null()).status().unwrap();
    assert!(up.success());
    let ran = running.end(Duration::from_secs(300)).with(0);
    let evictions = ran.events().iter().filter(|event| event.kind == EventKind::PodEvicted).count();
    assert_eq!((evictions, status(&node(&nodes[0])).as_str()), (2, PARKED), "{}", ran.out);
    both.apply(&both.policy(2, nodes, ""), &[]).with(0);
    nothing_left(nodes);
}
