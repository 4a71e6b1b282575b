//! The cluster that a command acts on, opened: its doors, its journal and its lock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::connect_args::ConnectArgs;
use super::output::Output;
use super::reached::{self, Reached};
use super::shell::quoted;
use super::world_args::{create, holds_anything};
use super::{Exit, Failure};
use crate::cluster::{Cluster, ClusterError, LockError, Locks, Pending};
use crate::execute::hooks::Silent;
use crate::execute::run::lock::FileLocks;
use crate::execute::run::{Calling, Doors, Interrupts, Order, Outcome, apply};
use crate::execute::{Event, Wall};
use crate::model::Snapshot;
use crate::policy::Policy;
use crate::sandbox::{Sandbox, SandboxError};

/// What there is to act on.
const NAME_ONE: &str = "`--context NAME` works on a live cluster (`--context` alone on the kubeconfig's current one), \
                        `--sandbox DIR` on one in virtual time";

/// Which cluster to act on.
#[derive(Clone, Debug, Args)]
pub struct GroundArgs {
    /// The folder of a sandbox
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig"], help_heading = "Cluster")]
    sandbox: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// How a live cluster is worked on.
#[derive(Clone, Debug, Args)]
pub struct WorkArgs {
    /// Where the journal of a live cluster is kept, instead of a folder of the cluster's UID in the state directory
    /// (`$XDG_STATE_HOME/tidegate` or `~/.local/state/tidegate`)
    #[arg(long, value_name = "DIR", conflicts_with = "sandbox", help_heading = "Cluster")]
    journal: Option<PathBuf>,
    /// Wait so long for a lock that somebody else holds, `90s`, `10m`; not at all by default
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = super::sandbox::duration, help_heading = "Cluster")]
    pub lock_timeout: SignedDuration,
}

impl GroundArgs {
    /// Opens it: a live cluster with the providers of `policy`; a sandbox, which is made of `files` if there are any and
    /// it is not there yet, and slowed down to `slow` of its seconds per second.
    ///
    /// # Errors
    /// None was named, or it cannot be opened.
    pub fn open(
        &self,
        policy: Option<&Policy>,
        (files, slow): (&[PathBuf], Option<u32>),
        work: Option<&WorkArgs>,
        out: Output,
    ) -> Result<Ground, Failure> {
        let Some(folder) = &self.sandbox else {
            let runtime = runtime()?;
            let reached = self.reach(policy, &runtime, out)?;
            let named = work.and_then(|work| work.journal.clone());
            let mut flags = reached.flags().to_owned();
            let folder = match named {
                Some(folder) => {
                    flags.push_str(&format!(" --journal {}", quoted(&folder.to_string_lossy())));
                    reached::made(&folder)?;
                    folder
                }
                None => reached::journal(reached.live.cluster())?,
            };
            return Ok(Ground { runtime, kind: Kind::Live(Box::new(reached)), folder, flags, out });
        };
        let fresh = !files.is_empty() && !holds_anything(folder);
        if !fresh && !files.is_empty() {
            out.say(&super::world_args::not_read(folder, files));
        }
        let patience = work.map_or(SignedDuration::ZERO, |work| work.lock_timeout);
        let sandbox = if fresh { create(folder, files, out)? } else { opened(folder, patience)? };
        let sandbox = match slow {
            Some(factor) => sandbox.paced(factor),
            None => sandbox,
        };
        Ground::sandbox(sandbox, folder, out)
    }

    fn reach(&self, policy: Option<&Policy>, runtime: &Runtime, out: Output) -> Result<Reached, Failure> {
        if !self.connect.given() {
            return Err(Failure::new("no cluster was named").hint(NAME_ONE));
        }
        Reached::connect(&self.connect, policy, runtime, out)
    }

    /// Asks something of its lock without opening it: somebody may work there.
    ///
    /// # Errors
    /// None was named, or the live one does not answer.
    pub fn with_locks<T>(&self, out: Output, ask: impl FnOnce(&dyn Locks, &Runtime) -> T) -> Result<T, Failure> {
        let runtime = runtime()?;
        let locks: Box<dyn Locks> = match &self.sandbox {
            Some(folder) => {
                if !Sandbox::stands_in(folder) {
                    return Err(SandboxError::Missing(folder.clone()).into());
                }
                Box::new(FileLocks::of(folder))
            }
            None => Box::new(self.reach(None, &runtime, out)?.live.locks()),
        };
        Ok(ask(&*locks, &runtime))
    }
}

/// Opens a sandbox; waits so long for another process that has it open.
fn opened(folder: &Path, patience: SignedDuration) -> Result<Sandbox, SandboxError> {
    const PAUSE: Duration = Duration::from_millis(100);
    let (begin, patience) = (Instant::now(), Duration::try_from(patience).unwrap_or_default());
    loop {
        match Sandbox::open(folder) {
            Err(SandboxError::Busy(_)) if begin.elapsed() < patience => std::thread::sleep(PAUSE),
            ended => return ended,
        }
    }
}

/// What answers are waited for on.
///
/// # Errors
/// This process gets none.
pub fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

enum Kind {
    Sandbox(Sandbox),
    Live(Box<Reached>),
}

/// An opened cluster.
pub struct Ground {
    runtime: Runtime,
    kind: Kind,
    folder: PathBuf,
    flags: String,
    out: Output,
}

