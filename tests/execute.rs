//! Plans carried out on the sandbox: the workshop up and down, each failure, and what a person may do meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use std::collections::BTreeMap;

use executing::{Stage, exit, policy, span_of};
use jiff::SignedDuration;
use tidegate::execute::EventKind;

/// A Sunday: the workshop is over, nine of ten workers may go.
const SUNDAY: &str = "2026-11-22T12:00:00Z";
/// Tuesday, within the lead of the window.
const LEAD: &str = "2026-12-01T19:46:00Z";

#[test]
fn nine_nodes_go_and_come_in_the_time_of_the_slowest() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let (down, told) = stage.apply(&policy);
    assert_eq!(exit(&down), 0, "{down:?}\n{}", executing::lines(&told));
    assert_eq!(stage.parked(), 9);
    let ratio_down = print_ratio("down", &told);
    stage.sound();

    stage.until(LEAD);
    let (up, told) = stage.apply(&policy);
    assert_eq!(exit(&up), 0, "{up:?}\n{}", executing::lines(&told));
    assert_eq!(stage.parked(), 0);
    assert!(stage.nothing_of_ours(), "marks are left over");
    let ratio_up = print_ratio("up", &told);
    stage.sound();
    assert!(ratio_down <= 1050, "down takes {ratio_down} thousandths of its slowest node");
    assert!(ratio_up <= 1050, "up takes {ratio_up} thousandths of its slowest node");

    let (again, _) = stage.apply(&policy);
    assert_eq!(exit(&again), 0);
}

/// The whole in thousandths of its slowest node's span.
fn print_ratio(way: &str, told: &[tidegate::execute::Event]) -> i64 {
    let whole = span_of(told, |event| event.kind != EventKind::Version);
    let mut nodes: BTreeMap<&str, SignedDuration> = BTreeMap::new();
    for node in told.iter().filter_map(|event| event.node.as_deref()) {
        nodes.entry(node).or_insert_with(|| {
            span_of(told, |event| {
                event.node.as_deref() == Some(node)
                    && matches!(event.kind, EventKind::StepStarted | EventKind::StepDone)
            })
        });
    }
    let (slowest, span) = nodes.iter().max_by_key(|(_, span)| **span).unwrap();
    println!("{way}: {whole:#} in all, {span:#} for the slowest node ({slowest})");
    i64::try_from(whole.as_millis() * 1000 / span.as_millis().max(1)).unwrap()
}
