//! Where mirrors and what was read last are kept: the cache and the state directory of the user.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::GitError;

/// A name for a file that is made of any text.
pub(super) fn name_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The folder of mirrors.
pub(super) fn mirrors() -> Result<PathBuf, GitError> {
    folder("the mirror", "XDG_CACHE_HOME", ".cache")
}

/// The folder of what was read last.
pub(super) fn records() -> Result<PathBuf, GitError> {
    folder("what was read last", "XDG_STATE_HOME", ".local/state")
}

fn folder(what: &'static str, variable: &'static str, at_home: &str) -> Result<PathBuf, GitError> {
    let path = |key: &str| std::env::var_os(key).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = path(variable).or_else(|| path("HOME").map(|home| home.join(at_home)));
    let folder = base.ok_or(GitError::NoHome { what, variable })?.join("tidegate").join("git");
    make(&folder)?;
    Ok(folder)
}

/// Makes a folder that is nobody else's to read: policy may be private.
fn make(folder: &Path) -> Result<(), GitError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| GitError::Disk { what: "make", path: folder.to_owned(), source })
}
