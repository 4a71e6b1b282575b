//! What can go wrong with a sandbox's folder.

use std::path::{Path, PathBuf};

use crate::cloud::ProviderError;
use crate::cluster::ClusterError;
use crate::execute::ledger::LedgerError;
use crate::file::remedy;

/// Why a sandbox could not be made, opened or written.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} `{}`: {source}{}", path.display(), remedy(source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is a sandbox already.
    #[error("there is a sandbox in `{}` already", .0.display())]
    Exists(PathBuf),
    /// The folder holds files of somebody else.
    #[error("`{}` is not empty: there is `{found}` in it", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// The first of what is in it.
        found: String,
    },
    /// There is no sandbox.
    #[error("there is no sandbox in `{}`", .0.display())]
    Missing(PathBuf),
    /// Another process has it open.
    #[error("the sandbox in `{}` is in use by another process", .0.display())]
    Busy(PathBuf),
    /// The log is damaged: it may be left as it is, or the sandbox be reset.
    #[error("`{}`, line {line}: {why}", path.display())]
    Damaged {
        /// The sandbox.
        folder: PathBuf,
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// How it began is damaged, or another version wrote it: the sandbox has to be made anew.
    #[error("`{}`: {why}", path.display())]
    Unstartable {
        /// The sandbox.
        folder: PathBuf,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder was removed, or another sandbox has taken its place, while this one was open.
    #[error("the sandbox in `{}` was removed or replaced while it was in use; nothing was written there since", .0.display())]
    Gone(PathBuf),
    /// The snapshot could not be read.
    #[error("{0}")]
    Snapshot(String),
    /// No workload of that name can be scaled.
    #[error(
        "there is no workload {0} that can be scaled: it takes a Deployment, ReplicaSet or StatefulSet with a pod to go by"
    )]
    NoWorkload(String),
    /// A workload asks for more pods than a sandbox makes.
    #[error("{workload} asks for {wanted} pods; a sandbox makes at most {most} of one workload")]
    TooMany {
        /// Kind and name of the workload.
        workload: String,
        /// Pods it asks for.
        wanted: u32,
        /// Pods it may ask for.
        most: u32,
    },
}

impl SandboxError {
    /// The failure of a file that is written line by line.
    pub(super) fn of(folder: &Path, error: LedgerError) -> Self {
        match error {
            LedgerError::Io { path, source } => Self::Io { doing: "write", path, source },
            LedgerError::Gone(_) => Self::Gone(folder.to_owned()),
            LedgerError::Foreign(path) => {
                Self::Io { doing: "write", path, source: std::io::Error::other("another process wrote in it") }
            }
        }
    }
}

impl From<SandboxError> for ClusterError {
    fn from(error: SandboxError) -> Self {
        match &error {
            SandboxError::Gone(_) => Self::Gone(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl From<SandboxError> for ProviderError {
    fn from(error: SandboxError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
