//! The cluster that a command acts on, opened: its doors, its journal and its lock.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::output::Output;
use super::shell::quoted;
use super::world_args::{create, holds_anything};
use super::{Exit, Failure};
use crate::cluster::{Cluster, ClusterError, LockError, LockRecord, Locks, Pending};
use crate::execute::Event;
use crate::execute::hooks::Silent;
use crate::execute::run::lock::FileLocks;
use crate::execute::run::{Doors, Interrupts, Order, Outcome, apply, process};
use crate::model::Snapshot;
use crate::sandbox::Sandbox;

/// Which cluster to act on.
#[derive(Clone, Debug, Args)]
pub struct GroundArgs {
    /// The folder of a sandbox
    #[arg(long, value_name = "DIR", help_heading = "Cluster")]
    sandbox: Option<PathBuf>,
}

impl GroundArgs {
    /// Opens it; a sandbox is made of `files` if there are any and it is not there yet, and slowed down to `slow` of its
    /// seconds per second.
    ///
    /// # Errors
    /// None was named, or it cannot be opened.
    pub fn open(&self, files: &[PathBuf], slow: Option<u32>, out: Output) -> Result<Ground, Failure> {
        let folder = self.sandbox.as_deref().ok_or_else(nobody)?;
        let fresh = !files.is_empty() && !holds_anything(folder);
        let sandbox = if fresh { create(folder, files, out)? } else { Sandbox::open(folder)? };
        let sandbox = match slow {
            Some(factor) => sandbox.paced(factor),
            None => sandbox,
        };
        Ground::sandbox(sandbox, folder)
    }
}

impl GroundArgs {
    /// Frees its lock by its id, without opening it: somebody may work there.
    ///
    /// # Errors
    /// None was named.
    pub fn unlock(&self, id: &str, force: bool) -> Result<Result<LockRecord, LockError>, Failure> {
        let folder = self.sandbox.as_deref().ok_or_else(nobody)?;
        Ok(runtime()?.block_on(FileLocks::of(folder).unlock(id, force, process::life)))
    }
}

fn nobody() -> Failure {
    Failure::new("no cluster was named").hint("`--sandbox DIR` works on a cluster in virtual time")
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// An opened cluster.
pub struct Ground {
    runtime: Runtime,
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Ground {
    /// A sandbox that is open.
    ///
    /// # Errors
    /// This process gets no runtime.
    pub fn sandbox(sandbox: Sandbox, folder: &Path) -> Result<Self, Failure> {
        Ok(Self { runtime: runtime()?, sandbox, folder: folder.to_owned() })
    }

    /// Where its journal is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What names it on the command line, with a space before it.
    pub fn flags(&self) -> String {
        format!(" --sandbox {}", quoted(&self.folder.to_string_lossy()))
    }

    /// The time there.
    pub fn now(&self) -> Timestamp {
        self.sandbox.now()
    }

    /// Everything there.
    ///
    /// # Errors
    /// It does not answer.
    pub fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(self.sandbox.snapshot())
    }

    /// Carries an order out.
    ///
    /// # Errors
    /// Between the plan and the answer to it somebody may have removed the sandbox.
    pub fn apply(&self, order: &Order<'_>, tell: &mut dyn FnMut(&Event)) -> Result<Outcome, Failure> {
        self.sandbox.still_there()?;
        let (cluster, provider, clock) = (self.sandbox.clone(), self.sandbox.clone(), self.sandbox.clone());
        Ok(self.runtime.block_on(async {
            let mut interrupts = Interrupts::signals();
            let doors = Doors { cluster: &cluster, provider: &provider, clock: &clock, hooks: &Silent };
            apply(doors, order, &mut interrupts, tell).await
        }))
    }

    /// What to do where only time helps: in so many minutes `command` goes on. It stands still in a sandbox that nobody
    /// works with.
    pub fn in_time(&self, minutes: i64, command: &str) -> String {
        let folder = quoted(&self.folder.to_string_lossy());
        format!(
            "The clock of a sandbox stands still between two runs: turn it, `tidegate sandbox advance {minutes}m \
             {folder}`, and run this again to go on: `{command}`"
        )
    }

    /// What to do where it is not there any more.
    pub fn when_gone(&self) -> String {
        let folder = quoted(&self.folder.to_string_lossy());
        format!(
            "look at what stands there now with `tidegate sandbox show {folder}`; a sandbox that is gone is made with \
             `tidegate sandbox create {folder} --snapshot FILE`"
        )
    }

    /// Where its lock is kept.
    pub fn locks(&self) -> Box<dyn Locks> {
        Box::new(FileLocks::of(&self.folder))
    }

    /// Asks its door for something.
    ///
    /// # Errors
    /// Those of the door.
    pub fn ask<'a, T>(&'a self, what: impl FnOnce(&'a dyn Cluster) -> Pending<'a, T>) -> Result<T, ClusterError> {
        self.runtime.block_on(what(&self.sandbox))
    }

    /// Waits for what its lock answers.
    ///
    /// # Errors
    /// Those of the lock.
    pub fn wait<T>(&self, what: Pending<'_, T, LockError>) -> Result<T, Failure> {
        self.runtime.block_on(what).map_err(|error| match &error {
            LockError::Held(held) => Failure::with(Exit::Locked, &error).hint(format!(
                "if that process is gone: `tidegate unlock {}{}`",
                held.id,
                self.flags()
            )),
            _ => Failure::new(&error),
        })
    }
}
