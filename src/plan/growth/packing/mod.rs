//! Packing in plain numbers: what waits against what may be bought, with no word of Kubernetes.
//!
//! `problem` says what is asked and offered; `greedy` buys the kind that serves most for its cost, in patterns and counts
//! rather than node by node; `exact` tries everything where little waits; `improve` makes a whole packing better piece by
//! piece. All budgets are counted in steps, never in time, so that the same question has the same answer.

mod exact;
mod greedy;
mod improve;
mod problem;

pub use improve::{FEW, other_than, pack};
pub use problem::{Bin, Item, Kind, Problem};
