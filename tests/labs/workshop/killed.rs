//! The program killed after each record that it writes, and taken up again; and stopped by hand, once and twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::both::{Both, node, nothing_left, status, unlocked, workers};
use super::load::{Least, budget, only_on, template, workload};
use super::watcher::{Watcher, budgets_are_kept, departures, phases};
use serde_json::json;

/// Applies `policy` until one run comes to its end. Each run is killed once it has written so many records: one that says
/// what it is, and one to `most` of what it would do and of what came of it. What a run finds undone it does again, so that
/// with fewer none would ever come further. How often it was killed.
fn to_its_end(both: &Both, policy: &str, most: usize) -> usize {
    let journal = both.journal();
    let records = || std::fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
    let begun = Instant::now();
    let mut kills = 0;
    loop {
        let more: &[&str] = if kills == 0 { &[] } else { &["--resume"] };
        let enough = if kills == 0 { 2 } else { records() + 2 + kills % most };
        let mut running = both.start(&[&["apply", "-f", policy, "--yes", "--format", "json"], more].concat());
        while records() < enough && !running.ended() {
            assert!(begun.elapsed() < Duration::from_secs(300), "no end after {kills} kills");
            std::thread::sleep(Duration::from_millis(1));
        }
        if running.ended() {
            let ran = running.end(Duration::from_secs(1));
            // The last kill may have come after the last record.
            let over = ran.code == Some(1) && ran.said("was carried out to its end");
            assert!(ran.code == Some(0) || over, "after {kills} kills: {}\n{}", ran.out, ran.err);
            return kills;
        }
        running.kill();
        kills += 1;
    }
}

#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn killed_after_each_record_and_taken_up_again() {
    let both = Both::open();
    // The long form kills more often, more nodes at once.
    let (count, most) = if std::env::var_os("TIDEGATE_LONG").is_some() { (4, 3) } else { (2, 6) };
    let nodes = &workers()[..count];
    let objects = [
        workload("Deployment", "apps", "web", 3, &template("web", "2s", "2s")),
        budget("web", json!({"maxUnavailable": 1})),
    ];
    let wanted: BTreeMap<String, usize> = [("web".to_owned(), 3)].into();
    only_on(&nodes[0], &objects, &wanted);
    let watcher = Watcher::begin();
    let down = to_its_end(&both, &both.policy(1, nodes, ""), most);
    assert!(nodes.iter().all(|name| status(&node(name)) == "NotReady,SchedulingDisabled"));
    unlocked();
    std::fs::remove_file(both.journal()).unwrap();
    let up = to_its_end(&both, &both.policy(count + 1, nodes, ""), most);
    let heard = watcher.end();
    nothing_left(nodes);
    budgets_are_kept(&heard, &[("web".to_owned(), 2)].into());
    let gone = departures(&heard, "apps");
    assert_eq!(gone.len(), 3, "nobody who came in the place of somebody goes too: {gone:?}");
    let (cordoned, away) = ("Ready,SchedulingDisabled", "NotReady,SchedulingDisabled");
    for name in nodes {
        let course = phases(&heard).remove(name).unwrap().join(" ");
        let right = [format!("Ready {cordoned} {away} {cordoned} Ready"), format!("Ready {cordoned} {away} Ready")];
        assert!(right.contains(&course), "{name}: {course}");
    }
    println!("labs: killed {down} times on the way down and {up} times on the way up");
    assert!(down >= 8 && up >= 4, "{down} and {up} kills");
}

/// Killed here, and taken up where its journal is not: by the lock that it left and the marks on the nodes.
#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn killed_here_and_taken_up_on_another_machine() {
    let both = Both::open();
    let nodes = &workers()[..2];
    let wanted: BTreeMap<String, usize> = [("web".to_owned(), 2)].into();
    let mut pod = template("web", "1s", "6s");
    pod["spec"]["terminationGracePeriodSeconds"] = json!(20);
    only_on(&nodes[0], &[workload("Deployment", "apps", "web", 2, &pod)], &wanted);
    let (down, up) = (both.policy(1, nodes, ""), both.policy(3, nodes, ""));
    let watcher = Watcher::begin();
    let mut running = both.start(&["apply", "-f", &down, "--yes", "--format", "json"]);
    running.says("pod_evicted");
    running.kill();
    let there = |args: &[&str]| {
        let mut command = both.command(args);
        command.env("XDG_STATE_HOME", both.file("elsewhere"));
        both.begin(command).end(Duration::from_secs(180))
    };
    let told = there(&["status", "-f", &down]).with(0);
    assert!(told.said("was cut short") && told.said("its journal is not on this machine"), "{}", told.err);
    let ran = there(&["apply", "-f", &down, "--resume", "--format", "json"]).with(0);
    assert!(ran.said("there is no journal in") && ran.said("the marks of an apply"), "{}", ran.out);
    assert!(nodes.iter().all(|name| status(&node(name)) == "NotReady,SchedulingDisabled"), "{}", ran.out);
    unlocked();
    let gone = departures(&watcher.end(), "apps");
    assert_eq!(gone.len(), 2, "nobody who came in the place of somebody goes too: {gone:?}");
    let told = there(&["status", "-f", &down]).with(0);
    assert!(!told.said("was cut short"), "{}", told.err);
    there(&["apply", "-f", &up, "--yes"]).with(0);
    nothing_left(nodes);
}

#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn stopped_by_hand_once_and_twice() {
    let both = Both::open();
    let nodes = &workers()[..2];
    let wanted: BTreeMap<String, usize> = [("web".to_owned(), 2)].into();
    let mut pod = template("web", "1s", "8s");
    pod["spec"]["terminationGracePeriodSeconds"] = json!(20);
    only_on(&nodes[0], &[workload("Deployment", "apps", "web", 2, &pod)], &wanted);
    let (down, up) = (both.policy(1, nodes, ""), both.policy(3, nodes, ""));
    let least: Least = [("web".to_owned(), 1)].into();
    let args = ["apply", "-f", &down, "--yes", "--format", "json"];

    // Once: what is in flight ends, nothing new begins, and each node is in a safe place.
    let watcher = Watcher::begin();
    let mut running = both.start(&args);
    running.says("pod_evicted");
    running.signal("-INT");
    let ran = running.end(Duration::from_secs(90)).with(6);
    assert!(ran.said("interrupted") && ran.said("given_back"), "{}", ran.out);
    unlocked();
    assert_eq!(status(&node(&nodes[0])), "Ready");
    assert!(!node(&nodes[0]).to_string().contains("tidegate"), "nothing of ours is left on it");
    budgets_are_kept(&watcher.end(), &least);

    // Twice: it ends at once, and is taken up again.
    both.apply(&up, &[]).with(0);
    crate::kubectl::kubectl(&["cordon", super::both::KEPT]).unwrap();
    crate::kubectl::kubectl(&["delete", "pods", "-n", "apps", "--all", "--wait"]).unwrap();
    crate::kubectl::kubectl(&["uncordon", super::both::KEPT]).unwrap();
    super::load::stand(&wanted);
    let mut running = both.start(&args);
    running.says("pod_evicted");
    running.signal("-INT");
    running.says("interrupted");
    running.signal("-INT");
    let begun = Instant::now();
    let ran = running.end(Duration::from_secs(90)).with(6);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}: {}", begun.elapsed(), ran.out);
    assert!(ran.said("--resume"), "{}", ran.err);
    both.apply(&down, &["--resume"]).with(0);
    assert!(nodes.iter().all(|name| status(&node(name)) == "NotReady,SchedulingDisabled"));
    unlocked();
    both.apply(&up, &[]).with(0);
    nothing_left(nodes);
}
