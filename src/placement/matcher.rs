//! Which pods a term of affinity, anti-affinity or spread means.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Labels, Name, Operator, PodTerm, Requirement, Selector, Spread};

/// A term without its topology: namespaces and labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matcher {
    /// By name; the owner's own is filled in.
    pub namespaces: BTreeSet<Name>,
    /// By label.
    pub namespace_selector: Option<Selector>,
    /// None means no pod.
    pub selector: Option<Selector>,
}

impl Matcher {
    /// What `term` means in the mouth of a pod of `namespace` with `labels`.
    ///
    /// The API server writes `matchLabelKeys` and `mismatchLabelKeys` into the selector when a pod is made; a manifest
    /// that never passed through it is completed here.
    pub fn of(term: &PodTerm, namespace: &Name, labels: &BTreeMap<Name, Name>) -> Self {
        let mut namespaces = term.namespaces.clone();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.insert(namespace.clone());
        }
        let selector = term.selector.as_ref().map(|selector| {
            let mut merged = selector.clone();
            let keys = term.match_label_keys.iter().map(|key| (key, Operator::In));
            for (key, operator) in keys.chain(term.mismatch_label_keys.iter().map(|key| (key, Operator::NotIn))) {
                let merged_before = selector.requirements.iter().any(|one| one.key == *key);
                if let Some(value) = labels.get(key).filter(|_| !merged_before) {
                    merged.requirements.insert(equal(key, operator, value));
                }
            }
            merged
        });
        Self { namespaces, namespace_selector: term.namespace_selector.clone(), selector }
    }

    /// The pods that `spread` counts for a pod of `namespace` with `labels`: the scheduler merges `matchLabelKeys` each
    /// time, and a selector without conditions counts nobody there.
    pub fn counted(spread: &Spread, namespace: &Name, labels: &BTreeMap<Name, Name>) -> Self {
        let selector = merged(spread, labels).filter(|selector| !selector.requirements.is_empty());
        Self { namespaces: [namespace.clone()].into(), namespace_selector: None, selector }
    }

    /// Whether it means a pod of `namespace` with `labels`. `doubt` is the answer where a namespace is selected by labels
    /// that are not known.
    pub fn means(
        &self,
        namespace: &Name,
        labels: &BTreeMap<Name, Name>,
        namespaces: &BTreeMap<Name, Labels>,
        doubt: bool,
    ) -> bool {
        let by_label = |selector: &Selector| {
            selector.requirements.is_empty()
                || namespaces.get(namespace).map_or(doubt, |labels| selector.matches(labels))
        };
        (self.namespaces.contains(namespace) || self.namespace_selector.as_ref().is_some_and(by_label))
            && self.selector.as_ref().is_some_and(|selector| selector.matches(labels))
    }
}

/// Whether a pod with `labels` counts for its own spread.
pub fn counts_itself(spread: &Spread, labels: &BTreeMap<Name, Name>) -> bool {
    merged(spread, labels).is_some_and(|selector| selector.matches(labels))
}

/// Whether its selector has no condition. The scheduler counts nobody by such a one, but for the pods that it adds because
/// they were promised a node: to those it asks whether the selector matches.
pub fn counts_everyone(spread: &Spread, labels: &BTreeMap<Name, Name>) -> bool {
    merged(spread, labels).is_some_and(|selector| selector.requirements.is_empty())
}

fn merged(spread: &Spread, labels: &BTreeMap<Name, Name>) -> Option<Selector> {
    let mut selector = spread.selector.clone()?;
    let keys = spread.match_label_keys.iter().filter_map(|key| Some((key, labels.get(key)?)));
    selector.requirements.extend(keys.map(|(key, value)| equal(key, Operator::In, value)));
    Some(selector)
}

fn equal(key: &Name, operator: Operator, value: &Name) -> Requirement {
    Requirement { key: key.clone(), operator, values: [value.clone()].into() }
}
