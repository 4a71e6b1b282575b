//! Servers that come and go for good: made with a node that joins, destroyed, and Nodes that are deleted.

use super::audit::What;
use super::latency::{Delay, uid};
use super::state::{Event, Kubelet, Sim};
use super::touched::Touch;
use crate::cloud::ProviderError;
use crate::cluster::{ClusterError, NodeMark, NodeRecord};
use crate::model::{
    Change, ConditionStatus, Created, Name, Node, NodeShape, PodKey, Server, ServerOrder, ServerState, keys, offering,
};
use crate::sandbox::faults::{FaultKind, Occasion};

const ZONE: &str = "topology.kubernetes.io/zone";

impl Sim {
    /// Makes a server, whose node joins after it runs. Accepted at once; the outcome is observed.
    ///
    /// # Errors
    /// Another server has the name, or a fault refuses it for want of quota.
    pub fn create_server(&mut self, order: &ServerOrder) -> Result<Name, ProviderError> {
        if let Some(there) = self.world.servers.values().find(|server| server.name == order.name) {
            let mark = Created::of(there);
            let same =
                mark.is_some_and(|made| made.pool == order.created.pool && made.cluster == order.created.cluster);
            let going = there.task.as_deref() == Some("deleting");
            if same && !going {
                return Ok(there.id.clone());
            }
            let why = format!("there is a server called {} already", order.name);
            return Err(ProviderError::WrongState { server: there.id.to_string(), why });
        }
        let targets = [
            format!("server/{}", order.name),
            format!("node/{}", order.name),
            format!("flavor/{}", offering(&order.flavor, order.zone.as_deref(), order.capacity_type)),
        ];
        let fault = self.strike(&targets, Occasion::Create);
        let kind = fault.as_ref().map(|fault| fault.kind);
        if kind == Some(FaultKind::Quota) {
            let why = "Quota exceeded for cores".to_owned();
            return Err(ProviderError::Quota { server: order.name.to_string(), why });
        }
        self.born += 1;
        let id: Name = uid(&["server", &order.name, &self.born.to_string()]).into();
        let total = Self::slowed(Delay::Build.of(&order.name), fault.as_ref());
        let end = match kind {
            Some(FaultKind::Stuck) => None,
            Some(FaultKind::NoValidHost) => Some((ServerState::Error, Some("No valid host was found.".into()))),
            Some(FaultKind::Error) => Some((ServerState::Error, Some("spawning failed".into()))),
            _ => Some((ServerState::Active, None)),
        };
        if let Some((state, fault)) = end {
            self.after(total, Event::Server { id: id.clone(), state, task: None, fault });
        }
        self.node_of.insert(id.clone(), order.name.clone());
        self.unborn.insert(order.name.clone(), order.node.clone());
        self.tokens.expect(&order.name, order.token_until.is_some());
        self.put_server(Server {
            id: id.clone(),
            name: order.name.clone(),
            provider: order.provider.clone(),
            state: ServerState::Build,
            task: Some("spawning".into()),
            flavor: order.flavor.clone(),
            zone: order.zone.clone(),
            since: Some(self.now),
            metadata: [(keys::CREATED.into(), order.created.to_metadata())]
                .into_iter()
                .chain(order.capacity_type.metadata())
                .collect(),
            ..Server::default()
        });
        Ok(id)
    }

    /// A server that was being made when the snapshot was taken will be a node, by what its flavor has.
    pub(super) fn expect_node(&mut self, server: &Server) {
        let known = self.world.nodes.contains_key(&server.name);
        let flavor = self.world.flavors.get(&(server.provider.clone(), server.flavor.clone()));
        if let Some(flavor) = flavor.filter(|_| !known && Created::of(server).is_some()) {
            let (capacity, allocatable) = (flavor.capacity.clone(), flavor.capacity.clone());
            let shape = NodeShape { capacity, allocatable, ..NodeShape::default() };
            self.node_of.insert(server.id.clone(), server.name.clone());
            self.unborn.insert(server.name.clone(), shape);
        }
    }

