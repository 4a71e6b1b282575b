//! A pod's volumes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

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
    /// `medium` of an emptyDir.
    pub medium: Option<String>,
    /// `claimName` of a claim.
    pub claim_name: Option<String>,
    /// `driver` of a CSI volume.
    pub driver: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    medium: Option<String>,
    claim_name: Option<String>,
    driver: Option<String>,
}

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
                "emptyDir" | "persistentVolumeClaim" | "csi" => {
                    if let Some(details) = map.next_value::<Option<Details>>()? {
                        let Details { medium, claim_name, driver } = details;
                        volume.source = Some(Source { field, medium, claim_name, driver });
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
