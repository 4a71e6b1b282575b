//! Why a policy could not be read from git, and what to do.

use std::fmt;
use std::path::PathBuf;

/// Bytes of a file of policy, at most: the same on disk.
use crate::policy::MOST_BYTES;

/// What git said, without credentials and no longer than a person reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSaid(String);

/// Of git's own words so many characters are kept.
const MOST_SAID: usize = 400;

impl GitSaid {
    /// The last lines of what a program wrote to stderr.
    pub(super) fn of(stderr: &str) -> Self {
        let noise = |line: &&str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("hint:") && !line.starts_with("warning:")
        };
        let lines: Vec<&str> = stderr.lines().filter(noise).collect();
        let last = lines.len().saturating_sub(4);
        let kept: Vec<String> = lines.iter().skip(last).map(|line| hidden(line.trim())).collect();
        let text: String = kept.join("; ").chars().take(MOST_SAID).collect();
        Self(if text.is_empty() { "nothing".to_owned() } else { text })
    }
}

impl fmt::Display for GitSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Without what stands before an `@` in an address: a rule `insteadOf` of the user's may put a token there.
fn hidden(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(|c: char| c == '/' || c.is_whitespace() || c == '\'').unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        out.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Why a policy could not be read from git.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// A program that is needed is not there.
    #[error("`{program}` is not installed: {why}")]
    NoProgram {
        /// Its name.
        program: &'static str,
        /// What it is needed for, or what the operating system says.
        why: String,
    },
    /// Neither a cache nor a home.
    #[error("there is no place for {what}: neither `{variable}` nor `HOME` is set")]
    NoHome {
        /// What is to be kept.
        what: &'static str,
        /// What would name the place.
        variable: &'static str,
    },
    /// The operating system says no.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Disk {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The time is over.
    #[error("`{repository}` did not answer within {seconds} s ({doing})")]
    TooSlow {
        /// Which.
        repository: String,
        /// The deadline.
        seconds: u64,
        /// What was waited for.
        doing: &'static str,
    },
    /// Another process holds the mirror.
    #[error("another process has been working with the mirror of `{repository}` for {seconds} s")]
    Busy {
        /// Which.
        repository: String,
        /// The deadline.
        seconds: u64,
    },
    /// It wants credentials that nobody gave.
    #[error("`{repository}` asks for a name or a key that it was not given, or is not there: git says {said}")]
    Denied {
        /// Which.
        repository: String,
        /// Git's words.
        said: GitSaid,
    },
    /// Nothing answers.
    #[error("`{repository}` cannot be reached: git says {said}")]
    Unreachable {
        /// Which.
        repository: String,
        /// Git's words.
        said: GitSaid,
    },
    /// Nothing there.
    #[error("there is no repository `{repository}`: git says {said}")]
    Gone {
        /// Which.
        repository: String,
        /// Git's words.
        said: GitSaid,
    },
    /// It belongs to somebody else.
    #[error("git does not trust `{repository}`, which another user owns: it says {said}")]
    Untrusted {
        /// Which.
        repository: String,
        /// Git's words.
        said: GitSaid,
    },
    /// Anything else that git refuses.
    #[error("git cannot {doing} `{repository}`: it says {said}")]
    Refused {
        /// What it was to do.
        doing: &'static str,
        /// Which.
        repository: String,
        /// Git's words.
        said: GitSaid,
    },
    /// SHA-256 object names.
    #[error("`{repository}` has SHA-256 names, which this version does not read")]
    OtherNames {
        /// Which.
        repository: String,
    },
    /// More than a mirror may take.
    #[error("`{repository}` is larger than {most} MiB even at one commit")]
    TooMuch {
        /// Which.
        repository: String,
        /// The limit.
        most: u64,
    },
    /// No such branch, tag or commit.
    #[error("`{repository}` has no branch or tag `{name}`")]
    NoReference {
        /// Which.
        repository: String,
        /// What was looked for.
        name: String,
    },
    /// It does not give a commit out by its name.
    #[error("`{repository}` does not give out that commit: git says {said}")]
    NotGiven {
        /// Which.
        repository: String,
        /// Git's words.
        said: GitSaid,
    },
    /// No such commit.
    #[error("`{repository}` has no commit {commit} on any branch or tag")]
    NoCommit {
        /// Which.
        repository: String,
        /// What was looked for.
        commit: String,
    },
    /// No commit at all.
    #[error("`{repository}` has no commit at its HEAD")]
    Bare {
        /// Which.
        repository: String,
    },
    /// A branch and a tag of one name.
    #[error("`{name}` is both a branch and a tag of `{repository}`")]
    Ambiguous {
        /// Which.
        repository: String,
        /// The name.
        name: String,
    },
    /// It is no commit.
    #[error("`{name}` of `{repository}` is not a commit")]
    NotACommit {
        /// Which.
        repository: String,
        /// The name.
        name: String,
    },
    /// Its history was rewritten.
    #[error(
        "`{name}` of `{repository}` moved backwards: it was read at {} before, and {} does not come after that",
        short(before),
        short(now)
    )]
    Rewound {
        /// Which.
        repository: String,
        /// The branch.
        name: String,
        /// The commit that was read last.
        before: String,
        /// What it is now.
        now: String,
    },
    /// The record of what was read last is damaged.
    #[error("`{}`, which keeps what was read of `{repository}`, is damaged: {why}", path.display())]
    Forgotten {
        /// Which.
        repository: String,
        /// The record.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A path outside of every repository.
    #[error("`{}` stands in no git repository", path.display())]
    NoRepository {
        /// Which.
        path: PathBuf,
    },
    /// A repository on disk that cannot be read.
    #[error("the repository that `{}` stands in cannot be read: {why}", path.display())]
    Local {
        /// The path in it.
        path: PathBuf,
        /// What libgit2 says.
        why: String,
    },
    /// Something in the tree.
    #[error("{what} in `{repository}` at {}", short(commit))]
    Tree {
        /// Which.
        repository: String,
        /// The commit.
        commit: String,
        /// What was found.
        what: TreeError,
    },
    /// The mirror itself.
    #[error("the mirror `{}` cannot be read: {why}", path.display())]
    Mirror {
        /// Where.
        path: PathBuf,
        /// What libgit2 says.
        why: String,
    },
    /// A signature.
    #[error("{what}")]
    Signature {
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: String,
    },
}

