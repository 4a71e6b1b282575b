//! When something is wrong it says so, does nothing harmful, and catches up.

use std::fs;

use super::process::{Place, TUESDAY_EVENING, get};

/// The pool's own floor.
const MIN: &str = "min: 1\n";

/// A policy that is not good is reported with its place while the last good one holds; a good one is taken.
#[test]
fn a_bad_policy_is_reported_while_the_last_good_one_holds() {
    let place = Place::at(TUESDAY_EVENING);
    let good = fs::read_to_string(place.policy()).unwrap();
    assert!(place.run(&["--until", "6h"]).ended().success());
    let running = place.run(&["--slow", "1"]);
    running.until_shown("/readyz", "ok: leader");
    let (_, before) = get(&running.address, "/plan.json");
    let digest = |plan: &str| serde_json::from_str::<serde_json::Value>(plan).unwrap()["policy"]["digest"].clone();
    fs::write(place.policy(), good.replace(MIN, "mni: 1\n")).unwrap();
    let shown = running.until_shown("/metrics", "tidegate_trouble{part=\"policy\"} 1");
    assert!(shown.contains("tidegate_policy_info{name=\"workshop\""), "{shown}");
    let page = running.until_shown("/", "policy:");
    assert!(page.contains("has no field `mni`") && page.contains("policy.yaml:"), "{page}");
    assert_eq!(digest(&get(&running.address, "/plan.json").1), digest(&before));
    fs::write(place.policy(), good.replace(MIN, "min: 2\n")).unwrap();
    running.until_shown("/metrics", "tidegate_trouble{part=\"policy\"} 0");
    running.until_shown("/metrics", "tidegate_pool_floor_nodes{pool=\"workers\"} 2");
    assert_ne!(digest(&get(&running.address, "/plan.json").1), digest(&before));
}

/// Without any policy it waits for one, not ready, and ends when it is told to.
#[test]
fn without_a_policy_it_waits_and_says_so() {
    let place = Place::at(TUESDAY_EVENING);
    let good = fs::read_to_string(place.policy()).unwrap();
    fs::remove_file(place.policy()).unwrap();
    let mut running = place.run(&["--slow", "300"]);
    running.until_told("no policy was read yet");
    assert_eq!(get(&running.address, "/readyz"), (503, "no policy was read yet\n".to_owned()));
    assert_eq!(get(&running.address, "/healthz").0, 200);
    fs::write(place.policy(), good).unwrap();
    running.until_shown("/readyz", "ok: leader");
    running.signal("TERM");
    assert!(running.ended().success());
    assert!(place.unlocked());
}

/// Who only observes plans and shows the same, and touches nothing: not a node, not a lock, not the memory.
#[test]
fn an_observer_plans_and_touches_nothing() {
    let place = Place::at(TUESDAY_EVENING);
    let before = place.world();
    let mut running = place.run(&["--observe", "--slow", "600"]);
    let told = running.until_told("\"planned\"");
    assert!(told.contains("9 to park"), "{told}");
    running.until_shown("/readyz", "ok: observer");
    let page = running.until_shown("/", "This one observes");
    assert!(page.contains("shelve") && !page.contains("Under way"), "{page}");
    running.until_shown("/metrics", "tidegate_leader 0");
    running.signal("TERM");
    assert!(running.ended().success());
    let after = place.world();
    assert!(before.nodes.iter().all(|(name, node)| after.nodes[name].annotations == node.annotations));
    assert!(after.nodes.values().all(|node| !node.unschedulable) && after.memory == before.memory);
    assert_eq!(place.parked(), 0);
    assert!(place.unlocked());
    assert!(running.told.iter().all(|line| !line.contains("step_started")), "{:#?}", running.told);
}

/// What the next policy does not want any more is dropped at the next safe point.
#[test]
fn another_policy_ends_what_is_under_way() {
    let place = Place::at(TUESDAY_EVENING);
    let good = fs::read_to_string(place.policy()).unwrap();
    let mut running = place.run(&["--slow", "20"]);
    running.until_told("pod_evicted");
    fs::write(place.policy(), good.replace(MIN, "min: 10\n")).unwrap();
    running.until_told("\"interrupted\"");
    running.until_shown("/metrics", "tidegate_pool_floor_nodes{pool=\"workers\"} 10");
    running.signal("TERM");
    assert!(running.ended().success());
    assert!(place.unlocked());
}
