//! Which server is behind a node, and when nobody can know.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Name, Node, Server, ServerState, World};

/// The server's id in a node's providerID: what follows its last slash.
pub(super) fn server_id(node: &Node) -> Option<&str> {
    node.provider_id.as_deref()?.rsplit('/').next().filter(|id| !id.is_empty())
}

/// Why the server behind a node is not known. Nothing is done to such a node: it could be done to another one's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncertain {
    /// Several servers would do; their ids.
    Several(Vec<Name>),
    /// The providerID of these other nodes names the same server, or they have its name and no providerID.
    Shared(Vec<Name>),
    /// The server itself says that it carries that other node.
    Carries(Name),
}

impl fmt::Display for Uncertain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several(ids) => {
                write!(f, "{} servers have its name and nothing says which is its own ({})", ids.len(), ids.join(", "))
            }
            Self::Shared(nodes) => {
                write!(
                    f,
                    "its server is also that of {}, by providerID or name: nobody knows whose it is",
                    nodes.join(", ")
                )
            }
            Self::Carries(node) => write!(f, "its server says that it carries {node}: nobody knows whose it is"),
        }
    }
}

impl World {
    /// The server behind `node`, if it is known for certain: see [`World::find_server`].
    pub fn server_of(&self, node: &Node) -> Option<&Arc<Server>> {
        self.find_server(&node.name, Some(node)).ok().flatten()
    }

    /// The server behind the node of that name: by its providerID's last part, else by an explicit link, else by equal name,
    /// never by a guess. A providerID of OpenStack's is the only name of its server: another one that has the same name is
    /// another one. What two nodes have is neither's.
    ///
    /// # Errors
    /// Nobody can know.
    pub fn find_server(&self, name: &str, node: Option<&Node>) -> Result<Option<&Arc<Server>>, Uncertain> {
        let own = node.and_then(server_id).and_then(|id| self.servers.get(id));
        if let Some(server) = own {
            return self.nobody_elses(name, server).map(Some);
        }
        let certain =
            node.and_then(|node| node.provider_id.as_deref()).is_some_and(|id| id.starts_with("openstack://"));
        let carried = self.by_carried.get(name).into_iter().flat_map(BTreeMap::values);
        let all: Vec<&Arc<Server>> = carried.filter(|server| server.node.is_some() || !certain).collect();
        let linked: Vec<&Arc<Server>> = all.iter().copied().filter(|server| server.node.is_some()).collect();
        match (all.as_slice(), linked.as_slice()) {
            ([], _) => Ok(None),
            ([only], _) | (_, [only]) => self.nobody_elses(name, only).map(Some),
            _ => Err(Uncertain::Several(all.iter().map(|server| server.id.clone()).collect())),
        }
    }

    /// Why pods are not to be sent to `node` though it may say Ready: a kubelet's last word stands for a while after its
    /// server went, and in a snapshot for ever. None if its server runs and is left alone, or nobody asked a provider.
    pub fn server_is_off(&self, node: &Node) -> Option<String> {
        let server = self.server_of(node).filter(|server| !server.inferred)?;
        match &server.task {
            Some(task) => Some(format!("its server is {} ({task})", server.state)),
            None => (server.state != ServerState::Active).then(|| format!("its server is {}", server.state)),
        }
    }

    /// The server, unless another node than the named one has a claim to it.
    fn nobody_elses<'w>(&self, name: &str, server: &'w Arc<Server>) -> Result<&'w Arc<Server>, Uncertain> {
        if let Some(other) = server.node.as_ref().filter(|other| ***other != *name) {
            return Err(Uncertain::Carries(other.clone()));
        }
        let claims = self.by_server.get(&server.id).into_iter().flat_map(BTreeMap::keys);
        // One that says of no server that it is its own has the one of its name, by habit.
        let namesake = self.nodes.get_key_value(&server.name).filter(|(_, node)| server_id(node).is_none());
        let others = claims.chain(namesake.map(|(name, _)| name)).filter(|other| ***other != *name);
        let others: Vec<Name> = others.cloned().collect();
        if others.is_empty() { Ok(server) } else { Err(Uncertain::Shared(others)) }
    }
}
