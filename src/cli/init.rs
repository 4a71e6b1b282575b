//! `tidegate init`: a commented first policy.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::output::Output;
use super::starter::{Found, Lift, merged, starter};
use super::{Exit, Failure, world_args};
use crate::model::World;
use crate::observe::KUBECTL;
use crate::plan::plan;
use crate::policy::{PolicySource, load};

/// Write a commented starter policy, with pools guessed from a snapshot if there is one
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  tidegate init > policy.yaml
  {KUBECTL} > cluster.json
  tidegate init --snapshot cluster.json --out policy.yaml"))]
pub struct Init {
    /// Guess from this: what `kubectl get … -A -o json` (or yaml, or .gz) wrote
    #[arg(long, value_name = "FILE", num_args = 1..)]
    snapshot: Vec<PathBuf>,
    /// Write it here instead of to stdout; a file that is there already is left alone
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Init {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let text = if self.snapshot.is_empty() {
            starter(None)
        } else {
            let world = World::build(world_args::read(&self.snapshot, out)?);
            if world.nodes.is_empty() {
                return Err(Failure::new("the snapshot has no nodes").hint(format!("`{KUBECTL}` lists them")));
            }
            let mut found = Found::of(&world);
            found.lifts = lifts(&starter(Some(&found)), &world);
            starter(Some(&found))
        };
        match &self.out {
            None => out.data(&text)?,
            Some(path) if path.exists() => {
                return Err(Failure::new(format!("`{}` is there already", path.display()))
                    .hint("remove it, or write to another file"));
            }
            Some(path) => {
                out.write(path, &text)?;
                out.say(&format!("Wrote `{}`; next: `tidegate plan -f {0} --snapshot …`", path.display()));
            }
        }
        Ok(Exit::Done)
    }
}

/// What blocks the nodes of this cluster if all but one of each pool might go, and the lines that would lift it.
fn lifts(text: &str, world: &World) -> Vec<Lift> {
    let eager: String = (text.lines())
        .map(|line| if line.starts_with("      min: ") { "      min: 0\n".to_owned() } else { format!("{line}\n") })
        .collect();
    let Some(policy) = load(&[PolicySource { path: "starter".into(), text: eager.into_bytes() }]).policy else {
        return Vec::new();
    };
    let now = world.taken.unwrap_or(Timestamp::UNIX_EPOCH);
    let (plan, _) = plan(&policy, world, now);
    let lifts = plan.blockers.into_iter().filter_map(|blocker| {
        let nodes = blocker.nodes.len();
        let s = if nodes == 1 { "" } else { "s" };
        let why = format!("{} ({nodes} node{s}; alone it would free {})", blocker.text, blocker.frees);
        Lift::of(&why, &blocker.hint, &blocker.lift, &blocker.nodes)
    });
    merged(lifts.collect())
}
