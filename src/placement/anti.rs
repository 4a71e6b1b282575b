//! Required anti-affinity of the pods that are placed: where it keeps others away.

use std::collections::BTreeMap;

use crate::model::{Labels, Name, Node, Pod, PodSpec, PodTerm};

/// Terms in force, each with the domains that pods carrying it are in.
#[derive(Clone, Debug, Default)]
pub struct AntiTerms {
    terms: BTreeMap<(Name, PodTerm), BTreeMap<Name, i64>>,
    namespaces: BTreeMap<Name, Labels>,
}

impl AntiTerms {
    /// None yet; `namespaces` gives the labels for terms that select namespaces.
    pub fn new(namespaces: BTreeMap<Name, Labels>) -> Self {
        Self { terms: BTreeMap::new(), namespaces }
    }

    /// A pod of `namespace` with `spec` came to (or left) `node`. A node without the topology label is in no domain.
    pub fn account(&mut self, namespace: &Name, spec: &PodSpec, node: &Node, comes: bool) {
        for term in spec.affinity.iter().flat_map(|affinity| &affinity.anti) {
            let Some(domain) = node.labels.get(&term.topology_key) else { continue };
            let key = (namespace.clone(), term.clone());
            let domains = self.terms.entry(key.clone()).or_default();
            let count = domains.entry(domain.clone()).or_insert(0);
            *count += if comes { 1 } else { -1 };
            if *count == 0 {
                domains.remove(domain);
            }
            if domains.is_empty() {
                self.terms.remove(&key);
            }
        }
    }

    /// The terms that mean `pod`.
    pub fn against<'a>(&'a self, pod: &Pod) -> Vec<Against<'a>> {
        let meant = self.terms.iter().filter(|((namespace, term), _)| self.means(namespace, term, pod));
        meant.map(|((_, term), domains)| Against { key: &term.topology_key, domains }).collect()
    }

    /// A namespace whose labels are not known counts as selected: in doubt it fits less.
    fn means(&self, own: &Name, term: &PodTerm, pod: &Pod) -> bool {
        let namespace = &pod.key.namespace;
        let by_name = term.namespaces.contains(namespace)
            || (term.namespaces.is_empty() && term.namespace_selector.is_none() && own == namespace);
        let by_label = || {
            let selector = term.namespace_selector.as_ref();
            selector
                .is_some_and(|selector| self.namespaces.get(namespace).is_none_or(|labels| selector.matches(labels)))
        };
        (by_name || by_label()) && term.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels))
    }
}

/// One term that means a pod.
pub struct Against<'a> {
    key: &'a Name,
    domains: &'a BTreeMap<Name, i64>,
}

impl Against<'_> {
    /// Whether it keeps the pod off `node`.
    pub fn bars(&self, node: &Node) -> bool {
        node.labels.get(self.key).and_then(|domain| self.domains.get(domain)).is_some_and(|count| *count > 0)
    }
}
