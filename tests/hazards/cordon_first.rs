//! Budgets that only a cordon releases (H19).

use serde_json::json;
use tidegate::execute::EventKind;
use tidegate::plan::{Code, Verb, verify};
use tidegate::policy::Policy;
use tidegate::sandbox::sim::What;

use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, merge, policy};
use crate::{CALM, parks, stage};

/// `sets` databases: each a primary on a worker of its own (from worker-3 on), a replica on worker-1, and a budget of
/// one over primaries, as CloudNativePG writes them. The operator moves the primary's part so long after a cordon.
fn databases(sets: usize, hands_over: &str) -> Cluster {
    let mut cluster = Cluster::workers(2 + sets);
    for set in 1..=sets {
        let name = format!("db{set}");
        for (number, node, role) in [(1, format!("worker-{}", 2 + set), "primary"), (2, "worker-1".into(), "replica")] {
            let pod = cluster.pod(&format!("{name}-{number}"), &node, &name, "100m");
            let owner = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": name,
                               "uid": format!("uid-{name}"), "controller": true});
            merge(
                pod,
                json!({"metadata": {
                    "labels": {"role": role},
                    "annotations": {"sandbox.tidegate.dev/hands-over": format!("role={hands_over}")},
                    "ownerReferences": [owner],
                }}),
            );
        }
        cluster.budget(&name, &name, 0, 1, 1, 1);
        let budget = cluster.items.last_mut().unwrap();
        merge(budget, json!({"spec": {"selector": {"matchLabels": {"role": "primary"}}}}));
    }
    cluster
}

fn policy_with(action: &str) -> Policy {
    let drain = if action.is_empty() {
        String::new()
    } else {
        format!("  drain:\n    pods:\n      - {{match: {{namespaces: [default]}}, {action}}}\n")
    };
    policy("      min: 1\n      max: 10\n      keep: [\"worker-1\"]\n", &drain)
}

fn apply(stage: &Stage, policy: &Policy) -> (u8, Vec<tidegate::execute::Event>) {
    let (outcome, told) = stage.apply(policy);
    (exit(&outcome), told)
}

#[test]
fn h19_without_cordon_first_the_budget_keeps_the_node() {
    let cluster = databases(1, "20s");
    for action in ["", "action: evict"] {
        let plan = cluster.plan(&policy_with(action), CALM);
        assert_eq!(parks(&plan), ["worker-2"], "{action}");
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-3").unwrap();
        assert_eq!(kept.reasons[0].code, Code::Budget);
    }
}

#[test]
fn h19_a_cordon_releases_the_budget_and_the_pod_goes_by_the_eviction_api() {
    let stage = stage(&databases(1, "20s"), "");
    let policy = policy_with("action: cordonFirst");
    let plan = stage.plan(&policy);
    assert_eq!(verify(&plan, &stage.world(), &policy), []);
    let drain = plan.steps.iter().find(|step| step.verb == Verb::Drain && step.node == "worker-3").unwrap();
    let one = drain.pods.iter().find(|one| one.pod == "default/db1-1").unwrap();
    assert!(one.after_cordon && one.at_most == Some(600) && one.budget.as_deref() == Some("default/db1"), "{one:?}");
    let (code, told) = apply(&stage, &policy);
    assert_eq!((code, stage.parked()), (0, 2), "{}", lines(&told));
    let audit = stage.sandbox.audit();
    let at = |test: &dyn Fn(&What) -> bool| audit.iter().find(|record| test(&record.what)).unwrap().at;
    let cordoned = at(&|what| matches!(what, What::Cordoned { node, cordoned: true } if &**node == "worker-3"));
    let evicted = at(&|what| matches!(what, What::Evicted { pod, .. } if &*pod.name == "db1-1"));
    assert!(evicted.duration_since(cordoned).as_secs() >= 20, "evicted before the operator had moved its primary");
    stage.sound();
}

#[test]
fn h19_one_such_node_at_a_time() {
    let stage = stage(&databases(3, "20s"), "");
    let policy = policy_with("action: cordonFirst");
    let plan = stage.plan(&policy);
    assert_eq!(verify(&plan, &stage.world(), &policy), []);
    let (code, told) = apply(&stage, &policy);
    assert_eq!((code, stage.parked()), (0, 4), "{}", lines(&told));
    // From each cordon to the eviction on that node no other such node is cordoned.
    let mut open: Option<String> = None;
    for record in stage.sandbox.audit() {
        match record.what {
            What::Cordoned { node, cordoned: true } if &*node != "worker-2" => {
                assert_eq!(open.replace(node.to_string()), None, "{node} at {}", record.at);
            }
            What::Evicted { pod, .. } if pod.name.ends_with("-1") => assert!(open.take().is_some()),
            _ => {}
        }
    }
    stage.sound();
}

#[test]
fn h19_past_its_time_the_node_is_given_back_and_barred() {
    let stage = stage(&databases(1, "1h"), "");
    let policy = policy_with("action: cordonFirst, atMost: 90s");
    let (code, told) = apply(&stage, &policy);
    assert_eq!((code, stage.parked()), (6, 1), "{}", lines(&told));
    let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
    assert!(failed.message.contains("waited 1m 30s for budget default/db1"), "{}", failed.message);
    assert!(!stage.cordoned().contains("worker-3") && stage.record("worker-3").is_none());
    let memory = stage.world().memory;
    assert_eq!(memory.nodes["worker-3"].drain_failure.as_ref().unwrap().tries, 1);
    assert!(stage.plan(&policy).steps.is_empty(), "tried again at once (H3)");
}

/// A wind-down only cordons, and a cordon is what moves these pods: one such node at a time here too.
#[test]
fn h19_a_wind_down_cordons_one_such_node_at_a_time() {
    let stage = stage(&databases(3, "20s"), "");
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [default]}, action: cordonFirst}\n";
    let class = "      min: 1\n      keep: [\"worker-1\"]\n      windDown: 30m\n      windows:\n        \
                 - {name: class, from: \"2026-11-22T19:00:00Z\", until: \"2026-11-22T23:00:00Z\", min: 5}\n";
    let policy = policy(class, drain);
    let databases = |stage: &Stage| stage.cordoned().into_iter().filter(|node| node != "worker-2").collect::<Vec<_>>();
    for (now, why) in
        [("2026-11-22T22:31:00Z", "the first"), ("2026-11-22T22:45:00Z", "its pods moved, still cordoned")]
    {
        stage.until(now);
        let plan = stage.plan(&policy);
        assert_eq!(verify(&plan, &stage.world(), &policy), [], "{why}");
        let waits = plan.kept.iter().filter(|kept| kept.reasons[0].code == Code::Parallelism).count();
        assert_eq!(waits, 2, "{why}: {:?}", plan.kept);
        let (code, told) = apply(&stage, &policy);
        assert_eq!((code, databases(&stage).len(), stage.parked()), (0, 1, 0), "{why}\n{}", lines(&told));
    }
    stage.until("2026-11-22T23:01:00Z");
    let (code, told) = apply(&stage, &policy);
    assert_eq!((code, stage.parked()), (0, 4), "{}", lines(&told));
    stage.sound();
}
