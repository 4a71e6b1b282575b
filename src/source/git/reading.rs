//! Reads policies out of repositories, each at one commit.

use std::collections::BTreeMap;
use std::time::Duration;

use git2::Oid;

use super::mirror::{Mirror, Tip};
use super::program::Deadline;
use super::seen::Seen;
use super::tree::{self, Found, Trouble};
use super::{GitError, Signers};
use crate::policy::{PolicySource, Revision};
use crate::source::address::{Address, Want};

/// How repositories are read.
#[derive(Clone, Debug)]
pub struct GitOptions {
    /// How long all of it may take.
    pub timeout: Duration,
    /// Take a branch as it is, even if it moved backwards.
    pub allow_rewind: bool,
    /// Whose signatures count; None where none is demanded.
    pub signers: Option<Signers>,
}

impl Default for GitOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(60), allow_rewind: false, signers: None }
    }
}

/// The commits that one command reads: a branch that two of its paths name is looked up once, and both are read at the same
/// commit.
pub struct Commits<'a> {
    options: &'a GitOptions,
    deadline: Deadline,
    known: BTreeMap<(String, Want), (Tip, Revision)>,
}

impl<'a> Commits<'a> {
    /// None yet; the time runs from here.
    pub fn new(options: &'a GitOptions) -> Self {
        Self { options, deadline: Deadline::after(options.timeout), known: BTreeMap::new() }
    }

    /// Which ones were read.
    pub fn revisions(self) -> Vec<Revision> {
        self.known.into_values().map(|(_, revision)| revision).collect()
    }

    /// The policy files at an address.
    ///
    /// # Errors
    /// The repository, the commit or the path is not there or not to be trusted, or it takes too long.
    pub fn read(&mut self, address: &Address) -> Result<Vec<PolicySource>, GitError> {
        let mirror = Mirror::open(&address.repository, self.deadline)?;
        match self.read_from(&mirror, address) {
            Err(GitError::Mirror { .. }) => {
                self.known.remove(&(address.repository.clone(), address.want.clone()));
                mirror.begin_anew()?;
                self.read_from(&mirror, address)
            }
            read => read,
        }
    }

    fn read_from(&mut self, mirror: &Mirror<'_>, address: &Address) -> Result<Vec<PolicySource>, GitError> {
        let key = (address.repository.clone(), address.want.clone());
        let (tip, known) = match self.known.get(&key) {
            Some((tip, revision)) => (tip.clone(), Some(revision.clone())),
            None => (self.fetched(mirror, address)?, None),
        };
        let objects = mirror.objects()?;
        let commit = tip.commit.to_string();
        let signed_by = match (&known, &self.options.signers) {
            (Some(revision), _) => revision.signed_by.clone(),
            (None, Some(signers)) => {
                Some(signers.verify(&objects, &tip, &address.repository, &self.deadline)?.as_str().into())
            }
            (None, None) => None,
        };
        let found = tree::read(&objects, tip.commit, &address.path).map_err(|trouble| match trouble {
            Trouble::Mirror(error) => mirror.damaged(&error),
            Trouble::Tree(what) => {
                GitError::Tree { repository: address.repository.clone(), commit: commit.clone(), what }
            }
        })?;
        if known.is_none() {
            self.noted(&tip, address)?;
            let reference = match &address.want {
                Want::Commit(_) => None,
                want => Some(want.to_string().into()),
            };
            let repository = address.repository.as_str().into();
            let revision = Revision { repository, reference, commit: commit.as_str().into(), signed_by };
            self.known.insert(key, (tip.clone(), revision));
        }
        Ok(found.into_iter().map(|found| named(address, tip.commit, found)).collect())
    }

    /// The commit, and that its branch did not move backwards.
    fn fetched(&self, mirror: &Mirror<'_>, address: &Address) -> Result<Tip, GitError> {
        let signed = self.options.signers.is_some();
        let seen = Seen::read(&address.repository)?;
        let names = match &address.want {
            Want::Commit(_) => Vec::new(),
            Want::Head => vec!["HEAD".to_owned()],
            Want::Named(name) if name.starts_with("refs/") => vec![name.clone()],
            Want::Named(name) => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
        };
        let was = names.iter().find_map(|name| seen.before(name, signed));
        let tip = mirror.fetch(&address.want, was.filter(|_| !self.options.allow_rewind))?;
        let before = tip.name.as_deref().and_then(|name| seen.before(name, signed));
        match before.filter(|_| !self.options.allow_rewind) {
            Some(before) if !mirror.comes_after(&tip, before)? => Err(GitError::Rewound {
                repository: address.repository.clone(),
                name: address.want.to_string(),
                before: before.to_owned(),
                now: tip.commit.to_string(),
            }),
            _ => Ok(tip),
        }
    }

    fn noted(&self, tip: &Tip, address: &Address) -> Result<(), GitError> {
        let Some(name) = &tip.name else { return Ok(()) };
        let signed = self.options.signers.is_some();
        Seen::read(&address.repository)?.note(name, signed, &tip.commit.to_string())
    }
}

fn named(address: &Address, commit: Oid, found: Found) -> PolicySource {
    let path = address.pinned(&found.path, &commit.to_string());
    PolicySource { path: path.into(), text: found.text }
}
