//! `tidegate stop`: for a while nothing is taken away, whoever wants it.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::ground::GroundArgs;
use super::output::Output;
use super::reason::reason;
use super::sandbox::duration;
use super::{Exit, Failure};
use crate::cluster::{LockError, Stop};
use crate::execute::run::process;

/// The longest stop: what holds for longer belongs into the policy.
const MOST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Stop everything for a while: no apply and no controller takes anything away
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate stop --for 2h --reason storage --sandbox ./sandbox
  tidegate stop --end --sandbox ./sandbox

It needs neither a policy nor whoever is at work: it is written beside the lock, which is looked at before each act. An
apply that is under way finishes what is in flight, gives back the nodes whose pods have not all left, and ends with code
6; one that is to begin ends with code 5, a controller waits. `wake` by hand works all the same.")]
pub struct StopCommand {
    /// For so long, from now on; it ends by itself
    #[arg(long = "for", value_name = "DURATION", value_parser = length, required_unless_present = "end")]
    length: Option<SignedDuration>,
    /// Let everything go on at once
    #[arg(long, conflicts_with_all = ["length", "reason"])]
    end: bool,
    /// Why: whoever is stopped by it is told, with who asked
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
    #[command(flatten)]
    ground: GroundArgs,
}

fn length(text: &str) -> Result<SignedDuration, String> {
    let length = duration(text)?;
    if length <= SignedDuration::ZERO {
        return Err("a stop lasts for a while: write `2h` or `90m`".to_owned());
    }
    if length > MOST {
        return Err("longer than 31 days: what holds for so long belongs into the policy".to_owned());
    }
    Ok(length)
}

impl StopCommand {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let now = Timestamp::now();
        let stop = self.length.filter(|_| !self.end).map(|length| Stop {
            by: process::owner(),
            since: now,
            until: now.checked_add(length).unwrap_or(Timestamp::MAX),
            reason: self.reason.clone().filter(|reason| !reason.is_empty()),
        });
        let before = self.ground.with_locks(out, |locks, runtime| runtime.block_on(locks.stop(stop.as_ref())))?;
        let before = before.map_err(|error| match error {
            LockError::Failed(why) => {
                Failure::new(why.replacen("the lock cannot be had", "the stop was not written", 1))
            }
            error => Failure::new(error),
        })?;
        match (&stop, before.filter(|before| before.holds(now))) {
            (Some(stop), None) => out.say(&format!("{}", Said(stop))),
            (Some(stop), Some(before)) => out.say(&format!("{}; before it was {before}", Said(stop))),
            (None, Some(before)) => out.say(&format!("Everything may go on; it was {before}")),
            (None, None) => out.say("Nothing was stopped"),
        }
        Ok(Exit::Done)
    }
}

/// A stop at the beginning of a line.
struct Said<'a>(&'a Stop);

impl std::fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S{}", self.0.to_string().trim_start_matches('s'))
    }
}
