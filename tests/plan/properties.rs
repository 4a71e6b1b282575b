//! Properties of every plan, over random clusters and policies.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tidegate::model::World;
use tidegate::plan::{Plan, Verb, plan, verify};
use tidegate::report::{plan_markdown, plan_text};

use super::fixture::{RATES, at, policy, policy_of};
use super::random::{cluster, pods};

/// What is never said of one.
const NOUNS: [&str; 7] = ["nodes", "pods", "steps", "evictions", "outages", "servers", "pools"];

/// How many plans took a node away, and how many moved a pod for it.
#[derive(Default)]
struct Deeds {
    parked: Cell<u32>,
    moved: Cell<u32>,
}

impl Deeds {
    fn count(&self, plan: &Plan) {
        let parks = plan.steps.iter().any(|step| step.verb == Verb::Park);
        self.parked.set(self.parked.get() + u32::from(parks));
        self.moved.set(self.moved.get() + u32::from(parks && plan.summary.evictions > 0));
    }

    /// Plans that do nothing prove nothing.
    fn are_many(&self) {
        let (parked, moved) = (self.parked.get(), self.moved.get());
        assert!(parked >= CASES / 4 && moved >= CASES / 8, "of {CASES} plans {parked} parked, {moved} moved pods");
    }
}

const CASES: u32 = 96;

fn cases() -> TestRunner {
    TestRunner::new(ProptestConfig { cases: CASES, source_file: Some(file!()), ..ProptestConfig::default() })
}

/// Every prefix is safe, by a checker that shares no decision code with the planner; and the pool keeps its floor.
#[test]
fn every_prefix_is_safe() {
    let deeds = Deeds::default();
    let budgets = prop::collection::vec(prop::option::of(0..4_u32), 5);
    let ran = cases().run(&(pods(), budgets, 0..6_u32, 1..4_u32), |(pods, budgets, min, width)| {
        let policy = policy(&format!("      min: {min}\n      parallelism: {width}\n"), RATES);
        let cluster = cluster(&pods, &budgets);
        let world = cluster.world();
        let plan = plan(&policy, &world, at("2026-11-22T19:00:00Z")).0;
        prop_assert_eq!(verify(&plan, &world, &policy), vec![]);
        deeds.count(&plan);
        for text in [plan_text(&plan, 100), plan_markdown(&plan)] {
            let words: Vec<&str> = text.split_whitespace().collect();
            let one =
                words.windows(2).find(|pair| pair[0] == "1" && NOUNS.iter().any(|noun| pair[1].starts_with(noun)));
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
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    deeds.are_many();
}

/// The same of two pools, with windows, freezes and exceptions, at any minute of a week.
#[test]
fn every_prefix_is_safe_in_two_pools_at_any_time() {
    let deeds = Deeds::default();
    let budgets = prop::collection::vec(prop::option::of(0..4_u32), 5);
    let freeze = prop::option::weighted(0.4, prop::sample::select(vec!["finish", "stop"]));
    let wishes = (0..4_u32, 0..3_u32, 1..4_u32, prop::bool::weighted(0.3), freeze);
    let ran = cases().run(&(pods(), budgets, wishes, 0..10_080_i64), |(pods, budgets, wishes, minute)| {
        let (min, low, width, wind_down, freeze) = wishes;
        let wind_down = if wind_down { "      windDown: 2h\n" } else { "" };
        let freeze = freeze.map_or_else(String::new, |overrun| {
            format!("        - {{name: exam, kind: freeze, overrun: {overrun}, start: \"0 8 * * WED\", duration: 30h}}\n")
        });
        let pool = format!(
            "      min: {min}\n      parallelism: {width}\n{wind_down}      windows:\n        \
             - {{name: class, start: \"0 9 * * MON-FRI\", duration: 6h, lead: 30m, min: 4}}\n        \
             - {{name: night, start: \"0 22 * * *\", duration: 5h, max: 4, min: 0}}\n{freeze}      exceptions:\n        \
             - {{name: holiday, dates: 2026-11-26, skip: [class]}}\n    \
             - name: others\n      nodes: {{names: \"worker-{{6..8}}\"}}\n      min: {low}\n      maxUnavailable: 50%\n"
        );
        let policy = policy_of("worker-{1..5}", &pool, RATES);
        let world = cluster(&pods, &budgets).world();
        let now = at("2026-11-22T19:00:00Z") + jiff::SignedDuration::from_mins(minute);
        let plan = plan(&policy, &world, now).0;
        prop_assert_eq!(verify(&plan, &world, &policy), vec![]);
        deeds.count(&plan);
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    deeds.are_many();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

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
