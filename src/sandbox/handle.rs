//! The handle to a sandbox.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::sim::{Command, Record, Sim};
use super::store::Store;
use super::{Faults, SandboxError};
use crate::model::{Change, Name, PodKey, Snapshot};

struct Inner {
    sim: Sim,
    keep: Keep,
}

/// Where a sandbox is kept.
enum Keep {
    Folder(Store),
    /// Nowhere; how it began.
    Memory(Box<Sim>),
}

/// A sandbox that is open in this process. Clones share it; each clone counts for itself what it has already seen
/// through [`crate::cluster::Cluster::changes`].
#[derive(Clone)]
pub struct Sandbox {
    inner: Rc<RefCell<Inner>>,
    seen: Cell<u64>,
    pace: Option<u32>,
}

impl Sandbox {
    /// Makes a sandbox in `folder` from snapshot files, which are read once and never written. The folder may exist but
    /// must be empty.
    ///
    /// # Errors
    /// The files cannot be read, there is a sandbox or anything else already, or the folder cannot be written.
    pub fn create(folder: &Path, files: &[PathBuf], faults: Faults) -> Result<Self, SandboxError> {
        let snapshot = crate::observe::read(files).map_err(|error| SandboxError::Snapshot(error.to_string()))?;
        let made_from = files.iter().map(|file| file.display().to_string()).collect();
        Store::create(folder, made_from, snapshot, faults).map(|(store, sim)| Self::with(sim, Keep::Folder(store)))
    }

    /// Makes a sandbox in `folder` from a snapshot. The folder may exist but must be empty.
    ///
    /// # Errors
    /// It is not, or the folder cannot be written.
    pub fn create_from(folder: &Path, snapshot: Snapshot, faults: Faults) -> Result<Self, SandboxError> {
        Store::create(folder, Vec::new(), snapshot, faults).map(|(store, sim)| Self::with(sim, Keep::Folder(store)))
    }

    /// Whether a sandbox stands in `folder`.
    pub fn stands_in(folder: &Path) -> bool {
        Store::stands_in(folder)
    }

    /// Opens the sandbox in `folder`, as it was left.
    ///
    /// # Errors
    /// There is none, another process has it open, or its files are damaged.
    pub fn open(folder: &Path) -> Result<Self, SandboxError> {
        Store::open(folder).map(|(store, sim)| Self::with(sim, Keep::Folder(store)))
    }

    /// Opens the sandbox in `folder` as it began: everything since is forgotten, even where it is not readable.
    ///
    /// # Errors
    /// There is none, another process has it open, the folder cannot be written, or its start is damaged.
    pub fn begin_anew(folder: &Path) -> Result<Self, SandboxError> {
        Store::begin_anew(folder).map(|(store, sim)| Self::with(sim, Keep::Folder(store)))
    }

    /// A sandbox that is kept nowhere.
    pub fn in_memory(snapshot: Snapshot, faults: &Faults) -> Self {
        let sim = Sim::start(snapshot, faults);
        Self::with(sim.clone(), Keep::Memory(Box::new(sim)))
    }

    /// What the sandbox in `folder` looks like now, without opening it: another process may be working with it.
    ///
    /// # Errors
    /// There is none, or its files are damaged.
    pub fn peek(folder: &Path) -> Result<Snapshot, SandboxError> {
        Store::peek(folder).map(|sim| sim.snapshot())
    }

    fn with(sim: Sim, keep: Keep) -> Self {
        let seen = Cell::new(sim.position());
        Self { inner: Rc::new(RefCell::new(Inner { sim, keep })), seen, pace: None }
    }

