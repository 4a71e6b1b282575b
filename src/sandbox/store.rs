//! A sandbox's folder: the start, the log, and the lock that keeps a second process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::log::{self, Entry};
use super::sim::{Checkpoint, Command, Sim};
use super::{Faults, SandboxError};
use crate::model::{Snapshot, Workload};

/// Goes up whenever the same log would be replayed to another state.
const ENGINE: u32 = 1;
const START: &str = "start.json";
const LOG: &str = "log";
const LOCK: &str = "in-use";
const STATE: &str = "state.json";
/// Pods that one workload may bring.
const MOST_PODS: u32 = 10_000;
/// So many records of what happened make it worth to write the state down.
const WORTH: usize = 2000;

/// How a sandbox began.
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
    /// Bytes of the log.
    covers: usize,
    /// Their checksum.
    checksum: u64,
    state: Checkpoint,
}

/// A log, replayed.
struct Replayed {
    sim: Sim,
    /// The log's good bytes.
    log: Vec<u8>,
    /// Records that came of the replay alone.
    fresh: usize,
}

/// The open folder. The lock is the operating system's: it ends with the process, however that ends.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    log: File,
    broken: bool,
    _lock: File,
}

impl Store {
    /// Makes a new sandbox in `folder`, which may exist but must not hold one.
    pub fn create(
        folder: &Path,
        made_from: Vec<String>,
        snapshot: Snapshot,
        faults: Faults,
    ) -> Result<(Self, Sim), SandboxError> {
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let lock = lock(folder)?;
        if folder.join(START).exists() {
            return Err(SandboxError::Exists(folder.to_owned()));
        }
        bearable(&snapshot)?;
        write_whole(folder, LOG, b"")?;
        let start = Start { engine: ENGINE, made_from, faults, snapshot };
        let bytes = serde_json::to_vec(&start).map_err(damaged(&folder.join(START)))?;
        write_whole(folder, START, &bytes)?;
        Self::load(folder, lock)
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
        wipe(folder)?;
        Self::load(folder, lock)
    }

    fn load(folder: &Path, lock: File) -> Result<(Self, Sim), SandboxError> {
        let path = folder.join(LOG);
        let mut log = OpenOptions::new().read(true).write(true).open(&path).map_err(io("open", &path))?;
        let Replayed { sim, log: good, fresh } = replay(folder, &mut log)?;
        log.set_len(u64::try_from(good.len()).unwrap_or(u64::MAX)).map_err(io("mend", &path))?;
        log.seek(SeekFrom::End(0)).map_err(io("open", &path))?;
        if fresh > WORTH {
            log.sync_all().map_err(io("write", &path))?;
            let checksum = log::checksum_of(&good);
            let state = State { engine: ENGINE, covers: good.len(), checksum, state: sim.checkpoint() };
            let bytes = serde_json::to_vec(&state).map_err(damaged(&folder.join(STATE)))?;
            write_whole(folder, STATE, &bytes)?;
        }
        Ok((Self { folder: folder.to_owned(), log, broken: false, _lock: lock }, sim))
    }

    /// The state as of now, read beside a process that may have the sandbox open.
    pub fn peek(folder: &Path) -> Result<Sim, SandboxError> {
        if !folder.join(START).exists() {
            return Err(SandboxError::Missing(folder.to_owned()));
        }
        let path = folder.join(LOG);
        let mut log = File::open(&path).map_err(io("open", &path))?;
        replay(folder, &mut log).map(|replayed| replayed.sim)
    }

    /// Writes down that this was asked; what is more than the passing of time is on the disk when this returns.
    pub fn append(&mut self, at: Timestamp, ask: Command) -> Result<(), SandboxError> {
        if self.broken {
            return Err(SandboxError::Broken);
        }
        let path = self.folder.join(LOG);
        let sync = ask != Command::Advance;
        let line = log::line(&Entry { at, ask }).map_err(damaged(&path))?;
        let written =
            self.log.write_all(line.as_bytes()).and_then(|()| if sync { self.log.sync_data() } else { Ok(()) });
        self.broken = written.is_err();
        written.map_err(io("write", &path))
    }

    /// Forgets everything since the start.
    pub fn reset(&mut self) -> Result<Sim, SandboxError> {
        wipe(&self.folder)?;
        let path = self.folder.join(LOG);
        self.log = OpenOptions::new().read(true).write(true).open(&path).map_err(io("open", &path))?;
        self.broken = false;
        replay(&self.folder, &mut self.log).map(|replayed| replayed.sim)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Forgets everything since the start.
fn wipe(folder: &Path) -> Result<(), SandboxError> {
    let state = folder.join(STATE);
    match std::fs::remove_file(&state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io("remove", &state)(error)),
        _ => write_whole(folder, LOG, b""),
    }
}

fn replay(folder: &Path, log: &mut File) -> Result<Replayed, SandboxError> {
    // The state first: a process that has the sandbox open may write the log on meanwhile, never shorten it.
    let state = std::fs::read(folder.join(STATE)).ok();
    let state = state.and_then(|bytes| serde_json::from_slice::<State>(&bytes).ok());
    let path = folder.join(LOG);
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).map_err(io("read", &path))?;
    let state = state.filter(|state| {
        let covered = bytes.get(..state.covers);
        state.engine == ENGINE && covered.is_some_and(|covered| log::checksum_of(covered) == state.checksum)
    });
    let (mut sim, covers) = match state {
        Some(state) => (Sim::from_checkpoint(state.state), state.covers),
        None => (begin(folder)?, 0),
    };
    let old = sim.audit().len();
    let rest = bytes.get(covers..).unwrap_or_default();
    let (entries, good) = log::entries(rest).map_err(|why| SandboxError::Damaged { path, why })?;
    for entry in entries {
        sim.replay(entry.at, &entry.ask);
    }
    bytes.truncate(covers + good);
    Ok(Replayed { fresh: sim.audit().len().saturating_sub(old), sim, log: bytes })
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

fn begin(folder: &Path) -> Result<Sim, SandboxError> {
    let path = folder.join(START);
    let bytes = std::fs::read(&path).map_err(io("read", &path))?;
    let start: Start = serde_json::from_slice(&bytes).map_err(damaged(&path))?;
    if start.engine != ENGINE {
        let why = format!("version {} of the sandbox wrote it, this is version {ENGINE}: make it anew", start.engine);
        return Err(SandboxError::Damaged { path, why });
    }
    Ok(Sim::start(start.snapshot, &start.faults))
}

fn lock(folder: &Path) -> Result<File, SandboxError> {
    let path = folder.join(LOCK);
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

fn damaged(path: &Path) -> impl FnOnce(serde_json::Error) -> SandboxError {
    let path = path.to_owned();
    move |error| SandboxError::Damaged { path, why: error.to_string() }
}
