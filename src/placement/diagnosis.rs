//! Why a pod is pending, as the scheduler's event says it.

use std::collections::BTreeMap;
use std::fmt;

use super::ask::{Asked, extras};
use super::node_rules::named_nodes;
use super::resources::{left, missing};
use super::site::Site;
use super::{Plugin, Unfit};
use crate::model::{Name, Pod, PodKey};

/// How many nodes say no for which reason. A node counts with the reasons of the first filter that refuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Nodes that there are.
    pub nodes: usize,
    /// Nodes that would take the pod.
    pub takers: Vec<Name>,
    /// Why no node was asked at all.
    pub refused: Option<String>,
    /// Nodes by reason, in the scheduler's words.
    pub counts: BTreeMap<String, u32>,
}

impl Site {
    /// The reasons of the first filter that keeps `pod` off `node`: what the scheduler reports of that node. The resource
    /// filter gives all of its reasons, the others one.
    pub fn refusal(&self, pod: &Pod, node: &str) -> Vec<Unfit> {
        first_refusal(self.unfit(pod, node))
    }

    /// By how much `pod` asks for more than `node` has left: resource and amount (millicores, bytes or units), at most all
    /// that it asks for.
    pub fn missing(&self, pod: &Pod, node: &str) -> Vec<(Name, i64)> {
        let room = self.at(node).and_then(|at| self.room(at));
        room.map(|room| missing(&pod.spec, room, &extras(room, pod))).unwrap_or_default()
    }

    /// What `node` has left of a resource, and what it has in all: millicores, bytes or units. None of an unknown node.
    pub fn left(&self, node: &str, resource: &Name) -> Option<(i64, i64)> {
        let room = self.at(node).and_then(|at| self.room(at))?;
        Some(left(room, resource))
    }

    /// Pending pods that were promised `node` and hold room there against `pod`.
    pub fn nominees<'s>(&'s self, pod: &Pod, node: &str) -> Vec<&'s PodKey> {
        let room = self.at(node).and_then(|at| self.room(at));
        room.map(|room| extras(room, pod).into_iter().map(|nominee| &nominee.key).collect()).unwrap_or_default()
    }

    /// Why `pod` is pending, over all nodes.
    pub fn diagnosis(&self, pod: &Pod) -> Diagnosis {
        self.ask(pod, |site, asked| site.diagnosed(asked))
    }

    fn diagnosed(&self, asked: &Asked<'_>) -> Diagnosis {
        let named = named_nodes(&asked.pod.spec);
        let conflict = named.as_ref().is_some_and(|named| named.is_empty());
        let before = asked.refused.iter().find(|unfit| unfit.plugin() == Plugin::PreFilter);
        let refused = conflict.then(|| "pod affinity terms conflict".to_owned());
        let mut diagnosis = Diagnosis {
            nodes: self.order.len(),
            takers: Vec::new(),
            refused: refused.or_else(|| before.map(Unfit::scheduler_text)),
            counts: BTreeMap::new(),
        };
        if diagnosis.refused.is_some() {
            return diagnosis;
        }
        for at in &self.order {
            let Some(name) = self.room(*at).map(|room| &room.node.name) else { continue };
            let mut count = |text: String| *diagnosis.counts.entry(text).or_insert(0) += 1;
            if named.as_ref().is_some_and(|named| !named.contains(name)) {
                count("node(s) didn't satisfy plugin(s) [NodeAffinity]".to_owned());
                continue;
            }
            let mut reasons = self.reasons(asked, *at);
            reasons.retain(|reason| reason.plugin() != Plugin::Ours);
            let reasons = first_refusal(reasons);
            reasons.iter().map(Unfit::scheduler_text).for_each(&mut count);
            if reasons.is_empty() {
                diagnosis.takers.push(name.clone());
            }
        }
        diagnosis
    }
}

/// The reasons of the first filter.
fn first_refusal(mut reasons: Vec<Unfit>) -> Vec<Unfit> {
    if let Some(plugin) = reasons.first().map(Unfit::plugin) {
        reasons.retain(|reason| reason.plugin() == plugin);
        reasons.truncate(if plugin.gives_several() { usize::MAX } else { 1 });
    }
    reasons
}

impl fmt::Display for Diagnosis {
    /// The scheduler's message, without what it says of preemption: `0/3 nodes are available: 1 Insufficient cpu, 2 …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} nodes are available", self.takers.len(), self.nodes)?;
        // Sorted as texts, numbers and all, as the scheduler does.
        let mut parts: Vec<String> = self.counts.iter().map(|(text, count)| format!("{count} {text}")).collect();
        parts.sort();
        match &self.refused {
            Some(refused) => write!(f, ": {refused}."),
            None if parts.is_empty() => Ok(()),
            None => write!(f, ": {}.", parts.join(", ")),
        }
    }
}
