//! A snapshot with its indexes: what decisions read. It can be built whole or take single changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::behind::server_id;
use super::feed::{Feed, Followed};
use super::stamp::{Stamp, Stamps};
use super::{
    Budget, Change, Claim, CsiDriver, CsiNode, Flavor, Kind, Labels, Memory, Name, Node, PersistentVolume, Pod, PodKey,
    Quota, Server, Service, Snapshot, StorageCapacity, StorageClass, VolumeAttachment, Webhooks, Workload,
    WorkloadKind,
};

/// The pods that stand under one name of an index.
type Pods = BTreeMap<PodKey, Arc<Pod>>;

/// A snapshot with its indexes. `World::build(s)` then `apply(c)` equals building from the changed snapshot; every
/// change costs O(log n) in the number of objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// When the snapshot was taken.
    pub taken: Option<Timestamp>,
    /// `taken` was guessed.
    pub taken_inferred: bool,
    /// The kubeconfig context, or the sandbox's name.
    pub context: Option<Name>,
    /// UID of the namespace kube-system.
    pub cluster: Option<Name>,
    /// Where its API server is.
    pub api_server: Option<Name>,
    /// The API server's version, if it is known.
    pub version: Option<Name>,
    /// The pod that the observer itself runs in (H17).
    pub here: Option<PodKey>,
    /// Which kinds are known.
    pub observed: BTreeSet<Kind>,
    /// Kinds that were skipped, with their number.
    pub skipped: BTreeMap<Name, usize>,
    /// What could not be read.
    pub gaps: Vec<String>,
    /// Pods that could not be read, `namespace/name`, by the node that they are on.
    pub unread: BTreeMap<Name, BTreeSet<Name>>,
    /// Nodes by name.
    pub nodes: BTreeMap<Name, Arc<Node>>,
    /// Pods by key.
    pub pods: BTreeMap<PodKey, Arc<Pod>>,
    /// Budgets by key; a namespace's budgets stand together.
    pub budgets: BTreeMap<PodKey, Arc<Budget>>,
    /// Workloads by kind and key.
    pub workloads: BTreeMap<(WorkloadKind, PodKey), Arc<Workload>>,
    /// Claims by key.
    pub claims: BTreeMap<PodKey, Claim>,
    /// Volumes by name.
    pub volumes: BTreeMap<Name, PersistentVolume>,
    /// Storage classes by name.
    pub classes: BTreeMap<Name, StorageClass>,
    /// CSI nodes by name.
    pub csi_nodes: BTreeMap<Name, CsiNode>,
    /// CSI drivers by name.
    pub csi_drivers: BTreeMap<Name, CsiDriver>,
    /// Room for new volumes, by key.
    pub capacities: BTreeMap<PodKey, StorageCapacity>,
    /// Attachments by name.
    pub attachments: BTreeMap<Name, VolumeAttachment>,
    /// Namespaces' labels.
    pub namespaces: BTreeMap<Name, Labels>,
    /// Services by key.
    pub services: BTreeMap<PodKey, Service>,
    /// Admission webhooks by kind and name of their configuration.
    pub webhooks: BTreeMap<(Kind, Name), Webhooks>,
    /// Node leases.
    pub leases: BTreeMap<Name, Timestamp>,
    /// Servers by id.
    pub servers: BTreeMap<Name, Arc<Server>>,
    /// Flavors by provider and name.
    pub flavors: BTreeMap<(Name, Name), Flavor>,
    /// What each provider allows in all, by its name.
    pub quotas: BTreeMap<Name, Quota>,
    /// What was remembered.
    pub memory: Memory,
    on_node: BTreeMap<Name, Pods>,
    of_owner: BTreeMap<Name, Pods>,
    /// Servers by the node that each carries by its own word or by habit.
    pub(super) by_carried: BTreeMap<Name, BTreeMap<Name, Arc<Server>>>,
    /// Names of nodes by the server that their providerID names.
    pub(super) by_server: BTreeMap<Name, BTreeMap<Name, ()>>,
    pub(super) stamps: Stamps,
    feed: Feed,
}

