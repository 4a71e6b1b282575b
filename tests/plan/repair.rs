//! Nodes that stay NotReady: restarted or replaced where the policy says so, few at once, and never in an outage.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::plan::{Code, Plan, Rule, Step, Verb, plan, verify};
use tidegate::policy::Policy;
use tidegate::report::plan_text;

use super::demand::parked;
use super::fixture::{Cluster, RATES, at, policy, policy_of};
use super::{CALM, codes, verbs};

const RESTART: &str = "      min: 4\n      repair: {notReadyFor: 15m}\n";

/// A worker whose server runs and whose kubelet is silent, since so many minutes.
fn silent(cluster: &mut Cluster, name: &str, metadata: Value, spec: Value, minutes: i64) {
    cluster.node(name, metadata, spec, "ACTIVE");
    let at = at(CALM) - SignedDuration::from_mins(minutes);
    let node = cluster.items.iter_mut().rfind(|item| item["kind"] == "Node").unwrap();
    node["status"]["conditions"] =
        json!([{"type": "Ready", "status": "Unknown", "lastTransitionTime": at.to_string()}]);
}

/// Four workers that are well, and a fifth that is silent for an hour.
fn sick() -> Cluster {
    let mut cluster = Cluster::workers(4);
    silent(&mut cluster, "worker-5", json!({}), json!({}), 60);
    cluster
}

fn planned(policy: &Policy, world: &World) -> Plan {
    let plan = plan(policy, world, at(CALM)).0;
    assert_eq!(verify(&plan, world, policy), [], "{}", plan_text(&plan, 100));
    plan
}

fn of<'a>(plan: &'a Plan, node: &str) -> Vec<(&'a str, &'a [String])> {
    let steps = plan.steps.iter().filter(|step| step.node == node);
    steps.map(|step: &Step| (step.id.as_str(), step.after.as_slice())).collect()
}

#[test]
fn a_node_that_is_silent_for_long_enough_is_restarted() {
    let policy = policy(RESTART, RATES);
    let plan = planned(&policy, &sick().world());
    let after = |id: &str| vec![id.to_owned()];
    assert_eq!(
        of(&plan, "worker-5"),
        [
            ("cordon/worker-5", vec![].as_slice()),
            ("park/worker-5", after("cordon/worker-5").as_slice()),
            ("wake/worker-5", after("park/worker-5").as_slice()),
            ("wait/worker-5", after("wake/worker-5").as_slice()),
            ("uncordon/worker-5", after("wait/worker-5").as_slice()),
        ]
    );
    assert_eq!(plan.steps.len(), 5);
    let first = &plan.steps[0];
    assert_eq!(first.reason.code, Code::Repair);
    assert_eq!(first.reason.text, "NotReady since 2026-11-22T18:00:00Z, longer than 15m: restarted");
    assert_eq!(first.reason.origin.as_ref().unwrap().line, 14, "the policy's line");
    assert_eq!(plan.summary.text, "Plan: 1 to restart (shelve, then unshelve; coming back needs a free host).");
    assert_eq!((plan.summary.restart, plan.summary.park, plan.summary.wake), (1, 0, 0));
    assert_eq!(plan.pools[0].desired, 5);
    let cost = plan.cost.as_ref().unwrap();
    assert_eq!(cost.now_per_hour_micros, cost.after_per_hour_micros, "it costs when it is back what it did");
    let text = plan_text(&plan, 100);
    assert!(text.contains("cordon → shelve → unshelve → wait until Ready → uncordon"), "{text}");
}

#[test]
fn before_that_it_is_waited_for_and_the_plan_says_until_when() {
    for (pool, minutes, repaired) in [
        ("notReadyFor: 15m", 15, true),
        ("notReadyFor: 15m", 14, false),
        ("notReadyFor: 1h", 60, true),
        ("notReadyFor: 1h", 59, false),
    ] {
        let policy = policy(&format!("      min: 4\n      repair: {{{pool}}}\n"), "");
        let mut cluster = Cluster::workers(4);
        silent(&mut cluster, "worker-5", json!({}), json!({}), minutes);
        let plan = planned(&policy, &cluster.world());
        assert_eq!(!plan.steps.is_empty(), repaired, "{pool} {minutes}");
        if !repaired {
            assert_eq!(codes(&plan, "worker-5"), [Code::NotReady, Code::Repair]);
            let until = plan.kept.iter().flat_map(|kept| &kept.reasons).find_map(|reason| reason.evidence.until);
            assert_eq!(until, Some(at(CALM) + SignedDuration::from_mins(1)));
        }
    }
    let without = planned(&policy("      min: 4\n", ""), &sick().world());
    assert_eq!((without.steps.len(), codes(&without, "worker-5")), (0, vec![Code::NotReady]));
}

