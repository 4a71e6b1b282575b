//! Node kinds: nodes that no static rule can tell apart, and which classes may go to which kind.

use std::collections::{BTreeMap, BTreeSet};

use super::bits::Bits;
use super::index::KindIx;
use super::node_rules::{has_selected_labels, labels_hold, required, tolerated};
use crate::model::{Labels, Name, PodSpec, Taint};

/// Labels that somebody asks about, and taints that keep pods off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    labels: Labels,
    taints: Vec<Taint>,
}

/// All kinds, each once.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    asked: BTreeSet<Name>,
    all: Vec<Kind>,
    known: BTreeMap<Kind, KindIx>,
}

impl Kinds {
    /// Notes the node labels that `spec` asks about. True if one is new: then every kind must be found again.
    pub fn ask(&mut self, spec: &PodSpec) -> bool {
        let terms = required(spec).into_iter().flatten().flat_map(|term| &term.labels).map(|one| &one.key);
        let mut grown = false;
        for key in spec.node_selector.keys().chain(terms) {
            grown |= !self.asked.contains(key) && self.asked.insert(key.clone());
        }
        if grown {
            self.all.clear();
            self.known.clear();
        }
        grown
    }

    /// The kind of a node with these labels and hard taints, and whether it is new.
    pub fn of(&mut self, labels: &Labels, taints: &[Taint]) -> (KindIx, bool) {
        let asked = labels.iter().filter(|(key, _)| self.asked.contains(*key));
        let labels = Labels::new(asked.map(|(key, value)| (key.clone(), value.clone())).collect());
        let kind = Kind { labels, taints: taints.to_vec() };
        if let Some(known) = self.known.get(&kind) {
            return (*known, false);
        }
        let ix = KindIx::new(self.all.len());
        self.known.insert(kind.clone(), ix);
        self.all.push(kind);
        (ix, true)
    }

    /// Which kinds take a pod with `spec`, as far as labels and taints decide it. Terms that name nodes are left to whoever
    /// asks about a node.
    pub fn row(&self, spec: &PodSpec) -> Bits {
        Bits::collect(self.all.iter().map(|kind| takes(spec, kind)))
    }
}

fn takes(spec: &PodSpec, kind: &Kind) -> bool {
    has_selected_labels(spec, |key| kind.labels.get(key))
        && kind.taints.iter().all(|taint| tolerated(&spec.tolerations, taint))
        && required(spec).is_none_or(|terms| terms.iter().any(|term| labels_hold(term, &kind.labels)))
}
