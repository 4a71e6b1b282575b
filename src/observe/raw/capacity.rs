//! CSI drivers and the room that they have for new volumes.

use serde::Deserialize;

use super::{LabelSelector, Meta, Scalar};

/// A CSIDriver.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CsiDriver {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<CsiDriverSpec>,
}

/// `spec` of a CSIDriver.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CsiDriverSpec {
    /// `storageCapacity`.
    pub storage_capacity: Option<bool>,
    /// `preventPodSchedulingIfMissing`.
    pub prevent_pod_scheduling_if_missing: Option<bool>,
}

/// A CSIStorageCapacity.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StorageCapacity {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `storageClassName`.
    pub storage_class_name: Option<String>,
    /// `nodeTopology`.
    pub node_topology: Option<LabelSelector>,
    /// `capacity`.
    pub capacity: Option<Scalar>,
    /// `maximumVolumeSize`.
    pub maximum_volume_size: Option<Scalar>,
}
