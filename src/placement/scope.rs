//! Scopes: the nodes that count for a hard topology spread.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::index::{CounterIx, KeyIx, NodeIx, ScopeIx};
use super::node_rules::{CORDON, selected, tolerated};
use super::room::Room;
use super::topology::Topology;
use crate::model::{Affinity, Name, NodeTerm, PodSpec, Spread, Toleration};

/// What a node must have to count: the labels of all constraints, and what the constraint's policies honour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Eligibility {
    /// Labels that must be there.
    pub keys: Arc<BTreeSet<KeyIx>>,
    wish: Option<Wish>,
    tolerations: Option<BTreeSet<Toleration>>,
}

/// What a pod asks of nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    selector: BTreeMap<Name, Name>,
    terms: Option<Vec<NodeTerm>>,
}

impl Eligibility {
    /// For `spread` of a pod with `spec`.
    pub fn of(spread: &Spread, spec: &PodSpec, keys: Arc<BTreeSet<KeyIx>>) -> Self {
        let terms = spec.affinity.as_ref().and_then(|affinity| affinity.node.clone());
        Self {
            keys,
            wish: spread.honor_affinity.then(|| Wish { selector: spec.node_selector.clone(), terms }),
            tolerations: spread.honor_taints.then(|| spec.tolerations.clone()),
        }
    }
}

/// A set of nodes, kept as they change.
#[derive(Clone, Debug)]
pub struct Scope {
    eligibility: Eligibility,
    /// The wish as a spec, for the rules that read one.
    wish: Option<PodSpec>,
    members: Vec<bool>,
    /// The counters that look at it.
    pub counters: Vec<CounterIx>,
}

impl Scope {
    fn new(eligibility: Eligibility) -> Self {
        let wish = eligibility.wish.clone().map(|wish| PodSpec {
            node_selector: wish.selector,
            affinity: Some(Affinity { node: wish.terms, ..Affinity::default() }),
            ..PodSpec::default()
        });
        Self { eligibility, wish, members: Vec::new(), counters: Vec::new() }
    }

    /// Whether `room` should be in it. Where the simulation closed a node, the taint of a cordon counts as there already.
    pub fn admits(&self, room: &Room, node: NodeIx, topology: &Topology) -> bool {
        let Eligibility { keys, tolerations, .. } = &self.eligibility;
        keys.iter().all(|key| topology.domain(*key, node).is_some())
            && self.wish.as_ref().is_none_or(|wish| selected(wish, &room.node.name, &room.node.labels))
            && tolerations.as_ref().is_none_or(|tolerations| {
                let cordon = room.state.closed.then_some(&*CORDON);
                room.state.taints.iter().chain(cordon).all(|taint| tolerated(tolerations, taint))
            })
    }

    /// Whether `node` is in it.
    pub fn has(&self, node: NodeIx) -> bool {
        self.members.get(node.at()).copied().unwrap_or(false)
    }

    /// Puts `node` in or out. True if that changed anything.
    pub fn set(&mut self, node: NodeIx, member: bool) -> bool {
        if self.members.len() <= node.at() {
            self.members.resize(node.at() + 1, false);
        }
        self.members.get_mut(node.at()).is_some_and(|slot| std::mem::replace(slot, member) != member)
    }
}

/// All scopes, each once.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    all: Vec<Scope>,
    known: BTreeMap<Eligibility, ScopeIx>,
}

impl Scopes {
    /// The scope of `eligibility`, and whether it is new (and empty).
    pub fn of(&mut self, eligibility: Eligibility) -> (ScopeIx, bool) {
        if let Some(known) = self.known.get(&eligibility) {
            return (*known, false);
        }
        let ix = ScopeIx::new(self.all.len());
        self.all.push(Scope::new(eligibility.clone()));
        self.known.insert(eligibility, ix);
        (ix, true)
    }

    /// One of them.
    pub fn get(&self, ix: ScopeIx) -> Option<&Scope> {
        self.all.get(ix.at())
    }

    /// One of them, to change it.
    pub fn get_mut(&mut self, ix: ScopeIx) -> Option<&mut Scope> {
        self.all.get_mut(ix.at())
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Scope> {
        self.all.iter_mut()
    }
}
