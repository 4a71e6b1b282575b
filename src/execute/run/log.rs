//! What the driver writes down while it works: an interface, so that a test can cut it short after any record.

use super::journal::{JournalError, Record};
use jiff::Timestamp;

/// Takes records in.
pub trait Log {
    /// Adds a record; it may still be in a buffer.
    ///
    /// # Errors
    /// It cannot be written: nothing may be done then.
    fn write(&mut self, time: Timestamp, record: &Record) -> Result<(), JournalError>;

    /// Everything written so far survives a power cut.
    ///
    /// # Errors
    /// It cannot be made sure: nothing may be done then.
    fn settle(&mut self) -> Result<(), JournalError>;
}
