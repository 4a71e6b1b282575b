//! Locks that may be lost: a file's lock about which the test decides.

use std::convert::Infallible;

use jiff::Timestamp;
use tidegate::cluster::{Claim, Life, Lock, LockError, LockRecord, Locks, Pending, Stop};
use tidegate::execute::run::lock::FileLocks;

/// What is known of the lock while acts wait for certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is ours again after a while.
    Passes,
    /// Somebody has taken it over.
    Lost,
}

#[derive(Debug)]
pub struct Doubtful {
    pub files: FileLocks,
    pub doubt: Doubt,
}

struct Held {
    lock: Box<dyn Lock>,
    doubt: Doubt,
}

impl Locks for Doubtful {
    fn take<'a>(&'a self, claim: &'a Claim) -> Pending<'a, Box<dyn Lock>, LockError> {
        Box::pin(async {
            let lock = self.files.take(claim).await?;
            Ok(Box::new(Held { lock, doubt: self.doubt }) as Box<dyn Lock>)
        })
    }

    fn holder(&self) -> Pending<'_, Option<LockRecord>, LockError> {
        self.files.holder()
    }

    fn stopped(&self, now: Timestamp) -> Pending<'_, Option<Stop>, LockError> {
        self.files.stopped(now)
    }

    fn stop<'a>(&'a self, stop: Option<&'a Stop>) -> Pending<'a, Option<Stop>, LockError> {
        self.files.stop(stop)
    }

    fn unlock<'a>(
        &'a self,
        id: &'a str,
        force: bool,
        life: fn(&LockRecord) -> Life,
    ) -> Pending<'a, LockRecord, LockError> {
        self.files.unlock(id, force, life)
    }
}

impl Lock for Held {
    fn record(&self) -> LockRecord {
        self.lock.record()
    }

    fn taken_over(&self) -> Option<String> {
        self.lock.taken_over()
    }

    fn keep(&self) -> Pending<'_, Infallible, LockError> {
        self.lock.keep()
    }

    fn certain(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            match self.doubt {
                Doubt::Passes => {
                    for _ in 0..3 {
                        tokio::task::yield_now().await;
                    }
                    Ok(())
                }
                Doubt::Lost => Err(LockError::Held(Box::new(self.record()))),
            }
        })
    }

    fn free(&self) -> Pending<'_, (), LockError> {
        self.lock.free()
    }

    fn retake(&self) -> Pending<'_, (), LockError> {
        self.lock.retake()
    }
}
