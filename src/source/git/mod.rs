//! Policy from git: the system's `git` fetches into a bare mirror, and one commit's tree is read there, never a checkout.

mod error;
mod gpg;
mod local;
mod mirror;
mod places;
mod program;
mod reading;
mod seen;
mod signature;
mod ssh;
mod tree;
mod words;

pub use error::GitError;
pub use local::read_local;
pub use reading::{Commits, GitOptions};
pub use signature::Signers;
