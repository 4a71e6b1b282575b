//! What a journal without an end shows: an execution that is at work, that waits, or that was cut short.

use std::path::Path;

use jiff::Timestamp;

use super::journal::{self, JournalError, Told};
use super::process;
use crate::cluster::{Life, LockRecord};
use crate::execute::machine::EndKind;

/// What became of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is at work, as far as anybody can tell.
    AtWork,
    /// It holds no lock and did not end: it waits for pods that end by themselves, or an error ended it.
    Unknown,
    /// It was killed.
    Killed,
    /// A person stopped it at once.
    Stopped,
}

/// An execution without an end, or one that left acts in flight.
#[derive(Clone, Debug)]
pub struct Unended {
    /// Its journal.
    pub told: Told,
    /// What became of it.
    pub fate: Fate,
}

/// The execution of which the journal in `folder` tells, unless that came to an end after which nothing is in flight.
/// `holder` is who holds the lock of the cluster, `now` the wall clock's time.
///
/// # Errors
/// The journal cannot be read.
pub fn unended(folder: &Path, holder: Option<&LockRecord>, now: Timestamp) -> Result<Option<Unended>, JournalError> {
    let Some(told) = journal::read(folder)? else { return Ok(None) };
    let fate = match (told.end, holder) {
        (Some(EndKind::Abandoned), _) => Fate::Stopped,
        (Some(_), _) => return Ok(None),
        (None, Some(held)) if held.run == told.run => match process::life(held) {
            Life::Alive => Fate::AtWork,
            Life::Unknown if held.expires > now => Fate::AtWork,
            Life::Dead | Life::Unknown => Fate::Killed,
        },
        // Acts are in flight only while the lock is held.
        (None, _) if !told.in_flight().is_empty() => Fate::Killed,
        (None, _) => Fate::Unknown,
    };
    Ok(Some(Unended { told, fate }))
}

/// The lock of an execution that does not renew it any more: its process is dead, or nobody here knows it and its time is
/// over at `now`, the wall clock's time.
pub fn left_behind(holder: LockRecord, now: Timestamp) -> Option<LockRecord> {
    let over = match process::life(&holder) {
        Life::Alive => false,
        Life::Dead => true,
        Life::Unknown => holder.expires <= now,
    };
    over.then_some(holder)
}
