//! The controller as a process: it holds a policy on a sandbox, ends and dies well, and says what it does over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(unix)]

#[path = "../executing/mod.rs"]
mod executing;
mod life;
mod metrics;
mod process;
mod serving;
mod trouble;
