//! Plans of random worlds: clean as they are, and never clean with one thing changed.

use proptest::prelude::*;
use tidegate::plan::{Plan, PodAction, Rule, Verb, plan, verify};

use super::fixture::{RATES, at, policy};
use super::goods::CALM;
use super::random::{cluster, pods};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

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
}
