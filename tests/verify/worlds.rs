//! Plans of random worlds: clean as they are, and never clean with one thing changed.

use proptest::prelude::*;
use serde_json::json;
use tidegate::plan::{Plan, PodAction, Rule, Verb, Violation, plan, verify};

use super::fixture::{Cluster, RATES, at, policy};
use super::goods::CALM;
use super::random::{RandomPod, cluster, pods};

/// Clusters in the middle of something: nodes that are parked, cordoned by us or by others, or stopped by hand.
fn halfway(pods: &[RandomPod], states: &[u8]) -> Cluster {
    let mut cluster = cluster(pods, &[None, Some(1), None, Some(2), None]);
    for (index, state) in states.iter().enumerate() {
        let name = format!("worker-{}", index + 1);
        let record = |mark: &str| {
            let record = json!({"mark": mark, "since": "2026-11-22T18:00:00Z", "policy": "test", "pool": "workers"});
            json!({"annotations": {"tidegate.dev/record": record.to_string()}})
        };
        let (metadata, cordoned, server) = match state {
            0 => (record("parked"), true, "SHELVED_OFFLOADED"),
            1 => (record("draining"), true, "ACTIVE"),
            2 => (record("waking"), true, "ACTIVE"),
            3 => (json!({}), true, "ACTIVE"),
            4 => (json!({}), false, "SHUTOFF"),
            6 => (record("leaving"), false, "ACTIVE"),
            7 => (record("leaving"), true, "ACTIVE"),
            _ => continue,
        };
        cluster.items.retain(|item| item["kind"] == "Pod" || item["metadata"]["name"] != name.as_str());
        if server != "ACTIVE" {
            cluster.items.retain(|item| item["kind"] != "Pod" || item["spec"]["nodeName"] != name.as_str());
        }
        cluster.node(&name, metadata, json!({"unschedulable": cordoned}), server);
    }
    cluster
}

/// A policy whose members may be asked for by hand, over a cluster in the middle of something; and what is planned.
struct Middle<'a> {
    pods: &'a [RandomPod],
    states: &'a [u8],
    pool: (u32, u32, u32),
    asleep: Option<usize>,
    awake: Option<usize>,
    now: &'a str,
}

