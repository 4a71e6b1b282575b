//! What must stay fast, measured: `cargo bench`.
//!
//! Large snapshots come from `$TIDEGATE_DATA` (default `../shared/data`); a bench without its data says so and is left
//! out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../growing/mod.rs"]
mod growing;
mod placement;
mod sizes;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use divan::Bencher;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate::execute::run::lock::FileLocks;
use tidegate::execute::run::{Doors, Interrupts, Order, Outcome, apply};
use tidegate::model::{Kind, Snapshot, World};
use tidegate::plan::{Request, plan, plan_for};
use tidegate::policy::{Policy, PolicySource, load};
use tidegate::sandbox::{Faults, Sandbox};
use tidegate::schedule::turns;

fn main() {
    // Sizes and their exponents are no bench of one thing: `cargo bench -- sizes`.
    if std::env::args().any(|word| word == "sizes") {
        return sizes::table();
    }
    divan::main();
}

const HEAD: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: bench}\nspec:\n";

fn policy(text: &str) -> Policy {
    let loaded = load(&[PolicySource { path: "bench.yaml".into(), text: text.as_bytes().to_vec() }]);
    loaded.policy.unwrap_or_else(|| panic!("{:?}", loaded.problems))
}

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jetstream-workshop").join(file)
}

fn workshop() -> Policy {
    policy(&std::fs::read_to_string(example("policy.yaml")).unwrap())
}