/// What a tree has at a path instead of policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Nothing.
    #[error("there is no `{path}`{}", beside(near))]
    Missing {
        /// What was looked for.
        path: String,
        /// What stands in the folder where it should.
        near: Vec<String>,
    },
    /// A folder without policies.
    #[error("the folder `{0}` has no `.yaml` or `.yml` file")]
    Empty(String),
    /// A file where a folder should be.
    #[error("`{0}` is a file, and no folder")]
    NotAFolder(String),
    /// Another repository.
    #[error("`{0}` is a submodule, which is not followed")]
    Submodule(String),
    /// A link that leaves the repository.
    #[error("`{path}` is a link to `{target}`, out of the repository")]
    LeadsOut {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// A link to nothing.
    #[error("`{path}` is a link to `{target}`, which is not there")]
    LeadsNowhere {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// Links that never end.
    #[error("`{0}` is a link to a link, and so on without an end")]
    Circle(String),
    /// Folders that never end.
    #[error("folders are nested more than 16 deep at `{0}`")]
    TooDeep(String),
    /// More than anybody writes.
    #[error("`{0}` has more files than a policy may have")]
    TooMany(String),
    /// A file that is too large to be a policy; it is not read.
    #[error("`{path}` has {} MiB, and a policy file may have {}", size.div_ceil(1 << 20), MOST_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: String,
        /// Bytes.
        size: usize,
    },
    /// What stands for a large file.
    #[error("`{0}` is kept in Git LFS, which is not fetched")]
    Lfs(String),
}

