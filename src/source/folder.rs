//! Policy files and folders on disk.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{AddressError, GitError, PolicySource};
use crate::file;
use crate::policy::MOST_BYTES;

/// Folders inside folders, at most so deep.
const MOST_DEPTH: usize = 16;

/// Why a policy could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No such file or folder.
    #[error("there is no file or folder `{}`", path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
    },
    /// A folder without policies.
    #[error("the folder `{}` has no `.yaml` or `.yml` file", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Folders that never end, such as a link to themselves.
    #[error("folders are nested more than {MOST_DEPTH} deep at `{}`", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is too large to be a policy; it is not read.
    #[error("`{}` has {} MiB; a policy file may have {}", path.display(), size.div_ceil(1 << 20), MOST_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// An address of git that cannot be used.
    #[error("`{word}` cannot be read: {error}")]
    Address {
        /// The address, without credentials.
        word: String,
        /// Why not.
        error: AddressError,
    },
    /// Git.
    #[error(transparent)]
    Git(GitError),
    /// A signature is demanded of a file that nobody can have signed.
    #[error("a signature is demanded, and `{}` is not in git", path.display())]
    NotInGit {
        /// The file or the folder.
        path: PathBuf,
    },
    /// The operating system says no.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// What was read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Reads policy files. Of a folder, all files that end in `.yaml` or `.yml`, in the order of their names, folders inside
/// it too; names that begin with a dot are left out. A path of `-` is standard input.
///
/// # Errors
/// A path does not exist or cannot be read, or a folder has no policy.
pub fn read_policy(paths: &[PathBuf]) -> Result<Vec<PolicySource>, SourceError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            files.push(path.clone());
            continue;
        }
        let kind = std::fs::metadata(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => SourceError::Missing { path: path.clone() },
            _ => SourceError::Unreadable { path: path.clone(), source },
        })?;
        if kind.is_dir() {
            let before = files.len();
            list(path, 0, &mut files)?;
            if files.len() == before {
                return Err(SourceError::Empty { path: path.clone() });
            }
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files.iter().map(|file| read(file)).collect()
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    if depth > MOST_DEPTH {
        return Err(SourceError::TooDeep { path: folder.to_owned() });
    }
    let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for path in entries {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            list(&path, depth.saturating_add(1), files)?;
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<PolicySource, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    // One byte more than may be: the policy reader then refuses what is too long.
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let name = if path.as_os_str() == "-" {
        std::io::stdin().take(most).read_to_end(&mut text).map_err(unreadable)?;
        "<stdin>".to_owned()
    } else {
        let about = std::fs::metadata(path).map_err(unreadable)?;
        if about.is_file() && about.len() >= most {
            return Err(SourceError::TooLarge { path: path.to_owned(), size: about.len() });
        }
        let file = file::opened(path).map_err(unreadable)?;
        file.take(most).read_to_end(&mut text).map_err(unreadable)?;
        path.to_string_lossy().replace('\\', "/")
    };
    Ok(PolicySource { path: name.into(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_folder_in_order_and_leaves_out_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "notes.md", ".hidden.yaml", "sub/c.yaml"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let one = folder.path().join("b.yaml");
        let read = read_policy(&[folder.path().to_owned(), one]).unwrap();
        let texts: Vec<&[u8]> = read.iter().map(|source| source.text.as_slice()).collect();
        assert_eq!(texts, [b"a.yml".as_slice(), b"b.yaml", b"sub/c.yaml"]);
    }

    #[test]
    fn says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.yaml");
        assert!(matches!(read_policy(&[missing]), Err(SourceError::Missing { .. })));
        assert!(matches!(read_policy(&[folder.path().to_owned()]), Err(SourceError::Empty { .. })));
    }
}
