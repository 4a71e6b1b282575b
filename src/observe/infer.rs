//! Servers for dumps that have none: one per node.

use std::collections::BTreeSet;

use crate::model::{Kind, Name, Node, Server, ServerState, Snapshot};

/// Gives each node a server if the snapshot knows none, so that a plan can be made (it is not complete then).
///
/// The id is the last part of the providerID, or the node's name where there is none or another node has the same; the
/// flavor and the zone are the node's labels; the state is ACTIVE where the node is Ready and otherwise UNKNOWN, for a
/// node that is not Ready may be parked, broken or gone. `observed` stays without `Server`.
pub fn infer_servers(snapshot: &mut Snapshot) {
    if snapshot.observed.contains(&Kind::Server) || !snapshot.servers.is_empty() {
        return;
    }
    let mut ids = BTreeSet::new();
    let mut servers: Vec<Server> = Vec::with_capacity(snapshot.nodes.len());
    for node in &snapshot.nodes {
        let own = node.provider_id.as_deref().and_then(|id| id.rsplit('/').next()).filter(|id| !id.is_empty());
        let id: Name = own.filter(|id| !ids.contains(*id)).map_or_else(|| node.name.clone(), Into::into);
        ids.insert(id.clone());
        servers.push(server(node, id));
    }
    servers.sort_by(|a, b| a.id.cmp(&b.id));
    snapshot.servers = servers;
}

fn server(node: &Node, id: Name) -> Server {
    let label = |keys: [&str; 2]| keys.iter().find_map(|key| node.labels.get(*key)).cloned();
    Server {
        id,
        name: node.name.clone(),
        state: if node.ready() { ServerState::Active } else { ServerState::Unknown },
        flavor: label(["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"]).unwrap_or_default(),
        zone: label(["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]),
        node: Some(node.name.clone()),
        inferred: true,
        ..Server::default()
    }
}
