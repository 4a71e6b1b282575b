//! `doctor` by the program itself: what it finds, what it says to do, and how it ends.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{WORKSHOP, code, text, tidegate};

/// A check-up of the workshop with its cluster changed: the level and text of each check, and the exit code.
fn checkup(change: impl FnOnce(&mut Vec<Value>, &mut String)) -> (Vec<(String, String, String)>, i32) {
    let folder = tempfile::tempdir().unwrap();
    let mut policy = fs::read_to_string(Path::new(WORKSHOP).join("policy.yaml")).unwrap();
    let whole = fs::read_to_string(Path::new(WORKSHOP).join("cluster.yaml")).unwrap();
    let mut documents: Value = serde_yaml::from_str(&whole).unwrap();
    change(documents["items"].as_array_mut().unwrap(), &mut policy);
    fs::write(folder.path().join("policy.yaml"), policy).unwrap();
    fs::write(folder.path().join("cluster.json"), documents.to_string()).unwrap();
    let args = ["doctor", "-f", "policy.yaml", "--snapshot", "cluster.json", "--now", "2026-11-10T16:30"];
    let told = tidegate(folder.path(), &args);
    let json = tidegate(folder.path(), &[&args[..], &["--format", "json"]].concat());
    assert_eq!(code(&told), code(&json), "{}", text(&told.stderr));
    let found: Value = serde_json::from_slice(&json.stdout).unwrap_or_else(|_| panic!("{}", text(&json.stderr)));
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = found["findings"].as_array().unwrap().iter().map(|finding| {
        assert_eq!(
            finding["advice"].is_null(),
            finding["level"] == "ok",
            "what is not right says what to do: {finding}"
        );
        (word(finding, "check"), word(finding, "level"), word(finding, "text"))
    });
    (findings.collect(), code(&told))
}

fn node<'a>(items: &'a mut [Value], name: &str) -> &'a mut Value {
    items.iter_mut().find(|item| item["kind"] == "Node" && item["metadata"]["name"] == name).unwrap()
}

fn level(found: &[(String, String, String)], check: &str, says: &str) -> String {
    let of_it = found.iter().find(|(name, _, text)| name == check && text.contains(says));
    of_it.unwrap_or_else(|| panic!("{check}, {says}: {found:#?}")).1.clone()
}

fn kured(args: &[&str]) -> Value {
    let container = json!({"name": "kured", "image": "kured", "command": ["/usr/bin/kured"], "args": args});
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "kured", "namespace": "kube-system", "uid": "u-kured"},
        "spec": {"selector": {"matchLabels": {"name": "kured"}}, "template": {"spec": {"containers": [container]}}},
    })
}

#[test]
fn what_can_be_told_of_a_file_is_told_and_the_rest_is_unknown() {
    let (found, exit) = checkup(|_, _| {});
    assert_eq!(exit, 0, "{found:#?}");
    assert!(found.iter().all(|(_, level, _)| level != "error"), "{found:#?}");
    for check in ["permissions", "cloud", "clock"] {
        assert_eq!(level(&found, check, "live cluster"), "unknown");
    }
    assert_eq!(level(&found, "windows", "do not open by themselves"), "warning", "H21");
    assert_eq!(level(&found, "other-owners", "no other system"), "ok", "H16");
    assert_eq!(level(&found, "reboots", "no kured"), "ok", "H25");
    assert_eq!(level(&found, "certificates", "no node sleeps"), "ok", "F8");
}

#[test]
fn each_thing_that_is_missing_is_found() {
    type Change = fn(&mut Vec<Value>, &mut String);
    let cases: [(&str, &str, &str, i32, Change); 12] = [
        ("other-owners", "Karpenter acts on nodes of pool workers: demo-k8s-node-nf-3", "warning", 0, |items, _| {
            node(items, "demo-k8s-node-nf-3")["metadata"]["labels"]["karpenter.sh/nodepool"] = json!("x");
        }),
        ("reboots", "kube-system/kured reboots nodes", "warning", 0, |items, _| {
            items.push(kured(&[]));
        }),
        (
            "reboots",
            "also while nodes of pool workers are woken for a window: next 2026-11-17T19:45",
            "warning",
            0,
            |items, _| {
                items.push(kured(&[
                    "--reboot-days=tue",
                    "--start-time=12pm",
                    "--end-time",
                    "1pm",
                    "--time-zone=America/Denver",
                ]));
            },
        ),
        ("reboots", "and wakes none for a window then", "ok", 0, |items, _| {
            items.push(kured(&["--reboot-days=mon,tue,wed", "--start-time=2:00", "--end-time=4:00"]));
        }),
        ("reboots", "`--start-time=whenever`, which cannot be read", "unknown", 0, |items, _| {
            items.push(kured(&["--start-time=whenever"]));
        }),
        (
            "jupyterhub",
            "a node takes up to 20m to come, and whether the hub in `jhub` waits",
            "unknown",
            0,
            |items, _| {
                items.push(json!({
                    "apiVersion": "tidegate.dev/v1alpha1", "kind": "Memory", "metadata": {"name": "memory"},
                    "memory": {"pools": {"workers": {"wakeTimes": ["PT20M", "PT20M", "PT20M"]}}},
                }));
            },
        ),
        ("names", "no server was found behind demo-k8s-node-nf-3", "error", 1, |items, _| {
            items.retain(|item| item["kind"] != "Server" || item["metadata"]["name"] != "demo-k8s-node-nf-3");
        }),
        ("windows", "was last run 2026-11-01T00:00:00Z", "error", 1, |items, _| {
            items.push(json!({
                "apiVersion": "tidegate.dev/v1alpha1", "kind": "Memory", "metadata": {"name": "memory"},
                "memory": {"written": "2026-11-01T00:00:00Z"},
            }));
        }),
        ("observation", "not listed: ", "warning", 0, |items, _| {
            for item in items.iter_mut().filter(|item| item["kind"] == "Snapshot") {
                item["kinds"].as_array_mut().unwrap().retain(|kind| kind != "PodDisruptionBudget");
            }
            items.retain(|item| item["kind"] != "PodDisruptionBudget");
        }),
        ("jupyterhub", "users' pods are waited for 30m", "unknown", 0, |_, policy| {
            *policy = policy.replacen("atMost: 2h", "atMost: 30m", 1);
        }),
        ("jupyterhub", "is bare: no rule of the policy says that it is waited for", "warning", 0, |_, policy| {
            *policy = policy.replacen("component: singleuser-server", "component: another", 1);
        }),
        ("policy", "matches no node of this cluster", "warning", 0, |_, policy| {
            *policy = policy.replacen("nf-{2..10}\"]", "nf-{2..10}\", \"other-*\"]", 1);
        }),
    ];
    for (check, says, expected, expected_exit, change) in cases {
        let (found, exit) = checkup(change);
        assert_eq!((level(&found, check, says), exit), (expected.to_owned(), expected_exit), "{check}: {found:#?}");
    }
}
