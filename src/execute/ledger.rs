//! Files of lines that vouch for themselves and for every line before them: what a crash may tear is the last line only.
//!
//! A line is a JSON object whose last two fields are `after`, the checksum of the line before it, and `sum`, its own. So
//! a changed line is noticed, and so is one that was removed, added or swapped, at its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::file::{self, remedy};

/// What stands before the first line of a file that follows nothing.
pub const NOTHING: &str = "0000000000000000";
/// The most that such a file may hold, in bytes.
pub const MOST: u64 = 4 << 30;
/// `,"after":"` + 16 hexadecimal digits + `","sum":"` + 16 hexadecimal digits + `"}`.
const TAIL: usize = 10 + 16 + 9 + 16 + 2;

/// A line without its end, and its checksum. `json` is an object.
pub fn seal(json: &str, after: &str) -> (String, String) {
    let body = format!("{},\"after\":\"{after}\"", json.strip_suffix('}').unwrap_or(json));
    let sum = sum(&body);
    (format!("{body},\"sum\":\"{sum}\"}}"), sum)
}

fn sum(body: &str) -> String {
    Sha256::digest(body.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A line that vouches for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The object without the two fields.
    pub json: String,
    /// The checksum of the line before.
    pub after: String,
    /// Its own.
    pub sum: String,
}

/// Takes a line apart.
///
/// # Errors
/// It was changed or cut; in words.
pub fn unseal(line: &[u8]) -> Result<Sealed, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not text")?;
    let (json, tail) =
        line.len().checked_sub(TAIL).and_then(|at| line.split_at_checked(at)).ok_or("it is too short")?;
    let (after, own) = tail
        .strip_prefix(",\"after\":\"")
        .and_then(|rest| rest.strip_suffix("\"}"))
        .and_then(|rest| rest.split_once("\",\"sum\":\""))
        .ok_or("it does not end in its checksum")?;
    let body = line.len().checked_sub(own.len() + 10).and_then(|at| line.get(..at)).unwrap_or_default();
    if own != sum(body) {
        return Err("it was changed: its checksum is wrong");
    }
    Ok(Sealed { json: format!("{json}}}"), after: after.to_owned(), sum: own.to_owned() })
}

/// What a file's bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Each whole line.
    pub lines: Vec<Sealed>,
    /// Where each of them ends, in bytes.
    pub ends: Vec<usize>,
    /// What follows is a torn line: a crash cut it, and it was never relied on.
    pub torn: bool,
}

impl Lines {
    /// So many bytes are whole lines.
    pub fn good(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether they go as far as was noted beside the file: a chain of checksums does not show that its end is missing.
    /// What is missing beyond that is taken for a crash.
    ///
    /// # Errors
    /// They end before that, or nobody can tell.
    pub fn reach(&self, noted: &Noted) -> Result<(), Flaw> {
        let head = match noted {
            Noted::To(head) if head.bytes > 0 => head,
            Noted::To(_) | Noted::Nothing => return Ok(()),
            Noted::Missing => {
                let why = "the file `.head` beside it is missing, and with it how far this one reached: lines may be \
                           missing too; if you make an empty one, what is there is believed";
                return Err(Flaw { line: self.lines.len() + 1, why: why.to_owned() });
            }
        };
        let found = self.ends.iter().zip(&self.lines).any(|(end, line)| *end == head.bytes && line.sum == head.sum);
        if found {
            return Ok(());
        }
        let line = self.ends.iter().filter(|end| **end <= head.bytes).count() + 1;
        Err(Flaw { line, why: format!("lines are missing from here on: it was {} bytes long once", head.bytes) })
    }
}

/// How far a file was known to reach when it last was made sure of: the end and the checksum of a line. It is noted after
/// the lines are on the disk, so that no crash and no power cut leaves a file shorter than its head says: one that is
/// shorter was cut by somebody. A file that ends anywhere beyond its head is what a crash may leave, for what had not
/// been made sure of was not relied on either. It stands beside its file from the beginning: one that is not there was
/// taken away, perhaps with lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    bytes: usize,
    sum: String,
}

