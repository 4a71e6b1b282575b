//! Policy out of the repository that a file or folder on disk stands in, at a commit of it.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Repository};

use super::error::{GitError, GitSaid};
use super::tree::{self, Trouble};
use crate::policy::{PolicySource, Revision};

/// What stands at `path`, whether or not it is on disk now, at `reference`: a branch, a tag, a commit, `HEAD~1`.
///
/// # Errors
/// It stands in no repository, that has no such commit, or the path is not there at it.
pub fn read_local(path: &Path, reference: &str) -> Result<(Vec<PolicySource>, Revision), GitError> {
    let (ground, missing) = on_disk(path)?;
    let none = || GitError::NoRepository { path: path.to_owned() };
    let repository = Repository::discover(&ground).map_err(|error| match error.code() {
        ErrorCode::NotFound => none(),
        ErrorCode::Owner => {
            GitError::Untrusted { repository: ground.display().to_string(), said: GitSaid::of(error.message()) }
        }
        _ => GitError::Local { path: path.to_owned(), why: error.message().to_owned() },
    })?;
    let workdir = repository.workdir().ok_or_else(none)?;
    let workdir = workdir.canonicalize().map_err(|source| disk(workdir, source))?;
    let inside = ground.strip_prefix(&workdir).map_err(|_| none())?.join(missing);
    // A path that is joined with nothing ends in a slash.
    let inside = inside.to_string_lossy().replace('\\', "/").trim_end_matches('/').to_owned();
    let name = format!("file://{}", workdir.display());
    let no_reference = || GitError::NoReference { repository: name.clone(), name: reference.to_owned() };
    let object = repository.revparse_single(reference).map_err(|_| no_reference())?;
    let object = object.peel(ObjectType::Commit);
    let commit =
        object.map_err(|_| GitError::NotACommit { repository: name.clone(), name: reference.to_owned() })?.id();
    let found = tree::read(&repository, commit, &inside).map_err(|trouble| match trouble {
        Trouble::Tree(what) => GitError::Tree { repository: name.clone(), commit: commit.to_string(), what },
        Trouble::Mirror(error) => GitError::Local { path: path.to_owned(), why: error.message().to_owned() },
    })?;
    let files = found.into_iter().map(|found| {
        let path = format!("{name}//{}?ref={commit}", found.path);
        PolicySource { path: path.into(), text: found.text }
    });
    let revision = Revision {
        repository: name.as_str().into(),
        reference: Some(reference.into()),
        commit: commit.to_string().into(),
        signed_by: None,
    };
    Ok((files.collect(), revision))
}

/// The part of a path that is on disk, in full, and the rest.
fn on_disk(path: &Path) -> Result<(PathBuf, PathBuf), GitError> {
    let whole = std::path::absolute(path).map_err(|source| disk(path, source))?;
    let (mut ground, mut rest) = (whole.as_path(), Vec::new());
    loop {
        match ground.canonicalize() {
            Ok(there) => return Ok((there, rest.iter().rev().collect())),
            Err(source) => match (ground.parent(), ground.file_name()) {
                (Some(parent), Some(name)) => {
                    rest.push(name.to_owned());
                    ground = parent;
                }
                _ => return Err(disk(path, source)),
            },
        }
    }
}

fn disk(path: &Path, source: std::io::Error) -> GitError {
    GitError::Disk { what: "look at", path: path.to_owned(), source }
}
