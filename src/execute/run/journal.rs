//! The write-ahead log of one execution: a checksummed line before each act and after it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::log::Log;
use crate::execute::machine::{Act, ActId, EndKind, Resumed};
use crate::plan::Plan;

const FILE: &str = "journal.jsonl";
const PREVIOUS: &str = "journal.previous.jsonl";
/// `,"sum":"` + 16 hexadecimal digits + `"}`.
const TAIL: usize = 8 + 16 + 2;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
#[allow(missing_docs)]
pub enum Record {
    /// The first line: everything that is needed to take it up again.
    Begin { run: String, owner: String, plan: Box<Plan>, ready: BTreeMap<String, u32> },
    /// It is taken up again.
    Resume { owner: String },
    /// This is about to be done.
    Intent { id: ActId, what: Act },
    /// This came of it.
    Outcome { id: ActId, result: String },
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
    #[error("journal {}: {error}", path.display())]
    Io {
        /// Its path.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// A line that is not the last is damaged.
    #[error("journal {}, line {line}: {why}; what it says cannot be relied on: look at the nodes with `tidegate status`, then move the file away", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
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
    /// How it ended, if it did.
    pub end: Option<EndKind>,
    /// The last line was torn and is left out.
    pub torn: bool,
    good: u64,
}

impl Told {
    /// It was cut short, or ended before everything was done.
    pub fn unfinished(&self) -> bool {
        !matches!(self.end, Some(EndKind::Done))
    }

