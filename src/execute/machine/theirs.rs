//! Whether a node that is on its way out has become somebody else's meanwhile: asked before each act that takes.

use jiff::Timestamp;

use super::course::{Course, Way};
use super::desk::Desk;
use super::returning::Returning;
use crate::cluster::NodeMark;
use crate::model::World;
use crate::plan::hold;

impl Course {
    /// Somebody holds the node, cordoned it before we did, uncordoned it or took our mark off: it is theirs now, and what
    /// is ours on it goes. A cordon that is theirs stays.
    pub(super) fn taken_back(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        if let Some(way) = self.cordoned_or_held(desk, world, now) {
            return Some(way);
        }
        let cordoned = world.nodes.get(&self.node).is_some_and(|node| node.unschedulable);
        if self.mark(world).is_some_and(|mark| mark == NodeMark::Leaving || cordoned) {
            return None;
        }
        let why = format!("somebody else took {} back: our mark or cordon is gone", self.node);
        self.give_up(desk, now, true, None, &why);
        Some(self.go(desk, Way::Returning(Returning::new(why))))
    }

    /// The part of it that can be told before the cordon is ours.
    pub(super) fn cordoned_or_held(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        if let Some(way) = self.recovered(desk, world, now) {
            return Some(way);
        }
        if let Some(why) = self.held(world) {
            self.give_up(desk, now, false, None, &why);
            return Some(self.go(desk, Way::Returning(Returning::new(why))));
        }
        // Ours comes in one patch with another mark.
        let cordoned = world.nodes.get(&self.node).is_some_and(|node| node.unschedulable);
        if cordoned && self.mark(world) == Some(NodeMark::Leaving) {
            let why = format!("{} was cordoned by somebody else meanwhile", self.node);
            self.give_up(desk, now, true, None, &why);
            return Some(self.go(desk, Way::Returning(Returning::new(why))));
        }
        None
    }

    /// That a person holds the node, and how far it is allows to leave it as it was: a server that is being parked is
    /// brought to its end, for half-way it helps nobody (H28).
    pub(super) fn held(&self, world: &World) -> Option<String> {
        let node = world.nodes.get(&self.node)?;
        let hold = hold(node)?;
        let gone = world.server_of(node).is_some_and(|server| server.task.is_some() || server.state.parked());
        (!gone).then(|| format!("{} is {}", self.node, hold.text))
    }
}
