//! Nodes that do not exist yet: what they will look like, what stands of them in the plan, and what becomes of servers that
//! were made and are no nodes.
//!
//! `blueprint` says what may be made and how it will look; `choosing` takes of it for a floor;
//! `daemons` is what comes with every node; `document` is how it stands
//! in the plan; `remains` finds what is to be destroyed without having been a node.

mod blueprint;
mod choosing;
mod daemons;
mod document;
mod remains;

pub use blueprint::{Blueprint, blueprints};
pub use daemons::Daemons;
pub use document::Creation;
pub use remains::{remains, strange};
