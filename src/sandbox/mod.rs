//! An embedded cluster and cloud in virtual time: for trying things out, for tests, and for asking what would happen.
//!
//! [`sim`] is the pure simulation. [`Sandbox`] keeps one in a folder: its start, and a log of everything asked of it
//! since, from which the state is made again at each opening; so killing a client loses nothing that was accepted.
//! A handle is the cluster, the provider and the clock in one, and cheap to clone.

mod doors;
mod error;
mod faults;
mod handle;
mod log;
pub mod sim;
mod store;

pub use error::SandboxError;
pub use faults::{Ends, Fault, FaultKind, Faults, Occasion};
pub use handle::Sandbox;
