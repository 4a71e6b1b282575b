//! `tidegate demo`: the workshop example from start to end, from what the program brings along.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::apply::EventFormat;
use super::carrying::{Carrying, carry_out};
use super::ground::Ground;
use super::output::Output;
use super::{Exit, Failure, sandbox, world_args};
use crate::file::remedy;
use crate::model::World;
use crate::plan::{Plan, Word, plan};
use crate::policy::load;
use crate::report::plan_text;
use crate::sandbox::Sandbox;
use crate::source;

const POLICY: &str = include_str!("../../examples/jetstream-workshop/policy.yaml");
const CLUSTER: &str = include_str!("../../examples/jetstream-workshop/cluster.yaml");

/// Try it: plan and apply the workshop example on an embedded cluster
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate demo
  tidegate demo ./somewhere --slow 60   # a minute per second, to watch
  tidegate sandbox advance 6d20h tidegate-demo/sandbox && tidegate demo   # wakes the nodes again")]
pub struct Demo {
    /// Where the policy and the sandbox are put
    #[arg(default_value = "tidegate-demo")]
    folder: PathBuf,
    /// Slow the sandbox down to so many of its seconds per second, to watch it
    #[arg(long, value_name = "FACTOR", value_parser = clap::value_parser!(u32).range(1..))]
    slow: Option<u32>,
}

impl Demo {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (policy_file, cluster_file) = (self.folder.join("policy.yaml"), self.folder.join("cluster.yaml"));
        let folder = self.folder.join("sandbox");
        fs::create_dir_all(&self.folder).map_err(|error| {
            Failure::new(format!("cannot make `{}`: {error}{}", self.folder.display(), remedy(&error)))
        })?;
        let found = world_args::holds_anything(&folder);
        let sandbox = if found {
            Sandbox::open(&folder)?
        } else {
            bring(&policy_file, POLICY, out)?;
            bring(&cluster_file, CLUSTER, out)?;
            Sandbox::create_from(&folder, world_args::read(&[cluster_file], out)?, crate::sandbox::Faults::default())?
        };
        let sandbox = match self.slow {
            Some(factor) => sandbox.paced(factor),
            None => sandbox,
        };
        // The file, not what is brought along: people try out what happens when they change it.
        let sources = source::read_policy(std::slice::from_ref(&policy_file))?;
        let loaded = load(&sources);
        super::policy_args::say(out, &loaded.problems, &sources);
        let Some(policy) = loaded.policy else { return Err(Failure::silent(Exit::Error)) };

        let what = if found { "Found the sandbox" } else { "Made a sandbox" };
        out.data(&format!("{what} in `{}`", folder.display()))?;
        out.data(&(sandbox::text(&sandbox.snapshot(), &policy.time_zone, out.width()) + "\n"))?;
        let (first, _) = plan(&policy, &World::build(sandbox.snapshot()), sandbox.now());
        out.data(&plan_text(&first, out.width()))?;
        if first.steps.is_empty() {
            self.next(&first, &policy_file, &folder, out)?;
            return Ok(Exit::Done);
        }
        out.data("\nCarrying it out")?;
        let carrying = Carrying {
            policy: &policy,
            ground: &Ground::sandbox(sandbox.clone(), &folder, out)?,
            word: Word::default(),
            saved: None,
            within: false,
            resume: false,
            lock_timeout: jiff::SignedDuration::ZERO,
            no_wait: false,
            format: EventFormat::Text,
        };
        let exit = carry_out(&carrying, Some(first), out)?;
        out.data("\nPlanning again")?;
        out.data(&sandbox::text(&sandbox.snapshot(), &policy.time_zone, out.width()))?;
        let (again, _) = plan(&policy, &World::build(sandbox.snapshot()), sandbox.now());
        out.data(&again.summary.text)?;
        self.next(&again, &policy_file, &folder, out)?;
        Ok(exit)
    }

    fn next(&self, last: &Plan, policy: &Path, folder: &Path, out: Output) -> Result<(), Failure> {
        let (policy, folder) = (policy.display(), folder.display());
        let turn = last.pools.iter().filter_map(|pool| pool.next_change.as_ref()).map(|next| next.at).min();
        let Some(turn) = turn else { return Ok(()) };
        // Whole minutes, not too few: at that moment something is to be done.
        let minutes = turn.duration_since(last.now).as_secs().max(0).unsigned_abs().div_ceil(60);
        let parts = [(minutes / 1440, 'd'), (minutes / 60 % 24, 'h'), (minutes % 60, 'm')];
        let by: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
        let by = if by.is_empty() { "0" } else { by.as_str() };
        // `cargo run` says so; nothing is installed then.
        let program = if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "tidegate" };
        out.data(&format!(
            "\nNext: turn its clock to the next change and do it\n  \
             {program} sandbox advance {by} {folder}\n  \
             {program} plan -f {policy} --sandbox {folder}\n  \
             {program} apply -f {policy} --sandbox {folder}\n\
             Or start again: {program} sandbox reset {folder}"
        ))
    }
}

/// Writes a file that is brought along. One that is there already is the user's.
fn bring(path: &Path, text: &str, out: Output) -> Result<(), Failure> {
    if path.exists() { Ok(()) } else { out.write(path, text) }
}
