//! What is done about nodes that stay NotReady.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What is done with such a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RepairAction {
    /// Its server is parked in the pool's way and woken again.
    Restart,
    /// Its server is parked or deleted, once what comes in its place is there.
    Replace,
}

impl RepairAction {
    /// As it stands in a policy.
    pub fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Replace => "replace",
        }
    }
}

/// When nodes of a pool are repaired, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// So long a node has to be NotReady.
    pub not_ready_for: SignedDuration,
    /// What is done with it.
    pub action: RepairAction,
    /// So many of the pool at once, 1 by default.
    pub at_once: u32,
    /// None where more of the pool's nodes are NotReady, in per cent; 40 by default.
    pub max_not_ready: u32,
}

impl Repair {
    /// Whether so many NotReady nodes of so many are more than single machines that fail.
    pub fn too_many(&self, not_ready: u32, all: u32) -> bool {
        u64::from(not_ready) * 100 > u64::from(all) * u64::from(self.max_not_ready)
    }
}
