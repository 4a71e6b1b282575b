//! What is written to a real control plane: evictions under its disruption controller, patches, the lock, Events, roles.
//!
//! `tests/labs/run acts` starts one and drives these.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate::cluster::live::{Connect, Live};
use tidegate::cluster::{
    Claim, Cluster, ClusterError, Evicted, LockError, Locks, NodeMark, NodeNews, NodePatch, NodeRecord, keeping, keys,
};
use tidegate::execute::run::process;
use tidegate::model::{Memory, Name, PodKey, SUSPENDED, Taint, TaintEffect};

use crate::kubectl::{account, kubectl, lab, make, until};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn connect(kubeconfig: &str) -> Live {
    let asked = Connect { kubeconfig: Some(kubeconfig.into()), ..Connect::default() };
    Live::connect(&asked).await.unwrap()
}

async fn admin() -> Live {
    connect(&lab("TIDEGATE_LAB_KUBECONFIG")).await
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kwok.x-k8s.io/node": "fake", "acts": "yes"}},
        "status": {"capacity": {"cpu": "8", "memory": "16Gi", "pods": "50"},
            "allocatable": {"cpu": "8", "memory": "16Gi", "pods": "50"}}})
}

/// Fresh nodes of these names, Ready; the namespaces `tidegate` and `acts`, the second empty.
fn stage(nodes: &[&str]) {
    let _ = kubectl(&["delete", "namespace", "acts", "--ignore-not-found", "--wait"]);
    kubectl(&["delete", "node", "-l", "acts=yes"]).unwrap();
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    make(&[namespace("tidegate"), namespace("acts")]);
    kubectl(&["delete", "configmap", "-n", "tidegate", "-l", "tidegate.dev/keeps"]).unwrap();
    nodes.iter().for_each(|name| make(&[node(name)]));
    for name in nodes {
        kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "node", name]).unwrap();
    }
}

fn deployment(name: &str, replicas: u32) -> Value {
    let labels = json!({"app": name});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "acts"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels, "annotations": {"kubernetes-lab/ready-after": "10s"}},
            "spec": {"nodeSelector": {"acts": "yes"}, "terminationGracePeriodSeconds": 1, "tolerations": [],
                "containers": [{"name": "c", "image": "none"}]}}}})
}

fn budget(name: &str, app: &str, least: u32) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": "acts"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}})
}

