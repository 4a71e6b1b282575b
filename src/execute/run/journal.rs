//! The write-ahead log of one execution: a checksummed line before each act and after it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::log::Log;
use super::recalling;
use crate::execute::ledger::{self, Head, Ledger, LedgerError};
use crate::execute::machine::{Act, ActId, EndKind, Resumed, TroubleKind};
use crate::file::{self, remedy};
use crate::model::Lesson;
use crate::plan::Plan;

const FILE: &str = "journal.jsonl";
const PREVIOUS: &str = "journal.previous.jsonl";
/// A journal whose first line is not yet on the disk.
const NEW: &str = "journal.new.jsonl";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Record {
    /// The first line: everything that is needed to take it up again.
    Begin {
        run: String,
        owner: String,
        plan: Box<Plan>,
        ready: BTreeMap<String, u32>,
        #[serde(default, skip_serializing_if = "Lesson::is_empty")]
        learned: Lesson,
    },
    /// It is taken up again.
    Resume { owner: String },
    /// This is about to be done.
    Intent { id: ActId, what: Act },
    /// This came of it.
    Outcome {
        id: ActId,
        result: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<TroubleKind>,
    },
    /// This is known from now on.
    Learned { what: Lesson },
    /// It is over.
    End { how: EndKind },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<R> {
    sequence: u64,
    time: Timestamp,
    plan: String,
    record: R,
}

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file.
    #[error("journal {}: {error}{}", path.display(), remedy(error))]
    Io {
        /// Its path.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// A line that is not the last is damaged, or lines are missing.
    #[error("journal {}, line {line}: {why}; what it says cannot be relied on: look at the nodes with `tidegate status`, then move the file away", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A line cannot be written.
    #[error(transparent)]
    Write(#[from] LedgerError),
}

/// What a journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Names this execution, in the lock too.
    pub run: String,
    /// Digest of its plan.
    pub digest: String,
    /// When it began.
    pub began: Timestamp,
    /// Who began it.
    pub owner: String,
    /// Its plan.
    pub plan: Plan,
    /// Everything after the first line.
    pub records: Vec<(Timestamp, Record)>,
    /// Ready pods by workload at the start.
    pub ready: BTreeMap<String, u32>,
    /// What was learned when its plan was made.
    pub learned: Lesson,
    /// How it ended, if it did.
    pub end: Option<EndKind>,
    /// The last line was torn and is left out.
    pub torn: bool,
    good: usize,
    last: String,
}

impl Told {
    /// It was cut short, or ended before everything was done.
    pub fn unfinished(&self) -> bool {
        !matches!(self.end, Some(EndKind::Done))
    }

    /// Whether it was begun with this plan, as it was agreed to.
    pub fn carries_out(&self, agreed: &Plan) -> bool {
        self.run.split_once('-').is_some_and(|(plan, _)| !plan.is_empty() && digest_of(agreed).starts_with(plan))
    }

    /// Acts that were begun and whose outcome is not known.
    pub fn in_flight(&self) -> BTreeMap<ActId, Act> {
        let mut flying = BTreeMap::new();
        for (_, record) in &self.records {
            match record {
                Record::Intent { id, what } => drop(flying.insert(id.clone(), what.clone())),
                Record::Outcome { id, .. } => drop(flying.remove(id)),
                _ => {}
            }
        }
        flying
    }

    /// What the machine has to know of it.
    pub fn resumed(&self) -> Resumed {
        let number = |id: &ActId| id.0.rsplit_once('#').and_then(|(_, number)| number.parse::<u64>().ok());
        let acts = self.records.iter().filter_map(|(_, record)| match record {
            Record::Intent { id, .. } => number(id),
            _ => None,
        });
        Resumed { acts: acts.max().unwrap_or(0), ready: self.ready.clone(), past: recalling::past(&self.records) }
    }
}

/// The name of an execution: which plan was agreed to, and when it was begun.
pub fn run_name(digest: &str, began: Timestamp) -> String {
    format!("{}-{}", digest.get(..12).unwrap_or_default(), began.as_microsecond())
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    ledger: Ledger,
    sequence: u64,
    digest: String,
}

/// The plan's digest: SHA-256 of its JSON, in hex.
pub fn digest_of(plan: &Plan) -> String {
    let digest = Sha256::digest(serde_json::to_vec(plan).unwrap_or_default());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fault(path: &Path) -> impl Fn(io::Error) -> JournalError + '_ {
    move |error| JournalError::Io { path: path.to_owned(), error }
}

/// What the journal in `folder` says; None if there is none, or not even its first line is whole.
///
/// # Errors
/// The file cannot be read, a line is damaged that a crash cannot have torn, or lines are missing.
pub fn read(folder: &Path) -> Result<Option<Told>, JournalError> {
    let path = folder.join(FILE);
    let (noted, bytes) = match Head::and_bytes(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(&path)(error)),
    };
    let unreadable = |line, why: String| JournalError::Unreadable { path: path.clone(), line, why };
    let found = ledger::read(&bytes, ledger::NOTHING).and_then(|found| found.reach(&noted).map(|()| found));
    let found = found.map_err(|flaw| unreadable(flaw.line, flaw.why))?;
    let mut told: Option<Told> = None;
    for (line, sealed) in (1..).zip(&found.lines) {
        let body: Body<Record> =
            serde_json::from_str(&sealed.json).map_err(|error| unreadable(line, error.to_string()))?;
        match (&mut told, body.record) {
            (None, Record::Begin { run, owner, plan, ready, learned }) => {
                told = Some(Told {
                    run,
                    digest: body.plan,
                    began: body.time,
                    owner,
                    plan: *plan,
                    records: Vec::new(),
                    ready,
                    learned,
                    end: None,
                    torn: found.torn,
                    good: found.good(),
                    last: found.lines.last().map(|line| line.sum.clone()).unwrap_or_default(),
                });
            }
            (None, _) => return Err(unreadable(line, "it does not begin with a plan".to_owned())),
            (Some(_), Record::Begin { .. }) => return Err(unreadable(line, "it begins a second time".to_owned())),
            (Some(told), record) => {
                told.end = if let Record::End { how } = record { Some(how) } else { None };
                told.records.push((body.time, record));
            }
        }
    }
    Ok(told)
}

