//! The empty night (H20): pods that the policy lets sleep wait Pending while their pool may have fewer nodes, no other pool
//! grows for them, and they wake when it may have more again.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use tidegate::model::World;
use tidegate::plan::{Code, Outlook, Plan, PodAction, Rule, Verb, plan, verify};
use tidegate::policy::{Policy, PolicySource, load};
use tidegate::report::{plan_markdown, plan_text};

use super::demand::{parked, pending};
use super::fixture::{Cluster, at, policy};
use super::{codes, verbs};

/// Sunday, 19:00 in Denver: the night has begun an hour ago.
const NIGHT: &str = "2026-11-23T02:00:00Z";
/// Monday, 06:00 in Denver.
const MORNING: &str = "2026-11-23T13:00:00Z";

/// Up to ten workers by day, none by night.
const NIGHTS: &str = "      min: 0\n      max: 10\n      windows:\n        \
     - {name: night, start: \"0 18 * * *\", end: \"0 6 * * *\", min: 0, max: 0}\n";
const SLEEP: &str = "  drain: {whenNoHome: [{match: {namespaces: default}, action: sleep}]}\n";

fn planned(policy: &Policy, world: &World, now: &str) -> Plan {
    let plan = plan(policy, world, at(now)).0;
    assert_eq!(verify(&plan, world, policy), [], "{}", plan_text(&plan, 100));
    plan
}

fn asleep(plan: &Plan) -> Vec<&str> {
    let moves = plan.steps.iter().flat_map(|step| &step.pods);
    moves.filter(|pod| pod.sleeps).map(|pod| pod.pod.as_str()).collect()
}

/// Three workers with two pods of a shop each.
fn shop() -> Cluster {
    let mut cluster = Cluster::workers(3);
    for number in 1..=3 {
        cluster.pod(&format!("cart-{number}"), &format!("worker-{number}"), "cart", "3");
        cluster.pod(&format!("web-{number}"), &format!("worker-{number}"), "web", "2");
    }
    cluster
}

#[test]
fn a_pool_is_empty_at_night_where_the_policy_says_so() {
    let cluster = shop();
    let stays = planned(&policy(NIGHTS, ""), &cluster.world(), NIGHT);
    assert_eq!(verbs(&stays, Verb::Park).len(), 1, "two have room on the others");
    assert_eq!(codes(&stays, "worker-1").last(), Some(&Code::OverCeiling));

    let plan = planned(&policy(NIGHTS, SLEEP), &cluster.world(), NIGHT);
    assert_eq!(verbs(&plan, Verb::Park).len(), 3, "{}", plan_text(&plan, 100));
    let wakes: Timestamp = MORNING.parse().unwrap();
    let told: Vec<_> = plan.steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.sleeps).collect();
    assert!(told.len() >= 4, "{told:#?}");
    for pod in &told {
        let reason = pod.reason.as_ref().unwrap();
        assert_eq!((reason.code, reason.evidence.until), (Code::Sleeps, Some(wakes)));
        assert_eq!((pod.action, pod.home.as_ref()), (PodAction::Evict, None));
        assert!(reason.origin.is_some(), "the line of the policy");
    }
    let count = told.len();
    assert!(plan.summary.text.contains(&format!(", {count} pods asleep until {wakes}")), "{}", plan.summary.text);
    assert_eq!(plan.summary.asleep as usize, count);
    for text in [plan_text(&plan, 200), plan_markdown(&plan)] {
        assert!(text.contains("no other home: sleeps until Mon 23 Nov 06:00"), "{text}");
    }
}

/// Only above the ceiling: whoever is within it keeps pods that have no other home.
#[test]
fn nobody_sleeps_where_the_pool_may_have_its_nodes() {
    for (most, gone) in [(0, 3), (1, 2), (2, 1), (3, 0)] {
        let pool = NIGHTS.replace("max: 0}", &format!("max: {most}}}"));
        let mut cluster = Cluster::workers(3);
        for number in 1..=3 {
            cluster.pod(&format!("big-{number}"), &format!("worker-{number}"), "big", "6");
        }
        let plan = planned(&policy(&pool, SLEEP), &cluster.world(), NIGHT);
        assert_eq!((verbs(&plan, Verb::Park).len(), asleep(&plan).len()), (gone, gone), "{most}");
        let by_day = planned(&policy(&pool, SLEEP), &cluster.world(), "2026-11-23T20:00:00Z");
        assert_eq!(by_day.steps, []);
    }
}

