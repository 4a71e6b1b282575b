//! `tidegate validate`: is the policy what its author means?

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::policy_args::{PolicyArgs, say};
use super::{Exit, Failure, world_args};
use crate::model::World;
use crate::policy::{self, Severity};
use crate::report;

/// Check a policy: every problem at once, each with its place and its fix
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate validate -f policy.yaml
  tidegate validate -f policies/ --snapshot cluster.json   # do the names and labels match any node?
  tidegate validate -f policy.yaml --print                 # the effective policy, defaults and all")]
pub struct Validate {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Check names and labels against a cluster: what `kubectl get … -A -o json` wrote
    #[arg(long, value_name = "FILE", num_args = 1..)]
    snapshot: Vec<PathBuf>,
    /// Print the effective policy, each default with its origin
    #[arg(long)]
    print: bool,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Validate {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (sources, loaded) = self.policy.read()?;
        let mut problems = loaded.problems;
        if let Some(policy) = loaded.policy.as_ref().filter(|_| !self.snapshot.is_empty()) {
            let world = World::build(world_args::read(&self.snapshot, out)?);
            let now = world.taken.unwrap_or_else(jiff::Timestamp::now);
            problems.extend(policy::check_against(policy, &world, now));
        }
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        match self.format {
            Format::Json => out.data(&report::diagnostics::json(&problems))?,
            Format::Text => {
                say(out, &problems, &sources);
            }
        }
        if let Some(policy) = loaded.policy.as_ref().filter(|_| self.print) {
            out.data(&policy::print(policy))?;
        }
        if self.format == Format::Text {
            let count = |n: usize, what: &str| report::plural(n, what);
            out.say(&match (errors, problems.len() - errors) {
                (0, 0) => format!("Valid: {}", count(sources.len(), "file")),
                (0, warnings) => format!("Valid, {}", count(warnings, "warning")),
                (errors, 0) => count(errors, "error"),
                (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
            });
        }
        Ok(if errors > 0 { Exit::Error } else { Exit::Done })
    }
}
