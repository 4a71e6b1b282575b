//! What makes a dump unreadable as a whole.

use thiserror::Error;

use crate::file::remedy;

/// Why files cannot be read as a snapshot.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// The file cannot be opened or read.
    #[error("cannot read {file}: {error}{}", remedy(error))]
    File {
        /// The file.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is larger than anything that a cluster dumps.
    #[error("{file} holds more than {limit} bytes when unpacked")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// It has zeros where text would be: a device, a disk image, a database.
    #[error("{file} is not text: it has zero bytes")]
    NotText {
        /// The file.
        file: String,
    },
    /// It is neither JSON nor YAML, or is cut off.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// What an API server answered is not the list that it was asked for, or not all of it.
    #[error("{why}")]
    NoList {
        /// What is wrong with it.
        why: String,
    },
    /// It holds no object of a kind that a snapshot is made of, and no empty list.
    #[error("{file} holds no Kubernetes object: {hint}")]
    NoObject {
        /// The file.
        file: String,
        /// What it is instead, or what to do.
        hint: &'static str,
    },
    /// Files of different clusters, which make no snapshot of either.
    #[error("these are objects of different clusters: {both}; name the files of one of them")]
    TwoClusters {
        /// The UIDs, and where each is said.
        both: String,
    },
    /// No file was named.
    #[error("no file to read a snapshot from")]
    NoFile,
}
