//! The planner through its public door: what it decides, why, and that every prefix is safe.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "plan/absurd.rs"]
mod absurd;
#[path = "plan/astray.rs"]
mod astray;
#[path = "plan/basis.rs"]
mod basis;
#[path = "plan/by_hand.rs"]
mod by_hand;
#[path = "plan/causes.rs"]
mod causes;
#[path = "plan/demand.rs"]
mod demand;
#[path = "plan/explained.rs"]
mod explained;
#[path = "plan/fixture.rs"]
mod fixture;
mod growing;
#[path = "plan/headroom.rs"]
mod headroom;
#[path = "plan/hub.rs"]
mod hub;
#[path = "plan/hysteresis.rs"]
mod hysteresis;
#[path = "plan/leaks.rs"]
mod leaks;
#[path = "plan/limits.rs"]
mod limits;
#[path = "plan/losses.rs"]
mod losses;
#[path = "plan/making.rs"]
mod making;
#[path = "plan/marks.rs"]
mod marks;
#[path = "plan/money.rs"]
mod money;
#[path = "plan/optimum.rs"]
mod optimum;
#[path = "plan/patience.rs"]
mod patience;
#[path = "plan/pod_explained.rs"]
mod pod_explained;
#[path = "plan/pools.rs"]
mod pools;
#[path = "plan/properties.rs"]
mod properties;
#[path = "plan/random.rs"]
mod random;
#[path = "plan/repair.rs"]
mod repair;
#[path = "plan/sleep.rs"]
mod sleep;
#[path = "plan/soon.rs"]
mod soon;
#[path = "plan/truth.rs"]
mod truth;

use fixture::{Cluster, RATES, WORKSHOP, at, merge, policy};
use serde_json::json;
use tidegate::plan::{Code, Plan, PodAction, Verb, Verdict, plan_for, verify};

/// A calm Sunday, and the Tuesday of the workshop.
const CALM: &str = "2026-11-22T19:00:00Z";

fn verbs(plan: &Plan, verb: Verb) -> Vec<&str> {
    plan.steps.iter().filter(|step| step.verb == verb).map(|step| step.node.as_str()).collect()
}

fn codes(plan: &Plan, node: &str) -> Vec<Code> {
    let kept = plan.kept.iter().filter(|kept| kept.node == node);
    kept.flat_map(|kept| kept.reasons.iter().map(|reason| reason.code)).collect()
}

#[test]
fn a_calm_day_parks_nine_of_ten_and_says_why() {
    let policy = policy(WORKSHOP, RATES);
    let cluster = Cluster::workers(10);
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 9, "{plan:#?}");
    assert!(!verbs(&plan, Verb::Park).contains(&"worker-1"));
    assert!(plan.applyable && plan.complete, "{:?}", plan.caveats);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    assert!(plan.steps.iter().all(|step| step.reason.code == Code::NotNeeded && step.origin.is_some()));
    assert!(plan.summary.text.starts_with("Plan: 9 to park (shelve; coming back needs a free host)"));
}

