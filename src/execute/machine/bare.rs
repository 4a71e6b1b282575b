//! A node of which only the server is left: neither its Node object nor the record of what it had is there (H24).

use jiff::Timestamp;

use super::act::{Act, TroubleKind};
use super::coming::Coming;
use super::course::{Course, PATIENCE, Way};
use super::desk::Desk;
use crate::cluster::NodePatch;
use crate::execute::event::EventKind;
use crate::model::World;
use crate::plan::Verb;

impl Course {
    /// Whether a server is to be woken whose Node is not there, and which is ours by the policy or by its own metadata.
    pub(super) fn bare(&self, desk: &Desk, world: &World) -> bool {
        self.step(Verb::Wake).is_some() && !world.nodes.contains_key(&self.node) && self.adopted(desk, world)
    }

    /// A patch that changes nothing makes the Node again where a record of it turns up after all. Where none does its server
    /// is woken all the same: its kubelet registers it. Where nobody can tell it stays asleep until somebody can: without its
    /// taints it would take pods that it must not.
    pub(super) fn mark_bare(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        let act = Act::Patch { node: self.node.clone(), patch: NodePatch::default() };
        let answer = self.perform(desk, act, PATIENCE, now);
        let node = &self.node;
        match answer {
            None | Some(Ok(_)) => Way::Coming(Coming::Mark),
            Some(Err(trouble)) if trouble.kind == TroubleKind::NotFound => {
                let text = format!(
                    "neither Node {node} nor the record of what it had is there, and its server is ours: it is woken, and its kubelet \
                     registers it anew; labels, annotations and taints that it had from elsewhere are to be set again"
                );
                desk.tell(self.event(EventKind::Warning, now, text));
                self.go(desk, Way::Coming(Coming::Wake))
            }
            Some(Err(trouble)) => {
                let why = format!(
                    "Node {node} is not there, and whether a record of what it had is kept cannot be read: {}; it is not woken without \
                     its labels and taints, and the next run tries again",
                    trouble.text
                );
                self.stay(desk, now, &why)
            }
        }
    }
}
