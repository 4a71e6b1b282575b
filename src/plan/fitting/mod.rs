//! Where one pod fits and where not, why it is where it is, and what would make it fit.
//!
//! Everything is an answer of `placement`: a help is what the same question gives after one change, never a guess.

mod desk;
mod document;
mod node_helps;
mod pod_helps;
mod verdict;

pub use desk::{Fitting, explain_pod};
pub use document::{Help, HelpKind, Leaving, PodExplanation, PodVerdict, Promise, SchedulerWords, Scored};
