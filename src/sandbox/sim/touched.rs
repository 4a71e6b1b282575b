//! Which objects changed, in the order of their last change: what a watch would deliver.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Change, Name, PodKey, WorkloadKind, World};

/// An object that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Touch {
    Node(Name),
    Pod(PodKey),
    Budget(PodKey),
    Workload(WorkloadKind, PodKey),
    Attachment(Name),
    Claim(PodKey),
    Volume(Name),
    CsiNode(Name),
    Server(Name),
    Memory,
}

/// Each object that ever changed, with the number of its last change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Touched {
    next: u64,
    order: BTreeMap<u64, Touch>,
    last: BTreeMap<Touch, u64>,
}

/// How it is written down.
#[derive(Serialize, Deserialize)]
struct Kept {
    next: u64,
    order: Vec<(u64, Touch)>,
}

impl From<Touched> for Kept {
    fn from(touched: Touched) -> Self {
        Self { next: touched.next, order: touched.order.into_iter().collect() }
    }
}

impl From<Kept> for Touched {
    fn from(kept: Kept) -> Self {
        let last = kept.order.iter().map(|(at, touch)| (touch.clone(), *at)).collect();
        Self { next: kept.next, order: kept.order.into_iter().collect(), last }
    }
}

impl Touched {
    /// Notes a change.
    pub fn note(&mut self, touch: Touch) {
        self.next += 1;
        if let Some(old) = self.last.insert(touch.clone(), self.next) {
            self.order.remove(&old);
        }
        self.order.insert(self.next, touch);
    }

    /// The number of the last change.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// What changed after `position`, as it is now in `world`.
    pub fn since(&self, position: u64, world: &World) -> Vec<Change> {
        self.order.range(position.saturating_add(1)..).map(|(_, touch)| change(touch, world)).collect()
    }
}

fn change(touch: &Touch, world: &World) -> Change {
    match touch.clone() {
        Touch::Node(name) => match world.nodes.get(&name) {
            Some(node) => Change::Node((**node).clone()),
            None => Change::NodeGone(name),
        },
        Touch::Pod(key) => match world.pods.get(&key) {
            Some(pod) => Change::Pod((**pod).clone()),
            None => Change::PodGone(key),
        },
        Touch::Budget(key) => match world.budgets.get(&key) {
            Some(budget) => Change::Budget((**budget).clone()),
            None => Change::BudgetGone(key),
        },
        Touch::Workload(kind, key) => match world.workloads.get(&(kind.clone(), key.clone())) {
            Some(workload) => Change::Workload((**workload).clone()),
            None => Change::WorkloadGone(kind, key),
        },
        Touch::Attachment(name) => match world.attachments.get(&name) {
            Some(attachment) => Change::VolumeAttachment(attachment.clone()),
            None => Change::VolumeAttachmentGone(name),
        },
        Touch::Claim(key) => match world.claims.get(&key) {
            Some(claim) => Change::Claim(claim.clone()),
            None => Change::ClaimGone(key),
        },
        Touch::Volume(name) => match world.volumes.get(&name) {
            Some(volume) => Change::PersistentVolume(volume.clone()),
            None => Change::PersistentVolumeGone(name),
        },
        Touch::CsiNode(name) => match world.csi_nodes.get(&name) {
            Some(csi) => Change::CsiNode(csi.clone()),
            None => Change::CsiNodeGone(name),
        },
        Touch::Server(id) => match world.servers.get(&id) {
            Some(server) => Change::Server((**server).clone()),
            None => Change::ServerGone(id),
        },
        Touch::Memory => Change::Memory(world.memory.clone()),
    }
}
