//! Nodes that nothing needs wait before they go, as far as memory reaches.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use tidegate::model::{Memory, World};
use tidegate::plan::{Code, Plan, Verb, plan, verify};
use tidegate::policy::Policy;

use super::demand::{parked, pending};
use super::fixture::{Cluster, RATES, WORKSHOP, at, policy};
use super::{CALM, codes, verbs};

/// Two workers, of which the second runs a pod of 6 cores or none; and the first always one of 4.
fn world(busy: bool, memory: &Memory) -> World {
    let mut cluster = Cluster::workers(2);
    cluster.pod("base-1", "worker-1", "base", "4");
    if busy {
        cluster.pod("cart-1", "worker-2", "cart", "6");
    }
    let mut world = cluster.world();
    world.memory = memory.clone();
    world
}

fn after(minutes: i64, seconds: i64) -> jiff::Timestamp {
    at(CALM) + SignedDuration::from_mins(minutes) + SignedDuration::from_secs(seconds)
}

fn step(policy: &Policy, busy: bool, memory: &mut Memory, minutes: i64, seconds: i64) -> Plan {
    let world = world(busy, memory);
    let (plan, next) = plan(policy, &world, after(minutes, seconds));
    assert_eq!(verify(&plan, &world, policy), []);
    *memory = next;
    plan
}

#[test]
fn a_node_goes_when_nothing_has_needed_it_for_long_enough() {
    for (pool, minutes) in [("", 30), ("      idle: stop\n", 10), ("      unneededFor: 3m\n", 3)] {
        let policy = policy(&format!("      min: 1\n{pool}"), RATES);
        let mut memory = Memory::default();
        assert_eq!(step(&policy, true, &mut memory, -1, 0).steps, [], "it is needed");
        let waits = step(&policy, false, &mut memory, 0, 0);
        assert_eq!(waits.steps, [], "{:#?}", waits.kept);
        assert_eq!(codes(&waits, "worker-2"), [Code::UnneededFor]);
        let until = waits.kept.iter().flat_map(|kept| &kept.reasons).find_map(|reason| reason.evidence.until);
        assert_eq!(until, Some(after(minutes, 0)));
        assert!(
            waits.summary.text.starts_with("Nothing to do now: 1 node is not needed and goes from "),
            "{}",
            waits.summary.text
        );
        assert_eq!(step(&policy, false, &mut memory, minutes - 1, 59).steps, [], "a second too early");
        let goes = step(&policy, false, &mut memory, minutes, 0);
        assert_eq!(verbs(&goes, Verb::Park), ["worker-2"]);
        assert!(!goes.notes.iter().any(|note| note.contains("unneededFor")), "{:?}", goes.notes);
        // It is not carried out yet: it goes on going.
        assert_eq!(verbs(&step(&policy, false, &mut memory, minutes, 1), Verb::Park), ["worker-2"]);
        // Needed again, it begins anew.
        step(&policy, true, &mut memory, minutes, 2);
        assert_eq!(step(&policy, false, &mut memory, minutes, 3).steps, []);
    }
}

#[test]
fn without_a_memory_that_reaches_so_far_the_wait_counts_as_over_and_the_plan_says_so() {
    let policy = policy("      min: 1\n", "");
    let note = |plan: &Plan| {
        let text =
            "since when nodes of workers are not needed is not remembered: their wait (`unneededFor`) counts as over";
        plan.notes.iter().any(|note| note == text)
    };
    for watched in [None, Some(after(-30, 0))] {
        let mut memory = Memory { watched, ..Memory::default() };
        let first = step(&policy, false, &mut memory, 0, 0);
        assert_eq!(verbs(&first, Verb::Park), ["worker-2"]);
        assert!(note(&first), "{:?}", first.notes);
        let again = step(&policy, false, &mut memory, 1, 0);
        assert_eq!(verbs(&again, Verb::Park), ["worker-2"], "what counted as over stays over");
    }
    let mut memory = Memory { watched: Some(after(-30, 1)), ..Memory::default() };
    let seen = step(&policy, false, &mut memory, 0, 0);
    assert!(seen.steps.is_empty() && !note(&seen), "{:?}", seen.notes);
}

/// What a window kept up goes when it ends: nobody needed those nodes, the policy wanted them.
#[test]
fn what_the_floor_frees_waits_for_nothing() {
    let policy = policy(WORKSHOP, "");
    let mut watched = Cluster::workers(10).world();
    // The workshop ends at 23:00 UTC.
    watched.memory.watched = Some(at("2026-11-24T22:59:50Z"));
    let plan = plan(&policy, &watched, at("2026-11-24T23:00:00Z")).0;
    assert_eq!(verbs(&plan, Verb::Park).len(), 9, "{:#?}", plan.kept);
    assert!(!plan.notes.iter().any(|note| note.contains("unneededFor")), "{:?}", plan.notes);
}

