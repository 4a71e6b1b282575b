//! `tidegate validate`: is the policy what its author means?

use clap::Args;
use jiff::Timestamp;

use super::format::Format;
use super::output::Output;
use super::policy_args::{PolicyArgs, say};
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::policy::{Severity, absent_from, check_against, expired, losses, past, print_effective};
use crate::report::diagnostics::Validated;

/// Check a policy: every problem at once, each with its place and its fix; with a cluster, names and labels too
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate validate -f policy.yaml
  tidegate validate -f policy.yaml -f policies/ --format json
  tidegate validate -f policy.yaml --snapshot cluster.json   # do the names and labels match any node?
  tidegate validate -f policy.yaml --print           # with every default, and where each value stands")]
pub struct Validate {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Print the policy as it counts: all files together, each value with its place or as a default
    #[arg(long, conflicts_with = "format")]
    print: bool,
}

impl Validate {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (sources, loaded) = self.policy.read()?;
        let mut problems = loaded.problems;
        if let Some(policy) = &loaded.policy {
            problems.extend(loaded.doubts);
            if self.world.cluster.given() {
                let (world, now) = self.world.world(policy, out)?;
                problems.extend(past(policy, now));
                problems.extend(check_against(policy, &world, now));
                problems.extend(absent_from(policy, &world));
                problems.extend(losses(policy, &world));
            } else {
                let now = Timestamp::now();
                problems.extend(past(policy, now));
                problems.extend(expired(policy, now));
            }
        }
        // One slip of the pen does not hide what else is wrong.
        let mut unseen = None;
        let mut compared = false;
        if let Some(sketch) = loaded.sketch.as_ref().filter(|_| self.world.cluster.given()) {
            match self.world.world(sketch, out) {
                Ok((world, now)) => {
                    problems.extend(check_against(sketch, &world, now));
                    problems.extend(absent_from(sketch, &world));
                    compared = true;
                }
                Err(failure) => unseen = Some(failure),
            }
        }
        if let (true, Some(policy)) = (self.print, &loaded.policy) {
            say(out, &problems, &sources.files);
            out.data(&print_effective(policy))?;
            return Ok(Exit::Done);
        }
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        match self.format {
            Format::Json => out.json(&Validated::of(&problems))?,
            Format::Text => {
                say(out, &problems, &sources.files);
            }
        }
        if self.format == Format::Text {
            out.say(match (errors, problems.len()) {
                (0, 0) => "Valid",
                (0, _) => "Valid, with warnings",
                _ if compared => "Not valid; all but what has an error was compared with the cluster",
                _ => "Not valid",
            });
        }
        if let Some(failure) = unseen {
            return Err(failure);
        }
        Ok(if errors > 0 { Exit::Error } else { Exit::Done })
    }
}
