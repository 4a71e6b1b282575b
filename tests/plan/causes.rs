//! What is in the way is told by its cause: once for all that one change would lift, with what the change frees.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::plan::{Blocker, Code, Plan, Verb};
use tidegate::report::{plan_markdown, plan_text};

use crate::fixture::{Cluster, merge, policy};

const CALM: &str = "2026-11-22T19:00:00Z";
const POOL: &str = "      min: 0\n      keep: [worker-1]\n";

fn parks(plan: &Plan) -> BTreeSet<String> {
    plan.steps.iter().filter(|step| step.verb == Verb::Park).map(|step| step.node.clone()).collect()
}

/// The policy's `drain` with these blockers' lines pasted into it.
fn pasted<'a>(blockers: impl Iterator<Item = &'a Blocker> + Clone) -> String {
    let under = |heading: &str| -> String {
        let of = blockers.clone().filter(|blocker| blocker.lift.first().is_some_and(|line| line == heading));
        of.flat_map(|blocker| &blocker.lift[1..]).map(|line| format!("    {line}\n")).collect()
    };
    ["disposable:", "pods:"]
        .into_iter()
        .map(|heading| (heading, under(heading)))
        .filter(|(_, lines)| !lines.is_empty())
        .fold(String::new(), |drain, (heading, lines)| {
            let drain = if drain.is_empty() { "  drain:\n".to_owned() } else { drain };
            format!("{drain}    {heading}\n{lines}")
        })
}

fn volumes(names: &[&str]) -> Value {
    let volumes: Vec<Value> = names.iter().map(|name| json!({"name": name, "emptyDir": {}})).collect();
    json!({"spec": {"volumes": volumes}})
}

/// Scratch space in nearly every pod: five workloads of a namespace are one line, and no database goes with it.
#[test]
fn workloads_of_a_namespace_with_scratch_space_are_one_cause() {
    let mut cluster = Cluster::workers(7);
    for number in 2..=6 {
        let name = if number % 2 == 0 { "tmp" } else { "cache" };
        merge(
            cluster.pod(&format!("shop/web{number}-x"), &format!("worker-{number}"), &format!("web{number}"), "100m"),
            volumes(&[name]),
        );
        merge(
            cluster.pod(&format!("shop/api{number}-x"), &format!("worker-{number}"), &format!("api{number}"), "100m"),
            volumes(&["tmp"]),
        );
    }
    merge(cluster.pod("shop/db-0", "worker-7", "db", "100m"), volumes(&["data"]));
    let plan = cluster.plan(&policy(POOL, ""), CALM);
    let told: Vec<(usize, u32, u32, &str)> = (plan.blockers.iter())
        .map(|found| (found.nodes.len(), found.frees, found.frees_with_above, found.lift[1].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (5, 5, 5, "  - {namespaces: [shop], volumes: [cache, tmp]}"),
            (1, 1, 6, "  - {namespaces: [shop], labels: {app: db}, volumes: [data]}"),
        ]
    );
    assert_eq!(plan.blockers[0].workloads.len(), 10);
    let text = plan_text(&plan, 200);
    assert!(text.contains("5 nodes, the only thing found in the way of 5"), "{text}");
    assert!(text.contains("5 nodes, worker-{2..6} stay\n"), "told once for all five: {text}");
    assert!(plan_markdown(&plan).contains("(5 nodes, the only thing found in the way of 5)"));
    let lifted = cluster.plan(&policy(POOL, &pasted(plan.blockers.iter().take(1))), CALM);
    let freed: BTreeSet<String> = (2..=6).map(|number| format!("worker-{number}")).collect();
    assert_eq!(parks(&lifted), freed);
}

/// An operator's pods have an owner each; their lines are the same, and said once.
#[test]
fn pods_with_an_owner_each_and_one_label_are_one_line() {
    let mut cluster = Cluster::workers(4);
    for number in 2..=4 {
        let pod =
            cluster.pod(&format!("longhorn-system/manager-{number}"), &format!("worker-{number}"), "manager", "100m");
        merge(
            pod,
            json!({"metadata": {"ownerReferences": [{"apiVersion": "longhorn.io/v1", "kind": "InstanceManager",
            "name": format!("manager-{number}"), "uid": format!("u-{number}"), "controller": true}]}}),
        );
        merge(pod, json!({"spec": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}}));
    }
    let plan = cluster.plan(&policy(POOL, ""), CALM);
    assert_eq!(plan.blockers.len(), 1, "{:#?}", plan.blockers);
    let lines = ["disposable:", "  - {namespaces: [longhorn-system], labels: {app: manager}, volumes: [host]}"];
    assert_eq!(plan.blockers[0].lift, lines);
    assert_eq!(parks(&cluster.plan(&policy(POOL, &pasted(plan.blockers.iter())), CALM)).len(), 3);
}

