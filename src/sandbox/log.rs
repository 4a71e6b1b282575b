//! One line per request: a checksum and JSON. A torn last line is what a crash leaves, and is cut off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sim::Command;

/// A request and when it was made, in virtual time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub ask: Command,
}

/// The line of an entry, with its newline.
pub fn line(entry: &Entry) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(entry)?;
    Ok(format!("{:08x} {json}\n", checksum(&json)))
}

/// The entries of a log, and how many bytes of it they are: what follows is torn.
///
/// # Errors
/// A line before the last is not readable; in words.
pub fn entries(bytes: &[u8]) -> Result<(Vec<Entry>, usize), String> {
    let mut entries = Vec::new();
    let mut good = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let last = good + line.len() == bytes.len();
        match read(line) {
            Some(entry) => entries.push(entry),
            None if last => break,
            None => return Err(format!("line {} is damaged", index + 1)),
        }
        good += line.len();
    }
    Ok((entries, good))
}

fn read(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, json) = line.split_once(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    if sum != checksum(json) {
        return None;
    }
    serde_json::from_str(json).ok()
}

/// FNV-1a, 32 bit.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |state, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// FNV-1a, 64 bit: of the part of a log that a written state covers.
pub fn checksum_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
