//! Bookkeeping: what a pod that comes or goes, and a node that changes, does to counters and tiles.

use std::sync::Arc;

use super::class::{Classes, Likeness};
use super::index::{ClassIx, KindIx, NodeIx};
use super::kind::Kinds;
use super::room::{Placed, Room, RoomState};
use super::scope::Scope;
use super::site::Site;
use super::tile::Tile;
use super::topology::Topology;

impl Site {
    /// A pod comes to `at`.
    pub(super) fn put(&mut self, at: NodeIx, placed: Placed) {
        self.count(at, placed.class, 1);
        if let Some(room) = self.room_mut(at) {
            room.add(placed);
        }
        self.retile(at);
    }

    /// A pod like this leaves `at`. None if there is none.
    pub(super) fn take(&mut self, at: NodeIx, class: ClassIx, pod: &Likeness<'_>) -> Option<Placed> {
        let placed = self.room_mut(at)?.take(class, pod)?;
        self.count(at, class, -1);
        self.retile(at);
        Some(placed)
    }

    /// This pod leaves `at`.
    pub(super) fn take_placed(&mut self, at: NodeIx, placed: &Placed) -> Option<Placed> {
        let namespace = self.classes.get(placed.class)?.namespace.clone();
        let likeness =
            Likeness { namespace: &namespace, labels: &placed.labels, spec: &placed.spec, terminating: false };
        self.take(at, placed.class, &likeness)
    }

    /// The node is like this from now on; how it was before.
    pub(super) fn set_state(&mut self, at: NodeIx, state: RoomState) -> Option<RoomState> {
        let room = Arc::make_mut(self.rooms.get_mut(at.at())?);
        let old = std::mem::replace(&mut room.state, state);
        if old.taints != room.state.taints {
            self.tiles.get_mut(at.at())?.kind = kind(&mut self.kinds, &mut self.classes, room);
        }
        self.retile(at);
        self.rescope(at);
        Some(old)
    }

    /// Works the numbers of a tile out again.
    pub(super) fn retile(&mut self, at: NodeIx) {
        if let (Some(room), Some(tile)) = (self.rooms.get(at.at()), self.tiles.get_mut(at.at())) {
            *tile = Tile::of(room, tile.kind);
        }
    }

    /// So many pods of `class` more on `at`, for every counter that they move.
    fn count(&mut self, at: NodeIx, class: ClassIx, pods: i64) {
        let Some(class) = self.classes.get(class) else { return };
        for ix in &class.moves {
            let Some(counter) = self.counters.get_mut(*ix) else { continue };
            let scope = counter.subject.scope.map(|scope| self.scopes.get(scope));
            let counts = scope.is_none_or(|scope| scope.is_some_and(|scope| scope.has(at)));
            if let Some(domain) = self.topology.domain(counter.subject.key, at).filter(|_| counts) {
                counter.add(domain, pods);
            }
        }
    }

    /// Puts a node that changed into the scopes that it belongs to now, and out of the others.
    pub(super) fn rescope(&mut self, at: NodeIx) {
        self.scope_again(at, |scope, room, topology| scope.admits(room, at, topology));
    }

    /// Takes a node out of every scope.
    pub(super) fn descope(&mut self, at: NodeIx) {
        self.scope_again(at, |_, _, _| false);
    }

    fn scope_again(&mut self, at: NodeIx, admits: impl Fn(&Scope, &Room, &Topology) -> bool) {
        let Some(room) = self.rooms.get(at.at()) else { return };
        for scope in self.scopes.iter_mut() {
            let member = admits(scope, room, &self.topology);
            if !scope.set(at, member) {
                continue;
            }
            for ix in &scope.counters {
                let Some(counter) = self.counters.get_mut(*ix) else { continue };
                let Some(domain) = self.topology.domain(counter.subject.key, at) else { continue };
                let moved =
                    |placed: &&Placed| self.classes.get(placed.class).is_some_and(|class| class.moves.contains(ix));
                let pods = i64::try_from(room.placed.iter().filter(moved).count()).unwrap_or(i64::MAX);
                if member {
                    counter.admit(domain, true);
                    counter.add(domain, pods);
                } else {
                    counter.add(domain, -pods);
                    counter.admit(domain, false);
                }
            }
        }
    }
}

/// The kind of a node, made if it is the first of its kind.
pub fn kind(kinds: &mut Kinds, classes: &mut Classes, room: &Room) -> KindIx {
    let (kind, new) = kinds.of(&room.node.labels, &room.state.taints);
    if new {
        classes.forget_rows();
    }
    kind
}
