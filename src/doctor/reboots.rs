//! Whether nodes are rebooted by kured while they are being woken for a window (H25).

use std::collections::BTreeSet;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Finding, Level};
use crate::model::{Name, World};
use crate::plan::wake_lead;
use crate::policy::Policy;
use crate::schedule::{turns, zone};

/// Windows that open later than this are looked at another time.
const AHEAD: SignedDuration = SignedDuration::from_hours(14 * 24);
/// As exact as kured's times are.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// When kured may reboot, as its `--reboot-days`, `--start-time`, `--end-time` and `--time-zone` say; what they leave out is
/// always, in UTC.
#[derive(Debug, PartialEq)]
struct Times {
    days: BTreeSet<i8>,
    /// Minutes of the day, the second one included; a first that is later than the second is the evening before.
    start: i32,
    end: i32,
    zone: TimeZone,
}

impl Times {
    /// None where one of them cannot be read.
    fn of(told: &[Name]) -> Option<Self> {
        let mut times = Self { days: (0..7).collect(), start: 0, end: 24 * 60 - 1, zone: TimeZone::UTC };
        for word in told {
            let (flag, value) = word.split_once('=')?;
            let value = value.trim_matches(['"', '\'']);
            match flag {
                "--start-time" => times.start = minute(value)?,
                "--end-time" => times.end = minute(value)?,
                "--time-zone" if value.eq_ignore_ascii_case("utc") => {}
                "--time-zone" => times.zone = zone(value)?,
                _ => times.days = value.split(',').map(day).collect::<Option<_>>()?,
            }
        }
        Some(times)
    }

    fn hold(&self, at: Timestamp) -> bool {
        let there = at.to_zoned(self.zone.clone());
        let minute = i32::from(there.hour()) * 60 + i32::from(there.minute());
        let day = |weekday: Weekday| self.days.contains(&weekday.to_sunday_zero_offset());
        match self.start <= self.end {
            true => day(there.weekday()) && (self.start..=self.end).contains(&minute),
            false => {
                (minute >= self.start && day(there.weekday()))
                    || (minute <= self.end && day(there.weekday().previous()))
            }
        }
    }
}

/// `su`, `sun`, `sunday`, `0`.
fn day(text: &str) -> Option<i8> {
    const NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let text = text.trim().to_lowercase();
    if let Ok(number) = text.parse::<i8>() {
        return (0..7).contains(&number).then_some(number);
    }
    let at = NAMES.iter().position(|name| text.len() >= 2 && name.starts_with(&text))?;
    i8::try_from(at).ok()
}

/// Minutes of the day of `17`, `17:00`, `17:00:30`, `5pm`, `5:00pm`.
fn minute(text: &str) -> Option<i32> {
    let text = text.trim().to_lowercase();
    let (clock, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (text.as_str(), None),
    };
    let mut parts = clock.trim().split(':').map(|part| part.parse::<i32>().ok());
    let (hour, minute) = (parts.next()??, parts.next().unwrap_or(Some(0))?);
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
}

/// The next time at which nodes of a pool are being woken for a window while kured may reboot: when, and the pool.
fn clash(policy: &Policy, world: &World, times: &Times, now: Timestamp) -> Option<(Timestamp, Name)> {
    let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let of_pool = |pool: &crate::policy::Pool| {
        let lead = wake_lead(world, pool);
        let mut floor = 0;
        for turn in turns(policy, pool, now, until, lead) {
            let before = std::mem::replace(&mut floor, turn.holding.floor);
            let ready = turn.at.checked_add(lead).unwrap_or(Timestamp::MAX);
            let mut at = turn.at;
            while floor > before && at <= ready {
                if times.hold(at) {
                    return Some((at, pool.name.clone()));
                }
                at = at.checked_add(MINUTE).ok()?;
            }
        }
        None
    };
    policy.pools.iter().filter_map(of_pool).min()
}

/// Daemons that reboot nodes at times of their own (H25).
pub fn reboots(policy: &Policy, world: &World, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "reboots";
    let kured = |name: &str| name == "kured" || name.starts_with("kured-");
    let daemon = world.workloads.values().find(|workload| kured(&workload.key.name));
    let pod = || world.pods.keys().find(|key| kured(&key.name)).map(ToString::to_string);
    let Some(name) = daemon.map(|daemon| daemon.key.to_string()).or_else(pod) else {
        return vec![Finding::ok(CHECK, "no kured was found, which would reboot nodes at times of its own")];
    };
    if policy.pools.iter().all(|pool| pool.windows.is_empty()) {
        return vec![Finding::ok(
            CHECK,
            format!("{name} reboots nodes, and the policy has no windows to wake them for"),
        )];
    }
    let told = daemon.map(|daemon| daemon.reboot_times.as_slice()).unwrap_or_default();
    let said = if told.is_empty() { "at any time".to_owned() } else { format!("by `{}`", told.join(" ")) };
    let text = format!("{name} reboots nodes {said}");
    let advice = "set its `--reboot-days`, `--start-time`, `--end-time` and `--time-zone` to when the nodes are up and no \
                  window is about to open (`tidegate schedule`): a reboot while they are woken makes them late";
    let Some(times) = Times::of(told) else {
        return vec![Finding::new(CHECK, Level::Unknown, format!("{text}, which cannot be read"), advice)];
    };
    vec![match clash(policy, world, &times, now) {
        Some((at, pool)) => {
            let text = format!("{text}, also while nodes of pool {pool} are woken for a window: next {at}");
            Finding::new(CHECK, Level::Warning, text, advice)
        }
        None => Finding::ok(CHECK, format!("{text}, and wakes none for a window then in the next two weeks")),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(words: &[&str]) -> Option<Times> {
        Times::of(&words.iter().map(|word| (*word).into()).collect::<Vec<_>>())
    }

    #[test]
    fn h25_times_are_read_as_kured_reads_them() {
        for (text, expected) in [
            ("17", Some(17 * 60)),
            ("5pm", Some(17 * 60)),
            ("5:30pm", Some(17 * 60 + 30)),
            ("12am", Some(0)),
            ("12:15pm", Some(12 * 60 + 15)),
            ("23:59:59", Some(24 * 60 - 1)),
            ("24:00", None),
            ("13pm", None),
            ("noon", None),
        ] {
            assert_eq!(minute(text), expected, "{text}");
        }
        for (text, expected) in
            [("su", Some(0)), ("Mon", Some(1)), ("saturday", Some(6)), ("3", Some(3)), ("x", None), ("7", None)]
        {
            assert_eq!(day(text), expected, "{text}");
        }
        assert_eq!(times(&["--time-zone=Nowhere/At_All"]), None);
    }

    #[test]
    fn h25_a_night_ends_on_the_next_day() {
        let night =
            times(&["--reboot-days=fri", "--start-time=10pm", "--end-time=2am", "--time-zone=Europe/Berlin"]).unwrap();
        for (at, holds) in [
            ("2026-11-27T20:59:00Z", false),
            ("2026-11-27T21:00:00Z", true),
            ("2026-11-28T01:00:00Z", true),
            ("2026-11-28T01:01:00Z", false),
            ("2026-11-27T00:30:00Z", false),
        ] {
            assert_eq!(night.hold(at.parse().unwrap()), holds, "{at}");
        }
        assert!(times(&[]).unwrap().hold("2026-11-27T20:59:00Z".parse().unwrap()), "always, where nothing is said");
    }
}
