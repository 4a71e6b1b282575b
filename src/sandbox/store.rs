//! A sandbox's folder: the start, the log, and the lock that keeps a second process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::log::{self, Entry};
use super::sim::{Checkpoint, Command, Sim};
use super::{Faults, SandboxError};
use crate::execute::ledger::{self, Flaw, Head, Ledger, Sealed};
use crate::file;
use crate::model::{Snapshot, Workload};

/// Goes up whenever the same log would be read otherwise, or replayed to another state.
const ENGINE: u32 = 2;
const START: &str = "start.json";
const LOG: &str = "log";
const LOCK: &str = "in-use";
const STATE: &str = "state.json";
/// Pods that one workload may bring.
const MOST_PODS: u32 = 10_000;
/// So many records of what happened make it worth to write the state down.
const WORTH: usize = 2000;

/// Which version wrote a file.
#[derive(Debug, Deserialize)]
struct Written {
    engine: u32,
}

/// How a sandbox began. The log follows it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    engine: u32,
    /// The files it was made from, for people.
    made_from: Vec<String>,
    faults: Faults,
    snapshot: Snapshot,
}

/// The state after a part of the log. It only saves time: where it does not fit the log, the log decides.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct State {
    engine: u32,
    /// The checksum of the start, which the log follows.
    begin: String,
    /// Lines of the log.
    covers: usize,
    /// The checksum of the last of them, which stands for all.
    last: String,
    state: Checkpoint,
}

/// A log, replayed.
struct Replayed {
    sim: Sim,
    /// The checksum of the start.
    begin: String,
    /// The log's good bytes.
    good: usize,
    /// Their lines.
    lines: usize,
    /// The checksum of the last of them.
    last: String,
    /// Records that came of the replay alone.
    fresh: usize,
}

/// The open folder. The lock is the operating system's: it ends with the process, however that ends.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    log: Ledger,
    /// The log's last line is something that was asked, and may not be on the disk yet.
    unsettled: bool,
    lock: File,
}

impl Store {
    /// Makes a new sandbox in `folder`, which may exist but must be empty, but for what a create that was cut short left.
    pub fn create(
        folder: &Path,
        made_from: Vec<String>,
        snapshot: Snapshot,
        faults: Faults,
    ) -> Result<(Self, Sim), SandboxError> {
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        empty(folder)?;
        let lock = lock(folder)?;
        if folder.join(START).exists() {
            return Err(SandboxError::Exists(folder.to_owned()));
        }
        bearable(&snapshot)?;
        empty_log(folder)?;
        let start = Start { engine: ENGINE, made_from, faults, snapshot };
        write_whole(folder, START, sealed(&start)?.as_bytes())?;
        Self::load(folder, lock)
    }

    /// Whether there is a sandbox in `folder`.
    pub fn stands_in(folder: &Path) -> bool {
        folder.join(START).exists() && folder.join(LOG).exists()
    }

    /// Opens the sandbox in `folder` and replays its log.
    pub fn open(folder: &Path) -> Result<(Self, Sim), SandboxError> {
        if !folder.join(START).exists() {
            return Err(SandboxError::Missing(folder.to_owned()));
        }
        Self::load(folder, lock(folder)?)
    }

    /// Opens the sandbox in `folder` as it began. What its log said is not looked at: it may be damaged.
    pub fn begin_anew(folder: &Path) -> Result<(Self, Sim), SandboxError> {
        if !folder.join(START).exists() {
            return Err(SandboxError::Missing(folder.to_owned()));
        }
        let lock = lock(folder)?;
        // Where the start is not one of ours, nothing else in the folder may be either.
        begin(folder)?;
        wipe(folder)?;
        Self::load(folder, lock)
    }

    fn load(folder: &Path, lock: File) -> Result<(Self, Sim), SandboxError> {
        let Replayed { sim, begin, good, lines, last, fresh } = replay(folder)?;
        let fault = |error| SandboxError::of(folder, error);
        let mut log = Ledger::go_on(folder.join(LOG), good, last.clone()).map_err(fault)?;
        if fresh > WORTH {
            log.settle().map_err(fault)?;
            let state = State { engine: ENGINE, begin, covers: lines, last, state: sim.checkpoint() };
            write_whole(folder, STATE, sealed(&state)?.as_bytes())?;
        }
        Ok((Self { folder: folder.to_owned(), log, unsettled: false, lock }, sim))
    }

