//! The same over random clusters and failures: whichever runs were skipped, the last one leaves what its moment asks for,
//! and nothing that it decides rests on when another one ran.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tidegate::cluster::NodeMark;
use tidegate::model::{Snapshot, World};
use tidegate::plan::{Plan, Request, Verdict, plan_for};
use tidegate::policy::Policy;
use tidegate::sandbox::{Faults, Sandbox};

use super::executing::{Stage, budgets_kept, exit, lines, two_pools};
use super::{build, sandbox};

/// Wanted by day, at most one by night, and whatever the pool asks for in between.
fn nightly(min: u32, idle: &str) -> Policy {
    let first = format!(
        "      min: {min}
      idle: {idle}
      minParked: 0s
      windows:
        - {{name: day, start: \"0 9 * * *\", duration: 3h, min: 3}}
        - {{name: night, start: \"0 20 * * *\", duration: 4h, max: 1, min: 0}}
        - {{name: exam, kind: freeze, start: \"0 15 * * *\", duration: 1h}}
"
    );
    two_pools(&first, &format!("      min: 0\n      max: 2\n      idle: {idle}\n"), "")
}

/// The plan for now, as if no run had left word of when it was.
fn without_history(stage: &Stage, policy: &Policy) -> Plan {
    let mut snapshot = stage.sandbox.snapshot();
    snapshot.memory.written = None;
    snapshot.memory.nodes.values_mut().for_each(|node| (node.unneeded_since, node.parked_since) = (None, None));
    let request = Request { for_apply: true, ..Request::default() };
    plan_for(policy, &World::build(snapshot), stage.sandbox.now(), &request).0
}

/// Applies at those of the moments that `runs` names, and at the last one.
/// Says how many servers are parked in the end.
fn after(snapshot: &Snapshot, faults: &Faults, policy: &Policy, moments: &[Timestamp], runs: &[bool]) -> usize {
    let mut stage = Stage::of(snapshot.clone(), "");
    stage.sandbox = Sandbox::in_memory(snapshot.clone(), faults);
    let mut said = String::new();
    for (index, at) in moments.iter().enumerate() {
        if *at > stage.sandbox.now() {
            stage.sandbox.advance_to(*at).unwrap();
        }
        if index + 1 == moments.len() || runs[index] {
            let (outcome, told) = stage.apply(policy);
            said.push_str(&lines(&told));
            assert!([0, 6, 8].contains(&exit(&outcome)), "{outcome:?}\n{said}");
        }
    }
    // An apply takes its time: what its end asks for is the next one's.
    let mut plan = stage.plan(policy);
    for _ in 0..6 {
        if plan.steps.is_empty() || plan.summary.verdict == Verdict::Waiting {
            break;
        }
        said.push_str(&lines(&stage.apply(policy).1));
        plan = stage.plan(policy);
    }
    settled(&stage, &plan, faults, &said);
    assert_eq!(without_history(&stage, policy).steps, plan.steps, "when the last run was decides\n{said}");
    budgets_kept(&stage.sandbox.audit());
    stage.parked()
}

fn settled(stage: &Stage, plan: &Plan, faults: &Faults, said: &str) {
    let waits = plan.summary.verdict == Verdict::Waiting;
    assert!(plan.steps.is_empty() || waits, "{}\n{said}", plan.summary.text);
    if !faults.faults.is_empty() {
        return;
    }
    let world = stage.world();
    for pool in &plan.pools {
        let there = pool.active + pool.cordoned + pool.parked + pool.unsettled;
        assert!(pool.active >= pool.floor.min(there) || waits, "{pool:?}: {}\n{said}", plan.summary.text);
        let explained = plan.kept.iter().filter(|kept| kept.pool == pool.name).count();
        assert!(pool.active <= pool.ceiling || explained > 0, "{pool:?}: {}\n{said}", plan.summary.text);
    }
    for node in world.nodes.values() {
        let parked = world.server_of(node).is_some_and(|server| server.state.parked());
        match stage.record(&node.name).map(|record| record.mark) {
            None => assert!(!parked && !node.unschedulable, "{} is nobody's\n{said}", node.name),
            Some(NodeMark::Parked) => assert!(parked && node.unschedulable, "{} is not parked\n{said}", node.name),
            Some(mark) => assert!(waits, "{} is {mark:?} still: {}\n{said}", node.name, plan.summary.text),
        }
    }
}

#[test]
fn whichever_runs_were_skipped_the_last_one_decides() {
    let parked = Cell::new(0);
    let inputs = (
        sandbox::snapshot(),
        prop_oneof![Just(Faults::default()), sandbox::faults()],
        0..3_u32,
        prop::sample::select(vec!["shelve", "stop", "suspend"]),
        prop::collection::btree_set(0..2880_i64, 2..6),
        prop::collection::vec(any::<bool>(), 6),
    );
    let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let ran = TestRunner::new(config).run(&inputs, |(snapshot, faults, min, idle, minutes, runs)| {
        let policy = nightly(min, idle);
        let moments: Vec<Timestamp> =
            minutes.into_iter().map(|minutes| build::start() + SignedDuration::from_mins(minutes)).collect();
        for runs in [&runs, &vec![true; 6], &vec![false; 6]] {
            parked.set(parked.get() + after(&snapshot, &faults, &policy, &moments, runs));
        }
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert!(parked.get() > 40, "{} were parked: it proves something", parked.get());
}
