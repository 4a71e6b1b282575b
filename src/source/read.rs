//! Every word of `-f`: files, folders, and addresses of git.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::address::{Address, AddressError};
use super::git::{Commits, GitError, GitOptions, read_local};
use super::{PolicySource, SourceError, read_policy};
use crate::policy::Revision;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The files. One that stands in git is named by an address that reads it again at the same commit.
    pub files: Vec<PolicySource>,
    /// The commits they were read at.
    pub revisions: Vec<Revision>,
}

/// Whether a word is an address of git rather than a file or a folder.
pub fn in_git(word: &Path) -> bool {
    Address::parse(word).is_some()
}

/// Reads files, folders and addresses of git in their order, each file once.
///
/// # Errors
/// One of them is not there, cannot be read, or is not to be trusted; or a signature is demanded of what stands in no
/// repository.
pub fn read(words: &[PathBuf], options: &GitOptions) -> Result<Sources, SourceError> {
    read_each(words, None, options)
}

/// Reads the same at one branch, tag or commit, whatever the addresses say. Files and folders are read out of the repository
/// that they stand in.
///
/// # Errors
/// As for [`read`]; or there is no such commit.
pub fn read_at(words: &[PathBuf], reference: &str, options: &GitOptions) -> Result<Sources, SourceError> {
    read_each(words, Some(reference), options)
}

fn read_each(words: &[PathBuf], reference: Option<&str>, options: &GitOptions) -> Result<Sources, SourceError> {
    if let Some(signers) = &options.signers {
        signers.check()?;
    }
    let mut commits = Commits::new(options);
    let (mut files, mut seen, mut local) = (Vec::new(), BTreeSet::new(), Vec::new());
    for word in words {
        let found = match (Address::parse(word), reference) {
            (Some(address), reference) => {
                let address =
                    address.and_then(|address| reference.map_or(Ok(address.clone()), |name| address.at(name)));
                let address = address.map_err(|error| SourceError::Address { word: masked(word, &error), error })?;
                commits.read(&address)?
            }
            (None, _) if options.signers.is_some() => return Err(SourceError::NotInGit { path: word.clone() }),
            (None, Some(name)) => {
                let (found, revision) = read_local(word, name)?;
                if !local.contains(&revision) {
                    local.push(revision);
                }
                found
            }
            (None, None) => read_policy(std::slice::from_ref(word))?,
        };
        files.extend(found.into_iter().filter(|file| seen.insert(file.path.clone())));
    }
    let mut revisions = commits.revisions();
    revisions.extend(local);
    Ok(Sources { files, revisions })
}

/// The address as it was written, unless it holds what nobody should read.
fn masked(word: &Path, error: &AddressError) -> String {
    let text = word.to_string_lossy();
    match (error, text.split_once("://"), text.split_once('@')) {
        (AddressError::Secret, Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (AddressError::Secret, None, Some((_, rest))) => format!("…@{rest}"),
        _ => text.into_owned(),
    }
}

impl From<GitError> for SourceError {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}