/// Removes the journal in `folder` and the one before it, whatever they say.
///
/// # Errors
/// The folder cannot be written.
pub fn forget(folder: &Path) -> Result<(), JournalError> {
    for path in [FILE, PREVIOUS, NEW].map(|name| folder.join(name)) {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(&path)(error)),
            _ => Head::forget(&path).map_err(fault(&path))?,
        }
    }
    Ok(())
}

impl Journal {
    /// Begins a journal in `folder`; one that was there is kept as the previous one. Whoever reads meanwhile finds the
    /// old one or the new one with its whole first line.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(
        folder: &Path,
        time: Timestamp,
        (run, owner): (&str, &str),
        plan: &Plan,
        ready: &BTreeMap<String, u32>,
        learned: Lesson,
    ) -> Result<Self, JournalError> {
        let (path, new, previous) = (folder.join(FILE), folder.join(NEW), folder.join(PREVIOUS));
        file::plain(&new).and_then(|()| File::create(&new)).map_err(fault(&new))?;
        let ledger = Ledger::go_on(new.clone(), 0, ledger::NOTHING.to_owned())?;
        let mut journal = Self { ledger, sequence: 0, digest: digest_of(plan) };
        let begin = Record::Begin {
            run: run.to_owned(),
            owner: owner.to_owned(),
            plan: Box::new(plan.clone()),
            ready: ready.clone(),
            learned,
        };
        journal.write(time, &begin)?;
        if path.exists() {
            // It is kept for people only: a disk without links keeps none.
            drop(std::fs::remove_file(&previous));
            drop(std::fs::hard_link(&path, &previous));
        }
        journal.ledger.publish(path)?;
        // The name of the file must survive too.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault(folder))?;
        Ok(journal)
    }

    /// Goes on with the journal that was read; a torn last line is cut off.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn go_on(folder: &Path, told: &Told, time: Timestamp, owner: &str) -> Result<Self, JournalError> {
        let ledger = Ledger::go_on(folder.join(FILE), told.good, told.last.clone())?;
        let sequence = u64::try_from(told.records.len()).unwrap_or(u64::MAX).saturating_add(1);
        let mut journal = Self { ledger, sequence, digest: told.digest.clone() };
        journal.write(time, &Record::Resume { owner: owner.to_owned() })?;
        journal.settle()?;
        Ok(journal)
    }
}

impl Log for Journal {
    fn write(&mut self, time: Timestamp, record: &Record) -> Result<(), JournalError> {
        self.sequence += 1;
        let body = Body { sequence: self.sequence, time, plan: self.digest.clone(), record };
        self.ledger.add(&serde_json::to_string(&body).map_err(|error| self.ledger.refused(error.into()))?);
        // An outcome need not survive a power cut: what it says can be observed. It should survive a kill.
        if !matches!(record, Record::Intent { .. }) {
            self.ledger.flush()?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), JournalError> {
        Ok(self.ledger.settle()?)
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
