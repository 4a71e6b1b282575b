//! Tidegate's own items in a kubectl List.

use serde::Deserialize;

use super::{Map, Meta, Scalar};

/// `kind: Snapshot`: what the dump says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SnapshotItem {
    /// The kubeconfig context.
    pub context: Option<String>,
    /// UID of the namespace kube-system.
    #[serde(rename = "clusterUID")]
    pub cluster_uid: Option<String>,
    /// When it was taken.
    pub taken: Option<String>,
    /// The kinds that were listed: one that has no object in the dump is then none, not unknown.
    pub kinds: Option<Vec<String>>,
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

/// `kind: Memory`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemoryItem {
    /// What was remembered.
    pub memory: Option<crate::model::Memory>,
}
