//! Rules on a finished plan: what a team wants to be told of, warned of, or asked about before it is carried out.

mod finding;
mod rule;

pub use finding::{Checked, Finding, check};
pub use rule::{CheckLevel, CheckRule, Condition, PlanRules, WeekDay};
