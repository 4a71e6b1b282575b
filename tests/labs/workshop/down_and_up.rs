//! The workshop down and up: nine of ten workers, everything that such a cluster runs on them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::execute::{Event, EventKind};

use super::both::{Both, Ran, block_on, node, nothing_left, servers, status, unlocked, workers};
use super::load::{running, whole};
use super::watcher::{Watcher, budgets_are_kept, longest_idle, phases};
use crate::kubectl::kubectl;

/// How pods are drained that the table alone would keep: CoreDNS is younger than an hour, people are waited for.
const DRAIN: &str = "  drain:
    pods:
      - {match: {namespaces: [kube-system], labels: {k8s-app: kube-dns}}, action: evict}
      - {match: {namespaces: [jhub], labels: {component: singleuser-server}}, action: wait, atMost: 2h}
";

/// From the first to the last step it takes hardly longer than the slowest node alone, from when it was its turn: one that
/// waits for the pod of a Job is cordoned when that has ended. Nobody's turn comes late, and those who wait for nobody are
/// measured by themselves, too: beside one who waits for long anything would be quick.
fn side_by_side(ran: &Ran) {
    type Span = (jiff::Timestamp, jiff::Timestamp);
    let mut spans: BTreeMap<String, Span> = BTreeMap::new();
    let mut waits: BTreeSet<String> = BTreeSet::new();
    let kinds = [EventKind::Waiting, EventKind::StepStarted, EventKind::StepDone];
    for event in ran.events().into_iter().filter(|event| kinds.contains(&event.kind)) {
        let Some(node) = event.node else { continue };
        // Before its cordon, that is, for the pod of somebody else.
        if event.kind == EventKind::Waiting && !spans.contains_key(&node) {
            waits.insert(node.clone());
        }
        let span = spans.entry(node).or_insert((event.time, event.time));
        span.1 = event.time;
    }
    let long = |(from, to): Span| to.duration_since(from).as_secs_f64();
    let first = spans.values().map(|span| span.0).min().unwrap();
    let latest = spans.values().map(|span| long((first, span.0))).fold(0.0, f64::max);
    assert!(latest <= 5.0, "{spans:?}\n{}", ran.out);
    let all: Vec<Span> = spans.values().copied().collect();
    let at_once: Vec<Span> = spans.iter().filter(|(node, _)| !waits.contains(*node)).map(|(_, span)| *span).collect();
    for spans in [all, at_once].into_iter().filter(|spans| !spans.is_empty()) {
        let longest = spans.iter().map(|span| long(*span)).fold(0.0, f64::max);
        let whole = long((first, spans.iter().map(|span| span.1).max().unwrap()));
        println!("labs: {} nodes in {whole:.1} s, the longest of them {longest:.1} s", spans.len());
        assert!(whole <= 1.05 * longest + 5.0, "{spans:?}\n{}", ran.out);
    }
}

fn count(events: &[Event], kind: EventKind) -> usize {
    events.iter().filter(|event| event.kind == kind).count()
}

#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn nine_of_ten_workers_go_and_come_back() {
    let both = Both::open();
    let (objects, least) = whole();
    let replicas = |object: &Value| object["spec"]["replicas"].as_u64().map(|count| count as usize);
    let wanted = objects.iter().filter(|object| object["metadata"]["namespace"] == "apps");
    let wanted = wanted.filter_map(|object| Some((object["metadata"]["name"].as_str()?.to_owned(), replicas(object)?)));
    running(&objects, &wanted.collect());
    let budgeted: BTreeSet<String> = (objects.iter())
        .filter(|object| object["kind"] == "PodDisruptionBudget")
        .map(|object| object["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    let (down, up) = (both.policy(1, &workers(), DRAIN), both.policy(10, &workers(), DRAIN));
    let watcher = Watcher::begin();

    // People are still at work: their nodes wait, and the next run goes on.
    let first = both.apply(&down, &["--no-wait"]).with(6);
    side_by_side(&first);
    assert_eq!(count(&first.events(), EventKind::StepFailed), 0, "{}", first.out);
    assert!(!first.out.contains("jupyter-dana is evicted"));
    kubectl(&["delete", "pods", "-n", "jhub", "jupyter-eli"]).unwrap();
    kubectl(&["wait", "--for=condition=complete", "--timeout=60s", "-n", "apps", "job/job-1", "job/job-2"]).unwrap();
    // One is still there: without a terminal nobody waits, and the next run goes on when they have gone home.
    let waits = both.apply(&down, &[]).with(6);
    assert!(waits.said("waits for jhub/jupyter-dana") && !waits.said("jupyter-dana is evicted"), "{}", waits.out);
    kubectl(&["delete", "pods", "-n", "jhub", "jupyter-dana"]).unwrap();
    let rest = both.apply(&down, &[]).with(0);
    side_by_side(&rest);
    let parked = block_on(servers());
    for name in workers() {
        let node = node(&name);
        assert_eq!(status(&node), "NotReady,SchedulingDisabled", "{name}");
        let suspended = node["status"]["conditions"].as_array().unwrap().iter().any(|one| one["type"] == "Suspended");
        assert!(suspended && node["metadata"]["annotations"]["tidegate.dev/record"].is_string(), "{name}");
        let server = &parked[&name];
        assert_eq!(server["status"], "SHELVED_OFFLOADED", "{name}");
        assert!(server["metadata"]["tidegate_record"].is_string(), "{name}");
    }
    unlocked();
    let again = both.run(&["plan", "-f", &down, "--detailed-exitcode"], Duration::from_secs(60)).with(0);
    assert!(again.said("No changes"), "{}", again.out);
    let told = kubectl(&["describe", "node", "demo-k8s-node-nf-4"]).unwrap();
    for word in ["Cordoned", "Drained", "Parking", "Parked", "NodeNotReady"] {
        assert!(told.contains(word), "{word}: {told}");
    }

    let back = both.apply(&up, &[]).with(0);
    side_by_side(&back);
    assert_eq!(count(&back.events(), EventKind::StepDone), 27);
    let heard = watcher.end();
    nothing_left(&workers());
    let seen = budgets_are_kept(&heard, &least);
    for (name, phases) in phases(&heard).into_iter().filter(|(name, _)| workers().contains(name)) {
        // A node that waited for people was perhaps given back between the two runs.
        let phases = phases.join(" ");
        let (cordoned, away) = ("Ready,SchedulingDisabled", "NotReady,SchedulingDisabled");
        let course = [
            format!("Ready {cordoned} {away} {cordoned} Ready"),
            format!("Ready {cordoned} {away} Ready"),
            format!("Ready {cordoned} Ready {cordoned} {away} {cordoned} Ready"),
        ];
        assert!(course.contains(&phases), "{name}: {phases}");
    }
    let (idle, app) = longest_idle(&heard, &budgeted, &[&first, &rest]);
    println!("labs: {seen} events of pods and budgets; a budget that was open again waited {idle:.1?} at most ({app})");
    // A second or two by itself; a drain that looks only now and then would leave it unused for much longer.
    assert!(idle < Duration::from_secs(10), "{app} waited {idle:?} although its budget was open");
    assert!(count(&first.events(), EventKind::PodEvicted) + count(&rest.events(), EventKind::PodEvicted) > 60);
    let memory = kubectl(&["get", "configmap", "-n", "tidegate", "tidegate-memory", "-o", "json"]).unwrap();
    let memory: Value = serde_json::from_str(&memory).unwrap();
    assert_ne!(memory["data"], json!(null), "durations are remembered");
}
