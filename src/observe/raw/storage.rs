//! Storage objects and leases.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{DiskSource, LabelSelector, Map, Meta, NodeSelector, Scalar};

/// A PersistentVolumeClaim.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<ClaimSpec>,
    /// `status`.
    pub status: Option<Phase>,
}

/// `status` of a claim or a volume.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Phase {
    /// `phase`.
    pub phase: Option<String>,
}

/// `spec` of a claim.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimSpec {
    /// `volumeName`.
    pub volume_name: Option<String>,
    /// `storageClassName`.
    pub storage_class_name: Option<String>,
    /// `accessModes`.
    pub access_modes: Option<Vec<String>>,
    /// `resources`.
    pub resources: Option<ClaimResources>,
    /// `selector`.
    pub selector: Option<LabelSelector>,
    /// `volumeMode`.
    pub volume_mode: Option<String>,
    /// `volumeAttributesClassName`.
    pub volume_attributes_class_name: Option<String>,
}

/// `resources` of a claim.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClaimResources {
    /// `requests`.
    pub requests: Option<Map>,
}

/// `volumeClaimTemplate` of an ephemeral volume.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClaimTemplate {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<ClaimSpec>,
}

/// A PersistentVolume.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PersistentVolume {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<VolumeSpec>,
    /// `status`.
    pub status: Option<Phase>,
}

/// `spec` of a volume.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeSpec {
    /// `nodeAffinity`.
    pub node_affinity: Option<VolumeAffinity>,
    /// `csi`.
    pub csi: Option<Csi>,
    /// `local`.
    pub local: Option<IgnoredAny>,
    /// `hostPath`.
    pub host_path: Option<IgnoredAny>,
    /// `accessModes`.
    pub access_modes: Option<Vec<String>>,
    /// `claimRef`.
    pub claim_ref: Option<Reference>,
    /// `storageClassName`.
    pub storage_class_name: Option<String>,
    /// `capacity`.
    pub capacity: Option<Map>,
    /// `volumeMode`.
    pub volume_mode: Option<String>,
    /// `volumeAttributesClassName`.
    pub volume_attributes_class_name: Option<String>,
    /// `awsElasticBlockStore`.
    pub aws_elastic_block_store: Option<DiskSource>,
    /// `gcePersistentDisk`.
    pub gce_persistent_disk: Option<DiskSource>,
    /// `cinder`.
    pub cinder: Option<DiskSource>,
    /// `azureDisk`.
    pub azure_disk: Option<DiskSource>,
    /// `portworxVolume`.
    pub portworx_volume: Option<DiskSource>,
}

/// `nodeAffinity` of a volume.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VolumeAffinity {
    /// `required`.
    pub required: Option<NodeSelector>,
}

/// `csi`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Csi {
    /// `driver`.
    pub driver: Option<String>,
    /// `volumeHandle`.
    pub volume_handle: Option<String>,
}

/// `claimRef`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    /// `namespace`.
    pub namespace: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `uid`.
    pub uid: Option<String>,
}

/// A StorageClass.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StorageClass {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `provisioner`.
    pub provisioner: Option<String>,
    /// `volumeBindingMode`.
    pub volume_binding_mode: Option<String>,
    /// `allowedTopologies`.
    pub allowed_topologies: Option<Vec<Topology>>,
}

/// One of `allowedTopologies`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Topology {
    /// `matchLabelExpressions`.
    pub match_label_expressions: Option<Vec<TopologyLabel>>,
}

/// One of its labels.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopologyLabel {
    /// `key`.
    pub key: Option<String>,
    /// `values`.
    pub values: Option<Vec<Scalar>>,
}

/// A CSINode.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CsiNode {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<CsiNodeSpec>,
}

/// `spec` of a CSINode.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CsiNodeSpec {
    /// `drivers`.
    pub drivers: Option<Vec<CsiDriver>>,
}

/// One of `drivers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CsiDriver {
    /// `name`.
    pub name: Option<String>,
    /// `allocatable`.
    pub allocatable: Option<Count>,
}

/// `allocatable` of a driver.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Count {
    /// `count`.
    pub count: Option<u32>,
}

/// A VolumeAttachment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VolumeAttachment {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<AttachmentSpec>,
    /// `status`.
    pub status: Option<AttachmentStatus>,
}

/// `spec` of an attachment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AttachmentSpec {
    /// `attacher`.
    pub attacher: Option<String>,
    /// `nodeName`.
    pub node_name: Option<String>,
    /// `source`.
    pub source: Option<AttachmentSource>,
}

/// `source` of an attachment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AttachmentSource {
    /// `persistentVolumeName`.
    pub persistent_volume_name: Option<String>,
}

/// `status` of an attachment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AttachmentStatus {
    /// `attached`.
    pub attached: Option<bool>,
}

/// A Lease.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<LeaseSpec>,
}

/// `spec` of a lease.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LeaseSpec {
    /// `renewTime`.
    pub renew_time: Option<String>,
}
