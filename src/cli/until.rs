//! When what is asked for by hand ends, as people write it on the command line.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::Failure;
use super::moment::Moment;

/// Until when something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The end of a day in the policy's zone, as `until` of a policy's window says it.
    EndOf(Date),
    /// A moment; a time of day is the next one.
    At(Moment),
}

impl Until {
    /// The instant from which on it does not count any more.
    ///
    /// # Errors
    /// The zone is unknown, or it is outside of what can be counted.
    pub fn at(self, now: Timestamp, zone: &str) -> Result<Timestamp, Failure> {
        const FLAG: &str = "--until";
        let too_far = || Failure::new(format!("`{FLAG}` is out of range")).hint("name an earlier time");
        let day_after = |day: Date| day.tomorrow().map_err(|_| too_far());
        match self {
            Self::EndOf(day) => Moment::Civil(day_after(day)?.to_datetime(Time::midnight())).at(FLAG, zone, now),
            Self::At(moment @ Moment::Today(time)) => {
                let today = moment.at(FLAG, zone, now)?;
                if today > now {
                    return Ok(today);
                }
                let day = TimeZone::get(zone).map_err(Failure::new)?.to_datetime(now).date();
                Moment::Civil(day_after(day)?.to_datetime(time)).at(FLAG, zone, now)
            }
            Self::At(moment) => moment.at(FLAG, zone, now),
        }
    }
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What has no time of day is a day.
        if !text.contains(':')
            && let Ok(day) = text.parse::<Date>()
        {
            return Ok(Self::EndOf(day));
        }
        text.parse().map(Self::At).map_err(|_| {
            "neither a time nor a duration: write `18:00` or `2026-11-24T18:00` in the policy's zone, `2026-11-24` for the end of \
             that day, `2026-11-24T12:45:00Z`, or `8h` from now on"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_its_end_and_a_duration_begins_now() {
        let now: Timestamp = "2026-11-16T17:00:00Z".parse().unwrap();
        for (text, zone, instant) in [
            ("2026-11-17", "America/Denver", "2026-11-18T07:00:00Z"),
            // The day on which the clocks go back has 25 hours.
            ("2026-11-01", "America/Denver", "2026-11-02T07:00:00Z"),
            ("2026-11-17T00:00", "America/Denver", "2026-11-17T07:00:00Z"),
            ("2026-11-17T18:30:00Z", "America/Denver", "2026-11-17T18:30:00Z"),
            ("8h", "America/Denver", "2026-11-17T01:00:00Z"),
            ("18:00", "America/Denver", "2026-11-17T01:00:00Z"),
            // What is over today is meant tomorrow.
            ("10:00", "America/Denver", "2026-11-17T17:00:00Z"),
            ("1d12h", "UTC", "2026-11-18T05:00:00Z"),
        ] {
            let until: Until = text.parse().unwrap();
            assert_eq!(until.at(now, zone).unwrap(), instant.parse().unwrap(), "{text} in {zone}");
        }
        for text in ["", "tomorrow", "8 apples", "2026-13-01", "1mo"] {
            assert!(text.parse::<Until>().unwrap_err().contains("8h"), "{text}");
        }
        assert!("9900-12-31".parse::<Until>().unwrap().at(now, "UTC").is_err());
    }
}
