//! A node that is repaired: its kubelet is silent, so nothing is drained; its server goes, and comes back if it is restarted.

use jiff::Timestamp;

use super::coming::Coming;
use super::course::{Course, Way};
use super::deleting::Deleting;
use super::desk::Desk;
use super::leaving::{Leaving, somebody};
use super::parking::Parking;
use super::returning::Returning;
use crate::cluster::NodeMark;
use crate::model::{Pod, ServerState, World};
use crate::plan::{Code, Verb};

impl Course {
    /// Whether its node is repaired.
    pub(super) fn mends(&self) -> bool {
        self.steps.iter().any(|step| step.reason.code == Code::Repair)
    }

    /// Where it is already: Ready by itself, or on its way up by an execution that was cut short. None if it is to begin.
    pub(super) fn look_before_mending(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        let ready = world.nodes.get(&self.node).is_some_and(|node| node.ready());
        match self.mark(world) {
            None if ready => Some(self.done(desk, now)),
            Some(NodeMark::Waking) if self.step(Verb::Wake).is_some() => Some(self.turn_round(desk, now)),
            _ => self.recovered(desk, world, now),
        }
    }

    /// A node that became Ready before anything was asked of the provider is given back.
    pub(super) fn recovered(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        let node = world.nodes.get(&self.node).filter(|node| self.mends() && node.ready())?;
        let runs = |state, idle| idle && matches!(state, ServerState::Active | ServerState::Unknown);
        let asked = world.server_of(node).is_some_and(|server| !runs(server.state, server.task.is_none()));
        if asked {
            return None;
        }
        let why = format!("{} is Ready again", self.node);
        self.give_up(desk, now, false, None, &why);
        Some(self.go(desk, Way::Returning(Returning::new(why))))
    }

    /// The server goes if Kubernetes has given up all on the node that anybody waits for (H12).
    pub(super) fn mend(&mut self, pods: &[Pod], desk: &mut Desk, now: Timestamp) -> Way {
        if let Some(pod) = pods.iter().find(|pod| somebody(pod) && !pod.terminating()) {
            let why = format!("Kubernetes has not given up {} on {}", pod.key, self.node);
            return self.fail(desk, now, Some(&pod.key), &why);
        }
        let end = if self.deletes() {
            Leaving::Delete(Deleting::Mark)
        } else if self.step(Verb::Wake).is_some() {
            Leaving::Park(Parking::Mark)
        } else {
            // What stays parked would keep its volumes from everybody.
            Leaving::LastVolumes
        };
        self.go(desk, Way::Leaving(end))
    }

    /// It is parked, and woken again.
    pub(super) fn turn_round(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        self.close_before(desk, Verb::Wake, now);
        self.go(desk, Way::Coming(Coming::Look))
    }
}
