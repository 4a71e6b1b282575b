//! What a budget allows, and whether an eviction passes.

use serde_json::json;
use tidegate::model::{PodKey, budget_status};
use tidegate::sandbox::sim::{Verdict, may_evict};

use crate::case::{Case, pod};

/// The status that the disruption controller writes for `params.pdb`.
pub fn pdb_status(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let key = case.params()["pdb"].as_str().ok_or("there is no `params.pdb`")?;
    let (namespace, name) = key.split_once('/').ok_or_else(|| format!("`{key}` is no namespace/name"))?;
    let budget = world.budgets.get(&PodKey::new(namespace, name)).ok_or_else(|| format!("there is no budget {key}"))?;
    let status = budget_status(&world, budget);
    case.compare(&json!({
        "disruptions_allowed": status.disruptions_allowed,
        "current_healthy": status.current_healthy,
        "desired_healthy": status.desired_healthy,
        "expected_pods": status.expected_pods,
    }))
}

/// Whether the API server lets an eviction of `params.pod` pass.
pub fn evict_request(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let key = case.params()["pod"].as_str().ok_or("there is no `params.pod`")?;
    let verdict = may_evict(&world, pod(&world, key)?);
    case.compare(&json!({ "evicted": verdict == Verdict::Pass }))
}
