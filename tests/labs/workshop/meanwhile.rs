//! Others at work at the same time: a second apply, and people with kubectl and the cloud's own tools.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::execute::EventKind;

use super::both::{Both, block_on, node, nothing_left, servers, status, workers};
use super::load::{only_on, template, workload};
use crate::cloud::Hand;
use crate::kubectl::{kubectl, until};

const PARKED: &str = "NotReady,SchedulingDisabled";

/// The second is refused by the name of the first, or waits for it and does what is left.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn two_applies_at_once() {
    let both = Both::open();
    let nodes = &workers()[..2];
    let mut pod = template("web", "2s", "15s");
    pod["spec"]["terminationGracePeriodSeconds"] = json!(30);
    only_on(&nodes[0], &[workload("Deployment", "apps", "web", 1, &pod)], &[("web".to_owned(), 1)].into());
    let policy = both.policy(1, nodes, "");
    let args = ["apply", "-f", &policy, "--yes", "--format", "json"];
    let mut first = both.start(&[&args[..], &["--target", &format!("node/{}", nodes[0])]].concat());
    first.says("pod_evicted");
    // From another machine, as it were: without the journal of the first.
    let other = |more: &[&str]| {
        let mut command = both.command(&[&args[..], more].concat());
        command.env("XDG_STATE_HOME", both.file("elsewhere"));
        both.begin(command)
    };
    let refused = other(&[]).end(Duration::from_secs(60)).with(5);
    assert!(refused.said("tidegate unlock"), "{}", refused.err);
    let patient = other(&["--lock-timeout", "2m"]);
    let first = first.end(Duration::from_secs(120)).with(0);
    let second = patient.end(Duration::from_secs(120)).with(0);
    let of = |ran: &super::both::Ran| -> Vec<String> {
        let done = ran.events().into_iter().filter(|event| event.kind == EventKind::StepDone);
        done.filter_map(|event| event.step).collect()
    };
    let steps = |name: &str| ["cordon", "drain", "park"].map(|verb| format!("{verb}/{name}")).to_vec();
    assert_eq!(of(&first), steps(&nodes[0]));
    assert_eq!(of(&second), steps(&nodes[1]), "{}", second.out);
    both.apply(&both.policy(3, nodes, ""), &[]).with(0);
    nothing_left(nodes);
}

/// One after another goes; meanwhile somebody cordons one that waits for its turn, holds another, deletes the Node of one
/// that is being parked, and uncordons one whose pods are just leaving.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn people_meanwhile() {
    let both = Both::open();
    let nodes = &workers()[..5];
    let busy = &nodes[0];
    let mut pod = template("web", "2s", "8s");
    pod["spec"]["terminationGracePeriodSeconds"] = json!(20);
    only_on(busy, &[workload("Deployment", "apps", "web", 2, &pod)], &[("web".to_owned(), 2)].into());
    let policy = both.policy(1, nodes, "");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("idle: shelve", "idle: shelve\n      parallelism: 1")).unwrap();
    let mut running = both.start(&["apply", "-f", &policy, "--yes", "--format", "json"]);
    running.says("step_started");
    let begun = until("one that is cordoned", || {
        nodes.iter().find(|name| status(&node(name)).ends_with("SchedulingDisabled")).cloned()
    });
    assert_ne!(begun, *busy, "who has nobody on it goes first");
    let rest: Vec<&String> = nodes.iter().filter(|name| **name != begun && *name != busy).collect();
    // Two that wait for their turn: a cordon of somebody's own, and a hold.
    kubectl(&["cordon", rest[0]]).unwrap();
    kubectl(&["annotate", "node", rest[1], "tidegate.dev/hold=debugging"]).unwrap();
    // The Node of the last one goes once its server is being parked; the busy one is taken back while its pods go.
    let parking = format!("parking {}", rest[2]);
    let mut due = vec![(parking.as_str(), vec!["delete", "node", rest[2]]), ("pod_evicted", vec!["uncordon", busy])];
    while !due.is_empty() {
        let next = || due.iter().position(|(words, _)| running.out().contains(words));
        let (_, args) = due.remove(until("the next one to interfere with", next));
        kubectl(&args).unwrap();
    }
    let ran = running.end(Duration::from_secs(300)).with(6);
    println!("labs: {}", ran.events().last().unwrap().message);
    let foreign = node(rest[0]);
    assert_eq!(status(&foreign), "Ready,SchedulingDisabled", "the cordon of somebody else stays");
    assert!(!foreign.to_string().contains("tidegate"), "and nothing of ours is on it: {foreign}");
    let taken_back = node(busy);
    assert_eq!(status(&taken_back), "Ready", "{}", ran.out);
    assert!(!taken_back.to_string().contains("tidegate"), "nothing of ours is on it: {taken_back}");
    assert_eq!(block_on(servers())[busy.as_str()]["status"], "ACTIVE");
    let held = node(rest[1]);
    assert_eq!(status(&held), "Ready");
    assert!(held["metadata"]["annotations"]["tidegate.dev/record"].is_null());
    assert_eq!(block_on(servers())[rest[0].as_str()]["status"], "ACTIVE");
    assert_eq!(block_on(servers())[rest[1].as_str()]["status"], "ACTIVE");
    assert_eq!(status(&node(&begun)), PARKED);

    // Somebody starts the server of the first by hand, and it is left alone (H23).
    let id = block_on(servers())[begun.as_str()]["id"].as_str().unwrap().to_owned();
    block_on(async { Hand::of("lab-password").await.act(&id, "unshelve").await });
    until("its node to be Ready", || status(&node(&begun)).starts_with("Ready").then_some(()));
    let plan = both.run(&["plan", "-f", &policy, "--format", "json"], Duration::from_secs(60)).with(0);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let takes = |step: &Value| step["node"] == begun.as_str() && step["verb"] == "park";
    assert!(!plan["steps"].as_array().unwrap().iter().any(takes), "{}", plan["steps"]);

    // What people did is taken back; then everybody comes back as ever, the deleted Node with its labels. Who started the
    // server by hand has to say that its node is to be used.
    kubectl(&["uncordon", rest[0]]).unwrap();
    kubectl(&["annotate", "node", rest[1], "tidegate.dev/hold-"]).unwrap();
    let up = both.policy(6, nodes, "");
    both.apply(&up, &[]).with(0);
    assert_eq!(status(&node(&begun)), "Ready,SchedulingDisabled", "it is left alone however many are wanted");
    both.run(&["wake", &format!("node/{begun}"), "-f", &up, "--yes"], Duration::from_secs(120)).with(0);
    assert_eq!(node(rest[2])["metadata"]["labels"]["topology.kubernetes.io/zone"], "nova");
    nothing_left(nodes);
}
