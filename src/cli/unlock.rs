//! `tidegate unlock`: takes away the lock of an apply that is gone.

use clap::Args;
use tokio::runtime::Runtime;

use super::ground::GroundArgs;
use super::output::Output;
use super::{Exit, Failure};
use crate::cluster::{LockError, Locks};
use crate::execute::run::process;

/// Take away the lock of an apply that is gone
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tidegate unlock 3f9c2a --sandbox ./sandbox   # the id stands in the message of the apply that was refused")]
pub struct Unlock {
    /// The lock's id
    id: String,
    #[command(flatten)]
    ground: GroundArgs,
    /// Take it away although its process is alive
    #[arg(long)]
    force: bool,
}

impl Unlock {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let unlock =
            |locks: &dyn Locks, runtime: &Runtime| runtime.block_on(locks.unlock(&self.id, self.force, process::life));
        match self.ground.with_locks(out, unlock)? {
            Ok(record) => {
                out.say(&format!(
                    "Took away the lock of {} (`{}` since {})",
                    record.owner, record.operation, record.since
                ));
                out.say("What it was doing goes on with `tidegate apply --resume`");
                Ok(Exit::Done)
            }
            Err(LockError::Free) => {
                out.say("Nobody holds the lock");
                Ok(Exit::Done)
            }
            Err(error @ LockError::Held(_)) => Err(Failure::with(Exit::Locked, error)
                .hint("its process is alive: end it first; `--force` takes the lock away all the same")),
            Err(error @ LockError::OtherLock { .. }) => Err(Failure::with(Exit::Locked, error)),
            Err(error) => Err(Failure::new(error)),
        }
    }
}
