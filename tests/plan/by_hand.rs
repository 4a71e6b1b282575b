//! What people asked for by hand: every later plan honours it, shows it, and forgets it when it is over.

use serde_json::{Value, json};
use tidegate::model::{ByHand, Memory, Target, Wish};
use tidegate::plan::{Code, Verb, plan, verify};

use super::fixture::{Cluster, WORKSHOP, at, policy};
use super::{CALM, codes, verbs};

const UNTIL: &str = "2026-11-23T00:00:00Z";

fn asked(target: Value, wish: Value) -> Value {
    json!({"target": target, "wish": wish, "since": "2026-11-22T18:00:00Z", "until": UNTIL,
           "reason": "new disk", "author": "ann@desk"})
}

fn cluster(asked: Value) -> Cluster {
    let mut cluster = Cluster::workers(10);
    cluster.memory(json!({"byHand": asked}));
    cluster
}

#[test]
fn a_node_that_was_asked_for_is_parked_although_the_floor_wants_it_and_only_until_then() {
    let policy = policy("      min: 10\n", "");
    let cluster = cluster(json!([asked(json!({"node": "worker-4"}), json!("parked"))]));
    let world = cluster.world();
    let (plan, memory) = plan(&policy, &world, at(CALM));
    assert_eq!(verbs(&plan, Verb::Park), ["worker-4"]);
    assert_eq!(verify(&plan, &world, &policy), []);
    let step = plan.steps.iter().find(|step| step.verb == Verb::Park).unwrap();
    assert_eq!((step.reason.code, &*step.reason.text), (Code::Override, "parked by hand: new disk (ann@desk)"));
    assert_eq!(step.origin.as_ref().unwrap().to_string(), "by hand");
    assert_eq!(plan.by_hand.len(), 1);
    assert_eq!(memory.by_hand.len(), 1);
    let (later, memory) = tidegate::plan::plan(&policy, &world, at(UNTIL));
    assert!(later.steps.is_empty() && later.by_hand.is_empty(), "{:?}", later.steps);
    assert!(memory.by_hand.is_empty(), "an expired request is dropped");
}

#[test]
fn a_pool_that_was_asked_for_is_parked_but_for_what_the_policy_keeps() {
    let policy = policy("      min: 3\n      keep: [worker-1]\n", "");
    let cluster = cluster(json!([asked(json!({"pool": "workers"}), json!("parked"))]));
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 9);
    assert!(codes(&plan, "worker-1").contains(&Code::Keep));
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    let said = plan.pools[0].said.iter().find(|said| said.won && said.what == "max").unwrap();
    assert_eq!((&*said.by, said.origin.as_ref().unwrap().to_string().as_str()), ("override pool/workers", "by hand"));
}

#[test]
fn what_is_awake_by_hand_stays_so_beside_others_that_park() {
    let policy = policy(WORKSHOP, "");
    let cluster = cluster(json!([asked(json!({"node": "worker-7"}), json!({"awake": 1}))]));
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 8);
    assert!(codes(&plan, "worker-7").contains(&Code::Override), "{:?}", plan.kept);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn a_node_is_drained_and_neither_parked_nor_given_back() {
    let policy = policy("      min: 1\n      max: 10\n      minParked: 1m\n", "");
    let mut cluster = cluster(json!([asked(json!({"node": "worker-4"}), json!("drained"))]));
    cluster.pod("web-1", "worker-4", "web", "1");
    let world = cluster.world();
    let (first, _) = plan(&policy, &world, at(CALM));
    let of_it: Vec<Verb> = first.steps.iter().filter(|step| step.node == "worker-4").map(|step| step.verb).collect();
    assert_eq!(of_it, [Verb::Cordon, Verb::Drain]);
    assert_eq!(verify(&first, &world, &policy), []);
}

/// Whatever keeps an empty node that a person drained (a floor, a freeze, a hold), its cordon is that person's.
#[test]
fn a_drained_node_stays_cordoned_until_it_is_released() {
    let record = json!({"mark": "draining", "since": "2026-11-22T18:00:00Z", "policy": "test", "pool": "workers"});
    let freeze = "      windows:\n        - {name: quiet, kind: freeze, from: \"2026-11-22T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}\n";
    for (pool, annotations) in [
        ("      min: 10\n".to_owned(), json!({})),
        (format!("      min: 10\n{freeze}"), json!({})),
        ("      min: 10\n".to_owned(), json!({"tidegate.dev/hold": "mine"})),
        ("      min: 1\n".to_owned(), json!({})),
    ] {
        let policy = policy(&pool, "");
        let drained = |asked: Value| {
            let mut cluster = Cluster::workers(3);
            let mut annotations = annotations.clone();
            annotations["tidegate.dev/record"] = json!(record.to_string());
            cluster.node("worker-4", json!({"annotations": annotations}), json!({"unschedulable": true}), "ACTIVE");
            cluster.memory(json!({"byHand": asked}));
            cluster
        };
        let cluster = drained(json!([asked(json!({"node": "worker-4"}), json!("drained"))]));
        let plan = cluster.plan(&policy, CALM);
        assert!(plan.steps.iter().all(|step| step.node != "worker-4"), "{pool}: {:?}", plan.steps);
        let why = plan.kept.iter().find(|kept| kept.node == "worker-4").unwrap();
        assert_eq!(why.reasons[0].text, "drained by hand by ann@desk: new disk", "{pool}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{pool}");
        let released = drained(json!([])).plan(&policy, CALM);
        assert!(released.steps.iter().any(|step| step.node == "worker-4"), "{pool}: {:?}", released.kept);
    }
}

