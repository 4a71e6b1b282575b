//! When is which capacity wanted: crontab lines, zones, windows and calendars, as a function of the time.
//!
//! Pure. The rule for clock changes is written once, in `zoned`.

mod crontab;
mod field;
mod holding;

pub use crontab::{Crontab, CrontabError};
pub use holding::{Held, Holding, Level, Said, Turn, holds, next_change, turns};
