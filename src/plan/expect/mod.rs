//! Unit tests of a policy: what a team expects of the plan that is made of a snapshot at an instant.

mod amount;
mod document;
mod judge;
mod place;
mod tested;

pub use amount::Amount;
pub use document::{
    ExpectCost, ExpectNext, ExpectNode, ExpectPods, ExpectPool, ExpectSteps, Expected, Given, GivenFiles, GivenMemory,
    GivenNode, GivenPool, PolicyTest, PolicyTests, TestsKind, TestsVersion,
};
pub use judge::judge;
pub use place::At;
pub use tested::{Mismatch, TestOutcome, TestResult, Tested};