#[test]
fn the_window_wakes_what_is_parked_a_quarter_of_an_hour_before() {
    let policy = policy(WORKSHOP, RATES);
    let mut cluster = Cluster::workers(1);
    for number in 2..=10 {
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    let before = cluster.plan(&policy, "2026-11-24T19:44:59Z");
    assert_eq!(before.summary.verdict, Verdict::NoChanges, "{}", before.summary.text);
    let plan = cluster.plan(&policy, "2026-11-24T19:45:00Z");
    assert_eq!(verbs(&plan, Verb::Wake).len(), 9);
    assert_eq!(verbs(&plan, Verb::Uncordon).len(), 9);
    assert_eq!(plan.steps[0].provider_verb.as_deref(), Some("unshelve"));
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn what_a_brake_refuses_is_not_applyable() {
    let few = policy(WORKSHOP, "  brakes: {maxNodes: 3}\n");
    let cluster = Cluster::workers(10);
    let plan = cluster.plan(&few, CALM);
    assert!(!plan.applyable && plan.complete && plan.steps.len() == 27, "{:?}", plan.refusals);
    assert_eq!(verify(&plan, &cluster.world(), &few), []);
    let tampered = Plan { applyable: true, ..plan };
    let rules: Vec<_> = verify(&tampered, &cluster.world(), &few).into_iter().map(|found| found.rule).collect();
    assert_eq!(rules, [tidegate::plan::Rule::Applyable]);
}

/// Only what Tidegate made is deleted: nobody else is drained for that, and what is needed is not called held.
#[test]
fn nodes_that_tidegate_did_not_make_are_kept_and_say_why() {
    let policy = policy(&format!("{}      idle: delete\n", WORKSHOP.replacen("min: 1", "min: 3", 1)), RATES);
    let mut cluster = Cluster::workers(9);
    own_cordon(&mut cluster, 10, "draining");
    cluster.pod("web-1", "worker-5", "web", "1");
    let plan = cluster.plan(&policy, CALM);
    let steps: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(steps, ["uncordon/worker-10"], "what was cordoned to go is given back: {:#?}", plan.kept);
    let kept = |code: Code| plan.kept.iter().filter(|kept| kept.reasons[0].code == code).count();
    assert_eq!((kept(Code::NotOurs), kept(Code::Floor), kept(Code::Keep)), (7, 2, 1), "{:#?}", plan.kept);
    let blocker = plan.blockers.iter().find(|blocker| blocker.code == Code::NotOurs).unwrap();
    assert_eq!(blocker.lift, ["adopt: true"]);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn a_node_without_a_uid_is_no_condition() {
    let mut cluster = Cluster::workers(2);
    for item in &mut cluster.items {
        if item["kind"] == "Node" {
            item["metadata"].as_object_mut().unwrap().remove("uid");
        }
    }
    let policy = policy("      min: 1\n", "");
    let plan = cluster.plan(&policy, CALM);
    let conditions: Vec<_> = plan.steps.iter().flat_map(|step| &step.preconditions).collect();
    assert!(!conditions.is_empty());
    assert!(!conditions.iter().any(|one| matches!(one, tidegate::plan::Precondition::Node { .. })), "{conditions:?}");
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn h26_parking_for_less_than_it_is_worth_is_not_done() {
    let policy = policy(WORKSHOP, "");
    let plan = Cluster::workers(10).plan(&policy, "2026-11-24T18:46:00Z");
    assert_eq!(plan.steps, []);
    assert_eq!(plan.summary.verdict, Verdict::NothingNow);
    assert!(codes(&plan, "worker-5").contains(&Code::MinParked), "{:?}", plan.kept);
    let earlier = Cluster::workers(10).plan(&policy, "2026-11-24T18:44:00Z");
    assert_eq!(verbs(&earlier, Verb::Park).len(), 9);
}

/// Every way in which one pod, or one mark on the node, keeps a node; a grace beyond `longestGrace` among them (H5).
#[test]
fn what_keeps_a_node_is_named() {
    type Change = fn(&mut Cluster);
    let cases: [(Code, Change); 12] = [
        (Code::NoController, |c| {
            c.pod("bare", "worker-5", "", "1");
        }),
        (Code::LocalStorage, |c| {
            c.pod("a", "worker-5", "a", "1")["spec"]["volumes"] = json!([{"name": "scratch", "emptyDir": {}}]);
        }),
        (Code::DoNotDisrupt, |c| {
            merge(
                c.pod("a", "worker-5", "a", "1"),
                json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}),
            );
        }),
        (Code::DoNotDisrupt, |c| {
            merge(
                c.pod("a", "worker-5", "a", "1"),
                json!({"metadata": {"labels": {"spotinst.io/restrict-scale-down": "true"}}}),
            );
        }),
        (Code::SystemPod, |c| {
            let young = json!({"metadata": {"creationTimestamp": "2026-11-22T18:30:00Z"}});
            merge(c.pod("kube-system/a", "worker-5", "a", "1"), young);
        }),
        (Code::LongGrace, |c| {
            merge(c.pod("a", "worker-5", "a", "1"), json!({"spec": {"terminationGracePeriodSeconds": 3600}}));
        }),
        (Code::Budget, |c| {
            c.pod("a", "worker-5", "a", "1");
            c.budget("a", "a", 0, 1, 1, 1);
        }),
        (Code::NoOtherHome, |c| {
            c.pod("big", "worker-5", "big", "9");
        }),
        (Code::NoOtherHome, |c| {
            c.pod("a", "worker-5", "a", "1")["spec"]["resourceClaims"] = json!([{"name": "gpu"}]);
        }),
        (Code::Hold, |c| {
            let node = c.items.iter_mut().find(|i| i["kind"] == "Node" && i["metadata"]["name"] == "worker-5").unwrap();
            merge(node, json!({"metadata": {"annotations": {"tidegate.dev/hold": "debugging"}}}));
        }),
        (Code::ControlPlane, |c| {
            let node = c.items.iter_mut().find(|i| i["kind"] == "Node" && i["metadata"]["name"] == "worker-5").unwrap();
            merge(node, json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}));
        }),
        (Code::OtherOwner, |c| {
            let node = c.items.iter_mut().find(|i| i["kind"] == "Node" && i["metadata"]["name"] == "worker-5").unwrap();
            merge(node, json!({"metadata": {"labels": {"karpenter.sh/nodepool": "default"}}}));
        }),
    ];
    let policy = policy(WORKSHOP, "");
    for (code, change) in cases {
        let mut cluster = Cluster::workers(10);
        change(&mut cluster);
        let plan = cluster.plan(&policy, CALM);
        assert!(codes(&plan, "worker-5").contains(&code), "{code:?}: {:?}", plan.kept);
        assert_eq!(verbs(&plan, Verb::Park).len(), 8, "{code:?}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    }
}

/// What cannot be read cannot be moved either: its node stays, and says which pod it is.
#[test]
fn a_pod_that_cannot_be_read_keeps_its_node() {
    let mut cluster = Cluster::workers(10);
    cluster.pod("odd", "worker-5", "a", "one and a half");
    cluster.pod("astray", "", "a", "one and a half");
    let policy = policy(WORKSHOP, "");
    let plan = cluster.plan(&policy, CALM);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-5").unwrap();
    assert_eq!(
        (kept.reasons[0].code, kept.reasons[0].evidence.pod.as_deref()),
        (Code::PodUnreadable, Some("default/odd"))
    );
    assert!(!plan.applyable && plan.caveats.iter().filter(|caveat| caveat.contains("cannot be read")).count() == 2);
    assert_eq!(verbs(&plan, Verb::Park).len(), 8, "{:?}", plan.kept);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    // Corrected, it has another home.
    let mut good = Cluster::workers(10);
    good.pod("odd", "worker-5", "a", "1.5");
    assert!(verbs(&good.plan(&policy, CALM), Verb::Park).contains(&"worker-5"));
}

/// Two replicas of a DNS server that must not share a node: one may go where the other is not, and two nodes stay.
#[test]
fn pods_that_keep_apart_find_homes_apart() {
    let term = json!([{"labelSelector": {"matchLabels": {"app": "dns"}}, "topologyKey": "kubernetes.io/hostname"}]);
    let anti =
        json!({"spec": {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}}});
    let mut cluster = Cluster::workers(10);
    merge(cluster.pod("dns-1", "worker-4", "dns", "1"), anti.clone());
    merge(cluster.pod("dns-2", "worker-5", "dns", "1"), anti);
    let policy = policy("      min: 2\n      max: 2\n", "");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 8, "{:?}", plan.kept);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    let policy = self::policy("      min: 1\n      max: 1\n", "");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 8, "one node cannot hold both: {:?}", plan.kept);
}