    /// The same sandbox, slowed down to so many virtual seconds per second of the wall clock, to watch it.
    #[must_use]
    pub fn paced(mut self, virtual_seconds_per_second: u32) -> Self {
        self.pace = Some(virtual_seconds_per_second.max(1));
        self
    }

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.inner.borrow().sim.now()
    }

    /// Everything, as of now.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.borrow().sim.snapshot()
    }

    /// Everything that happened since the start, oldest first.
    pub fn audit(&self) -> Vec<Record> {
        self.inner.borrow().sim.audit().to_vec()
    }

    /// The nodes that have a bootstrap token now, with its end.
    pub fn tokens(&self) -> BTreeMap<Name, Timestamp> {
        self.inner.borrow().sim.tokens()
    }

    /// The folder, if it is kept in one.
    pub fn folder(&self) -> Option<PathBuf> {
        match &self.inner.borrow().keep {
            Keep::Folder(store) => Some(store.folder().to_owned()),
            Keep::Memory(_) => None,
        }
    }

    /// Looks whether its folder is still the one that was opened.
    ///
    /// # Errors
    /// It was removed, or something else stands in its place.
    pub fn still_there(&self) -> Result<(), SandboxError> {
        match &self.inner.borrow().keep {
            Keep::Folder(store) if !store.is_there() => Err(SandboxError::Gone(store.folder().to_owned())),
            _ => Ok(()),
        }
    }

    /// Lets so much time pass.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn advance(&self, by: SignedDuration) -> Result<(), SandboxError> {
        let until = self.now().checked_add(by.max(SignedDuration::ZERO)).unwrap_or(Timestamp::MAX);
        self.advance_to(until)
    }

    /// Lets the time pass until then; never back.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn advance_to(&self, until: Timestamp) -> Result<(), SandboxError> {
        let mut inner = self.inner.borrow_mut();
        let now = inner.sim.now();
        if until < now || (until == now && inner.sim.next_event().is_none_or(|next| next > now)) {
            return Ok(());
        }
        inner.write(until, Command::Advance)?;
        inner.sim.advance_to(until);
        Ok(())
    }

    /// From now on so many pods of a workload (`namespace/name`) are wanted.
    ///
    /// # Errors
    /// There is no such workload with a pod to go by, it would be too many, or it cannot be written down.
    pub fn scale(&self, workload: &PodKey, pods: u32) -> Result<(), SandboxError> {
        super::store::bearable_count(&workload.to_string(), pods)?;
        let command = Command::Scale { workload: workload.clone(), pods };
        let known = self.ask(command, |sim| sim.scale(workload, pods))?;
        if known { Ok(()) } else { Err(SandboxError::NoWorkload(workload.to_string())) }
    }

    /// Goes back to the start: everything since is forgotten.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn reset(&self) -> Result<(), SandboxError> {
        let mut inner = self.inner.borrow_mut();
        let sim = match &mut inner.keep {
            Keep::Folder(store) => store.reset()?,
            Keep::Memory(start) => (**start).clone(),
        };
        self.seen.set(sim.position());
        inner.sim = sim;
        Ok(())
    }

    pub(super) fn sim(&self) -> Ref<'_, Sim> {
        Ref::map(self.inner.borrow(), |inner| &inner.sim)
    }

    /// Writes a request down, then does it.
    pub(super) fn ask<T>(&self, command: Command, act: impl FnOnce(&mut Sim) -> T) -> Result<T, SandboxError> {
        let mut inner = self.inner.borrow_mut();
        let now = inner.sim.now();
        inner.write(now, command)?;
        // As a replay does: what is due now comes before what is asked now.
        inner.sim.advance_to(now);
        Ok(act(&mut inner.sim))
    }

    /// From here on everything is new to this handle.
    pub(super) fn mark_seen(&self) {
        self.seen.set(self.sim().position());
    }

    /// What this handle has not seen yet.
    pub(super) fn unseen(&self) -> Vec<Change> {
        // A handle that was ahead when another one reset the sandbox has seen nothing of what is now.
        let seen = Some(self.seen.get()).filter(|seen| *seen <= self.sim().position()).unwrap_or(0);
        let changes = self.sim().changes_since(seen);
        self.mark_seen();
        changes
    }

    /// Waits on the wall clock for as long as `until` is away, where the sandbox is slowed down.
    pub(super) async fn keep_pace(&self, until: Timestamp) {
        if let Some(pace) = self.pace {
            let away = until.duration_since(self.now()).max(SignedDuration::ZERO);
            tokio::time::sleep(away.unsigned_abs() / pace).await;
        }
    }
}

impl Inner {
    fn write(&mut self, at: Timestamp, command: Command) -> Result<(), SandboxError> {
        match &mut self.keep {
            Keep::Folder(store) => store.append(at, command),
            Keep::Memory(_) => Ok(()),
        }
    }
}
