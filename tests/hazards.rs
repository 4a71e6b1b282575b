//! The rules that keep Tidegate harmless, by their numbers: each shown through plan, apply and what is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;
#[path = "plan/fixture.rs"]
mod fixture;

#[path = "hazards/arbiter.rs"]
mod arbiter;
#[path = "hazards/back.rs"]
mod back;
#[path = "hazards/balancers.rs"]
mod balancers;
#[path = "hazards/by_hand.rs"]
mod by_hand;
#[path = "hazards/cordon_first.rs"]
mod cordon_first;
#[path = "hazards/draining.rs"]
mod draining;
#[path = "hazards/ground.rs"]
mod ground;
#[path = "hazards/kept_nodes.rs"]
mod kept_nodes;
#[path = "hazards/other_owners.rs"]
mod other_owners;
#[path = "hazards/servers.rs"]
mod servers;
#[path = "hazards/wake.rs"]
mod wake;

use executing::Stage;
use fixture::Cluster;

/// A calm Sunday; the fixture's clusters were seen then.
const CALM: &str = "2026-11-22T19:00:00Z";

/// A sandbox that begins as this cluster.
fn stage(cluster: &Cluster, faults: &str) -> Stage {
    Stage::of(tidegate::observe::from_values(cluster.whole()), faults)
}

/// The nodes that the plan parks.
fn parks(plan: &tidegate::plan::Plan) -> Vec<&str> {
    let steps = plan.steps.iter().filter(|step| step.verb == tidegate::plan::Verb::Park);
    steps.map(|step| step.node.as_str()).collect()
}

/// The first object of this kind and name.
fn object<'a>(cluster: &'a mut Cluster, kind: &str, name: &str) -> &'a mut serde_json::Value {
    let mut items = cluster.items.iter_mut();
    items.find(|item| item["kind"] == kind && item["metadata"]["name"] == name).unwrap()
}

/// One worker stays, the others may go when nothing holds them; `more` is indented YAML of the pool.
fn one_of_them(more: &str, rest: &str) -> tidegate::policy::Policy {
    fixture::policy(&format!("      min: 1\n      max: 10\n      keep: [\"worker-1\"]\n{more}"), rest)
}