/// Name and UID of the pods of `app` on `node`.
fn pods(app: &str, node: &str) -> Vec<(PodKey, Name)> {
    let (selector, fields) = (format!("app={app}"), format!("spec.nodeName={node}"));
    let listed = kubectl(&["get", "pods", "-n", "acts", "-l", &selector, "--field-selector", &fields, "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed.unwrap()).unwrap();
    let living =
        listed["items"].as_array().unwrap().iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let text = |pod: &Value, field: &str| pod["metadata"][field].as_str().unwrap().to_owned();
    living.map(|pod| (PodKey::new("acts", text(pod, "name")), text(pod, "uid").into())).collect()
}

fn healthy(budget: &str) -> (i64, i64) {
    let read = kubectl(&["get", "pdb", "-n", "acts", budget, "-o", "json"]).unwrap();
    let status = serde_json::from_str::<Value>(&read).unwrap()["status"].clone();
    (status["currentHealthy"].as_i64().unwrap_or(0), status["disruptionsAllowed"].as_i64().unwrap_or(0))
}

fn record(mark: NodeMark) -> NodeRecord {
    serde_json::from_value(json!({"mark": mark, "since": Timestamp::UNIX_EPOCH, "policy": "p", "pool": "w"})).unwrap()
}

fn marks(mark: NodeMark) -> NodePatch {
    let annotations = [(Name::from(keys::RECORD), Some(record(mark).to_annotation()))].into();
    NodePatch { annotations, ..NodePatch::default() }
}

fn cordon() -> NodePatch {
    NodePatch { unschedulable: Some(true), ..marks(NodeMark::Draining) }
}

fn give_back() -> NodePatch {
    let annotations = [(Name::from(keys::RECORD), None)].into();
    NodePatch { unschedulable: Some(false), annotations, ..NodePatch::default() }
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn a_budget_of_three_of_five_lets_two_go_and_two_more_when_it_is_met_again() {
    stage(&["acts-1", "acts-2", "acts-3"]);
    let cordoned = |names: [&str; 2], verb| names.iter().for_each(|name| drop(kubectl(&[verb, name]).unwrap()));
    cordoned(["acts-2", "acts-3"], "cordon");
    make(&[deployment("web", 4), budget("web", "web", 3)]);
    until("four pods on one node", || (pods("web", "acts-1").len() == 4).then_some(()));
    cordoned(["acts-2", "acts-3"], "uncordon");
    kubectl(&["cordon", "acts-1"]).unwrap();
    kubectl(&["scale", "-n", "acts", "deployment", "web", "--replicas=5"]).unwrap();
    until("five healthy pods", || (healthy("web") == (5, 2)).then_some(()));
    kubectl(&["uncordon", "acts-1"]).unwrap();
    block_on(async {
        let live = admin().await;
        live.patch_node(&"acts-1".into(), &cordon()).await.unwrap();
        let victims = pods("web", "acts-1");
        assert_eq!(victims.len(), 4);
        let (key, _) = &victims[0];
        assert_eq!(live.evict(key, &"not-its-uid".into()).await, Ok(Evicted::Gone), "the precondition is heard");
        assert_eq!(pods("web", "acts-1").len(), 4);

        let mut waits = Vec::new();
        let mut accepted = 0;
        for (key, uid) in &victims {
            match live.evict(key, uid).await.unwrap() {
                Evicted::Accepted => accepted += 1,
                Evicted::Blocked { budgets, cause, retry_after } => waits.push((key, uid, budgets, cause, retry_after)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((accepted, waits.len()), (2, 2));
        for (_, _, budgets, cause, retry_after) in &waits {
            assert_eq!(*budgets, [PodKey::new("acts", "web")]);
            // Only a server whose budget is not yet counted anew says when to come back.
            let later = cause.contains("still being processed");
            assert!(later || cause.contains("needs 3 healthy pods"), "{cause}");
            assert_eq!(*retry_after, later.then_some(SignedDuration::from_secs(10)));
        }
        until("the budget to be met again", || {
            let (current, allowed) = healthy("web");
            assert!(current >= 3, "never below its minimum");
            (allowed == 2).then_some(())
        });
        for (key, uid, ..) in &waits {
            assert_eq!(live.evict(key, uid).await, Ok(Evicted::Accepted));
        }
        until("an empty node", || pods("web", "acts-1").is_empty().then_some(()));
        assert_eq!(live.evict(&victims[0].0, &victims[0].1).await, Ok(Evicted::Gone));
        live.patch_node(&"acts-1".into(), &give_back()).await.unwrap();
    });
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn a_pod_of_two_budgets_and_one_of_a_namespace_that_ends_have_their_answers() {
    stage(&["acts-1"]);
    make(&[deployment("db", 1)]);
    kubectl(&["rollout", "status", "-n", "acts", "deployment/db", "--timeout=60s"]).unwrap();
    let (key, uid) = until("a pod", || pods("db", "acts-1").pop());
    // Of two budgets for one pod the disruption controller looks only at one when the pod changes, and not always at the
    // same: each counts a pod for certain only if it was Ready before.
    make(&[budget("db", "db", 0), budget("db-too", "db", 0)]);
    until("budgets that count it", || ["db", "db-too"].iter().all(|name| healthy(name).0 == 1).then_some(()));
    block_on(async {
        let live = admin().await;
        let both = vec![PodKey::new("acts", "db"), PodKey::new("acts", "db-too")];
        assert_eq!(live.evict(&key, &uid).await, Ok(Evicted::SeveralBudgets(both)));
        kubectl(&["delete", "pdb", "-n", "acts", "db", "db-too"]).unwrap();
        // It does not go by itself, and so its namespace ends for a while.
        let held = json!({"metadata": {"finalizers": ["acts/held"]}}).to_string();
        kubectl(&["patch", "pod", "-n", "acts", &key.name, "--type=merge", "-p", &held]).unwrap();
        kubectl(&["delete", "namespace", "acts", "--wait=false"]).unwrap();
        let answer = live.evict(&key, &uid).await.unwrap();
        assert!(matches!(answer, Evicted::Accepted | Evicted::Blocked { .. }), "{answer:?}");
        until("the pod to end with its namespace", || {
            pods("db", "acts-1").iter().all(|(name, _)| *name != key).then_some(())
        });
        assert_eq!(live.evict(&key, &uid).await, Ok(Evicted::Accepted));
        let free = json!({"metadata": {"finalizers": null}}).to_string();
        kubectl(&["patch", "pod", "-n", "acts", &key.name, "--type=merge", "-p", &free]).unwrap();
        until("the pod to be gone", || kubectl(&["get", "pod", "-n", "acts", &key.name]).is_err().then_some(()));
        assert_eq!(live.evict(&key, &uid).await, Ok(Evicted::Gone));
    });
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn taints_that_others_write_at_the_same_time_are_never_lost() {
    stage(&["acts-1"]);
    let name: Name = "acts-1".into();
    let ours = Taint { key: keys::LEAVING.into(), value: "".into(), effect: TaintEffect::PreferNoSchedule };
    // `kubectl taint` names no version and would itself lose what others write.
    let others = std::thread::spawn(|| {
        block_on(async {
            let live = admin().await;
            for number in 0..20 {
                let key = format!("theirs-{number}").into();
                let taint = Taint { key, value: "".into(), effect: TaintEffect::PreferNoSchedule };
                let patch = NodePatch { add_taints: [taint].into(), ..NodePatch::default() };
                while live.patch_node(&"acts-1".into(), &patch).await.is_err() {}
            }
        });
    });
    block_on(async {
        let live = admin().await;
        let add = NodePatch { add_taints: [ours.clone()].into(), ..NodePatch::default() };
        let remove = NodePatch { remove_taints: [ours.clone()].into(), ..NodePatch::default() };
        let mut rounds = 0;
        while !others.is_finished() {
            for patch in [&add, &remove] {
                let patched = loop {
                    match live.patch_node(&name, patch).await {
                        Err(ClusterError::Conflict(_)) => {}
                        other => break other.unwrap(),
                    }
                };
                assert_eq!(patched.taints.contains(&ours), !patch.add_taints.is_empty());
            }
            rounds += 1;
        }
        others.join().unwrap();
        let left = live.node(&name).await.unwrap().unwrap();
        let theirs = left.taints.iter().filter(|taint| taint.key.starts_with("theirs-")).count();
        assert_eq!((theirs, left.taints.contains(&ours)), (20, false), "after {rounds} rounds");
    });
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn a_parked_node_says_so_keeps_its_record_and_outlives_its_object() {
    stage(&["acts-1"]);
    let name: Name = "acts-1".into();
    kubectl(&["label", "node", "acts-1", "pool=gpu"]).unwrap();
    kubectl(&["taint", "node", "acts-1", "gpu=yes:NoSchedule"]).unwrap();
    block_on(async {
        let live = admin().await;
        let before = live.node(&name).await.unwrap().unwrap();
        live.patch_node(&name, &cordon()).await.unwrap();
        let suspended = live.suspend_node(&name, true).await.unwrap();
        assert!(suspended.condition(SUSPENDED).is_some() && suspended.conditions.len() == before.conditions.len() + 1);
        let described = kubectl(&["describe", "node", "acts-1"]).unwrap();
        assert!(described.contains("tidegate wake node/acts-1"), "{described}");
        live.patch_node(&name, &marks(NodeMark::Parked)).await.unwrap();
        let awake = live.suspend_node(&name, false).await.unwrap();
        assert!(awake.condition(SUSPENDED).is_none() && awake.conditions.len() == before.conditions.len());

        // Somebody deletes the Node while its server is parked; another process wakes it.
        kubectl(&["delete", "node", "acts-1"]).unwrap();
        let live = admin().await;
        let snapshot = Cluster::observe(&live).await.unwrap();
        let shown = snapshot.nodes.iter().find(|node| node.name == name).unwrap();
        assert_eq!((&shown.uid, NodeRecord::of(shown).unwrap().unwrap().mark), (&before.uid, NodeMark::Parked));
        let made =
            live.patch_node(&name, &NodePatch { uid: before.uid.clone(), ..marks(NodeMark::Waking) }).await.unwrap();
        assert!(made.unschedulable && made.uid == before.uid);
        kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "node", "acts-1"]).unwrap();
        let back = live.patch_node(&name, &NodePatch { uid: before.uid.clone(), ..give_back() }).await.unwrap();
        assert_eq!(back.labels.get("pool"), before.labels.get("pool"));
        let taints = |node: &tidegate::model::Node| {
            node.taints.iter().filter(|taint| &*taint.key == "gpu").cloned().collect::<Vec<_>>()
        };
        assert_eq!((taints(&back), back.unschedulable), (taints(&before), false));
        let maps = kubectl(&["get", "configmaps", "-n", "tidegate", "-l", "tidegate.dev/keeps", "-o", "name"]).unwrap();
        assert_eq!(maps, "", "no record is left");
        let memory = Memory { written: Some(Timestamp::now()), ..Memory::default() };
        live.remember(&memory).await.unwrap();
        assert_eq!(Cluster::observe(&admin().await).await.unwrap().memory, memory);
    });
}

/// Not a test of its own: the process that fights for the lock below.
#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn holds_the_lock_until_it_is_lost() {
    let Ok(run) = std::env::var("TIDEGATE_LAB_HOLDS") else { return };
    let lost = block_on(async {
        let locks = admin().await.locks_for(Duration::from_secs(3));
        let lock = locks.take(&process::claim("apply", &run)).await.unwrap();
        println!("\nholds {}", lock.record().id);
        keeping(Some(&*lock), std::future::pending::<Result<(), LockError>>()).await.unwrap_err()
    });
    println!("\nlost: {lost}");
}

fn holder(run: &str) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    let this = "acts::holds_the_lock_until_it_is_lost";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", this])
        .env("TIDEGATE_LAB_HOLDS", run)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    said(&mut lines, "holds ");
    (child, lines)
}

fn said(lines: &mut impl BufRead, what: &str) -> String {
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if let Some(rest) = line.strip_prefix(what) {
            return rest.trim().to_owned();
        }
        line.clear();
    }
    panic!("it ended before it said `{what}`")
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn two_processes_that_want_the_lock_have_it_one_after_the_other() {
    stage(&[]);
    let _ = kubectl(&["delete", "lease", "-n", "tidegate", "tidegate-apply", "--ignore-not-found"]);
    block_on(async {
        let live = admin().await;
        let claim = process::claim("apply", "ours");
        let take = async |claim: &Claim| live.locks_for(Duration::from_secs(3)).take(claim).await;
        let patiently = async || {
            let (locks, since) = (live.locks_for(Duration::from_secs(3)), Instant::now());
            loop {
                match locks.take(&claim).await {
                    Err(LockError::Silent(_) | LockError::Held(_)) if since.elapsed() < Duration::from_secs(60) => {
                        tokio::time::sleep(Duration::from_millis(200)).await
                    }
                    other => return other.unwrap(),
                }
            }
        };
        // Alive, and keeping it for longer than it counts without being renewed.
        let (mut child, _lines) = holder("theirs");
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(5) {
            assert!(matches!(take(&claim).await, Err(LockError::Held(_) | LockError::Silent(_))));
        }
        // Killed: it is known to be dead.
        child.kill().unwrap();
        child.wait().unwrap();
        let lock = take(&claim).await.unwrap();
        assert!(lock.taken_over().unwrap().contains("its process is dead"));
        lock.free().await.unwrap();

        // Frozen: nobody can know, but it is not renewed; when it goes on it finds that it has lost.
        let (mut child, mut lines) = holder("theirs");
        let signal = |name: &str| {
            let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
            assert!(sent.success());
        };
        signal("-STOP");
        let lock = patiently().await;
        assert!(lock.taken_over().unwrap().contains("not renewed in time"), "{:?}", lock.taken_over());
        signal("-CONT");
        let lost = said(&mut lines, "lost: ");
        assert!(lost.contains(&lock.record().id), "{lost}");
        child.wait().unwrap();
        lock.free().await.unwrap();
    });
    let left = kubectl(&["get", "lease", "-n", "tidegate", "tidegate-apply", "-o", "jsonpath={.spec.holderIdentity}"]);
    assert_eq!(left.unwrap(), "");
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn kubectl_describe_node_tells_the_story() {
    stage(&["acts-1"]);
    block_on(async {
        let live = admin().await;
        for (reason, text) in [
            ("Cordoned", "Tidegate: acts-1 is cordoned"),
            ("EvictingPods", "Tidegate evicts pods; the first: acts/web-1 is evicted"),
            ("EvictingPods", "Tidegate evicts pods; the first: acts/web-2 is evicted"),
            ("EvictingPods", "Tidegate evicts pods; the first: acts/web-3 is evicted"),
            ("GivenBack", "Tidegate: acts-1 given back: acts/web-3 was not gone 2m after its eviction"),
        ] {
            let text = text.to_owned();
            live.note(NodeNews { node: "acts-1".into(), reason, text, warning: false });
        }
        live.noted().await.unwrap();
    });
    let described = kubectl(&["describe", "node", "acts-1"]).unwrap();
    let line = |reason: &str| {
        let found = described.lines().find(|line| line.contains(reason)).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{reason}\n{described}"))
    };
    assert!(line("Cordoned").contains("acts-1 is cordoned"));
    assert!(line("EvictingPods").contains("x3 over") && line("EvictingPods").contains("acts/web-1"), "{described}");
    assert!(line("GivenBack").contains("was not gone"));
}

/// A role as it is.
pub fn role(kind: &str, namespace: &str, name: &str) -> Value {
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    serde_json::from_str(&kubectl(&["get", kind, "-n", namespace, name, "-o", "json"]).unwrap()).unwrap()
}

/// A role without one of its verbs.
pub fn without(mut role: Value, resource: &str, verb: &str) -> Value {
    let mut taken = 0;
    for rule in role["rules"].as_array_mut().unwrap() {
        if rule["resources"].as_array().unwrap().iter().any(|named| named == resource) {
            let verbs = rule["verbs"].as_array_mut().unwrap();
            let before = verbs.len();
            verbs.retain(|named| named != verb);
            taken += before - verbs.len();
        }
    }
    assert!(taken > 0, "the role has no {verb} on {resource}");
    role["rules"].as_array_mut().unwrap().retain(|rule| rule["verbs"] != json!([]));
    role["metadata"] = json!({"name": role["metadata"]["name"], "namespace": role["metadata"]["namespace"]});
    role
}

/// Everything that is written, once; the first refusal ends it.
async fn everything(live: &Live, victim: &(PodKey, Name), bare: &(PodKey, Name)) -> Result<(), ClusterError> {
    let name: Name = "acts-1".into();
    let lock = live.locks().take(&process::claim("apply", "role")).await.map_err(|error| match error {
        LockError::Failed(text) => ClusterError::Broken(text),
        other => panic!("{other}"),
    })?;
    lock.free().await.map_err(|error| ClusterError::Broken(error.to_string()))?;
    Cluster::observe(live).await?;
    live.patch_node(&name, &cordon()).await?;
    live.suspend_node(&name, true).await?;
    live.suspend_node(&name, false).await?;
    live.evict(&victim.0, &victim.1).await?;
    match live.delete_pod(&bare.0, &bare.1).await {
        Ok(()) | Err(ClusterError::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    live.patch_node(&name, &give_back()).await?;
    live.remember(&Memory { written: Some(Timestamp::now()), ..Memory::default() }).await?;
    for _ in 0..2 {
        live.note(NodeNews { node: name.clone(), reason: "Parked", text: "words".to_owned(), warning: false });
    }
    live.noted().await
}

#[test]
#[ignore = "needs a control plane: tests/labs/run acts"]
fn the_role_of_the_example_is_enough_and_each_verb_that_is_taken_from_it_is_named() {
    stage(&["acts-1"]);
    let file = format!("{}/examples/rbac.yaml", env!("CARGO_MANIFEST_DIR"));
    kubectl(&["apply", "-f", &file]).unwrap();
    make(&[deployment("web", 1), deployment("bare", 1)]);
    let folder = tempfile::tempdir().unwrap();
    let account = account(folder.path());
    let run = || {
        // As new as on the first day: without what an earlier round left.
        for kind in ["lease/tidegate-apply", "configmap/tidegate-memory", "configmap/tidegate-node-acts-1"] {
            kubectl(&["delete", "-n", "tidegate", kind, "--ignore-not-found"]).unwrap();
        }
        let annotation = format!("{}-", keys::RECORD);
        kubectl(&["annotate", "node", "acts-1", &annotation]).unwrap();
        kubectl(&["uncordon", "acts-1"]).unwrap();
        let victim = until("a pod", || pods("web", "acts-1").pop());
        let bare = until("a pod", || pods("bare", "acts-1").pop());
        block_on(async { everything(&connect(&account).await, &victim, &bare).await })
    };
    until("the role to be in force", || run().ok());

    // Verb, resource, and the kind, namespace and name of the role that has it.
    let cluster = ("clusterrole", "", "tidegate-apply");
    let (own, events) = (("role", "tidegate", "tidegate-apply"), ("role", "default", "tidegate-events"));
    for (verb, resource, (kind, namespace, name)) in [
        ("patch", "nodes", cluster),
        ("patch", "nodes/status", cluster),
        ("create", "pods/eviction", cluster),
        ("delete", "pods", cluster),
        ("create", "configmaps", own),
        ("update", "configmaps", own),
        ("delete", "configmaps", own),
        ("get", "leases", own),
        ("create", "leases", own),
        ("update", "leases", own),
        ("create", "events", events),
        ("patch", "events", events),
    ] {
        let whole = role(kind, namespace, name);
        make(&[without(whole.clone(), resource, verb)]);
        let error = until(&format!("{verb} {resource} to be missed"), || {
            // A ConfigMap is written a second time only where there is one.
            if verb == "update" && resource == "configmaps" {
                let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tidegate-memory", "namespace": "tidegate"}});
                let found = block_on(async {
                    let live = connect(&account).await;
                    make(std::slice::from_ref(&map));
                    live.remember(&Memory { written: Some(Timestamp::now()), ..Memory::default() }).await
                });
                return found.err();
            }
            run().err()
        });
        let text = error.to_string();
        let singular: BTreeMap<&str, &str> =
            [("nodes", "node "), ("pods", "pod "), ("configmaps", "configmap"), ("leases", "lease")].into();
        let what = singular.get(resource).copied().unwrap_or(resource);
        assert!(text.contains(&format!("not allowed to {verb} ")) && text.contains(what), "{verb} {resource}: {text}");
        assert!(text.contains("as system:serviceaccount:tidegate:tidegate"), "{text}");
        println!("without {verb} {resource}: {text}");
        let mut whole = whole;
        whole["metadata"] = json!({"name": name, "namespace": whole["metadata"]["namespace"]});
        make(&[whole]);
        until("the role to be whole again", || run().ok());
    }
}
