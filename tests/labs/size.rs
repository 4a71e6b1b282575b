//! A large cluster: how long it takes to observe and to plan, how much memory, and how many requests.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use jiff::Timestamp;
use tidegate::model::World;
use tidegate::plan::plan;
use tidegate::policy::{PolicySource, load};

use crate::observe::{admin, connect, kubectl, run};

/// Requests that the API server has answered, by verb; watches count when they end.
fn answered() -> BTreeMap<String, u64> {
    let mut by_verb = BTreeMap::new();
    for line in kubectl(&["get", "--raw", "/metrics"], None).lines() {
        let Some(labels) = line.strip_prefix("apiserver_request_total{") else { continue };
        let verb = labels.split("verb=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let count: f64 = labels.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or_default();
        *by_verb.entry(verb.to_owned()).or_insert(0) += count as u64;
    }
    by_verb
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// One pool of all nodes but the first, of which a tenth is enough.
fn policy(nodes: usize) -> tidegate::policy::Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: large}}\nspec:\n  \
         limits: {{cpu: 100000, memory: 400000Gi}}\n  pools:\n    - name: all\n      nodes: {{names: \"*\"}}\n      \
         min: 0\n      max: {}\n",
        nodes / 10
    );
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.into_bytes() }]);
    loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

#[test]
#[ignore = "needs a large cluster: `tests/labs/run observe --long` makes one and runs this"]
fn a_large_cluster_is_observed_and_planned_in_bounds() {
    let before = answered();
    let begin = Instant::now();
    let snapshot = run(async { connect(&admin()).await.observe().await.unwrap() });
    let observed = begin.elapsed();
    let after = answered();
    assert_eq!(snapshot.gaps, [""; 0]);
    let (nodes, pods) = (snapshot.nodes.len(), snapshot.pods.len());
    let seen = peak();
    // The lab's own controllers watch and seldom list: what was listed meanwhile is ours, and what they listed.
    let lists = after.get("LIST").copied().unwrap_or_default() - before.get("LIST").copied().unwrap_or_default();
    let begin = Instant::now();
    let world = World::build(snapshot);
    let built = begin.elapsed();
    let begin = Instant::now();
    let (planned, _) = plan(&policy(nodes), &world, Timestamp::now());
    let took = begin.elapsed();
    println!(
        "labs: {nodes} nodes, {pods} pods: observed in {:.2} s by {lists} lists, indexed in {:.2} s, planned in {:.2} s \
         ({}); {seen} MiB at most to observe, {} MiB in all{}",
        observed.as_secs_f64(),
        built.as_secs_f64(),
        took.as_secs_f64(),
        planned.summary.text,
        peak(),
        if cfg!(debug_assertions) { ", in a debug build" } else { "" }
    );
    // A page holds 500 objects: so many lists it takes, and a few for what has no objects.
    assert!(lists < u64::try_from(pods / 500 + nodes / 500 * 4 + 60).unwrap(), "{lists} lists");
    assert!(observed.as_secs() < 120 && took.as_secs() < 300, "{observed:?} {took:?}");
}
