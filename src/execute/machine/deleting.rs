//! The end of a server that is not kept: destroyed, seen to be gone, and then its Node.

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, TroubleKind};
use super::course::{Course, PATIENCE, Way};
use super::desk::{Desk, Gate, later};
use super::leaving::Leaving;
use super::marking;
use crate::cluster::{NodeMark, NodeRecord};
use crate::execute::event::EventKind;
use crate::model::{ServerState, World};
use crate::plan::Verb;

/// A server must be gone so long after the request.
const GONE: SignedDuration = SignedDuration::from_mins(10);

/// How far the destruction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleting {
    /// The record on the node says that its server goes for good.
    Mark,
    /// The provider is asked.
    Ask,
    /// It accepted; since when.
    Watch(Timestamp),
    /// The server is gone; its Node follows.
    Node,
}

impl Course {
    /// Whether its server is destroyed in the end.
    pub(super) fn deletes(&self) -> bool {
        self.step(Verb::Delete).is_some()
    }

    /// Whether its node was in use: drained first, or silent.
    fn in_use(&self) -> bool {
        self.step(Verb::Drain).is_some() || self.mends()
    }

    /// Whether its server goes in the end, kept or not.
    pub(super) fn ends_server(&self) -> bool {
        self.deletes() || self.step(Verb::Park).is_some()
    }

    /// What was to be destroyed without a drain, or was begun before: where it is now. None where there is a node to drain.
    pub(super) fn look_before_deleting(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        let node = world.nodes.get(&self.node);
        let (there, gone) = (node.is_some(), !self.has_server(world));
        if !there && gone {
            return Some(self.done(desk, now));
        }
        let mark = node.and_then(|node| NodeRecord::of(node).ok().flatten()).map(|record| record.mark);
        let told = self.in_use() && (!there || mark == Some(NodeMark::Deleting));
        if told && (gone || self.server_goes(world) || !there) {
            self.begin(desk, Verb::Delete, now, format!("the server of {} was told to go already", self.node));
            let phase = if gone { Deleting::Node } else { Deleting::Watch(now) };
            return Some(self.go(desk, Way::Leaving(Leaving::Delete(phase))));
        }
        if self.in_use() {
            return None;
        }
        let busy = world.pods_on(&self.node).find(|pod| !pod.daemon() && !pod.mirror() && !pod.finished());
        if let Some(pod) = busy {
            let why = format!("{} is on {} now", pod.key, self.node);
            return Some(self.stay(desk, now, &why));
        }
        if node.is_some_and(|node| node.ready()) && !gone {
            let why = format!("{} has joined meanwhile", self.node);
            return Some(self.stay(desk, now, &why));
        }
        let frozen = self.settings(desk).is_some_and(|settings| settings.frozen(now).is_some());
        if desk.stopping() || frozen {
            self.give_up(desk, now, false, None, if frozen { "a freeze is open" } else { "interrupted" });
            return Some(self.go(desk, Way::Ended));
        }
        match self.gate(desk, Verb::Delete) {
            Gate::Later => return Some(Way::Leaving(Leaving::Look)),
            Gate::Never(why) => {
                self.give_up(desk, now, false, None, &why);
                return Some(self.go(desk, Way::Ended));
            }
            Gate::Open => {}
        }
        Some(self.go(desk, Way::Leaving(Leaving::Delete(Deleting::Ask))))
    }

    fn has_server(&self, world: &World) -> bool {
        self.server(world)
            .or_else(|| self.made(world).map(|(server, _)| server.id.clone()))
            .is_some_and(|id| world.servers.get(&id).is_some_and(|server| server.state != ServerState::Deleted))
    }

    fn server_goes(&self, world: &World) -> bool {
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        server.is_some_and(|server| server.task.as_deref().is_some_and(|task| task.contains("delet")))
    }

