//! What every provider of servers has to keep, asked of the sandbox and of a real Nova; and what a real Nova cannot be made to
//! say, said by a false one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod behaviours;
mod clouds;
mod false_cloud;
mod fleet;
mod lab;
mod making;
mod nova;
#[cfg(unix)]
mod programs;
mod refusals;
mod sandbox;
mod wire;
