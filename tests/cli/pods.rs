//! `explain pod/…`: pods that are there, were there, or were never there.

use std::fs;

use serde_json::{Value, json};

use super::{code, here, text, tidegate};

fn pod(namespace: &str, name: &str, rest: Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Pending"}});
    for part in ["metadata", "spec", "status"] {
        for (key, value) in rest[part].as_object().into_iter().flatten() {
            pod[part][key] = value.clone();
        }
    }
    pod
}

/// A dump of 120 nodes and some pods.
fn folder() -> tempfile::TempDir {
    let node = |number: usize| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("n{number}")}, "spec": {},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}, "conditions": [{"type": "Ready", "status": "True"}]}})
    };
    let mut items: Vec<Value> = (0..120).map(node).collect();
    items.extend([
        pod("web", "shop-7d9f-abcde", json!({})),
        pod("web", "twin", json!({})),
        pod("data", "twin", json!({})),
        pod("data", "loader", json!({"spec": {"nodeName": "n1"}, "status": {"phase": "Succeeded"}})),
        pod("data", "crashed", json!({"spec": {"nodeName": "n1"}, "status": {"phase": "Failed"}})),
        pod(
            "data",
            "going",
            json!({"metadata": {"deletionTimestamp": "2026-11-10T12:00:00Z"}, "spec": {"nodeName": "n1"}}),
        ),
        pod("hub", "user", json!({"spec": {"schedulerName": "user-scheduler"}})),
        pod("hub", "giant", json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "64"}}}]}})),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(folder.path().join("cluster.json"), list.to_string()).unwrap();
    let policy = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n  \
        pools:\n    - {name: all, min: 120, nodes: {names: [\"n{0..119}\"]}}\n  \
        schedulers: [{name: user-scheduler, scoring: MostAllocated}]\n";
    fs::write(folder.path().join("policy.yaml"), policy).unwrap();
    folder
}

#[test]
fn a_pod_that_is_not_there_is_answered_with_one_that_is() {
    let folder = folder();
    for (object, said) in [
        ("pod/web/shop-7d9f-abcdf", "did you mean `pod/web/shop-7d9f-abcde`?"),
        ("pod/web/shop", "did you mean `pod/web/shop-7d9f-abcde`?"),
        ("pod/shop", "did you mean `pod/web/shop-7d9f-abcde`?"),
        ("pod/data/shop-7d9f-abcde", "did you mean `pod/web/shop-7d9f-abcde`?"),
        ("pod/wbe/shop", "no pod of the snapshot is in a namespace `wbe`; there is `web`"),
        ("pod/nowhere/at-all", "no pod of the snapshot is in a namespace `nowhere`"),
        ("pod/data/qqqqqqqq", "`kubectl get pods -A -o name` names them"),
        ("pod/qqqqqqqq", "`kubectl get pods -A -o name` names them"),
        ("pod/twin", "2 namespaces have a pod `twin`"),
        ("pod/twin", "write `pod/data/twin`"),
        ("pod/", "is not an object"),
        ("pod//twin", "is not an object"),
        ("pod/web/", "is not an object"),
        ("pod/web/twin/c", "is not an object"),
        ("secret/web/twin", "is not an object"),
    ] {
        let output = tidegate(folder.path(), &["explain", object, "--snapshot", "cluster.json"]);
        assert_eq!(code(&output), 1, "{object}");
        assert!(output.stdout.is_empty(), "{object}");
        let message = text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(message.contains(said), "{object}: {message}");
    }
}

/// What is in the file and cannot be read is not said to be missing; and without a policy too it is said what was left out.
#[test]
fn what_could_not_be_read_is_said_without_a_policy_too() {
    let folder = folder();
    let mut list: Value = serde_json::from_slice(&fs::read(folder.path().join("cluster.json")).unwrap()).unwrap();
    let broken =
        json!({"spec": {"nodeName": "n7", "containers": [{"name": "c", "resources": {"requests": {"cpu": "-1"}}}]}});
    list["items"].as_array_mut().unwrap().push(pod("web", "broken", broken));
    fs::write(folder.path().join("cluster.json"), list.to_string()).unwrap();
    for object in ["pod/web/broken", "pod/broken"] {
        let output = tidegate(folder.path(), &["explain", object, "--snapshot", "cluster.json"]);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 1, "{said}");
        assert!(said.contains("the pod is there and cannot be explained") && said.contains("cpu"), "{said}");
    }
    let output = tidegate(folder.path(), &["explain", "pod/web/shop-7d9f-abcde", "--snapshot", "cluster.json"]);
    let said = text(&output.stdout);
    assert!(said.contains("incomplete: ") && said.contains("Pod web/broken cannot be read"), "{said}");
    assert!(said.contains("not on n7: node(s) had a pod that cannot be read"), "{said}");
    let args = ["explain", "pod/web/shop-7d9f-abcde", "--snapshot", "cluster.json", "--format", "json"];
    let value: Value = serde_json::from_slice(&tidegate(folder.path(), &args).stdout).unwrap();
    assert!(value["incomplete"].as_array().is_some_and(|gaps| !gaps.is_empty()), "{value}");
}

/// Each is an answer, in words and as a value that the schema describes.
#[test]
fn a_pod_that_ends_or_waits_is_explained() {
    let folder = folder();
    let schema = serde_json::from_slice(&here(&["schema", "explain"]).stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (object, verdict, said) in [
        ("pod/data/loader", "finished", "has succeeded: it uses nothing and needs no node"),
        ("pod/data/crashed", "finished", "has failed: it uses nothing and needs no node"),
        ("pod/data/going", "terminating", "is being deleted on n1"),
        ("pod/web/twin", "fits", "120 nodes could take it"),
        ("pod/hub/giant", "unschedulable", "120 Insufficient cpu"),
        ("pod/loader", "finished", "has succeeded"),
    ] {
        let explain = ["explain", object, "--snapshot", "cluster.json"];
        let output = tidegate(folder.path(), &explain);
        assert_eq!(code(&output), 0, "{object}: {}", text(&output.stderr));
        let shown = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(said), "{object}: {shown}");
        let output = tidegate(folder.path(), &[explain.as_slice(), &["--format", "json"]].concat());
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(value["verdict"], verdict, "{object}");
        let wrong: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(wrong, [""; 0], "{object}");
    }
}

/// Whose points they are, and that a scheduler looks at a part of a large cluster only.
#[test]
fn points_say_what_they_are_worth() {
    let folder = folder();
    let explain = |object: &str, policy: bool| -> (String, Value) {
        let with: &[&str] = if policy { &["-f", "policy.yaml"] } else { &[] };
        let args = [["explain", object, "--snapshot", "cluster.json"].as_slice(), with].concat();
        let shown = tidegate(folder.path(), &args);
        assert_eq!(code(&shown), 0, "{}", text(&shown.stderr));
        let json = tidegate(folder.path(), &[args.as_slice(), &["--format", "json"]].concat());
        let shown = text(&shown.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        (shown, serde_json::from_slice(&json.stdout).unwrap())
    };
    let stranger = "points as the default scheduler gives them: `schedulers` in the policy says how `user-scheduler`";
    let part = "looks at 100 of these 120";
    let (text, value) = explain("pod/hub/user", false);
    assert!(text.contains(stranger) && text.contains(part), "{text}");
    assert_eq!(value["scored"], json!({"scheduler": "user-scheduler", "known": false, "of": 100}));
    let (text, told) = explain("pod/hub/user", true);
    assert!(!text.contains("points as the default scheduler gives them"), "{text}");
    assert_eq!(told["scored"]["known"], true);
    assert_ne!(told["nodes"][0]["score"], value["nodes"][0]["score"], "full nodes are liked, not empty ones");
    let (text, value) = explain("pod/web/twin", false);
    assert!(!text.contains("points as the default scheduler gives them") && text.contains(part), "{text}");
    assert_eq!(value["scored"]["scheduler"], "default-scheduler");
    assert_eq!(explain("pod/hub/giant", false).1.get("scored"), None);
}

/// What fish is given never completes words without a dash.
#[test]
fn shells_complete_kinds_of_objects() {
    for shell in ["bash", "zsh"] {
        let script = text(&here(&["completions", shell]).stdout);
        for kind in ["node/", "pool/", "pod/"] {
            assert!(script.contains(kind), "{shell}: {kind}");
        }
    }
}
