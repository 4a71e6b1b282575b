//! A stop by hand: for a while nothing is taken away in a cluster, whoever wants it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lock::LockRecord;

/// Nothing that takes capacity away begins until then. It ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// `user@host`.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Stop {
    /// Whether it is in force.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, reason, .. } = self;
        let [since, until] = [self.since, self.until].map(LockRecord::whole);
        write!(f, "stopped by {by} at {since}, until {until}")?;
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
