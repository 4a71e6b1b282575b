//! The live cluster as the door that execution knows.

use jiff::Timestamp;

use super::client::Live;
use crate::cluster::{Cluster, Evicted, NodeNews, NodePatch, Pending};
use crate::model::{Change, Memory, Name, Node, Pod, PodKey, Snapshot, Token, VolumeAttachment};

impl Cluster for Live {
    fn observe(&self) -> Pending<'_, Snapshot> {
        Box::pin(Self::observe(self))
    }

    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>> {
        Box::pin(async move {
            let changes = self.follow_until(until).await?;
            Ok(changes.into_iter().map(|change| self.lay_over_change(change)).collect())
        })
    }

    fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
        let name = name.clone();
        Box::pin(async move {
            let Some(mut node) = self.read_node(&name).await? else { return Ok(self.stand_in(&name)) };
            self.lay_over(&mut node);
            Ok(Some(node))
        })
    }

    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
        let node = node.clone();
        Box::pin(async move { self.read_pods_on(&node).await })
    }

    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
        let node = node.clone();
        Box::pin(async move { self.read_attachments_on(&node).await })
    }

    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
        let (name, patch) = (name.clone(), patch.clone());
        Box::pin(async move { self.write_node(&name, &patch).await })
    }

    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
        let name = name.clone();
        Box::pin(async move { self.write_suspended(&name, suspended).await })
    }

    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
        let (pod, uid) = (pod.clone(), uid.clone());
        Box::pin(async move { self.ask_to_evict(&pod, &uid).await })
    }

    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
        let (pod, uid) = (pod.clone(), uid.clone());
        Box::pin(async move { self.ask_to_delete(&pod, &uid).await })
    }

    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
        let (name, uid) = (name.clone(), uid.clone());
        Box::pin(async move { self.remove_node(&name, &uid).await })
    }

    fn bootstrap_token(&self, node: &Name, until: Timestamp) -> Pending<'_, Token> {
        let node = node.clone();
        Box::pin(async move { self.make_token(&node, until).await })
    }

    fn revoke_token(&self, node: &Name) -> Pending<'_, ()> {
        let node = node.clone();
        Box::pin(async move { self.remove_token(&node).await })
    }

    fn remember(&self, memory: &Memory) -> Pending<'_, ()> {
        let memory = memory.clone();
        Box::pin(async move { self.write_memory(&memory).await })
    }

    fn note(&self, news: NodeNews) {
        self.chronicle(news);
    }

    fn noted(&self) -> Pending<'_, ()> {
        Box::pin(self.end_chronicle())
    }
}
