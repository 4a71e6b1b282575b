//! Two locks in one: whoever acts holds the lock of the cluster, and still leads.

use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;

use jiff::Timestamp;

use crate::cluster::{Claim, Life, Lock, LockError, LockRecord, Locks, Pending, Stop};

/// The lock of the cluster, for the one that leads: before each act both are certain.
pub struct Led<'a> {
    locks: &'a dyn Locks,
    lead: Rc<dyn Lock>,
}

impl<'a> Led<'a> {
    /// For whoever holds `lead`, which somebody else keeps.
    pub fn new(locks: &'a dyn Locks, lead: Rc<dyn Lock>) -> Self {
        Self { locks, lead }
    }
}

impl fmt::Debug for Led<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, of the leader", self.locks)
    }
}

impl Locks for Led<'_> {
    fn take<'a>(&'a self, claim: &'a Claim) -> Pending<'a, Box<dyn Lock>, LockError> {
        Box::pin(async {
            self.lead.certain().await?;
            let acting = self.locks.take(claim).await?;
            Ok(Box::new(Both { acting, lead: self.lead.clone() }) as Box<dyn Lock>)
        })
    }

    fn holder(&self) -> Pending<'_, Option<LockRecord>, LockError> {
        self.locks.holder()
    }

    fn stopped(&self, now: Timestamp) -> Pending<'_, Option<Stop>, LockError> {
        self.locks.stopped(now)
    }

    fn stop<'a>(&'a self, stop: Option<&'a Stop>) -> Pending<'a, Option<Stop>, LockError> {
        self.locks.stop(stop)
    }

    fn unlock<'a>(
        &'a self,
        id: &'a str,
        force: bool,
        life: fn(&LockRecord) -> Life,
    ) -> Pending<'a, LockRecord, LockError> {
        self.locks.unlock(id, force, life)
    }
}

/// The lock of the cluster, certain only while the lead is.
struct Both {
    acting: Box<dyn Lock>,
    lead: Rc<dyn Lock>,
}

impl Lock for Both {
    fn record(&self) -> LockRecord {
        self.acting.record()
    }

    fn taken_over(&self) -> Option<String> {
        self.acting.taken_over()
    }

    /// The lead is kept by the loop, which ends all this when it is lost.
    fn keep(&self) -> Pending<'_, Infallible, LockError> {
        self.acting.keep()
    }

    fn certain(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            self.lead.certain().await?;
            self.acting.certain().await
        })
    }

    fn free(&self) -> Pending<'_, (), LockError> {
        self.acting.free()
    }

    fn retake(&self) -> Pending<'_, (), LockError> {
        self.acting.retake()
    }
}
