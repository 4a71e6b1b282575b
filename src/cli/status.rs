//! `tidegate status`: what is where, since when, why and by whom, and what comes next.

use clap::Args;

use super::format::Format;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::plan::{StatusReport, plan, status};
use crate::report::status_text;

/// Show each node: its state, since when, why, by whom, and what comes next
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate status -f policy.yaml --sandbox ./sandbox
  tidegate status -f policy.yaml --snapshot cluster.json --format json   # by `tidegate schema status`")]
pub struct Status {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl Status {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let (world, now) = self.world.world_and_last_apply(&policy, out)?;
        let (plan, _) = plan(&policy, &world, now);
        let lines = status(&policy, &world, &plan);
        match self.format {
            Format::Json => out.json(&StatusReport::of(&plan, lines))?,
            Format::Text => out.data(&status_text(&lines, &plan, out.width()))?,
        }
        Ok(Exit::Done)
    }
}
