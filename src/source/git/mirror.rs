//! A bare mirror of one repository, of which one process at a time makes use.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use git2::{ErrorCode, Oid, Repository};

use super::program::{Cut, Deadline, Ended, run};
use super::words::explained;
use super::{GitError, places};
use crate::source::address::Want;

/// A mirror takes so many bytes at most.
const MOST_MIRROR: u64 = 1 << 30;
/// Commits that are fetched of a branch that was read before: enough for a week of work.
const FEW: u32 = 64;
/// If those do not tell whether it moved backwards.
const MANY: u32 = 4096;
/// What git takes for everything.
const ALL: u32 = i32::MAX.unsigned_abs();
/// So often a lock is tried.
const TRY: Duration = Duration::from_millis(20);

/// What git would take from the environment of a hook or a script for the repository that it is to work with.
const FOREIGN: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_TEMPLATE_DIR",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "SSH_ASKPASS",
];

/// What is fixed whatever the user's configuration says: no hooks, no submodules, nothing in the background, and large
/// files are streamed.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.bigFileThreshold=16m",
    "core.logAllRefUpdates=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "fetch.prune=false",
    "fetch.pruneTags=false",
    "transfer.bundleURI=false",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "gc.autoPackLimit=50",
    "credential.interactive=false",
    "protocol.version=2",
];

/// A commit that a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tip {
    /// The commit.
    pub commit: Oid,
    /// The annotated tag that names it.
    pub tag: Option<Oid>,
    /// The full name of the reference, or `HEAD`; None for a commit.
    pub name: Option<String>,
}

/// A mirror that this process holds.
pub(super) struct Mirror<'a> {
    repository: &'a str,
    folder: PathBuf,
    lock: File,
    deadline: Deadline,
}

