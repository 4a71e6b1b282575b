//! Policy from git: what is read, how it is named, what is refused, and that nothing hangs or is run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod addresses;
mod beside;
mod bounds;
mod catalogs;
mod difference;
mod ground;
mod named;
mod pipelines;
mod rewind;
mod signed;
mod together;
mod trees;
