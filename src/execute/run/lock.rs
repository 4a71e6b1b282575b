//! One apply at a time: a record of who works here, made exclusively, with a time after which it counts no longer.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::execute::ledger::remedy;

const FILE: &str = "lock.json";
const GUARD: &str = "lock.guard";

/// So long a lock counts after it was last renewed.
pub const TIME_TO_LIVE: SignedDuration = SignedDuration::from_mins(15);

/// Who works here. Times are the wall clock's, whatever clock the cluster has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockRecord {
    /// Names this lock, for `unlock`.
    pub id: String,
    /// `user@host`.
    pub owner: String,
    /// The host.
    pub host: String,
    /// The process there.
    pub pid: u32,
    /// When that process began, in the kernel's ticks since it was booted, where the kernel tells: numbers are used
    /// again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// `apply`, `resume`, …
    pub operation: String,
    /// The execution whose journal is being written.
    pub run: String,
    /// Since when.
    pub since: Timestamp,
    /// It counts until then, unless it is renewed.
    pub expires: Timestamp,
}

impl fmt::Display for LockRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (process {}) holds the lock {} for `{}` since {}, until {} unless it renews it",
            self.owner, self.pid, self.id, self.operation, self.since, self.expires
        )
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("{0}")]
    Held(Box<LockRecord>),
    /// The id does not name the lock that is held.
    #[error("the lock that is held is {held}, not {asked}")]
    OtherLock {
        /// The lock that is held.
        held: String,
        /// The one that was named.
        asked: String,
    },
    /// Nobody holds it.
    #[error("nobody holds the lock")]
    Free,
    /// The file.
    #[error("lock {}: {error}{}", path.display(), remedy(error))]
    Io {
        /// Its path.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

/// A lock that is held. Dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    record: LockRecord,
    /// What was taken over, to be said.
    pub taken_over: Option<String>,
    held: bool,
}

/// `user@host`.
pub fn owner() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    format!("{}@{}", user.unwrap_or_else(|| "somebody".to_owned()), host())
}

fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    kernel.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "this-host".to_owned())
}

/// What is known of the process that made a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    Dead,
    /// It is on another host, or the kernel does not tell.
    Unknown,
}

fn life(record: &LockRecord) -> Life {
    if record.host != host() || !Path::new("/proc/self").exists() {
        return Life::Unknown;
    }
    match std::fs::read_to_string(stat_of(record.pid)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Life::Dead,
        Err(_) => Life::Unknown,
        Ok(stat) => match state_and_start(&stat) {
            None => Life::Unknown,
            Some((state, _)) if ends(state) => Life::Dead,
            Some((_, start)) if record.started.is_some_and(|started| started != start) => Life::Dead,
            Some(_) => Life::Alive,
        },
    }
}

fn stat_of(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join("stat")
}

/// A killed process that nobody has waited for is still listed, and does nothing any more.
fn ends(state: char) -> bool {
    matches!(state, 'Z' | 'X' | 'x')
}

/// State and start of a process. Its name stands before them in parentheses and may hold any character.
fn state_and_start(stat: &str) -> Option<(char, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn started(pid: u32) -> Option<u64> {
    state_and_start(&std::fs::read_to_string(stat_of(pid)).ok()?).map(|(_, start)| start)
}

fn fault(path: &Path) -> impl Fn(io::Error) -> LockError + '_ {
    move |error| LockError::Io { path: path.to_owned(), error }
}

/// Keeps other processes out for the moment in which the record is looked at and changed. The guard is the operating
/// system's and ends with the process. Where there is none nobody ever held the lock: only who takes it makes one.
fn guarded<T>(folder: &Path, takes: bool, work: impl FnOnce(&Path) -> Result<T, LockError>) -> Result<T, LockError> {
    let path = folder.join(GUARD);
    let guard = match OpenOptions::new().create(takes).truncate(false).write(true).open(&path) {
        Err(error) if !takes && error.kind() == io::ErrorKind::NotFound => return Err(LockError::Free),
        guard => guard.map_err(fault(&path))?,
    };
    guard.lock().map_err(fault(&path))?;
    let result = work(&folder.join(FILE));
    drop(guard.unlock());
    result
}

/// Who holds the lock of `folder`. One that cannot be read was torn by a crash and counts as none.
///
/// # Errors
/// The file cannot be read.
pub fn holder(folder: &Path) -> Result<Option<LockRecord>, LockError> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(&path)(error)),
    }
}

