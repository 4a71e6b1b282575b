//! Everything the planner knows about one node or one pool, on demand.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::leaving::{Asked, Ruling, Settings, may_leave};
use super::members::{Inventory, State};
use super::{Plan, PoolPlan, Reason, Step, node_rules};
use crate::model::World;
use crate::placement::Site;
use crate::policy::Policy;
use crate::schedule::holds;

/// What the table says of one pod, and where else it would fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodAnswer {
    /// `namespace/name`.
    pub pod: String,
    /// `goes`, `stays`, `waits`, `blocks`.
    pub answer: String,
    /// Why.
    pub text: String,
    /// Nodes that could take it now.
    pub homes: u32,
}

/// An explanation of a node or a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Explanation {
    /// `node/N` or `pool/P`.
    pub object: String,
    /// Its state or its numbers, in words.
    pub state: String,
    /// The pool's line.
    pub pool: Option<PoolPlan>,
    /// Steps of the plan that touch it.
    pub steps: Vec<Step>,
    /// Why it stays, where it does.
    pub reasons: Vec<Reason>,
    /// Its pods.
    pub pods: Vec<PodAnswer>,
}

/// A member's state in words.
pub fn state_words(state: &State) -> String {
    match state {
        State::Active => "active".to_owned(),
        State::OwnCordon(mark) => format!("cordoned by Tidegate ({mark:?})").to_lowercase(),
        State::ForeignCordon => "cordoned by somebody else".to_owned(),
        State::Parked(state) => format!("parked ({state})"),
        State::StoppedByOther(state) => format!("not running ({state}), and not parked by Tidegate"),
        State::Waking => "waking".to_owned(),
        State::Busy(task) => format!("busy ({task})"),
        State::NotReady => "not Ready".to_owned(),
        State::Broken(why) => format!("broken: {why}"),
        State::Absent => "absent".to_owned(),
    }
}

/// Explains a node. None if there is no such node, server or pattern.
pub fn explain_node(policy: &Policy, world: &World, plan: &Plan, name: &str, now: Timestamp) -> Option<Explanation> {
    let inventory = Inventory::take(policy, world);
    let place = inventory.pool_of.get(name).copied();
    let member = place
        .and_then(|index| inventory.pools.get(index))
        .and_then(|members| members.iter().find(|member| *member.name == *name));
    if member.is_none() && !world.nodes.contains_key(name) {
        return None;
    }
    let pool = place.and_then(|index| policy.pools.get(index));
    let mut reasons: Vec<Reason> =
        plan.kept.iter().filter(|kept| kept.node == name).flat_map(|kept| kept.reasons.clone()).collect();
    if reasons.is_empty()
        && let (Some(pool), Some(member)) = (pool, member)
    {
        reasons = node_rules::staying(policy, pool, member, world, now);
    }
    let site = Site::new(world);
    let holding = pool.map(|pool| holds(policy, pool, now, super::pool_decision::wake_lead(world, pool)));
    let relaxed = holding.map(|holding| holding.relaxed).unwrap_or_default();
    let pods = world.pods_on(name).map(|pod| {
        let asked = Asked { pod, world, drain: &policy.drain, now, relaxed: &relaxed, settings: Settings::default() };
        let homes = site.homes(pod).iter().filter(|home| ***home != *name).count();
        let (answer, text) = match may_leave(&asked) {
            Ruling::Goes if homes == 0 => ("blocks", "it has no other home".to_owned()),
            Ruling::Goes => ("goes", "it may be evicted".to_owned()),
            Ruling::Stays(why) => ("stays", why.to_owned()),
            Ruling::Waits(_, reason) => ("waits", reason.text),
            Ruling::Blocks(reason) => ("blocks", reason.text),
        };
        PodAnswer {
            pod: pod.key.to_string(),
            answer: answer.to_owned(),
            text,
            homes: u32::try_from(homes).unwrap_or(u32::MAX),
        }
    });
    let state = member.map_or_else(|| "in no pool of the policy".to_owned(), |member| state_words(&member.state));
    Some(Explanation {
        object: format!("node/{name}"),
        state,
        pool: pool.and_then(|pool| plan.pools.iter().find(|line| *line.name == *pool.name)).cloned(),
        steps: plan.steps.iter().filter(|step| step.node == name).cloned().collect(),
        reasons,
        pods: pods.collect(),
    })
}

/// Explains a pool. None if the policy has none of that name.
pub fn explain_pool(policy: &Policy, world: &World, plan: &Plan, name: &str) -> Option<Explanation> {
    let index = policy.pools.iter().position(|pool| *pool.name == *name)?;
    let line = plan.pools.iter().find(|line| line.name == name)?;
    let inventory = Inventory::take(policy, world);
    let members = inventory.pools.get(index)?;
    let reasons = plan.kept.iter().filter(|kept| kept.pool == name).flat_map(|kept| {
        kept.reasons.iter().cloned().map(|mut reason| {
            reason.evidence.node.get_or_insert_with(|| kept.node.clone());
            reason
        })
    });
    Some(Explanation {
        object: format!("pool/{name}"),
        state: format!(
            "{} active of at least {} and at most {}, {} members",
            line.active,
            line.floor,
            line.ceiling,
            members.len()
        ),
        pool: Some(line.clone()),
        steps: plan.steps.iter().filter(|step| step.pool == name).cloned().collect(),
        reasons: reasons.collect(),
        pods: Vec::new(),
    })
}
