//! Pending pods as they stand in the plan: the public format.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Reason;

/// What becomes of pending pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// They fit on nodes that this plan brings.
    Comes,
    /// Nothing that the plan may bring takes them.
    Waits,
    /// They fit on nodes that are up.
    Room,
    /// No capacity is brought for them, by a rule.
    Ignored,
}

/// A pending pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitingPod {
    /// `namespace/name`.
    pub pod: String,
    /// A node that takes it, by simulation; absent if it goes on waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// Pending pods of one workload with the same outlook, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waiting {
    /// `Deployment namespace/name`; of a pod without a controller `namespace/name`.
    pub workload: String,
    /// What becomes of them.
    pub outlook: Outlook,
    /// Why.
    pub reason: Reason,
    /// The pods, in natural order.
    pub pods: Vec<WaitingPod>,
}

/// The headroom of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadroomPlan {
    /// By size, the largest first.
    pub units: Vec<HeadroomUnits>,
    /// How automatic headroom was worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    /// Since when units are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Timestamp>,
    /// Before this nothing is brought for units that are missing (`refillAfter`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill_at: Option<Timestamp>,
}

/// Units of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadroomUnits {
    /// `cpu 2, memory 8Gi`.
    pub size: String,
    /// The workload whose pods give it its shape, for automatic headroom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// How many are to be kept.
    pub wanted: u32,
    /// How many have room when the plan is done.
    pub kept: u32,
    /// Of one: millicores.
    pub milli_cpu: i64,
    /// Of one: bytes.
    pub memory_bytes: i64,
    /// Of one: other resources, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, i64>,
    /// Why some are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Reason>,
    /// How many on which node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, u32>,
}
