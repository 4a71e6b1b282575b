//! What is in the way of nodes that are not needed, by cause: one group for each thing that somebody can change, with the
//! lines of policy that change it.
//!
//! `group` sorts the reasons of kept nodes into groups and counts what each frees, `cause` says which reasons have one cause,
//! `words` names it, `lift` says what lifts it, asking `volumes`, `allowance` and `selector`.

mod allowance;
mod cause;
mod group;
mod lift;
mod selector;
mod volumes;
mod words;

pub use group::{blocked, group, needed};
