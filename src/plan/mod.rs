//! Desired against actual: ordered, explained, prefix-safe steps. The only decision path.
//!
//! Pure.

mod document;
mod reason;

pub use document::{
    Blocker, CostLine, FileRef, Kept, NextChange, Outage, Plan, PlanCost, PodAction, PodMove, PolicyRef, PoolPlan,
    Precondition, Refusal, SnapshotRef, Step, StepCost, Summary, Verb, Verdict,
};
pub use reason::{Code, Evidence, Reason};
