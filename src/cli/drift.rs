//! `tidegate drift`: what was last applied, what is wanted, what is there.

use clap::Args;

use super::format::Format;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::plan::{drift, plan};
use crate::report::drift_text;

/// Show where the cluster is not as the policy wants it, and what has moved since the last apply
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate drift -f policy.yaml --sandbox ./sandbox
  tidegate drift -f policy.yaml --context workshop          # in a pipeline, on a schedule
  tidegate drift -f policy.yaml --snapshot cluster.json --format json

Exit codes: 2 where the cluster is not as wanted, else 0.")]
pub struct DriftCommand {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print; the public format is that of `tidegate schema drift`
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl DriftCommand {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let (world, now) = self.world.world_and_last_apply(&policy, out)?;
        let (plan, _) = plan(&policy, &world, now);
        let found = drift(&policy, &world, &plan);
        match self.format {
            Format::Json => out.json(&found)?,
            Format::Text => out.data(&drift_text(&found, out.width()))?,
        }
        Ok(if found.drifted { Exit::Pending } else { Exit::Done })
    }
}
