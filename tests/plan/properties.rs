//! Properties of every plan, over random clusters and policies.

use proptest::prelude::*;
use tidegate::model::World;
use tidegate::plan::{Verb, plan, verify};
use tidegate::report::{plan_markdown, plan_text};

use super::fixture::{RATES, at, policy};
use super::random::{cluster, pods};

/// What is never said of one.
const NOUNS: [&str; 7] = ["nodes", "pods", "steps", "evictions", "outages", "servers", "pools"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Every prefix is safe, by a checker that shares no decision code with the planner; and the pool keeps its floor.
    #[test]
    fn every_prefix_is_safe(
        pods in pods(),
        budgets in prop::collection::vec(prop::option::of(0..4_u32), 5),
        min in 0..6_u32,
        width in 1..4_u32,
    ) {
        let policy = policy(&format!("      min: {min}\n      parallelism: {width}\n"), RATES);
        let cluster = cluster(&pods, &budgets);
        let world = cluster.world();
        let plan = plan(&policy, &world, at("2026-11-22T19:00:00Z")).0;
        prop_assert_eq!(verify(&plan, &world, &policy), vec![]);
        for text in [plan_text(&plan, 100), plan_markdown(&plan)] {
            let words: Vec<&str> = text.split_whitespace().collect();
            let one = words.windows(2).find(|pair| pair[0] == "1" && NOUNS.iter().any(|noun| pair[1].starts_with(noun)));
            prop_assert_eq!(one, None, "{}", text);
        }
        let parked = plan.steps.iter().filter(|step| step.verb == Verb::Park).count();
        prop_assert!(8 - parked >= usize::try_from(min).unwrap());
        // Explained: every node goes or is kept with a reason.
        let kept: Vec<&str> = plan.kept.iter().map(|kept| kept.node.as_str()).collect();
        for number in 1..=8 {
            let name = format!("worker-{number}");
            let goes = plan.steps.iter().any(|step| step.node == name);
            prop_assert!(goes != kept.contains(&name.as_str()), "{} goes: {}", name, goes);
        }
    }

    /// Same inputs in any order: same bytes.
    #[test]
    fn order_of_input_does_not_count(pods in pods(), seed in any::<u64>()) {
        let policy = policy("      min: 1\n", RATES);
        let one = cluster(&pods, &[Some(1), None, Some(2)]);
        let mut other = one.clone();
        let mut state = seed | 1;
        other.items.sort_by_cached_key(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        });
        let now = at("2026-11-22T19:00:00Z");
        let bytes = |world: &World| serde_json::to_string(&plan(&policy, world, now)).unwrap();
        prop_assert_eq!(bytes(&one.world()), bytes(&other.world()));
    }
}
