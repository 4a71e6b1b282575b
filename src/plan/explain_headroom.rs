//! The spare room of every pool: what is wanted and by whose reckoning, what is held and where, what is missing and why.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HeadroomUnits, Plan, PoolPlan, Verb};
use crate::schedule::Said;

/// Headroom, by pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadroomExplanation {
    /// `headroom`, or `headroom/P` of one pool.
    pub object: String,
    /// When this holds.
    pub now: Timestamp,
    /// In the policy's order; of all pools those without headroom are left out.
    pub headroom: Vec<PoolHeadroom>,
}

/// What one pool keeps free when its plan is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolHeadroom {
    /// The pool.
    pub pool: String,
    /// Units that are to be kept.
    pub wanted: u32,
    /// Units that have room when the plan is done.
    pub held: u32,
    /// Units that have none.
    pub missing: u32,
    /// How automatic headroom was worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    /// By size, the largest first.
    pub units: Vec<HeadroomUnits>,
    /// Nodes that come for it, alone or beside pods.
    pub coming: Vec<String>,
    /// Since when units are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Timestamp>,
    /// Before this nothing is brought for units that are missing (`refillAfter`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill_at: Option<Timestamp>,
    /// Who asks for it in the policy, and which of them decides.
    pub said: Vec<Said>,
}

/// The headroom of every pool of `plan`, or of one; None if there is no such pool.
pub fn explain_headroom(plan: &Plan, pool: Option<&str>) -> Option<HeadroomExplanation> {
    let asked: Vec<&PoolPlan> = plan.pools.iter().filter(|line| pool.is_none_or(|pool| pool == line.name)).collect();
    if pool.is_some() && asked.is_empty() {
        return None;
    }
    let object = pool.map_or_else(|| "headroom".to_owned(), |pool| format!("headroom/{pool}"));
    let headroom = asked.into_iter().filter_map(|line| of(plan, line)).collect();
    Some(HeadroomExplanation { object, now: plan.now, headroom })
}

fn of(plan: &Plan, line: &PoolPlan) -> Option<PoolHeadroom> {
    let kept = line.headroom.as_ref()?;
    let sum = |count: fn(&HeadroomUnits) -> u32| kept.units.iter().map(count).fold(0, u32::saturating_add);
    let (wanted, held) = (sum(|units| units.wanted), sum(|units| units.kept));
    let holds = |node: &str| kept.units.iter().any(|units| units.nodes.contains_key(node));
    let mut coming: Vec<String> = (plan.steps.iter())
        .filter(|step| step.verb == Verb::Uncordon && step.pool == line.name && holds(&step.node))
        .map(|step| step.node.clone())
        .collect();
    coming.dedup();
    Some(PoolHeadroom {
        pool: line.name.clone(),
        wanted,
        held,
        missing: wanted.saturating_sub(held),
        calculation: kept.calculation.clone(),
        units: kept.units.clone(),
        coming,
        short_since: kept.short_since,
        refill_at: kept.refill_at,
        said: line.said.iter().filter(|said| said.what == "headroom").cloned().collect(),
    })
}