impl Ground {
    /// A sandbox that is open.
    ///
    /// # Errors
    /// This process gets no runtime.
    pub fn sandbox(sandbox: Sandbox, folder: &Path, out: Output) -> Result<Self, Failure> {
        let flags = format!(" --sandbox {}", quoted(&folder.to_string_lossy()));
        Ok(Self { runtime: runtime()?, kind: Kind::Sandbox(sandbox), folder: folder.to_owned(), flags, out })
    }

    /// Where its journal is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What names it on the command line, with a space before it.
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// The UID of a live cluster.
    pub fn live(&self) -> Option<&str> {
        match &self.kind {
            Kind::Sandbox(_) => None,
            Kind::Live(reached) => Some(reached.live.cluster()),
        }
    }

    /// The time there.
    pub fn now(&self) -> Timestamp {
        match &self.kind {
            Kind::Sandbox(sandbox) => sandbox.now(),
            Kind::Live(_) => Timestamp::now(),
        }
    }

    /// Everything there.
    ///
    /// # Errors
    /// It does not answer.
    pub fn snapshot(&self) -> Result<Snapshot, Failure> {
        match &self.kind {
            Kind::Sandbox(sandbox) => Ok(sandbox.snapshot()),
            Kind::Live(reached) => reached.observe(&self.runtime, self.out),
        }
    }

    /// Carries an order out.
    ///
    /// # Errors
    /// Between the plan and the answer to it somebody may have removed the sandbox.
    pub fn apply(&self, order: &Order<'_>, tell: &mut dyn FnMut(&Event)) -> Result<Outcome, Failure> {
        match &self.kind {
            Kind::Sandbox(sandbox) => {
                sandbox.still_there()?;
                let (cluster, provider, clock) = (sandbox.clone(), sandbox.clone(), sandbox.clone());
                let doors = Doors { cluster: &cluster, provider: &provider, clock: &clock, hooks: &Silent };
                Ok(self.run(doors, order, tell))
            }
            Kind::Live(reached) => {
                let calling = Calling::of(order.policy, reached.live.cluster()).map_err(Failure::new)?;
                let joined = reached.joined();
                let doors =
                    Doors { cluster: reached.door(&joined), provider: &reached.fleet, clock: &Wall, hooks: &calling };
                Ok(self.run(doors, order, tell))
            }
        }
    }

    fn run(&self, doors: Doors<'_>, order: &Order<'_>, tell: &mut dyn FnMut(&Event)) -> Outcome {
        self.runtime.block_on(async {
            let mut interrupts = Interrupts::signals();
            apply(doors, order, &mut interrupts, tell).await
        })
    }

    /// What to do where only time helps: in so many minutes `command` goes on. It stands still in a sandbox that nobody
    /// works with.
    pub fn in_time(&self, minutes: i64, command: &str) -> String {
        match &self.kind {
            Kind::Sandbox(_) => {
                let folder = quoted(&self.folder.to_string_lossy());
                format!(
                    "The clock of a sandbox stands still between two runs: turn it, `tidegate sandbox advance {minutes}m \
                     {folder}`, and run this again to go on: `{command}`"
                )
            }
            Kind::Live(_) => format!("In {minutes} minutes this goes on: `{command}`"),
        }
    }

    /// What to do where it is not there any more.
    pub fn when_gone(&self) -> String {
        match &self.kind {
            Kind::Sandbox(_) => {
                let folder = quoted(&self.folder.to_string_lossy());
                format!(
                    "look at what stands there now with `tidegate sandbox show {folder}`; a sandbox that is gone is made \
                     with `tidegate sandbox create {folder} --snapshot FILE`"
                )
            }
            Kind::Live(_) => format!("`tidegate doctor{}` says what answers there", self.flags),
        }
    }

    /// What to do where something was not listed there.
    pub fn when_half(&self) -> String {
        match &self.kind {
            Kind::Sandbox(_) => {
                "a sandbox takes no more files: make one in a new folder with all of them, `tidegate sandbox create FOLDER \
                 --snapshot cluster.json pdb.json`"
                    .to_owned()
            }
            Kind::Live(_) => "mend what could not be read, and plan again".to_owned(),
        }
    }

    /// Where its lock is kept.
    pub fn locks(&self) -> Box<dyn Locks> {
        match &self.kind {
            Kind::Sandbox(_) => Box::new(FileLocks::of(&self.folder)),
            Kind::Live(reached) => Box::new(reached.live.locks()),
        }
    }

    /// Asks its door for something.
    ///
    /// # Errors
    /// Those of the door.
    pub fn ask<'a, T>(&'a self, what: impl FnOnce(&'a dyn Cluster) -> Pending<'a, T>) -> Result<T, ClusterError> {
        self.runtime.block_on(match &self.kind {
            Kind::Sandbox(sandbox) => what(sandbox),
            Kind::Live(reached) => what(&reached.live),
        })
    }

    /// Waits for what its lock answers.
    ///
    /// # Errors
    /// Those of the lock.
    pub fn wait<T>(&self, what: Pending<'_, T, LockError>) -> Result<T, Failure> {
        self.runtime.block_on(what).map_err(|error| match &error {
            LockError::Stopped(_) => Failure::with(Exit::Locked, &error)
                .hint(format!("`tidegate stop --end{}` lets everything go on", self.flags)),
            LockError::Held(held) | LockError::Silent(held) => Failure::with(Exit::Locked, &error)
                .hint("wait for it to end")
                .hint(format!("if that process is gone: `tidegate unlock {}{}`", held.id, self.flags)),
            _ => Failure::new(&error),
        })
    }
}
