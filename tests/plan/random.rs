//! Random clusters of eight workers, with workloads that have budgets or have none.

use proptest::prelude::*;

use serde_json::{Value, json};

use super::fixture::{Cluster, merge};

/// A pod on one of the nodes, of one of the workloads or of none.
#[derive(Clone, Debug)]
pub struct RandomPod {
    node: usize,
    owner: usize,
    cores: usize,
    bare: bool,
}

impl RandomPod {
    /// Each pod that there can be on a node.
    #[allow(dead_code)]
    pub fn each(node: usize) -> impl Iterator<Item = Self> {
        let owners = (0..5).flat_map(|owner| [(owner, false), (owner, true)]);
        owners.flat_map(move |(owner, bare)| (1..=5).map(move |cores| Self { node, owner, cores, bare }))
    }
}

pub fn pods() -> impl Strategy<Value = Vec<RandomPod>> {
    let pod = (1..=8_usize, 0..5_usize, 1..=5_usize, prop::bool::weighted(0.03))
        .prop_map(|(node, owner, cores, bare)| RandomPod { node, owner, cores, bare });
    prop::collection::vec(pod, 0..24)
}

pub fn cluster(pods: &[RandomPod], budgets: &[Option<u32>]) -> Cluster {
    let mut cluster = Cluster::workers(8);
    for (index, pod) in pods.iter().enumerate() {
        let owner = if pod.bare { String::new() } else { format!("o{}", pod.owner) };
        let cores = format!("{}00m", pod.cores * 3);
        let made = cluster.pod(&format!("p{index}"), &format!("worker-{}", pod.node), &owner, &cores);
        merge(made, company(if pod.bare { 0 } else { pod.owner }));
    }
    for (owner, allowed) in budgets.iter().enumerate() {
        let count = pods.iter().filter(|pod| !pod.bare && pod.owner == owner).count();
        let count = u32::try_from(count).unwrap();
        if let Some(allowed) = allowed.map(|allowed| allowed.min(count)) {
            cluster.budget(&format!("b{owner}"), &format!("o{owner}"), allowed, count, count - allowed, count);
        }
    }
    cluster
}

/// What the pods of a workload ask of other pods: one keeps apart, one follows it, one spreads.
pub fn company(owner: usize) -> Value {
    let near = |app: &str| {
        json!({"requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}]})
    };
    match owner {
        1 => json!({"spec": {"affinity": {"podAntiAffinity": near("o1")}}}),
        2 => json!({"spec": {"affinity": {"podAffinity": near("o1")}}}),
        3 => json!({"spec": {"topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "o3"}}}]}}),
        _ => json!({}),
    }
}
