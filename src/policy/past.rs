//! What a calendar says of days that are over: it changes nothing any more, and may be last year's.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::check::{key, warning};
use super::{Exception, Origin, Policy, Problem, Recurrence};
use crate::schedule::{start_of_day, zone};

/// Exceptions of which every day is over at `now`, and windows for one time that have closed. Warnings, each once however
/// many pools have it.
pub fn past(policy: &Policy, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: BTreeSet<&Origin> = BTreeSet::new();
    for pool in &policy.pools {
        for window in &pool.windows {
            let Recurrence::Once(_, until) = window.when else { continue };
            if until <= now && seen.insert(&window.origin) {
                let message = format!("window `{}` closed at {} for good", window.name, local(until, &window.zone));
                let help = "give it the coming dates, or remove it";
                problems.push(warning("window-past", &window.origin, message, help));
            }
        }
        for exception in &pool.exceptions {
            let Some(last) = last_day(exception).filter(|last| over(*last, exception, now)) else { continue };
            if seen.insert(&exception.origin) {
                let message = format!("every day of exception `{}` is over, the last was {last}", exception.name);
                let help = "give it the coming dates (a date is of one year), or remove it";
                problems.push(warning("exception-past", &exception.origin, message, help));
            }
        }
    }
    problems.sort_by(|a, b| key(a).cmp(&key(b)));
    problems
}

fn last_day(exception: &Exception) -> Option<Date> {
    exception.days.iter().map(|day| day.last).max()
}

/// Whether the day has ended; a second day passes first, for windows of other zones and for those that began on it.
fn over(last: Date, exception: &Exception, now: Timestamp) -> bool {
    let after = last.tomorrow().and_then(|day| day.tomorrow());
    let end = after.ok().zip(zone(&exception.zone)).and_then(|(day, zone)| start_of_day(&zone, day));
    end.is_some_and(|end| end <= now)
}

fn local(at: Timestamp, name: &str) -> String {
    let zone = zone(name).unwrap_or(jiff::tz::TimeZone::UTC);
    format!("{} ({name})", at.to_zoned(zone).strftime("%Y-%m-%d %H:%M"))
}
