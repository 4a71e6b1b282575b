//! Volumes decide where a pod may run as kube-scheduler 1.37 has it, and what-if with them leaves no trace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod attaching;
mod binding;
mod build;
mod capacity;
mod places;
mod what_if;
