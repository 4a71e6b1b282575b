//! Pods that make a drain hard, on the real disruption controller: what the plan says of them, and what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tidegate::execute::EventKind;

use super::both::{Both, node, nothing_left, status, workers};
use super::load::{budget, only_on, template, workload};
use super::watcher::{Watcher, budgets_are_kept};
use crate::kubectl::{kubectl, until};

fn of(app: &str, count: usize) -> BTreeMap<String, usize> {
    [(app.to_owned(), count)].into()
}

/// `minAvailable: 3` over five pods, four of them on the node: two, a wait until it is met again, two.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn four_of_five_pods_go_two_by_two() {
    let both = Both::open();
    let nodes = &workers()[..3];
    let pod = template("web", "6s", "1s");
    only_on(
        &nodes[0],
        &[workload("Deployment", "apps", "web", 4, &pod), budget("web", json!({"minAvailable": 3}))],
        &of("web", 4),
    );
    kubectl(&["cordon", &nodes[0]]).unwrap();
    kubectl(&["scale", "-n", "apps", "deployment", "web", "--replicas=5"]).unwrap();
    let allowed = ["get", "pdb", "-n", "apps", "web", "-o", "jsonpath={.status.disruptionsAllowed}"];
    until("a budget that allows two", || (kubectl(&allowed).unwrap() == "2").then_some(()));
    kubectl(&["uncordon", &nodes[0]]).unwrap();
    let policy = both.policy(1, nodes, "");
    let watcher = Watcher::begin();
    let args = ["drain", &format!("node/{}", nodes[0]), "-f", &policy, "--yes", "--format", "json"];
    let ran = both.run(&args, Duration::from_secs(120)).with(0);
    let heard = watcher.end();
    budgets_are_kept(&heard, &[("web".to_owned(), 3)].into());
    let steps: Vec<EventKind> = (ran.events().iter())
        .map(|event| event.kind)
        .filter(|kind| [EventKind::PodEvicted, EventKind::ReplacementReady].contains(kind))
        .collect();
    // Nobody more goes before somebody is Ready again, and never three at once.
    let mut away = 0;
    for kind in &steps {
        away += if *kind == EventKind::PodEvicted { 1 } else { -1 };
        assert!((0..=2).contains(&away), "{steps:?}");
    }
    assert_eq!(steps[..2], [EventKind::PodEvicted; 2], "{steps:?}");
    assert_eq!((steps.len(), away), (8, 0), "{steps:?}");
    assert_eq!(status(&node(&nodes[0])), "Ready,SchedulingDisabled");

    // What was asked for by hand holds until it is released; then the policy decides.
    let whole = both.policy(4, nodes, "");
    both.apply(&whole, &[]).with(0);
    assert_eq!(status(&node(&nodes[0])), "Ready,SchedulingDisabled");
    let name = format!("node/{}", nodes[0]);
    both.run(&["hold", "--release", &name], Duration::from_secs(30)).with(0);
    both.apply(&whole, &[]).with(0);
    nothing_left(nodes);
}

/// One that never ends, one whose grace is longer than the time-out, the only one of its kind, and two that are not Ready:
/// of these the API server lets go who is under a budget that says so, not who is under the usual kind.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn pods_that_do_not_go_easily() {
    let both = Both::open();
    let all = workers();
    let pods = [
        ("stuck", template("stuck", "1s", "never"), 1),
        ("slow", template("slow", "1s", "grace"), 1),
        ("single", template("single", "1s", "1s"), 1),
        ("unready", template("unready", "never", "1s"), 0),
        ("held", template("held", "never", "1s"), 0),
    ];
    for ((app, mut pod, ready), on) in pods.into_iter().zip(&all) {
        pod["spec"]["terminationGracePeriodSeconds"] = json!(if app == "slow" { 15 } else { 1 });
        let mut objects = vec![workload("Deployment", "apps", app, 1, &pod)];
        if ready == 0 {
            let policy = if app == "held" { "IfHealthyBudget" } else { "AlwaysAllow" };
            objects.push(budget(app, json!({"maxUnavailable": 1, "unhealthyPodEvictionPolicy": policy})));
            let others: Vec<&str> =
                all.iter().map(String::as_str).chain([super::both::KEPT]).filter(|other| other != on).collect();
            kubectl(&[&["cordon"], others.as_slice()].concat()).unwrap();
            crate::kubectl::make(&objects);
            until("a pod that is not Ready", || {
                super::load::pods("apps")
                    .iter()
                    .any(|pod| pod["metadata"]["labels"]["app"] == app && pod["spec"]["nodeName"] == **on)
                    .then_some(())
            });
            kubectl(&[&["uncordon"], others.as_slice()].concat()).unwrap();
            continue;
        }
        only_on(on, &objects, &of(app, ready));
    }
    let policy = both.policy(1, &all[..5], "  drain: {podTimeout: 5s}\n");
    let plan = both.run(&["plan", "-f", &policy], Duration::from_secs(60)).with(0);
    assert!(plan.said("Deployment apps/single has no Ready pod while"), "{}", plan.out);
    assert!(plan.said("apps/held"), "{}", plan.out);
    let ran = both.apply(&policy, &[]).with(6);
    // The one that did not go in its grace and 30 s more has its node back; the others are parked.
    let stuck = ran.events().into_iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
    assert!(stuck.pod.unwrap().starts_with("apps/stuck-"), "{}", ran.out);
    assert!(ran.events().iter().any(|event| event.kind == EventKind::GivenBack), "{}", ran.out);
    let is = |at: usize| status(&node(&all[at]));
    let parked = "NotReady,SchedulingDisabled";
    assert_eq!([is(0), is(1), is(2), is(3), is(4)], ["Ready", parked, parked, parked, "Ready"], "{}", ran.out);
    // Remembered, and not tried again at once (H3).
    let plan = both.run(&["plan", "-f", &policy], Duration::from_secs(60));
    assert!(plan.said("apps/stuck-"), "{}", plan.out);
    both.apply(&both.policy(6, &all[..5], ""), &[]).with(0);
    nothing_left(&all[..5]);
}
