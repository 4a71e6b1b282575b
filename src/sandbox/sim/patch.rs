//! Patches of nodes, and what is remembered.

use std::sync::Arc;

use super::state::Sim;
use super::touched::Touch;
use crate::cluster::{ClusterError, NodePatch, keys};
use crate::model::{Change, Condition, ConditionStatus, Labels, Memory, Name, Node, SUSPENDED, Taint, TaintEffect};

impl Sim {
    /// Patches a node: all of it or nothing.
    ///
    /// # Errors
    /// The node is not there, or has another UID.
    pub fn patch_node(&mut self, name: &Name, patch: &NodePatch) -> Result<Node, ClusterError> {
        let node = self.world.nodes.get(name).ok_or_else(|| ClusterError::NotFound(format!("node {name}")))?;
        if !patch.uid.is_empty() && patch.uid != node.uid {
            return Err(ClusterError::Conflict(format!("node {name}")));
        }
        let mut node = (**node).clone();
        node.labels = patched(&node.labels, &patch.labels);
        node.annotations = patched(&node.annotations, &patch.annotations);
        // What was deleted is made again by the first patch (H24).
        node.annotations = patched(&node.annotations, &[(keys::DELETED.into(), None)].into());
        node.taints.retain(|taint| !patch.remove_taints.contains(taint));
        node.taints.extend(patch.add_taints.iter().cloned());
        if let Some(unschedulable) = patch.unschedulable {
            let key = "node.kubernetes.io/unschedulable".into();
            let taint = Taint { key, value: "".into(), effect: TaintEffect::NoSchedule };
            node.unschedulable = unschedulable;
            if unschedulable {
                node.taints.insert(taint);
            } else {
                node.taints.remove(&taint);
            }
        }
        self.put_node(node);
        self.settle();
        self.node(name).ok_or_else(|| ClusterError::NotFound(format!("node {name}")))
    }

    /// Sets the Node condition `Suspended`, or takes it away.
    ///
    /// # Errors
    /// The node is not there.
    pub fn suspend_node(&mut self, name: &Name, suspended: bool) -> Result<Node, ClusterError> {
        let node = self.world.nodes.get(name).ok_or_else(|| ClusterError::NotFound(format!("node {name}")))?;
        let mut node = (**node).clone();
        let there = node.condition(SUSPENDED).is_some();
        if suspended && !there {
            let at = Some(self.now);
            let (kind, status) = (SUSPENDED.into(), ConditionStatus::True);
            node.conditions.push(Condition { kind, status, heartbeat: at, transition: at });
        } else if !suspended {
            node.conditions.retain(|condition| &*condition.kind != SUSPENDED);
        }
        self.put_node(node);
        self.node(name).ok_or_else(|| ClusterError::NotFound(format!("node {name}")))
    }

    /// Writes the memory down.
    pub fn remember(&mut self, memory: &Memory) {
        self.touched.note(Touch::Memory);
        self.world.apply(Change::Memory(memory.clone()));
    }
}

fn patched(labels: &Labels, patch: &std::collections::BTreeMap<Name, Option<Name>>) -> Labels {
    if patch.is_empty() {
        return labels.clone();
    }
    let mut labels = (**labels).clone();
    for (key, value) in patch {
        match value {
            Some(value) => drop(labels.insert(key.clone(), value.clone())),
            None => drop(labels.remove(key)),
        }
    }
    Arc::new(labels)
}
