//! Time: crontab lines, windows in zones where clocks change, and what holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::type_complexity, clippy::single_range_in_vec_init)]

#[path = "schedule/brute.rs"]
mod brute;
#[path = "schedule/builder.rs"]
mod builder;
#[path = "schedule/lines.rs"]
mod lines;
#[path = "schedule/precedence.rs"]
mod precedence;
#[path = "schedule/report.rs"]
mod report;
#[path = "schedule/seams.rs"]
mod seams;
