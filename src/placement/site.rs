//! The free room of every node, with what-if.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Unfit;
use super::anti::{Against, AntiTerms};
use super::filter;
use super::room::{Room, RoomState};
use super::score::least_allocated;
use super::volumes::{Moved, VolumeNeeds, Volumes};
use crate::model::{Name, Pod, PodKey, PodSpec, VolumeAttachment, World};

/// What keeps a pod from a node because of a pod that is there.
const ANOTHERS_ANTI_AFFINITY: Unfit = Unfit::NotModelled("another pod's required anti-affinity");

/// The nodes with their free room at one point of a simulation.
///
/// A pod's own `spec.nodeName` is no condition: the question is always about it, or its replacement, being placed anew.
/// Who asks about a pod that is placed lifts it first. Finished pods use nothing: placing or lifting one changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// By name, so that an index orders as a name does.
    rooms: Vec<Room>,
    index: BTreeMap<Name, usize>,
    anti: AntiTerms,
    volumes: Volumes,
    undo: Vec<Undo>,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

/// How to take one change back.
#[derive(Clone, Debug)]
enum Undo {
    Lift(usize, Name, Arc<PodSpec>, Option<Box<Moved>>),
    Place(usize, Name, Arc<PodSpec>, Option<Box<Moved>>),
    State(usize, RoomState),
}

impl Site {
    /// The room as it is: bound pods that are not finished use it; terminating pods still do.
    pub fn new(world: &World) -> Self {
        let rooms: Vec<Room> = world.nodes.values().map(|node| Room::empty(node.clone())).collect();
        let index = world.nodes.keys().cloned().zip(0..).collect();
        let (anti, volumes) = (AntiTerms::new(world.namespaces.clone()), Volumes::new(world));
        let mut site = Self { rooms, index, anti, volumes, undo: Vec::new() };
        for pod in world.pods.values() {
            if let Some(node) = &pod.node {
                site.place(pod, node);
            }
        }
        site.undo.clear();
        site
    }

    /// Why `pod` does not fit on `node`; empty if it fits. A node that is unknown or closed takes nothing.
    pub fn unfit(&self, pod: &Pod, node: &str) -> Vec<Unfit> {
        let Some(room) = self.room(node) else { return vec![Unfit::NodeName] };
        let mut reasons = self.unfit_modelled(pod, node);
        reasons.extend(filter::not_modelled(pod));
        if self.anti.against(pod).iter().any(|term| term.bars(&room.node)) {
            reasons.push(ANOTHERS_ANTI_AFFINITY);
        }
        reasons
    }

    /// Like [`Site::unfit`] without what is not modelled: what a simulated scheduler goes by. It may say yes where a real
    /// one says no.
    pub fn unfit_modelled(&self, pod: &Pod, node: &str) -> Vec<Unfit> {
        let Some(room) = self.room(node) else { return vec![Unfit::NodeName] };
        let mut reasons = filter::reasons(&pod.spec, room);
        reasons.extend(self.volumes.reasons(&self.volumes.needs(pod), &room.node).into_iter().map(Unfit::Volume));
        reasons
    }

    /// Whether `pod` fits on `node`: [`Site::unfit`] is empty.
    pub fn fits(&self, pod: &Pod, node: &str) -> bool {
        filter::not_modelled(pod).next().is_none()
            && self.room(node).is_some_and(|room| self.takes(pod, room, &self.asks(pod)))
    }

    /// The nodes that can take `pod`, in the order that the default scheduler prefers (least allocated first, then
    /// by name).
    pub fn homes(&self, pod: &Pod) -> Vec<Name> {
        if filter::not_modelled(pod).next().is_some() {
            return Vec::new();
        }
        let asks = self.asks(pod);
        self.in_order(pod, |room| self.takes(pod, room, &asks))
    }

    /// Like [`Site::homes`] by [`Site::unfit_modelled`].
    pub fn homes_modelled(&self, pod: &Pod) -> Vec<Name> {
        let needs = self.volumes.needs(pod);
        self.in_order(pod, |room| filter::fits(&pod.spec, room) && self.volumes.fits(&needs, &room.node))
    }

    /// The first of [`Site::homes`] for which `wanted` holds, without sorting the others.
    pub fn best_home(&self, pod: &Pod, wanted: impl Fn(&Name) -> bool) -> Option<Name> {
        if filter::not_modelled(pod).next().is_some() {
            return None;
        }
        let asks = self.asks(pod);
        let rooms = self.rooms.iter().filter(|room| wanted(&room.node.name) && self.takes(pod, room, &asks));
        // Of several with the highest score the first by name.
        let best = rooms.max_by_key(|room| (least_allocated(&pod.spec, room), Reverse(&room.node.name)));
        best.map(|room| room.node.name.clone())
    }

