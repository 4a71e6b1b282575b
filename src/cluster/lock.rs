//! One apply at a time: what an apply asks of the lock of its cluster, whoever keeps it.

use std::convert::Infallible;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Pending, Stop};

/// A process that works here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// `user@host`.
    pub owner: String,
    /// The host's name. Two machines may have the same.
    pub host: String,
    /// What no other running machine has, and no other namespace of processes on this one; None where the kernel does
    /// not tell.
    pub machine: Option<String>,
    /// The process there.
    pub pid: u32,
    /// When it began, in the kernel's ticks since the machine was booted.
    pub started: Option<u64>,
}

/// What is known of the process that made a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs, on this machine.
    Alive,
    /// It ran on this machine and does not any more.
    Dead,
    /// It is on another machine, or the kernel does not tell.
    Unknown,
}

/// Who wants a lock, and what for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who.
    pub who: Worker,
    /// `apply`, `apply --resume`, …
    pub operation: String,
    /// The execution whose journal is being written.
    pub run: String,
    /// The digest of its plan, where there is one already.
    pub plan: Option<String>,
    /// It takes up what was cut short: the lock of the same execution is its own.
    pub resumes: bool,
    /// It brings capacity and takes none away: a stop by hand is no hindrance.
    pub despite_stop: bool,
    /// Tells what became of the process that made a record.
    pub life: fn(&LockRecord) -> Life,
}

/// Who works here. Times are the wall clock's of the machine that wrote them, whatever clock the cluster has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockRecord {
    /// Names this lock, for `unlock`.
    pub id: String,
    /// `user@host`.
    pub owner: String,
    /// The host.
    pub host: String,
    /// See [`Worker::machine`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
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
    /// The digest of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// It counts until then, unless it is renewed.
    pub expires: Timestamp,
}

impl LockRecord {
    /// The record of a lock that is taken now and counts for so long.
    pub fn of(claim: &Claim, now: Timestamp, time_to_live: SignedDuration) -> Self {
        let Worker { owner, host, machine, pid, started } = claim.who.clone();
        let seed =
            format!("{} {owner} {} {pid} {now} {}", claim.run, machine.as_deref().unwrap_or(""), claim.operation);
        let id = Sha256::digest(seed.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self {
            id,
            owner,
            host,
            machine,
            pid,
            started,
            operation: claim.operation.clone(),
            run: claim.run.clone(),
            plan: claim.plan.clone(),
            since: now,
            expires: now.checked_add(time_to_live).unwrap_or(Timestamp::MAX),
        }
    }

    /// In whole seconds: nobody reads more.
    pub(super) fn whole(at: Timestamp) -> Timestamp {
        Timestamp::from_second(at.as_second()).unwrap_or(at)
    }
}

impl fmt::Display for LockRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (process {}) holds the lock {} for `{}` since {}, until {} unless it renews it",
            self.owner,
            self.pid,
            self.id,
            self.operation,
            Self::whole(self.since),
            Self::whole(self.expires)
        )
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("{0}")]
    Held(Box<LockRecord>),
    /// Somebody else holds it who seems to be gone. Clocks of two machines are not compared, so it is watched for a
    /// while before it is taken over: ask again every second or so.
    #[error("{0}; it seems to be gone")]
    Silent(Box<LockRecord>),
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
    /// A person stopped everything for a while.
    #[error("{0}")]
    Stopped(Box<Stop>),
    /// It cannot be read, written or renewed; in words, with what to do.
    #[error("{0}")]
    Failed(String),
}

/// Where the lock of one cluster is kept.
pub trait Locks: fmt::Debug {
    /// Takes it. A lock whose process is dead or whose time is over is taken over, and so is that of the execution that is
    /// taken up again, unless its process is known to live.
    fn take<'a>(&'a self, claim: &'a Claim) -> Pending<'a, Box<dyn Lock>, LockError>;

    /// The stop by hand that is in force at `now`.
    fn stopped(&self, now: Timestamp) -> Pending<'_, Option<Stop>, LockError>;

    /// Stops everything for a while, or with None lets it go on. Gives what was there before.
    fn stop<'a>(&'a self, stop: Option<&'a Stop>) -> Pending<'a, Option<Stop>, LockError>;

    /// Who holds it.
    fn holder(&self) -> Pending<'_, Option<LockRecord>, LockError>;

    /// Frees it by its id. One whose process is known to live on this machine is freed only with `force`.
    fn unlock<'a>(
        &'a self,
        id: &'a str,
        force: bool,
        life: fn(&LockRecord) -> Life,
    ) -> Pending<'a, LockRecord, LockError>;
}

/// A lock that is held. [`Lock::keep`] is polled as long as it is used.
pub trait Lock {
    /// What is said of it.
    fn record(&self) -> LockRecord;

    /// What was taken over when it was taken, to be said.
    fn taken_over(&self) -> Option<String>;

    /// Renews it again and again; ends only with the lock: somebody else has it, or it could not be renewed for long.
    fn keep(&self) -> Pending<'_, Infallible, LockError>;

    /// Waits until at least a third of its time is left by the local clock: nobody can take it over before an act that
    /// begins now is done. [`LockError::Stopped`]: it is ours, and a person stopped everything.
    fn certain(&self) -> Pending<'_, (), LockError>;

    /// Frees it, for a while or for good. If that fails its time runs out.
    fn free(&self) -> Pending<'_, (), LockError>;

    /// Takes it again after [`Lock::free`]; does nothing if it is held.
    fn retake(&self) -> Pending<'_, (), LockError>;
}

/// Does `work` while `lock` is kept, and ends when the lock is lost.
///
/// # Errors
/// Those of `work`, and the loss of the lock.
pub async fn keeping<T, E: From<LockError>>(
    lock: Option<&dyn Lock>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(lock) = lock else { return work.await };
    let work = std::pin::pin!(work);
    match futures::future::select(lock.keep(), work).await {
        futures::future::Either::Left((Ok(never), _)) => match never {},
        futures::future::Either::Left((Err(lost), _)) => Err(lost.into()),
        futures::future::Either::Right((done, _)) => done,
    }
}
