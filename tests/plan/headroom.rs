//! Headroom: units that nothing divides, kept as if they were pods, used first by pods that wait, and refilled later.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use tidegate::model::{Memory, World};
use tidegate::plan::{Code, HeadroomPlan, Plan, Rule, Verb, explain_headroom, plan, verify};
use tidegate::policy::Policy;
use tidegate::report::{explain_text, headroom_text, plan_markdown, plan_text, status_text};

use super::demand::{parked, pending, workers};
use super::fixture::{Cluster, at, policy};
use super::random::{cluster as random_cluster, pods};
use super::{CALM, verbs};

fn units(cpu: &str, count: u32) -> Policy {
    policy(&format!("      headroom: {{units: [{{cpu: {cpu}, memory: 1Gi, count: {count}}}]}}\n"), "")
}

fn headroom(plan: &Plan) -> &HeadroomPlan {
    plan.pools[0].headroom.as_ref().unwrap()
}

/// For each size how many are kept of how many.
fn kept(plan: &Plan) -> Vec<(u32, u32)> {
    headroom(plan).units.iter().map(|units| (units.kept, units.wanted)).collect()
}

fn planned(policy: &Policy, world: &World) -> Plan {
    let plan = plan(policy, world, at(CALM)).0;
    assert_eq!(verify(&plan, world, policy), [], "{}", plan_text(&plan, 110));
    plan
}

/// Two units of 6 cores need two nodes of 8; the third worker is spare.
#[test]
fn nodes_that_hold_headroom_stay_and_the_others_go() {
    let (policy, world) = (units("6", 2), Cluster::workers(3).world());
    let plan = planned(&policy, &world);
    assert_eq!(verbs(&plan, Verb::Park).len(), 1);
    assert_eq!(kept(&plan), [(2, 2)]);
    let reasons: Vec<_> = plan.kept.iter().map(|kept| (kept.reasons[0].code, kept.reasons[0].text.as_str())).collect();
    let said = "spare capacity is kept on it: a headroom unit (cpu 6, memory 1Gi) has no other room";
    assert_eq!(reasons, [(Code::Headroom, said); 2]);
    assert!(plan.blockers.is_empty(), "headroom is a need, not something in the way: {:?}", plan.blockers);
    let line = "headroom: 2 of 2 × (cpu 6, memory 1Gi) kept on worker-";
    assert!(plan_text(&plan, 200).contains(line) && plan_markdown(&plan).contains(line), "{}", plan_text(&plan, 200));
    let status = tidegate::plan::status(&policy, &world, &plan);
    assert!(status_text(&status, &plan, 200).contains(line));
    let explained = tidegate::plan::explain_pool(&policy, &world, &plan, "workers", at(CALM)).unwrap();
    assert!(explain_text(&explained, &plan, 200).contains(line));
}

