//! Limits over all pools: exactly at one is allowed, one unit over is not, and what they hold back is listed.

use proptest::prelude::*;
use serde_json::json;
use tidegate::plan::{Code, Outlook, Rule, Verb, Verdict, plan, verify};
use tidegate::report::plan_text;

use super::demand::{pending, workers};
use super::fixture::{Cluster, RATES, at, policy};
use super::{CALM, verbs};

/// Each worker has 8 cores, 30 GiB, and costs 8 SU; one runs and three could.
fn asking(count: usize) -> Cluster {
    let mut cluster = workers(1, 4);
    cluster.pod("busy", "worker-1", "busy", "8");
    for number in 1..=count {
        pending(&mut cluster, &format!("cart-{number}"), "cart", "8");
    }
    cluster
}

#[test]
fn exactly_at_a_limit_is_allowed_and_one_unit_over_is_not() {
    for (limit, woken, field) in [
        ("cpu: 24", 2, ""),
        ("cpu: 23999m", 1, "limits.cpu"),
        ("memory: 90Gi", 2, ""),
        ("memory: 96636764159", 1, "limits.memory"),
        ("nodes: 3", 2, ""),
        ("nodes: 2", 1, "limits.nodes"),
        ("costPerHour: 24", 2, ""),
        ("costPerHour: 23.999999", 1, "limits.costPerHour"),
    ] {
        let policy = policy("      min: 1\n", &format!("{RATES}  limits: {{{limit}}}\n"));
        let world = asking(2).world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(verbs(&plan, Verb::Wake).len(), woken, "{limit}: {}", plan_text(&plan, 100));
        assert_eq!(verify(&plan, &world, &policy), []);
        let held: Vec<_> = plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Waits).collect();
        assert_eq!(held.len(), 2 - woken, "{limit}");
        for waiting in held {
            assert_eq!((waiting.reason.code, waiting.pods.len()), (Code::Limit, 1));
            assert_eq!(waiting.reason.evidence.key.as_deref(), Some(field));
            assert!(waiting.reason.origin.is_some(), "the line of the policy");
        }
    }
}

#[test]
fn gpus_are_counted_too() {
    for (most, woken) in [(3, 1), (4, 2)] {
        let policy = policy("      min: 1\n", &format!("  limits: {{gpus: {most}}}\n"));
        let mut cluster = workers(0, 3);
        for item in cluster.items.iter_mut().filter(|item| item["kind"] == "Node") {
            item["status"]["allocatable"]["nvidia.com/gpu"] = json!("2");
            item["status"]["capacity"]["nvidia.com/gpu"] = json!("2");
        }
        for number in 1..=2 {
            let pod = pending(&mut cluster, &format!("train-{number}"), "train", "1");
            pod["spec"]["containers"][0]["resources"]["limits"] = json!({"nvidia.com/gpu": "2"});
            pod["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"] = json!("2");
        }
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(verbs(&plan, Verb::Wake).len(), woken, "{}", plan_text(&plan, 100));
        assert_eq!(verify(&plan, &world, &policy), []);
    }
}

/// The floor is bounded as well, and a node that the limit holds back says so.
#[test]
fn a_floor_is_bounded_by_the_limits() {
    let policy = policy("      min: 4\n", "  limits: {nodes: 3}\n");
    let world = asking(0).world();
    let plan = plan(&policy, &world, at(CALM)).0;
    assert_eq!(verbs(&plan, Verb::Wake).len(), 2);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-4").unwrap();
    assert_eq!(kept.reasons[0].text, "`limits.nodes` is 3: 3 runs or comes, and it has 1");
    assert!(plan.summary.text.contains("Cannot: 1 node short of the floor"), "{}", plan.summary.text);
    assert_eq!(verify(&plan, &world, &policy), []);
}

/// Above a default that nobody wrote: said as what it is, with the figure; nothing is taken away for it.
#[test]
fn above_a_default_limit_nothing_comes_and_the_figure_is_said() {
    for (cores, said) in [(1000, false), (1001, true)] {
        let policy = policy("      replicas: 1\n", "");
        let mut cluster = Cluster::workers(1);
        for item in cluster.items.iter_mut().filter(|item| item["kind"] == "Node") {
            item["status"]["capacity"]["cpu"] = json!(cores.to_string());
        }
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        assert_eq!(plan.steps, []);
        assert_eq!(plan.summary.verdict == Verdict::Cannot, said, "{}", plan.summary.text);
        let figure = "Cannot: 1001 cores run, above the default `limits.cpu` of 1000 cores: write the one that is meant as `spec.limits.cpu`.";
        assert_eq!(plan.summary.text == figure, said, "{}", plan.summary.text);
        assert_eq!(verify(&plan, &world, &policy), []);
    }
    let written = policy("      replicas: 1\n", "  limits: {nodes: 1}\n");
    let plan = Cluster::workers(2).plan(&written, CALM);
    assert!(
        plan.notes.iter().any(|note| note == "2 run, above `limits.nodes` of 1: nothing is woken"),
        "{:?}",
        plan.notes
    );
    assert_eq!(verbs(&plan, Verb::Park).len(), 1, "the floor alone decides what goes");
}

/// A plan that wakes what a limit forbids is found out.
#[test]
fn a_plan_beyond_a_limit_is_no_clean_plan() {
    let free = policy("      min: 1\n", "  limits: {nodes: 9}\n");
    let bound = policy("      min: 1\n", "  limits: {nodes: 2}\n");
    let world = asking(2).world();
    let mut plan = plan(&free, &world, at(CALM)).0;
    plan.policy.digest = bound.digest.to_string();
    let rules: Vec<Rule> = verify(&plan, &world, &bound).into_iter().map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::Limit]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// As many as the limit leaves, never more, and every pod beyond is listed with the limit as its reason.
    #[test]
    fn no_limit_is_passed_and_none_stops_too_early(count in 0..6_usize, nodes in 1..6_u32) {
        let policy = policy("      min: 1\n", &format!("  limits: {{nodes: {nodes}}}\n"));
        let world = asking(count).world();
        let plan = plan(&policy, &world, at(CALM)).0;
        let most = usize::try_from(nodes).unwrap().saturating_sub(1).min(3);
        prop_assert_eq!(verbs(&plan, Verb::Wake).len(), most.min(count));
        let held: usize = plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Waits).map(|one| one.pods.len()).sum();
        prop_assert_eq!(held, count.saturating_sub(most));
        prop_assert_eq!(verify(&plan, &world, &policy), vec![]);
    }
}
