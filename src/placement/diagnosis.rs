//! Why a pod is pending, as the scheduler's event says it.

use std::collections::BTreeMap;
use std::fmt;

use super::node_rules::named_nodes;
use super::site::Site;
use super::{Plugin, Unfit};
use crate::model::{Name, Pod};

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
        let mut reasons = self.unfit(pod, node);
        if let Some(plugin) = reasons.first().map(Unfit::plugin) {
            let several = plugin.gives_several();
            let mut given = 0;
            reasons.retain(|reason| {
                given += u32::from(reason.plugin() == plugin);
                reason.plugin() == plugin && (several || given == 1)
            });
        }
        reasons
    }

    /// Why `pod` is pending, over all nodes.
    pub fn diagnosis(&self, pod: &Pod) -> Diagnosis {
        let named = named_nodes(&pod.spec);
        let conflict = named.as_ref().is_some_and(|named| named.is_empty());
        let mut diagnosis = Diagnosis {
            nodes: self.order.len(),
            takers: Vec::new(),
            refused: conflict.then(|| "pod affinity terms conflict".to_owned()),
            counts: BTreeMap::new(),
        };
        let names = self.order.iter().filter_map(|at| self.room(*at)).map(|room| &room.node.name);
        for name in names.filter(|_| !conflict) {
            if named.as_ref().is_some_and(|named| !named.contains(name)) {
                let text = "node(s) didn't satisfy plugin(s) [NodeAffinity]".to_owned();
                *diagnosis.counts.entry(text).or_insert(0) += 1;
                continue;
            }
            let reasons = self.refusal(pod, name);
            if let Some(reason) = reasons.first().filter(|reason| reason.plugin() == Plugin::PreFilter) {
                diagnosis.refused = Some(reason.to_string());
                diagnosis.counts.clear();
                break;
            }
            if reasons.is_empty() {
                diagnosis.takers.push(name.clone());
            }
            for reason in reasons {
                *diagnosis.counts.entry(reason.scheduler_text()).or_insert(0) += 1;
            }
        }
        diagnosis
    }
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
            None if parts.is_empty() => write!(f, ":"),
            None => write!(f, ": {}.", parts.join(", ")),
        }
    }
}