    /// The state as of now, read beside a process that may have the sandbox open.
    pub fn peek(folder: &Path) -> Result<Sim, SandboxError> {
        if !folder.join(START).exists() {
            return Err(SandboxError::Missing(folder.to_owned()));
        }
        replay(folder).map(|replayed| replayed.sim)
    }

    /// Writes down that this was asked. It survives this process at once. A power cut it survives when virtual time goes
    /// on: all that is asked at one instant costs one write to the disk, and whoever asked looks at its own journal and
    /// at the sandbox after a cut anyway.
    pub fn append(&mut self, at: Timestamp, ask: Command) -> Result<(), SandboxError> {
        let passes = ask == Command::Advance;
        self.log.add(&json(&Entry { at, ask })?);
        let written =
            if (passes && self.unsettled) || !self.log.noted() { self.log.settle() } else { self.log.flush() };
        self.unsettled = !passes;
        written.map_err(|error| SandboxError::of(&self.folder, error))
    }

    /// Whether the folder is still the one that was opened.
    pub fn is_there(&self) -> bool {
        self.log.named()
    }

    /// Forgets everything since the start.
    pub fn reset(&mut self) -> Result<Sim, SandboxError> {
        wipe(&self.folder)?;
        let Replayed { sim, good, last, .. } = replay(&self.folder)?;
        let log = Ledger::go_on(self.folder.join(LOG), good, last);
        self.log = log.map_err(|error| SandboxError::of(&self.folder, error))?;
        Ok(sim)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Closing the file would not do while a process that another thread is starting still has it.
impl Drop for Store {
    fn drop(&mut self) {
        if self.unsettled {
            drop(self.log.settle());
        }
        drop(self.lock.unlock());
    }
}

/// Forgets everything since the start.
fn wipe(folder: &Path) -> Result<(), SandboxError> {
    let state = folder.join(STATE);
    match std::fs::remove_file(&state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io("remove", &state)(error)),
        _ => empty_log(folder),
    }
}

fn empty_log(folder: &Path) -> Result<(), SandboxError> {
    let path = folder.join(LOG);
    Head::begin(&path).map_err(io("write beside", &path))?;
    write_whole(folder, LOG, b"")
}

fn replay(folder: &Path) -> Result<Replayed, SandboxError> {
    // The state first: a process that has the sandbox open may write the log on meanwhile, never shorten it.
    let state = file::own(&folder.join(STATE), ledger::MOST).ok().and_then(|bytes| ledger::unseal(&bytes).ok());
    let state = state.and_then(|sealed| serde_json::from_str::<State>(&sealed.json).ok());
    let path = folder.join(LOG);
    let damaged = |Flaw { line, why }| {
        let (folder, path) = (folder.to_owned(), path.clone());
        SandboxError::Damaged { folder, path, line, why }
    };
    let (noted, bytes) = Head::and_bytes(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => damaged(Flaw { line: 1, why: "the log is not there any more".to_owned() }),
        _ => io("read", &path)(error),
    })?;
    // The state spares reading the start, where it fits the log.
    let fitting = state.filter(|state| state.engine == ENGINE).and_then(|state| {
        let log = ledger::read(&bytes, &state.begin).ok()?;
        let covered = log.lines.get(state.covers.checked_sub(1)?)?;
        (covered.sum == state.last).then_some((state, log))
    });
    let (mut sim, begin, covers, log) = match fitting {
        Some((state, log)) => (Sim::from_checkpoint(state.state), state.begin, state.covers, log),
        None => {
            let (sim, sum) = begin(folder)?;
            let log = ledger::read(&bytes, &sum).map_err(damaged)?;
            (sim, sum, 0, log)
        }
    };
    log.reach(&noted).map_err(damaged)?;
    let old = sim.audit().len();
    let rest = log.lines.get(covers..).unwrap_or_default();
    for entry in log::entries(rest, covers + 1).map_err(damaged)? {
        sim.replay(entry.at, &entry.ask);
    }
    let fresh = sim.audit().len().saturating_sub(old);
    let last = log.lines.last().map_or_else(|| begin.clone(), |line| line.sum.clone());
    Ok(Replayed { sim, good: log.good(), lines: log.lines.len(), last, begin, fresh })
}