fn put(path: &Path, record: &LockRecord) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    serde_json::to_writer(&mut file, record)?;
    file.sync_data()?;
    std::fs::rename(&fresh, path)
}

impl Lock {
    /// Takes the lock of `folder`. A lock whose process is dead or whose time is over is taken over; with `resumes`
    /// also one that belongs to the same execution, unless its process is known to live.
    ///
    /// # Errors
    /// Somebody else holds it, or the folder cannot be written.
    pub fn take(folder: &Path, operation: &str, run: &str, resumes: bool, now: Timestamp) -> Result<Self, LockError> {
        guarded(folder, true, |path| {
            let mut taken_over = None;
            if let Some(held) = holder(folder)? {
                let here = held.host == host();
                let why = if life(&held) == Life::Dead {
                    "its process is dead"
                } else if held.expires <= now {
                    "its time was over"
                } else if resumes && held.run == run && !here {
                    "it belongs to the execution that is taken up again"
                } else {
                    return Err(LockError::Held(Box::new(held)));
                };
                taken_over = Some(format!("took over the lock of {} (process {}): {why}", held.owner, held.pid));
            }
            let pid = std::process::id();
            let seed = format!("{run} {pid} {now} {operation}");
            let id: String = Sha256::digest(seed.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            let record = LockRecord {
                id,
                owner: owner(),
                host: host(),
                pid,
                started: started(pid),
                operation: operation.to_owned(),
                run: run.to_owned(),
                since: now,
                expires: now.checked_add(TIME_TO_LIVE).unwrap_or(Timestamp::MAX),
            };
            put(path, &record).map_err(fault(path))?;
            Ok(Self { folder: folder.to_owned(), record, taken_over, held: true })
        })
    }

    /// Who holds it: we.
    pub fn record(&self) -> &LockRecord {
        &self.record
    }

    /// Makes it count longer, when a third of its time is over.
    ///
    /// # Errors
    /// It is not ours any more, or cannot be written.
    pub fn renew(&mut self, now: Timestamp) -> Result<(), LockError> {
        let due = self.record.expires.checked_sub(TIME_TO_LIVE * 2 / 3).unwrap_or(now);
        if !self.held || now < due {
            return Ok(());
        }
        let mut fresh = self.record.clone();
        fresh.expires = now.checked_add(TIME_TO_LIVE).unwrap_or(Timestamp::MAX);
        guarded(&self.folder, false, |path| match holder(&self.folder)? {
            Some(held) if held.id == fresh.id => put(path, &fresh).map_err(fault(path)),
            Some(held) => Err(LockError::Held(Box::new(held))),
            None => Err(LockError::Free),
        })?;
        self.record = fresh;
        Ok(())
    }

    /// Frees it for a while: only pods that end by themselves are waited for.
    pub fn lend(&mut self) {
        if std::mem::take(&mut self.held) {
            let id = self.record.id.clone();
            drop(remove(&self.folder, &id, |_| true));
        }
    }

    /// Takes it again after [`Lock::lend`].
    ///
    /// # Errors
    /// Somebody else has it now.
    pub fn retake(&mut self, now: Timestamp) -> Result<(), LockError> {
        if !self.held {
            let fresh = Self::take(&self.folder, &self.record.operation, &self.record.run, false, now)?;
            *self = fresh;
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.lend();
    }
}

fn remove(folder: &Path, id: &str, may: impl FnOnce(&LockRecord) -> bool) -> Result<LockRecord, LockError> {
    guarded(folder, false, |path| match holder(folder)? {
        None => Err(LockError::Free),
        Some(held) if held.id != id => Err(LockError::OtherLock { held: held.id, asked: id.to_owned() }),
        Some(held) if !may(&held) => Err(LockError::Held(Box::new(held))),
        Some(held) => std::fs::remove_file(path).map(|()| held).map_err(fault(path)),
    })
}

/// Frees the lock of `folder` by its id. One whose process is known to live on this host is freed only with `force`.
///
/// # Errors
/// Another lock is held, or none, or its process lives.
pub fn unlock(folder: &Path, id: &str, force: bool) -> Result<LockRecord, LockError> {
    remove(folder, id, |held| force || life(held) != Life::Alive)
}

/// Removes the lock's record, whoever holds it and whatever it says.
///
/// # Errors
/// The folder cannot be written.
pub fn forget(folder: &Path) -> Result<(), LockError> {
    if !folder.join(FILE).exists() {
        return Ok(());
    }
    // The guard stays: somebody may wait for it, and two guards keep nobody out.
    guarded(folder, true, |path| match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(path)(error)),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn of_many_who_take_it_at_once_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let (barrier, won) = (Barrier::new(8), AtomicU32::new(0));
        let locks: Vec<_> = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let lock = Lock::take(folder.path(), "apply", "run", false, at(0));
                        won.fetch_add(u32::from(lock.is_ok()), Ordering::SeqCst);
                        lock.ok()
                    })
                })
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        });
        assert_eq!(won.load(Ordering::SeqCst), 1);
        drop(locks);
        assert!(holder(folder.path()).unwrap().is_none(), "dropping it frees it");
    }

    #[test]
    fn a_dead_process_and_a_lapsed_time_hold_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path(), "apply", "run", false, at(0)).unwrap();
        let mut record = lock.record().clone();
        std::mem::forget(lock);
        let path = folder.path().join(FILE);
        let write = |record: &LockRecord| put(&path, record).unwrap();

        let held = Lock::take(folder.path(), "apply", "other", false, at(60)).unwrap_err();
        assert!(held.to_string().contains(&record.id), "{held}");

        let lapsed = Lock::take(folder.path(), "apply", "other", false, at(15 * 60)).unwrap();
        assert!(lapsed.taken_over.as_deref().unwrap().contains("time was over"));
        drop(lapsed);

        // No process has this number.
        record.pid = u32::MAX;
        write(&record);
        let after_death = Lock::take(folder.path(), "apply", "other", false, at(60)).unwrap();
        assert!(after_death.taken_over.as_deref().unwrap().contains("dead"));
        drop(after_death);

        record.host = "elsewhere".to_owned();
        write(&record);
        assert!(Lock::take(folder.path(), "apply", "run", false, at(60)).is_err());
        assert!(Lock::take(folder.path(), "resume", "other", true, at(60)).is_err());
        assert!(Lock::take(folder.path(), "resume", "run", true, at(60)).is_ok(), "its own execution");
    }

    #[test]
    fn unlock_asks_for_the_right_name_and_renewal_notices_a_loss() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(unlock(folder.path(), "x", true), Err(LockError::Free)));
        let mut lock = Lock::take(folder.path(), "apply", "run", false, at(0)).unwrap();
        assert!(matches!(unlock(folder.path(), "x", true), Err(LockError::OtherLock { .. })));
        lock.renew(at(10 * 60)).unwrap();
        assert_eq!(holder(folder.path()).unwrap().unwrap().expires, at(25 * 60));
        let id = lock.record().id.clone();
        if cfg!(target_os = "linux") {
            assert!(matches!(unlock(folder.path(), &id, false), Err(LockError::Held(_))), "we are alive");
        }
        unlock(folder.path(), &id, true).unwrap();
        assert!(matches!(lock.renew(at(24 * 60)), Err(LockError::Free)));
    }

    #[test]
    fn the_state_of_a_process_is_read_behind_its_name() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        for (stat, read) in [
            (format!("12 (tidegate) S {rest}"), Some(('S', 4711))),
            (format!("12 (a) R (b) Z {rest}"), Some(('Z', 4711))),
            ("12 (tidegate) S 1 2".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(state_and_start(&stat), read, "{stat}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_was_killed_or_whose_number_is_used_again_is_dead() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path(), "apply", "run", false, at(0)).unwrap();
        let mine = lock.record().clone();
        assert_eq!(life(&mine), Life::Alive);
        assert_eq!(life(&LockRecord { started: None, ..mine.clone() }), Life::Alive, "an older record");
        assert_eq!(life(&LockRecord { started: mine.started.map(|at| at + 1), ..mine.clone() }), Life::Dead);
        assert_eq!(life(&LockRecord { host: "elsewhere".to_owned(), ..mine.clone() }), Life::Unknown);

        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let record = LockRecord { pid: child.id(), started: started(child.id()), ..mine };
        assert_eq!(life(&record), Life::Alive);
        child.kill().unwrap();
        // Not waited for, so that it stays listed.
        while life(&record) == Life::Alive {
            std::thread::yield_now();
        }
        assert!(stat_of(child.id()).exists());
        assert_eq!(life(&record), Life::Dead);
        child.wait().unwrap();
        assert_eq!(life(&record), Life::Dead);
    }
}
