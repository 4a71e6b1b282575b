//! The sandbox as cluster, provider and clock. Calls are answered at once, in virtual time; only waiting passes it.

use std::pin::Pin;

use jiff::Timestamp;

use super::Sandbox;
use super::sim::Command;
use crate::cloud::{ParkMode, Provider, ProviderError};
use crate::cluster::{Cluster, ClusterError, Evicted, NodePatch, Pending};
use crate::execute::Clock;
use crate::model::{
    Change, Flavor, Memory, Name, Node, Pod, PodKey, Server, ServerOrder, Snapshot, Token, VolumeAttachment,
};
use crate::policy::Idle;

impl Cluster for Sandbox {
    fn observe(&self) -> Pending<'_, Snapshot> {
        Box::pin(async {
            self.still_there()?;
            self.mark_seen();
            Ok(self.snapshot())
        })
    }

    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>> {
        Box::pin(async move {
            loop {
                let unseen = self.unseen();
                if !unseen.is_empty() || self.now() >= until {
                    return Ok(unseen);
                }
                let next = self.sim().next_event().map_or(until, |next| next.min(until)).max(self.now());
                self.keep_pace(next).await;
                self.advance_to(next)?;
            }
        })
    }

    fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
        let node = self.sim().node(name);
        Box::pin(async { Ok(node) })
    }

    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
        let pods = self.sim().world().pods_on(node).map(|pod| (**pod).clone()).collect();
        Box::pin(async { Ok(pods) })
    }

    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
        let sim = self.sim();
        let found = sim.world().attachments.values().filter(|found| found.node == *node).cloned().collect();
        Box::pin(async { Ok(found) })
    }

    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
        let (node, patch) = (name.clone(), patch.clone());
        Box::pin(async move {
            let command = Command::PatchNode { node: node.clone(), patch: patch.clone() };
            self.ask(command, |sim| sim.patch_node(&node, &patch))?
        })
    }

    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
        let node = name.clone();
        Box::pin(async move {
            let command = Command::Suspend { node: node.clone(), suspended };
            self.ask(command, |sim| sim.suspend_node(&node, suspended))?
        })
    }

    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
        let (pod, uid) = (pod.clone(), uid.clone());
        Box::pin(async move {
            let command = Command::Evict { pod: pod.clone(), uid: uid.clone() };
            self.ask(command, |sim| sim.evict(&pod, &uid))?
        })
    }

    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
        let (pod, uid) = (pod.clone(), uid.clone());
        Box::pin(async move {
            let command = Command::DeletePod { pod: pod.clone(), uid: uid.clone() };
            self.ask(command, |sim| sim.delete_pod(&pod, &uid))?
        })
    }

    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
        let (node, uid) = (name.clone(), uid.clone());
        Box::pin(async move {
            let command = Command::DeleteNode { node: node.clone(), uid: uid.clone() };
            self.ask(command, |sim| sim.delete_node(&node, &uid))?
        })
    }

    fn bootstrap_token(&self, node: &Name, until: Timestamp) -> Pending<'_, Token> {
        let node = node.clone();
        Box::pin(async move {
            let command = Command::MintToken { node: node.clone(), until };
            self.ask(command, |sim| sim.mint_token(&node, until)).map_err(ClusterError::from)
        })
    }

    fn revoke_token(&self, node: &Name) -> Pending<'_, ()> {
        let node = node.clone();
        Box::pin(async move {
            let command = Command::RevokeToken { node: node.clone() };
            self.ask(command, |sim| sim.revoke_token(&node)).map_err(ClusterError::from)
        })
    }

    fn remember(&self, memory: &Memory) -> Pending<'_, ()> {
        let memory = memory.clone();
        Box::pin(async move {
            let command = Command::Remember { memory: memory.clone() };
            self.ask(command, |sim| sim.remember(&memory)).map_err(ClusterError::from)
        })
    }
}

impl Provider for Sandbox {
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError> {
        let servers = self.sim().world().servers.values().map(|server| (**server).clone()).collect();
        Box::pin(async { Ok(servers) })
    }

    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError> {
        let server = self.sim().world().servers.get(id).map(|server| (**server).clone());
        Box::pin(async { Ok(server) })
    }

    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError> {
        let flavors = self.sim().world().flavors.values().cloned().collect();
        Box::pin(async { Ok(flavors) })
    }

    fn park_modes(&self) -> Vec<ParkMode> {
        ParkMode::of_openstack()
    }

    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            let command = Command::Park { server: id.clone(), how };
            self.ask(command, |sim| sim.park(&id, how))?
        })
    }

    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError> {
        let (id, key, value) = (id.clone(), Name::from(key), value.cloned());
        Box::pin(async move {
            let command = Command::SetMetadata { server: id.clone(), key: key.clone(), value: value.clone() };
            self.ask(command, |sim| sim.set_metadata(&id, key, value))?
        })
    }

    fn create(&self, order: &ServerOrder) -> Pending<'_, Name, ProviderError> {
        let order = order.clone();
        Box::pin(async move {
            let command = Command::Create { order: Box::new(order.clone()) };
            self.ask(command, |sim| sim.create_server(&order))?
        })
    }

    fn delete(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            let command = Command::Delete { server: id.clone() };
            self.ask(command, |sim| sim.delete_server(&id))?
        })
    }

    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            let command = Command::Wake { server: id.clone() };
            self.ask(command, |sim| sim.wake(&id))?
        })
    }
}

impl Clock for Sandbox {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    /// A folder that cannot be written stops no clock: the next request will say so.
    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            self.keep_pace(until).await;
            let _ = self.advance_to(until);
        })
    }
}
