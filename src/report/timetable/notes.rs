//! What is worth knowing beside the changes: clocks that go forward or back, windows that exceptions skip, a new year.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::{Policy, Pool};
use crate::schedule;

/// A note to a timetable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub about: About,
    /// When a window would have closed that is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// In words.
    pub text: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// A new year begins in the policy's zone.
    Year,
    /// The clocks change in a zone of the policy or of one of the pool's windows.
    Clock,
    /// An exception keeps a window from opening.
    Skip,
}

/// The notes to the time `[from, until)` of a pool, in time order.
pub fn notes(policy: &Policy, pool: &Pool, from: Timestamp, until: Timestamp) -> Vec<Note> {
    let mut notes = clocks(policy, pool, from, until);
    for window in &pool.windows {
        let schedule = window.schedule.as_ref().map_or_else(String::new, |schedule| format!("{schedule}/"));
        let skipped = schedule::skipped_openings(pool, window, from, until);
        notes.extend(skipped.into_iter().map(|(span, exception)| {
            let name = format!("{schedule}{}", window.name);
            let text = format!("exception {} skips window {name} ({})", exception.name, exception.origin);
            Note { at: span.from, about: About::Skip, until: Some(span.until), text }
        }));
    }
    let zone = super::zone(&policy.time_zone);
    let year = |at: Timestamp| zone.to_datetime(at).year();
    for year in year(from)..=year(until) {
        let begins = jiff::civil::Date::new(year, 1, 1).ok().and_then(|date| schedule::start_of_day(&zone, date));
        if let Some(at) = begins.filter(|at| from <= *at && *at < until) {
            notes.push(Note { at, about: About::Year, until: None, text: format!("the year {year} begins") });
        }
    }
    notes.sort();
    notes
}

fn clocks(policy: &Policy, pool: &Pool, from: Timestamp, until: Timestamp) -> Vec<Note> {
    let mut zones: Vec<_> = pool.windows.iter().map(|window| &window.zone).chain([&policy.time_zone]).collect();
    zones.sort();
    zones.dedup();
    let mut notes = Vec::new();
    for name in zones {
        for change in schedule::clock_changes(&super::zone(name), from, until) {
            let minutes = change.by().as_mins();
            let way = if minutes < 0 { "back" } else { "forward" };
            let by = match (minutes.abs() / 60, minutes.abs() % 60) {
                (0, minutes) => format!("{minutes}m"),
                (hours, 0) => format!("{hours}h"),
                (hours, minutes) => format!("{hours}h{minutes}m"),
            };
            let text = format!("clocks go {way} {by} in {name}, from UTC{} to UTC{}", change.before, change.after);
            notes.push(Note { at: change.at, about: About::Clock, until: None, text });
        }
    }
    notes
}