#[test]
fn declared_storage_and_named_pods_may_go() {
    let drain = "  drain:\n    disposable:\n      - {namespaces: [default], volumes: [scratch]}\n    pods:\n      \
                 - {match: {namespaces: [jhub]}, action: wait, atMost: 2h}\n      \
                 - {match: {namespaces: [tools]}, action: evict}\n";
    let policy = policy(WORKSHOP, drain);
    let mut cluster = Cluster::workers(10);
    cluster.pod("a", "worker-5", "a", "1")["spec"]["volumes"] = json!([{"name": "scratch", "emptyDir": {}}]);
    cluster.pod("jhub/jupyter-ana", "worker-6", "", "1");
    cluster.pod("tools/bare", "worker-7", "", "1");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 9, "{:?}", plan.kept);
    let action = |pod: &str| plan.steps.iter().flat_map(|s| &s.pods).find(|p| p.pod == pod).map(|p| p.action);
    assert_eq!(action("default/a"), Some(PodAction::Evict));
    assert_eq!(action("jhub/jupyter-ana"), Some(PodAction::Wait));
    assert_eq!(action("tools/bare"), Some(PodAction::Evict));
    // The node with the user goes last.
    assert_eq!(verbs(&plan, Verb::Park).last(), Some(&"worker-6"));
}

/// minAvailable 3, five pods, four of them on the node: two, wait, two.
#[test]
fn a_budget_makes_rounds() {
    let policy = policy(WORKSHOP, "");
    let mut cluster = Cluster::workers(10);
    for number in 1..=4 {
        cluster.pod(&format!("web-{number}"), "worker-5", "web", "100m");
    }
    cluster.pod("web-5", "worker-1", "web", "100m");
    cluster.budget("web", "web", 2, 5, 3, 5);
    let plan = cluster.plan(&policy, CALM);
    let mut rounds: Vec<u32> = plan.steps.iter().flat_map(|s| &s.pods).filter_map(|pod| pod.chunk).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, [1, 1, 2, 2]);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

