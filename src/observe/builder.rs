//! Collects objects of any source into one snapshot.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::convert::{About, Converter, Read, kind_named, kind_of, told};
use super::item::{Item, Place, Trace};
use super::raw;
use crate::model::{
    Budget, Change, Claim, CsiDriver, CsiNode, Flavor, Kind, Memory, Name, Node, PersistentVolume, Pod, PodKey, Quota,
    Server, Service, Snapshot, StorageCapacity, StorageClass, VolumeAttachment, Webhooks, Workload, WorkloadKind,
};

/// A snapshot that is being filled. Of two objects with one key the later wins.
#[derive(Debug, Default)]
pub struct Builder {
    converter: Converter,
    snapshot: Snapshot,
    found: usize,
    hint: Option<&'static str>,
    nodes: BTreeMap<Name, Node>,
    pods: BTreeMap<PodKey, Pod>,
    budgets: BTreeMap<PodKey, Budget>,
    workloads: BTreeMap<(WorkloadKind, PodKey), Workload>,
    claims: BTreeMap<PodKey, Claim>,
    volumes: BTreeMap<Name, PersistentVolume>,
    classes: BTreeMap<Name, StorageClass>,
    csi_nodes: BTreeMap<Name, CsiNode>,
    csi_drivers: BTreeMap<Name, CsiDriver>,
    capacities: BTreeMap<PodKey, StorageCapacity>,
    attachments: BTreeMap<Name, VolumeAttachment>,
    services: BTreeMap<PodKey, Service>,
    webhooks: BTreeMap<(Kind, Name), Webhooks>,
    servers: BTreeMap<Name, Server>,
    flavors: BTreeMap<(Name, Name), Flavor>,
    quotas: BTreeMap<Name, Quota>,
    memory: bool,
    /// Where each UID of a cluster is said first.
    clusters: BTreeMap<Name, String>,
}

impl Builder {
    /// How many objects of a kind that counts, readable or not, and empty lists were seen.
    pub(super) fn found(&self) -> usize {
        self.found
    }

    /// Forgets the advice that an earlier file called for.
    pub(super) fn begin_file(&mut self) {
        self.hint = None;
    }

