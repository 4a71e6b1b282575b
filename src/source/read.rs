//! Every word of `-f`: files, folders, and addresses of git.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::address::{Address, AddressError};
use super::git::{Commits, GitError, GitOptions, read_local};
use super::{PolicySource, SourceError, read_policy};
use crate::file;
use crate::model::Name;
use crate::policy::{Beside, MOST_BYTES, Revision, catalogs_named, mentioned, path_of};

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The files. One that stands in git is named by an address that reads it again at the same commit.
    pub files: Vec<PolicySource>,
    /// Files that they name and that stand beside them.
    pub beside: Beside,
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
        let address;
        let mut found = match (Address::parse(word), reference) {
            (Some(parsed), reference) => {
                let parsed = parsed.and_then(|address| reference.map_or(Ok(address.clone()), |name| address.at(name)));
                let parsed = parsed.map_err(|error| SourceError::Address { word: masked(word, &error), error })?;
                address = Some(parsed.clone());
                commits.read(&parsed)?
            }
            (None, _) if options.signers.is_some() => return Err(SourceError::NotInGit { path: word.clone() }),
            (None, Some(name)) => {
                let (found, revision) = read_local(word, name)?;
                address = None;
                if !local.contains(&revision) {
                    local.push(revision);
                }
                found
            }
            (None, None) => {
                address = None;
                read_policy(std::slice::from_ref(word))?
            }
        };
        for place in catalogs_named(&found) {
            if !found.iter().any(|file| file.path == place) {
                found.extend(catalog(&place, address.as_ref(), reference, &mut commits)?);
            }
        }
        files.extend(found.into_iter().filter(|file| seen.insert(file.path.clone())));
    }
    let beside = all_beside(&mut files, reference, &mut commits);
    let mut revisions = commits.revisions();
    revisions.extend(local);
    Ok(Sources { files, beside, revisions })
}

/// What the files name beside them. A file that is named so is no policy, though it may end in `.yaml`.
fn all_beside(files: &mut Vec<PolicySource>, reference: Option<&str>, commits: &mut Commits<'_>) -> Beside {
    let mut beside = Beside::default();
    let mut named: BTreeSet<Name> = BTreeSet::new();
    for file in files.iter().filter(|file| &*file.path != "<stdin>") {
        for word in mentioned(file) {
            let (path, found) = one_beside(&file.path, &word, reference, commits);
            beside.put(&file.path, &word, found);
            named.extend(path.filter(|path| *path != file.path));
        }
    }
    files.retain(|file| !named.contains(&file.path) || !mentioned(file).is_empty());
    beside
}

/// What stands at `word` beside a policy file, and how it would be named as one.
fn one_beside(
    policy: &str,
    word: &str,
    reference: Option<&str>,
    commits: &mut Commits<'_>,
) -> (Option<Name>, Result<Vec<u8>, String>) {
    let only = |found: Vec<PolicySource>| {
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(only), None) => (Some(only.path), Ok(only.text)),
            _ => (None, Err("it is a folder".to_owned())),
        }
    };
    let read = match (Address::parse(Path::new(policy)), reference) {
        (Some(Err(error)), _) => return (None, Err(error.to_string())),
        (Some(Ok(address)), None) => {
            let path = joined(&address.path, word);
            commits.read(&Address { path, ..address })
        }
        // A file on disk that was read out of the repository it stands in: the repository's own folder is its address.
        (Some(Ok(address)), Some(name)) => match address.repository.strip_prefix("file://").map(Path::new) {
            Some(folder) if folder.join(".git").exists() => {
                read_local(&folder.join(joined(&address.path, word)), name).map(|(found, _)| found)
            }
            _ => {
                let path = joined(&address.path, word);
                commits.read(&Address { path, ..address })
            }
        },
        (None, _) => {
            let path = joined(policy, word);
            let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
            let found = file::given(Path::new(&path), most).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => format!("there is no file `{path}`"),
                _ => error.to_string(),
            });
            return (Some(path.into()), found);
        }
    };
    read.map_or_else(|error| (None, Err(error.to_string())), only)
}

/// A path beside that of a policy file.
fn joined(policy: &str, word: &str) -> String {
    policy.rsplit_once('/').map_or_else(|| word.to_owned(), |(folder, _)| format!("{folder}/{word}"))
}

/// A catalog that a policy names, read from where that was. One that is not there is the policy's own mistake, which says
/// so with its line.
fn catalog(
    place: &Name,
    address: Option<&Address>,
    reference: Option<&str>,
    commits: &mut Commits<'_>,
) -> Result<Option<PolicySource>, SourceError> {
    let inside = path_of(place);
    let found = match (address, reference) {
        (Some(address), _) => commits.read(&Address { path: inside.to_owned(), ..address.clone() }),
        (None, Some(reference)) => {
            let root =
                place.strip_prefix("file://").and_then(|rest| rest.split_once("//")).map_or("", |(root, _)| root);
            read_local(&Path::new(root).join(inside), reference).map(|(found, _)| found)
        }
        (None, None) => match read_policy(&[PathBuf::from(&**place)]) {
            Err(SourceError::Missing { .. }) => return Ok(None),
            read => return Ok(read?.into_iter().find(|file| file.path == *place)),
        },
    };
    match found {
        Err(error) if error.is_missing() => Ok(None),
        read => Ok(read?.into_iter().find(|file| file.path == *place)),
    }
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
