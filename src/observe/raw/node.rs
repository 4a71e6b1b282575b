//! Nodes.

use serde::Deserialize;

use super::{Map, Meta, Scalar};

/// A Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `spec`.
    pub spec: Option<NodeSpec>,
    /// `status`.
    pub status: Option<NodeStatus>,
}

/// `spec` of a Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSpec {
    /// `unschedulable`.
    pub unschedulable: Option<bool>,
    /// `taints`.
    pub taints: Option<Vec<NodeTaint>>,
    /// `providerID`.
    #[serde(rename = "providerID")]
    pub provider_id: Option<String>,
}

/// One of `taints`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeTaint {
    /// `key`.
    pub key: Option<String>,
    /// `value`.
    pub value: Option<Scalar>,
    /// `effect`.
    pub effect: Option<String>,
}

/// `status` of a Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeStatus {
    /// `allocatable`.
    pub allocatable: Option<Map>,
    /// `capacity`.
    pub capacity: Option<Map>,
    /// `conditions`.
    pub conditions: Option<Vec<NodeCondition>>,
    /// `nodeInfo`.
    pub node_info: Option<NodeInfo>,
    /// `addresses`.
    pub addresses: Option<Vec<NodeAddress>>,
    /// `volumesInUse`.
    pub volumes_in_use: Option<Vec<String>>,
}

/// One of a Node's `conditions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeCondition {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `status`.
    pub status: Option<Scalar>,
    /// `lastHeartbeatTime`.
    pub last_heartbeat_time: Option<String>,
    /// `lastTransitionTime`.
    pub last_transition_time: Option<String>,
}

/// `nodeInfo`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeInfo {
    /// `kubeletVersion`.
    pub kubelet_version: Option<String>,
}

/// One of `addresses`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    /// `type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `address`.
    pub address: Option<String>,
}