    pub(super) fn delete(&mut self, phase: Deleting, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if phase == Deleting::Mark {
            return self.mark_deleting(desk, world, now);
        }
        if phase == Deleting::Ask && !self.busy() && self.in_use() {
            if self.free()
                && let Some(way) = self.taken_back(desk, world, now)
            {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
        }
        if phase == Deleting::Ask {
            desk.forget(&self.pool, &self.node);
            self.begin(desk, Verb::Delete, now, format!("deleting the server of {}", self.node));
        }
        let told = matches!(phase, Deleting::Watch(_) | Deleting::Node);
        match self.destroy(phase, desk, world, now) {
            Ok(phase) => Way::Leaving(Leaving::Delete(phase)),
            Err(None) => {
                let unkept = desk.memory.nodes.contains_key(&self.node);
                if unkept {
                    *desk.remember(&self.node) = Default::default();
                }
                self.done(desk, now)
            }
            // What was not told to go runs on, and is given back.
            Err(Some(why)) if !told && self.record(world).is_some() => self.fail(desk, now, None, &why),
            Err(Some(why)) => self.fail_in_place(desk, now, &why),
        }
    }

    fn mark_deleting(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !self.busy() {
            if let Some(way) = self.taken_back(desk, world, now) {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
        }
        let node = world.nodes.get(&self.node);
        let record = node.and_then(|node| NodeRecord::of(node).ok().flatten());
        let Some((node, record)) = node.zip(record) else {
            let why = format!("our mark is gone from {}", self.node);
            return self.fail(desk, now, None, &why);
        };
        let act = Act::Patch { node: self.node.clone(), patch: marking::condemn(node, record) };
        match self.perform(desk, act, PATIENCE, now) {
            None => Way::Leaving(Leaving::Delete(Deleting::Mark)),
            Some(Ok(_)) => self.go(desk, Way::Leaving(Leaving::Delete(Deleting::Ask))),
            Some(Err(trouble)) => {
                let why = format!("{} could not be marked: {}", self.node, trouble.text);
                self.fail(desk, now, None, &why)
            }
        }
    }

    /// Goes on destroying server and Node. An error is the end: without words it is done.
    pub(super) fn destroy(
        &mut self,
        phase: Deleting,
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
    ) -> Result<Deleting, Option<String>> {
        match phase {
            Deleting::Mark | Deleting::Ask => self.ask_to_destroy(desk, world, now),
            Deleting::Watch(since) => self.watch_destruction(since, desk, world, now),
            Deleting::Node => self.destroy_node(desk, world, now),
        }
    }

    fn next(&mut self, desk: &mut Desk, phase: Deleting) -> Result<Deleting, Option<String>> {
        // Only to have it looked at again in this round.
        self.go(desk, Way::Ended);
        Ok(phase)
    }

    fn ask_to_destroy(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Result<Deleting, Option<String>> {
        let made = self.made(world).map(|(server, _)| server.id.clone());
        let adopts = self.settings(desk).is_some_and(|settings| settings.adopt);
        let Some(server) = made.clone().or_else(|| self.server(world)).filter(|id| world.servers.contains_key(id))
        else {
            return self.next(desk, Deleting::Node);
        };
        if made.is_none() && !adopts {
            return Err(Some(format!(
                "the server of {} carries no mark of Tidegate's, so it is not deleted",
                self.node
            )));
        }
        match self.perform(desk, Act::DeleteServer { node: self.node.clone(), server }, PATIENCE, now) {
            None => Ok(Deleting::Ask),
            Some(Ok(_)) => self.next(desk, Deleting::Watch(now)),
            Some(Err(trouble)) if trouble.kind == TroubleKind::NotFound => self.next(desk, Deleting::Node),
            Some(Err(trouble)) if trouble.kind == TroubleKind::WrongState => {
                desk.tell(self.event(EventKind::StepProgress, now, trouble.text));
                self.next(desk, Deleting::Watch(now))
            }
            Some(Err(trouble)) => Err(Some(format!("the server of {} was not deleted: {}", self.node, trouble.text))),
        }
    }

    fn watch_destruction(
        &mut self,
        since: Timestamp,
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
    ) -> Result<Deleting, Option<String>> {
        let made = self.made(world).map(|(server, _)| server.id.clone());
        let server = made.or_else(|| self.server(world)).and_then(|id| world.servers.get(&id));
        let Some(server) = server.filter(|server| server.state != ServerState::Deleted) else {
            return self.next(desk, Deleting::Node);
        };
        let deadline = later(since, GONE);
        if now >= deadline {
            return Err(Some(format!("the server of {} was not gone {GONE:#} after it was deleted", self.node)));
        }
        desk.wake_at(deadline);
        match self.look_at_server(server.id.clone(), desk, now) {
            Some(trouble) => {
                Err(Some(format!("the server of {} is told to go, and not seen: {}", self.node, trouble.text)))
            }
            None => Ok(Deleting::Watch(since)),
        }
    }

    fn destroy_node(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Result<Deleting, Option<String>> {
        let Some(node) = world.nodes.get(&self.node) else {
            return if self.busy() { Ok(Deleting::Node) } else { Err(None) };
        };
        let act = Act::DeleteNode { node: self.node.clone(), uid: node.uid.clone() };
        match self.perform(desk, act, PATIENCE, now) {
            None => Ok(Deleting::Node),
            Some(Ok(_)) => Err(None),
            Some(Err(trouble)) if trouble.kind == TroubleKind::NotFound => Err(None),
            Some(Err(trouble)) => {
                Err(Some(format!("the server of {} is deleted, its Node is not: {}", self.node, trouble.text)))
            }
        }
    }
}
