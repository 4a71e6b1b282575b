//! Tidegate's own items in a kubectl List.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Map, Meta, Scalar};
use crate::model::{Memory, Quota, Setback};

/// `kind: Snapshot`: what the dump says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SnapshotItem {
    /// The kubeconfig context.
    pub context: Option<String>,
    /// UID of the namespace kube-system.
    #[serde(rename = "clusterUID")]
    pub cluster_uid: Option<String>,
    /// Where the API server is.
    pub server: Option<String>,
    /// Its version.
    #[serde(rename = "serverVersion")]
    pub version: Option<String>,
    /// The pod that it was taken from, `namespace/name`.
    #[serde(rename = "observedFrom")]
    pub here: Option<String>,
    /// When it was taken.
    pub taken: Option<String>,
    /// The kinds that were listed: one that has no object in the dump is then none, not unknown.
    pub kinds: Option<Vec<String>>,
    /// What could not be read when it was taken.
    pub gaps: Option<Vec<String>>,
    /// Pods that could not be read then, by the node that they are on.
    pub unread: Option<BTreeMap<String, Vec<String>>>,
}

/// `kind: Server`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServerItem {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<ServerSpec>,
    /// `status`.
    pub status: Option<ServerStatus>,
}

/// `spec` of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerSpec {
    /// The provider's id; the name where unset.
    pub id: Option<Scalar>,
    /// The policy's name for the provider.
    pub provider: Option<String>,
    /// The flavor's name.
    pub flavor: Option<Scalar>,
    /// The availability zone.
    pub zone: Option<String>,
    /// The node it carries.
    pub node: Option<Scalar>,
    /// It has a floating address.
    pub floating_address: Option<bool>,
    /// The provider's metadata.
    pub metadata: Option<Map>,
}

/// `status` of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServerStatus {
    /// `ACTIVE`, `SHELVED_OFFLOADED`, …
    pub state: Option<String>,
    /// `shelving`, …
    pub task: Option<String>,
    /// Since when.
    pub since: Option<String>,
    /// What went wrong.
    pub fault: Option<String>,
    /// Which kind of failure that was.
    pub setback: Option<Setback>,
    /// Verbs that it does not allow, each with the cause.
    pub cannot: Option<Map>,
    /// Ids of the volumes that are attached.
    pub volumes: Option<Vec<String>>,
}

/// `kind: Flavor`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FlavorItem {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<FlavorSpec>,
}

/// `spec` of a flavor.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FlavorSpec {
    /// The policy's name for the provider.
    pub provider: Option<String>,
    /// What the machine has.
    pub capacity: Option<Map>,
}

/// `kind: Quota`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct QuotaItem {
    /// What a provider allows.
    pub quota: Option<Quota>,
}

/// `kind: Memory`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemoryItem {
    /// What was remembered.
    pub memory: Option<Memory>,
}
