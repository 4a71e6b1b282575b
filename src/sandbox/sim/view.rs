//! What an observer sees: the world with heartbeats and leases as they are at this moment.

use jiff::{SignedDuration, Timestamp};

use super::latency::hash;
use super::state::Sim;
use crate::model::{Name, Node, Snapshot};

/// Kubelets renew their lease so often, in seconds.
const LEASE: i64 = 10;
/// Kubelets post their unchanged status so often, in seconds.
const STATUS: i64 = 300;

impl Sim {
    /// Everything, as of now.
    pub fn snapshot(&self) -> Snapshot {
        let world = &self.world;
        Snapshot {
            nodes: world.nodes.values().map(|node| self.beating(node)).collect(),
            leases: world.nodes.keys().filter_map(|node| Some((node.clone(), self.beat(node, LEASE)?))).collect(),
            ..self.stored()
        }
    }

    /// Everything, with the heartbeats of the last change.
    pub(super) fn stored(&self) -> Snapshot {
        let world = &self.world;
        Snapshot {
            taken: Some(self.now),
            taken_inferred: false,
            context: world.context.clone(),
            cluster: world.cluster.clone(),
            api_server: world.api_server.clone(),
            version: world.version.clone(),
            here: world.here.clone(),
            observed: world.observed.clone(),
            skipped: world.skipped.clone(),
            gaps: world.gaps.clone(),
            unread: world.unread.clone(),
            nodes: world.nodes.values().map(|node| (**node).clone()).collect(),
            pods: world.pods.values().map(|pod| (**pod).clone()).collect(),
            budgets: world.budgets.values().map(|budget| (**budget).clone()).collect(),
            workloads: world.workloads.values().map(|workload| (**workload).clone()).collect(),
            claims: world.claims.values().cloned().collect(),
            volumes: world.volumes.values().cloned().collect(),
            classes: world.classes.values().cloned().collect(),
            csi_nodes: world.csi_nodes.values().cloned().collect(),
            csi_drivers: world.csi_drivers.values().cloned().collect(),
            capacities: world.capacities.values().cloned().collect(),
            attachments: world.attachments.values().cloned().collect(),
            namespaces: world.namespaces.clone(),
            leases: world.leases.clone(),
            services: world.services.values().cloned().collect(),
            webhooks: world.webhooks.values().cloned().collect(),
            servers: world.servers.values().map(|server| (**server).clone()).collect(),
            flavors: world.flavors.values().cloned().collect(),
            quotas: self.world.quotas.values().cloned().collect(),
            memory: world.memory.clone(),
        }
    }

    /// One node, as of now.
    pub fn node(&self, name: &Name) -> Option<Node> {
        self.world.nodes.get(name).map(|node| self.beating(node))
    }

    pub(crate) fn beating(&self, node: &Node) -> Node {
        let mut node = node.clone();
        let beat = self.beat(&node.name, STATUS);
        for condition in node.conditions.iter_mut().filter(|_| beat.is_some()) {
            condition.heartbeat = beat.max(condition.transition);
        }
        node
    }

    /// When the kubelet last did something that it does every `period` seconds; each kubelet has its own phase.
    fn beat(&self, node: &str, period: i64) -> Option<Timestamp> {
        let kubelet = self.kubelets.get(node)?;
        let last = if kubelet.alive { self.now } else { kubelet.since? };
        let phase = i64::try_from(hash(&[node]) % 300).unwrap_or(0);
        let since = (last.as_second() + phase).rem_euclid(period);
        let beat = last.checked_sub(SignedDuration::from_secs(since)).unwrap_or(last);
        Some(if kubelet.alive { beat.max(kubelet.since.unwrap_or(beat).min(self.now)) } else { beat })
    }
}
