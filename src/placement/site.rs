//! The free room of every node, with what-if.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::account::kind;
use super::class::{Classes, Likeness};
use super::counter::Counters;
use super::index::{ClassIx, NodeIx};
use super::kind::Kinds;
use super::node_rules::term_matches;
use super::room::{Nominee, Placed, Room, RoomState};
use super::scope::Scopes;
use super::tile::Tile;
use super::topology::Topology;
use super::volumes::{Moved, Volumes};
use crate::model::{Labels, Name, Node, NodeTerm, Pod, PodKey, Selector, Service, Workload, WorkloadKind, World};

/// The nodes with their free room at one point of a simulation.
///
/// A pod's own `spec.nodeName` is no condition: the question is always about it, or its replacement, being placed anew.
/// Who asks about a pod that is placed lifts it first. Finished pods use nothing: placing or lifting one changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Shared with copies of the site until one of them changes a room.
    pub(super) rooms: Vec<Arc<Room>>,
    pub(super) tiles: Vec<Tile>,
    pub(super) index: BTreeMap<Name, NodeIx>,
    /// By name: the order in which ties are decided.
    pub(super) order: Vec<NodeIx>,
    /// Places of nodes that are gone.
    pub(super) vacant: Vec<NodeIx>,
    pub(super) kinds: Kinds,
    pub(super) classes: Classes,
    pub(super) counters: Counters,
    pub(super) scopes: Scopes,
    pub(super) topology: Topology,
    pub(super) namespaces: BTreeMap<Name, Labels>,
    /// Selectors of the workloads whose pods the scheduler spreads by default, by UID.
    pub(super) owners: BTreeMap<Name, Selector>,
    /// What Services select, by their key.
    pub(super) services: BTreeMap<PodKey, Selector>,
    pub(super) volumes: Volumes,
    pub(super) enforced: Option<Vec<NodeTerm>>,
    /// Nodes with a pod that could not be read.
    pub(super) unread: BTreeSet<Name>,
    pub(super) undo: Vec<Undo>,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

/// How to take one change back.
#[derive(Clone, Debug)]
pub enum Undo {
    /// It came, with its volumes.
    Lift(NodeIx, Placed, Option<Box<Moved>>),
    /// It went, with its volumes.
    Place(NodeIx, Placed, Option<Box<Moved>>),
    /// The node was like this.
    State(NodeIx, RoomState),
}

impl Site {
    /// The room as it is: bound pods that are not finished use it; terminating pods still do. A pending pod that was
    /// promised a node holds room there against pods of lower priority.
    pub fn new(world: &World) -> Self {
        let (namespaces, volumes) = (world.namespaces.clone(), Volumes::new(world));
        let unread = world.unread.keys().cloned().collect();
        let mut site = Self { namespaces, volumes, unread, ..Self::default() };
        for pod in world.pods.values() {
            site.classes.ask(&pod.spec);
            site.kinds.ask(&pod.spec);
        }
        for workload in world.workloads.values() {
            site.employ(workload);
        }
        world.services.values().for_each(|service| site.serve(service));
        for node in world.nodes.values() {
            site.add_node(node.clone());
        }
        let mut last: Option<(&Arc<Pod>, ClassIx)> = None;
        for pod in world.pods.values().filter(|pod| !pod.finished()) {
            let twin = last.filter(|(other, _)| twins(other, pod)).map(|(_, class)| class);
            let class = twin.unwrap_or_else(|| site.learn(&Likeness::of(pod)));
            last = Some((pod, class));
            match &pod.node {
                Some(node) => {
                    if let Some(at) = site.at(node) {
                        drop(site.settle_pod(at, class, pod));
                    }
                }
                None => site.nominate(pod),
            }
        }
        site
    }

    /// Puts `pod` on `node`, whether it fits or not. An unknown node is no error: bound pods may name one.
    pub fn place(&mut self, pod: &Pod, node: &str) {
        let Some(at) = self.at(node).filter(|_| !pod.finished()) else { return };
        let class = self.learn(&Likeness::of(pod));
        let (placed, moved) = self.settle_pod(at, class, pod);
        self.undo.push(Undo::Lift(at, placed, moved));
    }

