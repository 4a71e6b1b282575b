//! Exit codes, and what is said when a command fails.

use std::fmt;
use std::process::ExitCode;

use anstream::eprintln;
use owo_colors::OwoColorize;

use crate::execute::run::lock;
use crate::file::remedy;
use crate::model::KUBECTL;
use crate::observe::ObserveError;
use crate::policy::shown;
use crate::sandbox::SandboxError;
use crate::source::SourceError;

/// How the program ends: a published contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error, usage errors too.
    Error = 1,
    /// Changes are pending, or the policy cannot be met (with `--detailed-exitcode`).
    Pending = 2,
    /// Denied by a rule.
    Denied = 3,
    /// The plan is stale.
    Stale = 4,
    /// Somebody else holds the lock.
    Locked = 5,
    /// Partly applied, can be resumed; or pods are waited for.
    Partly = 6,
    /// Refused as unsafe: a brake.
    Refused = 7,
    /// A freeze forbids the disruption that was asked for.
    Frozen = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The codes as the help text lists them.
pub const CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  an error; usage errors too
  2  changes are pending, or the policy cannot be met (`plan --detailed-exitcode`, `drift`)
  3  denied by a rule
  4  the plan is stale
  5  somebody else holds the lock
  6  partly applied, can be resumed; or pods are waited for
  7  refused as unsafe: a brake
  8  a freeze forbids the disruption that was asked for: by name, or by a saved plan";

/// What to do while somebody else works.
const WAIT: &str = "wait for it to end: `--lock-timeout 10m` does, for `apply`, `park`, `wake` and `drain`";

/// A command that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    message: String,
    hints: Vec<String>,
}

impl Failure {
    /// An error in one sentence.
    pub fn new(message: impl fmt::Display) -> Self {
        Self::with(Exit::Error, message)
    }

    /// The same with an exit code of its own.
    pub fn with(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: shown(&message.to_string()), hints: Vec::new() }
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(shown(&hint.to_string()));
        self
    }

    /// Ends without a word: the reader of our output went away, or all has been said.
    pub fn silent(exit: Exit) -> Self {
        Self::with(exit, "")
    }

    /// How the program is to end.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What it says, and what can be done.
    pub fn told(self) -> (String, String) {
        (self.message, self.hints.join("; "))
    }

    /// Says it on stderr.
    pub fn report(&self) -> Exit {
        if !self.message.is_empty() {
            eprintln!("{} {}", "error:".red().bold(), self.message);
            if !self.hints.is_empty() {
                eprintln!();
            }
            for hint in &self.hints {
                eprintln!("{} {hint}", "hint:".cyan().bold());
            }
        }
        self.exit
    }
}

impl From<ObserveError> for Failure {
    fn from(error: ObserveError) -> Self {
        match error {
            ObserveError::TwoClusters { .. } => Self::new(error),
            _ => Self::new(error).hint(format!("`{KUBECTL}` writes what is expected")),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let failure = match std::error::Error::source(&error) {
            Some(cause) => {
                let remedy = cause.downcast_ref().map_or("", remedy);
                Self::new(format!("{error}: {cause}{remedy}"))
            }
            None => Self::new(&error),
        };
        match error {
            SourceError::TooLarge { .. } => failure
                .hint("what `kubectl get` wrote is given with `--snapshot`; a large policy can be split into files"),
            SourceError::Missing { .. } => failure.hint("`tidegate init` writes a policy to begin with"),
            SourceError::Address { error, .. } => failure.hint(error.hint()),
            SourceError::Git(error) => failure.hint(error.hint()),
            SourceError::NotInGit { .. } => failure
                .hint("name it by its repository, `-f file:///srv/policies.git//PATH?ref=main`, or leave `--require-signed` out"),
            _ => failure,
        }
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        match &error {
            SandboxError::Missing(folder) => {
                let hint = format!("`tidegate sandbox create {} --snapshot FILE` makes one", folder.display());
                Self::new(&error).hint(hint)
            }
            SandboxError::NotEmpty { folder, .. } => Self::new(&error).hint(format!(
                "a sandbox has a folder of its own: `tidegate sandbox create {} --snapshot FILE`",
                folder.join("sandbox").display()
            )),
            SandboxError::Busy(folder) => {
                let busy = Self::with(Exit::Locked, &error);
                match lock::holder(folder) {
                    Ok(Some(held)) => busy.hint(format!("{held}; {WAIT}")),
                    _ => busy.hint(WAIT),
                }
            }
            SandboxError::Damaged { folder, .. } => {
                let folder = folder.display();
                Self::new(&error).hint(format!(
                    "`tidegate sandbox reset {folder}` begins anew; what happened since the start is forgotten"
                ))
            }
            SandboxError::Unstartable { folder, .. } => {
                let folder = folder.display();
                Self::new(&error).hint(format!(
                    "move `{folder}` away and make it anew: `tidegate sandbox create {folder} --snapshot FILE`"
                ))
            }
            _ => Self::new(error),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::silent(Exit::Done),
            _ => Self::new(error),
        }
    }
}
