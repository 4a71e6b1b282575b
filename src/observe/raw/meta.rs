//! What every object has: kind, metadata, selectors.

use serde::Deserialize;

use super::{Map, Scalar};

/// Enough of an object to say what it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Header {
    /// `apiVersion`.
    pub api_version: Option<String>,
    /// `kind`.
    pub kind: Option<String>,
    /// `metadata`.
    pub metadata: Option<Named>,
}

/// Enough of a Pod that cannot be read to say where it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OnNode {
    /// `spec`.
    pub spec: Option<NodeName>,
}

/// The part of a Pod's `spec` that names its node.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeName {
    /// `nodeName`.
    pub node_name: Option<String>,
}

/// The part of `metadata` that names an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Named {
    /// `namespace`.
    pub namespace: Option<String>,
    /// `name`.
    pub name: Option<Scalar>,
    /// `resourceVersion`.
    pub resource_version: Option<String>,
}

/// `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// `name`; a number in YAML is taken as it is written.
    pub name: Option<Scalar>,
    /// `namespace`.
    pub namespace: Option<Scalar>,
    /// `uid`.
    pub uid: Option<String>,
    /// `generation`.
    pub generation: Option<i64>,
    /// `labels`.
    pub labels: Option<Map>,
    /// `annotations`.
    pub annotations: Option<Map>,
    /// `creationTimestamp`.
    pub creation_timestamp: Option<String>,
    /// `deletionTimestamp`.
    pub deletion_timestamp: Option<String>,
    /// `ownerReferences`.
    pub owner_references: Option<Vec<OwnerRef>>,
}

/// One of `ownerReferences`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerRef {
    /// `apiVersion`.
    pub api_version: Option<String>,
    /// `kind`.
    pub kind: Option<String>,
    /// `name`.
    pub name: Option<Scalar>,
    /// `uid`.
    pub uid: Option<String>,
    /// `controller`.
    pub controller: Option<bool>,
}

/// A label selector.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    /// `matchLabels`.
    pub match_labels: Option<Map>,
    /// `matchExpressions`.
    pub match_expressions: Option<Vec<SelectorExpression>>,
}

/// One condition of a selector or of node affinity.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SelectorExpression {
    /// `key`.
    pub key: Option<String>,
    /// `operator`.
    pub operator: Option<String>,
    /// `values`.
    pub values: Option<Vec<Scalar>>,
}

/// An object of which only the metadata matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bare {
    /// `metadata`.
    pub metadata: Option<Meta>,
}
