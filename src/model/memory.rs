//! What plain observation forgets, carried from one decision to the next as a value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ByHand, Name, PodKey};

/// A drain that did not end well: it bars the node for a while, longer each time (H3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DrainFailure {
    /// The pod that did not go, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodKey>,
    /// Why, in words.
    pub why: String,
    /// Failures in a row.
    pub tries: u32,
    /// Not tried again before this.
    pub next: Timestamp,
}

/// A wake (or a create) that did not end well (H8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WakeFailure {
    /// Why, in words.
    pub why: String,
    /// Failures in a row.
    pub tries: u32,
    /// Not tried again before this.
    pub next: Timestamp,
}

/// What is remembered of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeMemory {
    /// Since when nothing has needed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unneeded_since: Option<Timestamp>,
    /// Since when it is parked by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked_since: Option<Timestamp>,
    /// The last failed drain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_failure: Option<DrainFailure>,
    /// The last failed wake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake_failure: Option<WakeFailure>,
    /// Given back while it waited for pods: not tried again before this (H18).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

impl NodeMemory {
    /// Nothing worth keeping.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is remembered of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PoolMemory {
    /// Members seen by the last decision: the measure for a vanished inventory.
    pub members: u32,
    /// Their names, to tell what vanished from what the policy gave up; an older version wrote none.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<Name>,
    /// Failed wakes in a row (H8: three make the pool broken). Those that fail while it backs off count for one.
    pub failed_wakes: u32,
    /// No wake before this, except by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_until: Option<Timestamp>,
    /// When it last grew for pods or headroom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grown: Option<Timestamp>,
    /// Since when headroom units are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headroom_short_since: Option<Timestamp>,
    /// What the provider refused to make: a flavor by its name, or what is bought of it in one zone and one way.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<Name, WakeFailure>,
    /// The last park durations, newest last, at most 32.
    pub park_times: Vec<SignedDuration>,
    /// The last wake durations until Ready, newest last, at most 32.
    pub wake_times: Vec<SignedDuration>,
}

impl PoolMemory {
    /// Three wakes in a row failed: something is wrong with the pool, not with a node (H8).
    pub fn broken(&self) -> bool {
        self.failed_wakes >= 3
    }
}

/// The last apply of a whole policy, as it was begun: one that found nothing to do too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Applied {
    /// When.
    pub at: Timestamp,
    /// Who, `user@host`.
    pub by: Name,
    /// The policy's name.
    pub policy: Name,
    /// The policy's digest.
    pub digest: Name,
    /// The commits that it was read at, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<Name>,
    /// Nodes that were to be up when it was done, by pool.
    pub wanted: BTreeMap<Name, u32>,
}

/// Everything remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Memory {
    /// When it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Timestamp>,
    /// When everything was last decided about: since then it was noted what nothing needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<Timestamp>,
    /// The last apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// By node; entries worth keeping only.
    pub nodes: BTreeMap<Name, NodeMemory>,
    /// By pool. Pools of the last policy that held any node: if the new one has none, that is an empty policy.
    pub pools: BTreeMap<Name, PoolMemory>,
    /// What people asked for by hand, by object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<ByHand>,
}
