//! What is where: one line for each node, whoever it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::by_hand;
use super::explain::state_by_hand;
use super::members::{Inventory, Member, State};
use super::{AskedByHand, Code, Leak, Plan, PoolPlan, Refusal, Summary, Verb, node_rules};
use crate::model::{ByHand, Name, Target, World, keys};
use crate::policy::Policy;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeStatus {
    /// Its pool; absent for nodes in no pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The node.
    pub node: String,
    /// Its state in words.
    pub state: String,
    /// Since when, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why it is so, or why it stays.
    pub why: String,
    /// Who did it: `tidegate (policy workshop)`, `ann@desk by hand`, `somebody else`, or empty.
    pub who: String,
    /// What happens to it next: what the plan made now would do, else what the next change of its pool would.
    pub next: String,
    /// When that happens; absent if it is now, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When its pool's wishes change next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change: Option<Timestamp>,
    /// For what is unclaimed: its cost per hour, in millionths of the unit; absent without a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour_micros: Option<i64>,
}

/// What `status` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusReport {
    /// The version of this document.
    pub format_version: String,
    /// The cluster's context, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Of which moment it tells.
    pub now: Timestamp,
    /// The zone that the policy's times are in.
    pub time_zone: String,
    /// What a plan made now comes to.
    pub summary: Summary,
    /// Brakes that would hold it back.
    pub refusals: Vec<Refusal>,
    /// What people asked for by hand and still counts.
    pub by_hand: Vec<AskedByHand>,
    /// Each node.
    pub nodes: Vec<NodeStatus>,
    /// What was left behind: servers that Tidegate made and that no Node stands for, and Nodes whose server is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<Leak>,
}

impl StatusReport {
    /// Of a plan, its nodes and what was left behind.
    pub fn of(plan: &Plan, nodes: Vec<NodeStatus>, leaks: Vec<Leak>) -> Self {
        Self {
            format_version: "1.0".to_owned(),
            context: plan.snapshot.context.clone(),
            now: plan.now,
            time_zone: plan.time_zone.clone(),
            summary: plan.summary.clone(),
            refusals: plan.refusals.clone(),
            by_hand: plan.by_hand.clone(),
            nodes,
            leaks,
        }
    }
}

/// Changes ahead that are looked at, the nearest first: each costs a plan.
const AHEAD: usize = 8;

/// Every member of every pool, then what is unclaimed.
pub fn status(policy: &Policy, world: &World, plan: &Plan) -> Vec<NodeStatus> {
    let inventory = Inventory::take(policy, world);
    let ahead = ahead(policy, world, plan);
    let mut lines = Vec::new();
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        let line = plan.pools.iter().find(|line| *line.name == *pool.name);
        for member in members {
            let mut status = of(member, &pool.name, world, plan);
            status.pool = Some(pool.name.to_string());
            status.next_change = line.and_then(|line| line.next_change.as_ref()).map(|next| next.at);
            if let Some((at, next)) = ahead.get(member.name.as_ref()).filter(|_| status.next == STAYS) {
                status.next = (*next).to_owned();
                status.next_at = Some(*at);
            }
            lines.push(status);
        }
    }
    let given_back = |node: &str| plan.steps.iter().any(|step| step.pool.is_empty() && step.node == node);
    for unclaimed in &plan.unclaimed {
        lines.push(NodeStatus {
            pool: None,
            node: unclaimed.node.clone(),
            state: format!("unclaimed ({})", unclaimed.state),
            since: None,
            why: format!("it carries {} and no pool of the policy has it", keys::RECORD),
            who: "tidegate".to_owned(),
            next: if given_back(&unclaimed.node) { "uncordon" } else { "left as it is" }.to_owned(),
            next_at: None,
            next_change: None,
            per_hour_micros: unclaimed.per_hour_micros,
        });
    }
    lines
}

const STAYS: &str = "stays";

