//! Collects objects of any source into one snapshot.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Deserialize;

use super::convert::{Converter, told};
use super::item::{Item, Place};
use super::raw;
use crate::model::{
    Budget, Claim, CsiDriver, CsiNode, Flavor, Kind, Name, Node, PersistentVolume, Pod, PodKey, Server, Service,
    Snapshot, StorageCapacity, StorageClass, VolumeAttachment, Workload, WorkloadKind,
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
    servers: BTreeMap<Name, Server>,
    flavors: BTreeMap<(Name, Name), Flavor>,
    memory: bool,
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

    /// Takes one object in. `list_kind` is the kind of a typed list, whose items need not repeat theirs.
    pub(super) fn item(&mut self, item: Item<'_>, list_kind: Option<&str>, place: Place<'_>) {
        let header: raw::Header = match item.peek() {
            Ok(header) => header,
            Err(why) => {
                let listed = list_kind.and_then(|kind| kind.strip_suffix("List")).and_then(kind_named);
                self.found += usize::from(listed.is_some());
                self.snapshot.gaps.push(format!("{place}: this is not a Kubernetes object and is left out: {why}"));
                return;
            }
        };
        let from_list = list_kind.and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
        let Some(kind) = header.kind.as_deref().filter(|kind| !kind.is_empty()).or(from_list) else {
            self.snapshot.gaps.push(format!("{place}: an object without `kind` is left out"));
            return;
        };
        self.found += 1;
        let api_version = header.api_version.as_deref().unwrap_or("");
        let problem = match self.take(api_version, kind, item) {
            Ok(false) => return,
            Ok(true) => "is there twice and differs: the later one counts".to_owned(),
            Err(why) => format!("cannot be read and is left out: {why}"),
        };
        let meta = header.metadata.unwrap_or_default();
        let name = meta.name.unwrap_or_default().0;
        let namespace = meta.namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        self.snapshot.gaps.push(format!("{place}: {kind} {} {problem}", told(&format!("{namespace}{name}"))));
    }

    /// Converts one object and keeps it; true if it took the place of a different one.
    fn take(&mut self, api_version: &str, kind: &str, item: Item<'_>) -> Result<bool, String> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        // Objects made by hand may lack the version: they are what their kind is best known for.
        let is = |wanted: &str| api_version.is_empty() || group == wanted;
        let converter = &mut self.converter;
        let observed = &mut self.snapshot.observed;
        let replaced = match kind {
            "Node" if is("") => {
                observed.insert(Kind::Node);
                let node = converter.node(item.decode()?)?;
                insert(&mut self.nodes, node.name.clone(), node)
            }
            "Pod" if is("") => {
                observed.insert(Kind::Pod);
                let pod = converter.pod(item.decode()?)?;
                insert(&mut self.pods, pod.key.clone(), pod)
            }
            "PodDisruptionBudget" if is("policy") => {
                observed.insert(Kind::PodDisruptionBudget);
                let budget = converter.budget(item.decode()?, api_version == "policy/v1beta1")?;
                insert(&mut self.budgets, budget.key.clone(), budget)
            }
            "PersistentVolumeClaim" if is("") => {
                observed.insert(Kind::PersistentVolumeClaim);
                let claim = converter.claim(item.decode()?)?;
                insert(&mut self.claims, claim.key.clone(), claim)
            }
            "PersistentVolume" if is("") => {
                observed.insert(Kind::PersistentVolume);
                let volume = converter.persistent_volume(item.decode()?)?;
                insert(&mut self.volumes, volume.name.clone(), volume)
            }
            "StorageClass" if is("storage.k8s.io") => {
                observed.insert(Kind::StorageClass);
                let class = converter.storage_class(item.decode()?)?;
                insert(&mut self.classes, class.name.clone(), class)
            }
            "CSINode" if is("storage.k8s.io") => {
                observed.insert(Kind::CSINode);
                let node = converter.csi_node(item.decode()?)?;
                insert(&mut self.csi_nodes, node.name.clone(), node)
            }
            "CSIDriver" if is("storage.k8s.io") => {
                observed.insert(Kind::CSIDriver);
                let driver = converter.csi_driver(item.decode()?)?;
                insert(&mut self.csi_drivers, driver.name.clone(), driver)
            }
            "CSIStorageCapacity" if is("storage.k8s.io") => {
                observed.insert(Kind::CSIStorageCapacity);
                let capacity = converter.storage_capacity(item.decode()?)?;
                insert(&mut self.capacities, capacity.key.clone(), capacity)
            }
            "VolumeAttachment" if is("storage.k8s.io") => {
                observed.insert(Kind::VolumeAttachment);
                let attachment = converter.attachment(item.decode()?)?;
                insert(&mut self.attachments, attachment.name.clone(), attachment)
            }
            "PriorityClass" if is("scheduling.k8s.io") => {
                observed.insert(Kind::PriorityClass);
                false
            }
            "Namespace" if is("") => {
                observed.insert(Kind::Namespace);
                let (name, labels, uid) = converter.namespace(item.decode()?)?;
                if &*name == "kube-system" && uid.is_some() {
                    self.snapshot.cluster = uid;
                }
                insert(&mut self.snapshot.namespaces, name, labels)
            }
            "Lease" if is("coordination.k8s.io") => {
                observed.insert(Kind::Lease);
                let lease = converter.lease(item.decode()?)?;
                lease.is_some_and(|(node, renewed)| insert(&mut self.snapshot.leases, node, renewed))
            }
            "Service" if is("") => {
                observed.insert(Kind::Service);
                let service = converter.service(item.decode()?)?;
                insert(&mut self.services, service.key.clone(), service)
            }
            "Server" if is("tidegate.dev") => {
                observed.insert(Kind::Server);
                let server = converter.server(item.decode()?)?;
                insert(&mut self.servers, server.id.clone(), server)
            }
            "Flavor" if is("tidegate.dev") => {
                observed.insert(Kind::Flavor);
                let flavor = converter.flavor(item.decode()?)?;
                insert(&mut self.flavors, (flavor.provider.clone(), flavor.name.clone()), flavor)
            }
            "Memory" if is("tidegate.dev") => {
                let memory = item.decode::<raw::MemoryItem>()?.memory.unwrap_or_default();
                let twice = self.memory && memory != self.snapshot.memory;
                (self.memory, self.snapshot.memory) = (true, memory);
                twice
            }
            "Snapshot" if is("tidegate.dev") => {
                let about = converter.about(item.decode()?)?;
                observed.extend(about.kinds.iter().filter_map(|kind| kind_named(kind)));
                self.snapshot.context = about.context.or(self.snapshot.context.take());
                self.snapshot.cluster = about.cluster.or(self.snapshot.cluster.take());
                self.snapshot.taken = about.taken.or(self.snapshot.taken);
                false
            }
            _ => return self.take_workload(group, kind, item),
        };
        Ok(replaced)
    }

    /// Owners of pods; any other kind with `spec.replicas` is one with a scale, and what is left is counted.
    fn take_workload(&mut self, group: &str, kind: &str, item: Item<'_>) -> Result<bool, String> {
        let expected = match kind {
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => Some("apps"),
            "ReplicationController" => Some(""),
            "Job" => Some("batch"),
            _ => None,
        };
        let known = expected.is_some_and(|expected| [expected, "", "extensions"].contains(&group));
        if known {
            self.snapshot.observed.extend(kind_named(kind));
        } else {
            let scale = item.peek::<WithReplicas>().ok().and_then(|one| one.spec).and_then(|spec| spec.replicas);
            if scale.is_none() || expected.is_some() {
                self.found = self.found.saturating_sub(1);
                if kind == "CapacityPolicy" {
                    self.hint = Some("this is a policy; give it with `-f`");
                }
                *self.snapshot.skipped.entry(self.converter.intern.name(kind)).or_insert(0) += 1;
                return Ok(false);
            }
        }
        let workload = self.converter.workload(kind, item.decode()?)?;
        Ok(insert(&mut self.workloads, (workload.kind.clone(), workload.key.clone()), workload))
    }

    /// The snapshot. Where nothing says when it was taken, it was at the newest moment that any object names.
    pub fn finish(self) -> Snapshot {
        let mut snapshot = self.snapshot;
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
        snapshot.services = self.services.into_values().collect();
        snapshot.servers = self.servers.into_values().collect();
        snapshot.flavors = self.flavors.into_values().collect();
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

fn kind_named(name: &str) -> Option<Kind> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

#[derive(Deserialize)]
struct WithReplicas {
    spec: Option<Replicas>,
}

#[derive(Deserialize)]
struct Replicas {
    replicas: Option<i64>,
}
