//! The lock of a folder: a file that says who works there, made exclusively, with a time after which it counts no longer.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::process;
use crate::cluster::{Claim, Life, Lock, LockError, LockRecord, Locks, Pending, Stop};
use crate::file::{self, remedy};

const FILE: &str = "lock.json";
const GUARD: &str = "lock.guard";
/// The stop by hand.
const STOP: &str = "stop.json";
/// The most that a lock's record may hold, in bytes.
const MOST: u64 = 1 << 20;

/// So long a lock counts after it was last renewed.
pub const TIME_TO_LIVE: SignedDuration = SignedDuration::from_mins(15);

/// The lock of a folder: for a cluster that nobody else can reach.
#[derive(Clone, Debug)]
pub struct FileLocks {
    folder: PathBuf,
}

impl FileLocks {
    /// The lock of `folder`.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl Locks for FileLocks {
    fn take<'a>(&'a self, claim: &'a Claim) -> Pending<'a, Box<dyn Lock>, LockError> {
        Box::pin(async {
            let lock = FileLock::take(&self.folder, claim, Timestamp::now())?;
            Ok(Box::new(lock) as Box<dyn Lock>)
        })
    }

    fn holder(&self) -> Pending<'_, Option<LockRecord>, LockError> {
        Box::pin(async { holder(&self.folder) })
    }

    fn stopped(&self, now: Timestamp) -> Pending<'_, Option<Stop>, LockError> {
        Box::pin(async move { Ok(stop_in(&self.folder)?.filter(|stop| stop.holds(now))) })
    }

    fn stop<'a>(&'a self, stop: Option<&'a Stop>) -> Pending<'a, Option<Stop>, LockError> {
        Box::pin(async move {
            guarded(&self.folder, true, |_| {
                let (path, before) = (self.folder.join(STOP), stop_in(&self.folder)?);
                match stop {
                    Some(stop) => put(&path, stop).map_err(fault(&path))?,
                    None if before.is_some() => std::fs::remove_file(&path).map_err(fault(&path))?,
                    None => {}
                }
                Ok(before)
            })
        })
    }

    fn unlock<'a>(
        &'a self,
        id: &'a str,
        force: bool,
        life: fn(&LockRecord) -> Life,
    ) -> Pending<'a, LockRecord, LockError> {
        Box::pin(async move { remove(&self.folder, id, |held| force || life(held) != Life::Alive) })
    }
}

/// A lock that is held. Dropping it frees it.
#[derive(Debug)]
pub struct FileLock {
    folder: PathBuf,
    claim: Claim,
    taken_over: Option<String>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    record: LockRecord,
    held: bool,
}

fn fault(path: &Path) -> impl Fn(io::Error) -> LockError + '_ {
    move |error| LockError::Failed(format!("lock {}: {error}{}", path.display(), remedy(&error)))
}

/// Keeps other processes out for the moment in which the record is looked at and changed. The guard is the operating
/// system's and ends with the process. Where there is none nobody ever held the lock: only who takes it makes one.
fn guarded<T>(folder: &Path, takes: bool, work: impl FnOnce(&Path) -> Result<T, LockError>) -> Result<T, LockError> {
    let path = folder.join(GUARD);
    file::plain(&path).map_err(fault(&path))?;
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
    match file::own(&path, MOST) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(&path)(error)),
    }
}

/// The stop by hand of `folder`, over or not. One that cannot be read was torn by a crash and counts as none.
///
/// # Errors
/// The file cannot be read.
pub fn stop_in(folder: &Path) -> Result<Option<Stop>, LockError> {
    let path = folder.join(STOP);
    match file::own(&path, MOST) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(&path)(error)),
    }
}

fn put(path: &Path, record: &impl Serialize) -> io::Result<()> {
    let fresh = path.with_extension("new");
    file::plain(&fresh)?;
    let mut file = File::create(&fresh)?;
    serde_json::to_writer(&mut file, record)?;
    file.sync_data()?;
    std::fs::rename(&fresh, path)
}

/// Makes the record, and says whose lock was taken over.
fn made(folder: &Path, claim: &Claim, now: Timestamp) -> Result<(LockRecord, Option<String>), LockError> {
    guarded(folder, true, |path| {
        let mut taken_over = None;
        if let Some(held) = holder(folder)? {
            let here = held.host == claim.who.host;
            let why = if (claim.life)(&held) == Life::Dead {
                "its process is dead"
            } else if held.expires <= now {
                "its time was over"
            } else if claim.resumes && held.run == claim.run && !here {
                "it belongs to the execution that is taken up again"
            } else {
                return Err(LockError::Held(Box::new(held)));
            };
            taken_over = Some(format!("took over the lock of {} (process {}): {why}", held.owner, held.pid));
        }
        let stop = stop_in(folder)?.filter(|stop| stop.holds(now) && !claim.despite_stop);
        if let Some(stop) = stop {
            return Err(LockError::Stopped(Box::new(stop)));
        }
        let record = LockRecord::of(claim, now, TIME_TO_LIVE);
        put(path, &record).map_err(fault(path))?;
        Ok((record, taken_over))
    })
}

impl FileLock {
    /// Takes the lock of `folder`. A lock whose process is dead or whose time is over is taken over; one that belongs to the
    /// execution that is taken up again also, unless its process is known to live.
    ///
    /// # Errors
    /// Somebody else holds it, or the folder cannot be written.
    pub fn take(folder: &Path, claim: &Claim, now: Timestamp) -> Result<Self, LockError> {
        let (record, taken_over) = made(folder, claim, now)?;
        let state = RefCell::new(State { record, held: true });
        Ok(Self { folder: folder.to_owned(), claim: claim.clone(), taken_over, state })
    }

