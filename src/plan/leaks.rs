//! What was left behind: servers that Tidegate made and that no Node stands for, and Nodes whose server is gone.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::members::{Inventory, Member, State, natural};
use super::prices::{Prices, share_of_state};
use super::{Plan, Verb};
use crate::model::{Created, Kind, Name, Server, ServerState, World, keys};
use crate::policy::{Policy, ProviderKind};

/// What is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeakKind {
    /// A server that Tidegate made, without a Node.
    Server,
    /// A Node, without its server.
    Node,
}

/// Something that was left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leak {
    /// What it is.
    pub kind: LeakKind,
    /// Its name.
    pub name: String,
    /// The pool that has it, or had it when its server was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The server's id at its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// When the server was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What it costs per hour, in millionths of the unit; absent without a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour_micros: Option<i64>,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub todo: String,
}

/// What was left behind, by name. Servers that are being made or destroyed are not; and where not all servers are known,
/// none is missed.
pub fn leaks(policy: &Policy, world: &World, plan: &Plan) -> Vec<Leak> {
    let inventory = Inventory::take(policy, world);
    let at_work = |verb: Verb, name: &str| plan.steps.iter().any(|step| step.verb == verb && step.node == name);
    let mut found: Vec<Leak> =
        world.servers.values().filter_map(|server| server_leak(server, policy, world, &inventory, &at_work)).collect();
    if world.knows(Kind::Server) && world.knows(Kind::Node) {
        for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
            // Where no node at all has its server, it is the names that do not match, which `doctor` tells.
            if pool.provider.is_none() || members.iter().all(|member| member.server.is_none()) {
                continue;
            }
            let gone = members.iter().filter(|member| no_server(member, world));
            found.extend(gone.map(|member| node_leak(member, &pool.name, at_work(Verb::Delete, &member.name))));
        }
    }
    found.sort_by(|a, b| natural(&a.name, &b.name).then_with(|| a.server.cmp(&b.server)));
    found
}

fn server_leak(
    server: &Arc<Server>,
    policy: &Policy,
    world: &World,
    inventory: &Inventory,
    at_work: &dyn Fn(Verb, &str) -> bool,
) -> Option<Leak> {
    let made = Created::of(server).filter(|made| !server.inferred && made.is_for(world.cluster.as_ref()))?;
    let goes = server.task.as_deref() == Some("deleting") || server.state == ServerState::Deleted;
    let stands_for = |server: &Server| {
        let linked = world.nodes.values().any(|node| world.server_of(node).is_some_and(|of| of.id == server.id));
        // A provider may know its servers by their names alone.
        linked || world.nodes.get(server.carries()).is_some_and(|node| world.server_of(node).is_none())
    };
    if goes || stands_for(server) {
        return None;
    }
    let name = server.carries();
    let pool =
        inventory.pool_of.get(name).and_then(|index| Some((policy.pools.get(*index)?, inventory.pools.get(*index)?)));
    let member = pool.and_then(|(_, members)| members.iter().find(|member| member.name == *name));
    let deleted = at_work(Verb::Delete, name);
    let joining = member.is_some_and(|member| member.state == State::Joining);
    if joining && !deleted {
        return None;
    }
    let by_hand = || delete_by_hand(policy, server);
    let (why, todo) = match (pool, world.nodes.contains_key(name)) {
        _ if deleted => (
            format!("Tidegate made it, and no node joined; it is {}", server.state),
            "the next apply deletes it".to_owned(),
        ),
        (_, true) => (
            format!("Tidegate made it, and node {name} has another server; it is {}", server.state),
            format!("nothing uses it: {}", by_hand()),
        ),
        (None, false) => (
            format!("Tidegate made it for pool {}, and no pool of the policy has `{name}` any more", made.pool),
            format!("name it in a pool again, or {}", by_hand()),
        ),
        (Some((pool, _)), false) => (
            format!("Tidegate made it for pool {}, it is {}, and it has no Node", pool.name, server.state),
            format!("look at it at the provider; what is not needed goes with this: {}", by_hand()),
        ),
    };
    let provider = policy.providers.keys().find(|name| **name == server.provider);
    let price = Prices::at(policy, made.at.max(server.since.unwrap_or(made.at)));
    Some(Leak {
        kind: LeakKind::Server,
        name: server.name.to_string(),
        pool: Some(pool.map_or_else(|| made.pool.to_string(), |(pool, _)| pool.name.to_string())),
        server: Some(server.id.to_string()),
        since: Some(made.at),
        per_hour_micros: price.of(provider, &server.flavor, share_of_state(server.state)).map(|cost| cost.0),
        why,
        todo,
    })
}

fn delete_by_hand(policy: &Policy, server: &Server) -> String {
    // A dump may not say whose a server is.
    let only = || policy.providers.values().next().filter(|_| policy.providers.len() == 1);
    match policy.providers.get(&server.provider).or_else(only).map(|provider| &provider.kind) {
        Some(ProviderKind::Openstack { cloud, .. }) => {
            format!("`openstack --os-cloud {cloud} server delete {}`", server.id)
        }
        _ => format!("delete server {} at provider {}", server.id, server.provider),
    }
}

/// Whether a node does not run and its server is not there: one that runs has a server that we do not see.
fn no_server(member: &Member, world: &World) -> bool {
    let Some(node) = member.node.as_deref().filter(|node| !node.ready()) else { return false };
    let gone = matches!(world.find_server(&member.name, Some(node)), Ok(None));
    gone && !node.annotations.contains_key(keys::DELETED)
}

fn node_leak(member: &Member, pool: &Name, deleted: bool) -> Leak {
    let name = &member.name;
    let todo = match deleted {
        true => "the next apply deletes the Node".to_owned(),
        false => format!("bring its server back under this name, or `kubectl delete node {name}`"),
    };
    Leak {
        kind: LeakKind::Node,
        name: name.to_string(),
        pool: Some(pool.to_string()),
        server: None,
        since: None,
        per_hour_micros: None,
        why: "it is not Ready, and its server is not there any more".to_owned(),
        todo,
    }
}
