//! Nodes that are wanted again before parking them is worth it (H26).

use serde_json::json;
use tidegate::plan::{Code, Verb, status, verify};
use tidegate::report::plan_text;

use super::fixture::{Cluster, WORKSHOP, merge, policy};
use super::{codes, own_cordon, verbs};

/// Nodes 2 to 10 were cordoned by us and their drain began; the workshop wants its nodes from 19:45 on.
fn begun() -> Cluster {
    let mut cluster = Cluster::workers(1);
    (2..=10).for_each(|number| own_cordon(&mut cluster, number, "draining"));
    cluster
}

#[test]
fn h26_a_node_whose_drain_began_is_given_back_where_it_is_wanted_soon() {
    for (min, now, back, gone) in [
        (10, "2026-11-24T19:44:59Z", 9, 0),
        (10, "2026-11-24T18:46:00Z", 9, 0),
        (4, "2026-11-24T19:30:00Z", 3, 6),
        (10, "2026-11-24T18:30:00Z", 0, 9),
    ] {
        let policy = policy(&WORKSHOP.replace("min: 10", &format!("min: {min}")), "");
        let cluster = begun();
        let plan = cluster.plan(&policy, now);
        let (given, parked) = (verbs(&plan, Verb::Uncordon), verbs(&plan, Verb::Park));
        assert_eq!((given.len(), parked.len()), (back, gone), "min {min} at {now}: {:?}", plan.kept);
        let why = plan.steps.iter().filter(|step| step.verb == Verb::Uncordon).map(|step| &step.reason);
        for reason in why {
            assert_eq!(reason.code, Code::GiveBack);
            assert!(
                reason.text.contains(&format!("the floor is {min} from 2026-11-24T19:45:00Z on")),
                "{}",
                reason.text
            );
        }
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "min {min} at {now}");
    }
}

#[test]
fn h26_what_is_drained_by_hand_is_not_given_back_for_it() {
    let mut cluster = begun();
    cluster.memory(json!({"byHand": [{
        "target": {"node": "worker-4"}, "wish": "drained", "since": "2026-11-24T19:00:00Z",
        "until": "2026-11-25T00:00:00Z", "reason": "new disk", "author": "ann@desk",
    }]}));
    let policy = policy(WORKSHOP, "");
    let plan = cluster.plan(&policy, "2026-11-24T19:30:00Z");
    let given = verbs(&plan, Verb::Uncordon);
    assert_eq!((given.len(), given.contains(&"worker-4")), (8, false), "{given:?}");
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

/// Said while there is time to write a longer one, not when it is too late.
#[test]
fn a_lead_that_is_shorter_than_a_wake_is_said_before_it_begins() {
    let cluster = Cluster::workers(1);
    let notes = |lead: &str, cluster: &Cluster, now: &str| {
        let policy = policy(&WORKSHOP.replace("lead: 15m", &format!("lead: {lead}")), "");
        cluster.plan(&policy, now).notes.into_iter().filter(|note| note.contains("`lead`")).collect::<Vec<_>>()
    };
    let mut parked = cluster;
    for number in 2..=10 {
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        parked.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    for (lead, now, expected) in [
        (
            "1m",
            "2026-11-24T18:00:00Z",
            Some("begin to wake 1 min before, and all are ready 4 min LATE (nothing measured"),
        ),
        ("90s", "2026-11-24T18:00:00Z", Some("begin to wake 2 min before, and all are ready 4 min LATE")),
        ("5m", "2026-11-24T18:00:00Z", None),
        ("15m", "2026-11-24T18:00:00Z", None),
    ] {
        let found = notes(lead, &parked, now);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{lead}: {found:?}");
        assert!(found.iter().all(|note| note.contains(expected.unwrap())), "{lead}: {found:?}");
    }
    let mut slow = parked;
    slow.memory(
        json!({"pools": {"workers": {"members": 10, "failedWakes": 0, "parkTimes": [], "wakeTimes": ["PT20M"]}}}),
    );
    let found = notes("15m", &slow, "2026-11-24T18:00:00Z");
    assert!(found.iter().any(|note| note.contains("15 min before, and all are ready 5 min LATE (p95")), "{found:?}");
}

/// A quarter of an hour before the workshop wants four of five: one runs, one runs and is not Ready, the others sleep.
#[test]
fn a_node_that_is_not_ready_when_the_window_comes_is_said_and_another_is_woken_for_it() {
    let policy = policy(&WORKSHOP.replace("min: 10", "min: 4"), "");
    for (parked, woken, short) in [(3, 3, 0), (2, 2, 1), (0, 0, 3)] {
        let mut cluster = Cluster::workers(2);
        let sick = json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}});
        let second = |item: &&mut serde_json::Value| item["kind"] == "Node" && item["metadata"]["name"] == "worker-2";
        merge(cluster.items.iter_mut().find(second).unwrap(), sick);
        for number in 3..3 + parked {
            let record =
                json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
            let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
            let cordoned = json!({"unschedulable": true});
            cluster.node(&format!("worker-{number}"), metadata, cordoned, "SHELVED_OFFLOADED");
        }
        let plan = cluster.plan(&policy, "2026-11-24T19:45:00Z");
        let context = format!("{parked} parked: {}", plan_text(&plan, 160));
        assert_eq!((plan.pools[0].floor, plan.pools[0].active), (4, 1), "{context}");
        assert_eq!(verbs(&plan, Verb::Wake).len(), woken, "{context}");
        assert_eq!(plan.pools[0].desired, 1 + u32::try_from(woken).unwrap(), "what is not Ready does not count");
        assert_eq!(codes(&plan, "worker-2"), [Code::NotReady], "{context}");
        assert!(context.contains("its server runs but the node is not Ready"), "{context}");
        let noun = if short == 1 { "node" } else { "nodes" };
        let missed = format!("{short} {noun} short of the floor");
        assert_eq!(plan.summary.text.contains(&missed), short > 0, "{context}");
        let lines = status(&policy, &cluster.world(), &plan);
        let line = lines.iter().find(|line| line.node == "worker-2").unwrap();
        assert!(line.why.contains("not Ready"), "{line:?}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{context}");
    }
}

/// What is cordoned already is not announced as what comes next.
#[test]
fn status_says_what_is_left_to_do_with_a_node_whose_drain_began() {
    let (cluster, policy) = (begun(), policy(WORKSHOP, ""));
    let plan = cluster.plan(&policy, "2026-11-24T18:30:00Z");
    let lines = status(&policy, &cluster.world(), &plan);
    let next: Vec<&str> = lines.iter().filter(|line| line.node != "worker-1").map(|line| line.next.as_str()).collect();
    assert_eq!(next, ["drain, shelve"; 9], "{lines:#?}");
}
