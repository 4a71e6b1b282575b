//! What is where: one line for each node, whoever it belongs to.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::explain::state_words;
use super::members::{Inventory, Member};
use super::{Plan, node_rules};
use crate::model::{World, keys};
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
    /// Who did it: `tidegate (policy workshop)`, `somebody else`, or empty.
    pub who: String,
    /// What the plan made now would do with it.
    pub next: String,
    /// When its pool's wishes change next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change: Option<Timestamp>,
}

/// Every member of every pool, then what is unclaimed.
pub fn status(policy: &Policy, world: &World, plan: &Plan) -> Vec<NodeStatus> {
    let inventory = Inventory::take(policy, world);
    let mut lines = Vec::new();
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        let line = plan.pools.iter().find(|line| *line.name == *pool.name);
        for member in members {
            let mut status = of(member, world, plan);
            status.pool = Some(pool.name.to_string());
            status.next_change = line.and_then(|line| line.next_change.as_ref()).map(|next| next.at);
            lines.push(status);
        }
    }
    for node in node_rules::unclaimed(&inventory, world) {
        lines.push(NodeStatus {
            pool: None,
            node,
            state: "unclaimed".to_owned(),
            since: None,
            why: format!("it carries {} and no pool of the policy has it", keys::RECORD),
            who: "tidegate".to_owned(),
            next: "left as it is".to_owned(),
            next_change: None,
        });
    }
    lines
}

fn of(member: &Member, world: &World, plan: &Plan) -> NodeStatus {
    let record = member.record.as_ref();
    let kept = plan.kept.iter().find(|kept| *kept.node == *member.name).and_then(|kept| kept.reasons.first());
    let steps: Vec<&str> = (plan.steps.iter())
        .filter(|step| *step.node == *member.name)
        .map(|step| step.provider_verb.as_deref().unwrap_or_else(|| super::verb_name(step.verb)))
        .collect();
    let remembered = world.memory.nodes.get(&member.name);
    let server_since = member.server.as_ref().and_then(|server| server.since);
    let ready_since =
        (member.node.as_ref()).and_then(|node| node.condition("Ready")).and_then(|ready| ready.transition);
    let cordoned = member.node.as_ref().is_some_and(|node| node.unschedulable);
    NodeStatus {
        pool: None,
        node: member.name.to_string(),
        state: state_words(&member.state),
        since: record.map(|record| record.since).or(server_since).or(ready_since),
        why: kept.map(|reason| reason.text.clone()).unwrap_or_else(|| match remembered.and_then(|m| m.parked_since) {
            Some(_) if record.is_some() => "not needed".to_owned(),
            _ => String::new(),
        }),
        who: match record {
            Some(record) => format!("tidegate (policy {})", record.policy),
            None if cordoned => "somebody else".to_owned(),
            None => String::new(),
        },
        next: if steps.is_empty() { "stays".to_owned() } else { steps.join(", ") },
        next_change: None,
    }
}