/// What the policy does not say, and what is somebody else's, is left as it is, and the plan says why.
#[test]
fn what_is_not_ours_or_not_given_up_is_left_alone() {
    type Change = fn(&mut Cluster);
    let cases: [(&str, &str, Change, Code); 13] = [
        (
            RESTART,
            "held",
            |c| silent(c, "worker-5", json!({"annotations": {"tidegate.dev/hold": "disk"}}), json!({}), 60),
            Code::Hold,
        ),
        (
            RESTART,
            "cordoned by somebody",
            |c| silent(c, "worker-5", json!({}), json!({"unschedulable": true}), 60),
            Code::CordonedByOther,
        ),
        (
            RESTART,
            "of the control plane (H16)",
            |c| silent(c, "worker-5", json!({"labels": {"node-role.kubernetes.io/control-plane": ""}}), json!({}), 60),
            Code::ControlPlane,
        ),
        (
            RESTART,
            "another owner's (H16)",
            |c| silent(c, "worker-5", json!({"annotations": {"cluster.x-k8s.io/machine": "m"}}), json!({}), 60),
            Code::OtherOwner,
        ),
        (
            "      min: 4\n      keep: worker-5\n      repair: {notReadyFor: 15m}\n",
            "kept",
            |c| silent(c, "worker-5", json!({}), json!({}), 60),
            Code::Keep,
        ),
        (
            RESTART,
            "since nobody knows when",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                let node = c.items.iter_mut().rfind(|item| item["kind"] == "Node").unwrap();
                node["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown"}]);
            },
            Code::Repair,
        ),
        (
            RESTART,
            "with a pod that is not given up (H12)",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                c.pod("cart-1", "worker-5", "cart", "1");
            },
            Code::WaitsForPods,
        ),
        (
            RESTART,
            "with a pod of a Job that is not given up (H4)",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                c.pod("sum-1", "worker-5", "sum", "1")["metadata"]["ownerReferences"][0]["kind"] = json!("Job");
            },
            Code::WaitsForPods,
        ),
        (
            RESTART,
            "at work at the provider",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                c.items.last_mut().unwrap()["status"]["task"] = json!("rebooting");
            },
            Code::ServerBusy,
        ),
        (
            "      min: 4\n      repair: {notReadyFor: 15m}\n      windows: [{name: exam, kind: freeze, from: \"2026-11-22T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}]\n",
            "under a freeze",
            |c| silent(c, "worker-5", json!({}), json!({}), 60),
            Code::Freeze,
        ),
        (
            RESTART,
            "not woken the last time (H8)",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                c.memory(json!({"nodes": {"worker-5": {"wakeFailure": {"why": "no host", "tries": 1, "next": "2026-11-22T19:04:00Z"}}}, "pools": {}}));
            },
            Code::BackOff,
        ),
        (
            RESTART,
            "given back a while ago (H3)",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                c.memory(json!({"nodes": {"worker-5": {"drainFailure": {"why": "stuck", "tries": 1, "next": "2026-11-22T19:04:00Z"}}}, "pools": {}}));
            },
            Code::RecentlyFailed,
        ),
        (
            "      min: 4\n      repair: {notReadyFor: 15m, action: replace}\n",
            "with a disk that would stay with it",
            |c| {
                silent(c, "worker-5", json!({}), json!({}), 60);
                c.items.push(json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "a", "uid": "u-a"},
                "spec": {"attacher": "cinder.csi.openstack.org", "nodeName": "worker-5", "source": {"persistentVolumeName": "data"}},
                "status": {"attached": true},
            }));
            },
            Code::Repair,
        ),
    ];
    for (pool, what, change, code) in cases {
        let mut cluster = Cluster::workers(4);
        change(&mut cluster);
        let plan = planned(&policy(pool, ""), &cluster.world());
        assert_eq!(plan.steps, [], "{what}");
        assert!(codes(&plan, "worker-5").contains(&code), "{what}: {:?}", codes(&plan, "worker-5"));
    }
    // What Kubernetes has given up, or comes with every node, is in nobody's way.
    let mut cluster = sick();
    cluster.pod("cart-1", "worker-5", "cart", "1")["metadata"]["deletionTimestamp"] = json!("2026-11-22T18:06:00Z");
    cluster.pod("log-1", "worker-5", "log", "1")["metadata"]["ownerReferences"][0]["kind"] = json!("DaemonSet");
    cluster.pod("done-1", "worker-5", "done", "1")["status"] = json!({"phase": "Succeeded"});
    assert_eq!(planned(&policy(RESTART, ""), &cluster.world()).steps.len(), 5);
}