/// What the next change of each pool, and the end of each word by hand, bring for each node, were everything else as it is
/// now; of several the first.
fn ahead(policy: &Policy, world: &World, plan: &Plan) -> BTreeMap<String, (Timestamp, &'static str)> {
    let turn = |pool: &PoolPlan| pool.next_change.as_ref().map(|next| next.at);
    // What is asked for by hand ends too.
    let by_hand = || world.memory.by_hand.iter().filter(|asked| asked.counts(plan.now));
    let ends = by_hand().filter_map(|asked| asked.until);
    let moments: BTreeSet<Timestamp> = plan.pools.iter().filter_map(turn).chain(ends).collect();
    let mut found: BTreeMap<String, (Timestamp, &'static str)> = BTreeMap::new();
    for at in moments.into_iter().take(AHEAD) {
        let turning: BTreeSet<&str> =
            plan.pools.iter().filter(|pool| turn(pool) == Some(at)).map(|pool| pool.name.as_str()).collect();
        let ending: Vec<&Target> =
            by_hand().filter(|asked| asked.until == Some(at)).map(|asked| &asked.target).collect();
        let ends = |pool: &str, node: &str| {
            ending.iter().any(|target| match target {
                Target::Pool(name) => **name == *pool,
                Target::Node(name) => **name == *node,
            })
        };
        for step in &super::plan(policy, world, at).0.steps {
            let known = found.get(&step.node).is_some_and(|(before, _)| *before < at);
            if !known && (turning.contains(step.pool.as_str()) || ends(&step.pool, &step.node)) {
                // Of the steps of one node the one that tells most comes first or last.
                let next = match step.verb {
                    Verb::Cordon => "is cordoned",
                    Verb::Park => "parks",
                    Verb::Wake => "wakes",
                    Verb::Create => "is made",
                    Verb::Delete => "is deleted",
                    Verb::Uncordon if !found.contains_key(&step.node) => "is uncordoned",
                    _ => continue,
                };
                found.insert(step.node.clone(), (at, next));
            }
        }
    }
    found
}

/// Why a node's steps are taken, in the same words for all nodes of a pool that share it.
fn changing(plan: &Plan, node: &str) -> Option<String> {
    let step = plan.steps.iter().find(|step| step.node == node)?;
    let pool = plan.pools.iter().find(|pool| pool.name == step.pool);
    Some(match (step.reason.code, pool) {
        (Code::BelowFloor, Some(pool)) => format!("the floor is {} now", pool.floor),
        (Code::AboveCeiling, Some(pool)) => format!("the ceiling is {} now", pool.ceiling),
        _ => step.reason.text.clone(),
    })
}

/// One member of `pool`, without what the next change of its pool does to it.
pub(super) fn of(member: &Member, pool: &Name, world: &World, plan: &Plan) -> NodeStatus {
    let record = member.record.as_ref();
    let kept = plan.kept.iter().find(|kept| *kept.node == *member.name).and_then(|kept| kept.reasons.first());
    let cordoned = member.node.as_ref().is_some_and(|node| node.unschedulable);
    let steps: Vec<&str> = (plan.steps.iter())
        .filter(|step| *step.node == *member.name)
        // What is done already does not come next.
        .filter(|step| step.verb != Verb::Cordon || !cordoned)
        .map(|step| step.provider_verb.as_deref().unwrap_or_else(|| super::verb_name(step.verb)))
        .collect();
    let server_since = member.server.as_ref().and_then(|server| server.since);
    let ready_since =
        (member.node.as_ref()).and_then(|node| node.condition("Ready")).and_then(|ready| ready.transition);
    let leaves = kept.filter(|reason| reason.code == Code::UnneededFor).and_then(|reason| reason.evidence.until);
    let away = by_hand::away(&world.memory, member, pool, plan.now);
    let parked = || record.filter(|_| matches!(member.state, State::Parked(_)));
    let mut why = changing(plan, &member.name)
        .or_else(|| away.map(ByHand::words))
        .or_else(|| kept.map(|reason| reason.text.clone()))
        .or_else(|| parked().map(|_| "not needed".to_owned()))
        .unwrap_or_default();
    // A hold is shown whatever else there is to say.
    if let Some(held) = member.node.as_deref().and_then(node_rules::hold).filter(|held| !why.contains(&held.text)) {
        why = if why.is_empty() { held.text } else { format!("{}; {why}", held.text) };
    }
    NodeStatus {
        pool: None,
        node: member.name.to_string(),
        state: state_by_hand(&member.state, away, steps.is_empty()),
        since: record.map(|record| record.since).or(server_since).or(ready_since),
        why,
        who: match (away, record) {
            (Some(asked), _) => format!("{} by hand", asked.author),
            (None, Some(record)) => format!("tidegate (policy {})", record.policy),
            (None, None) if cordoned => "somebody else".to_owned(),
            (None, None) => String::new(),
        },
        next: match &member.state {
            _ if !steps.is_empty() => steps.join(", "),
            State::Busy(_) | State::Waking | State::Joining => "under way".to_owned(),
            _ if leaves.is_some() => "parks".to_owned(),
            _ => STAYS.to_owned(),
        },
        next_at: leaves.filter(|_| steps.is_empty()),
        next_change: None,
        per_hour_micros: None,
    }
}