/// Of twelve, ten were the floor's and two demand's: eight go at once, the rest waits.
#[test]
fn what_demand_held_beyond_the_floor_waits_when_it_falls() {
    let wide =
        "      min: 2\n      windows:\n        - {name: w, start: \"0 13 * * TUE\", duration: 3h, lead: 0s, min: 6}\n";
    let policy = policy(wide, "");
    let mut watched = Cluster::workers(8).world();
    watched.memory.watched = Some(at("2026-11-24T22:59:50Z"));
    let plan = plan(&policy, &watched, at("2026-11-24T23:00:00Z")).0;
    assert_eq!(verbs(&plan, Verb::Park).len(), 4, "{:#?}", plan.kept);
    let waiting = plan.kept.iter().filter(|kept| kept.reasons[0].code == Code::UnneededFor).count();
    let needed = plan.kept.iter().filter(|kept| kept.reasons[0].code == Code::Floor).count();
    assert_eq!((waiting, needed), (2, 2), "{:#?}", plan.kept);
    assert_eq!(verify(&plan, &watched, &policy), []);
}

#[test]
fn what_is_above_the_ceiling_waits_for_nothing() {
    let policy = policy("      min: 1\n      max: 1\n", "");
    let mut memory = Memory { watched: Some(after(0, -1)), ..Memory::default() };
    assert_eq!(verbs(&step(&policy, false, &mut memory, 0, 0), Verb::Park), ["worker-2"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Demand that comes back within the wait moves no node, however often; and once it stays away the node goes, once.
    #[test]
    fn demand_that_comes_and_goes_does_not_make_nodes_come_and_go(
        spans in prop::collection::vec((1..30_i64, 1..40_i64), 1..8),
    ) {
        let policy = policy("      min: 1\n", "");
        let mut memory = Memory::default();
        let (mut up, mut minute, mut acts) = (false, 0, Vec::new());
        let days = spans.iter().flat_map(|(quiet, busy)| [(true, *busy), (false, *quiet)]).chain([(false, 31)]);
        for (asked, minutes) in days {
            for _ in 0..minutes {
                minute += 1;
                let mut cluster = Cluster::workers(1);
                cluster.pod("base-1", "worker-1", "base", "4");
                if up { cluster.node("worker-2", json!({}), json!({}), "ACTIVE") } else { parked(&mut cluster, "worker-2") }
                if asked && up {
                    cluster.pod("cart-1", "worker-2", "cart", "6");
                } else if asked {
                    pending(&mut cluster, "cart-1", "cart", "6");
                }
                let mut world = cluster.world();
                world.memory = memory.clone();
                let (plan, next) = plan(&policy, &world, after(minute, 0));
                memory = next;
                let moved: Option<&str> = plan.steps.first().map(|step| if step.verb == Verb::Wake { "wake" } else { "park" });
                if let Some(moved) = moved {
                    acts.push(moved);
                    up = moved == "wake";
                    prop_assert!(plan.steps.iter().all(|step| step.node == "worker-2"));
                }
            }
        }
        prop_assert_eq!(acts, ["wake", "park"]);
    }
}

/// After growth for pods nothing goes for the cooldown, however long it was not needed before; the floor's own nodes go as ever.
#[test]
fn a_pool_that_grew_lets_nothing_go_for_its_cooldown() {
    let policy = policy("      min: 1\n      unneededFor: 3m\n      cooldown: 20m\n", RATES);
    // A pod that waits has worker-3 woken: that is growth.
    let mut cluster = Cluster::workers(2);
    cluster.pod("base-1", "worker-1", "base", "6");
    cluster.pod("cart-1", "worker-2", "cart", "6");
    pending(&mut cluster, "cart-2", "cart", "6");
    parked(&mut cluster, "worker-3");
    let (grows, mut memory) = plan(&policy, &cluster.world(), at(CALM));
    assert_eq!(verbs(&grows, Verb::Wake), ["worker-3"]);
    assert_eq!(memory.pools["workers"].grown, Some(at(CALM)));
    for (minutes, seconds, goes) in [(1, 0, false), (4, 0, false), (19, 59, false), (20, 0, true)] {
        let plan = step(&policy, false, &mut memory, minutes, seconds);
        assert_eq!(verbs(&plan, Verb::Park).len(), usize::from(goes), "{minutes}:{seconds} {:#?}", plan.kept);
        if !goes {
            assert_eq!(codes(&plan, "worker-2"), [Code::UnneededFor]);
            let reason = &plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap().reasons[0];
            assert!(reason.text.contains("(`cooldown`)"), "{}", reason.text);
            assert_eq!(reason.evidence.until, Some(after(20, 0)));
            assert_eq!(reason.origin.as_ref().map(|origin| origin.line > 0), Some(true));
        }
    }
    // Without the word, and without memory of any growth, the wait alone counts.
    for (pool, grown) in [
        ("      min: 1\n      unneededFor: 3m\n", true),
        ("      min: 1\n      unneededFor: 3m\n      cooldown: 20m\n", false),
    ] {
        let policy = super::fixture::policy(pool, RATES);
        let mut memory = Memory::default();
        if grown {
            memory = plan(&policy, &cluster.world(), at(CALM)).1;
        }
        step(&policy, true, &mut memory, 1, 0);
        assert_eq!(step(&policy, false, &mut memory, 2, 0).steps, []);
        assert_eq!(verbs(&step(&policy, false, &mut memory, 5, 0), Verb::Park), ["worker-2"]);
    }
}