    /// Takes `pod`, or one that equals it, off `node`. Nothing happens if there is none.
    pub fn lift(&mut self, pod: &Pod, node: &str) {
        let Some(at) = self.at(node).filter(|_| !pod.finished()) else { return };
        if let Some((placed, moved)) = self.fetch_pod(at, pod) {
            self.undo.push(Undo::Place(at, placed, moved));
        }
    }

    /// A pod of `class` comes to `at`, with its volumes.
    pub(super) fn settle_pod(&mut self, at: NodeIx, class: ClassIx, pod: &Pod) -> (Placed, Option<Box<Moved>>) {
        let placed = Placed { class, labels: pod.labels.clone(), spec: pod.spec.clone() };
        self.put(at, placed.clone());
        let moved = self.rooms.get(at.at()).and_then(|room| self.volumes.place(pod, &room.node));
        (placed, moved)
    }

    /// A pod, or one that equals it, leaves `at`, with its volumes. None if there is none.
    pub(super) fn fetch_pod(&mut self, at: NodeIx, pod: &Pod) -> Option<(Placed, Option<Box<Moved>>)> {
        let likeness = Likeness::of(pod);
        let class = self.classes.find(&likeness)?;
        let placed = self.take(at, class, &likeness)?;
        let moved = self.rooms.get(at.at()).and_then(|room| self.volumes.lift(pod, &room.node));
        Some((placed, moved))
    }

    /// From now on `node` takes no pod (it is going, or cordoned). It stays a domain of spreads, as a kept Node does.
    pub fn close(&mut self, node: &str) {
        self.change(node, |state| RoomState { closed: true, ..state.clone() });
    }

    /// From now on `node` takes pods again, as a Ready and uncordoned node does: the taints of passing conditions are
    /// gone, those that the node is meant to have stay, and what is bound to it still uses it.
    pub fn open(&mut self, node: &str) {
        self.change(node, RoomState::opened);
    }

    /// A node that does not exist yet comes, with nothing on it. Not undone by [`Site::roll_back`].
    pub fn join(&mut self, node: Node) {
        if self.at(&node.name).is_none() {
            self.add_node(Arc::new(node));
        }
    }

    /// Forgets a node that had joined, with what is on it. Points to go back to from before it joined hold, others mean
    /// nothing any more.
    pub fn part(&mut self, node: &str) {
        if let Some(at) = self.at(node) {
            self.vacate(at);
            self.remove_node(at);
        }
    }

    /// The volume that is free and goes to this claim, which waited for a pod that was placed.
    pub fn promised(&self, claim: &PodKey) -> Option<&Name> {
        self.volumes.promised(claim)
    }

    /// Whether pods that are going from `node`, or that `pod` may push out there, are all that is in its way: what the
    /// scheduler waits for that promised it the node. False too if it fits as it is.
    pub fn makes_room(&mut self, world: &World, pod: &Pod, node: &str) -> bool {
        let lower = |other: &Pod| !pod.spec.never_preempts && other.spec.priority < pod.spec.priority;
        self.gives_way(world, pod, node, |other| other.terminating() || lower(other))
    }

    /// Whether those of the pods on `node` that `goes` says are all that is in the way of `pod` there.
    pub fn gives_way(&mut self, world: &World, pod: &Pod, node: &str, goes: impl Fn(&Pod) -> bool) -> bool {
        if self.fits(pod, node) {
            return false;
        }
        let mark = self.mark();
        world.pods_on(node).filter(|other| goes(other)).for_each(|other| self.lift(other, node));
        let fits = self.mark() != mark && self.fits(pod, node);
        self.roll_back(mark);
        fits
    }

