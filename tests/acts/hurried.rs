//! A clock on which everything takes a sixtieth of its time, and a cluster over the network that is waited for by it.

use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tidegate::cluster::{Cluster, Evicted, NodePatch, Pending};
use tidegate::execute::Clock;
use tidegate::model::{Change, Memory, Name, Node, Pod, PodKey, Snapshot, VolumeAttachment};

/// Of its seconds in one.
pub const SPEED: u32 = 60;

#[derive(Clone, Copy)]
pub struct Quick {
    began: Instant,
    start: Timestamp,
}

impl Quick {
    pub fn start() -> Self {
        Self { began: Instant::now(), start: Timestamp::now() }
    }

    fn left(&self, until: Timestamp) -> Duration {
        Duration::try_from(until.duration_since(self.now())).unwrap_or_default() / SPEED
    }
}

impl Clock for Quick {
    fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(self.began.elapsed() * SPEED).unwrap()
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            while self.now() < until {
                tokio::time::sleep(self.left(until)).await;
            }
        })
    }
}

/// The cluster, which itself knows the wall's clock only.
pub struct Hurried<'a> {
    pub cluster: &'a dyn Cluster,
    pub clock: Quick,
}

impl Cluster for Hurried<'_> {
    fn observe(&self) -> Pending<'_, Snapshot> {
        Box::pin(async { Ok(Snapshot { taken: Some(self.clock.now()), ..self.cluster.observe().await? }) })
    }
    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>> {
        let left = SignedDuration::try_from(self.clock.left(until)).unwrap();
        self.cluster.changes(Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX))
    }
    fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
        self.cluster.node(name)
    }
    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
        self.cluster.pods_on(node)
    }
    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
        self.cluster.attachments_on(node)
    }
    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
        self.cluster.patch_node(name, patch)
    }
    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
        self.cluster.suspend_node(name, suspended)
    }
    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
        self.cluster.evict(pod, uid)
    }
    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
        self.cluster.delete_pod(pod, uid)
    }
    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
        self.cluster.delete_node(name, uid)
    }
    fn remember(&self, memory: &Memory) -> Pending<'_, ()> {
        self.cluster.remember(memory)
    }
}
