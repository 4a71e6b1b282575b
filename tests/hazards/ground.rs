//! Draining the ground one stands on (H17): webhooks without which nothing comes back, and the node of Tidegate itself.

use serde_json::{Value, json};
use tidegate::plan::{Code, Plan};
use tidegate::report::{plan_markdown, plan_text};

use crate::fixture::{Cluster, merge, policy};
use crate::{CALM, parks};

const POOL: &str = "      min: 0\n      keep: [worker-1]\n";

/// Three workers; a webhook with so many backends, on the last ones, that is asked about pods everywhere.
fn hooked(backends: usize, configuration: Value) -> Cluster {
    let mut cluster = Cluster::workers(3);
    for number in 0..backends {
        cluster.pod(&format!("judge/hook-{number}"), &format!("worker-{}", 3 - number), "hook", "100m");
    }
    cluster.items.push(json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "hook", "namespace": "judge"}, "spec": {"selector": {"app": "hook"}}}));
    cluster.items.push(json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "judge", "uid": "j", "labels": {"kubernetes.io/metadata.name": "judge"}}}));
    let mut whole = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "rules"},
        "webhooks": [{"name": "rules.example.org", "failurePolicy": "Fail",
            "clientConfig": {"service": {"namespace": "judge", "name": "hook"}},
            "rules": [{"operations": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}]});
    merge(&mut whole["webhooks"][0], configuration);
    cluster.items.push(whole);
    cluster
}

fn lockout(plan: &Plan) -> bool {
    plan.blockers.iter().any(|blocker| blocker.code == Code::WebhookLockout)
}

#[test]
fn h17_the_last_backend_of_a_webhook_that_judges_its_own_pods_stays() {
    let selector = |operator: &str, values: &[&str]| {
        json!({"namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": operator, "values": values}]}})
    };
    let rules = |operation: &str, group: &str, resource: &str| json!({"rules": [{"operations": [operation], "apiGroups": [group], "resources": [resource]}]});
    for (backends, configuration, stays) in [
        (1, json!({}), true),
        (1, json!({"failurePolicy": null}), true),
        (1, rules("CREATE", "", "pods"), true),
        (1, selector("In", &["judge", "shop"]), true),
        (1, json!({"objectSelector": {"matchLabels": {"app": "hook"}}}), true),
        // Half of two stays Ready, by the implied budget (H1).
        (2, json!({}), false),
        (1, json!({"failurePolicy": "Ignore"}), false),
        (1, rules("DELETE", "", "pods"), false),
        (1, rules("CREATE", "apps", "deployments"), false),
        (
            1,
            json!({"rules": [{"operations": ["*"], "apiGroups": ["*"], "resources": ["*"], "scope": "Cluster"}]}),
            false,
        ),
        (1, selector("NotIn", &["judge"]), false),
        (1, json!({"objectSelector": {"matchLabels": {"app": "other"}}}), false),
        (1, json!({"clientConfig": {"service": null, "url": "https://elsewhere"}}), false),
        (1, json!({"clientConfig": {"service": {"namespace": "judge", "name": "other"}}}), false),
    ] {
        let plan = hooked(backends, configuration.clone()).plan(&policy(POOL, ""), CALM);
        assert_eq!(lockout(&plan), stays, "{backends} {configuration}: {:#?}", plan.blockers);
        let free: &[&str] = if stays { &["worker-2"] } else { &["worker-2", "worker-3"] };
        let mut parked = parks(&plan);
        parked.sort();
        assert_eq!(parked, free, "{backends} {configuration}");
    }
}

/// Both go at once where nothing keeps one of them: no implied budget, or a written one that allows both.
#[test]
fn h17_two_backends_that_nothing_keeps_do_not_both_go() {
    let cluster = hooked(2, json!({}));
    let plan = cluster.plan(&policy(POOL, "  drain: {implied: 0%}\n"), CALM);
    assert!(lockout(&plan), "{:#?}", plan.blockers);
    assert_eq!(parks(&plan).len(), 1);
    let mut cluster = hooked(2, json!({}));
    cluster.budget("hook", "hook", 2, 2, 0, 2);
    cluster.items.last_mut().unwrap()["metadata"]["namespace"] = json!("judge");
    assert!(lockout(&cluster.plan(&policy(POOL, ""), CALM)));
}