/// Three replicas without a budget on three nodes that all go: never more than one away at a time (H1).
#[test]
fn h1_an_implied_budget_spans_the_whole_plan() {
    let policy = policy(WORKSHOP, "");
    let mut cluster = Cluster::workers(10);
    for number in 2..=4 {
        cluster.pod(&format!("web-{number}"), &format!("worker-{number}"), "web", "100m");
    }
    let plan = cluster.plan(&policy, CALM);
    let mut rounds: Vec<u32> = plan.steps.iter().flat_map(|s| &s.pods).filter_map(|pod| pod.chunk).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, [1, 2, 3]);
    assert_eq!(plan.outages, []);
    cluster.pod("only", "worker-9", "only", "100m");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(plan.outages.len(), 1, "{:?}", plan.outages);
}

/// The last replica of the cluster's DNS is an outage, and is said (H17).
#[test]
fn h17_the_last_dns_replica_is_an_outage() {
    let policy = policy(WORKSHOP, "");
    for (replicas, outages) in [(1, vec!["kube-system/coredns-2"]), (2, vec![])] {
        let mut cluster = Cluster::workers(10);
        for number in 2..2 + replicas {
            cluster.pod(&format!("kube-system/coredns-{number}"), &format!("worker-{number}"), "coredns", "100m");
        }
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(plan.outages.iter().map(|outage| outage.pod.as_str()).collect::<Vec<_>>(), outages);
        assert!(tidegate::report::plan_text(&plan, 100).contains("coredns") || outages.is_empty());
    }
}

/// All Ready replicas in one round, because a budget allows it or nothing bounds them: that is an outage too.
#[test]
fn h1_all_replicas_at_once_are_an_outage() {
    for (implied, budget, outages) in [("50%", None, 0), ("0%", None, 1), ("0%", Some(1), 0), ("50%", Some(2), 1)] {
        let policy = policy(WORKSHOP, &format!("  drain: {{implied: {implied}}}\n"));
        let mut cluster = Cluster::workers(10);
        cluster.pod("web-1", "worker-2", "web", "100m");
        cluster.pod("web-2", "worker-3", "web", "100m");
        if let Some(allowed) = budget {
            cluster.budget("web", "web", allowed, 2, 2 - allowed, 2);
        }
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(plan.outages.len(), outages, "{implied} {budget:?}: {:?}", plan.outages);
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    }
}

#[test]
fn h6_a_freeze_takes_nothing_away_and_still_wakes() {
    let frozen = format!(
        "{WORKSHOP}        - {{name: exam, kind: freeze, from: \"2026-11-22T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}}\n"
    );
    let policy = policy(&frozen, "");
    let plan = Cluster::workers(10).plan(&policy, CALM);
    assert_eq!(plan.steps, []);
    assert!(codes(&plan, "worker-5").contains(&Code::Freeze));
    assert_eq!(plan.summary.verdict, Verdict::NothingNow);
}

#[test]
fn h20_above_the_ceiling_with_nowhere_to_go_is_a_cannot() {
    let policy = policy("      min: 0\n      max: 3\n", "");
    let mut cluster = Cluster::workers(5);
    for number in 1..=5 {
        cluster.pod(&format!("p-{number}"), &format!("worker-{number}"), &format!("o-{number}"), "7");
    }
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(plan.summary.verdict, Verdict::Cannot, "{}", plan.summary.text);
    assert!(plan.summary.text.contains("2 nodes above the policy"), "{}", plan.summary.text);
    assert!(codes(&plan, "worker-3").contains(&Code::OverCeiling));
}

#[test]
fn a_floor_that_only_creation_could_fill_is_a_cannot() {
    let plan = Cluster::workers(4).plan(&policy("      replicas: 6\n", ""), CALM);
    assert_eq!(plan.summary.verdict, Verdict::Cannot);
    assert_eq!(codes(&plan, "worker-7"), [Code::NoCreate]);
}