    /// Makes it count longer, when a third of its time is over.
    ///
    /// # Errors
    /// It is not ours any more, or cannot be written.
    pub fn renew(&self, now: Timestamp) -> Result<(), LockError> {
        let mut state = self.state.borrow_mut();
        let due = state.record.expires.checked_sub(TIME_TO_LIVE * 2 / 3).unwrap_or(now);
        if !state.held || now < due {
            return Ok(());
        }
        let mut fresh = state.record.clone();
        fresh.expires = now.checked_add(TIME_TO_LIVE).unwrap_or(Timestamp::MAX);
        guarded(&self.folder, false, |path| match holder(&self.folder)? {
            Some(held) if held.id == fresh.id => put(path, &fresh).map_err(fault(path)),
            Some(held) => Err(LockError::Held(Box::new(held))),
            None => Err(LockError::Free),
        })?;
        state.record = fresh;
        Ok(())
    }

    fn release(&self) {
        let mut state = self.state.borrow_mut();
        if std::mem::take(&mut state.held) {
            drop(remove(&self.folder, &state.record.id, |_| true));
        }
    }
}

impl Lock for FileLock {
    fn record(&self) -> LockRecord {
        self.state.borrow().record.clone()
    }

    fn taken_over(&self) -> Option<String> {
        self.taken_over.clone()
    }

    fn keep(&self) -> Pending<'_, Infallible, LockError> {
        let pause = std::time::Duration::try_from(TIME_TO_LIVE / 3).unwrap_or_default();
        Box::pin(async move {
            loop {
                tokio::time::sleep(pause).await;
                self.renew(Timestamp::now())?;
            }
        })
    }

    /// Renewed as soon as a third of its time is over, it lasts for the two that are left; but a person may have freed it.
    fn certain(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            self.renew(Timestamp::now())?;
            match holder(&self.folder)? {
                Some(held) if held.id == self.state.borrow().record.id => {}
                Some(held) => return Err(LockError::Held(Box::new(held))),
                None => return Err(LockError::Free),
            }
            let stop = stop_in(&self.folder)?.filter(|stop| stop.holds(Timestamp::now()));
            match stop.filter(|_| !self.claim.despite_stop) {
                Some(stop) => Err(LockError::Stopped(Box::new(stop))),
                None => Ok(()),
            }
        })
    }

    fn free(&self) -> Pending<'_, (), LockError> {
        self.release();
        Box::pin(async { Ok(()) })
    }

    fn retake(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            let mut state = self.state.borrow_mut();
            if !state.held {
                // What a stop forbids it forbids when it comes to it.
                let claim = Claim { resumes: false, despite_stop: true, ..self.claim.clone() };
                let (record, _) = made(&self.folder, &claim, Timestamp::now())?;
                *state = State { record, held: true };
            }
            Ok(())
        })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        self.release();
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
    remove(folder, id, |held| force || process::life(held) != Life::Alive)
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

    fn claim(run: &str, resumes: bool) -> Claim {
        Claim { resumes, ..process::claim("apply", run) }
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
                        let lock = FileLock::take(folder.path(), &claim("run", false), at(0));
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
        let take = |run: &str, resumes, now| FileLock::take(folder.path(), &claim(run, resumes), now);
        let lock = take("run", false, at(0)).unwrap();
        let mut record = lock.record();
        std::mem::forget(lock);
        let path = folder.path().join(FILE);
        let write = |record: &LockRecord| put(&path, record).unwrap();

        let held = take("other", false, at(60)).unwrap_err();
        assert!(held.to_string().contains(&record.id), "{held}");

        let lapsed = take("other", false, at(15 * 60)).unwrap();
        assert!(lapsed.taken_over().unwrap().contains("time was over"));
        drop(lapsed);

        // No process has this number.
        record.pid = u32::MAX;
        write(&record);
        let after_death = take("other", false, at(60)).unwrap();
        assert!(after_death.taken_over().unwrap().contains("dead"));
        drop(after_death);

        record.host = "elsewhere".to_owned();
        write(&record);
        assert!(take("run", false, at(60)).is_err());
        assert!(take("other", true, at(60)).is_err());
        assert!(take("run", true, at(60)).is_ok(), "its own execution");
    }

    #[test]
    fn unlock_asks_for_the_right_name_and_renewal_notices_a_loss() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(unlock(folder.path(), "x", true), Err(LockError::Free)));
        let lock = FileLock::take(folder.path(), &claim("run", false), at(0)).unwrap();
        assert!(matches!(unlock(folder.path(), "x", true), Err(LockError::OtherLock { .. })));
        lock.renew(at(10 * 60)).unwrap();
        assert_eq!(holder(folder.path()).unwrap().unwrap().expires, at(25 * 60));
        let id = lock.record().id;
        if cfg!(target_os = "linux") {
            assert!(matches!(unlock(folder.path(), &id, false), Err(LockError::Held(_))), "we are alive");
        }
        let certain = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(lock.certain());
        certain().unwrap();
        unlock(folder.path(), &id, true).unwrap();
        assert!(matches!(certain(), Err(LockError::Free)), "at once, before the next act");
        assert!(matches!(lock.renew(at(24 * 60)), Err(LockError::Free)));
    }
}
