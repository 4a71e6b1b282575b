//! Where one pod fits and where not, why it is where it is, and what would make it fit.
//!
//! Everything is an answer of `placement`: a help is what the same question gives after one change, never a guess.

mod asks;
mod desk;
mod document;
mod node_helps;
mod pod_helps;
mod verdict;

pub use desk::{Fitting, explain_pod};
pub use document::{
    Asks, Help, HelpKind, Leaving, Nominee, PodExplanation, PodVerdict, Promise, SchedulerWords, Scored,
};
