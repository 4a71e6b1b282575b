//! The whole state as a value, so that a long history need not be replayed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::Record;
use super::replica::Set;
use super::state::{Event, Kubelet, Sim, waiting};
use super::tokens::Tokens;
use super::touched::Touched;
use crate::model::{Name, NodeShape, Snapshot, World};
use crate::sandbox::faults::Fault;

/// Everything of a [`Sim`] that is not computed from the rest. Taken between requests, when nothing is left to settle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    now: Timestamp,
    world: Snapshot,
    queue: Vec<(Timestamp, u64, Event)>,
    sequence: u64,
    born: u64,
    touched: Touched,
    sets: BTreeMap<Name, Set>,
    kubelets: BTreeMap<Name, Kubelet>,
    node_of: BTreeMap<Name, Name>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unborn: BTreeMap<Name, NodeShape>,
    #[serde(default, skip_serializing_if = "Tokens::is_empty")]
    tokens: Tokens,
    schedule: bool,
    faults: Vec<Fault>,
    struck: Vec<u32>,
    audit: Vec<Record>,
}

impl Sim {
    /// The state as a value.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            now: self.now,
            world: self.stored(),
            queue: self.queue.iter().map(|((at, sequence), event)| (*at, *sequence, event.clone())).collect(),
            sequence: self.sequence,
            born: self.born,
            touched: self.touched.clone(),
            sets: self.sets.clone(),
            kubelets: self.kubelets.clone(),
            node_of: self.node_of.clone(),
            unborn: self.unborn.clone(),
            tokens: self.tokens.clone(),
            schedule: self.schedule,
            faults: self.faults.clone(),
            struck: self.struck.clone(),
            audit: self.audit.clone(),
        }
    }

    /// Goes on from such a value.
    pub fn from_checkpoint(checkpoint: Checkpoint) -> Self {
        let queue = checkpoint.queue.into_iter().map(|(at, sequence, event)| ((at, sequence), event));
        let world = World::build(checkpoint.world);
        Self {
            now: checkpoint.now,
            pending: waiting(&world),
            world,
            queue: queue.collect(),
            sequence: checkpoint.sequence,
            born: checkpoint.born,
            touched: checkpoint.touched,
            sets: checkpoint.sets,
            kubelets: checkpoint.kubelets,
            node_of: checkpoint.node_of,
            unborn: checkpoint.unborn,
            tokens: checkpoint.tokens,
            dirty_sets: BTreeSet::new(),
            dirty_nodes: BTreeSet::new(),
            dirty_namespaces: BTreeSet::new(),
            schedule: checkpoint.schedule,
            room: None,
            faults: checkpoint.faults,
            struck: checkpoint.struck,
            audit: checkpoint.audit,
        }
    }
}
