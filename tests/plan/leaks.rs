//! What was left behind: told by `status` with what to do, and nothing that is only on its way.

use serde_json::{Value, json};
use tidegate::cli::Document;
use tidegate::plan::{Leak, LeakKind, StatusReport, leaks, plan, status};
use tidegate::report::leaks_text;

use super::CALM;
use super::fixture::{Cluster, RATES, at, policy_of};

fn left(cluster: &Cluster) -> Vec<Leak> {
    let rest = format!("{RATES}  providers: [{{name: cloud, openstack: {{cloud: shop}}}}]\n");
    let pool = "      min: 1\n      idle: delete\n      create: {image: ubuntu, flavors: [m3.medium]}\n";
    let policy = policy_of("worker-{1..9}", pool, &rest);
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    let found = leaks(&policy, &world, &plan);
    let report = StatusReport::of(&plan, status(&policy, &world, &plan), found.clone());
    let schema: Value = serde_json::from_str(&Document::Status.text().unwrap()).unwrap();
    let value = serde_json::to_value(&report).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value), "{value:#}");
    let text = leaks_text(&found, &plan, 80);
    assert_eq!(text.is_empty(), found.is_empty());
    for leak in &found {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&leak.name) && flat.contains(&leak.todo), "{text}");
    }
    found
}

/// A server that Tidegate made so many minutes ago, for this cluster.
fn made(name: &str, minutes: i64, state: &str, task: Option<&str>) -> Value {
    let asked = at(CALM) - jiff::SignedDuration::from_mins(minutes);
    let mark = format!("pool=workers policy=test at={asked} cluster=c-1");
    json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": name},
        "spec": {"id": format!("made-{name}"), "flavor": "m3.medium", "metadata": {"tidegate_created": mark}},
        "status": {"state": state, "task": task},
    })
}

#[test]
fn a_server_that_was_made_and_is_no_node_is_told() {
    let other = |mut server: Value, mark: &str| {
        server["spec"]["metadata"]["tidegate_created"] = json!(mark);
        server
    };
    for (server, expected) in [
        (made("worker-3", 5, "BUILD", Some("spawning")), None),
        (made("worker-3", 5, "ACTIVE", None), None),
        (made("worker-3", 60, "ACTIVE", None), Some(("no node joined; it is ACTIVE", "the next apply deletes it"))),
        (made("worker-3", 5, "ERROR", None), Some(("no node joined; it is ERROR", "the next apply deletes it"))),
        (made("worker-3", 60, "ACTIVE", Some("deleting")), None),
        (made("worker-3", 60, "DELETED", None), None),
        (
            made("old-1", 60, "ACTIVE", None),
            Some((
                "for pool workers, and no pool of the policy has `old-1` any more",
                "name it in a pool again, or `openstack --os-cloud shop server delete made-old-1`",
            )),
        ),
        (
            made("worker-1", 60, "ACTIVE", None),
            Some(("node worker-1 has another server", "`openstack --os-cloud shop server delete made-worker-1`")),
        ),
        (
            other(made("old-1", 60, "ACTIVE", None), "pool=workers policy=test at=2026-11-22T10:00:00Z cluster=c-2"),
            None,
        ),
        (other(made("old-1", 60, "ACTIVE", None), "by hand"), None),
    ] {
        let mut cluster = Cluster::workers(2);
        cluster.items.push(server.clone());
        let found = left(&cluster);
        let Some((why, todo)) = expected else {
            assert_eq!(found, [], "{server}");
            continue;
        };
        let [leak] = found.as_slice() else { panic!("{server}: {found:#?}") };
        assert_eq!(leak.kind, LeakKind::Server);
        assert_eq!(leak.server.as_deref(), server["spec"]["id"].as_str());
        assert!(leak.why.contains(why) && leak.todo.contains(todo), "{leak:#?}");
        assert_eq!(leak.per_hour_micros, Some(8_000_000));
    }
}

#[test]
fn a_node_whose_server_is_gone_is_told() {
    let cluster = |record: Option<&str>, state: &str, other: bool, known: bool| {
        let mut cluster = Cluster::workers(usize::from(other));
        let metadata = record.map_or_else(
            || json!({}),
            |mark| {
                let record =
                    json!({"mark": mark, "since": "2026-11-22T18:00:00Z", "policy": "test", "pool": "workers"});
                json!({"annotations": {"tidegate.dev/record": record.to_string()}})
            },
        );
        cluster.node("worker-5", metadata, json!({"unschedulable": record.is_some()}), state);
        cluster.items.retain(|item| item["kind"] != "Server" || item["metadata"]["name"] != "worker-5");
        if !known {
            cluster.items[0]["kinds"].as_array_mut().unwrap().retain(|kind| kind != "Server");
            cluster.items.retain(|item| item["kind"] != "Server");
        }
        cluster
    };
    let found = left(&cluster(None, "SHUTOFF", true, true));
    let [leak] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((leak.kind, leak.name.as_str(), leak.server.as_deref()), (LeakKind::Node, "worker-5", None));
    assert!(leak.todo.ends_with("`kubectl delete node worker-5`"), "{leak:#?}");
    let found = left(&cluster(Some("deleting"), "SHUTOFF", true, true));
    assert_eq!(found.iter().map(|leak| leak.todo.as_str()).collect::<Vec<_>>(), ["the next apply deletes the Node"]);
    // One that runs has a server somewhere; nothing is missed where servers are not known, or match no node at all.
    assert_eq!(left(&cluster(None, "ACTIVE", true, true)), []);
    assert_eq!(left(&cluster(None, "SHUTOFF", true, false)), []);
    assert_eq!(left(&cluster(None, "SHUTOFF", false, true)), []);
}
