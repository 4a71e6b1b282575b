//! Nodes that carry our record and that no pool of the policy has any more (H28): half-way ones are given back.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::members::{Inventory, natural};
use super::prices::{Prices, share_of_state};
use super::{Code, Evidence, Precondition, Reason, Step, Unclaimed, Verb, verb_name};
use crate::model::{ByHand, Name, Node, NodeMark, NodeRecord, Server, ServerState, Target, World, keys};
use crate::policy::Policy;

/// The step that gives back each node that this policy cordoned or chose to go, that no pool has any more, and whose
/// server runs. What is parked is left as it is, and so is what another policy or an unreadable record holds.
/// So is a node that is asked for by hand by its name: that stands until it is taken back.
pub fn given_back(policy: &Policy, inventory: &Inventory, world: &World, now: Timestamp) -> Vec<Step> {
    let strangers = world.nodes.values().filter(|node| !inventory.pool_of.contains_key(&node.name));
    let asked = |node: &Node| {
        let by_name = |asked: &ByHand| matches!(&asked.target, Target::Node(name) if *name == node.name);
        world.memory.by_hand.iter().any(|asked| by_name(asked) && asked.counts(now))
    };
    let strangers = strangers.filter(|node| !asked(node));
    let mut steps: Vec<Step> =
        strangers.filter_map(|node| Some(step(node, &half_way(policy, node, world)?, world))).collect();
    steps.sort_by(|a, b| natural(&a.node, &b.node));
    steps
}

fn half_way(policy: &Policy, node: &Node, world: &World) -> Option<NodeRecord> {
    let record = NodeRecord::of(node).ok().flatten()?;
    let runs = |server: &Arc<Server>| server.task.is_none() && (server.state == ServerState::Active || server.inferred);
    let ours = record.policy == policy.name && record.mark != NodeMark::Parked;
    (ours && node.ready() && world.server_of(node).is_none_or(runs)).then_some(record)
}

fn step(node: &Node, record: &NodeRecord, world: &World) -> Step {
    let did = if node.unschedulable { "cordoned" } else { "chose" };
    let reason = Reason {
        code: Code::GiveBack,
        text: format!("Tidegate {did} it for pool {}, and no pool of the policy has it any more", record.pool),
        evidence: Evidence { key: Some(keys::RECORD.to_owned()), ..Evidence::default() },
        origin: None,
    };
    Step {
        id: format!("{}/{}", verb_name(Verb::Uncordon), node.name),
        verb: Verb::Uncordon,
        provider_verb: None,
        pool: String::new(),
        node: node.name.to_string(),
        server: world.server_of(node).filter(|server| !server.inferred).map(|server| server.id.to_string()),
        after: Vec::new(),
        origin: None,
        reason,
        preconditions: vec![Precondition::Node { uid: node.uid.to_string() }, Precondition::NotCordonedByOther],
        cost: None,
        pods: Vec::new(),
        creation: None,
    }
}

/// The server's state, and whether the node is cordoned by us though it runs.
fn state(node: Option<&Node>, server: Option<&Arc<Server>>) -> String {
    let state = server.map_or_else(|| "no server".to_owned(), |server| server.state.to_string());
    let ours = |node: &Node| node.unschedulable && matches!(NodeRecord::of(node), Ok(Some(_)));
    let runs = server.is_none_or(|server| !server.state.parked());
    if runs && node.is_some_and(ours) { format!("{state}, cordoned by us") } else { state }
}

/// Nodes and servers that carry our record and that no pool of the policy has any more (H28).
pub fn unclaimed(policy: &Policy, inventory: &Inventory, world: &World, prices: &Prices<'_>) -> Vec<Unclaimed> {
    let marked = world.nodes.values().filter(|node| node.annotations.contains_key(keys::RECORD));
    let mut names: BTreeSet<Name> = marked.map(|node| node.name.clone()).collect();
    let servers = world.servers.values().filter(|server| server.metadata.contains_key(keys::SERVER_RECORD));
    names.extend(servers.map(|server| server.carries().clone()));
    names.retain(|name| !inventory.pool_of.contains_key(name));
    let mut found: Vec<Unclaimed> = names
        .into_iter()
        .map(|name| {
            let by_name = |server: &&Arc<Server>| *server.carries() == name;
            let node = world.nodes.get(&name);
            let server = node.and_then(|node| world.server_of(node)).or_else(|| world.servers.values().find(by_name));
            let node = node.map(AsRef::as_ref);
            let cost = server.and_then(|server| {
                let provider = policy.providers.keys().find(|name| **name == server.provider);
                prices.of(provider, &server.flavor, share_of_state(server.state))
            });
            Unclaimed { node: name.to_string(), state: state(node, server), per_hour_micros: cost.map(|cost| cost.0) }
        })
        .collect();
    found.sort_by(|a, b| natural(&a.node, &b.node));
    found
}
