//! Pure: a cluster and its cloud as a discrete-event simulation. Same start, same commands at the same times, same world.
//!
//! [`Sim`] holds a [`crate::model::World`] and a queue of events ordered by time, then by the order in which they were
//! made. Each controller is one file: it reads the world and changes it through the same few doors of [`Sim`], which
//! note what was touched. Nothing here knows of files, and nothing is random: what should vary varies with names.

mod audit;
mod budgets;
mod checkpoint;
mod command;
mod controllers;
mod eviction;
mod kubelet;
mod latency;
mod load;
mod making;
mod nodes;
mod operators;
mod patch;
mod plugins;
mod replica;
mod scale;
mod scheduler;
mod servers;
mod state;
mod storage;
mod tokens;
mod touched;
mod view;
mod volumes;

pub use audit::{Record, What};
pub use checkpoint::Checkpoint;
pub use command::Command;
pub use eviction::{Verdict, may_evict};
pub use state::Sim;
