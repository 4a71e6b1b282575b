//! Which node goes where the others have room for its pods: asked of the planner as a policy would ask it.

use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::observe;
use tidegate::plan::{Verb, plan};
use tidegate::policy::{PolicySource, load};

use crate::case::Case;

/// One pool of all nodes, of which none is needed for its own sake and each may be destroyed. Pods of kube-system and those
/// without a controller are protected as ever.
const POLICY: &str = "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {name: case}
spec:
  pools:
    - name: all
      nodes: {names: \"*\"}
      idle: delete
      adopt: true
      minParked: 1s
";

/// The nodes that the plan deletes, with a server for each node of the case.
pub fn consolidate(case: &Case) -> Result<(), String> {
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: POLICY.as_bytes().to_vec() }]);
    let policy = loaded.policy.ok_or("the policy is none")?;
    let lists = ["nodes", "pods", "pdbs", "workloads", "namespaces"].into_iter();
    let mut objects: Vec<Value> =
        lists.flat_map(|list| case.value[list].as_array().cloned().unwrap_or_default()).collect();
    for node in case.value["nodes"].as_array().ok_or("no nodes")? {
        let name = &node["metadata"]["name"];
        objects.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": name},
            "spec": {"id": name, "flavor": "same"}, "status": {"state": "ACTIVE"},
        }));
    }
    let world = World::build(observe::from_values(objects));
    let now = "2026-01-01T00:00:00Z".parse().map_err(|_| "no time")?;
    let (plan, _) = plan(&policy, &world, now);
    let gone: Vec<&str> =
        plan.steps.iter().filter(|step| step.verb == Verb::Delete).map(|step| step.node.as_str()).collect();
    case.compare(&json!({"delete": gone, "delete_count": gone.len()}))
}