#[test]
fn other_peoples_work_is_left_alone() {
    let policy = policy("      replicas: 4\n", "");
    let mut cluster = Cluster::workers(2);
    cluster.node("worker-3", json!({}), json!({"unschedulable": true}), "ACTIVE");
    cluster.node("worker-4", json!({}), json!({"unschedulable": true}), "SHUTOFF");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(plan.steps, [], "neither a person's cordon nor a server stopped by hand is ours to lift");
    assert_eq!(codes(&plan, "worker-3"), [Code::CordonedByOther]);
    assert_eq!(codes(&plan, "worker-4"), [Code::StoppedByOther]);
}

#[test]
fn brakes_each_have_a_message() {
    let calm = policy(WORKSHOP, "");
    let brake = |plan: &Plan| plan.refusals.iter().map(|r| r.brake.clone()).collect::<Vec<_>>();
    let mut cluster = Cluster::workers(4);
    cluster.memory(json!({"pools": {"workers": {"members": 10, "failedWakes": 0, "parkTimes": [], "wakeTimes": []}}}));
    assert_eq!(brake(&cluster.plan(&calm, CALM)), ["inventory-shrank"]);
    let few = policy(WORKSHOP, "  brakes: {maxNodes: 3}\n");
    assert_eq!(brake(&Cluster::workers(10).plan(&few, CALM)), ["max-nodes"]);
    let request = tidegate::plan::Request { targets: vec![], for_apply: true };
    let world = Cluster::workers(10).world();
    assert_eq!(brake(&plan_for(&calm, &world, at("2026-11-22T19:11:00Z"), &request).0), ["snapshot-too-old"]);
    assert_eq!(brake(&plan_for(&calm, &world, at("2026-11-22T19:10:00Z"), &request).0), Vec::<String>::new());
}

/// What a policy does not claim any more has not vanished; what it claims and nobody sees has.
#[test]
fn an_edit_of_the_policy_is_no_shrunken_inventory() {
    let names = |pattern: &str| {
        let text = format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: test}}\nspec:\n  pools:\n    \
             - {{name: workers, nodes: {pattern}, min: 1}}\n"
        );
        let source = tidegate::policy::PolicySource { path: "policy.yaml".into(), text: text.into_bytes() };
        tidegate::policy::load(&[source]).policy.unwrap()
    };
    let workers = |count: usize, role: &str| {
        let mut cluster = Cluster::workers(0);
        for number in 1..=count {
            let labels = json!({"labels": {"role": role}});
            cluster.node(&format!("worker-{number}"), labels, json!({}), "ACTIVE");
        }
        cluster
    };
    let (all, few, starred) = ("{names: \"worker-{1..10}\"}", "{names: \"worker-{1..4}\"}", "{names: \"worker-*\"}");
    let (work, rest) = ("{labels: {role: work}}", "{labels: {role: rest}}");
    for (first, second, seen, role, shrank) in [
        (all, few, 10, "work", false),
        (all, few, 4, "work", false),
        (all, few, 1, "work", true),
        (all, starred, 4, "work", true),
        (starred, starred, 5, "work", false),
        (starred, starred, 4, "work", true),
        (work, rest, 10, "work", false),
        (work, rest, 4, "work", true),
        (work, work, 10, "rest", false),
    ] {
        let memory = tidegate::plan::plan(&names(first), &workers(10, "work").world(), at(CALM)).1;
        let mut cluster = workers(seen, role);
        cluster.memory(serde_json::to_value(&memory).unwrap());
        let (policy, world) = (names(second), cluster.world());
        let (plan, after) = tidegate::plan::plan(&policy, &world, at(CALM));
        let held: Vec<_> = plan.refusals.iter().map(|refusal| refusal.brake.as_str()).collect();
        let expected = if shrank { vec!["inventory-shrank"] } else { vec![] };
        assert_eq!(held, expected, "{first}, {second}, {seen}, {role}: {:?}", plan.refusals);
        assert_eq!(verify(&plan, &world, &policy), [], "{first}, {second}, {seen}, {role}");
        let remembered = usize::try_from(after.pools["workers"].members).unwrap();
        assert_eq!(remembered == 10, shrank || plan.pools[0].active == 10, "memory goes on unless the brake holds");
        if let Some(refusal) = plan.refusals.first() {
            assert!(refusal.text.contains("minInventory: 0") && refusal.text.contains("`nodes`"), "{}", refusal.text);
        }
    }
}

#[test]
fn a_failed_drain_bars_its_node_for_a_while() {
    let policy = policy(WORKSHOP, "");
    let mut cluster = Cluster::workers(10);
    let failure = json!({"why": "a pod did not go", "tries": 2, "next": "2026-11-22T19:20:00Z"});
    cluster.memory(json!({"nodes": {"worker-5": {"drainFailure": failure}}}));
    assert_eq!(codes(&cluster.plan(&policy, CALM), "worker-5"), [Code::RecentlyFailed]);
    assert!(verbs(&cluster.plan(&policy, "2026-11-22T19:20:00Z"), Verb::Park).contains(&"worker-5"));
}

