//! Demand that comes and goes: nodes come for it at once, and go so seldom that nobody takes it for flapping.

use jiff::SignedDuration;
use proptest::prelude::*;
use tidegate::model::Memory;
use tidegate::plan::{Verb, plan, verify};
use tidegate::policy::Policy;

use super::CALM;
use super::demand::{parked, pending};
use super::fixture::{Cluster, at, policy};

const NODES: usize = 5;

/// What a look did: the minute, and who went and came.
#[derive(Debug)]
struct Look {
    minute: i64,
    parked: Vec<String>,
    woken: Vec<String>,
}

/// Looks once a minute at a cluster in which so many pods run, each of which takes a node, and does at once what the plan
/// says. One node always runs something.
fn looks(policy: &Policy, demand: &[usize]) -> Vec<Look> {
    let mut up: Vec<bool> = (0..NODES).map(|index| index == 0).collect();
    let mut memory = Memory::default();
    let mut looks = Vec::new();
    for (minute, pods) in demand.iter().enumerate() {
        let mut cluster = Cluster::workers(0);
        let mut left = *pods;
        for (index, up) in up.iter().enumerate() {
            let name = format!("worker-{}", index + 1);
            if !up {
                parked(&mut cluster, &name);
                continue;
            }
            cluster.node(&name, serde_json::json!({}), serde_json::json!({}), "ACTIVE");
            if index == 0 {
                cluster.pod("base-1", &name, "base", "6");
            } else if left > 0 {
                cluster.pod(&format!("cart-{left}"), &name, "cart", "6");
                left -= 1;
            }
        }
        for number in 1..=left {
            pending(&mut cluster, &format!("cart-{number}"), "cart", "6");
        }
        let mut world = cluster.world();
        world.memory = memory;
        let minute = i64::try_from(minute).unwrap();
        let (plan, next) = plan(policy, &world, at(CALM) + SignedDuration::from_mins(minute));
        assert_eq!(verify(&plan, &world, policy), [], "minute {minute}");
        memory = next;
        let of = |verb: Verb| -> Vec<String> {
            plan.steps.iter().filter(|step| step.verb == verb).map(|step| step.node.clone()).collect()
        };
        let look = Look { minute, parked: of(Verb::Park), woken: of(Verb::Wake) };
        for (names, to) in [(&look.parked, false), (&look.woken, true)] {
            for name in names {
                let index: usize = name.trim_start_matches("worker-").parse().unwrap();
                up[index - 1] = to;
            }
        }
        // Who waits is served in the same look.
        assert!(up.iter().filter(|up| **up).count() > *pods, "minute {minute}: {look:?}");
        looks.push(look);
    }
    looks
}

fn removals(looks: &[Look]) -> usize {
    looks.iter().map(|look| look.parked.len()).sum()
}

fn patient(unneeded_for: i64, cooldown: i64) -> Policy {
    policy(&format!("      min: 1\n      unneededFor: {unneeded_for}m\n      cooldown: {cooldown}m\n"), "")
}

/// A load that comes and goes every ten minutes costs a node each time where nobody is patient, and none for half an hour
/// of patience.
#[test]
fn a_load_that_comes_and_goes_moves_nothing_that_waits_longer_than_it_is_away() {
    let wave: Vec<usize> = (0..240).map(|minute| if minute / 10 % 2 == 0 { 3 } else { 0 }).collect();
    assert_eq!(removals(&looks(&patient(2, 0), &wave)), 36, "twelve times three nodes");
    assert_eq!(removals(&looks(&patient(11, 0), &wave)), 0);
    assert_eq!(removals(&looks(&patient(30, 0), &wave)), 0);
    // Away for longer than that, each goes once.
    let long: Vec<usize> = (0..240).map(|minute| if minute / 60 % 2 == 0 { 3 } else { 0 }).collect();
    assert_eq!(removals(&looks(&patient(30, 0), &long)), 6);
    // Growth holds everything for its cooldown, however short the patience.
    let first =
        |cooldown| looks(&patient(2, cooldown), &wave).iter().find(|look| !look.parked.is_empty()).unwrap().minute;
    assert_eq!((first(0), first(15), first(19)), (12, 15, 19));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever the demand does: from when a node came, or was needed last, at least `unneededFor` passes until it goes, and
    /// at least `cooldown` since the pool grew; so the number of removals is bounded by the time, not by the demand.
    #[test]
    fn removals_are_bounded_by_time_whatever_the_demand_does(
        demand in proptest::collection::vec((0_usize..NODES, 1_usize..25), 12),
        unneeded_for in 5_i64..40,
        cooldown in 0_i64..30,
    ) {
        let demand: Vec<usize> = demand.into_iter().flat_map(|(pods, minutes)| std::iter::repeat_n(pods, minutes)).collect();
        let looks = looks(&patient(unneeded_for, cooldown), &demand);
        let mut came = [0_i64; NODES];
        let mut grew = None;
        for look in &looks {
            for name in &look.parked {
                let index: usize = name.trim_start_matches("worker-").parse::<usize>().unwrap() - 1;
                prop_assert!(look.minute - came[index] >= unneeded_for, "{name} after {}", look.minute - came[index]);
                prop_assert!(grew.is_none_or(|grew| look.minute - grew >= cooldown), "{look:?} after {grew:?}");
                came[index] = look.minute;
            }
            for name in &look.woken {
                let index: usize = name.trim_start_matches("worker-").parse::<usize>().unwrap() - 1;
                came[index] = look.minute;
            }
            if !look.woken.is_empty() {
                grew = Some(look.minute);
            }
        }
        let most = demand.len() / usize::try_from(unneeded_for).unwrap() * (NODES - 1);
        prop_assert!(removals(&looks) <= most, "{} of {most}", removals(&looks));
    }
}
