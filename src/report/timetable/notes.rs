//! What is worth knowing beside the changes: clocks that go forward or back, windows that exceptions skip, a new year.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Ask, Policy, Pool, Window, WindowKind};
use crate::schedule;

/// A note to a timetable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub about: About,
    /// When a window would have closed that is skipped, or the exception ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// In words.
    pub text: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// A new year begins in the policy's zone.
    Year,
    /// The clocks change in a zone of the policy or of one of the pool's windows.
    Clock,
    /// An exception keeps a window from opening.
    Skip,
    /// An exception asks for numbers of its own, in the place of those of the windows that open then.
    Exception,
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
    for (days, exception) in schedule::asking_exceptions(pool, from, until) {
        let asked = ask_words(&exception.ask);
        let text = format!("exception {} asks for {asked} ({})", exception.name, exception.origin);
        notes.push(Note { at: days.from.max(from), about: About::Exception, until: Some(days.until), text });
        for window in pool.windows.iter().filter(|window| overruled(&exception.ask, window)) {
            let schedule = window.schedule.as_ref().map_or_else(String::new, |schedule| format!("{schedule}/"));
            let name = format!("{schedule}{}", window.name);
            let opened = schedule::open_times(pool, window, days.from.max(from), days.until.min(until));
            notes.extend(opened.into_iter().map(|span| {
                let text =
                    format!("exception {} overrules window {name}: {asked} ({})", exception.name, exception.origin);
                Note { at: span.from.max(from), about: About::Exception, until: Some(span.until.min(days.until)), text }
            }));
        }
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

/// `min 1, max 4`: what is asked for, in words.
fn ask_words(ask: &Ask) -> String {
    let numbers = [("min", ask.min), ("max", ask.max), ("replicas", ask.replicas)];
    let numbers = numbers.into_iter().filter_map(|(what, number)| Some(format!("{what} {}", number?)));
    numbers.chain(ask.headroom.is_some().then(|| "headroom".to_owned())).collect::<Vec<_>>().join(", ")
}

/// Whether an exception has another word on what the window asks for.
fn overruled(ask: &Ask, window: &Window) -> bool {
    let WindowKind::Capacity(wanted) = &window.kind else { return false };
    let floor = |ask: &Ask| ask.min.or(ask.replicas).is_some();
    let ceiling = |ask: &Ask| ask.max.or(ask.replicas).is_some();
    (floor(ask) && floor(wanted))
        || (ceiling(ask) && ceiling(wanted))
        || (ask.headroom.is_some() && wanted.headroom.is_some())
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
