//! `tidegate wake`: nodes or pools to be awake by hand for a while.

use clap::Args;

use super::hand::HandArgs;
use super::output::Output;
use super::{Exit, Failure};
use crate::model::{Target, Wish};
use crate::plan::can_be_awake;

/// Wake nodes, a whole pool or all pools by hand for a while: wake, wait, uncordon
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate wake node/demo-k8s-node-nf-6 -f policy.yaml --sandbox ./sandbox
  tidegate wake pool/workers -f policy.yaml --sandbox ./sandbox --until 2026-11-30T08:00
  tidegate wake --all -f policy.yaml --sandbox ./sandbox --until 2026-12-01   # before an upgrade of all nodes

Every later plan keeps it awake, above the ceiling too, until `--until` (4 hours without it). It also takes back a
`drain` of the node: it is uncordoned. Of a pool, nodes that somebody drained, parked or holds by name are left as they
are, and are named. Exit codes are those of `apply`, and 3 where rules forbid all of it.")]
pub struct Wake {
    /// `node/NAME`, or `pool/NAME` for each node of it
    #[arg(value_parser = super::object::target)]
    objects: Vec<Target>,
    /// Each node of each pool of the policy
    #[arg(long, conflicts_with = "objects")]
    all: bool,
    #[command(flatten)]
    hand: HandArgs,
}

impl Wake {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        if self.objects.is_empty() && !self.all {
            let hint = "name `node/NAME` or `pool/NAME`, or say `--all` for each node of each pool";
            return Err(Failure::new("nothing was named to be woken").hint(hint));
        }
        self.hand.carry_out(
            |policy, world| {
                let pools = policy.pools.iter().filter(|_| self.all).map(|pool| Target::Pool(pool.name.clone()));
                let wish = |object: Target| {
                    let count = match &object {
                        Target::Node(_) => 1,
                        Target::Pool(name) => can_be_awake(policy, world, name),
                    };
                    (object, Wish::Awake(count))
                };
                pools.chain(self.objects.iter().cloned()).map(wish).collect()
            },
            out,
        )
    }
}
