//! `tidegate park`: nodes or pools to be parked by hand for a while.

use clap::Args;

use super::hand::HandArgs;
use super::output::Output;
use super::{Exit, Failure};
use crate::model::{Target, Wish};

/// Park nodes or a whole pool by hand for a while: cordon, drain, park; the policy's rules hold all the same
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate park node/demo-k8s-node-nf-6 -f policy.yaml --sandbox ./sandbox --reason noisy
  tidegate park pool/workers -f policy.yaml --sandbox ./sandbox --until 2026-11-30T08:00
  tidegate hold --release node/demo-k8s-node-nf-6 --sandbox ./sandbox   # the policy decides again

Every later plan keeps it parked, below the floor too, until `--until` (4 hours without it). Nodes of a pool that
somebody drained, woke or holds by name are left as they are, and are named. Exit codes are those of
`apply`, and 3 where rules forbid all of it.")]
pub struct Park {
    /// `node/NAME` or `pool/NAME`
    #[arg(required = true, value_parser = super::object::target)]
    objects: Vec<Target>,
    #[command(flatten)]
    hand: HandArgs,
}

impl Park {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        self.hand.carry_out(|_, _| self.objects.iter().map(|object| (object.clone(), Wish::Parked)).collect(), out)
    }
}
