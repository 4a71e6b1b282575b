//! A moment as people write it on the command line.

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::Failure;
use super::sandbox::duration;
use crate::report::local_long;

/// Before them no cluster was; after them no schedule can look ahead, and no zone is known.
const YEARS: RangeInclusive<i16> = 1970..=9900;

fn range() -> String {
    format!("the years {} to {} are taken", YEARS.start(), YEARS.end())
}

/// An instant, a date and time on the wall in the policy's zone, or how long from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// RFC 3339.
    Instant(Timestamp),
    /// In the policy's zone.
    Civil(DateTime),
    /// Today, in the policy's zone.
    Today(Time),
    /// So long from now.
    In(SignedDuration),
}

impl Moment {
    /// The instant that `flag` (`--now`) names, where it is `now`. A time inside a gap is the first instant after it; a
    /// repeated one its first pass.
    ///
    /// # Errors
    /// The zone is unknown, or the time is outside of what can be counted.
    pub fn at(self, flag: &str, zone: &str, now: Timestamp) -> Result<Timestamp, Failure> {
        let (at, said) = match self {
            Self::Instant(at) => (Some(at), at.to_string()),
            Self::In(long) => (now.checked_add(long).ok(), format!("{long:#}")),
            Self::Civil(_) | Self::Today(_) => {
                let zone = TimeZone::get(zone).map_err(Failure::new)?;
                let civil = self.on_the_wall(&zone, now);
                let at = civil.and_then(|civil| zone.to_ambiguous_zoned(civil).compatible().ok());
                (at.map(|at| at.timestamp()), civil.map(|civil| civil.to_string()).unwrap_or_default())
            }
        };
        at.filter(|at| YEARS.contains(&at.to_zoned(TimeZone::UTC).year()))
            .ok_or_else(|| Failure::new(format!("`{flag}` {said} is out of range: {}", range())))
    }

    fn on_the_wall(self, zone: &TimeZone, now: Timestamp) -> Option<DateTime> {
        match self {
            Self::Civil(civil) => Some(civil),
            Self::Today(time) => Some(zone.to_datetime(now).date().to_datetime(time)),
            Self::Instant(_) | Self::In(_) => None,
        }
    }

    /// What to say where the clocks skip or repeat the time, so that `at` is not all that it may mean.
    pub fn not_there(self, at: Timestamp, zone: &str, now: Timestamp) -> Option<String> {
        let known = TimeZone::get(zone).ok()?;
        let civil = self.on_the_wall(&known, now)?;
        let ambiguous = known.to_ambiguous_zoned(civil).offset();
        let taken = local_long(at, zone);
        match ambiguous {
            AmbiguousOffset::Unambiguous { .. } => None,
            AmbiguousOffset::Gap { .. } => Some(format!(
                "warning: {civil} does not exist in {zone}, where the clocks go forward: taken as {taken}"
            )),
            AmbiguousOffset::Fold { .. } => {
                Some(format!("warning: {civil} comes twice in {zone}, where the clocks go back: taken as {taken}"))
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        (text.parse::<Timestamp>().map(Self::Instant))
            .or_else(|_| text.parse::<Zoned>().map(|at| Self::Instant(at.timestamp())))
            .or_else(|_| text.parse::<DateTime>().map(Self::Civil))
            .or_else(|_| text.parse::<Date>().map(|day| Self::Civil(day.at(0, 0, 0, 0))))
            .or_else(|_| Time::strptime("%H:%M", text).map(Self::Today))
            .or_else(|_| duration(text).map(Self::In))
            .map_err(|_| {
                format!(
                    "not a time: write `12:45` or `2026-11-24T12:45` in the policy's zone, `2026-11-24T12:45:00Z`, or \
                     `8h` from now; {}",
                    range()
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_zone_of_the_policy() {
        for (text, zone, instant) in [
            ("2026-11-24T12:45:00Z", "America/Denver", "2026-11-24T12:45:00Z"),
            ("2026-11-24T12:45", "America/Denver", "2026-11-24T19:45:00Z"),
            ("2026-11-24 12:45", "UTC", "2026-11-24T12:45:00Z"),
            ("2026-11-24", "Europe/Zurich", "2026-11-23T23:00:00Z"),
            ("2026-11-24T12:45+01:00", "UTC", "2026-11-24T11:45:00Z"),
            ("2026-11-24T12:45[Asia/Tokyo]", "UTC", "2026-11-24T03:45:00Z"),
            // There it is still the day before.
            ("12:45", "America/Denver", "2026-11-23T19:45:00Z"),
            ("8h", "America/Denver", "2026-11-24T14:30:00Z"),
            ("30d", "UTC", "2026-12-24T06:30:00Z"),
        ] {
            let now = "2026-11-24T06:30:00Z".parse().unwrap();
            let at = text.parse::<Moment>().unwrap().at("--now", zone, now).unwrap();
            assert_eq!(at, instant.parse::<Timestamp>().unwrap(), "{text} in {zone}");
        }
        for (text, said) in [
            (
                "2026-03-08T02:30",
                Some(
                    "does not exist in America/Denver, where the clocks go forward: taken as Sun 08 Mar 2026 03:30:00 MDT",
                ),
            ),
            (
                "2026-11-01T01:30",
                Some("comes twice in America/Denver, where the clocks go back: taken as Sun 01 Nov 2026 01:30:00 MDT"),
            ),
            ("2026-11-01T03:30", None),
            ("2026-03-08T09:30:00Z", None),
        ] {
            let (moment, at0): (Moment, _) = (text.parse().unwrap(), Timestamp::UNIX_EPOCH);
            let found = moment.not_there(moment.at("--now", "America/Denver", at0).unwrap(), "America/Denver", at0);
            assert_eq!(found.is_some(), said.is_some(), "{text}");
            assert!(found.unwrap_or_default().ends_with(said.unwrap_or_default()), "{text}");
        }
        for text in ["1900-01-01T00:00:00Z", "-000001-01-01", "0001-01-01", "9950-01-01T00:00:00Z", "1969-12-31"] {
            let refused = text.parse::<Moment>().unwrap().at("--now", "UTC", Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(format!("{refused:?}").contains("the years 1970 to 9900 are taken"), "{refused:?}");
        }
        assert!("9999-12-31T23:59:59Z".parse::<Moment>().unwrap_err().contains("the years 1970 to 9900"));
        assert!("tuesday".parse::<Moment>().is_err());
        assert!("2026-02-30".parse::<Moment>().is_err());
    }
}
