//! Observation against a real API server: the same plan live and offline, a role without anything to spare, changes heard
//! as they happen, and a server that is stopped, frozen and started again.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate::cluster::ClusterError;
use tidegate::cluster::live::{Connect, Live};
use tidegate::model::{Change, KUBECTL, Snapshot, World, digest};
use tidegate::observe::{self, SnapshotFile};

/// Roles reach the API server's authorizer a little later than its store.
const SETTLED: Duration = Duration::from_secs(20);

fn given(name: &str) -> PathBuf {
    PathBuf::from(
        std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: `tests/labs/run observe` sets it")),
    )
}

pub fn admin() -> PathBuf {
    given("TIDEGATE_LAB_KUBECONFIG")
}

pub fn kubectl(arguments: &[&str], input: Option<&str>) -> String {
    let mut child = Command::new(given("TIDEGATE_LAB_KUBECTL"))
        .arg("--kubeconfig")
        .arg(admin())
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    if let Some(input) = input {
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(300), future).await.expect("it hangs") })
}

pub async fn connect(kubeconfig: &Path) -> Live {
    let asked =
        Connect { kubeconfig: Some(kubeconfig.to_owned()), patience: Duration::from_secs(10), ..Connect::default() };
    Live::connect(&asked).await.unwrap()
}

/// A kubeconfig of the ServiceAccount that `examples/rbac.yaml` makes.
fn ours(folder: &Path) -> PathBuf {
    let rbac = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rbac.yaml");
    kubectl(&["apply", "-f", rbac.to_str().unwrap()], None);
    let token = kubectl(&["create", "token", "tidegate", "--namespace", "tidegate"], None);
    let mut config: Value = serde_json::from_str(&kubectl(&["config", "view", "--raw", "-o", "json"], None)).unwrap();
    let user = config["contexts"][0]["context"]["user"].clone();
    config["users"] = json!([{"name": user, "user": {"token": token.trim()}}]);
    let file = folder.join("ours");
    fs::write(&file, config.to_string()).unwrap();
    file
}

#[test]
#[ignore = "needs a Kubernetes control plane: `tests/labs/run observe` starts one and this"]
fn a_snapshot_file_is_the_cluster_that_was_observed() {
    let mut file = SnapshotFile::default();
    let begin = Instant::now();
    let snapshot = run(async { connect(&admin()).await.observe_into(Some(&mut file)).await.unwrap() });
    let took = begin.elapsed();
    assert_eq!(snapshot.gaps, [""; 0]);
    let mut bytes = Vec::new();
    file.write(&snapshot, &mut bytes).unwrap();
    let mut builder = observe::Builder::default();
    observe::read_bytes("file", &bytes, &mut builder).unwrap();
    let read = builder.finish();
    assert_eq!(read, snapshot);
    println!(
        "labs: {} nodes, {} pods observed in {:.2} s; the file has {} KiB",
        snapshot.nodes.len(),
        snapshot.pods.len(),
        took.as_secs_f64(),
        bytes.len() / 1024
    );
    // kubectl's own dump says the same of the objects, but for heartbeats between the two.
    let line: Vec<&str> = KUBECTL.split_whitespace().skip(1).collect();
    let dump: Value = serde_json::from_str(&kubectl(&line, None)).unwrap();
    let dumped = observe::from_values([dump]);
    let names = |snapshot: &Snapshot| -> (BTreeSet<String>, usize, usize, usize) {
        let pods = snapshot.pods.iter().map(|pod| pod.key.to_string()).collect();
        (pods, snapshot.nodes.len(), snapshot.workloads.len(), snapshot.budgets.len())
    };
    assert_eq!(names(&dumped), names(&snapshot));
}

