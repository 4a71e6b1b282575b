//! `-f`: which policy.

use std::path::PathBuf;

use clap::Args;

use super::git_args::GitArgs;
use super::output::Output;
use super::{Exit, Failure};
use crate::policy::{self, Loaded, Policy, PolicySource, Problem, Severity};
use crate::source::Sources;
use crate::{report, source};

/// Which policy.
#[derive(Clone, Debug, Args)]
pub struct PolicyArgs {
    /// The policy: a file, a folder with its files, or an address in git such as `https://HOST/REPOSITORY.git//PATH?ref=main`
    /// (`ssh://`, `git@HOST:` and `file:///` too); several make one policy
    #[arg(short = 'f', long = "file", value_name = "PATH", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub git: GitArgs,
}

impl PolicyArgs {
    /// The files and what is in them, problems and all.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(&self) -> Result<(Sources, Loaded), Failure> {
        self.read_at(None)
    }

    /// The same at one branch, tag or commit; without one as the words of `-f` say.
    fn read_at(&self, reference: Option<&str>) -> Result<(Sources, Loaded), Failure> {
        let options = self.git.options();
        let read = match reference {
            Some(reference) => source::read_at(&self.files, reference, &options)?,
            None => source::read(&self.files, &options)?,
        };
        let mut loaded = policy::load_with(&read.files, &read.beside);
        if let Some(policy) = &mut loaded.policy {
            policy.revisions = read.revisions.clone();
        }
        Ok((read, loaded))
    }

    /// The policy. Warnings are said on stderr; so are errors, and then there is none.
    ///
    /// # Errors
    /// A file cannot be read, or the policy has errors.
    pub fn load(&self, out: Output) -> Result<(Sources, Policy), Failure> {
        self.load_at(None, out)
    }

    /// The same at one branch, tag or commit; without one as the words of `-f` say.
    ///
    /// # Errors
    /// As for [`PolicyArgs::load`], or there is no such commit.
    pub fn load_at(&self, reference: Option<&str>, out: Output) -> Result<(Sources, Policy), Failure> {
        let (sources, loaded) = self.read_at(reference)?;
        for source in &sources.files {
            out.detail(&format!("read {} bytes of policy from `{}`", source.text.len(), source.path));
        }
        say(out, &loaded.problems, &sources.files);
        match loaded.policy {
            Some(policy) => Ok((sources, policy)),
            None => Err(Failure::silent(Exit::Error)),
        }
    }
}

/// Draws problems on stderr. Whether one of them is an error.
pub fn say(out: Output, problems: &[Problem], sources: &[PolicySource]) -> bool {
    if !problems.is_empty() {
        out.say(report::diagnostics::text(problems, sources, out.drawing()).trim_end());
    }
    problems.iter().any(|problem| problem.severity == Severity::Error)
}
