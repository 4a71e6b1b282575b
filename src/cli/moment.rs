//! A moment as people write it on the command line.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Failure;

/// An instant, or a date and time on the wall in the policy's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// RFC 3339.
    Instant(Timestamp),
    /// In the policy's zone.
    Civil(DateTime),
}

impl Moment {
    /// The instant that `flag` (`--now`) names. A time inside a gap is the first instant after it; a repeated one its
    /// first pass.
    ///
    /// # Errors
    /// The zone is unknown, or the time is outside of what can be counted.
    pub fn at(self, flag: &str, zone: &str) -> Result<Timestamp, Failure> {
        let at = match self {
            Self::Instant(at) => return Ok(at),
            Self::Civil(at) => at,
        };
        let zone = TimeZone::get(zone).map_err(Failure::new)?;
        zone.to_ambiguous_zoned(at).compatible().map(|at| at.timestamp()).map_err(|_| {
            let (first, last) = (Timestamp::MIN, Timestamp::MAX);
            Failure::new(format!("`{flag}` {at} is out of range: it may be from {first} to {last}"))
        })
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        (text.parse::<Timestamp>().map(Self::Instant))
            .or_else(|_| text.parse::<Zoned>().map(|at| Self::Instant(at.timestamp())))
            .or_else(|_| text.parse::<DateTime>().map(Self::Civil))
            .or_else(|_| text.parse::<Date>().map(|day| Self::Civil(day.at(0, 0, 0, 0))))
            .map_err(|_| {
                "not a time: write `2026-11-24T12:45:00Z`, or `2026-11-24T12:45` in the policy's zone".to_owned()
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
        ] {
            let at = text.parse::<Moment>().unwrap().at("--now", zone).unwrap();
            assert_eq!(at, instant.parse::<Timestamp>().unwrap(), "{text} in {zone}");
        }
        assert!("tuesday".parse::<Moment>().is_err());
        assert!("2026-02-30".parse::<Moment>().is_err());
    }
}
