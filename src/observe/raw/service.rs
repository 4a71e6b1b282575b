//! Services.

use serde::Deserialize;

use super::{Map, Meta};

/// A Service.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<ServiceSpec>,
}

/// `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServiceSpec {
    /// `type`; ClusterIP where unset.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `selector`.
    pub selector: Option<Map>,
}
