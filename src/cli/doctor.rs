//! `tidegate doctor`: what is missing before a policy can be relied on in a cluster, and what to do about it.

use clap::Args;

use super::format::Format;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::doctor::{Checkup, Finding, Level, examine};
use crate::report::doctor_text;

/// Check what a policy needs in a cluster, and say what to do about each thing that is missing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate doctor -f policy.yaml --sandbox ./sandbox
  tidegate doctor -f policy.yaml --snapshot cluster.json --format json

What cannot be told from what was named is said to be unknown. Exits with 1 where a line says error.")]
pub struct Doctor {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What only a live cluster answers.
const LIVE_ONLY: [(&str, &str); 3] = [
    ("permissions", "whether our role may do all that an apply does"),
    ("cloud", "whether the cloud lets us in and lists its servers"),
    ("clock", "whether the clocks here and there agree"),
];

impl Doctor {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let (world, now) = self.world.world(&policy.time_zone, out)?;
        let unasked = LIVE_ONLY.iter().map(|(check, what)| {
            let text = format!("{what} can only be told of a live cluster");
            Finding::new(check, Level::Unknown, text, "name a live cluster instead of a file or a sandbox")
        });
        let checkup = Checkup::of(unasked.chain(examine(&policy, &world, now)).collect());
        match self.format {
            Format::Json => out.json(&checkup)?,
            Format::Text => out.data(&doctor_text(&checkup, &policy.time_zone, out.width()))?,
        }
        Ok(if checkup.level == Level::Error { Exit::Error } else { Exit::Done })
    }
}
