//! The rules that keep Tidegate harmless, by their numbers: each shown through plan, apply and what is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;
#[path = "plan/fixture.rs"]
mod fixture;

#[path = "hazards/cordon_first.rs"]
mod cordon_first;

use executing::Stage;
use fixture::Cluster;

/// A calm Sunday; the fixture's clusters were seen then.
const CALM: &str = "2026-11-22T19:00:00Z";

/// A sandbox that begins as this cluster.
fn stage(cluster: &Cluster, faults: &str) -> Stage {
    Stage::of(tidegate::observe::from_values(cluster.items.iter().cloned()), faults)
}

/// The nodes that the plan parks.
fn parks(plan: &tidegate::plan::Plan) -> Vec<&str> {
    let steps = plan.steps.iter().filter(|step| step.verb == tidegate::plan::Verb::Park);
    steps.map(|step| step.node.as_str()).collect()
}
