//! What the Eviction API answers, and what that means.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidegate::cluster::{Cluster, ClusterError, Evicted};
use tidegate::model::PodKey;
use wiremock::ResponseTemplate;

use super::fake::{Fake, refusal, refusal_with};

const POD: &str = "/api/v1/namespaces/a/pods/web-1";
const EVICTION: &str = "/api/v1/namespaces/a/pods/web-1/eviction";

fn pod(uid: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "a", "uid": uid, "labels": {"app": "web"}}, "spec": {"containers": []}})
}

fn budget(name: &str, selector: &Value) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": "a"},
        "spec": {"selector": selector}})
}

async fn stage() -> Fake {
    let fake = Fake::start().await;
    fake.with(|objects| {
        objects.put(POD, pod("one"));
        let budgets = "/apis/policy/v1/namespaces/a/poddisruptionbudgets";
        for (name, selector) in [
            ("web", json!({"matchLabels": {"app": "web"}})),
            ("all", json!({})),
            ("api", json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}]})),
        ] {
            objects.put(&format!("{budgets}/{name}"), budget(name, &selector));
        }
    });
    fake
}

async fn evict(fake: &Fake) -> Result<Evicted, ClusterError> {
    fake.live.evict(&PodKey::new("a", "web-1"), &"one".into()).await
}

fn blocked(budgets: &[&str], cause: &str, seconds: Option<i64>) -> Result<Evicted, ClusterError> {
    Ok(Evicted::Blocked {
        budgets: budgets.iter().map(|name| PodKey::new("a", *name)).collect(),
        cause: cause.to_owned(),
        retry_after: seconds.map(SignedDuration::from_secs),
    })
}

#[tokio::test]
async fn every_answer_of_the_eviction_api_has_its_meaning() {
    let violates = "Cannot evict pod as it would violate the pod's disruption budget.";
    let cause =
        |text: &str| json!({"causes": [{"reason": "DisruptionBudget", "message": text}], "retryAfterSeconds": 10});
    let needs = "The disruption budget web needs 3 healthy pods and has 3 currently";
    let later = "The disruption budget web is still being processed by the server.";
    let several = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    let role = "pods \"web-1\" is forbidden: User \"system:serviceaccount:tidegate:apply\" cannot create resource \
                \"pods/eviction\" in API group \"\" in the namespace \"a\"";
    let key = |name| PodKey::new("a", name);
    let negative = json!({"kind": "poddisruptionbudget", "group": "policy", "name": "web"});
    let table: Vec<(ResponseTemplate, Result<Evicted, ClusterError>)> = vec![
        (refusal_with(429, "TooManyRequests", violates, &cause(needs)), blocked(&["web"], needs, Some(10))),
        (refusal_with(429, "TooManyRequests", violates, &cause(later)), blocked(&["web"], later, Some(10))),
        // An older server names no budget: those that count the pod are looked up.
        (refusal(429, "TooManyRequests", violates), blocked(&["all", "web"], violates, None)),
        (
            refusal_with(403, "Forbidden", "pdb disruptions allowed is negative", &negative),
            blocked(&["web"], "pdb disruptions allowed is negative", None),
        ),
        (refusal(500, "InternalError", several), Ok(Evicted::SeveralBudgets(vec![key("all"), key("web")]))),
        (refusal(404, "NotFound", "pods \"web-1\" not found"), Ok(Evicted::Gone)),
        (
            refusal(403, "Forbidden", role),
            Err(ClusterError::Forbidden {
                verb: "create".to_owned(),
                what: "pods/eviction of a/web-1 as system:serviceaccount:tidegate:apply".to_owned(),
            }),
        ),
        (
            refusal_with(
                403,
                "Forbidden",
                "unable to create new content in namespace a because it is being terminated",
                &json!({"causes": [{"reason": "NamespaceTerminating", "message": "namespace a is being terminated"}]}),
            ),
            blocked(&[], "namespace a is being deleted, and its pods with it", None),
        ),
    ];
    for (answer, expected) in table {
        let fake = stage().await;
        fake.answers("POST", EVICTION, vec![answer]);
        assert_eq!(evict(&fake).await, expected);
        assert_eq!(fake.asked("POST", EVICTION), 1, "nothing is asked twice by itself");
        assert!(fake.object(POD).is_some());
    }
}

#[tokio::test]
async fn what_is_not_about_the_pod_may_be_asked_again() {
    for (answer, words) in [
        (refusal(429, "TooManyRequests", "Too many requests, please try again later."), "429"),
        (refusal(503, "ServiceUnavailable", "etcd has no leader"), "etcd has no leader"),
        (refusal_with(504, "Timeout", "couldn't update PodDisruptionBudget", &json!({"retryAfterSeconds": 10})), "504"),
        (ResponseTemplate::new(200).set_delay(Duration::from_secs(4)), "no answer to create pods/eviction"),
    ] {
        let fake = stage().await;
        fake.answers("POST", EVICTION, vec![answer]);
        let Err(ClusterError::Unavailable(text)) = evict(&fake).await else { panic!("{words}") };
        assert!(text.contains(words), "{text}");
        assert_eq!(evict(&fake).await, Ok(Evicted::Accepted), "{words}");
        assert_eq!(evict(&fake).await, Ok(Evicted::Gone), "{words}");
    }
}

#[tokio::test]
async fn another_pod_of_that_name_is_never_touched() {
    let fake = stage().await;
    fake.with(|objects| objects.put(POD, pod("two")));
    assert_eq!(evict(&fake).await, Ok(Evicted::Gone));
    let deleted = fake.live.delete_pod(&PodKey::new("a", "web-1"), &"one".into()).await;
    assert!(matches!(deleted, Err(ClusterError::NotFound(_))), "{deleted:?}");
    assert_eq!(fake.object(POD).unwrap()["metadata"]["uid"], "two");
    // 409 of another kind: it is there still.
    fake.with(|objects| objects.put(POD, pod("one")));
    fake.answers("POST", EVICTION, vec![refusal(409, "Conflict", "the object has been modified")]);
    assert!(matches!(evict(&fake).await, Err(ClusterError::Conflict(_))));
    fake.live.delete_pod(&PodKey::new("a", "web-1"), &"one".into()).await.unwrap();
    assert!(fake.object(POD).is_none());
}

#[tokio::test]
async fn a_pod_that_goes_with_its_namespace_counts_as_accepted() {
    let fake = stage().await;
    let terminating = json!({"causes": [{"reason": "NamespaceTerminating"}]});
    let answer = || refusal_with(403, "Forbidden", "is being terminated", &terminating);
    fake.with(|objects| {
        objects.change(POD, |pod| pod["metadata"]["deletionTimestamp"] = json!("2026-11-22T12:00:00Z"))
    });
    fake.answers("POST", EVICTION, vec![answer(), answer()]);
    assert_eq!(evict(&fake).await, Ok(Evicted::Accepted));
    fake.with(|objects| objects.all.remove(POD));
    assert_eq!(evict(&fake).await, Ok(Evicted::Gone));
}
