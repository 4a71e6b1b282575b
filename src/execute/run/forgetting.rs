//! Removes what executions left in a folder, for a cluster that begins anew.

use std::path::Path;

use super::{ApplyError, journal, lock};

/// Removes journals and lock from `folder`, whatever they say and whoever holds the lock: only for one whose cluster is
/// known to be in nobody's use.
///
/// # Errors
/// The folder cannot be written.
pub fn forget(folder: &Path) -> Result<(), ApplyError> {
    journal::forget(folder)?;
    Ok(lock::forget(folder)?)
}
