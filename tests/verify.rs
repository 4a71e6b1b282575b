//! The checker must be able to fail: whatever is changed in a good plan is found, by the rule that it breaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "verify/creations.rs"]
mod creations;
#[path = "plan/fixture.rs"]
mod fixture;
#[path = "verify/goods.rs"]
mod goods;
#[path = "plan/random.rs"]
mod random;
#[path = "verify/second_reading.rs"]
mod second_reading;
#[path = "verify/sweep.rs"]
mod sweep;
#[path = "verify/tampered.rs"]
mod tampered;
#[path = "verify/worlds.rs"]
mod worlds;
