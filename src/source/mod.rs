//! Where policy bytes come from: files and folders on disk, and repositories of git at one commit.

mod address;
mod folder;
mod git;
mod read;

pub use address::AddressError;
pub use folder::{SourceError, read_policy};
pub use git::{GitError, GitOptions, Signers};
pub use read::{Sources, in_git, read, read_at};

pub use crate::policy::PolicySource;