/// The cluster of 299 nodes and 14,651 pods: 45 MB unpacked.
fn large() -> Option<PathBuf> {
    let data = std::env::var_os("TIDEGATE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = data.join("snapshots/kubescape_kwok_299nodes.json.gz");
    if !path.is_file() {
        println!("left out: {} is not there; TIDEGATE_DATA names the folder", path.display());
        return None;
    }
    Some(path)
}

/// Every node in one pool of which half may go.
fn half_of(world: &World) -> Policy {
    let names: Vec<String> = world.nodes.keys().map(|name| format!("{:?}", &**name)).collect();
    let half = names.len() / 2;
    policy(&format!("{HEAD}  pools:\n    - {{name: all, min: {half}, nodes: {{names: [{}]}}}}\n", names.join(", ")))
}

/// Nodes n1, n2, … with so many pods each, all of one ReplicaSet: nothing is harder to count.
fn crowd(nodes: usize, pods: usize) -> Snapshot {
    crowd_of(nodes, pods, "20m")
}

/// The same of pods that ask for so much of 8 cores.
fn crowd_of(nodes: usize, pods: usize, cpu: &str) -> Snapshot {
    const TAKEN: &str = "2026-11-10T23:30:00Z";
    let replicas = nodes * pods;
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "rs", "controller": true});
    let mut items = vec![
        json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot",
            "taken": TAKEN, "kinds": Kind::ALL.map(|kind| kind.to_string())}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "r", "namespace": "a", "uid": "rs"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "r"}}, "template": {
                "metadata": {"labels": {"app": "r"}},
                "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}}},
            "status": {"replicas": replicas, "readyReplicas": replicas}}),
    ];
    for node in 1..=nodes {
        let name = format!("n{node}");
        let room = json!({"cpu": "8", "memory": "32Gi", "pods": "200"});
        items.push(json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "uid": format!("node-{name}"), "creationTimestamp": "2026-08-01T00:00:00Z"},
            "spec": {}, "status": {"allocatable": room, "capacity": room, "conditions": [
                {"type": "Ready", "status": "True", "lastHeartbeatTime": TAKEN, "lastTransitionTime": "2026-08-01T00:00:00Z"}]}}));
        items.push(json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": name},
            "spec": {"id": format!("server-{name}"), "provider": "p", "flavor": "f", "node": name},
            "status": {"state": "ACTIVE"}}));
        for pod in 0..pods {
            items.push(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("r-{node}-{pod}"), "namespace": "a", "uid": format!("pod-{node}-{pod}"),
                    "labels": {"app": "r"}, "creationTimestamp": "2026-11-01T00:00:00Z", "ownerReferences": [owner]},
                "spec": {"nodeName": name, "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
                "status": {"phase": "Running", "conditions": [
                    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-01T00:01:00Z"}]}}));
        }
    }
    tidegate::observe::from_values(items)
}

#[divan::bench]
fn validate_a_policy_of_1000_pools(bencher: Bencher) {
    let mut text = format!("{HEAD}  pools:\n");
    for pool in 0..1000 {
        let _ = writeln!(
            text,
            "    - name: pool-{pool}\n      nodes: {{names: \"p{pool}-n{{1..20}}\"}}\n      min: 2\n      max: 20\n      windows:\n        - {{name: day, start: \"0 8 * * MON-FRI\", duration: 10h, lead: 15m, min: 10}}"
        );
    }
    bencher.bench(|| policy(&text));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn load_the_snapshot_of_45_mb(bencher: Bencher) {
    if let Some(path) = large() {
        bencher.bench(|| tidegate::observe::read(std::slice::from_ref(&path)).unwrap());
    }
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn plan_on_the_snapshot_of_45_mb(bencher: Bencher) {
    if let Some(path) = large() {
        let world = World::build(tidegate::observe::read(&[path]).unwrap());
        let policy = half_of(&world);
        let now = world.taken.unwrap_or(Timestamp::UNIX_EPOCH);
        bencher.bench(|| plan(&policy, &world, now));
    }
}

/// Nine of ten nodes may go, with three pods each: each pod that moves is asked about on every node.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn plan_on_1000_nodes_with_3000_pods(bencher: Bencher) {
    let world = World::build(crowd(1000, 3));
    let policy = policy(&format!(
        "{HEAD}  providers: [{{name: p, openstack: {{cloud: c}}}}]\n  drain: {{implied: 0%}}\n  pools:\n    - {{name: all, \
         provider: p, min: 100, parallelism: 1000, nodes: {{names: \"n{{1..1000}}\"}}}}\n"
    ));
    let now = world.taken.unwrap_or(Timestamp::UNIX_EPOCH);
    bencher.bench(|| plan(&policy, &world, now));
}

#[divan::bench(sample_count = 20)]
fn ten_years_of_a_schedule(bencher: Bencher) {
    let policy = workshop();
    let from: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let until: Timestamp = "2036-01-01T00:00:00Z".parse().unwrap();
    bencher.bench(|| turns(&policy, &policy.pools[0], from, until, SignedDuration::from_mins(10)));
}

/// Plans and carries out what is wanted now.
fn apply_now(policy: &Policy, sandbox: &Sandbox, runtime: &tokio::runtime::Runtime, folder: &Path) -> Outcome {
    let request = Request { for_apply: true, ..Request::default() };
    let (plan, _) = plan_for(policy, &World::build(sandbox.snapshot()), sandbox.now(), &request);
    let locks = FileLocks::of(folder);
    let order = Order {
        policy,
        plan: Some(plan),
        within: false,
        exact: false,
        resume: false,
        no_wait: false,
        folder: folder.to_owned(),
        locks: &locks,
        lock_timeout: SignedDuration::ZERO,
        word: tidegate::plan::Word::default(),
    };
    let doors = Doors { cluster: sandbox, provider: sandbox, clock: sandbox, hooks: &tidegate::execute::hooks::Silent };
    let (_stop, mut interrupts) = Interrupts::channel();
    runtime.block_on(apply(doors, &order, &mut interrupts, &mut |_| {}))
}

#[divan::bench(sample_count = 20)]
fn park_nine_nodes_on_the_sandbox(bencher: Bencher) {
    let policy = workshop();
    let snapshot = tidegate::observe::read(&[example("cluster.yaml")]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    bencher.bench_local(|| {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::in_memory(snapshot.clone(), &Faults::default());
        let outcome = apply_now(&policy, &sandbox, &runtime, folder.path());
        assert!(matches!(outcome, Outcome::Ended(_)), "{outcome:?}");
        outcome.exit_code()
    });
}

/// Half of 60 nodes with 50 pods each go: 1,500 evictions. The sandbox is kept in a folder, as a user's is.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn apply_to_3000_pods_on_60_nodes(bencher: Bencher) {
    let snapshot = crowd(60, 50);
    let policy = policy(&format!(
        "{HEAD}  providers: [{{name: p, openstack: {{cloud: c}}}}]\n  pools:\n    - {{name: all, provider: p, min: 30, \
         nodes: {{names: \"n{{1..60}}\"}}}}\n"
    ));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    bencher.bench_local(|| {
        let folder = tempfile::tempdir().unwrap();
        let sandbox =
            Sandbox::create_from(&folder.path().join("sandbox"), snapshot.clone(), Faults::default()).unwrap();
        let outcome = apply_now(&policy, &sandbox, &runtime, folder.path());
        assert!(matches!(outcome, Outcome::Ended(_)), "{outcome:?}");
        outcome.exit_code()
    });
}

/// Nine nodes down, up for the workshop and down again, with an apply at every change of the schedule.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_week_of_the_workshop_with_its_applies(bencher: Bencher) {
    let policy = workshop();
    let snapshot = tidegate::observe::read(&[example("cluster.yaml")]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    bencher.bench_local(|| {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::in_memory(snapshot.clone(), &Faults::default());
        let begun = sandbox.now();
        let end = begun + SignedDuration::from_hours(7 * 24);
        let coming = turns(&policy, &policy.pools[0], begun, end, SignedDuration::from_mins(10));
        let mut changes = 0;
        for at in [begun].into_iter().chain(coming.into_iter().map(|turn| turn.at)) {
            if at > sandbox.now() {
                sandbox.advance_to(at).unwrap();
            }
            let outcome = apply_now(&policy, &sandbox, &runtime, folder.path());
            changes += usize::from(matches!(outcome, Outcome::Ended(_)));
        }
        if end > sandbox.now() {
            sandbox.advance_to(end).unwrap();
        }
        assert!(changes >= 2, "{changes}");
    });
}
