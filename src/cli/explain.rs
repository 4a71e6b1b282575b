//! `tidegate explain`: everything the planner knows about one node or pool.

use clap::{Args, ValueEnum};

use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::plan::{Target, explain_node, explain_pool, plan};
use crate::report::explain_text;

/// Explain one node or pool: who wants what of it, what would be done, and why it stays
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate explain node/demo-k8s-node-nf-6 -f policy.yaml --snapshot cluster.json
  tidegate explain pool/workers -f policy.yaml --sandbox ./sandbox --format json")]
pub struct Explain {
    /// `node/NAME` or `pool/NAME`
    object: Target,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Explain {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let (world, now) = self.world.world(&policy, out)?;
        let (plan, _) = plan(&policy, &world, now);
        let found = match &self.object {
            Target::Node(name) => explain_node(&policy, &world, &plan, name, now),
            Target::Pool(name) => explain_pool(&policy, &world, &plan, name, now),
        };
        let Some(explanation) = found else {
            let names: Vec<&str> = match &self.object {
                Target::Node(_) => world.nodes.keys().map(AsRef::as_ref).collect(),
                Target::Pool(_) => policy.pools.iter().map(|pool| &*pool.name).collect(),
            };
            let wanted = self.object.to_string();
            let wanted = wanted.split_once('/').map_or(wanted.as_str(), |(_, name)| name);
            let near = names.iter().min_by_key(|name| strsim::osa_distance(name, wanted));
            let failure = Failure::new(format!("there is no {}", self.object));
            return Err(match near.filter(|near| strsim::osa_distance(near, wanted) <= wanted.len() / 3) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure,
            });
        };
        match self.format {
            Format::Json => out.json(&explanation)?,
            Format::Text => out.data(&explain_text(&explanation, &plan, out.width()))?,
        }
        Ok(Exit::Done)
    }
}
