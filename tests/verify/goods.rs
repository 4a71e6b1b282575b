//! Good plans, each with the world and the policy it was made from.

use serde_json::json;
use tidegate::model::World;
use tidegate::plan::{Plan, Rule, plan, verify};
use tidegate::policy::Policy;

use super::fixture::{Cluster, RATES, WORKSHOP, at, merge, policy};

/// A calm Sunday.
pub const CALM: &str = "2026-11-22T19:00:00Z";

/// A plan that is as it should be.
pub struct Good {
    pub plan: Plan,
    pub world: World,
    pub policy: Policy,
}

impl Good {
    pub fn of(policy: Policy, cluster: &Cluster, now: &str) -> Self {
        let world = cluster.world();
        let plan = plan(&policy, &world, at(now)).0;
        let good = Self { plan, world, policy };
        assert_eq!(good.rules(&good.plan), [], "{:#?}", verify(&good.plan, &good.world, &good.policy));
        good
    }

    /// The rules that a plan breaks in this world, under this policy.
    pub fn rules(&self, plan: &Plan) -> Vec<Rule> {
        verify(plan, &self.world, &self.policy).iter().map(|violation| violation.rule).collect()
    }
}

/// Nine of ten workers go, two at a time: replicas with and without a budget, an only replica, a person to wait for, a
/// DaemonSet, and a pod that nobody recreates, which keeps its node.
pub fn going() -> Good {
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: wait, atMost: 2h}\n";
    let policy = policy(&format!("{WORKSHOP}      parallelism: 2\n"), &format!("{RATES}{drain}"));
    let mut cluster = Cluster::workers(10);
    for number in 2..=4 {
        cluster.pod(&format!("web-{number}"), &format!("worker-{number}"), "web", "100m");
    }
    for number in 1..=4 {
        cluster.pod(&format!("db-{number}"), "worker-5", "db", "100m");
    }
    cluster.pod("db-5", "worker-1", "db", "100m");
    cluster.budget("db", "db", 2, 5, 3, 5);
    cluster.pod("only", "worker-6", "only", "1");
    cluster.pod("jhub/jupyter-ana", "worker-7", "", "1");
    let log = cluster.pod("log-8", "worker-8", "log", "100m");
    merge(log, json!({"metadata": {"ownerReferences": []}}));
    log["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "log", "uid": "uid-log", "controller": true}]);
    cluster.pod("bare", "worker-9", "", "100m");
    Good::of(policy, &cluster, CALM)
}

/// The same people and pods on the Tuesday: nine parked workers come back, three at a time.
pub fn coming() -> Good {
    let policy = policy(&format!("{WORKSHOP}      parallelism: 3\n"), RATES);
    let mut cluster = Cluster::workers(1);
    for number in 2..=10 {
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    Good::of(policy, &cluster, "2026-11-24T19:45:00Z")
}

/// Cordons alone: the window ends in half an hour.
pub fn winding_down() -> Good {
    let policy = policy(&format!("{WORKSHOP}      windDown: 30m\n"), RATES);
    Good::of(policy, &Cluster::workers(10), "2026-11-24T22:31:00Z")
}