/// One verb of one resource in a role.
struct Right {
    role: (&'static str, Option<String>, String),
    resource: String,
    verb: String,
    without: Value,
}

/// Every verb in the roles of `examples/rbac.yaml`, with the rules without it.
fn rights() -> Vec<Right> {
    let mut rights = Vec::new();
    for (kind, namespace, name) in [
        ("clusterrole", None, "tidegate-observe"),
        ("role", Some("kube-node-lease"), "tidegate-leases"),
        ("role", Some("tidegate"), "tidegate"),
    ] {
        let role = role(&(kind, namespace.map(str::to_owned), name.to_owned()));
        let rules = role["rules"].as_array().unwrap();
        for (at, rule) in rules.iter().enumerate() {
            let resources = rule["resources"].as_array().unwrap();
            for resource in resources {
                for verb in rule["verbs"].as_array().unwrap() {
                    let mut less = rules.clone();
                    let others: Vec<&Value> = resources.iter().filter(|other| *other != resource).collect();
                    let verbs: Vec<&Value> =
                        rule["verbs"].as_array().unwrap().iter().filter(|other| *other != verb).collect();
                    let mut this = rule.clone();
                    (this["resources"], this["verbs"]) = (json!([resource]), json!(verbs));
                    less[at]["resources"] = json!(others);
                    less.push(this);
                    less.retain(|rule| rule["resources"] != json!([]) && rule["verbs"] != json!([]));
                    rights.push(Right {
                        role: (kind, namespace.map(str::to_owned), name.to_owned()),
                        resource: resource.as_str().unwrap().to_owned(),
                        verb: verb.as_str().unwrap().to_owned(),
                        without: json!(less),
                    });
                }
            }
        }
    }
    rights
}

fn role((kind, namespace, name): &(&'static str, Option<String>, String)) -> Value {
    let mut arguments = vec!["get", kind, name, "-o", "json"];
    if let Some(namespace) = namespace {
        arguments.extend(["--namespace", namespace]);
    }
    serde_json::from_str(&kubectl(&arguments, None)).unwrap()
}

fn set_rules(of: &(&'static str, Option<String>, String), rules: &Value) {
    let mut role = role(of);
    role["rules"] = rules.clone();
    kubectl(&["replace", "-f", "-"], Some(&role.to_string()));
}

/// What is said when one may not: by a gap, by the first call, or by the watch.
fn complaint(kubeconfig: &Path) -> Option<String> {
    let asked =
        Connect { kubeconfig: Some(kubeconfig.to_owned()), patience: Duration::from_secs(10), ..Connect::default() };
    run(async {
        let live = match Live::connect(&asked).await {
            Ok(live) => live,
            Err(error) => return Some(error.to_string()),
        };
        let snapshot = live.observe().await.unwrap();
        if let [gap] = snapshot.gaps.as_slice() {
            return Some(gap.clone());
        }
        assert_eq!(snapshot.gaps, [""; 0], "one verb is missing, not several");
        let until = Timestamp::now() + SignedDuration::from_secs(2);
        while Timestamp::now() < until {
            match live.follow_until(until).await {
                Ok(_) => {}
                Err(error) => return Some(error.to_string()),
            }
        }
        let node = snapshot.nodes.first().unwrap();
        live.read_node(&node.name).await.err().map(|error| error.to_string())
    })
}

/// What `tidegate plan` prints.
fn planned(kubeconfig: &Path) -> String {
    let policy = kubeconfig.with_file_name("policy.yaml");
    let text = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: roles}\nspec:\n  \
                pools: [{name: all, nodes: {names: \"*\"}, min: 1}]\n";
    fs::write(&policy, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["plan", "-f"]).arg(&policy).arg("--kubeconfig").arg(kubeconfig);
    let output = command.env("XDG_STATE_HOME", kubeconfig.with_file_name("state")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
#[ignore = "needs a Kubernetes control plane: `tests/labs/run observe` starts one and this"]
fn the_role_has_what_reading_needs_and_nothing_to_spare() {
    let folder = tempfile::tempdir().unwrap();
    let ours = ours(folder.path());
    let begin = Instant::now();
    while let Some(complaint) = complaint(&ours) {
        assert!(begin.elapsed() < SETTLED, "with the whole role: {complaint}");
    }
    let rights = rights();
    assert!(rights.len() > 30);
    for right in &rights {
        let before = role(&right.role)["rules"].clone();
        set_rules(&right.role, &right.without);
        let begin = Instant::now();
        let said = loop {
            match complaint(&ours) {
                Some(complaint) => break complaint,
                None => assert!(
                    begin.elapsed() < SETTLED,
                    "{} {} is in the role and not needed",
                    right.verb,
                    right.resource
                ),
            }
        };
        let thing = right.resource.trim_end_matches('s');
        let words = format!("not allowed to {} {thing}", right.verb);
        assert!(
            said.contains(&words) && said.contains("as system:serviceaccount:tidegate:tidegate"),
            "{words}: {said}"
        );
        println!("labs: without {} {}: {said}", right.verb, right.resource);
        // What a plan reads it lists; the watches and single looks are an apply's.
        if right.verb == "list" {
            let plan = planned(&ours).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(plan.contains(&words), "{words}: {plan}");
        }
        set_rules(&right.role, &before);
    }
}

#[test]
#[ignore = "needs a Kubernetes control plane: `tests/labs/run observe` starts one and this"]
fn what_is_told_leads_to_what_is_there() {
    let names = [["run", "one"], ["run", "two"]].map(|name| name.join("-"));
    run(async {
        let live = connect(&admin()).await;
        let mut world = World::build(live.observe().await.unwrap());
        kubectl(&["create", "namespace", "told"], None);
        for name in &names {
            let replicas = if name == "run-one" { "3" } else { "5" };
            kubectl(
                &["create", "deployment", name, "--image", "none", "--replicas", replicas, "--namespace", "told"],
                None,
            );
        }
        let node = world.nodes.keys().last().unwrap().to_string();
        kubectl(&["cordon", &node], None);
        kubectl(&["delete", "deployment", &names[0], "--namespace", "told"], None);
        kubectl(&["label", "namespace", "told", "team=tide"], None);
        // Until what was told is what a new look shows, heartbeats aside.
        let begin = Instant::now();
        loop {
            let until = Timestamp::now() + SignedDuration::from_secs(1);
            live.follow_until(until).await.unwrap().into_iter().for_each(|change| world.apply(change));
            let now = connect(&admin()).await.observe().await.unwrap();
            let (mut told, mut seen) = (world.clone(), World::build(now));
            calm(&mut told);
            calm(&mut seen);
            if told == seen {
                assert!(
                    told.nodes[&*node].unschedulable && told.pods.values().any(|pod| &*pod.key.namespace == "told")
                );
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{} and {}", digest(&told), digest(&seen));
        }
        kubectl(&["uncordon", &node], None);
        kubectl(&["delete", "namespace", "told", "--wait=false"], None);
    });
}

/// Without what moves by itself.
fn calm(world: &mut World) {
    (world.taken, world.leases) = (None, Default::default());
    let nodes: Vec<Change> = world
        .nodes
        .values()
        .map(|node| {
            let mut node = (**node).clone();
            node.conditions.iter_mut().for_each(|condition| condition.heartbeat = None);
            Change::Node(node)
        })
        .collect();
    nodes.into_iter().for_each(|node| world.apply(node));
}

#[test]
#[ignore = "needs a Kubernetes control plane: `tests/labs/run observe` starts one and this"]
fn a_server_that_is_frozen_or_started_anew_loses_nothing() {
    let pid = fs::read_to_string(given("TIDEGATE_LAB_RUN").join("kube-apiserver.pid")).unwrap();
    let pid = pid.split_whitespace().next().unwrap().to_owned();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    run(async {
        let live = connect(&admin()).await;
        let snapshot = live.observe().await.unwrap();
        let node = snapshot.nodes.last().unwrap().name.clone();
        // Frozen: the read has its deadline, and the watches say in time that what they show may be old (H22).
        let begin = Instant::now();
        signal("-STOP");
        let read = live.read_node(&node).await;
        let late = begin.elapsed();
        let deaf = loop {
            match live.follow_until(Timestamp::now() + SignedDuration::from_secs(60)).await {
                Ok(_) => assert!(begin.elapsed() < Duration::from_secs(100), "nobody noticed"),
                Err(error) => break error,
            }
        };
        let noticed = begin.elapsed();
        signal("-CONT");
        assert!(
            matches!(&read, Err(ClusterError::Unavailable(text)) if text.contains("no answer to get node")),
            "{read:?}"
        );
        assert!(late < Duration::from_secs(12), "{late:?}");
        assert!(matches!(&deaf, ClusterError::Unavailable(_)), "{deaf:?}");
        assert!(noticed < Duration::from_secs(60), "{noticed:?}");
        println!("labs: frozen: the read gave up after {late:.1?}, the watches after {noticed:.1?}: {deaf}");
        // Awake again: a new look, and changes come.
        let again = loop {
            if let Ok(snapshot) = live.observe().await {
                break snapshot;
            }
        };
        assert_eq!(again.gaps, [""; 0]);
        kubectl(&["cordon", &node], None);
        cordoned(&live, &node, true).await;
        // Stopped and started: the watches connect again by themselves.
        signal("-KILL");
        let ended = Command::new("timeout").args(["60", "tail", "-f", "/dev/null", "--pid", &pid]).status().unwrap();
        assert!(ended.success(), "the API server does not end");
        let up = Command::new(given("TIDEGATE_LABS").join("kubernetes/up")).stdout(Stdio::null()).status().unwrap();
        assert!(up.success());
        kubectl(&["uncordon", &node], None);
        cordoned(&live, &node, false).await;
    });
}

/// Hears until the node is cordoned or not; after a call that fails everything is looked at anew, as a drive does.
async fn cordoned(live: &Live, node: &str, wanted: bool) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(90) {
        let known = match live.follow_until(Timestamp::now() + SignedDuration::from_secs(5)).await {
            Ok(changes) => changes.iter().any(|change| {
                matches!(change, Change::Node(changed) if &*changed.name == node && changed.unschedulable == wanted)
            }),
            Err(_) => live.observe().await.is_ok_and(|seen| {
                seen.gaps.is_empty()
                    && seen.nodes.iter().any(|seen| &*seen.name == node && seen.unschedulable == wanted)
            }),
        };
        if known {
            return;
        }
    }
    panic!("within 90 s nobody told that {node} is cordoned: {wanted}");
}
