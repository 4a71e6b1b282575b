//! Where policy bytes come from.

mod folder;

pub use folder::{SourceError, read_policy};

pub use crate::policy::PolicySource;
