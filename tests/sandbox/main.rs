//! The sandbox: flows that an operator knows, and properties of any of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod build;
mod dumps;
mod flows;
mod loss;
mod properties;
mod random;
mod storage;
mod verdicts;
