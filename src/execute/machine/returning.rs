//! A node that gets its old place again: uncordoned if the cordon is ours, and without a mark of ours.

use jiff::Timestamp;

use super::act::Act;
use super::course::{Course, LONG_PATIENCE, Way};
use super::desk::Desk;
use super::tidying::Tidy;
use crate::cluster::{NodeMark, NodePatch, NodeRecord, keys};
use crate::execute::event::EventKind;
use crate::model::{Node, World};

/// Why it goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returning {
    /// In words, after `given back: `.
    pub why: String,
    /// The patch was sent.
    pub sent: bool,
    /// What is ours outside of the marks goes first: they say that there is something.
    pub tidy: Tidy,
}

impl Returning {
    /// About to go back.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), sent: false, tidy: Tidy::default() }
    }
}

impl Course {
    /// Takes our marks off and ends.
    pub(super) fn go_back(&mut self, mut phase: Returning, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let found = world.nodes.get(&self.node).map(|node| (node, NodeRecord::of(node)));
        let (node, record) = match found {
            Some((node, Ok(Some(record)))) => (node, record),
            Some((_, Err(text))) => {
                desk.tell(self.event(EventKind::Warning, now, text));
                return self.go(desk, Way::Ended);
            }
            None | Some((_, Ok(None))) if self.busy() => return Way::Returning(phase),
            // Nothing of ours is on it, or not any more.
            None | Some((_, Ok(None))) => return self.is_back(&phase, desk, now),
        };
        phase.tidy = self.tidy(phase.tidy, desk, world, now);
        if phase.tidy != Tidy::Done {
            return Way::Returning(phase);
        }
        let act = Act::Patch { node: self.node.clone(), patch: give_back(node, &record) };
        match self.perform(desk, act, LONG_PATIENCE, now) {
            None => {
                phase.sent = true;
                Way::Returning(phase)
            }
            Some(Ok(_)) => self.is_back(&phase, desk, now),
            Some(Err(trouble)) => {
                let text = format!("{} carries our mark still: {}", self.node, trouble.text);
                desk.tell(self.event(EventKind::Warning, now, text));
                self.go(desk, Way::Ended)
            }
        }
    }

    fn is_back(&mut self, phase: &Returning, desk: &mut Desk, now: Timestamp) -> Way {
        if phase.sent {
            desk.tally.given_back += 1;
            let text = format!("{} given back: {}", self.node, phase.why);
            desk.tell(self.event(EventKind::GivenBack, now, text));
        }
        self.go(desk, Way::Ended)
    }
}

/// The patch that undoes everything that the record says we did. The cordon is ours unless the node was only chosen
/// to go later.
pub fn give_back(node: &Node, record: &NodeRecord) -> NodePatch {
    NodePatch {
        uid: node.uid.clone(),
        unschedulable: (record.mark != NodeMark::Leaving).then_some(false),
        labels: record.labels.iter().map(|label| (label.clone(), None)).collect(),
        annotations: record.annotations.iter().cloned().chain([keys::RECORD.into()]).map(|key| (key, None)).collect(),
        remove_taints: record.taints.clone(),
        ..NodePatch::default()
    }
}
