//! May this pod leave its node? One table of rules; the first that speaks decides.
//!
//! The rules are functions; a [`Table`] is an order of them. Tidegate's own order is [`Table::TIDEGATE`]; the orders
//! of Cluster Autoscaler and of kubectl exist so that their own test cases can be asked of the same rules.

mod kubectl;
mod marks;
mod ownership;
mod pod_rules;
mod storage;
mod table;

pub use marks::{cordon_first, may_wait};
pub use pod_rules::daemon_evicted;
pub use storage::{glob, undeclared as undeclared_volumes};
pub use table::{Asked, Rule, Ruling, Settings, Table, may_leave};