    /// What to do about the file if nothing was found in it.
    pub(super) fn hint(&self) -> &'static str {
        self.hint.unwrap_or("nothing in it is of a kind that is looked at")
    }

    /// A list ended, with so many items; none if its `items` are no list. A typed one (`PodList`) says that its kind was
    /// listed, even if it is empty.
    pub(super) fn list(&mut self, kind: Option<&str>, items: Option<usize>) {
        let empty = items == Some(0) && kind.is_some_and(|kind| kind.ends_with("List"));
        self.found += usize::from(empty);
        if items.is_none() {
            self.hint = Some("`items` is not a list");
        }
        if let Some(kind) = kind.and_then(|kind| kind.strip_suffix("List")).and_then(kind_named) {
            self.snapshot.observed.insert(kind);
        }
    }

    /// Takes one object in. `list_kind` is the kind of a typed list, whose items need not repeat theirs. Says what the
    /// object is called, and whether it could be read.
    pub(super) fn item(&mut self, item: Item<'_>, list_kind: Option<&str>, place: Place<'_>) -> (raw::Header, bool) {
        let header: raw::Header = match item.peek() {
            Ok(header) => header,
            Err(why) => {
                let listed = list_kind.and_then(|kind| kind.strip_suffix("List")).and_then(kind_named);
                self.found += usize::from(listed.is_some());
                self.snapshot.gaps.push(format!("{place}: this is not a Kubernetes object and is left out: {why}"));
                return (raw::Header::default(), false);
            }
        };
        let from_list = list_kind.and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
        let Some(kind) = header.kind.as_deref().filter(|kind| !kind.is_empty()).or(from_list) else {
            self.snapshot.gaps.push(format!("{place}: an object without `kind` is left out"));
            return (header, false);
        };
        self.found += 1;
        let api_version = header.api_version.as_deref().unwrap_or("");
        let known = kind_of(api_version, kind);
        let trace = (known == Some(Kind::Pod)).then(|| item.trace());
        let taken = self.take(api_version, kind, item);
        if let Some(cluster) = self.converter.cluster.take() {
            self.clusters.entry(cluster).or_insert_with(|| place.to_string());
        }
        let (problem, kept) = match taken {
            Ok(false) => return (header, true),
            Ok(true) => ("is there twice and differs: the later one counts".to_owned(), true),
            Err(why) => (format!("cannot be read and is left out: {why}"), false),
        };
        let meta = header.metadata.as_ref();
        let name = meta.and_then(|meta| meta.name.as_ref()).map_or("", |name| &name.0);
        let namespace = meta.and_then(|meta| meta.namespace.as_ref());
        let namespace = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let told = told(&format!("{namespace}{name}"));
        // What is on a node and cannot be read keeps it: nobody knows what would become of it.
        if let Some(node) = trace.filter(|_| !kept).and_then(Trace::node) {
            let node = self.converter.intern.name(&node);
            self.snapshot.unread.entry(node).or_default().insert(told.as_str().into());
        }
        self.snapshot.gaps.push(format!("{place}: {kind} {told} {problem}"));
        (header, kept)
    }

    /// Notes where and when the objects are read.
    pub fn about(&mut self, context: &Name, api_server: &Name, cluster: &Name, taken: Timestamp) {
        self.snapshot.context = Some(context.clone());
        self.snapshot.api_server = Some(api_server.clone());
        self.snapshot.cluster = Some(cluster.clone());
        self.clusters.insert(cluster.clone(), api_server.to_string());
        self.snapshot.taken = Some(taken);
    }

    /// Notes which version the API server is of, if that is known.
    pub fn version(&mut self, version: Option<Name>) {
        self.snapshot.version = version;
    }

    /// Notes in which pod the observer runs.
    pub fn here(&mut self, pod: Option<PodKey>) {
        self.snapshot.here = pod;
    }

    /// Notes what could not be read: the snapshot is not complete.
    pub fn gap(&mut self, gap: String) {
        self.snapshot.gaps.push(gap);
    }

    /// Takes in what was remembered.
    pub fn remembered(&mut self, memory: Memory) {
        self.insert(Change::Memory(memory));
    }

    /// Lets go of what was read of one kind, which is unknown again: half a list is not to pass for a whole one.
    pub fn forget(&mut self, kind: Kind) {
        self.snapshot.observed.remove(&kind);
        match kind {
            Kind::Node => self.nodes.clear(),
            Kind::Pod => {
                self.pods.clear();
                self.snapshot.unread.clear();
            }
            Kind::PodDisruptionBudget => self.budgets.clear(),
            Kind::PersistentVolumeClaim => self.claims.clear(),
            Kind::PersistentVolume => self.volumes.clear(),
            Kind::StorageClass => self.classes.clear(),
            Kind::CSINode => self.csi_nodes.clear(),
            Kind::CSIDriver => self.csi_drivers.clear(),
            Kind::CSIStorageCapacity => self.capacities.clear(),
            Kind::VolumeAttachment => self.attachments.clear(),
            Kind::Namespace => self.snapshot.namespaces.clear(),
            Kind::Lease => self.snapshot.leases.clear(),
            Kind::Service => self.services.clear(),
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
                self.webhooks.retain(|(of, _), _| *of != kind);
            }
            Kind::Server => self.servers.clear(),
            Kind::Flavor => self.flavors.clear(),
            Kind::PriorityClass => {}
            Kind::Deployment
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job => {
                let gone = WorkloadKind::named(&kind.to_string());
                self.workloads.retain(|(kind, _), _| *kind != gone);
            }
        }
    }

    /// Converts one object and keeps it; true if it took the place of a different one.
    fn take(&mut self, api_version: &str, kind: &str, item: Item<'_>) -> Result<bool, String> {
        self.snapshot.observed.extend(kind_of(api_version, kind));
        match self.converter.object(api_version, kind, item)? {
            Read::Object(change) => Ok(self.insert(*change)),
            Read::About(about) => {
                self.described(*about);
                Ok(false)
            }
            Read::World(world) => Ok(self.world(*world)),
            Read::Noted => Ok(false),
            Read::Foreign => {
                self.found = self.found.saturating_sub(1);
                if kind == "CapacityPolicy" {
                    self.hint = Some("this is a policy; give it with `-f`");
                }
                *self.snapshot.skipped.entry(self.converter.intern.name(kind)).or_insert(0) += 1;
                Ok(false)
            }
        }
    }

    /// Keeps what was converted. True if it took the place of something different.
    pub(super) fn insert(&mut self, change: Change) -> bool {
        match change {
            Change::Node(node) => insert(&mut self.nodes, node.name.clone(), node),
            Change::Pod(pod) => insert(&mut self.pods, pod.key.clone(), pod),
            Change::Budget(budget) => insert(&mut self.budgets, budget.key.clone(), budget),
            Change::Workload(workload) => {
                insert(&mut self.workloads, (workload.kind.clone(), workload.key.clone()), workload)
            }
            Change::Claim(claim) => insert(&mut self.claims, claim.key.clone(), claim),
            Change::PersistentVolume(volume) => insert(&mut self.volumes, volume.name.clone(), volume),
            Change::StorageClass(class) => insert(&mut self.classes, class.name.clone(), class),
            Change::CsiDriver(driver) => insert(&mut self.csi_drivers, driver.name.clone(), driver),
            Change::StorageCapacity(capacity) => insert(&mut self.capacities, capacity.key.clone(), capacity),
            Change::CsiNode(node) => insert(&mut self.csi_nodes, node.name.clone(), node),
            Change::VolumeAttachment(attachment) => insert(&mut self.attachments, attachment.name.clone(), attachment),
            Change::Namespace(name, labels) => insert(&mut self.snapshot.namespaces, name, labels),
            Change::Lease(node, renewed) => insert(&mut self.snapshot.leases, node, renewed),
            Change::Webhooks(one) => insert(&mut self.webhooks, (one.kind, one.name.clone()), one),
            Change::Service(service) => insert(&mut self.services, service.key.clone(), service),
            Change::Server(server) => insert(&mut self.servers, server.id.clone(), server),
            Change::Flavor(flavor) => insert(&mut self.flavors, (flavor.provider.clone(), flavor.name.clone()), flavor),
            Change::Quota(quota) => insert(&mut self.quotas, quota.provider.clone(), quota),
            Change::Memory(memory) => {
                let twice = self.memory && memory != self.snapshot.memory;
                (self.memory, self.snapshot.memory) = (true, memory);
                twice
            }
            // What is read is there.
            _ => false,
        }
    }

    pub(super) fn described(&mut self, about: About) {
        self.converter.cluster = about.cluster;
        let snapshot = &mut self.snapshot;
        snapshot.observed.extend(about.kinds.iter().filter_map(|kind| kind_named(kind)));
        snapshot.gaps.extend(about.gaps);
        for (node, pods) in about.unread {
            snapshot.unread.entry(node).or_default().extend(pods);
        }
        snapshot.context = about.context.or(snapshot.context.take());
        snapshot.api_server = about.server.or(snapshot.api_server.take());
        snapshot.here = about.here.or(snapshot.here.take());
        snapshot.version = about.version.or(snapshot.version.take());
        snapshot.taken = about.taken.or(snapshot.taken);
    }

    /// What was listed, what of it is not looked at, and whether the time is a guess.
    pub(super) fn listed(&mut self, observed: BTreeSet<Kind>, skipped: BTreeMap<Name, usize>, inferred: bool) {
        self.snapshot.taken_inferred |= inferred;
        self.snapshot.observed.extend(observed);
        for (kind, count) in skipped {
            let all = self.snapshot.skipped.entry(kind).or_insert(0);
            *all = all.saturating_add(count);
        }
    }

    /// The clusters that the objects are of, where that is more than one.
    pub(super) fn two_clusters(&self) -> Option<String> {
        let each = |(uid, place): (&Name, &String)| format!("{uid} ({place})");
        (self.clusters.len() > 1).then(|| self.clusters.iter().map(each).collect::<Vec<_>>().join(" and "))
    }

    /// The snapshot. Objects of two clusters are not one, and a gap. Where nothing says when it was taken, it was at the
    /// newest moment that any object names.
    pub fn finish(self) -> Snapshot {
        let both = self.two_clusters();
        let mut snapshot = self.snapshot;
        snapshot.gaps.extend(both.map(|both| format!("these are objects of different clusters: {both}")));
        snapshot.cluster = snapshot.cluster.or(self.clusters.into_keys().next());
        if snapshot.taken.is_none() {
            snapshot.taken = self.converter.newest;
            snapshot.taken_inferred = snapshot.taken.is_some();
        }
        snapshot.nodes = self.nodes.into_values().collect();
        snapshot.pods = self.pods.into_values().collect();
        snapshot.budgets = self.budgets.into_values().collect();
        snapshot.workloads = self.workloads.into_values().collect();
        snapshot.claims = self.claims.into_values().collect();
        snapshot.volumes = self.volumes.into_values().collect();
        snapshot.classes = self.classes.into_values().collect();
        snapshot.csi_nodes = self.csi_nodes.into_values().collect();
        snapshot.csi_drivers = self.csi_drivers.into_values().collect();
        snapshot.capacities = self.capacities.into_values().collect();
        snapshot.attachments = self.attachments.into_values().collect();
        snapshot.webhooks = self.webhooks.into_values().collect();
        snapshot.services = self.services.into_values().collect();
        snapshot.servers = self.servers.into_values().collect();
        snapshot.flavors = self.flavors.into_values().collect();
        snapshot.quotas = self.quotas.into_values().collect();
        snapshot
    }
}

/// Keeps `value` and says whether it took the place of a different one.
fn insert<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) -> bool {
    match map.entry(key) {
        Entry::Vacant(free) => {
            free.insert(value);
            false
        }
        Entry::Occupied(mut taken) => std::mem::replace(taken.get_mut(), value) != *taken.get(),
    }
}
