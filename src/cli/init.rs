//! `tidegate init`: a commented first policy.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::output::Output;
use super::shell::{kubectl, quoted};
use super::starter::{Found, Lift, merged, starter};
use super::{Exit, Failure, world_args};
use crate::model::{KUBECTL, World, counted};
use crate::plan::plan;
use crate::policy::{PolicySource, load};

/// Write a commented starter policy, with pools guessed from a snapshot if there is one
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  tidegate init > policy.yaml
  {} > cluster.json
  tidegate init --snapshot cluster.json --out policy.yaml", kubectl()))]
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
            find_lifts(&mut found, &world);
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
                let files = self.snapshot.iter().map(|file| format!(" {}", quoted(&file.to_string_lossy())));
                let files = match files.collect::<String>() {
                    files if files.is_empty() => " cluster.json".to_owned(),
                    files => files,
                };
                let policy = quoted(&path.to_string_lossy());
                out.say(&format!("Wrote `{}`; next:\n  tidegate plan -f {policy} --snapshot{files}", path.display()));
            }
        }
        Ok(Exit::Done)
    }
}

/// How often it is looked at what shows once other lines are lifted; more than two rounds were never seen.
const ROUNDS: usize = 5;

/// Finds what blocks the nodes of this cluster if all of each pool might go, and the lines that would lift it; some show
/// only where others are lifted.
fn find_lifts(found: &mut Found, world: &World) {
    for round in 0..ROUNDS {
        let known: BTreeSet<String> = found.lifts.iter().map(|lift| format!("# {}", lift.line)).collect();
        let more = lifts(&eager(&starter(Some(found)), &known), world, round > 0);
        let more: Vec<Lift> = more.into_iter().filter(|lift| !known.contains(&format!("# {}", lift.line))).collect();
        if more.is_empty() {
            return;
        }
        found.lifts.extend(more);
        found.lifts = merged(std::mem::take(&mut found.lifts));
    }
}

/// The starter with every node free to go and the lines in `known` in force.
fn eager(text: &str, known: &BTreeSet<String>) -> String {
    let line = |line: &str| match line {
        line if line.starts_with("      min: ") => "      min: 0\n".to_owned(),
        line if known.contains(line.trim_start()) => line.replacen("# ", "", 1) + "\n",
        line => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn lifts(text: &str, world: &World, later: bool) -> Vec<Lift> {
    let Some(policy) = load(&[PolicySource { path: "starter".into(), text: text.as_bytes().to_vec() }]).policy else {
        return Vec::new();
    };
    let now = world.taken.unwrap_or(Timestamp::UNIX_EPOCH);
    let (plan, _) = plan(&policy, world, now);
    let lifts = plan.blockers.into_iter().flat_map(|blocker| {
        let frees = match later {
            false if blocker.frees == 0 => "not the only thing found in the way".to_owned(),
            false => format!("the only thing found in the way of {}", blocker.frees),
            true => "it shows once the other lines are in force".to_owned(),
        };
        let why = format!(
            "{} ({}; {frees})",
            blocker.text,
            counted(u32::try_from(blocker.nodes.len()).unwrap_or(u32::MAX), "node")
        );
        Lift::of(&why, &blocker.hint, &blocker.lift, &blocker.nodes)
    });
    merged(lifts.collect())
}