impl World {
    /// Indexes a snapshot. Of two objects with one key the later wins; converters report that before.
    pub fn build(snapshot: Snapshot) -> Self {
        let mut world = Self {
            taken: snapshot.taken,
            taken_inferred: snapshot.taken_inferred,
            context: snapshot.context,
            cluster: snapshot.cluster,
            api_server: snapshot.api_server,
            version: snapshot.version,
            here: snapshot.here,
            observed: snapshot.observed,
            skipped: snapshot.skipped,
            gaps: snapshot.gaps,
            unread: snapshot.unread,
            namespaces: snapshot.namespaces,
            leases: snapshot.leases,
            memory: snapshot.memory,
            ..Self::default()
        };
        world.settle(snapshot.pods);
        let changes = (snapshot.nodes.into_iter().map(Change::Node))
            .chain(snapshot.budgets.into_iter().map(Change::Budget))
            .chain(snapshot.workloads.into_iter().map(Change::Workload))
            .chain(snapshot.claims.into_iter().map(Change::Claim))
            .chain(snapshot.volumes.into_iter().map(Change::PersistentVolume))
            .chain(snapshot.classes.into_iter().map(Change::StorageClass))
            .chain(snapshot.csi_nodes.into_iter().map(Change::CsiNode))
            .chain(snapshot.csi_drivers.into_iter().map(Change::CsiDriver))
            .chain(snapshot.capacities.into_iter().map(Change::StorageCapacity))
            .chain(snapshot.attachments.into_iter().map(Change::VolumeAttachment))
            .chain(snapshot.services.into_iter().map(Change::Service))
            .chain(snapshot.webhooks.into_iter().map(Change::Webhooks))
            .chain(snapshot.servers.into_iter().map(Change::Server))
            .chain(snapshot.flavors.into_iter().map(Change::Flavor))
            .chain(snapshot.quotas.into_iter().map(Change::Quota));
        for change in changes {
            world.apply(change);
        }
        world
    }

