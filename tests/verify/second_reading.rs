//! The checker reads for itself what protects a pod or keeps a node: a plan made before a protection appeared is refused
//! by the rule that speaks of it.

use serde_json::{Value, json};
use tidegate::plan::{Rule, plan, verify};

use super::fixture::{Cluster, WORKSHOP, at, merge, policy};
use super::goods::CALM;

fn node(cluster: &mut Cluster, metadata: Value) {
    let mut items = cluster.items.iter_mut();
    let node = items.find(|item| item["kind"] == "Node" && item["metadata"]["name"] == "worker-5").unwrap();
    merge(node, json!({"metadata": metadata}));
}

fn pod(cluster: &mut Cluster, change: Value) {
    let mut items = cluster.items.iter_mut();
    merge(items.find(|item| item["metadata"]["name"] == "a").unwrap(), change);
}

#[test]
fn each_protection_is_found_by_a_reading_of_its_own() {
    type Change = fn(&mut Cluster);
    let cases: [(Rule, &str, Change); 21] = [
        (Rule::Protected, "restrict-scale-down", |c| {
            pod(c, json!({"metadata": {"labels": {"spotinst.io/restrict-scale-down": "true"}}}));
        }),
        (Rule::Protected, "do-not-disrupt", |c| {
            pod(c, json!({"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}));
        }),
        (Rule::Protected, "our own mark", |c| {
            pod(c, json!({"metadata": {"annotations": {"tidegate.dev/do-not-disrupt": "true"}}}));
        }),
        (Rule::Protected, "not safe to evict", |c| {
            pod(c, json!({"metadata": {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}}}));
        }),
        (Rule::Protected, "on completion", |c| {
            let key = "cluster-autoscaler.kubernetes.io/safe-to-evict";
            pod(c, json!({"metadata": {"annotations": {key: "on-completion"}}}));
        }),
        (Rule::Protected, "no controller", |c| pod(c, json!({"metadata": {"ownerReferences": []}}))),
        (Rule::Protected, "a Job (H4)", |c| {
            let job = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "j", "controller": true}]);
            pod(c, json!({"metadata": {"ownerReferences": job}}));
        }),
        (Rule::Protected, "local storage", |c| pod(c, json!({"spec": {"volumes": [{"name": "s", "emptyDir": {}}]}}))),
        (Rule::Protected, "a long grace (H5)", |c| pod(c, json!({"spec": {"terminationGracePeriodSeconds": 3600}}))),
        (Rule::Budget, "an exhausted budget", |c| c.budget("a", "a", 0, 1, 1, 1)),
        (Rule::Budget, "two budgets", |c| {
            c.budget("a", "a", 1, 1, 0, 1);
            c.budget("b", "a", 1, 1, 0, 1);
        }),
        (Rule::Kept, "held by a person", |c| node(c, json!({"annotations": {"tidegate.dev/hold": "mine"}}))),
        (Rule::Kept, "scale-down-disabled", |c| {
            node(c, json!({"annotations": {"cluster-autoscaler.kubernetes.io/scale-down-disabled": "true"}}));
        }),
        (Rule::Kept, "a node that is not to be disrupted", |c| {
            node(c, json!({"annotations": {"karpenter.sh/do-not-disrupt": "true"}}));
        }),
        (Rule::Kept, "the control plane", |c| {
            node(c, json!({"labels": {"node-role.kubernetes.io/control-plane": ""}}));
        }),
        (Rule::Kept, "another owner (H16)", |c| node(c, json!({"labels": {"karpenter.sh/nodepool": "default"}}))),
        (Rule::Kept, "storage (H11)", |c| pod(c, json!({"metadata": {"labels": {"app": "rook-ceph-osd"}}}))),
        (Rule::Kept, "a failed drain (H3)", |c| {
            let failure = json!({"why": "a pod did not go", "tries": 2, "next": "2026-11-22T19:20:00Z"});
            c.memory(json!({"nodes": {"worker-5": {"drainFailure": failure}}}));
        }),
        (Rule::Kept, "given back a while ago (H18)", |c| {
            c.memory(json!({"nodes": {"worker-5": {"notBefore": "2026-11-22T19:20:00Z"}}}));
        }),
        (Rule::Brake, "an inventory that shrank", |c| {
            let pool = json!({"members": 30, "failedWakes": 0, "parkTimes": [], "wakeTimes": []});
            c.memory(json!({"pools": {"workers": pool}}));
        }),
        (Rule::NotOurs, "somebody else's cordon", |c| {
            let mut items = c.items.iter_mut();
            let node = items.find(|item| item["kind"] == "Node" && item["metadata"]["name"] == "worker-5").unwrap();
            merge(node, json!({"spec": {"unschedulable": true}}));
        }),
    ];
    let policy = policy(WORKSHOP, "");
    let mut cluster = Cluster::workers(10);
    cluster.pod("a", "worker-5", "a", "1");
    let good = plan(&policy, &cluster.world(), at(CALM)).0;
    assert_eq!(verify(&good, &cluster.world(), &policy), []);
    for (rule, what, change) in cases {
        let mut other = cluster.clone();
        change(&mut other);
        let found = verify(&good, &other.world(), &policy);
        let mine = found.iter().filter(|violation| violation.rule == rule);
        let about = |subject: &str| subject.ends_with("/worker-5") || rule == Rule::Brake && subject == "plan";
        assert!(mine.clone().count() > 0 && mine.clone().all(|found| about(&found.subject)), "{what}: {found:#?}");
    }
}