/// What no more replicas would mend is not to be mended by more of them.
#[test]
fn a_closed_budget_says_what_would_open_it() {
    let advice = |spec: Value, status: [u32; 4]| {
        let mut cluster = Cluster::workers(3);
        for number in 2..=3 {
            cluster.pod(&format!("web-{number}"), &format!("worker-{number}"), "web", "100m");
        }
        cluster.budget("web", "web", status[0], status[1], status[2], status[3]);
        let budget = cluster.items.last_mut().unwrap();
        budget["spec"]["minAvailable"].take();
        merge(budget, json!({"spec": spec}));
        let plan = cluster.plan(&policy(POOL, ""), CALM);
        let found: Vec<&Blocker> = plan.blockers.iter().filter(|found| found.code == Code::Budget).collect();
        assert_eq!(found.len(), 1, "{:#?}", plan.blockers);
        found[0].hint.clone()
    };
    for (spec, status, says, says_not) in [
        (json!({"minAvailable": "100%"}), [0, 2, 2, 2], "however many replicas", "raise"),
        (json!({"maxUnavailable": 0}), [0, 2, 2, 2], "however many replicas", "raise"),
        (json!({"maxUnavailable": "0%"}), [0, 2, 2, 2], "however many replicas", "raise"),
        (json!({"minAvailable": 2}), [0, 2, 2, 2], "raise the workload's replicas", "however"),
        (json!({"minAvailable": 1}), [0, 1, 1, 2], "not all of its pods are Ready", "raise"),
        (json!({"maxUnavailable": 1}), [0, 1, 1, 2], "not all of its pods are Ready", "raise"),
    ] {
        let hint = advice(spec.clone(), status);
        assert!(hint.contains(says) && !hint.contains(says_not), "{spec}: {hint}");
    }
}

#[derive(Clone, Debug)]
struct Held {
    node: usize,
    namespace: usize,
    workload: usize,
    kind: usize,
}

/// Which volumes each workload's pods have.
type Volumes = Vec<BTreeSet<usize>>;

const NAMES: [&str; 4] = ["tmp", "cache", "data", "pg-db"];

impl Held {
    fn volumes<'a>(&self, all: &'a Volumes) -> &'a BTreeSet<usize> {
        &all[self.namespace * 9 + self.workload * 3 + self.kind]
    }

    fn add(&self, number: usize, all: &Volumes, cluster: &mut Cluster) {
        let namespace = ["shop", "desk"][self.namespace];
        let kind = ["ReplicaSet", "StatefulSet", ""][self.kind];
        let owner = if kind.is_empty() { String::new() } else { format!("w{}-{}", self.workload, self.kind) };
        let names: Vec<&str> = self.volumes(all).iter().map(|index| NAMES[*index]).collect();
        let pod = cluster.pod(&format!("{namespace}/pod-{number}"), &format!("worker-{}", self.node), &owner, "10m");
        merge(pod, volumes(&names));
        if !kind.is_empty() {
            pod["metadata"]["ownerReferences"][0]["kind"] = json!(kind);
        }
    }

    fn data(&self, all: &Volumes) -> bool {
        let volumes = self.volumes(all);
        self.kind == 1 && !volumes.is_empty() || volumes.iter().any(|volume| *volume >= 2)
    }
}

fn held() -> impl Strategy<Value = Held> {
    (2_usize..8, 0_usize..2, 0_usize..3, 0_usize..3).prop_map(|(node, namespace, workload, kind)| Held {
        node,
        namespace,
        workload,
        kind,
    })
}

fn volumes_of_all() -> impl Strategy<Value = Volumes> {
    proptest::collection::vec(proptest::collection::btree_set(0_usize..4, 0..3), 18)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The lines of each group free what they promise: alone, and with those of the groups above. What looks like scratch
    /// space takes no data with it.
    #[test]
    fn lines_free_as_many_nodes_as_they_promise(pods in proptest::collection::vec(held(), 1..14), all in volumes_of_all()) {
        let mut cluster = Cluster::workers(7);
        pods.iter().enumerate().for_each(|(number, pod)| pod.add(number, &all, &mut cluster));
        let plan = cluster.plan(&policy(POOL, ""), CALM);
        let before = parks(&plan).len();
        let codes: BTreeSet<Code> = plan.blockers.iter().map(|blocker| blocker.code).collect();
        prop_assert!(codes.iter().all(|code| matches!(code, Code::LocalStorage | Code::NoController)), "{:?}", codes);
        for (index, blocker) in plan.blockers.iter().enumerate() {
            let alone = cluster.plan(&policy(POOL, &pasted(std::iter::once(blocker))), CALM);
            prop_assert_eq!(parks(&alone).len(), before + usize::try_from(blocker.frees).unwrap(), "{:#?}", blocker);
            let together = cluster.plan(&policy(POOL, &pasted(plan.blockers.iter().take(index + 1))), CALM);
            let promised = before + usize::try_from(blocker.frees_with_above).unwrap();
            prop_assert_eq!(parks(&together).len(), promised, "{:#?}", plan.blockers);
            if blocker.code == Code::LocalStorage && !blocker.hint.contains("LOSES") {
                let gone: Vec<&str> = alone.steps.iter().flat_map(|step| &step.pods).map(|pod| pod.pod.as_str()).collect();
                for (number, pod) in pods.iter().enumerate().filter(|(_, pod)| pod.data(&all)) {
                    let name = format!("{}/pod-{number}", ["shop", "desk"][pod.namespace]);
                    prop_assert!(!gone.contains(&name.as_str()), "{} goes by {:?}", name, blocker.lift);
                }
            }
        }
    }
}