#[test]
fn an_outage_costs_no_node() {
    for (well, silents, share, repaired) in
        [(3, 2, "", 1), (4, 3, "", 0), (2, 2, "", 0), (2, 2, ", maxNotReady: 50%", 1), (0, 3, ", maxNotReady: 99%", 0)]
    {
        let policy = policy(&format!("      min: 1\n      max: 10\n      repair: {{notReadyFor: 15m{share}}}\n"), "");
        let mut cluster = Cluster::workers(well);
        for number in 1..=silents {
            silent(
                &mut cluster,
                &format!("worker-{}", well + number),
                json!({}),
                json!({}),
                60 - i64::try_from(number).unwrap(),
            );
        }
        let plan = planned(&policy, &cluster.world());
        let restarted = plan.steps.iter().filter(|step| step.reason.code == Code::Repair && step.verb == Verb::Park);
        assert_eq!(restarted.count(), repaired, "{well} {silents} {share}: {}", plan_text(&plan, 100));
        for kept in plan.kept.iter().filter(|kept| kept.reasons[0].code == Code::NotReady) {
            let second = &kept.reasons[1];
            assert_eq!(second.code, if repaired == 0 { Code::Repair } else { Code::Parallelism });
            let said =
                if repaired == 0 { "that looks like the network or the control plane" } else { "no more at once" };
            assert!(second.text.contains(said), "{}", second.text);
        }
    }
}

/// The longest silent goes first, and as many as `atOnce` says.
#[test]
fn as_many_at_once_as_the_policy_says() {
    for (at_once, first) in
        [(1, vec!["worker-7"]), (2, vec!["worker-7", "worker-6"]), (9, vec!["worker-7", "worker-6", "worker-5"])]
    {
        let pool = format!("      min: 4\n      repair: {{notReadyFor: 15m, atOnce: {at_once}, maxNotReady: 60%}}\n");
        let mut cluster = Cluster::workers(4);
        for (name, minutes) in [("worker-5", 20), ("worker-6", 30), ("worker-7", 40)] {
            silent(&mut cluster, name, json!({}), json!({}), minutes);
        }
        let plan = planned(&policy(&pool, ""), &cluster.world());
        let parks: Vec<&str> = plan.steps.iter().filter(|s| s.verb == Verb::Park).map(|s| s.node.as_str()).collect();
        assert_eq!(parks, first, "{at_once}");
    }
    let narrow = "      min: 4\n      parallelism: 1\n      repair: {notReadyFor: 15m, atOnce: 3, maxNotReady: 60%}\n";
    let mut cluster = sick();
    silent(&mut cluster, "worker-6", json!({}), json!({}), 30);
    let plan = planned(&policy(narrow, ""), &cluster.world());
    assert_eq!(verbs(&plan, Verb::Park), ["worker-5"], "no more in transition than `parallelism`");
}

