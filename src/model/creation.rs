//! Servers that Tidegate makes: what is asked of the provider, and the mark by which it knows them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CapacityType, Condition, ConditionStatus, Name, Node, Resources, Server, Taint, keys};

/// The label that is the node's own name.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// Who made a server, for what, and when: the value of [`keys::CREATED`] in its metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Created {
    /// The UID of the cluster that it was made for; None where that was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Name>,
    /// The policy that asked for it.
    pub policy: Name,
    /// The pool that it was made for.
    pub pool: Name,
    /// When it was asked for.
    pub at: Timestamp,
}

impl Created {
    /// The value in the server's metadata, in at most 255 characters: `pool=burst policy=shop at=… cluster=…`.
    pub fn to_metadata(&self) -> Name {
        let cluster = self.cluster.as_ref().map(|cluster| format!(" cluster={cluster}")).unwrap_or_default();
        let text = format!("pool={} policy={} at={}{cluster}", self.pool, self.policy, self.at);
        text.chars().take(255).collect::<String>().into()
    }

    /// The mark on a server; None if it carries none that can be read: then it is not ours.
    pub fn of(server: &Server) -> Option<Self> {
        let text = server.metadata.get(keys::CREATED)?;
        let words: BTreeMap<&str, &str> = text.split(' ').filter_map(|word| word.split_once('=')).collect();
        Some(Self {
            cluster: words.get("cluster").map(|uid| (*uid).into()),
            policy: (*words.get("policy")?).into(),
            pool: (*words.get("pool")?).into(),
            at: words.get("at")?.parse().ok()?,
        })
    }

    /// Whether it was made for this cluster. One that is not known contradicts nothing.
    pub fn is_for(&self, cluster: Option<&Name>) -> bool {
        self.cluster.is_none() || cluster.is_none() || self.cluster.as_ref() == cluster
    }
}

/// What a node that does not exist yet will look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeShape {
    /// Its labels, but for its own name.
    pub labels: BTreeMap<Name, Name>,
    /// Its taints.
    pub taints: BTreeSet<Taint>,
    /// What its machine has.
    pub capacity: Resources,
    /// What pods may ask of it.
    pub allocatable: Resources,
}

impl NodeShape {
    /// The node as it is when it has joined: Ready, and with nothing on it.
    pub fn node(&self, name: &Name) -> Node {
        let mut labels = self.labels.clone();
        labels.insert(HOSTNAME.into(), name.clone());
        Node {
            name: name.clone(),
            uid: "".into(),
            labels: Arc::new(labels),
            annotations: Arc::default(),
            created: None,
            unschedulable: false,
            taints: self.taints.clone(),
            provider_id: None,
            allocatable: self.allocatable.clone(),
            capacity: self.capacity.clone(),
            conditions: vec![Condition {
                kind: "Ready".into(),
                status: ConditionStatus::True,
                heartbeat: None,
                transition: None,
            }],
            kubelet_version: None,
            external_addresses: Vec::new(),
            volumes_in_use: Vec::new(),
        }
    }
}

/// A server that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerOrder {
    /// Its name, which is its node's. Asked for twice it is made once.
    pub name: Name,
    /// The policy's name for the provider.
    pub provider: Name,
    /// Its flavor's name.
    pub flavor: Name,
    /// Its availability zone; None leaves that to the provider.
    pub zone: Option<Name>,
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// Its image, by name or id.
    pub image: Name,
    /// Its networks, by name or id.
    pub networks: Vec<Name>,
    /// The key pair that may log in.
    pub key_pair: Option<Name>,
    /// Its security groups.
    pub security_groups: Vec<Name>,
    /// What it runs at its first boot, with every variable filled in but the token. It may hold secrets of its author's, and
    /// is written nowhere.
    #[serde(default, skip_serializing)]
    pub user_data: Option<UserData>,
    /// Until when the bootstrap token is good that the user data asks for; None where it asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_until: Option<Timestamp>,
    /// Bytes of a volume that is made from the image and that it boots from; None boots from the host's disk.
    pub boot_volume: Option<i64>,
    /// The server group that it belongs to, by name or id.
    pub server_group: Option<Name>,
    /// The mark by which it is known again.
    pub created: Created,
    /// What its node is to look like.
    pub node: NodeShape,
}

/// What a server runs at its first boot. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct UserData(Name);

impl UserData {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The same with a value for a variable.
    pub fn filled(&self, variable: &str, value: &str) -> Self {
        Self(self.0.replace(&format!("${{{variable}}}"), value).into())
    }
}

impl<T: Into<Name>> From<T> for UserData {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} bytes)", self.0.len())
    }
}

/// A bootstrap token, `id.secret`. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Name);

impl Token {
    /// The token of this id and secret.
    pub fn new(id: &str, secret: &str) -> Self {
        Self(format!("{id}.{secret}").into())
    }

    /// The whole, for the one who is to be let in by it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_it_was_written_and_nothing_else_is_one() {
        for cluster in [None, Some(Name::from("0b1f"))] {
            let made = Created { cluster, policy: "shop".into(), pool: "burst".into(), at: Timestamp::UNIX_EPOCH };
            let metadata = BTreeMap::from([(Name::from(keys::CREATED), made.to_metadata())]);
            let server = Server { metadata, ..Server::default() };
            assert_eq!(Created::of(&server), Some(made));
        }
        for text in ["", "pool=burst", "pool=burst policy=shop at=yesterday", "policy=shop at=1970-01-01T00:00:00Z"] {
            let metadata = BTreeMap::from([(Name::from(keys::CREATED), Name::from(text))]);
            assert_eq!(Created::of(&Server { metadata, ..Server::default() }), None, "{text}");
        }
        assert_eq!(Created::of(&Server::default()), None);
    }

    #[test]
    fn what_was_made_for_another_cluster_is_not_ours() {
        let made = |cluster: Option<&str>| Created {
            cluster: cluster.map(Name::from),
            policy: "shop".into(),
            pool: "burst".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let (here, there) = (Name::from("here"), Name::from("there"));
        assert!(made(Some("here")).is_for(Some(&here)) && !made(Some("here")).is_for(Some(&there)));
        assert!(made(None).is_for(Some(&here)) && made(Some("here")).is_for(None));
    }
}