/// The selector decides, and the first entry that takes a pod in.
#[test]
fn only_who_is_meant_sleeps() {
    for (entries, sleeps) in [
        ("[{match: {namespaces: other}, action: sleep}]", false),
        ("[{match: {labels: {app: big}}, action: sleep}]", true),
        ("[{match: {labels: {app: cart}}, action: sleep}]", false),
        ("[{match: {owners: ReplicaSet}, action: sleep}]", true),
        ("[{match: {owners: StatefulSet}, action: sleep}]", false),
        ("[{match: {namespaces: default}, action: stay}, {match: {owners: ReplicaSet}, action: sleep}]", false),
        ("[{match: {namespaces: other}, action: stay}, {match: {owners: ReplicaSet}, action: sleep}]", true),
    ] {
        let mut cluster = Cluster::workers(1);
        cluster.pod("big-1", "worker-1", "big", "6");
        let rest = format!("  drain: {{whenNoHome: {entries}}}\n");
        let plan = planned(&policy(NIGHTS, &rest), &cluster.world(), NIGHT);
        assert_eq!(verbs(&plan, Verb::Park).len(), usize::from(sleeps), "{entries}");
    }
}

/// What the table protects is protected in its sleep too, and who never may have more nodes puts nobody to sleep.
#[test]
fn what_may_not_leave_does_not_sleep() {
    let everybody = "  drain: {whenNoHome: [{match: {namespaces: [default, kube-system]}, action: sleep}]}\n";
    for (what, owner, patch, code) in [
        ("bare", "", json!({}), Code::NoController),
        (
            "marked",
            "big",
            json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}),
            Code::DoNotDisrupt,
        ),
        (
            "with local storage",
            "big",
            json!({"spec": {"volumes": [{"name": "d", "emptyDir": {}}]}}),
            Code::LocalStorage,
        ),
    ] {
        let mut cluster = Cluster::workers(1);
        super::fixture::merge(cluster.pod("big-1", "worker-1", owner, "6"), patch);
        let plan = planned(&policy(NIGHTS, everybody), &cluster.world(), NIGHT);
        assert_eq!(plan.steps, [], "{what}");
        assert!(codes(&plan, "worker-1").contains(&code), "{what}: {:?}", codes(&plan, "worker-1"));
    }
    let mut cluster = Cluster::workers(1);
    cluster.pod("big-1", "worker-1", "big", "6");
    let never = planned(&policy("      min: 0\n      max: 0\n", SLEEP), &cluster.world(), NIGHT);
    assert_eq!(never.steps, [], "nobody would ever wake it");
}

/// Budgets are kept: whoever sleeps is never Ready again, so no more sleep than may be away for good.
#[test]
fn budgets_are_kept_in_sleep() {
    for (allowed, gone) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        let mut cluster = Cluster::workers(3);
        for number in 1..=3 {
            cluster.pod(&format!("big-{number}"), &format!("worker-{number}"), "big", "6");
        }
        cluster.budget("big", "big", allowed, 3, 3 - allowed, 3);
        let plan = planned(&policy(NIGHTS, SLEEP), &cluster.world(), NIGHT);
        assert_eq!(asleep(&plan).len(), gone, "{allowed}: {}", plan_text(&plan, 100));
        assert_eq!(verbs(&plan, Verb::Park).len(), gone);
        let held = plan
            .kept
            .iter()
            .filter(|kept| kept.reasons.iter().any(|reason| matches!(reason.code, Code::Budget | Code::SleepBudget)));
        assert_eq!(held.count(), 3 - gone, "the budget is named");
    }
}

fn two_pools(rest: &str) -> Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: test}}\nspec:\n  timeZone: America/Denver\n{rest}  \
         pools:\n    - name: workers\n      nodes: {{names: \"worker-{{1..3}}\"}}\n{NIGHTS}    - name: others\n      nodes: {{names: \
         \"worker-{{4..6}}\"}}\n      min: 0\n      max: 3\n"
    );
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.clone().into_bytes() }]);
    loaded.policy.unwrap_or_else(|| panic!("{text}\n{:#?}", loaded.problems))
}

