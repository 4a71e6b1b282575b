//! Events on Nodes.

use serde_json::{Value, json};
use tidegate::cluster::{Cluster, ClusterError, NodeNews};

use super::fake::{Fake, refusal};

const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

fn news(node: &str, reason: &'static str, text: &str) -> NodeNews {
    NodeNews { node: node.into(), reason, text: text.to_owned(), warning: reason.ends_with("Failed") }
}

async fn stage() -> Fake {
    let fake = Fake::start().await;
    for name in ["n", "m"] {
        let node =
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": format!("uid-of-{name}")}});
        fake.with(|objects| objects.put(&format!("/api/v1/nodes/{name}"), node));
    }
    fake
}

fn events(fake: &Fake) -> Vec<Value> {
    fake.with(|objects| {
        objects.all.iter().filter(|(path, _)| path.starts_with(EVENTS)).map(|(_, event)| event.clone()).collect()
    })
}

#[tokio::test]
async fn what_is_said_again_of_a_node_is_one_event_with_a_count() {
    let fake = stage().await;
    for pod in 0..4 {
        fake.live.note(news("n", "EvictingPods", &format!("pod {pod}")));
    }
    fake.live.note(news("m", "EvictingPods", "another"));
    fake.live.note(news("n", "DrainFailed", &"x".repeat(5_000)));
    // What is told in other words is another thing to know.
    for text in ["a broken pod", "an old certificate", "a broken pod"] {
        fake.live.note(news("m", "NeedsAttention", text));
    }
    fake.live.note(news("gone", "Parked", "nobody is there to be told"));
    fake.live.noted().await.unwrap();
    let events = events(&fake);
    let of = |node: &str, reason: &str| {
        let found: Vec<&Value> =
            events.iter().filter(|event| event["regarding"]["name"] == node && event["reason"] == reason).collect();
        assert_eq!(found.len(), 1, "{node} {reason}");
        found[0].clone()
    };
    let evicting = of("n", "EvictingPods");
    assert_eq!((&evicting["series"]["count"], &evicting["note"]), (&json!(4), &json!("pod 0")));
    assert_eq!(evicting["regarding"]["uid"], "uid-of-n", "by which `kubectl describe` finds it");
    assert!(of("m", "EvictingPods")["series"].is_null());
    let failed = of("n", "DrainFailed");
    assert_eq!((failed["type"].as_str(), failed["note"].as_str().unwrap().len()), (Some("Warning"), 1000));
    let mut attention: Vec<(&str, u64)> = (events.iter())
        .filter(|event| event["reason"] == "NeedsAttention")
        .map(|event| (event["note"].as_str().unwrap(), event["series"]["count"].as_u64().unwrap_or(1)))
        .collect();
    attention.sort_unstable();
    assert_eq!(attention, [("a broken pod", 2), ("an old certificate", 1)]);
    assert_eq!(events.len(), 5);
}

#[tokio::test]
async fn a_node_that_may_not_be_told_anything_costs_one_request_and_a_word() {
    let fake = stage().await;
    fake.answers("POST", EVENTS, vec![refusal(403, "Forbidden", "User \"ada\" cannot create resource"); 9]);
    for _ in 0..9 {
        fake.live.note(news("n", "Parked", "words"));
    }
    let error = fake.live.noted().await.unwrap_err();
    let ClusterError::Forbidden { verb, what } = &error else { panic!("{error}") };
    assert_eq!((verb.as_str(), what.as_str()), ("create", "events.events.k8s.io in namespace default as ada"));
    assert_eq!(fake.asked("POST", EVENTS), 1);
    // And the next apply tries again.
    fake.answers("POST", EVENTS, vec![refusal(503, "ServiceUnavailable", "away")]);
    fake.live.note(news("n", "Parked", "words"));
    fake.live.note(news("m", "Parked", "words"));
    assert!(matches!(fake.live.noted().await, Err(ClusterError::Unavailable(_))));
    assert_eq!(events(&fake).len(), 1, "one failure hinders no other");
}