/// `explain headroom`: wanted, held and missing add up, the calculation is shown, and a pool that is not there is none.
#[test]
fn headroom_is_explained_by_itself() {
    let mut cluster = workers(1, 1);
    cluster.pod("busy", "worker-1", "busy", "4");
    let asked = "      headroom: {automatic: 25%, units: [{cpu: 3, count: 2}]}\n";
    let plan = planned(&policy(asked, ""), &cluster.world());
    let found = explain_headroom(&plan, Some("workers")).unwrap();
    assert_eq!(explain_headroom(&plan, None).unwrap().headroom, found.headroom);
    assert_eq!(explain_headroom(&plan, Some("worker")), None);
    let pool = &found.headroom[0];
    assert_eq!((pool.wanted, pool.held, pool.missing), (3, 1, 2), "{pool:#?}");
    assert_eq!(pool.said.iter().filter(|said| said.won).count(), 1);
    let text = headroom_text(&found, &plan, 200);
    for said in [
        "pool workers: 3 units wanted, 1 held, 2 MISSING",
        "automatic: 25% of the cpu 4, memory 0.2Gi that pods on its nodes request is cpu 1",
        "1 of 1 × (cpu 4, memory 256Mi, like ReplicaSet default/busy) kept on worker-1",
        "0 of 2 × (cpu 3) kept; the rest is MISSING: ",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let none = planned(&policy("", ""), &cluster.world());
    let found = explain_headroom(&none, None).unwrap();
    assert!(headroom_text(&found, &none, 200).contains("no headroom is asked for: write `headroom` in a pool"));
}

/// Free space in pieces is no headroom: 4 cores here and 4 there hold no unit of 6.
#[test]
fn units_are_not_divided() {
    for (cpu, wakes) in [("4", 0), ("4001m", 1)] {
        let mut cluster = workers(2, 4);
        cluster.pod("busy-1", "worker-1", "busy", "4");
        cluster.pod("busy-2", "worker-2", "busy", "4");
        let plan = planned(&units(cpu, 1), &cluster.world());
        assert_eq!(verbs(&plan, Verb::Wake).len(), wakes, "{}", plan_text(&plan, 110));
        assert_eq!(kept(&plan), [(1, 1)]);
    }
}

#[test]
fn what_is_missing_is_woken_and_says_what_for() {
    let mut cluster = workers(1, 4);
    cluster.pod("busy", "worker-1", "busy", "8");
    let plan = planned(&units("6", 2), &cluster.world());
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-2", "worker-3"]);
    let reason = &plan.steps[0].reason;
    assert_eq!((reason.code, reason.text.as_str()), (Code::Headroom, "headroom needs it: 1 × (cpu 6, memory 1Gi)"));
    assert!(reason.origin.is_some());
}

/// H26: a pod takes the room that was kept for it at once, and what it took is refilled only when it stays.
#[test]
fn pods_use_headroom_first_and_it_is_refilled_later() {
    let policy = units("6", 1);
    let mut cluster = workers(1, 3);
    pending(&mut cluster, "cart-1", "cart", "6");
    let watched = Memory { watched: Some(at("2026-11-22T18:59:50Z")), ..Memory::default() };
    let mut memory = watched;
    for (after, wakes) in [(0, 0), (299, 0), (300, 1)] {
        let now = at(CALM) + SignedDuration::from_secs(after);
        let mut world = cluster.world();
        world.memory = memory.clone();
        let (found, next) = plan(&policy, &world, now);
        assert_eq!(verify(&found, &world, &policy), []);
        assert_eq!(verbs(&found, Verb::Wake).len(), wakes, "after {after} s: {}", plan_text(&found, 110));
        assert_eq!(headroom(&found).refill_at.is_some(), wakes == 0);
        memory = next;
    }
    let mut world = cluster.world();
    world.memory = Memory::default();
    let unremembered = planned(&policy, &world);
    assert_eq!(verbs(&unremembered, Verb::Wake).len(), 1, "nobody remembers since when: the wait counts as over");
}

#[test]
fn what_cannot_be_kept_says_why() {
    for (pool, rest, code) in
        [("      max: 1\n", "", Code::Ceiling), ("", "  limits: {nodes: 1}\n", Code::Limit), ("", "", Code::NoNodeFits)]
    {
        let size = if code == Code::NoNodeFits { "9" } else { "6" };
        let unit = format!("{pool}      headroom: {{units: [{{cpu: {size}}}]}}\n");
        let mut cluster = workers(1, 3);
        cluster.pod("busy", "worker-1", "busy", "8");
        let plan = planned(&policy(&unit, rest), &cluster.world());
        assert_eq!((plan.steps.len(), kept(&plan)), (0, vec![(0, 1)]));
        assert_eq!(headroom(&plan).units[0].missing.as_ref().map(|reason| reason.code), Some(code));
        assert!(plan_text(&plan, 300).contains("the rest is MISSING: "));
    }
}

/// Spare room on nodes of another pool is not this pool's, and lasting taints of its own nodes do not count.
#[test]
fn headroom_is_on_the_nodes_of_its_pool() {
    let policy = units("6", 1);
    let mut cluster = Cluster::workers(0);
    cluster.node("other-1", json!({}), json!({}), "ACTIVE");
    parked(&mut cluster, "worker-1");
    let node = cluster.items.iter_mut().rfind(|item| item["kind"] == "Node").unwrap();
    node["spec"]["taints"] = json!([{"key": "team", "value": "ml", "effect": "NoSchedule"}]);
    let plan = planned(&policy, &cluster.world());
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-1"]);
}

#[test]
fn windows_ask_for_other_headroom() {
    let pool = "      headroom: {units: [{cpu: 6, count: 1}]}\n      windows:\n        - {name: fair, start: \"0 13 * * \
                TUE\", duration: 3h, lead: 0s, headroom: {units: [{cpu: 6, count: 3}]}}\n";
    let policy = policy(pool, "");
    let world = workers(1, 4).world();
    for (now, wanted) in [("2026-11-24T19:59:59Z", 1), ("2026-11-24T20:00:00Z", 3), ("2026-11-24T23:00:00Z", 1)] {
        let plan = plan(&policy, &world, at(now)).0;
        assert_eq!(kept(&plan), [(wanted, wanted)], "{now}");
        assert_eq!(verbs(&plan, Verb::Wake).len(), usize::try_from(wanted - 1).unwrap());
    }
}

/// 10 % of 12 cores is 1.2: two pods of a core each, the larger workload first; the figures are said.
#[test]
fn automatic_headroom_is_a_share_of_what_is_requested() {
    let policy = policy("      headroom: {automatic: 10%}\n", "");
    let mut cluster = Cluster::workers(3);
    for number in 1..=12 {
        cluster.pod(&format!("web-{number}"), &format!("worker-{}", number % 2 + 1), "web", "1");
    }
    let plan = planned(&policy, &cluster.world());
    assert_eq!(kept(&plan), [(2, 2)]);
    assert_eq!(headroom(&plan).units[0].like.as_deref(), Some("ReplicaSet default/web"));
    let calculation = "10% of the cpu 12, memory 3.0Gi that pods on its nodes request is cpu 1200m, memory 0.3Gi, in the \
                       shape of the workloads that request most now (how often each scaled is not known)";
    assert_eq!(headroom(&plan).calculation.as_deref(), Some(calculation));
    assert_eq!(verbs(&plan, Verb::Park), ["worker-3"], "12 cores and the two units fit on two nodes");
}

/// A plan that says of headroom what is not so is found out.
#[test]
fn a_plan_that_promises_room_that_is_not_there_is_no_clean_plan() {
    let policy = units("6", 2);
    let world = Cluster::workers(3).world();
    let good = planned(&policy, &world);
    let node = headroom(&good).units[0].nodes.keys().next().unwrap().clone();
    let mut crowded = good.clone();
    let lines = &mut crowded.pools[0].headroom.as_mut().unwrap().units[0];
    lines.nodes = [(node, 2)].into();
    let mut fewer = good.clone();
    let lines = &mut fewer.pools[0].headroom.as_mut().unwrap().units[0];
    (lines.wanted, lines.kept, lines.nodes) = (0, 0, [].into());
    for bad in [crowded, fewer] {
        let rules: Vec<Rule> = verify(&bad, &world, &policy).into_iter().map(|found| found.rule).collect();
        assert_eq!(rules, [Rule::Headroom]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever runs and waits: every unit is where it is said to be beside all pods, and a unit that is missing has a
    /// reason or a time.
    #[test]
    fn headroom_holds_beside_everything(
        running in pods(),
        waiting in prop::collection::vec((0..5_usize, 1..=12_u32), 0..6),
        up in 1..=8_usize,
        (cpu, count) in (1..9_u32, 1..5_u32),
        automatic in prop::sample::select(vec!["false", "5%", "40%"]),
    ) {
        let pool = format!("      min: 1\n      max: 7\n      headroom: {{automatic: {automatic}, units: [{{cpu: {cpu}, count: {count}}}]}}\n");
        let policy = policy(&pool, super::RATES);
        let mut cluster = random_cluster(&running, &[Some(1), None, Some(2)]);
        for number in up + 1..=8 {
            let name = format!("worker-{number}");
            cluster.items.retain(|item| item["metadata"]["name"] != name.as_str() && item["spec"]["nodeName"] != name.as_str());
            parked(&mut cluster, &name);
        }
        for (index, (owner, half_cores)) in waiting.iter().enumerate() {
            pending(&mut cluster, &format!("w{index}"), &format!("o{owner}"), &format!("{}00m", half_cores * 5));
        }
        let world = cluster.world();
        let plan = plan(&policy, &world, at(CALM)).0;
        prop_assert_eq!(verify(&plan, &world, &policy), vec![], "{}", plan_text(&plan, 110));
        for units in &headroom(&plan).units {
            prop_assert_eq!(units.kept < units.wanted, units.missing.is_some(), "{:?}", units);
        }
    }
}