/// In the night what sleeps is demand in no pool; in the morning it is, and its pool comes back.
#[test]
fn no_pool_grows_for_those_who_sleep_and_they_wake_in_the_morning() {
    let mut cluster = Cluster::workers(0);
    for number in 1..=6 {
        parked(&mut cluster, &format!("worker-{number}"));
    }
    pending(&mut cluster, "big-1", "big", "6");
    let world = cluster.world();
    let awake = planned(&two_pools(""), &world, NIGHT);
    assert_eq!(verbs(&awake, Verb::Wake), ["worker-4"], "without the word another pool grows");
    let night = planned(&two_pools(SLEEP), &world, NIGHT);
    assert_eq!(night.steps, [], "{}", plan_text(&night, 100));
    let waiting = &night.waiting[0];
    assert_eq!((waiting.outlook, waiting.reason.code), (Outlook::Ignored, Code::Sleeps));
    assert_eq!(waiting.reason.evidence.until, Some(MORNING.parse().unwrap()));
    assert_eq!(night.summary.text, "Nothing to do now: 1 pod sleeps until 2026-11-23T13:00:00Z.");
    let morning = planned(&two_pools(SLEEP), &world, MORNING);
    assert_eq!(verbs(&morning, Verb::Wake).len(), 1, "{}", plan_text(&morning, 100));
    assert!(morning.waiting.iter().all(|waiting| waiting.outlook == Outlook::Comes));
}

/// A window that leads has its nodes up before it opens, and who slept has room there then.
#[test]
fn nodes_are_back_before_the_morning_where_a_window_leads() {
    let pool = "      min: 0\n      max: 0\n      windows:\n        \
        - {name: day, start: \"0 6 * * *\", duration: 12h, lead: 15m, min: 2, max: 10}\n";
    let mut cluster = Cluster::workers(0);
    (1..=3).for_each(|number| parked(&mut cluster, &format!("worker-{number}")));
    pending(&mut cluster, "big-1", "big", "6");
    let world = cluster.world();
    let night = planned(&policy(pool, SLEEP), &world, NIGHT);
    assert_eq!((night.steps.len(), night.waiting[0].reason.code), (0, Code::Sleeps), "{}", plan_text(&night, 100));
    let early = planned(&policy(pool, SLEEP), &world, "2026-11-23T12:46:00Z");
    assert_eq!(verbs(&early, Verb::Wake).len(), 2, "{}", plan_text(&early, 100));
    assert!(early.waiting.iter().all(|waiting| waiting.outlook == Outlook::Comes));
}

/// Each change of who sleeps is found.
#[test]
fn a_sleep_that_nothing_lets_is_found() {
    let (policy, world) = (policy(NIGHTS, SLEEP), shop().world());
    let good = planned(&policy, &world, NIGHT);
    let mut plan = good.clone();
    let found = |plan: &Plan, policy: &Policy| -> Vec<Rule> {
        verify(plan, &world, policy).into_iter().map(|found| found.rule).collect()
    };
    let none = super::fixture::policy(NIGHTS, "");
    assert!(found(&plan, &none).contains(&Rule::Sleep), "the policy lets nobody sleep");
    let day = super::fixture::policy(&NIGHTS.replace("max: 0}", "max: 3}"), SLEEP);
    assert!(found(&plan, &day).contains(&Rule::Sleep), "the pool may have its nodes");
    for pod in plan.steps.iter_mut().flat_map(|step| &mut step.pods).filter(|pod| pod.sleeps) {
        pod.sleeps = false;
    }
    let rules = found(&plan, &policy);
    assert!(rules.contains(&Rule::Home) && rules.contains(&Rule::Summary), "{rules:?}");
    let mut plan = good.clone();
    plan.summary.asleep = 0;
    assert!(found(&plan, &policy).contains(&Rule::Summary));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever runs, and whoever may sleep: every plan of the night is found safe, nobody sleeps within the ceiling, and
    /// who may not sleep never does.
    #[test]
    fn nights_are_safe(
        pods in super::random::pods(),
        budgets in proptest::collection::vec(proptest::option::of(0_u32..4), 5),
        most in 0_u32..6,
        sleepers in proptest::collection::vec(any::<bool>(), 5),
    ) {
        let names: Vec<String> = (0..5).filter(|owner| sleepers[*owner]).map(|owner| format!("{{match: {{labels: {{app: o{owner}}}}}, action: sleep}}")).collect();
        let rest = format!("  drain: {{whenNoHome: [{}]}}\n", names.join(", "));
        let policy = policy(&NIGHTS.replace("max: 0}", &format!("max: {most}}}")), &rest);
        let world = super::random::cluster(&pods, &budgets).world();
        let plan = planned(&policy, &world, NIGHT);
        let with_sleepers = plan.steps.iter().filter(|step| step.pods.iter().any(|pod| pod.sleeps)).count();
        prop_assert!(with_sleepers <= 8_usize.saturating_sub(most as usize));
        for pod in asleep(&plan) {
            let app = world.pods.values().find(|one| one.key.to_string() == pod).unwrap().labels.get("app").unwrap().clone();
            let owner: usize = app.trim_start_matches('o').parse().unwrap();
            prop_assert!(sleepers[owner], "{pod}");
        }
    }
}
