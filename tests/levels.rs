//! What is wanted is a function of the moment: runs that were skipped change nothing that matters.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use executing::{Stage, exit, policy};
use proptest::prelude::*;
use tidegate::plan::Verdict;

/// Two weeks of the workshop: calm, wanted, open, over, Thanksgiving, and calm again.
const MOMENTS: [&str; 8] = [
    "2026-11-15T19:00:00Z",
    "2026-11-17T19:45:00Z",
    "2026-11-17T20:30:00Z",
    "2026-11-18T02:00:00Z",
    "2026-11-24T19:46:00Z",
    "2026-11-25T12:00:00Z",
    "2026-12-01T19:46:00Z",
    "2026-12-02T12:00:00Z",
];

/// Applies at the moments that `runs` names and at the one called `last`; how many nodes are parked then.
fn parked_after(runs: &[bool], last: usize) -> (usize, usize) {
    let policy = policy("jetstream-workshop");
    let stage = Stage::workshop("2026-11-15T12:00:00Z", "");
    for (index, moment) in MOMENTS.iter().enumerate().take(last + 1) {
        stage.until(moment);
        if runs[index] || index == last {
            let (outcome, told) = stage.apply(&policy);
            assert_eq!(exit(&outcome), 0, "{moment}: {outcome:?}\n{}", executing::lines(&told));
        }
    }
    stage.sound();
    let again = stage.plan(&policy);
    assert_eq!(again.steps, [], "a plan right after an apply is empty");
    assert_ne!(again.summary.verdict, Verdict::Cannot);
    (stage.parked(), stage.stuck())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn skipping_runs_changes_nothing_that_matters(
        runs in prop::collection::vec(any::<bool>(), MOMENTS.len()),
        last in 0..MOMENTS.len(),
    ) {
        let wanted = if [1, 2, 6].contains(&last) { 0 } else { 9 };
        prop_assert_eq!(parked_after(&runs, last), (wanted, 0));
    }
}