fn beside(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; there is {}", near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// A commit as people write it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

impl GitError {
    /// Whether the repository and the commit are there, and only the path is not.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Tree { what: TreeError::Missing { .. }, .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoProgram { program, .. } => format!("install `{program}`, or put it into `PATH`"),
            Self::NoHome { variable, .. } => format!("set `{variable}` to a folder that outlives this process"),
            Self::Disk { .. } => {
                "`XDG_CACHE_HOME` and `XDG_STATE_HOME` name other folders for the mirror and what was read".to_owned()
            }
            Self::TooSlow { .. } => {
                "`--git-timeout 5m` waits longer; `git ls-remote` with the same address shows whether it answers at all"
                    .to_owned()
            }
            Self::Busy { .. } => "wait for it to end; `--git-timeout 5m` waits longer".to_owned(),
            Self::Denied { repository, .. } => format!(
                "`git ls-remote {repository}` must work here without asking: a credential helper for https, a key in the \
                 agent and a known host for ssh"
            ),
            Self::Unreachable { repository, .. } | Self::Refused { repository, .. } => {
                format!("`git ls-remote {repository}` shows whether git itself gets through")
            }
            Self::Gone { .. } => {
                "check the address; what stands behind `//` is the path inside the repository".to_owned()
            }
            Self::Untrusted { repository, .. } => {
                let folder = repository.strip_prefix("file://").unwrap_or(repository);
                format!("`git config --global --add safe.directory {folder}` trusts it")
            }
            Self::OtherNames { .. } => "keep the policy in a repository with SHA-1 names".to_owned(),
            Self::TooMuch { .. } => "keep the policy in a repository of its own".to_owned(),
            Self::NoReference { repository, .. } | Self::Bare { repository } => {
                format!(
                    "`git ls-remote {repository}` lists what there is; a commit is written with all 40 digits, as `git \
                     rev-parse HEAD~1` prints them"
                )
            }
            Self::NotGiven { .. } | Self::NoCommit { .. } => {
                "push the branch that has it, or name another with `?ref=`".to_owned()
            }
            Self::Ambiguous { name, .. } => format!("say `?ref=refs/heads/{name}` or `?ref=refs/tags/{name}`"),
            Self::NotACommit { .. } => "name a branch, a tag or a commit with `?ref=`".to_owned(),
            Self::Rewound { .. } => "look at who rewrote it and why; `--allow-rewind` takes it as it is now".to_owned(),
            Self::Forgotten { path, .. } => format!(
                "make sure that the repository was not set back, and remove `{}`: this run begins it anew",
                path.display()
            ),
            Self::NoRepository { .. } => {
                "a commit is named of a path in a working tree, or of an address such as `https://HOST/REPOSITORY.git//PATH`"
                    .to_owned()
            }
            Self::Local { .. } => "`git fsck` there shows what is damaged".to_owned(),
            Self::Tree { what, .. } => what.hint().to_owned(),
            Self::Mirror { path, .. } => format!("remove `{}`: the next run fetches it anew", path.display()),
            Self::Signature { hint, .. } => hint.clone(),
        }
    }
}

impl TreeError {
    fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::NotAFolder(_) => {
                "the path stands behind `//`, as in `policies.git//pools?ref=main`"
            }
            Self::Empty(_) => "name the folder that has the policy behind `//`",
            Self::Submodule(_) => "name its own repository with one more `-f`",
            Self::LeadsOut { .. } | Self::LeadsNowhere { .. } | Self::Circle(_) => {
                "commit the file itself, or a link inside the repository"
            }
            Self::TooDeep(_) | Self::TooMany(_) => "name the policy's own folder behind `//`",
            Self::TooLarge { .. } => {
                "what `kubectl get` wrote is given with `--snapshot`; a large policy can be split into files"
            }
            Self::Lfs(_) => "commit the file itself: `git lfs untrack` and `git add --renormalize` bring it back",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_short_and_without_credentials() {
        for (said, kept) in [
            (
                "fatal: unable to access 'https://me:secret@h/p.git/': x\n",
                "fatal: unable to access 'https://h/p.git/': x",
            ),
            ("warning: w\nhint: h\n\nfatal: a\n", "fatal: a"),
            ("see https://tok@a/b and ssh://u@c", "see https://a/b and ssh://c"),
            ("", "nothing"),
        ] {
            assert_eq!(GitSaid::of(said).to_string(), kept);
        }
        assert!(GitSaid::of(&"x".repeat(100_000)).to_string().len() <= MOST_SAID);
    }
}
