//! Changes: a site that takes them one by one is the site built anew.

use std::sync::Arc;

use super::class::Likeness;
use super::index::NodeIx;
use super::room::{Placed, RoomState};
use super::site::Site;
use super::tile::Tile;
use super::volumes::Volumes;
use crate::model::{Change, Node, Pod, World};

impl Site {
    /// Takes one change into `world` and into the site, which was built from it or has followed it since. A what-if ends
    /// with it: marks mean nothing any more, and a node that changes is neither opened nor closed by the simulation.
    ///
    /// A pod's change costs what its terms cost; a node's, what the pods on it do; one of storage looks at every pod, and so
    /// does one of a namespace's labels.
    pub fn apply(&mut self, world: &mut World, change: Change) {
        self.settle();
        let mut storage = false;
        match &change {
            Change::Pod(pod) => {
                let old = world.pods.get(&pod.key);
                if old.is_none_or(|old| !indifferent(old, pod)) {
                    // What such a pod gets is decided anew, as if all had come in the order of their names.
                    storage =
                        [old.map(|old| &**old), Some(pod)].into_iter().flatten().any(|pod| self.volumes.waits(pod));
                    if let Some(old) = old {
                        self.leave(old);
                    }
                    self.come(pod);
                }
            }
            Change::PodGone(key) => {
                if let Some(old) = world.pods.get(key) {
                    storage = self.volumes.waits(old);
                    self.leave(old);
                }
            }
            Change::Node(node) => match self.at(&node.name) {
                Some(at) => self.renew_node(at, node),
                None => {
                    self.new_node(world, node);
                    storage = true;
                }
            },
            Change::NodeGone(name) => {
                if let Some(at) = self.at(name) {
                    self.vacate(at);
                    self.remove_node(at);
                    storage = true;
                }
            }
            Change::Workload(workload) => self.employ(workload),
            Change::WorkloadGone(kind, key) => {
                if let Some(old) = world.workloads.get(&(kind.clone(), key.clone())) {
                    self.owners.remove(&old.uid);
                }
            }
            // Of many objects nothing is told that is new and counts here: provisioners write them all the time.
            Change::Claim(claim) => storage = world.claims.get(&claim.key) != Some(claim),
            Change::PersistentVolume(volume) => storage = world.volumes.get(&volume.name) != Some(volume),
            Change::StorageClass(class) => storage = world.classes.get(&class.name) != Some(class),
            Change::CsiNode(node) => storage = world.csi_nodes.get(&node.name) != Some(node),
            Change::CsiDriver(driver) => storage = world.csi_drivers.get(&driver.name) != Some(driver),
            Change::StorageCapacity(room) => storage = world.capacities.get(&room.key) != Some(room),
            Change::ClaimGone(_)
            | Change::PersistentVolumeGone(_)
            | Change::StorageClassGone(_)
            | Change::CsiNodeGone(_)
            | Change::CsiDriverGone(_)
            | Change::StorageCapacityGone(_) => storage = true,
            Change::Service(service) => self.serve(service),
            Change::ServiceGone(key) => drop(self.services.remove(key)),
            Change::VolumeAttachment(attachment) => {
                if let Some(old) = world.attachments.get(&attachment.name) {
                    self.volumes.attachment(old, false);
                }
                self.volumes.attachment(attachment, true);
            }
            Change::VolumeAttachmentGone(name) => {
                if let Some(old) = world.attachments.get(name) {
                    self.volumes.attachment(old, false);
                }
            }
            Change::Budget(_)
            | Change::Webhooks(_)
            | Change::WebhooksGone(..)
            | Change::BudgetGone(_)
            | Change::Server(_)
            | Change::ServerGone(_)
            | Change::Flavor(_)
            | Change::Quota(_)
            | Change::Namespace(..)
            | Change::NamespaceGone(_)
            | Change::Lease(..)
            | Change::LeaseGone(_)
            | Change::Memory(_) => {}
        }
        world.apply(change);
        if world.namespaces != self.namespaces {
            // Any term that selects namespaces may now mean other pods: too rare to follow one by one.
            let enforced = self.enforced.take();
            *self = Self { enforced, ..Self::new(world) };
        } else if storage {
            self.volumes = Volumes::of(world);
        }
    }

