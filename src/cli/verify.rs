//! `tidegate verify`: would every prefix of a saved plan be safe? Checked by code that shares nothing with the planner.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::policy_args::PolicyArgs;
use super::show::saved;
use super::{Exit, Failure, world_args};
use crate::model::World;
use crate::plan::verify;
use crate::report::plural;
use crate::sandbox::Sandbox;

/// Replay a saved plan and check that the cluster is safe after each prefix of it
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tidegate verify plan.json -f policy.yaml --snapshot cluster.json")]
pub struct Verify {
    /// The plan, as `plan --out` saved it
    plan: PathBuf,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The snapshot it was made from
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "sandbox")]
    snapshot: Vec<PathBuf>,
    /// The sandbox it was made from
    #[arg(long, value_name = "DIR", conflicts_with = "snapshot")]
    sandbox: Option<PathBuf>,
}

impl Verify {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let plan = saved(&self.plan)?;
        let (_, policy) = self.policy.load(out)?;
        let snapshot = match &self.sandbox {
            Some(folder) => Sandbox::peek(folder)?,
            None => world_args::read(&self.snapshot, out)?,
        };
        let violations = verify(&plan, &World::build(snapshot), &policy);
        for violation in &violations {
            out.data(&violation.to_string())?;
        }
        if violations.is_empty() {
            out.data(&format!("Safe by simulation after every prefix of its {}", plural(plan.steps.len(), "step")))?;
            return Ok(Exit::Done);
        }
        Err(Failure::with(
            Exit::Denied,
            format!("{} in `{}`", plural(violations.len(), "violation"), self.plan.display()),
        )
        .hint("make the plan again from what is there now"))
    }
}
