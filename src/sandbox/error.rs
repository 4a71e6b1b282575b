//! What can go wrong with a sandbox's folder.

use std::path::PathBuf;

use crate::cloud::ProviderError;
use crate::cluster::ClusterError;

/// Why a sandbox could not be made, opened or written.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} `{}`: {source}", path.display())]
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
    /// There is no sandbox.
    #[error("there is no sandbox in `{}`", .0.display())]
    Missing(PathBuf),
    /// Another process has it open.
    #[error("the sandbox in `{}` is in use by another process", .0.display())]
    Busy(PathBuf),
    /// A file of the sandbox is damaged, or another version wrote it.
    #[error("`{}` is not readable: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The snapshot could not be read.
    #[error("{0}")]
    Snapshot(String),
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
    /// An earlier write failed: the handle answers nothing any more.
    #[error("an earlier write failed; open the sandbox again")]
    Broken,
}

impl From<SandboxError> for ClusterError {
    fn from(error: SandboxError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<SandboxError> for ProviderError {
    fn from(error: SandboxError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