    fn come(&mut self, pod: &Pod) {
        if pod.finished() {
            return;
        }
        let class = self.learn(&Likeness::of(pod));
        match &pod.node {
            Some(node) => {
                if let Some(at) = self.at(node) {
                    drop(self.settle_pod(at, class, pod));
                }
            }
            None => self.nominate(pod),
        }
    }

    fn leave(&mut self, pod: &Pod) {
        if pod.finished() {
            return;
        }
        match (&pod.node, &pod.nominated_node) {
            (Some(node), _) => {
                if let Some(at) = self.at(node) {
                    drop(self.fetch_pod(at, pod));
                }
            }
            (None, Some(node)) => {
                if let Some(room) = self.at(node).and_then(|at| self.room_mut(at)) {
                    room.nominees.retain(|nominee| nominee.key != pod.key);
                }
            }
            (None, None) => {}
        }
    }

    /// A node of the site has changed.
    fn renew_node(&mut self, at: NodeIx, node: &Node) {
        let Some(room) = self.room_mut(at) else { return };
        let old = std::mem::replace(&mut room.node, Arc::new(node.clone()));
        let state = RoomState::of(node);
        if old.labels == node.labels {
            // The same domains: what is there stays counted.
            self.set_state(at, state);
            return;
        }
        room.node = old;
        let placed = self.vacate(at);
        let Some(room) = self.rooms.get_mut(at.at()).map(Arc::make_mut) else { return };
        (room.node, room.state) = (Arc::new(node.clone()), state);
        let kind = super::account::kind(&mut self.kinds, &mut self.classes, room);
        let tile = Tile::of(room, kind);
        if let Some(slot) = self.tiles.get_mut(at.at()) {
            *slot = tile;
        }
        self.topology.settle(at, Some(&node.labels));
        self.rescope(at);
        placed.into_iter().for_each(|placed| self.put(at, placed));
    }

    /// A node came. Pods may have been bound to it before anybody saw it.
    fn new_node(&mut self, before: &World, node: &Node) {
        let at = self.add_node(Arc::new(node.clone()));
        for pod in before.pods_on(&node.name).filter(|pod| !pod.finished()) {
            let class = self.learn(&Likeness::of(pod));
            self.put(at, Placed { class, labels: pod.labels.clone(), spec: pod.spec.clone() });
        }
        for pod in before.pods.values().filter(|pod| pod.nominated_node.as_ref() == Some(&node.name)) {
            self.nominate(pod);
        }
    }

    /// Takes every pod off a node and the node out of every scope; the pods.
    pub(super) fn vacate(&mut self, at: NodeIx) -> Vec<Placed> {
        let Some(room) = self.rooms.get(at.at()) else { return Vec::new() };
        let placed = room.placed.clone();
        for pod in &placed {
            self.take_placed(at, pod);
        }
        self.descope(at);
        placed
    }

    /// Forgets a node that was vacated.
    pub(super) fn remove_node(&mut self, at: NodeIx) {
        let Some(room) = self.rooms.get_mut(at.at()).map(Arc::make_mut) else { return };
        room.nominees.clear();
        self.index.remove(&room.node.name);
        self.order.retain(|other| *other != at);
        self.topology.settle(at, None);
        self.vacant.push(at);
    }
}

/// Whether nothing that placement looks at differs.
fn indifferent(old: &Pod, new: &Pod) -> bool {
    let state = |pod: &Pod| (pod.finished(), pod.terminating());
    old.node == new.node
        && old.nominated_node == new.nominated_node
        && state(old) == state(new)
        && old.labels == new.labels
        && old.spec == new.spec
}