#[test]
fn a_node_that_is_needed_is_not_called_held() {
    let policy = policy("      min: 3\n", "");
    let mut cluster = Cluster::workers(3);
    cluster.pod("bare", "worker-2", "", "1");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(plan.summary.verdict, Verdict::NoChanges, "{}", plan.summary.text);
    assert_eq!(codes(&plan, "worker-2"), [Code::Floor, Code::NoController]);
    assert_eq!(plan.blockers, []);
}

fn own_cordon(cluster: &mut Cluster, number: usize, mark: &str) {
    let record = json!({"mark": mark, "since": "2026-11-24T22:31:00Z", "policy": "test", "pool": "workers"});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "ACTIVE");
}

/// Nodes that will go when the window ends take no new pods half an hour before, and nobody is moved until then.
#[test]
fn a_window_winds_down_by_cordons_alone() {
    let policy = policy(&format!("{WORKSHOP}      windDown: 30m\n"), "");
    let plan = Cluster::workers(10).plan(&policy, "2026-11-24T22:31:00Z");
    assert_eq!(verbs(&plan, Verb::Cordon).len(), 9, "{:?}", plan.kept);
    assert_eq!(plan.steps.len(), 9, "nothing but cordons");
    assert_eq!(verify(&plan, &Cluster::workers(10).world(), &policy), []);
    let mut cluster = Cluster::workers(1);
    (2..=10).for_each(|number| own_cordon(&mut cluster, number, "draining"));
    assert_eq!(cluster.plan(&policy, "2026-11-24T22:40:00Z").steps, [], "what is cordoned stays so");
    let over = cluster.plan(&policy, "2026-11-24T23:00:00Z");
    assert_eq!(verbs(&over, Verb::Park).len(), 9, "{:?}", over.kept);
}

#[test]
fn own_cordons_come_back_before_anything_is_woken() {
    let policy = policy("      replicas: 3\n", "");
    let mut cluster = Cluster::workers(1);
    own_cordon(&mut cluster, 2, "draining");
    own_cordon(&mut cluster, 3, "draining");
    let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    cluster.node("worker-4", metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Uncordon), ["worker-2", "worker-3"]);
    assert_eq!(verbs(&plan, Verb::Wake), Vec::<&str>::new());
}

#[test]
fn overrides_by_hand_win_and_end() {
    let rest = "  overrides:\n    - {target: node/worker-5, min: 1, expires: \"2026-11-22T23:00:00Z\", reason: debugging, author: ana}\n    \
                - {target: node/worker-6, max: 0, expires: \"2026-11-22T23:00:00Z\", reason: broken fan, author: ana}\n";
    let policy = policy("      min: 8\n", rest);
    let plan = Cluster::workers(10).plan(&policy, CALM);
    assert!(codes(&plan, "worker-5").contains(&Code::Override), "{:?}", plan.kept);
    assert!(verbs(&plan, Verb::Park).contains(&"worker-6"));
    let later = Cluster::workers(10).plan(&policy, "2026-11-22T23:00:00Z");
    assert!(!codes(&later, "worker-5").contains(&Code::Override));
}

#[test]
fn at_most_so_many_nodes_are_in_transition() {
    for (pool, width) in
        [("      parallelism: 2\n", 2), ("      maxUnavailable: 30%\n", 3), ("      maxUnavailable: 1\n", 1)]
    {
        let policy = policy(&format!("{WORKSHOP}{pool}"), "");
        let cluster = Cluster::workers(10);
        let plan = cluster.plan(&policy, CALM);
        let free = plan.steps.iter().filter(|step| step.after.is_empty()).count();
        assert_eq!(free, width, "{pool}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    }
}

#[test]
fn a_narrowed_plan_says_so() {
    let policy = policy(WORKSHOP, "");
    let world = Cluster::workers(10).world();
    let request = tidegate::plan::Request { targets: vec!["node/worker-7".parse().unwrap()], for_apply: false };
    let plan = plan_for(&policy, &world, at(CALM), &request).0;
    assert_eq!(verbs(&plan, Verb::Park), ["worker-7"]);
    assert!(!plan.complete && plan.applyable);
    assert_eq!(plan.pools[0].desired, 9);
}
