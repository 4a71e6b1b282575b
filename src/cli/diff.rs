//! `tidegate diff`: what a change of policy does, rather than what its text says.

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::output::Output;
use super::policy_args::{PolicyArgs, say};
use super::sandbox::duration;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::plan::difference;
use crate::policy::check_against;
use crate::report;

/// Show what a change of policy does: now, at each coming window, in node-hours and in money
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate diff main -f policies/ --snapshot cluster.json              # main against the files as they are
  tidegate diff v1.4 v1.5 -f policies/ --snapshot cluster.json --horizon 30d
  tidegate diff origin/main HEAD -f policies/ --snapshot cluster.json --format markdown > comment.md
  tidegate diff main topic -f https://git.example.org/policies.git//pools --snapshot cluster.json")]
pub struct Diff {
    /// The policy before: a branch, a tag or a commit
    #[arg(value_name = "OLD")]
    old: String,
    /// The policy after; without it the files as they are, or what the address names
    #[arg(value_name = "NEW")]
    new: Option<String>,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How far to look ahead
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    horizon: SignedDuration,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: DiffFormat,
    /// Exit with 2 where the two differ
    #[arg(long)]
    detailed_exitcode: bool,
}

/// How a difference is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For people
    Text,
    /// The public format, see `tidegate schema diff`
    Json,
    /// For a comment on a pull request; its first line is a marker by which a bot finds the older one
    Markdown,
}

impl Diff {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        if self.horizon <= SignedDuration::ZERO {
            return Err(Failure::new("`--horizon` is not ahead").hint("write `7d`, `36h` or `30d`"));
        }
        let (_, old) = self.policy.load_at(Some(&self.old), out)?;
        let (sources, new) = self.policy.load_at(self.new.as_deref(), out)?;
        let (world, now) = self.world.world(&new, out)?;
        if say(out, &check_against(&new, &world, now), &sources.files) {
            return Err(Failure::silent(Exit::Error));
        }
        let until = now.checked_add(self.horizon);
        let until = until.map_err(|_| Failure::new("`--horizon` is out of range").hint("five years are the most"))?;
        let difference = difference(&old, &new, &world, now, until);
        match self.format {
            DiffFormat::Text => out.data(&report::difference_text(&difference, out.width()))?,
            DiffFormat::Json => out.json(&difference)?,
            DiffFormat::Markdown => out.data(&report::difference_markdown(&difference, world.context.as_deref()))?,
        }
        let differs = self.detailed_exitcode && !difference.is_none();
        Ok(if differs { Exit::Pending } else { Exit::Done })
    }
}
