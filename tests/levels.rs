//! What is wanted is a function of the moment: runs that were skipped change nothing that matters, and a run at any moment
//! leaves what the schedule asks for then.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "sandbox/build.rs"]
#[allow(dead_code)]
mod build;
mod executing;
#[path = "levels/random.rs"]
mod random;
#[path = "sandbox/random.rs"]
#[allow(dead_code)]
mod sandbox;

use executing::{Stage, exit, policy};
use jiff::SignedDuration;
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

/// A run at any minute of the two weeks, whatever ran before, leaves as many nodes as are asked for when it is over.
fn active_after(moments: &[u32]) -> Vec<(u32, u32, u32)> {
    let policy = policy("jetstream-workshop");
    let stage = Stage::workshop("2026-11-15T12:00:00Z", "");
    let start = stage.sandbox.now();
    let mut found = Vec::new();
    for minutes in moments {
        let at = start + SignedDuration::from_mins(i64::from(*minutes));
        if at > stage.sandbox.now() {
            stage.sandbox.advance_to(at).unwrap();
        }
        // A window may open or close while an apply runs: the next one follows it.
        for _ in 0..2 {
            let (outcome, told) = stage.apply(&policy);
            assert!([0, 6].contains(&exit(&outcome)), "{at}: {outcome:?}\n{}", executing::lines(&told));
        }
        let plan = stage.plan(&policy);
        assert!(plan.steps.is_empty() || plan.summary.verdict == Verdict::Waiting, "{at}: {}", plan.summary.text);
        let pool = &plan.pools[0];
        if plan.summary.verdict == Verdict::NoChanges {
            found.push((pool.active, pool.floor, pool.ceiling));
        }
    }
    stage.sound();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn a_run_at_any_moment_follows_the_schedule(mut moments in prop::collection::vec(0..20_160_u32, 1..8)) {
        moments.sort_unstable();
        for (active, floor, ceiling) in active_after(&moments) {
            prop_assert!((floor..=ceiling).contains(&active), "{} of {} to {}", active, floor, ceiling);
        }
    }
}