    /// Takes in all pods of a snapshot. Sorted once, which is faster than to look for the place of each.
    fn settle(&mut self, pods: Vec<Pod>) {
        let pods: BTreeMap<PodKey, Arc<Pod>> = pods.into_iter().map(|pod| (pod.key.clone(), Arc::new(pod))).collect();
        let (mut on_node, mut of_owner) = (BTreeMap::new(), BTreeMap::new());
        for (key, pod) in &pods {
            let entry = || (key.clone(), Arc::clone(pod));
            if let Some(node) = &pod.node {
                on_node.entry(node).or_insert_with(Vec::new).push(entry());
            }
            if let Some(owner) = &pod.owner {
                of_owner.entry(&owner.uid).or_insert_with(Vec::new).push(entry());
            }
        }
        let nodes: Vec<&Name> = on_node.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.stamps.renew(node));
        self.on_node = on_node.into_iter().map(|(node, pods)| (node.clone(), pods.into_iter().collect())).collect();
        self.of_owner = of_owner.into_iter().map(|(owner, pods)| (owner.clone(), pods.into_iter().collect())).collect();
        self.pods = pods;
    }

    /// Takes one change in. An object that goes without having been there is no error: watches repeat themselves.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Node(node) => {
                self.forget_node(&node.name);
                if let Some(id) = server_id(&node) {
                    self.by_server.entry(id.into()).or_default().insert(node.name.clone(), ());
                }
                self.nodes.insert(node.name.clone(), Arc::new(node));
            }
            Change::NodeGone(name) => self.forget_node(&name),
            Change::Pod(pod) => {
                let pod = Arc::new(pod);
                self.forget_pod(&pod.key);
                if let Some(node) = &pod.node {
                    self.stamps.renew(node);
                    self.on_node.entry(node.clone()).or_default().insert(pod.key.clone(), Arc::clone(&pod));
                }
                if let Some(owner) = &pod.owner {
                    self.of_owner.entry(owner.uid.clone()).or_default().insert(pod.key.clone(), Arc::clone(&pod));
                }
                self.feed.push(&pod.key);
                self.pods.insert(pod.key.clone(), pod);
            }
            Change::PodGone(key) => self.forget_pod(&key),
            Change::Budget(budget) => drop(self.budgets.insert(budget.key.clone(), Arc::new(budget))),
            Change::BudgetGone(key) => drop(self.budgets.remove(&key)),
            Change::Workload(workload) => {
                drop(self.workloads.insert((workload.kind.clone(), workload.key.clone()), Arc::new(workload)));
            }
            Change::WorkloadGone(kind, key) => drop(self.workloads.remove(&(kind, key))),
            Change::Claim(claim) => drop(self.claims.insert(claim.key.clone(), claim)),
            Change::ClaimGone(key) => drop(self.claims.remove(&key)),
            Change::PersistentVolume(volume) => drop(self.volumes.insert(volume.name.clone(), volume)),
            Change::PersistentVolumeGone(name) => drop(self.volumes.remove(&name)),
            Change::StorageClass(class) => drop(self.classes.insert(class.name.clone(), class)),
            Change::StorageClassGone(name) => drop(self.classes.remove(&name)),
            Change::CsiNode(node) => drop(self.csi_nodes.insert(node.name.clone(), node)),
            Change::CsiNodeGone(name) => drop(self.csi_nodes.remove(&name)),
            Change::CsiDriver(driver) => drop(self.csi_drivers.insert(driver.name.clone(), driver)),
            Change::CsiDriverGone(name) => drop(self.csi_drivers.remove(&name)),
            Change::StorageCapacity(capacity) => drop(self.capacities.insert(capacity.key.clone(), capacity)),
            Change::StorageCapacityGone(key) => drop(self.capacities.remove(&key)),
            Change::VolumeAttachment(attachment) => {
                drop(self.attachments.insert(attachment.name.clone(), attachment));
            }
            Change::VolumeAttachmentGone(name) => drop(self.attachments.remove(&name)),
            Change::Service(service) => drop(self.services.insert(service.key.clone(), service)),
            Change::ServiceGone(key) => drop(self.services.remove(&key)),
            Change::Webhooks(one) => drop(self.webhooks.insert((one.kind, one.name.clone()), one)),
            Change::WebhooksGone(kind, name) => drop(self.webhooks.remove(&(kind, name))),
            Change::Server(server) => {
                self.forget_server(&server.id.clone());
                let server = Arc::new(server);
                let carriers = self.by_carried.entry(server.carries().clone()).or_default();
                carriers.insert(server.id.clone(), Arc::clone(&server));
                self.servers.insert(server.id.clone(), server);
            }
            Change::ServerGone(id) => self.forget_server(&id),
            Change::Flavor(flavor) => {
                drop(self.flavors.insert((flavor.provider.clone(), flavor.name.clone()), flavor));
            }
            Change::Quota(quota) => drop(self.quotas.insert(quota.provider.clone(), quota)),
            Change::Namespace(name, labels) => drop(self.namespaces.insert(name, labels)),
            Change::NamespaceGone(name) => drop(self.namespaces.remove(&name)),
            Change::Lease(node, renewed) => drop(self.leases.insert(node, renewed)),
            Change::LeaseGone(node) => drop(self.leases.remove(&node)),
            Change::Memory(memory) => self.memory = memory,
        }
    }

    fn forget_pod(&mut self, key: &PodKey) {
        let Some(pod) = self.pods.remove(key) else { return };
        self.feed.push(key);
        if let Some(node) = &pod.node {
            self.stamps.renew(node);
            remove_from(&mut self.on_node, node, key);
        }
        if let Some(owner) = &pod.owner {
            remove_from(&mut self.of_owner, &owner.uid, key);
        }
    }

    fn forget_node(&mut self, name: &Name) {
        if let Some(node) = self.nodes.remove(name)
            && let Some(id) = server_id(&node)
        {
            remove_from(&mut self.by_server, &id.into(), name);
        }
    }

    fn forget_server(&mut self, id: &Name) {
        if let Some(server) = self.servers.remove(id) {
            remove_from(&mut self.by_carried, server.carries(), id);
        }
    }

    /// The pods bound to `node`, finished ones included, in order of their keys. The node itself may be missing.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.on_node.get(node).into_iter().flat_map(BTreeMap::values)
    }

    /// A stamp for what [`World::pods_on`] gives; None if no pod was ever on `node`. While it is the same, so are they.
    pub fn pods_stamp(&self, node: &str) -> Option<&Stamp> {
        self.stamps.of(node)
    }

    /// Up to where the changes of pods have come.
    pub fn followed(&self) -> Followed {
        self.feed.end()
    }

    /// The pods that changed, came or went since then, some of them more than once; None if it was too long ago, or in
    /// another world: then any may have.
    pub fn pods_after<'w>(&'w self, followed: &Followed) -> Option<impl Iterator<Item = &'w PodKey> + use<'w>> {
        self.feed.after(followed)
    }

    /// The pods whose controller has this UID, in order of their keys.
    pub fn pods_of(&self, owner_uid: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.of_owner.get(owner_uid).into_iter().flat_map(BTreeMap::values)
    }

    /// The workload that directly controls `pod`, if the snapshot has it.
    pub fn workload_of(&self, pod: &Pod) -> Option<&Arc<Workload>> {
        let owner = pod.owner.as_ref()?;
        let key = PodKey::new(pod.key.namespace.clone(), owner.name.clone());
        self.workloads.get(&(WorkloadKind::named(&owner.kind), key)).filter(|found| found.is(owner))
    }

    /// The budgets whose selector takes in `pod`, in order of their keys.
    pub fn budgets_of<'a>(&'a self, pod: &'a Pod) -> impl Iterator<Item = &'a Arc<Budget>> {
        let first = PodKey::new(pod.key.namespace.clone(), "");
        (self.budgets.range(first..).map(|(_, budget)| budget))
            .take_while(|budget| budget.key.namespace == pod.key.namespace)
            .filter(|budget| budget.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels)))
    }

    /// Whether traffic from outside may come to any node: there are Services of type LoadBalancer or NodePort, or nobody
    /// knows (H15).
    pub fn balanced(&self) -> bool {
        !self.knows(Kind::Service) || self.services.values().any(|service| service.on_nodes)
    }

    /// Whether objects of this kind were listed.
    pub fn knows(&self, kind: Kind) -> bool {
        self.observed.contains(&kind)
    }
}

fn remove_from<K: Ord, V>(index: &mut BTreeMap<Name, BTreeMap<K, V>>, at: &Name, key: &K) {
    if let Some(entries) = index.get_mut(at) {
        entries.remove(key);
        if entries.is_empty() {
            index.remove(at);
        }
    }
}
