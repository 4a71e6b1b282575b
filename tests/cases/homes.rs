//! Where pods go: one after another, off their node, or all of a node's at once.

use std::cmp::Reverse;

use serde_json::{Value, json};
use tidegate::model::{Name, Pod, World};
use tidegate::placement::Site;
use tidegate::plan::leaving::{Ruling, Table};
use tidegate::plan::{Mover, Removals};

use crate::case::{Case, pod};
use crate::drain::{now, reason, silent, with};

/// Whether a pod could move to any other node.
pub fn fits_other_node(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let pod = pod(&world, case.params()["pod"].as_str().unwrap())?;
    let mut site = Site::new(&world);
    if let Some(node) = &pod.node {
        site.lift(pod, node);
    }
    let fits = site.best_home(pod, |node| Some(node) != pod.node.as_ref()).is_some();
    case.compare(&json!({ "fits": fits }))
}

/// The site on which only `params.usable_nodes` take pods.
fn usable(case: &Case, world: &World) -> Site {
    let mut site = Site::new(world);
    let usable = case.params()["usable_nodes"].as_array().unwrap();
    for node in world.nodes.keys().filter(|node| !usable.contains(&json!(node))) {
        site.close(node);
    }
    site
}

/// Pending pods, in the order of their priority and then as listed, each where it fits.
pub fn pending_absorbed(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let mut site = usable(case, &world);
    let listed = case.value["pods"].as_array().unwrap().iter().filter(|pod| pod["spec"]["nodeName"].is_null());
    let keys = listed.map(|pod| format!("default/{}", pod["metadata"]["name"].as_str().unwrap()));
    let mut pods: Vec<&Pod> = keys.map(|key| pod(&world, &key)).collect::<Result<_, _>>()?;
    pods.sort_by_key(|pod| Reverse(pod.spec.priority));
    let (mut fit, mut remain) = (Vec::new(), Vec::new());
    for pod in pods {
        match site.best_home(pod, |_| true) {
            Some(home) => {
                site.place(pod, &home);
                fit.push(pod.key.to_string());
            }
            None => remain.push(pod.key.to_string()),
        }
    }
    case.compare(&json!({"fit": fit, "remain": remain}))
}

/// New pods in the order listed, each where it goes.
pub fn placement(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let mut site = usable(case, &world);
    let mut placements = serde_json::Map::new();
    for key in case.params()["new_pods"].as_array().unwrap() {
        let key = key.as_str().unwrap();
        let pod = pod(&world, key)?;
        if let Some(home) = site.best_home(pod, |_| true) {
            site.place(pod, &home);
            placements.insert(key.to_owned(), json!(home));
        }
    }
    case.compare(&json!({ "placements": placements }))
}

/// What becomes of one candidate.
enum Fate {
    Goes(Vec<String>),
    NoPlace,
    Blocked(String, &'static str),
}

/// Asks for each candidate in turn whether it can go, as Cluster Autoscaler's table has it; one that can is gone then.
fn removals(case: &Case, world: &World) -> Vec<(Name, Fate)> {
    let drain = silent();
    let mut removals = Removals::new(world, &drain, now(case.params()));
    let candidates = case.params()["candidates"].as_array().unwrap().iter();
    let each = candidates.map(|node| {
        let node: Name = node.as_str().unwrap().into();
        let fate = match movers(case, world, &node) {
            Err(blocked) => blocked,
            Ok(movers) => match removals.remove(&node, &movers, &|_| true, false) {
                Ok(()) => Fate::Goes(movers.iter().map(|mover| mover.pod.key.to_string()).collect()),
                Err(_) => Fate::NoPlace,
            },
        };
        (node, fate)
    });
    each.collect()
}

/// The pods of a node that have to move, or the one that keeps it.
fn movers(case: &Case, world: &World, node: &Name) -> Result<Vec<Mover>, Fate> {
    let mut movers = Vec::new();
    for pod in world.pods_on(node) {
        match with(case, world, pod, |asked| Table::CLUSTER_AUTOSCALER.first(asked)).map(|(_, ruling)| ruling) {
            Some(Ruling::Blocks(found)) => return Err(Fate::Blocked(pod.key.to_string(), reason(found.code))),
            Some(Ruling::Stays(_)) => {}
            _ => movers.push(Mover::evicted(pod.clone())),
        }
    }
    Ok(movers)
}

/// Which candidates can go, and what keeps the others.
pub fn nodes_to_remove(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let (mut remove, mut keep) = (Vec::new(), Vec::<Value>::new());
    for (node, fate) in removals(case, &world) {
        match fate {
            Fate::Goes(pods) => remove.push(json!({"node": node, "pods_to_reschedule": pods})),
            Fate::NoPlace => keep.push(json!({"node": node, "reason": "NoPlaceToMovePods"})),
            Fate::Blocked(pod, why) => {
                keep.push(json!({"node": node, "reason": "BlockedByPod", "blocking_pod": pod, "blocking_reason": why}));
            }
        }
    }
    case.compare(&json!({"remove": remove, "unremovable": keep}))
}

/// Which nodes can all go together; who is no candidate stays.
pub fn unneeded_nodes(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let removals = removals(case, &world);
    let goes = removals.iter().filter(|(_, fate)| matches!(fate, Fate::Goes(_))).map(|(node, _)| node);
    let unneeded: Vec<&Name> = goes.collect();
    let unremovable: Vec<&Name> = world.nodes.keys().filter(|node| !unneeded.contains(node)).collect();
    case.compare(&json!({"unneeded": unneeded, "unremovable": unremovable}))
}
