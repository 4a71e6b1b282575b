//! A pod's volumes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::storage::ClaimTemplate;

/// One of `volumes`: its name and its source.
#[derive(Debug, Default)]
pub struct Volume {
    /// `name`.
    pub name: String,
    /// The field that says what it is, if there is one.
    pub source: Option<Source>,
}

/// The source field of a volume with what conversion reads of it.
#[derive(Debug, Default)]
pub struct Source {
    /// `hostPath`, `emptyDir`, `persistentVolumeClaim`, …
    pub field: String,
    /// What it says.
    pub details: Details,
}

/// What conversion reads of a volume's source.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Details {
    /// `medium` of an emptyDir.
    pub medium: Option<String>,
    /// `claimName` of a claim.
    pub claim_name: Option<String>,
    /// `driver` of a CSI volume.
    pub driver: Option<String>,
    /// `volumeClaimTemplate` of an ephemeral volume.
    pub volume_claim_template: Option<ClaimTemplate>,
    /// The disk of an in-tree volume.
    #[serde(flatten)]
    pub disk: DiskSource,
}

/// What tells an in-tree disk from another, over all plugins.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DiskSource {
    /// `volumeID` of Cinder, EBS and Portworx.
    #[serde(rename = "volumeID")]
    pub volume_id: Option<String>,
    /// `pdName` of a GCE disk.
    pub pd_name: Option<String>,
    /// `diskURI` of an Azure disk.
    #[serde(rename = "diskURI")]
    pub disk_uri: Option<String>,
    /// `iqn` of an iSCSI target.
    pub iqn: Option<String>,
    /// `monitors` of a Ceph image.
    pub monitors: Option<Vec<String>>,
    /// `pool` of a Ceph image.
    pub pool: Option<String>,
    /// `image` of a Ceph image.
    pub image: Option<String>,
    /// `readOnly`.
    pub read_only: Option<bool>,
}

/// Fields whose content is looked at.
const READ: [&str; 11] = [
    "emptyDir",
    "persistentVolumeClaim",
    "csi",
    "ephemeral",
    "awsElasticBlockStore",
    "gcePersistentDisk",
    "cinder",
    "azureDisk",
    "portworxVolume",
    "iscsi",
    "rbd",
];

impl<'de> Deserialize<'de> for Volume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VolumeVisitor)
    }
}

struct VolumeVisitor;

impl<'de> Visitor<'de> for VolumeVisitor {
    type Value = Volume;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a volume")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Volume, A::Error> {
        let mut volume = Volume::default();
        while let Some(field) = map.next_key::<String>()? {
            match field.as_str() {
                "name" => volume.name = map.next_value::<Option<String>>()?.unwrap_or_default(),
                read if READ.contains(&read) => {
                    if let Some(details) = map.next_value::<Option<Details>>()? {
                        volume.source = Some(Source { field, details });
                    }
                }
                _ => {
                    if map.next_value::<Option<IgnoredAny>>()?.is_some() {
                        volume.source = Some(Source { field, ..Source::default() });
                    }
                }
            }
        }
        Ok(volume)
    }
}