/// What is written there: always as long.
fn note(bytes: usize, sum: &str) -> String {
    format!("{bytes:020} {sum:>16}\n")
}

/// Where the head of a file is kept.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// What stands beside a file of how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// This.
    To(Head),
    /// Nothing that can be held against the file.
    Nothing,
    /// There is no such note.
    Missing,
}

impl Head {
    /// The bytes of the file at `path`, and its head as it was before they were read. A process may be writing it: its head
    /// only moves on while it is the same file, so that one that moved back was that of another file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn and_bytes(path: &Path) -> io::Result<(Noted, Vec<u8>)> {
        let (there, before) = (beside(path).exists(), Self::of(path));
        let bytes = file::own(path, MOST)?;
        let after = Self::of(path);
        let noted = match before {
            Some(before) if after.is_some_and(|after| after.bytes >= before.bytes) => Noted::To(before),
            None if !there && !beside(path).exists() => Noted::Missing,
            _ => Noted::Nothing,
        };
        Ok((noted, bytes))
    }

    fn of(path: &Path) -> Option<Self> {
        let text = String::from_utf8(file::own(&beside(path), 1 << 10).ok()?).ok()?;
        let (bytes, sum) = text.trim().split_once(' ')?;
        Some(Self { bytes: bytes.parse().ok()?, sum: sum.to_owned() })
    }

    /// Begins it, before the file is made or becomes shorter than it was.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(path: &Path) -> io::Result<()> {
        let path = beside(path);
        file::plain(&path)?;
        let mut head = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        head.write_all(note(0, NOTHING).as_bytes())
    }

    /// Removes it, after its file.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn forget(path: &Path) -> io::Result<()> {
        match std::fs::remove_file(beside(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A line that cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Reads what follows a line with the checksum `after`.
///
/// # Errors
/// The first line that was changed (not cut short at the end), or does not follow the one before.
pub fn read(bytes: &[u8], after: &str) -> Result<Lines, Flaw> {
    let mut found = Lines { lines: Vec::new(), ends: Vec::new(), torn: false };
    let mut end = 0;
    for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += raw.len();
        let flaw = |why: &str| Flaw { line: found.lines.len() + 1, why: why.to_owned() };
        let last = found.lines.last().map_or(after, |line| &line.sum);
        match raw.strip_suffix(b"\n").ok_or("it has no end").and_then(unseal) {
            Ok(line) if line.after != last => {
                return Err(flaw("it does not follow the line before it: lines were removed, added or swapped"));
            }
            Ok(line) => {
                found.lines.push(line);
                found.ends.push(end);
            }
            Err(_) if end == bytes.len() && torn(raw) => found.torn = true,
            Err(why) => return Err(flaw(why)),
        }
    }
    Ok(found)
}

/// A process that dies leaves the beginning of a line; a power cut may leave zeros where nothing was written yet.
fn torn(raw: &[u8]) -> bool {
    !raw.ends_with(b"\n") || raw.contains(&0)
}

/// Why a line could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system did not take it.
    #[error("cannot write `{}`: {source}{}", path.display(), remedy(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file has no name any more, or its name is another file's.
    #[error("`{}` was removed or replaced while it was in use", .0.display())]
    Gone(PathBuf),
    /// It is not as long as it was left: what is added now would stand in the middle of what somebody else wrote.
    #[error("`{}` was changed by another process while it was in use: that one goes on with it", .0.display())]
    Foreign(PathBuf),
}

/// A file that is being written on. After a line that could not be written it takes no other: a hole would be worse.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    /// Its length, in bytes.
    size: usize,
    head: Option<File>,
    last: String,
    buffer: Vec<u8>,
    failed: Option<io::ErrorKind>,
}

