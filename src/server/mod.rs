//! What the controller shows over HTTP: health, metrics, its plan, a snapshot, a page for people. It reads, and decides nothing.
//!
//! The controller writes on a [`Board`]; a thread of its own answers from what stands there, so that a plan that takes a
//! second holds up no probe.

mod answers;
mod board;
mod counters;
mod exposition;
mod html;
mod listen;
mod metrics;
mod page;
mod parts;
mod view;

pub use board::Board;
pub use counters::Counters;
pub use listen::{Listen, ListenError, serve};
pub use view::{Line, PolicyShown, Role, Trouble, View, Week, Work};
