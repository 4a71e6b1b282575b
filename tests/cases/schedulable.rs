//! `schedulable`: on which nodes can a pending pod be placed, and if not why.

use serde_json::json;
use tidegate::model::NodeTerm;
use tidegate::observe;
use tidegate::placement::{Site, Unfit};

use crate::case::{Case, pod};

pub fn judge(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let pod = pod(&world, case.params()["pod"].as_str().unwrap())?;
    let filter = case.params()["filter"].as_str();
    let mut site = Site::new(&world);
    if let Some(terms) = added_affinity(case) {
        site.enforce(terms);
    }
    for (node, expected) in case.expected().as_object().unwrap() {
        let reasons: Vec<Unfit> =
            site.unfit(pod, node).into_iter().filter(|reason| filter.is_none_or(|filter| of(filter, reason))).collect();
        let fits = expected["fits"].as_bool().unwrap();
        if reasons.is_empty() != fits {
            return Err(format!("{node}: fits is {fits}, not {reasons:?}"));
        }
        if filter.is_none() && site.homes(pod).iter().any(|home| **home == **node) != fits {
            return Err(format!("{node}: homes and unfit disagree"));
        }
        let said: Vec<String> = reasons.iter().map(|reason| reason.to_string().to_lowercase()).collect();
        for reason in expected["reasons"].as_array().into_iter().flatten() {
            let reason = reason.as_str().unwrap().to_lowercase();
            if !said.contains(&reason) {
                return Err(format!("{node}: `{reason}` is not among {said:?}"));
            }
        }
    }
    Ok(())
}

/// Whether one of the scheduler's filters gives this reason.
fn of(filter: &str, reason: &Unfit) -> bool {
    let name = format!("{:?}", reason.plugin()).to_lowercase();
    name == if filter == "noderesources" { "noderesourcesfit" } else { filter }
}

/// What the scheduler's configuration adds to every pod: read as a pod's own would be.
fn added_affinity(case: &Case) -> Option<Vec<NodeTerm>> {
    let added = case.params().get("scheduler_added_affinity")?;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"affinity": {"nodeAffinity": added}}});
    let snapshot = observe::from_values([pod]);
    snapshot.pods[0].spec.affinity.as_ref().unwrap().node.clone()
}
