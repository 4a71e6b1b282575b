//! Which commit of each branch and tag was read last, so that a branch that moved backwards is seen. It is kept with the
//! user's state, not in the mirror, which anybody may throw away.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{GitError, places};

/// What was read of one repository.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Seen {
    repository: String,
    /// By reference; what was read without looking at signatures says nothing to who demands them.
    #[serde(default)]
    commits: BTreeMap<String, String>,
    #[serde(default)]
    signed: BTreeMap<String, String>,
    #[serde(skip)]
    path: PathBuf,
}

impl Seen {
    /// What is on record. The mirror is held meanwhile.
    pub(super) fn read(repository: &str) -> Result<Self, GitError> {
        let path = places::records()?.join(places::name_of(repository)).with_extension("json");
        let damaged = |path: &Path, why: String| GitError::Forgotten {
            repository: repository.to_owned(),
            path: path.to_owned(),
            why,
        };
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { repository: repository.to_owned(), path, ..Self::default() });
            }
            Err(error) => return Err(damaged(&path, error.to_string())),
        };
        let seen: Self = serde_json::from_slice(&text).map_err(|error| damaged(&path, error.to_string()))?;
        if seen.repository != repository {
            return Err(damaged(&path, format!("it is about `{}`", seen.repository)));
        }
        let names = || seen.commits.values().chain(seen.signed.values());
        if let Some(no) = names().find(|name| name.len() != 40 || !name.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(damaged(&path, format!("`{no}` is no commit")));
        }
        Ok(Self { path, ..seen })
    }

    /// The commit that was read last.
    pub(super) fn before(&self, name: &str, signed: bool) -> Option<&str> {
        if signed { self.signed.get(name) } else { self.commits.get(name) }.map(String::as_str)
    }

    /// Notes one, durably.
    pub(super) fn note(&mut self, name: &str, signed: bool, commit: &str) -> Result<(), GitError> {
        if self.before(name, signed) == Some(commit) {
            return Ok(());
        }
        let commits = if signed { &mut self.signed } else { &mut self.commits };
        commits.insert(name.to_owned(), commit.to_owned());
        self.write().map_err(|source| GitError::Disk { what: "write", path: self.path.clone(), source })
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}
