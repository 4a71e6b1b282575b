//! What was asked of a sandbox, one line per request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sim::Command;
use crate::execute::ledger::{Flaw, Sealed};

/// A request and when it was made, in virtual time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub ask: Command,
}

/// The requests of some lines of a log, of which the first has the number `first`.
///
/// # Errors
/// A line holds no request.
pub fn entries(lines: &[Sealed], first: usize) -> Result<Vec<Entry>, Flaw> {
    let read = |(line, sealed): (usize, &Sealed)| {
        serde_json::from_str(&sealed.json).map_err(|error| Flaw { line, why: format!("it is not a request: {error}") })
    };
    (first..).zip(lines).map(read).collect()
}