#[test]
fn a_held_node_is_not_woken() {
    let policy = policy("      min: 4\n", "");
    let record = json!({"mark": "parked", "since": "2026-11-22T18:00:00Z", "policy": "test", "pool": "workers"});
    let mut cluster = Cluster::workers(2);
    for (name, hold) in [("worker-3", true), ("worker-4", false)] {
        let mut annotations = json!({"tidegate.dev/record": record.to_string()});
        if hold {
            annotations["tidegate.dev/hold"] = json!("ann@desk: new disk");
        }
        cluster.node(name, json!({"annotations": annotations}), json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-4"]);
    assert_eq!(codes(&plan, "worker-3"), [Code::Hold]);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn the_last_word_for_an_object_counts_and_one_for_a_pool_stands_beside_those_for_its_nodes() {
    let asked = |target: &str, wish| ByHand {
        target: target.parse::<Target>().unwrap(),
        wish,
        since: at(CALM),
        until: None,
        reason: "".into(),
        author: "ann@desk".into(),
    };
    let mut memory = Memory::default();
    memory.ask(asked("node/worker-1", Wish::Parked));
    memory.ask(asked("node/worker-9", Wish::Parked));
    memory.ask(asked("node/worker-1", Wish::Drained));
    memory.ask(asked("pool/workers", Wish::Awake(3)));
    let left: Vec<String> = memory.by_hand.iter().map(|asked| format!("{} {}", asked.target, asked.wish)).collect();
    assert_eq!(left, ["node/worker-1 drained", "node/worker-9 parked", "pool/workers awake"]);
    assert_eq!(memory.release(&"pool/workers".parse().unwrap()).len(), 1);
    assert_eq!(memory.by_hand.len(), 2);
}

/// Whatever is asked for the pool, each node goes by what was asked for its name.
#[test]
fn what_is_asked_for_a_node_counts_whatever_is_asked_for_its_pool() {
    let policy = policy("      min: 3\n      minParked: 1m\n", "");
    for (pool, parked) in [(json!("parked"), 9), (json!({"awake": 10}), 1)] {
        let cluster = cluster(json!([
            asked(json!({"pool": "workers"}), pool.clone()),
            asked(json!({"node": "worker-4"}), json!("drained")),
            asked(json!({"node": "worker-7"}), json!("parked")),
        ]));
        let plan = cluster.plan(&policy, CALM);
        let of =
            |node: &str| plan.steps.iter().filter(|step| step.node == node).map(|step| step.verb).collect::<Vec<_>>();
        assert_eq!(of("worker-4"), [Verb::Cordon, Verb::Drain], "{pool}");
        assert_eq!(of("worker-7"), [Verb::Cordon, Verb::Drain, Verb::Park], "{pool}");
        assert_eq!(verbs(&plan, Verb::Park).len(), parked, "{pool}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{pool}");
    }
}

/// A node that no pool of the policy has any more is given back, unless a person asked for it by its name: that stands.
#[test]
fn what_was_asked_for_by_name_stands_although_no_pool_has_the_node_any_more() {
    let policy = policy("      min: 1\n", "");
    for (word, gives) in [(json!([]), true), (json!([asked(json!({"node": "old-1"}), json!("drained"))]), false)] {
        let mut cluster = cluster(word);
        let record = json!({"mark": "draining", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "gone"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node("old-1", metadata, json!({"unschedulable": true}), "ACTIVE");
        let world = cluster.world();
        let (plan, _) = plan(&policy, &world, at(CALM));
        assert_eq!(verbs(&plan, Verb::Uncordon).contains(&"old-1"), gives, "{:?}", plan.steps);
        assert_eq!(verify(&plan, &world, &policy), []);
        assert!(plan.unclaimed.iter().any(|unclaimed| unclaimed.node == "old-1"));
    }
}
