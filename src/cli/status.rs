//! `tidegate status`: what is where, since when, why and by whom, and what comes next.

use clap::Args;

use super::format::Format;
use super::output::Output;
use super::plan::known;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::model::Target;
use crate::plan::{NodeStatus, StatusReport, leaks, plan, status};
use crate::report::{leaks_text, status_text};

/// Show each node: its state, since when, why, by whom, and what comes next
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate status -f policy.yaml --sandbox ./sandbox
  tidegate status -f policy.yaml --sandbox ./sandbox --target pool/workers
  tidegate status -f policy.yaml --snapshot cluster.json --format json   # by `tidegate schema status`")]
pub struct Status {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// Only this: `node/NAME` or `pool/NAME`; may be repeated
    #[arg(long, value_name = "OBJECT", value_parser = super::object::target)]
    target: Vec<Target>,
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
        let mut lines = status(&policy, &world, &plan);
        let named = |line: &NodeStatus, target: &Target| match target {
            Target::Node(name) => *line.node == **name,
            Target::Pool(name) => line.pool.as_deref() == Some(&**name),
        };
        // What no pool has any more may be asked about too, as long as it is there.
        let unseen = self.target.iter().filter(|target| !lines.iter().any(|line| named(line, target)));
        known(&policy, &world, &unseen.cloned().collect::<Vec<_>>())?;
        lines.retain(|line| self.target.is_empty() || self.target.iter().any(|target| named(line, target)));
        let mut left = leaks(&policy, &world, &plan);
        left.retain(|leak| {
            self.target.is_empty()
                || self.target.iter().any(|target| match target {
                    Target::Node(name) => *leak.name == **name,
                    Target::Pool(name) => leak.pool.as_deref() == Some(&**name),
                })
        });
        match self.format {
            Format::Json => out.json(&StatusReport::of(&plan, lines, left))?,
            Format::Text => {
                let text = status_text(&lines, &plan, out.width()) + &leaks_text(&left, &plan, out.width());
                out.data(&text)?;
            }
        }
        Ok(Exit::Done)
    }
}