/// The spare is there before a soft pool's sick node is parked, and a new server before a hard pool's is deleted.
#[test]
fn what_is_replaced_goes_when_what_comes_in_its_place_is_there() {
    let soft = policy("      min: 5\n      repair: {notReadyFor: 15m, action: replace}\n", RATES);
    let mut cluster = sick();
    parked(&mut cluster, "worker-6");
    let plan = planned(&soft, &cluster.world());
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-6"]);
    assert_eq!(verbs(&plan, Verb::Park), ["worker-5"]);
    assert_eq!(of(&plan, "worker-5")[0].1, ["uncordon/worker-6"]);
    assert_eq!((plan.pools[0].desired, plan.summary.restart), (5, 0));

    let cloud = format!("{RATES}  providers: [{{name: cloud, openstack: {{cloud: shop}}}}]\n");
    let hard = |adopt: &str| {
        let pool = format!(
            "      min: 5\n      idle: delete\n{adopt}      create: {{image: ubuntu, flavors: [m3.medium]}}\n      repair: {{notReadyFor: 15m}}\n"
        );
        policy_of("worker-{1..6}", &pool, &cloud)
    };
    let strange = planned(&hard(""), &sick().world());
    assert_eq!(verbs(&strange, Verb::Delete), Vec::<&str>::new(), "Tidegate did not make it");
    assert!(codes(&strange, "worker-5").contains(&Code::NotOurs));
    let adopted = planned(&hard("      adopt: true\n"), &sick().world());
    assert_eq!((verbs(&adopted, Verb::Create), verbs(&adopted, Verb::Delete)), (vec!["worker-6"], vec!["worker-5"]));
    assert_eq!(of(&adopted, "worker-5")[0].1, ["uncordon/worker-6"]);
    let made = {
        let mut cluster = sick();
        cluster.items.last_mut().unwrap()["metadata"]["annotations"] = json!({});
        let mut world = cluster.world();
        let mut server = (**world.servers.get("id-worker-5").unwrap()).clone();
        server
            .metadata
            .insert("tidegate_created".into(), "pool=workers policy=test at=2026-11-20T00:00:00Z cluster=c-1".into());
        world.apply(tidegate::model::Change::Server(server));
        planned(&hard(""), &world)
    };
    assert_eq!(verbs(&made, Verb::Delete), ["worker-5"]);
}

/// At the ceiling a restarted node would be one too many: it stays parked.
#[test]
fn nothing_is_brought_back_above_the_ceiling() {
    let pool = "      min: 1\n      max: 4\n      repair: {notReadyFor: 15m}\n";
    let mut cluster = Cluster::workers(4);
    for number in 1..=4 {
        cluster.pod(&format!("w-{number}"), &format!("worker-{number}"), "w", "6");
    }
    silent(&mut cluster, "worker-5", json!({}), json!({}), 60);
    let plan = planned(&policy(pool, RATES), &cluster.world());
    assert_eq!((verbs(&plan, Verb::Park), verbs(&plan, Verb::Wake)), (vec!["worker-5"], vec![]));
    assert!(plan.steps[0].reason.text.ends_with("not brought back, for there are enough without it"));
    // Unless a volume would stay with it.
    cluster.items.push(json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "a", "uid": "u-a"},
        "spec": {"attacher": "cinder.csi.openstack.org", "nodeName": "worker-5", "source": {"persistentVolumeName": "data"}},
        "status": {"attached": true},
    }));
    let plan = planned(&policy(pool, RATES), &cluster.world());
    assert_eq!(plan.steps, []);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-5").unwrap();
    assert!(kept.reasons.iter().any(|reason| reason.evidence.volume.as_deref() == Some("data")), "{:?}", kept.reasons);
}