    /// The kubelet of a server that was made registers its node.
    pub(super) fn register(&mut self, name: &Name) {
        let Some(shape) = self.unborn.remove(name) else { return };
        if self.world.nodes.contains_key(name) || !self.tokens.let_in(name, self.now) {
            return;
        }
        let server = self.world.servers.values().find(|server| server.name == *name).cloned();
        let Some(server) = server.filter(|server| server.state == ServerState::Active) else { return };
        let flavor = self.world.flavors.get(&(server.provider.clone(), server.flavor.clone()));
        let capacity = flavor.map_or(shape.capacity.clone(), |flavor| flavor.capacity.clone());
        self.born += 1;
        let mut node: Node = NodeShape { capacity, ..shape }.node(name);
        if let Some(zone) = &server.zone {
            let mut labels = (*node.labels).clone();
            labels.entry(ZONE.into()).or_insert_with(|| zone.clone());
            node.labels = labels.into();
        }
        node.uid = uid(&["node", name, &self.born.to_string()]).into();
        node.provider_id = Some(format!("openstack:///{}", server.id).into());
        node.created = Some(self.now);
        for condition in &mut node.conditions {
            condition.status = ConditionStatus::False;
            condition.transition = Some(self.now);
        }
        self.kubelets.insert(name.clone(), Kubelet { alive: false, since: None, generation: 0 });
        self.put_node(node);
    }

    /// Destroys a server. Accepted at once; the outcome is observed.
    ///
    /// # Errors
    /// It is not there, or a fault has it locked.
    pub fn delete_server(&mut self, id: &Name) -> Result<(), ProviderError> {
        let server = self.world.servers.get(id).ok_or_else(|| ProviderError::NotFound(id.to_string()))?;
        if server.task.as_deref() == Some("deleting") {
            return Ok(());
        }
        let mut server = (**server).clone();
        let fault = self.strike(&[format!("server/{}", server.name), format!("server/{id}")], Occasion::Delete);
        match fault.as_ref().map(|fault| fault.kind) {
            Some(FaultKind::Locked) => {
                return Err(ProviderError::Locked { server: id.to_string(), why: format!("Instance {id} is locked") });
            }
            Some(FaultKind::Stuck) => {}
            _ => {
                let total = Self::slowed(Delay::Destroy.of(&server.name), fault.as_ref());
                if let Some(node) = self.node_of.get(id).cloned() {
                    self.after(total / 2, Event::NodeDown(node));
                }
                self.after(total, Event::ServerGone(id.clone()));
            }
        }
        server.task = Some("deleting".into());
        self.put_server(server);
        Ok(())
    }

    pub(super) fn server_gone(&mut self, id: &Name) {
        let Some(server) = self.world.servers.get(id).cloned() else { return };
        if let Some(node) = self.node_of.remove(id) {
            self.unborn.remove(&node);
            self.node_down(&node);
        }
        self.log(What::Server { server: server.id.clone(), state: ServerState::Deleted, task: None });
        self.touched.note(Touch::Server(id.clone()));
        self.take(Change::ServerGone(id.clone()));
    }

    /// Deletes a Node object; what is on it goes with it. One whose server is parked is remembered outside of it, as in a
    /// cluster (H24): what stands in for it takes no part in anything until it is patched, which makes it again.
    ///
    /// # Errors
    /// There is none with this UID.
    pub fn delete_node(&mut self, name: &Name, uid: &Name) -> Result<(), ClusterError> {
        let missing = || ClusterError::NotFound(format!("node {name}"));
        let pods: Vec<PodKey> = self.world.pods_on(name).map(|pod| pod.key.clone()).collect();
        let node = self.world.nodes.get(name).filter(|node| node.uid == *uid).ok_or_else(missing)?;
        let parked = NodeRecord::of(node).ok().flatten().is_some_and(|record| record.mark == NodeMark::Parked);
        if parked {
            let mut node = (**node).clone();
            let mut annotations = (*node.annotations).clone();
            annotations.insert(keys::DELETED.into(), "".into());
            node.annotations = annotations.into();
            node.conditions.clear();
            self.put_node(node);
        } else {
            self.kubelets.remove(name);
            self.touched.note(Touch::Node(name.clone()));
            self.take(Change::NodeGone(name.clone()));
        }
        pods.iter().for_each(|pod| self.drop_pod(pod));
        self.schedule = true;
        self.settle();
        Ok(())
    }
}