/// Where its own pods come back without it, it is an outage that is said.
#[test]
fn h17_a_webhook_without_a_backend_for_a_while_is_said_with_the_outage() {
    let configuration =
        json!({"rules": [{"operations": ["CREATE"], "apiGroups": ["apps"], "resources": ["deployments"]}]});
    let plan = hooked(1, configuration).plan(&policy(POOL, ""), CALM);
    let outage = plan.outages.iter().find(|outage| outage.pod == "judge/hook-0").unwrap();
    assert_eq!(outage.webhooks, ["rules.example.org"]);
    for text in [plan_text(&plan, 1000), plan_markdown(&plan)] {
        assert!(text.contains("webhook rules.example.org refuses what it is asked about meanwhile"), "{text}");
    }
    let plan = hooked(2, json!({})).plan(&policy(POOL, ""), CALM);
    assert!(plan.outages.iter().all(|outage| outage.webhooks.is_empty()));
}

/// The configurations are among what was not listed, where they were not.
#[test]
fn h17_what_is_not_known_of_webhooks_is_said() {
    let mut cluster = hooked(1, json!({}));
    cluster.items.retain(|item| item["kind"] != "ValidatingWebhookConfiguration");
    let kinds = cluster.items[0]["kinds"].as_array_mut().unwrap();
    kinds.retain(|kind| !kind.as_str().unwrap().ends_with("WebhookConfiguration"));
    let plan = cluster.plan(&policy(POOL, ""), CALM);
    assert!(plan.notes.iter().any(|note| note.contains("whether a webhook that everything needs")), "{:?}", plan.notes);
}

#[test]
fn h17_the_node_that_tidegate_runs_on_stays() {
    let mut cluster = Cluster::workers(3);
    cluster.pod("ci/runner", "worker-2", "runner", "100m");
    assert_eq!(parks(&cluster.plan(&policy(POOL, ""), CALM)), ["worker-3", "worker-2"]);
    cluster.items[0]["observedFrom"] = json!("ci/runner");
    let plan = cluster.plan(&policy(POOL, ""), CALM);
    assert_eq!(parks(&plan), ["worker-3"]);
    let blocker = plan.blockers.iter().find(|blocker| blocker.code == Code::RunsHere).unwrap();
    assert!(blocker.text.starts_with("Tidegate itself runs on it (ci/runner)"), "{}", blocker.text);
    assert!(blocker.hint.contains("run it on a node that the policy keeps"), "{}", blocker.hint);
}

/// H25: a node that is being rebooted is not parked meanwhile; an old lock that was to end by itself keeps nobody.
#[test]
fn h25_the_node_that_holds_the_lock_for_reboots_stays() {
    let hour = 3_600_000_000_000_i64;
    let held = |node: &str, created: &str, lives: i64| json!({"nodeID": node, "created": created, "TTL": lives});
    let (before, long_ago) = ("2026-11-22T11:50:00Z", "2026-11-20T00:00:00Z");
    for (lock, parked) in [
        (json!({"nodeID": "worker-3", "metadata": {"unschedulable": false}}).to_string(), vec!["worker-2"]),
        (held("worker-3", before, 100 * hour).to_string(), vec!["worker-2"]),
        (held("worker-3", long_ago, 0).to_string(), vec!["worker-2"]),
        (held("worker-3", long_ago, hour).to_string(), vec!["worker-3", "worker-2"]),
        (held("elsewhere", before, hour).to_string(), vec!["worker-3", "worker-2"]),
        (
            json!({"maxOwners": 2, "locks": [held("worker-2", before, 0), held("worker-3", before, 0)]}).to_string(),
            vec![],
        ),
        ("not a lock".to_owned(), vec!["worker-3", "worker-2"]),
    ] {
        let mut cluster = Cluster::workers(3);
        cluster.items.push(json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"name": "kured", "namespace": "kube-system", "annotations": {"weave.works/kured-node-lock": lock}},
            "spec": {"selector": {"matchLabels": {"app": "kured"}}}}));
        let plan = cluster.plan(&policy(POOL, ""), CALM);
        assert_eq!(parks(&plan), parked, "{lock}");
        let said = plan.kept.iter().flat_map(|kept| &kept.reasons).filter(|reason| reason.code == Code::RebootLock);
        assert!(said.clone().all(|reason| reason.text.starts_with("kube-system/kured reboots it")), "{lock}");
        assert_eq!(said.count(), 2_usize.saturating_sub(parked.len()), "{lock}");
    }
}