impl Middle<'_> {
    /// What the verifier says, and the steps.
    fn violations(&self) -> (Vec<Violation>, Vec<String>) {
        let Self { pods, states, pool: (min, more, width), asleep, awake, now } = *self;
        let windows = "      windDown: 30m\n      windows:\n        - {name: workshop, start: \"0 13 * * TUE\", \
                       duration: 3h, lead: 15m, min: 6, max: 10}\n";
        let mut by_hand = String::new();
        for (node, ask) in [(asleep, "max: 0"), (awake.filter(|node| asleep != Some(*node)), "min: 1")] {
            if let Some(node) = node {
                by_hand += &format!(
                    "    - {{target: node/worker-{node}, {ask}, expires: \"2026-11-25T00:00:00Z\", reason: r, author: a}}\n"
                );
            }
        }
        let overrides = if by_hand.is_empty() { by_hand } else { format!("  overrides:\n{by_hand}") };
        let pool = format!("      min: {min}\n      max: {}\n      parallelism: {width}\n{windows}", min + more);
        let policy = policy(&pool, &format!("{RATES}{overrides}"));
        let world = halfway(pods, states).world();
        let planned = plan(&policy, &world, at(now)).0;
        let ids = planned.steps.iter().map(|step| step.id.to_string()).collect();
        (verify(&planned, &world, &policy), ids)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Acts, implied budgets (H1), budgets and outages, on whatever comes: the tampering is found by its own rule.
    #[test]
    fn each_tampering_is_found_in_any_world(
        pods in pods(),
        budgets in prop::collection::vec(prop::option::of(0..4_u32), 5),
        implied in prop::sample::select(vec![0_u32, 50, 80]),
        pick in any::<prop::sample::Index>(),
    ) {
        let policy = policy("      min: 1\n      parallelism: 2\n", &format!("{RATES}  drain: {{implied: {implied}%}}\n"));
        let world = cluster(&pods, &budgets).world();
        let good = plan(&policy, &world, at(CALM)).0;
        prop_assert_eq!(verify(&good, &world, &policy), vec![]);
        let rules = |plan: &Plan| verify(plan, &world, &policy).iter().map(|found| found.rule).collect::<Vec<_>>();
        let evictions: Vec<(usize, usize)> = (good.steps.iter().enumerate())
            .flat_map(|(at, step)| step.pods.iter().enumerate().map(move |(of, pod)| (at, of, pod.action)))
            .filter(|(_, _, action)| *action == PodAction::Evict)
            .map(|(at, of, _)| (at, of))
            .collect();
        if !evictions.is_empty() {
            let (step, pod) = evictions[pick.index(evictions.len())];
            let mut left_out = good.clone();
            left_out.steps[step].pods.remove(pod);
            prop_assert!(rules(&left_out).contains(&Rule::Pods));
            let mut stays = good.clone();
            stays.steps[step].pods[pod].action = PodAction::Stays;
            prop_assert!(rules(&stays).contains(&Rule::Stranded));
            let mut homeless = good.clone();
            homeless.steps[step].pods[pod].home = Some(good.steps[step].node.clone());
            prop_assert!(rules(&homeless).contains(&Rule::Home));
        }
        if !good.outages.is_empty() {
            let mut silent = good.clone();
            silent.outages.remove(pick.index(good.outages.len()));
            prop_assert!(rules(&silent).contains(&Rule::Outage));
        }
        let parks: Vec<usize> = (0..good.steps.len()).filter(|at| good.steps[*at].verb == Verb::Park).collect();
        if !parks.is_empty() {
            let mut early = good.clone();
            early.steps[parks[pick.index(parks.len())]].after.clear();
            prop_assert!(rules(&early).contains(&Rule::Order));
            let mut hasty = good.clone();
            hasty.steps.iter_mut().filter(|step| step.verb == Verb::Cordon).for_each(|step| step.after.clear());
            prop_assert_eq!(rules(&hasty).contains(&Rule::Width), parks.len() > 2);
        }
    }

    /// Whatever is half done, whoever asked for what, and whenever: what is planned is clean after every prefix.
    #[test]
    fn plans_from_the_middle_of_something_are_clean(
        pods in pods(),
        states in prop::collection::vec(0..12_u8, 8),
        (min, more, width) in (0..6_u32, 0..5_u32, 1..4_u32),
        asleep in prop::option::of(1..=8_usize),
        awake in prop::option::of(1..=8_usize),
        now in prop::sample::select(vec![
            "2026-11-22T19:00:00Z", "2026-11-24T19:45:00Z", "2026-11-24T21:00:00Z", "2026-11-24T22:40:00Z",
        ]),
    ) {
        let middle = Middle { pods: &pods, states: &states, pool: (min, more, width), asleep, awake, now };
        let (violations, ids) = middle.violations();
        prop_assert_eq!(violations, vec![], "{:?}", ids);
    }
}

/// Kept from a random run.
#[test]
fn a_node_whose_drain_began_and_that_is_asked_for_by_nobody_does_not_come_back_over_the_ceiling() {
    for pod in RandomPod::each(2) {
        for now in ["2026-11-24T19:45:00Z", "2026-11-24T21:00:00Z"] {
            let states = [5, 1, 0, 0, 0, 5, 5, 0];
            let pods = std::slice::from_ref(&pod);
            let middle = Middle { pods, states: &states, pool: (0, 0, 2), asleep: Some(2), awake: None, now };
            let (violations, ids) = middle.violations();
            assert_eq!(violations, vec![], "{pod:?} {now} {ids:?}");
        }
    }
}