    /// Remembers this point.
    pub fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Undoes everything since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            match self.undo.pop() {
                Some(Undo::Lift(at, placed, moved)) => {
                    self.take_placed(at, &placed);
                    moved.into_iter().for_each(|moved| self.volumes.take_back(*moved));
                }
                Some(Undo::Place(at, placed, moved)) => {
                    self.put(at, placed);
                    moved.into_iter().for_each(|moved| self.volumes.take_back(*moved));
                }
                Some(Undo::State(at, state)) => drop(self.set_state(at, state)),
                None => return,
            }
        }
    }

    /// Everything since then is for good: marks taken before mean nothing any more.
    pub fn settle(&mut self) {
        self.undo.clear();
    }

    /// From now on every pod needs a node that one of `terms` matches, beside its own: what a scheduler's configuration
    /// adds to all pods (`addedAffinity` of NodeAffinity). Not undone by [`Site::roll_back`].
    pub fn enforce(&mut self, terms: Vec<NodeTerm>) {
        self.enforced = Some(terms);
    }

    /// Whether the scheduler's configuration lets any pod onto this node.
    pub(super) fn enforced(&self, node: &Node) -> bool {
        self.enforced.as_ref().is_none_or(|terms| terms.iter().any(|term| term_matches(term, node)))
    }

    /// Makes later questions about pods like this one fast, and changes no answer. Pods of the world that the site was
    /// built from are known.
    pub fn know(&mut self, pod: &Pod) {
        self.learn(&Likeness::of(pod));
    }

    fn change(&mut self, node: &str, new: impl Fn(&RoomState) -> RoomState) {
        let Some(at) = self.at(node) else { return };
        let Some(state) = self.rooms.get(at.at()).map(|room| new(&room.state)) else { return };
        if let Some(old) = self.set_state(at, state) {
            self.undo.push(Undo::State(at, old));
        }
    }

    /// A pending pod holds the room that was promised to it.
    pub(super) fn nominate(&mut self, pod: &Pod) {
        let node = pod.nominated_node.as_ref().filter(|_| pod.node.is_none() && !pod.finished());
        if let Some(room) = node.and_then(|node| self.at(node)).and_then(|at| self.room_mut(at)) {
            room.nominees.push(Nominee::of(pod));
        }
    }

    /// Pods of such a workload are spread by default.
    pub(super) fn employ(&mut self, workload: &Workload) {
        use WorkloadKind::{ReplicaSet, ReplicationController, StatefulSet};
        if matches!(workload.kind, ReplicaSet | ReplicationController | StatefulSet) {
            match &workload.selector {
                Some(selector) => {
                    if self.classes.ask_selector(selector) {
                        self.reclass();
                    }
                    self.owners.insert(workload.uid.clone(), selector.clone());
                }
                None => drop(self.owners.remove(&workload.uid)),
            }
        }
    }

    /// Pods of a Service are spread by default. Their classes are not parted by its labels: Services of single pods, as
    /// some databases have them, would make as many classes.
    pub(super) fn serve(&mut self, service: &Service) {
        match &service.selector {
            Some(selector) => drop(self.services.insert(service.key.clone(), selector.clone())),
            None => drop(self.services.remove(&service.key)),
        }
    }

    pub(super) fn at(&self, node: &str) -> Option<NodeIx> {
        self.index.get(node).copied()
    }

    pub(super) fn room(&self, at: NodeIx) -> Option<&Room> {
        self.rooms.get(at.at()).map(|room| &**room)
    }

    pub(super) fn room_mut(&mut self, at: NodeIx) -> Option<&mut Room> {
        self.rooms.get_mut(at.at()).map(Arc::make_mut)
    }

    /// A node that was not there.
    pub(super) fn add_node(&mut self, node: Arc<Node>) -> NodeIx {
        let at = self.vacant.pop().unwrap_or(NodeIx::new(self.rooms.len()));
        let (name, labels) = (node.name.clone(), node.labels.clone());
        let room = Room { unread: self.unread.contains(&name), ..Room::empty(node) };
        let kind = kind(&mut self.kinds, &mut self.classes, &room);
        let tile = Tile::of(&room, kind);
        match (self.rooms.get_mut(at.at()), self.tiles.get_mut(at.at())) {
            (Some(old_room), Some(old_tile)) => (*old_room, *old_tile) = (Arc::new(room), tile),
            _ => {
                self.rooms.push(Arc::new(room));
                self.tiles.push(tile);
            }
        }
        let place = self.order.partition_point(|other| self.room(*other).is_some_and(|room| room.node.name < name));
        self.order.insert(place, at);
        self.index.insert(name, at);
        self.topology.settle(at, Some(&labels));
        self.rescope(at);
        at
    }
}

/// Whether two pods are of one class at a glance.
pub(super) fn twins(one: &Pod, other: &Pod) -> bool {
    Arc::ptr_eq(&one.spec, &other.spec)
        && Arc::ptr_eq(&one.labels, &other.labels)
        && one.key.namespace == other.key.namespace
        && one.terminating() == other.terminating()
}