    fn in_order(&self, pod: &Pod, takes: impl Fn(&Room) -> bool) -> Vec<Name> {
        let rooms = self.rooms.iter().filter(|room| takes(room));
        let mut scored: Vec<_> =
            rooms.map(|room| (Reverse(least_allocated(&pod.spec, room)), &room.node.name)).collect();
        scored.sort_unstable();
        scored.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Puts `pod` on `node`, whether it fits or not. An unknown node is no error: bound pods may name one.
    pub fn place(&mut self, pod: &Pod, node: &str) {
        if let Some(at) = self.at(node).filter(|_| !pod.finished()) {
            self.account(at, &pod.key.namespace, &pod.spec, true);
            let moved = self.rooms.get(at).and_then(|room| self.volumes.place(pod, &room.node));
            self.undo.push(Undo::Lift(at, pod.key.namespace.clone(), pod.spec.clone(), moved));
        }
    }

    /// Takes `pod` off `node`. It must have been there.
    pub fn lift(&mut self, pod: &Pod, node: &str) {
        if let Some(at) = self.at(node).filter(|_| !pod.finished()) {
            self.account(at, &pod.key.namespace, &pod.spec, false);
            let moved = self.rooms.get(at).and_then(|room| self.volumes.lift(pod, &room.node));
            self.undo.push(Undo::Place(at, pod.key.namespace.clone(), pod.spec.clone(), moved));
        }
    }

    /// From now on `node` takes no pod (it is going, or cordoned).
    pub fn close(&mut self, node: &str) {
        self.change(node, |room| RoomState { closed: true, ..room.state.clone() });
    }

    /// From now on `node` takes pods again, as a Ready and uncordoned node does: the taints of passing conditions are
    /// gone, those that the node is meant to have stay, and what is bound to it still uses it.
    pub fn open(&mut self, node: &str) {
        self.change(node, Room::opened);
    }

    /// A VolumeAttachment came or went. Not undone by [`Site::roll_back`].
    pub fn attachment(&mut self, attachment: &VolumeAttachment, comes: bool) {
        self.volumes.attachment(attachment, comes);
    }

    /// The volume that is free and goes to this claim, which waited for a pod that was placed.
    pub fn promised(&self, claim: &PodKey) -> Option<&Name> {
        self.volumes.promised(claim)
    }

    /// Remembers this point.
    pub fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Undoes everything since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            match self.undo.pop() {
                Some(Undo::Lift(at, namespace, spec, moved)) => {
                    self.account(at, &namespace, &spec, false);
                    moved.into_iter().for_each(|moved| self.volumes.take_back(*moved));
                }
                Some(Undo::Place(at, namespace, spec, moved)) => {
                    self.account(at, &namespace, &spec, true);
                    moved.into_iter().for_each(|moved| self.volumes.take_back(*moved));
                }
                Some(Undo::State(at, state)) => {
                    if let Some(room) = self.rooms.get_mut(at) {
                        room.state = state;
                    }
                }
                None => return,
            }
        }
    }

    fn change(&mut self, node: &str, new: impl Fn(&Room) -> RoomState) {
        let Some(at) = self.at(node) else { return };
        if let Some(room) = self.rooms.get_mut(at) {
            let state = new(room);
            self.undo.push(Undo::State(at, std::mem::replace(&mut room.state, state)));
        }
    }

    fn account(&mut self, at: usize, namespace: &Name, spec: &PodSpec, comes: bool) {
        if let Some(room) = self.rooms.get_mut(at) {
            room.account(spec, if comes { 1 } else { -1 });
            self.anti.account(namespace, spec, &room.node, comes);
        }
    }

    fn at(&self, node: &str) -> Option<usize> {
        self.index.get(node).copied()
    }

    fn room(&self, node: &str) -> Option<&Room> {
        self.rooms.get(self.at(node)?)
    }

    fn asks(&self, pod: &Pod) -> (Vec<Against<'_>>, VolumeNeeds) {
        (self.anti.against(pod), self.volumes.needs(pod))
    }

    fn takes(&self, pod: &Pod, room: &Room, (against, needs): &(Vec<Against<'_>>, VolumeNeeds)) -> bool {
        filter::fits(&pod.spec, room)
            && !against.iter().any(|term| term.bars(&room.node))
            && self.volumes.fits(needs, &room.node)
    }
}