    /// Acts that were begun and whose outcome is not known.
    pub fn in_flight(&self) -> BTreeMap<ActId, Act> {
        let mut flying = BTreeMap::new();
        for (_, record) in &self.records {
            match record {
                Record::Intent { id, what } => drop(flying.insert(id.clone(), what.clone())),
                Record::Outcome { id, .. } => drop(flying.remove(id)),
                Record::Begin { .. } | Record::Resume { .. } | Record::End { .. } => {}
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
        Resumed { acts: acts.max().unwrap_or(0), ready: self.ready.clone() }
    }
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    sequence: u64,
    digest: String,
}

/// The plan's digest: SHA-256 of its JSON, in hex.
pub fn digest_of(plan: &Plan) -> String {
    hex(&Sha256::digest(serde_json::to_vec(plan).unwrap_or_default()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sum(body: &str) -> String {
    let mut sum = hex(&Sha256::digest(body.as_bytes()));
    sum.truncate(16);
    sum
}

/// A line without its end.
fn line(sequence: u64, time: Timestamp, plan: &str, record: &Record) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Body { sequence, time, plan: plan.to_owned(), record })?;
    let sum = sum(&text);
    text.pop();
    Ok(format!("{text},\"sum\":\"{sum}\"}}"))
}

fn parse(text: &str, expected: u64) -> Result<Body<Record>, String> {
    let at = text.len().checked_sub(TAIL).ok_or("it is too short")?;
    let (body, tail) = text.split_at_checked(at).ok_or("it is cut in the middle of a character")?;
    let body = format!("{body}}}");
    let given = tail.strip_prefix(",\"sum\":\"").and_then(|rest| rest.strip_suffix("\"}")).ok_or("no checksum")?;
    if given != sum(&body) {
        return Err("the checksum is wrong".to_owned());
    }
    let body: Body<Record> = serde_json::from_str(&body).map_err(|error| error.to_string())?;
    if body.sequence != expected {
        return Err(format!("it has number {}, {expected} was due", body.sequence));
    }
    Ok(body)
}

fn fault(path: &Path) -> impl Fn(io::Error) -> JournalError + '_ {
    move |error| JournalError::Io { path: path.to_owned(), error }
}

/// What the journal in `folder` says; None if there is none, or not even its first line is whole.
///
/// # Errors
/// The file cannot be read, or a line before the last is damaged.
pub fn read(folder: &Path) -> Result<Option<Told>, JournalError> {
    let path = folder.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(&path)(error)),
    };
    let mut told: Option<Told> = None;
    let mut good = 0;
    let mut torn = false;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((index, raw)) = lines.next() {
        let whole = raw.strip_suffix(b"\n");
        let text = whole.and_then(|raw| std::str::from_utf8(raw).ok());
        let expected = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        let parsed = text.ok_or_else(|| "it is cut short or is not text".to_owned()).and_then(|t| parse(t, expected));
        let body = match parsed {
            Ok(body) => body,
            Err(_) if lines.peek().is_none() => {
                torn = true;
                break;
            }
            Err(why) => return Err(JournalError::Unreadable { path, line: index + 1, why }),
        };
        let unexpected =
            |why: &str| JournalError::Unreadable { path: path.clone(), line: index + 1, why: why.to_owned() };
        good += u64::try_from(raw.len()).unwrap_or(0);
        match (&mut told, body.record) {
            (None, Record::Begin { run, owner, plan, ready }) => {
                let (digest, began) = (body.plan, body.time);
                let records = Vec::new();
                told = Some(Told { run, digest, began, owner, plan: *plan, records, ready, end: None, torn, good });
            }
            (None, _) => return Err(unexpected("it does not begin with a plan")),
            (Some(_), Record::Begin { .. }) => return Err(unexpected("it begins a second time")),
            (Some(told), record) => {
                told.end = if let Record::End { how } = record { Some(how) } else { None };
                told.records.push((body.time, record));
            }
        }
    }
    Ok(told.map(|told| Told { torn, good, ..told }))
}

/// Removes the journal in `folder` and the one before it, whatever they say.
///
/// # Errors
/// The folder cannot be written.
pub fn forget(folder: &Path) -> Result<(), JournalError> {
    for path in [folder.join(FILE), folder.join(PREVIOUS)] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}

impl Journal {
    /// Begins a journal in `folder`; one that was there is kept as the previous one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(
        folder: &Path,
        time: Timestamp,
        (run, owner): (&str, &str),
        plan: &Plan,
        ready: &BTreeMap<String, u32>,
    ) -> Result<Self, JournalError> {
        let path = folder.join(FILE);
        if path.exists() {
            std::fs::rename(&path, folder.join(PREVIOUS)).map_err(fault(&path))?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(fault(&path))?;
        let mut journal = Self { path, file, buffer: Vec::new(), sequence: 0, digest: digest_of(plan) };
        let begin = Record::Begin {
            run: run.to_owned(),
            owner: owner.to_owned(),
            plan: Box::new(plan.clone()),
            ready: ready.clone(),
        };
        journal.write(time, &begin)?;
        journal.settle()?;
        // The name of the file must survive too.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault(folder))?;
        Ok(journal)
    }

    /// Goes on with the journal that was read; a torn last line is cut off.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn go_on(folder: &Path, told: &Told, time: Timestamp, owner: &str) -> Result<Self, JournalError> {
        let path = folder.join(FILE);
        let mut file = OpenOptions::new().write(true).open(&path).map_err(fault(&path))?;
        file.set_len(told.good).and_then(|()| file.seek(io::SeekFrom::End(0))).map_err(fault(&path))?;
        let sequence = u64::try_from(told.records.len()).unwrap_or(u64::MAX).saturating_add(1);
        let mut journal = Self { path, file, buffer: Vec::new(), sequence, digest: told.digest.clone() };
        journal.write(time, &Record::Resume { owner: owner.to_owned() })?;
        journal.settle()?;
        Ok(journal)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Log for Journal {
    fn write(&mut self, time: Timestamp, record: &Record) -> Result<(), JournalError> {
        self.sequence += 1;
        let text = line(self.sequence, time, &self.digest, record)
            .map_err(|error| JournalError::Io { path: self.path.clone(), error: error.into() })?;
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'\n');
        // An outcome need not survive a power cut: what it says can be observed. It should survive a kill.
        if !matches!(record, Record::Intent { .. }) {
            let path = self.path.clone();
            self.flush().map_err(fault(&path))?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), JournalError> {
        let path = self.path.clone();
        self.flush().and_then(|()| self.file.sync_data()).map_err(fault(&path))
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
