//! What a plan is asked for, beyond policy, world and time.

use crate::model::Target;

/// What a plan is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Only these; empty is everything. A narrowed plan says so.
    pub targets: Vec<Target>,
    /// The plan is to be carried out: the snapshot's age counts.
    pub for_apply: bool,
}
