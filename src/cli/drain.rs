//! `tidegate drain`: nodes to be empty by hand, their servers run on.

use clap::Args;

use super::hand::HandArgs;
use super::output::Output;
use super::{Exit, Failure};
use crate::model::{Target, Wish};

/// Drain nodes by hand: cordon and evict, by the policy's rules, within budgets; the server runs on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate drain node/demo-k8s-node-nf-6 -f policy.yaml --sandbox ./sandbox --reason disk
  tidegate wake node/demo-k8s-node-nf-6 -f policy.yaml --sandbox ./sandbox   # done: uncordons it

As after `kubectl drain` the node stays cordoned, whatever the policy wants, until `tidegate wake` uncordons it, or
`tidegate hold --release` lets the policy decide again. A drain that cannot be finished gives the node back, and the next
`apply` tries again. Exit codes are those of `apply`, and 3 where rules forbid all of it.")]
pub struct Drain {
    /// `node/NAME`
    #[arg(required = true, value_name = "NODE", value_parser = super::object::target)]
    objects: Vec<Target>,
    #[command(flatten)]
    hand: HandArgs,
}

impl Drain {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        if let Some(pool @ Target::Pool(_)) = self.objects.iter().find(|object| matches!(object, Target::Pool(_))) {
            return Err(Failure::new(format!("`{pool}` is a pool: nodes are drained one by one"))
                .hint("name them as `node/NAME`; `tidegate park` takes a whole pool"));
        }
        self.hand.carry_out(|_, _| self.objects.iter().map(|object| (object.clone(), Wish::Drained)).collect(), out)
    }
}