impl<'a> Mirror<'a> {
    /// Waits for it, makes it if it is not there, and clears away what a process left that was killed.
    pub(super) fn open(repository: &'a str, deadline: Deadline) -> Result<Self, GitError> {
        let folder = places::mirrors()?.join(places::name_of(repository));
        let file = folder.with_extension("lock");
        let disk = |what, source| GitError::Disk { what, path: file.clone(), source };
        let lock = File::options().create(true).truncate(false).read(true).write(true).open(&file);
        let lock = lock.map_err(|source| disk("open", source))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(disk("lock", error)),
                Err(TryLockError::WouldBlock) if deadline.left().is_zero() => {
                    return Err(GitError::Busy {
                        repository: repository.to_owned(),
                        seconds: deadline.whole.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(TRY),
            }
        }
        let mirror = Self { repository, folder, lock, deadline };
        match mirror.make() {
            Err(GitError::Mirror { .. }) => mirror.begin_anew()?,
            made => made?,
        }
        Ok(mirror)
    }

    fn make(&self) -> Result<(), GitError> {
        // A lock of git's own in here is what a killed git left: only who holds our lock runs one.
        sweep(&self.folder, 0);
        let mut command = self.plain();
        command.args(["init", "--quiet", "--bare", "--template=", "--object-format=sha1"]).arg(&self.folder);
        self.done(&mut command, "make a mirror of")?;
        Ok(())
    }

    /// Throws away what is in it.
    pub(super) fn begin_anew(&self) -> Result<(), GitError> {
        std::fs::remove_dir_all(&self.folder).map_err(|source| GitError::Disk {
            what: "remove",
            path: self.folder.clone(),
            source,
        })?;
        self.make()
    }

    /// What is in it.
    pub(super) fn objects(&self) -> Result<Repository, GitError> {
        Repository::open_bare(&self.folder).map_err(|error| self.damaged(&error))
    }

    pub(super) fn damaged(&self, error: &git2::Error) -> GitError {
        GitError::Mirror { path: self.folder.clone(), why: error.message().to_owned() }
    }

    /// The commit that is wanted, fetched; of a branch that was at `before` so much that one can tell whether it moved
    /// backwards, in most cases.
    pub(super) fn fetch(&self, want: &Want, before: Option<&str>) -> Result<Tip, GitError> {
        let depth = if before.is_some() { FEW } else { 1 };
        match want {
            Want::Head => self.fetch_name("HEAD", &["HEAD".to_owned()], depth),
            Want::Named(name) if name.starts_with("refs/") => self.fetch_name(name, std::slice::from_ref(name), depth),
            Want::Named(name) => {
                self.fetch_name(name, &[format!("refs/heads/{name}"), format!("refs/tags/{name}")], depth)
            }
            Want::Commit(commit) => self.fetch_commit(commit),
        }
    }

    fn fetch_name(&self, name: &str, full: &[String], depth: u32) -> Result<Tip, GitError> {
        let repository = || self.repository.to_owned();
        let mut command = self.remote();
        command.args(["ls-remote", "--quiet", "--", self.repository]).args(full);
        let said = self.done(&mut command, "list the branches of")?;
        let said = String::from_utf8_lossy(&said.out);
        let there: Vec<(&str, &str)> = (said.lines().filter_map(|line| line.split_once('\t')))
            .filter(|(_, there)| full.iter().any(|name| name == there))
            .collect();
        let (id, full) = match there.as_slice() {
            [one] => *one,
            [] if name == "HEAD" => return Err(GitError::Bare { repository: repository() }),
            [] => return Err(GitError::NoReference { repository: repository(), name: name.to_owned() }),
            _ => return Err(GitError::Ambiguous { repository: repository(), name: name.to_owned() }),
        };
        if id.len() != 40 {
            return Err(GitError::OtherNames { repository: repository() });
        }
        let slot = slot(full);
        if self.held(&slot)?.is_none_or(|held| held.to_string() != id) {
            self.fetch_into(&[format!("+{full}:{slot}")], depth)?;
        }
        self.tip(&slot, name, Some(full.to_owned()))
    }

    fn fetch_commit(&self, commit: &str) -> Result<Tip, GitError> {
        let slot = slot(commit);
        if self.held(&slot)?.is_none() {
            match self.fetch_into(&[format!("+{commit}:{slot}")], 1) {
                Ok(()) => {}
                // Not every server gives out a commit by its name: then it has to be on a branch or a tag.
                Err(GitError::NotGiven { .. }) => self.search(commit, &slot)?,
                Err(error) => return Err(error),
            }
        }
        self.tip(&slot, commit, None)
    }

    fn search(&self, commit: &str, slot: &str) -> Result<(), GitError> {
        let all = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/tidegate-all/{kind}/*"));
        self.fetch_into(&all, ALL)?;
        let objects = self.objects()?;
        let missing = || GitError::NoCommit { repository: self.repository.to_owned(), commit: commit.to_owned() };
        let id = Oid::from_str(commit).map_err(|error| self.damaged(&error))?;
        objects.find_commit(id).map_err(|_| missing())?;
        objects.reference(slot, id, true, "").map(drop).map_err(|error| self.damaged(&error))
    }

    /// Whether the history of `now` has `before`, which was read from the same reference.
    pub(super) fn comes_after(&self, tip: &Tip, before: &str) -> Result<bool, GitError> {
        let now = tip.commit.to_string();
        let name = tip.name.as_deref().unwrap_or(&now);
        if now == before {
            return Ok(true);
        }
        let id = Oid::from_str(before).map_err(|error| self.damaged(&error))?;
        for depth in [None, Some(MANY), Some(ALL)] {
            if let Some(depth) = depth {
                self.fetch_into(&[format!("+{name}:{}", slot(name))], depth)?;
            }
            let known = self.objects()?.find_commit(id).is_ok();
            if known && self.is_ancestor(before, &now)? {
                return Ok(true);
            }
            if (known && self.is_ancestor(&now, before)?) || !self.folder.join("shallow").exists() {
                return Ok(false);
            }
        }
        Ok(false)
    }

    fn is_ancestor(&self, old: &str, new: &str) -> Result<bool, GitError> {
        let mut command = self.local();
        command.args(["merge-base", "--is-ancestor", old, new]);
        let ended = self.run(&mut command, "compare two commits of")?;
        match ended.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(explained(&ended.err, "compare two commits of", self.repository, &self.folder)),
        }
    }

    fn fetch_into(&self, specs: &[String], depth: u32) -> Result<(), GitError> {
        let mut command = self.remote();
        command.args(["fetch", "--quiet", "--no-progress", "--no-tags", "--no-recurse-submodules"]);
        command.args(["--no-write-fetch-head", "--update-shallow", "--force", &format!("--depth={depth}"), "--"]);
        command.arg(self.repository).args(specs);
        self.done(&mut command, "fetch").map(drop)
    }

    fn held(&self, slot: &str) -> Result<Option<Oid>, GitError> {
        match self.objects()?.refname_to_id(slot) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.damaged(&error)),
        }
    }

    fn tip(&self, slot: &str, named: &str, name: Option<String>) -> Result<Tip, GitError> {
        let objects = self.objects()?;
        let id = objects.refname_to_id(slot).map_err(|error| self.damaged(&error))?;
        let object = objects.find_object(id, None).map_err(|error| self.damaged(&error))?;
        let tag = object.as_tag().map(git2::Tag::id);
        let commit = object.peel_to_commit().map_err(|error| match error.code() {
            ErrorCode::NotFound => self.damaged(&error),
            _ => GitError::NotACommit { repository: self.repository.to_owned(), name: named.to_owned() },
        })?;
        Ok(Tip { commit: commit.id(), tag, name })
    }

    fn plain(&self) -> Command {
        let mut command = Command::new("git");
        FOREIGN.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.envs([("LC_ALL", "C"), ("LANGUAGE", ""), ("GIT_TERMINAL_PROMPT", "0"), ("GCM_INTERACTIVE", "never")]);
        command.envs([("GIT_ALLOW_PROTOCOL", "https:ssh:file"), ("GIT_NO_REPLACE_OBJECTS", "1")]);
        command.envs([("GIT_DEFAULT_REF_FORMAT", "files"), ("SSH_ASKPASS_REQUIRE", "never")]);
        SETTINGS.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        // Git inherits the lock as its standard input, which is empty: as long as one of its processes lives, even one
        // whose parent was killed, nobody else works here.
        let stdin = self.lock.try_clone().map_or_else(|_| Stdio::null(), Stdio::from);
        command.stdin(stdin);
        command
    }

    fn local(&self) -> Command {
        let mut command = self.plain();
        command.arg("--git-dir").arg(&self.folder);
        command
    }

    fn remote(&self) -> Command {
        let mut command = self.local();
        let over_ssh = !self.repository.starts_with("https://") && !self.repository.starts_with("file://");
        if let Some(ssh) = over_ssh.then(|| self.ssh()).flatten() {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        command
    }

    /// The user's own ssh, told not to ask; None where it is another program, whose options nobody knows.
    fn ssh(&self) -> Option<String> {
        let set = |key: &str| std::env::var(key).ok().filter(|value| !value.trim().is_empty());
        let configured = || {
            let mut command = self.local();
            command.args(["config", "--get", "core.sshCommand"]);
            let ended = self.run(&mut command, "configure").ok().filter(|ended| ended.status.success())?;
            Some(String::from_utf8_lossy(&ended.out).trim().to_owned())
        };
        let own = set("GIT_SSH_COMMAND").or_else(configured).filter(|own| !own.is_empty());
        if own.is_none() && set("GIT_SSH").is_some() {
            return None;
        }
        let own = own.unwrap_or_else(|| "ssh".to_owned());
        let program = own.split_whitespace().next().and_then(|word| Path::new(word).file_name())?;
        (program == "ssh").then(|| format!("{own} -o BatchMode=yes"))
    }

    fn done(&self, command: &mut Command, doing: &'static str) -> Result<Ended, GitError> {
        let ended = self.run(command, doing)?;
        if ended.status.success() {
            Ok(ended)
        } else {
            Err(explained(&ended.err, doing, self.repository, &self.folder))
        }
    }

    fn run(&self, command: &mut Command, doing: &'static str) -> Result<Ended, GitError> {
        let packs = self.folder.join("objects").join("pack");
        let mut watch = || {
            let size = std::fs::read_dir(&packs).map_or(0, |files| {
                files.flatten().filter_map(|file| file.metadata().ok()).map(|about| about.len()).sum::<u64>()
            });
            let repository = self.repository.to_owned();
            if size > MOST_MIRROR { Err(GitError::TooMuch { repository, most: MOST_MIRROR >> 20 }) } else { Ok(()) }
        };
        run(command, None, &self.deadline, &mut watch).map_err(|cut| match cut {
            Cut::Watched(error) => error,
            Cut::TooSlow => GitError::TooSlow {
                repository: self.repository.to_owned(),
                seconds: self.deadline.whole.as_secs(),
                doing,
            },
            Cut::Start(error) => GitError::NoProgram { program: "git", why: error.to_string() },
        })
    }
}

/// Where the mirror keeps a reference: no name of another repository becomes a name of ours.
fn slot(name: &str) -> String {
    format!("refs/tidegate/{}", places::name_of(name))
}

/// Removes what a git that was killed left behind: it would refuse to work for ever.
fn sweep(folder: &Path, depth: u8) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth < 4 {
                sweep(&path, depth.saturating_add(1));
            }
        } else if name.ends_with(".lock") || name.ends_with(".keep") || name.starts_with("tmp_") || name == "gc.pid" {
            // What cannot be removed is found by git, which says so.
            let _ = std::fs::remove_file(path);
        }
    }
}
