//! Everything observed at one moment, as a plain value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Budget, Claim, CsiDriver, CsiNode, Flavor, Kind, Memory, Name, Node, PersistentVolume, Pod, PodKey, Quota, Server,
    Service, StorageCapacity, StorageClass, VolumeAttachment, Webhooks, Workload,
};

/// Everything observed at one moment. Object lists are in the order of their keys, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// When it was taken; the newest timestamp inside where a dump does not say.
    pub taken: Option<Timestamp>,
    /// `taken` was guessed from the objects.
    pub taken_inferred: bool,
    /// The kubeconfig context, or the sandbox's name.
    pub context: Option<Name>,
    /// UID of the namespace kube-system.
    pub cluster: Option<Name>,
    /// Where its API server is, as the kubeconfig has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server: Option<Name>,
    /// The API server's version, such as `v1.33.1`, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Name>,
    /// The pod that the observer itself runs in, if it runs in one (H17).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<PodKey>,
    /// Which kinds were listed. Others are unknown.
    pub observed: BTreeSet<Kind>,
    /// Kinds that were skipped, with their number.
    pub skipped: BTreeMap<Name, usize>,
    /// What could not be read, in words; anything here makes the snapshot incomplete.
    pub gaps: Vec<String>,
    /// Pods that could not be read, by the node that they are on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<Name, BTreeSet<Name>>,
    /// Nodes by name.
    pub nodes: Vec<Node>,
    /// Pods by key.
    pub pods: Vec<Pod>,
    /// Budgets by key.
    pub budgets: Vec<Budget>,
    /// Workloads by kind and key.
    pub workloads: Vec<Workload>,
    /// Claims by key.
    pub claims: Vec<Claim>,
    /// Volumes by name.
    pub volumes: Vec<PersistentVolume>,
    /// Storage classes by name.
    pub classes: Vec<StorageClass>,
    /// CSI nodes by name.
    pub csi_nodes: Vec<CsiNode>,
    /// CSI drivers by name.
    pub csi_drivers: Vec<CsiDriver>,
    /// Room for new volumes, by key.
    pub capacities: Vec<StorageCapacity>,
    /// Attachments by name.
    pub attachments: Vec<VolumeAttachment>,
    /// Namespaces' labels by name.
    pub namespaces: BTreeMap<Name, super::Labels>,
    /// Services by key.
    pub services: Vec<Service>,
    /// Admission webhooks by kind and name of their configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhooks>,
    /// Node leases: when each kubelet last renewed.
    pub leases: BTreeMap<Name, Timestamp>,
    /// Servers by id.
    pub servers: Vec<Server>,
    /// Flavors by name.
    pub flavors: Vec<Flavor>,
    /// What each provider allows in all, by its name; one that is not here is not known.
    pub quotas: Vec<Quota>,
    /// What was remembered.
    pub memory: Memory,
}
