//! Schedulers of the cluster, as they stand in a file.

use super::object::{object, words};
use super::read::Choice;
use super::text::Text;
use crate::policy::Scoring;

words! { Scoring, "Scoring", "a way to score nodes" {
    "LeastAllocated" => Scoring::LeastAllocated,
    "MostAllocated" => Scoring::MostAllocated,
} }

object! {
    /// How a scheduler that is not the default one, or not configured as by default, likes nodes.
    Scheduler, "a scheduler" {
        /// What pods call it in `schedulerName`; `default-scheduler` is the usual one.
        name = "name": Text [required],
        /// `scoringStrategy` of its plugin NodeResourcesFit: `LeastAllocated` likes empty nodes, `MostAllocated` full ones.
        scoring = "scoring": Choice<Scoring> [required],
    }
}
