//! What a civil time means in a zone when the clocks change. The only place where that is decided.
//!
//! - A start inside a gap (clocks go forward over it) happens at the first instant after the gap.
//! - A repeated time (clocks go back) starts at its first pass and ends at its last.
//! - A duration is time that passes: `3h` is three hours, whatever the clocks do. So no window is shorter than asked.
//!
//! Zones come from the database that is built in, never from the host's, so that one policy means one thing.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A zone by its IANA name (in any case, as the database has it); None if there is no such zone.
pub fn zone(name: &str) -> Option<TimeZone> {
    BUNDLED.get(name).ok().filter(|zone| !zone.is_unknown())
}

/// As [`zone`]; UTC where the name is not known, which a validated policy does not have.
pub(super) fn zone_or_utc(name: &str) -> TimeZone {
    zone(name).unwrap_or(TimeZone::UTC)
}

/// All zone names that are known, sorted.
pub fn zone_names() -> impl Iterator<Item = String> {
    let mut names: Vec<String> = BUNDLED.available().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names.into_iter()
}

/// The instant at which something starts that is written as `time`. None only outside the years that jiff knows.
pub fn start(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(time).ok(),
        AmbiguousOffset::Gap { before, after } => after_gap(zone, time, before, after),
    }
}

/// The instant at which something ends that is written as `time`: never before [`start`] of the same time.
pub fn end(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Fold { after, .. } => after.to_timestamp(time).ok(),
        _ => start(zone, time),
    }
}

/// Midnight, or the first instant of a day that has none.
pub fn start_of_day(zone: &TimeZone, date: Date) -> Option<Timestamp> {
    start(zone, date.at(0, 0, 0, 0))
}

/// The first instant after the gap that `time` lies in.
fn after_gap(zone: &TimeZone, time: DateTime, before: Offset, after: Offset) -> Option<Timestamp> {
    // Read with the later offset the time lies before the change, with the earlier one after it.
    let low = after.to_timestamp(time).ok()?;
    let high = before.to_timestamp(time).ok()?;
    let change = zone.following(low).find(|change| change.offset() == after).map(|change| change.timestamp());
    Some(change.filter(|change| *change <= high).unwrap_or(high))
}

/// A moment at which the clocks of a zone are put forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// The first instant with the new offset.
    pub at: Timestamp,
    /// The offset until then.
    pub before: Offset,
    /// The offset from then on.
    pub after: Offset,
}

impl ClockChange {
    /// By how much the clocks are put forward; negative is back.
    pub fn by(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.after.seconds()) - i64::from(self.before.seconds()))
    }
}

/// The clock changes in `[from, until)`.
pub fn clock_changes(zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<ClockChange> {
    let eve = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(from);
    let mut before = zone.to_offset(eve);
    let mut changes = Vec::new();
    for change in zone.following(eve).take_while(|change| change.timestamp() < until) {
        let after = change.offset();
        if after != before {
            changes.push(ClockChange { at: change.timestamp(), before, after });
        }
        before = after;
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_folds_by_the_written_rule() {
        let table = [
            // zone, civil time, start, end
            ("America/New_York", "2026-03-08T01:59", "2026-03-08T06:59:00Z", "2026-03-08T06:59:00Z"),
            ("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
            ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
            ("America/New_York", "2026-03-08T03:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
            ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
            ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            // Half an hour.
            ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
            // The day that never was.
            ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
            // Back for Ramadan, forward after it.
            ("Africa/Casablanca", "2026-02-15T02:30", "2026-02-15T01:30:00Z", "2026-02-15T02:30:00Z"),
            ("Africa/Casablanca", "2026-03-22T02:30", "2026-03-22T02:00:00Z", "2026-03-22T02:00:00Z"),
            // Two hours.
            ("Antarctica/Troll", "2026-03-29T02:30", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
            ("Antarctica/Troll", "2026-10-25T01:30", "2026-10-24T23:30:00Z", "2026-10-25T01:30:00Z"),
            // A day without midnight.
            ("America/Havana", "2026-03-08T00:00", "2026-03-08T05:00:00Z", "2026-03-08T05:00:00Z"),
        ];
        for (name, time, starts, ends) in table {
            let zone = zone(name).unwrap();
            let time: DateTime = time.parse().unwrap();
            assert_eq!(start(&zone, time), Some(starts.parse().unwrap()), "{name} {time}");
            assert_eq!(end(&zone, time), Some(ends.parse().unwrap()), "{name} {time}");
        }
    }

    #[test]
    fn unknown_zones_are_none() {
        for name in ["", "Etc/Unknown", "Mars/Olympus", "Europe/../Berlin", "EST5EDT4,M3.2.0,M11.1.0"] {
            assert!(zone(name).is_none(), "{name}");
        }
        assert!(zone("europe/berlin").is_some());
        assert!(zone_names().any(|name| name == "Antarctica/Troll"));
    }

    #[test]
    fn clock_changes_of_a_year() {
        let zone = zone("Australia/Lord_Howe").unwrap();
        let changes =
            clock_changes(&zone, "2026-01-01T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
        let by: Vec<_> = changes.iter().map(|change| change.by().as_mins()).collect();
        assert_eq!(by, [-30, 30]);
        assert_eq!(clock_changes(&zone, changes[0].at, changes[1].at), changes[..1]);
    }
}