/// Each change of a repair is found by the verifier.
#[test]
fn a_repair_that_is_none_is_found() {
    let policy = policy(RESTART, RATES);
    let world = sick().world();
    let good = planned(&policy, &world);
    type Tamper = fn(&mut Plan);
    let tampered: [(&str, Tamper, Rule); 9] = [
        ("a node that is well", |p| rename(p, "worker-5", "worker-4"), Rule::Repair),
        ("parked before it is cordoned", |p| p.steps[1].after.clear(), Rule::Repair),
        ("woken before it is parked", |p| p.steps[2].after.clear(), Rule::Repair),
        ("uncordoned before it is Ready", |p| p.steps[4].after = vec!["wake/worker-5".into()], Rule::Repair),
        (
            "not waited for",
            |p| {
                p.steps.remove(3);
                p.steps[3].after = vec!["wake/worker-5".into()];
            },
            Rule::Repair,
        ),
        ("a step for another reason", |p| p.steps[1].reason.code = Code::NotNeeded, Rule::Repair),
        (
            "deleted",
            |p| {
                p.steps.truncate(2);
                p.steps[1].verb = Verb::Delete;
                p.steps[1].id = "delete/worker-5".into();
            },
            Rule::Repair,
        ),
        ("a condition that is missing", |p| p.steps[1].preconditions.clear(), Rule::Precondition),
        ("not counted", |p| p.summary.restart = 0, Rule::Summary),
    ];
    for (what, tamper, rule) in tampered {
        let mut plan = good.clone();
        tamper(&mut plan);
        let rules: Vec<Rule> = verify(&plan, &world, &policy).into_iter().map(|found| found.rule).collect();
        assert!(rules.contains(&rule), "{what}: {rules:?}");
    }
    // The same plan for a cluster, or a policy, in which it would be wrong.
    let mut pods = sick();
    pods.pod("cart-1", "worker-5", "cart", "1");
    let mut hasty = Cluster::workers(4);
    silent(&mut hasty, "worker-5", json!({}), json!({}), 5);
    let mut outage = Cluster::workers(1);
    for number in 2..=5 {
        silent(&mut outage, &format!("worker-{number}"), json!({}), json!({}), 60);
    }
    for (what, cluster) in [("a pod waits", pods), ("not for so long", hasty), ("an outage", outage)] {
        let rules: Vec<Rule> = verify(&good, &cluster.world(), &policy).into_iter().map(|found| found.rule).collect();
        assert!(rules.contains(&Rule::Repair), "{what}: {rules:?}");
    }
    let none = super::fixture::policy("      min: 4\n", RATES);
    assert!(verify(&good, &world, &none).iter().any(|found| found.rule == Rule::Repair), "the policy repairs nothing");
}

fn rename(plan: &mut Plan, from: &str, to: &str) {
    for step in plan.steps.iter_mut() {
        step.id = step.id.replace(from, to);
        step.node = to.to_owned();
        step.after.iter_mut().for_each(|id| *id = id.replace(from, to));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is silent, and for how long: never more than `atOnce`, nobody before the time, nobody with a pod, and nothing
    /// in an outage; and every plan is found safe.
    #[test]
    fn repairs_stay_within_what_the_policy_says(
        nodes in proptest::collection::vec((0_i64..40, any::<bool>(), any::<bool>()), 1..9),
        at_once in 1_usize..4,
        share in 10_u32..=100,
        replace in any::<bool>(),
    ) {
        let action = if replace { "replace" } else { "restart" };
        let pool = format!(
            "      min: 1\n      repair: {{notReadyFor: 20m, action: {action}, atOnce: {at_once}, maxNotReady: {share}%}}\n"
        );
        let mut cluster = Cluster::workers(0);
        for (index, (minutes, sick, pod)) in nodes.iter().enumerate() {
            let name = format!("worker-{}", index + 1);
            match sick {
                true => silent(&mut cluster, &name, json!({}), json!({}), *minutes),
                false => cluster.node(&name, json!({}), json!({}), "ACTIVE"),
            }
            if *pod {
                cluster.pod(&format!("p-{index}"), &name, "p", "1");
            }
        }
        let plan = planned(&policy(&pool, RATES), &cluster.world());
        let repaired: Vec<usize> = plan.steps.iter()
            .filter(|step| step.reason.code == Code::Repair && step.verb == Verb::Park)
            .map(|step| step.node.trim_start_matches("worker-").parse::<usize>().unwrap() - 1)
            .collect();
        prop_assert!(repaired.len() <= at_once);
        let due = |index: &usize| { let (minutes, sick, pod) = nodes[*index]; sick && minutes >= 20 && !pod };
        prop_assert!(repaired.iter().all(due), "{repaired:?}");
        let silents = nodes.iter().filter(|(_, sick, _)| *sick).count();
        let outage = silents * 100 > nodes.len() * share as usize;
        prop_assert!(!outage || repaired.is_empty());
        let could = (0..nodes.len()).filter(due).count();
        prop_assert_eq!(repaired.len(), if outage { 0 } else { could.min(at_once) });
    }
}
