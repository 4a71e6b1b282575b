//! `tidegate explain`: everything the planner knows about one node or pool.

use std::fmt::Write;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::plan::{Explanation, Target, explain_node, explain_pool, plan, verb_name};
use crate::report::wrapped;

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
            Target::Pool(name) => explain_pool(&policy, &world, &plan, name),
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
            Format::Text => out.data(&text(&explanation, out.width()))?,
        }
        Ok(Exit::Done)
    }
}

fn text(explanation: &Explanation, width: usize) -> String {
    let mut text = format!("{}: {}\n", explanation.object, explanation.state);
    if let Some(pool) = &explanation.pool {
        let _ = writeln!(text, "\nPool {}: floor {}, ceiling {}", pool.name, pool.floor, pool.ceiling);
        for said in &pool.said {
            let mark = if said.won { "✓" } else { "·" };
            let place = said.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
            let _ = writeln!(text, "  {mark} {} {} by {}{place}", said.what, said.value, said.by);
        }
    }
    if !explanation.steps.is_empty() {
        text.push_str("\nWould be done\n");
        for step in &explanation.steps {
            let verb = step.provider_verb.as_deref().unwrap_or_else(|| verb_name(step.verb));
            text.push_str(&wrapped(&format!("{verb} {}: {}", step.node, step.reason.text), 2, width));
        }
    }
    if !explanation.reasons.is_empty() {
        text.push_str("\nWhy it stays\n");
        for reason in &explanation.reasons {
            let node = reason.evidence.node.as_deref().filter(|_| explanation.object.starts_with("pool/"));
            let node = node.map(|node| format!("{node}: ")).unwrap_or_default();
            let place = reason.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
            text.push_str(&wrapped(&format!("{node}{}{place}", reason.text), 2, width));
        }
    }
    if !explanation.pods.is_empty() {
        text.push_str("\nPods\n");
        for pod in &explanation.pods {
            let homes = if pod.answer == "stays" { String::new() } else { format!(", {} other homes", pod.homes) };
            text.push_str(&wrapped(&format!("{}: {} ({}{homes})", pod.pod, pod.answer, pod.text), 2, width));
        }
    }
    text
}