impl Ledger {
    /// Goes on after `good` bytes, whose last line has the checksum `last`; what follows them is cut off.
    ///
    /// # Errors
    /// The file is not there or cannot be written.
    pub fn go_on(path: PathBuf, good: usize, last: String) -> Result<Self, LedgerError> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(u64::try_from(good).unwrap_or(u64::MAX))?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        match open() {
            Ok(file) => Ok(Self { path, file, size: good, head: None, last, buffer: Vec::new(), failed: None }),
            Err(source) => Err(LedgerError::Io { path, source }),
        }
    }

    /// Adds a line; it may stay in memory until [`Ledger::flush`].
    pub fn add(&mut self, json: &str) {
        let (line, sum) = seal(json, &self.last);
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
        self.last = sum;
    }

    /// Gives the lines to the system: they survive this process.
    ///
    /// # Errors
    /// They could not be written, or an earlier one could not; the file was taken away.
    pub fn flush(&mut self) -> Result<(), LedgerError> {
        if !self.named() {
            return Err(LedgerError::Gone(self.path.clone()));
        }
        let length = self.file.metadata().map(|found| found.len());
        if self.failed.is_none() && length.is_ok_and(|length| usize::try_from(length) != Ok(self.size)) {
            return Err(LedgerError::Foreign(self.path.clone()));
        }
        let written = match self.failed {
            Some(kind) => Err(kind.into()),
            None => self.file.write_all(&self.buffer),
        };
        self.size += self.buffer.len();
        self.buffer.clear();
        self.done(written)
    }

    /// Makes sure that the lines survive a power cut.
    ///
    /// # Errors
    /// As [`Ledger::flush`].
    pub fn settle(&mut self) -> Result<(), LedgerError> {
        self.sync()?;
        self.note();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LedgerError> {
        self.flush()?;
        let synced = self.file.sync_data();
        self.done(synced)
    }

    /// Whether what is written now was made sure of once.
    pub fn noted(&self) -> bool {
        self.head.is_some()
    }

    /// Notes beside the file how far it reaches now. It only helps to notice a loss, so that it fails in silence; it is
    /// written in place and always as long, so that a full disk does not matter.
    fn note(&mut self) {
        let line = note(self.size, &self.last);
        if self.head.is_none() {
            let path = beside(&self.path);
            let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            self.head = file::plain(&path).and_then(|()| open()).ok();
        }
        if let Some(head) = &mut self.head {
            drop(head.seek(SeekFrom::Start(0)).and_then(|_| head.write_all(line.as_bytes())));
        }
    }

    /// Gives the file, as it is on the disk, its name; a file that had it is gone then.
    ///
    /// # Errors
    /// As [`Ledger::flush`]; the folder cannot be written.
    pub fn publish(&mut self, to: PathBuf) -> Result<(), LedgerError> {
        self.sync()?;
        // The head of the file that goes must not be taken for that of the one that comes.
        match Head::begin(&to).and_then(|()| std::fs::rename(&self.path, &to)) {
            Ok(()) => {
                self.path = to;
                self.note();
                Ok(())
            }
            Err(source) => Err(LedgerError::Io { path: to, source }),
        }
    }

    /// The failure of this file that `source` is.
    pub fn refused(&self, source: io::Error) -> LedgerError {
        LedgerError::Io { path: self.path.clone(), source }
    }

    /// Whether the file still stands under its name.
    pub fn named(&self) -> bool {
        same(&self.path, &self.file)
    }

    fn done(&mut self, result: io::Result<()>) -> Result<(), LedgerError> {
        result.map_err(|source| {
            self.failed = self.failed.or(Some(source.kind()));
            self.refused(source)
        })
    }
}

#[cfg(unix)]
fn same(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    match (std::fs::metadata(path), file.metadata()) {
        (Ok(there), Ok(open)) => identity(there) == identity(open),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same(path: &Path, _: &File) -> bool {
    path.exists()
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
