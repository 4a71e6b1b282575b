//! The mark on a node that is ours for a while, and the record of what must be undone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Name, Node, Taint};

/// Names of what Tidegate writes on nodes.
pub mod keys {
    /// Annotation: the record, as JSON. Its presence means that the cordon is ours.
    pub const RECORD: &str = "tidegate.dev/record";
    /// Key in a server's metadata: the same record in few words. Providers allow neither a slash nor long values there.
    pub const SERVER_RECORD: &str = "tidegate_record";
    /// Key in the metadata of a server that Tidegate made: for which pool, by which policy, when. Only such servers are
    /// deleted, unless the pool adopts others.
    pub const CREATED: &str = "tidegate_created";
    /// Annotation on the Secret of a bootstrap token: the node that it was made for.
    pub const TOKEN_OF: &str = "tidegate.dev/token-of";
    /// Key in the metadata of a server that was not bought at the list price: `spot` or `reserved`.
    pub const CAPACITY_TYPE: &str = "tidegate_capacity_type";
    /// Annotation on what stands in for a Node that somebody deleted while its server was parked (H24); never in a cluster.
    pub const DELETED: &str = "tidegate.dev/deleted";
    /// Annotation by a person: this node stays as it is.
    pub const HOLD: &str = "tidegate.dev/hold";
    /// Annotation on a pod: do not disrupt.
    pub const DO_NOT_DISRUPT: &str = "tidegate.dev/do-not-disrupt";
    /// Taint (PreferNoSchedule) on nodes that will be drained later in the same plan (H14).
    pub const LEAVING: &str = "tidegate.dev/leaving";
    /// Label that takes a node out of load balancers (H15).
    pub const EXCLUDE_FROM_LOAD_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
}

/// What a node is to us while it carries our mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeMark {
    /// Chosen to go later in this plan: tainted, not cordoned.
    Leaving,
    /// Cordoned by us, being drained or about to be parked.
    Draining,
    /// Cordoned by us and parked.
    Parked,
    /// Being woken: still cordoned by us.
    Waking,
    /// Cordoned and drained by us, and its server is told to go for good, or gone.
    Deleting,
}

/// What we did to one node and must undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeRecord {
    /// How far we are.
    pub mark: NodeMark,
    /// Since when.
    pub since: Timestamp,
    /// The policy that asked for it.
    pub policy: Name,
    /// The pool.
    pub pool: Name,
    /// Labels that we set.
    #[serde(default)]
    pub labels: BTreeSet<Name>,
    /// Annotations that we set so that another owner leaves the node alone (H16).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<Name>,
    /// Taints that we added.
    #[serde(default)]
    pub taints: BTreeSet<Taint>,
    /// Extended resources it had when it was parked (H10).
    #[serde(default)]
    pub extended: BTreeMap<Name, i64>,
    /// CSI drivers it had then (H10).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub drivers: BTreeSet<Name>,
    /// Its `spec.providerID` then: what comes back must be the same machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<Name>,
    /// The zone its server was in then (H27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Name>,
}

impl NodeRecord {
    /// The record on a node. None if there is none; an unreadable one is an error in words, for the node is then
    /// somebody else's to mend.
    ///
    /// # Errors
    /// The annotation is there and is not a record.
    pub fn of(node: &Node) -> Result<Option<Self>, String> {
        match node.annotations.get(keys::RECORD) {
            None => Ok(None),
            Some(text) => serde_json::from_str(text)
                .map(Some)
                .map_err(|error| format!("annotation {} of node {} is not readable: {error}", keys::RECORD, node.name)),
        }
    }

    /// The value in the server's metadata: who parked it, in at most 255 characters.
    pub fn to_metadata(&self) -> Name {
        let text = format!("{}/{} since {}", self.policy, self.pool, self.since);
        text.chars().take(255).collect::<String>().into()
    }

    /// The annotation's value.
    pub fn to_annotation(&self) -> Name {
        serde_json::to_string(self).unwrap_or_default().into()
    }
}
