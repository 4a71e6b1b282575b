//! When is which capacity wanted: crontab lines, zones, windows and calendars, as a function of the time.
//!
//! Pure. `crontab` says which civil minutes a line names, `zoned` what these are in a zone (the rule for clock changes
//! is written there), `window` when a window is open, `voices` who is heard where several speak, `holding` what comes of
//! it; `sweep` walks through the years, and `seam` finds what it may pass over.

mod chain;
mod crontab;
mod field;
mod holding;
mod seam;
mod sweep;
mod voices;
mod window;
mod zoned;

pub use crontab::{Crontab, CrontabError};
pub use holding::{Held, Holding, Level, Said, Turn, holds, next_change, turns};
pub use sweep::asking_exceptions;
pub use window::{Span, first_open, open_times, open_times_unskipped, skipped_openings, skips, would_skip};
pub use zoned::{ClockChange, clock_changes, end, start, start_of_day, zone, zone_names};
