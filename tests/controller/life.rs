//! It opens windows by itself, ends well, and what it leaves when it dies the next one finishes.

use tidegate::cluster::{NodeMark, NodeRecord};
use tidegate::sandbox::Sandbox;

use super::executing::budgets_kept;
use super::process::{Place, TUESDAY_EVENING};

/// Nodes on which somebody is half-way.
fn half_way(place: &Place) -> Vec<String> {
    let world = place.world();
    let record = |node: &&std::sync::Arc<tidegate::model::Node>| NodeRecord::of(node).unwrap();
    let nodes = world.nodes.values().filter(|node| record(node).is_some_and(|record| record.mark != NodeMark::Parked));
    nodes.map(|node| node.name.to_string()).collect()
}

fn sound(place: &Place) {
    budgets_kept(&Sandbox::open(&place.sandbox()).unwrap().audit());
    assert!(half_way(place).is_empty(), "{:?}", half_way(place));
    assert!(place.unlocked());
}

/// A week of the workshop in virtual time: what is not wanted goes, the window opens by its own, on time, and closes.
#[test]
fn a_window_opens_and_closes_by_itself() {
    let place = Place::at(TUESDAY_EVENING);
    let mut first = place.run(&["--until", "2026-11-17T12:30:00-07:00"]);
    assert!(first.ended().success(), "{:#?}", first.told);
    assert_eq!(place.parked(), 9, "{:#?}", first.told);
    sound(&place);
    // Asked for at 12:45, which is 15 minutes before the workshop.
    let mut second = place.run(&["--until", "2026-11-17T13:00:00-07:00"]);
    assert!(second.ended().success());
    assert_eq!(place.parked(), 0, "{:#?}", second.told);
    let world = place.world();
    assert!(world.nodes.values().all(|node| node.ready() && !node.unschedulable));
    let mut third = place.run(&["--until", "2026-11-17T20:00:00-07:00"]);
    assert!(third.ended().success());
    assert_eq!(place.parked(), 9, "{:#?}", third.told);
    sound(&place);
}

/// A quiet week costs a handful of plans, not one for each tick of a clock.
#[test]
fn it_does_not_poll() {
    let place = Place::at(TUESDAY_EVENING);
    assert!(place.run(&["--until", "6h"]).ended().success());
    let mut quiet = place.run(&["--until", "24h", "--interval", "10m"]);
    let told = quiet.until_told("\"planned\"");
    assert!(told.contains("No changes"), "{told}");
    assert!(quiet.ended().success());
    let planned = quiet.told.iter().filter(|line| line.contains("\"planned\"")).count();
    assert!(planned <= 3, "{:#?}", quiet.told);
}

/// H28: SIGTERM brings each node to a safe state, and frees both locks.
#[test]
fn h28_sigterm_leaves_safe_nodes_and_free_locks() {
    let place = Place::at(TUESDAY_EVENING);
    let mut running = place.run(&["--slow", "200"]);
    running.until_told("park/demo-k8s-node");
    running.signal("TERM");
    assert!(running.ended().success(), "{:#?}", running.told);
    assert!(running.told.iter().any(|line| line.contains("\"interrupted\"")), "{:#?}", running.told);
    sound(&place);
    let parked = place.parked();
    assert!((1..9).contains(&parked), "it was stopped half-way: {parked} parked");
    assert!(place.run(&["--until", "6h"]).ended().success());
    assert_eq!(place.parked(), 9);
    sound(&place);
}

/// Killed while it works, again and again: the next one goes on with what it finds, and does no harm.
#[test]
fn what_a_killed_controller_began_is_finished_by_the_next() {
    let place = Place::at(TUESDAY_EVENING);
    for words in ["pod_evicted", "park/demo-k8s-node", "step_done"] {
        let mut running = place.run(&["--slow", "100"]);
        running.until_told(words);
        running.signal("KILL");
        assert!(!running.ended().success());
    }
    let mut last = place.run(&["--until", "6h"]);
    assert!(last.ended().success(), "{:#?}", last.told);
    assert!(last.told.iter().any(|line| line.contains("took over")), "{:#?}", last.told);
    assert_eq!(place.parked(), 9, "{:#?}", last.told);
    sound(&place);
}

/// Of two, one stands by and is ready; when the other is killed it leads, and finishes.
#[test]
fn the_one_that_stands_by_takes_over() {
    let place = Place::at(TUESDAY_EVENING);
    let mut first = place.run(&["--slow", "60"]);
    first.until_told("park/demo-k8s-node");
    let mut second = place.run(&["--until", "6h"]);
    second.until_told("stands by");
    assert!(second.until_shown("/metrics", "tidegate_leader 0").contains("tidegate_plans_total 0"));
    first.signal("KILL");
    first.ended();
    assert!(second.ended().success(), "{:#?}", second.told);
    assert_eq!(place.parked(), 9);
    sound(&place);
}
