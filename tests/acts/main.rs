//! What is written to a live cluster, against a small API server that keeps objects and can be made to refuse and to race.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod chronicle;
mod evicting;
mod fake;
#[allow(dead_code)]
#[path = "../conformance/false_cloud.rs"]
mod false_cloud;
mod hurried;
mod leads;
mod leasing;
mod patching;
mod remembering;
mod storms;
mod tokens;
