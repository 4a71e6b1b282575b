//! The loop that holds a policy: when to look, who leads, and what to do when something is away.
//!
//! ```text
//! feed ──► policy ─┐
//!                  ├─► plan ──► execute::run::apply ──► board
//! cluster ─► world ┘   (by the leader alone)
//! ```
//!
//! It decides nothing that `plan` and the executor do not: every act is one of an apply, with its lock, journal and fresh
//! look. What is wanted is a function of policy, world and clock, so a controller that was away catches up by itself.

mod feed;
mod hold;
mod leading;
mod pace;
mod stop;
mod telling;
mod weighing;

pub use feed::{Feed, Good, Reading};
pub use hold::{Controller, Ended, Ground};
pub use stop::Stop;
pub use telling::Telling;
