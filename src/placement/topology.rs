//! Domains: which nodes share a value of a label.

use std::collections::BTreeMap;

use super::index::{DomainIx, KeyIx, NodeIx};
use crate::model::{Labels, Name};

/// The domain of every node for every label that a term names.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    keys: BTreeMap<Name, KeyIx>,
    maps: Vec<Domains>,
}

#[derive(Clone, Debug)]
struct Domains {
    label: Name,
    values: BTreeMap<Name, DomainIx>,
    of: Vec<Option<DomainIx>>,
}

impl Domains {
    fn settle(&mut self, node: NodeIx, labels: Option<&Labels>) {
        let domain = labels.and_then(|labels| labels.get(&self.label)).map(|value| {
            let next = DomainIx::new(self.values.len());
            *self.values.entry(value.clone()).or_insert(next)
        });
        if self.of.len() <= node.at() {
            self.of.resize(node.at() + 1, None);
        }
        if let Some(slot) = self.of.get_mut(node.at()) {
            *slot = domain;
        }
    }
}

impl Topology {
    /// The number of `label`. `nodes` are asked for it when it is new.
    pub fn key<'a>(&mut self, label: &Name, nodes: impl Iterator<Item = (NodeIx, &'a Labels)>) -> KeyIx {
        if let Some(known) = self.keys.get(label) {
            return *known;
        }
        let key = KeyIx::new(self.maps.len());
        let mut domains = Domains { label: label.clone(), values: BTreeMap::new(), of: Vec::new() };
        nodes.for_each(|(node, labels)| domains.settle(node, Some(labels)));
        self.keys.insert(label.clone(), key);
        self.maps.push(domains);
        key
    }

    /// The node has these labels from now on; None if it is gone.
    pub fn settle(&mut self, node: NodeIx, labels: Option<&Labels>) {
        self.maps.iter_mut().for_each(|map| map.settle(node, labels));
    }

    /// The label of a number.
    pub fn label(&self, key: KeyIx) -> Option<&Name> {
        self.maps.get(key.at()).map(|map| &map.label)
    }

    /// Every value that a node has or had, with its domain.
    pub fn values(&self, key: KeyIx) -> impl Iterator<Item = (&Name, DomainIx)> {
        let map = self.maps.get(key.at());
        map.into_iter().flat_map(|map| &map.values).map(|(value, domain)| (value, *domain))
    }

    /// The domain that `node` is in; None without the label.
    pub fn domain(&self, key: KeyIx, node: NodeIx) -> Option<DomainIx> {
        self.maps.get(key.at())?.of.get(node.at()).copied().flatten()
    }
}
