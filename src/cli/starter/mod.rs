//! A first policy for a cluster: pools guessed from its nodes, the rest from the building blocks in `policies/`.
//!
//! Everything that is guessed says so in the text, with what it rests on.

mod blocks;
mod drain;
mod guess;
mod text;

pub use drain::{Lift, merged};
pub use guess::guess;
pub use text::{Found, starter};