/// A replica count is one number in a file; as many pods are not.
fn bearable(snapshot: &Snapshot) -> Result<(), SandboxError> {
    let asks = |workload: &&Workload| !workload.finished && workload.replicas.is_some_and(|wanted| wanted > MOST_PODS);
    match snapshot.workloads.iter().find(asks) {
        None => Ok(()),
        Some(workload) => Err(SandboxError::TooMany {
            workload: format!("{} {}", workload.kind, workload.key),
            wanted: workload.replicas.unwrap_or_default(),
            most: MOST_PODS,
        }),
    }
}

/// The same of one workload.
pub fn bearable_count(workload: &str, wanted: u32) -> Result<(), SandboxError> {
    if wanted <= MOST_PODS {
        return Ok(());
    }
    Err(SandboxError::TooMany { workload: workload.to_owned(), wanted, most: MOST_PODS })
}

/// The simulation as it began, and the checksum that the log's first line follows.
fn begin(folder: &Path) -> Result<(Sim, String), SandboxError> {
    let path = folder.join(START);
    let bytes = file::own(&path, ledger::MOST).map_err(io("read", &path))?;
    let unstartable = |why| SandboxError::Unstartable { folder: folder.to_owned(), path: path.clone(), why };
    if let Ok(Written { engine }) = serde_json::from_slice(&bytes)
        && engine != ENGINE
    {
        let why = format!("version {engine} of the sandbox wrote it, this is version {ENGINE}");
        return Err(unstartable(why));
    }
    let Sealed { json, sum, .. } =
        ledger::unseal(&bytes).map_err(|why| unstartable(format!("it is damaged: {why}")))?;
    let start: Start = serde_json::from_str(&json).map_err(|error| unstartable(format!("it is damaged: {error}")))?;
    Ok((Sim::start(start.snapshot, &start.faults), sum))
}

/// Whether the folder holds nothing that a new sandbox would write over or a later reset remove. One that holds a sandbox
/// is told apart by who has its lock.
fn empty(folder: &Path) -> Result<(), SandboxError> {
    let ours = |bytes: Vec<u8>| ledger::unseal(&bytes).is_ok() || serde_json::from_slice::<Written>(&bytes).is_ok();
    if file::own(&folder.join(START), ledger::MOST).is_ok_and(ours) {
        return Ok(());
    }
    let mut strange = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io("read", folder))? {
        let entry = entry.map_err(io("read", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let bare = entry.metadata().is_ok_and(|entry| entry.is_file() && entry.len() == 0);
        let cut_short = name == format!("{LOG}.new") || name == format!("{START}.new");
        let head = name == format!("{LOG}.head") && entry.metadata().is_ok_and(|entry| entry.len() < 100);
        if !(cut_short || head || bare && (name == LOCK || name == LOG)) {
            strange.push(name);
        }
    }
    strange.sort();
    match strange.into_iter().next() {
        Some(found) => Err(SandboxError::NotEmpty { folder: folder.to_owned(), found }),
        None => Ok(()),
    }
}

fn lock(folder: &Path) -> Result<File, SandboxError> {
    let path = folder.join(LOCK);
    file::plain(&path).map_err(io("open", &path))?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SandboxError::Busy(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(SandboxError::Io { doing: "lock", path, source }),
    }
}

/// All of it under this name, or nothing.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SandboxError> {
    let path = folder.join(name);
    let new = folder.join(format!("{name}.new"));
    let write = || {
        file::plain(&new)?;
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(io("write", &path))
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SandboxError {
    let path = path.to_owned();
    move |source| SandboxError::Io { doing, path, source }
}

/// Values of ours are JSON: their map keys are strings.
fn json(value: &impl Serialize) -> Result<String, SandboxError> {
    serde_json::to_string(value).map_err(|error| SandboxError::Snapshot(error.to_string()))
}

fn sealed(value: &impl Serialize) -> Result<String, SandboxError> {
    Ok(ledger::seal(&json(value)?, ledger::NOTHING).0)
}
