//! Crontab(5) lines on top of the `cron` crate, whose own language is Quartz.
//!
//! The line is read here, field by field, and given to `cron` as plain lists, so that none of Quartz's readings (Sunday
//! is 1, day of month AND day of week) can leak in. `cron` searches in UTC, which here stands for civil time without a
//! zone; what a civil time means in a zone is decided in `zoned`. Only this file names `cron` and chrono.

use std::fmt;
use std::ops::Range;

use chrono::{Datelike, NaiveDate, Timelike, Utc};
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::field::{SHAPES, Set, wrong};

/// Longer lines are not read; one that lists all 60 minutes by number is half as long.
const LONGEST: usize = 1000;

/// The years that are searched.
const YEARS: Range<i16> = 1970..2101;

/// A crontab line of five fields: minute, hour, day of month, month, day of week.
///
/// Lists, ranges and steps of ranges as in crontab(5); names of months and days in any case; 0 and 7 are Sunday (and
/// `FRI-SUN` ends on the Sunday after). If both day fields are restricted (neither begins with `*`) either is enough;
/// otherwise both must hold. `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually` stand for
/// their lines. Fires somewhere between 1970 and 2100.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crontab {
    text: String,
    fields: [Set; 5],
    either_day: bool,
    /// One search, or two whose results are united.
    searches: Vec<cron::Schedule>,
}

/// What is wrong with a crontab line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CrontabError {
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: String,
    /// The bytes of the line that are wrong.
    pub range: Range<usize>,
}

impl Crontab {
    /// Reads a line.
    ///
    /// # Errors
    /// Anything but five fields of crontab(5), and lines that never fire.
    pub fn parse(text: &str) -> Result<Self, CrontabError> {
        if text.len() > LONGEST {
            let message = format!("a crontab line of {} bytes is too long", text.len());
            return Err(wrong(message, format!("at most {LONGEST} bytes are read"), 0..text.len()));
        }
        let line = match text.trim().strip_prefix('@') {
            Some(nickname) => expand(text, nickname)?,
            None => text,
        };
        let words = words(line);
        let [minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(count(text, &words));
        };
        let [minutes, hours, days, months, weekdays] = &SHAPES;
        let fields = [
            minutes.read(minute.1, minute.0)?,
            hours.read(hour.1, hour.0)?,
            days.read(day.1, day.0)?,
            months.read(month.1, month.0)?,
            weekdays.read(weekday.1, weekday.0)?.with_one_sunday(),
        ];
        let either_day = !day.1.starts_with('*') && !weekday.1.starts_with('*');
        let searches = searches(&fields, either_day).ok_or_else(|| CrontabError {
            message: "this line cannot be searched".to_owned(),
            help: "write a simpler one: minute, hour, day, month, weekday".to_owned(),
            range: 0..text.len(),
        })?;
        let crontab = Self { text: text.to_owned(), fields, either_day, searches };
        if crontab.next_after(DateTime::constant(1969, 12, 31, 23, 59, 0, 0)).is_none() {
            let message = format!("`{}` never fires: no such day exists", line.trim());
            let help = "write a day that the month has".to_owned();
            return Err(wrong(message, help, day.0..month.0 + month.1.len()));
        }
        Ok(crontab)
    }

    /// The line as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it fires in this minute.
    pub fn matches(&self, time: DateTime) -> bool {
        let [minutes, hours, ..] = &self.fields;
        let small = |value: i8| u8::try_from(value).unwrap_or(u8::MAX);
        minutes.contains(small(time.minute())) && hours.contains(small(time.hour())) && self.matches_day(time.date())
    }

    /// Whether it fires on this day.
    pub fn matches_day(&self, date: Date) -> bool {
        let (Some(noon), [minutes, hours, ..]) = (to_chrono(date.at(0, 0, 0, 0)), &self.fields) else { return false };
        let first = minutes.values().next().zip(hours.values().next());
        first.and_then(|(minute, hour)| noon.with_hour(u32::from(hour))?.with_minute(u32::from(minute))).is_some_and(
            |time| YEARS.contains(&date.year()) && self.searches.iter().any(|search| search.includes(time)),
        )
    }

    /// The first minute after `time` in which it fires; None if there is none before 2101.
    pub fn next_after(&self, time: DateTime) -> Option<DateTime> {
        let time = time.max(DateTime::constant(1969, 12, 31, 23, 59, 0, 0));
        let from = to_chrono(time)?;
        self.searches.iter().filter_map(|search| search.after(&from).next()).min().and_then(from_chrono)
    }

    /// The last minute before `time` in which it fires; None if there is none since 1970.
    pub fn last_before(&self, time: DateTime) -> Option<DateTime> {
        if time.year() < YEARS.start {
            return None;
        }
        let from = to_chrono(time.min(DateTime::constant(2101, 1, 1, 0, 0, 0, 0)))?;
        self.searches.iter().filter_map(|search| search.after(&from).next_back()).max().and_then(from_chrono)
    }

    /// The minutes of a day, counted from midnight and rising, in which it fires on the days on which it does.
    pub fn minutes_of_day(&self) -> impl Iterator<Item = u16> + '_ {
        let [minutes, hours, ..] = &self.fields;
        hours.values().flat_map(|hour| minutes.values().map(move |minute| u16::from(hour) * 60 + u16::from(minute)))
    }

    /// Days of the month, 1 to 31.
    pub fn days_of_month(&self) -> impl Iterator<Item = u8> + '_ {
        let [_, _, days, ..] = &self.fields;
        days.values()
    }

    /// Months, 1 to 12.
    pub fn months(&self) -> impl Iterator<Item = u8> + '_ {
        let [_, _, _, months, _] = &self.fields;
        months.values()
    }

    /// Days of the week, 0 (Sunday) to 6.
    pub fn days_of_week(&self) -> impl Iterator<Item = u8> + '_ {
        let [.., weekdays] = &self.fields;
        weekdays.values()
    }

    /// Whether a day needs to match only one of the two day fields.
    pub fn either_day(&self) -> bool {
        self.either_day
    }
}

impl fmt::Debug for Crontab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Crontab").field(&self.text).finish()
    }
}

impl fmt::Display for Crontab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Crontab {
    type Error = CrontabError;
    fn try_from(text: String) -> Result<Self, CrontabError> {
        Self::parse(&text)
    }
}

impl From<Crontab> for String {
    fn from(crontab: Crontab) -> Self {
        crontab.text
    }
}

/// The words of a line with the bytes at which they start.
fn words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut rest = 0;
    for word in line.split(|sign: char| sign.is_ascii_whitespace()) {
        if !word.is_empty() {
            words.push((rest, word));
        }
        rest += word.len() + 1;
    }
    words
}

fn count(text: &str, words: &[(usize, &str)]) -> CrontabError {
    let join = |words: &[(usize, &str)]| words.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(" ");
    let found = words.len();
    let range = words.first().zip(words.last()).map_or(0..text.len(), |(first, last)| first.0..last.0 + last.1.len());
    if found == 6 || found == 7 {
        // Only the fix that can be read as five fields is worth printing.
        let fixed =
            words.get(1..6).map(join).map(|line| line.replace('?', "*")).filter(|line| Crontab::parse(line).is_ok());
        let help = fixed.map_or_else(
            || "write minute, hour, day of month, month, day of week".to_owned(),
            |line| {
                let renumbered =
                    line.split(' ').next_back().is_some_and(|days| days.bytes().any(|byte| byte.is_ascii_digit()));
                let caution =
                    if renumbered { "; Quartz counts Sunday as 1, crontab(5) as 0: check the day of week" } else { "" };
                format!("drop the seconds: `{line}`{caution}")
            },
        );
        let message = format!("{found} fields are Quartz; a crontab line has five");
        return wrong(message, help, range);
    }
    let s = if found == 1 { "" } else { "s" };
    let message = format!("{found} field{s}; a crontab line has five");
    wrong(message, "write minute, hour, day of month, month, day of week, as in `0 13 * * TUE`".to_owned(), range)
}

fn expand(text: &str, nickname: &str) -> Result<&'static str, CrontabError> {
    match nickname {
        "hourly" => Ok("0 * * * *"),
        "daily" | "midnight" => Ok("0 0 * * *"),
        "weekly" => Ok("0 0 * * 0"),
        "monthly" => Ok("0 0 1 * *"),
        "yearly" | "annually" => Ok("0 0 1 1 *"),
        other => {
            let start = text.find('@').unwrap_or(0);
            let (message, help) = if other == "reboot" {
                ("`@reboot` is not a time".to_owned(), "write when it starts, as in `0 8 * * MON-FRI`")
            } else {
                let known = "known are @hourly, @daily, @weekly, @monthly and @yearly; or write five fields";
                (format!("`@{other}` is not known"), known)
            };
            Err(wrong(message, help.to_owned(), start..start + 1 + other.len()))
        }
    }
}

/// The line in the language of `cron`: second 0, plain lists, days of the week counted from 1.
fn searches(fields: &[Set; 5], either_day: bool) -> Option<Vec<cron::Schedule>> {
    let list = |set: &Set, shift: u8, all: usize| {
        let values: Vec<String> = set.values().map(|value| (value + shift).to_string()).collect();
        if values.len() == all { "*".to_owned() } else { values.join(",") }
    };
    let [minutes, hours, days, months, weekdays] = fields;
    let time = format!("0 {} {}", list(minutes, 0, 60), list(hours, 0, 24));
    let (days, months, weekdays) = (list(days, 0, 31), list(months, 0, 12), list(weekdays, 1, 7));
    let lines = if either_day && days != "*" && weekdays != "*" {
        vec![format!("{time} {days} {months} *"), format!("{time} * {months} {weekdays}")]
    } else if either_day {
        vec![format!("{time} * {months} *")]
    } else {
        vec![format!("{time} {days} {months} {weekdays}")]
    };
    lines.into_iter().map(|line| cron::Schedule::try_from(line).ok()).collect()
}

fn to_chrono(time: DateTime) -> Option<chrono::DateTime<Utc>> {
    let part = |value: i8| u32::try_from(value).ok();
    let date = NaiveDate::from_ymd_opt(i32::from(time.year()), part(time.month())?, part(time.day())?)?;
    Some(date.and_hms_opt(part(time.hour())?, part(time.minute())?, part(time.second())?)?.and_utc())
}

fn from_chrono(time: chrono::DateTime<Utc>) -> Option<DateTime> {
    let part = |value: u32| i8::try_from(value).ok();
    let year = i16::try_from(time.year()).ok()?;
    let (month, day) = (part(time.month())?, part(time.day())?);
    DateTime::new(year, month, day, part(time.hour())?, part(time.minute())?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_underlined_with_a_fix() {
        let table = [
            ("0 61 * * *", "out of range in the hour", "61"),
            ("60 1 * * *", "out of range in the minute", "60"),
            ("0 1 0 * *", "day of month", "0"),
            ("0 1 * 13 *", "month", "13"),
            ("0 1 * * 8", "day of week", "8"),
            ("0 1 * * MO", "not a day of week", "MO"),
            ("0 1 * * Monday", "not a day of week", "Monday"),
            ("0 1 * FOO *", "not a month", "FOO"),
            ("0 1 ? * *", "Quartz", "?"),
            ("0 1 L * *", "Quartz", "L"),
            ("0 1 15W * *", "Quartz", "W"),
            ("0 1 * * TUE#2", "Quartz", "#"),
            ("0 0 13 * * TUE", "drop the seconds", "0 0 13 * * TUE"),
            ("0 0 13 ? * TUE 2026", "`0 13 * * TUE`", "0 0 13 ? * TUE 2026"),
            ("@reboot", "not a time", "@reboot"),
            ("@dayly", "@daily", "@dayly"),
            ("0 13 * *", "4 fields", "0 13 * *"),
            ("", "0 fields", ""),
            ("0 0 30 2 *", "never fires", "30 2"),
            ("0 0 31 4,6 *", "never fires", "31 4,6"),
            ("0 0 30 2 */2", "never fires", "30 2"),
            ("5/15 * * * *", "`5-59/15`", "5/15"),
            ("*/0 * * * *", "step", "0"),
            ("*/61 * * * *", "1 to 60", "61"),
            ("*/ * * * *", "step", "*/"),
            ("1,,2 * * * *", "comma", ","),
            (",1 * * * *", "comma", ","),
            ("1, * * * *", "comma", ","),
            ("30-10 * * * *", "backwards", "30-10"),
            ("0 0 * * FRI-MON", "`FRI-6,0-MON`", "FRI-MON"),
            ("- * * * *", "missing", ""),
            ("+5 * * * *", "not a minute", "+5"),
            ("0 0 * * Ä", "not a day of week", "Ä"),
            ("0 0 * * 99999999999999", "out of range", "99999999999999"),
        ];
        for (line, part, underlined) in table {
            let error = Crontab::parse(line).expect_err(line);
            let all = format!("{} | {}", error.message, error.help);
            assert!(all.contains(part), "{line}: {all}");
            assert_eq!(&line[error.range.clone()], underlined, "{line}: {all}");
        }
    }

    #[test]
    fn long_lines_are_refused() {
        assert!(Crontab::parse(&"0,".repeat(5_000_000)).is_err());
    }

    #[test]
    fn next_firings_as_crontab_says() {
        let table = [
            ("0 8 * * 1-5", "2026-01-01T00:00", ["2026-01-01T08:00", "2026-01-02T08:00", "2026-01-05T08:00"]),
            ("0 0 13 * 5", "2026-02-01T00:00", ["2026-02-06T00:00", "2026-02-13T00:00", "2026-02-20T00:00"]),
            ("0 0 */13 * 5", "2026-01-01T00:00", ["2026-02-27T00:00", "2026-03-27T00:00", "2026-05-01T00:00"]),
            ("0 0 * * 7", "2026-01-01T00:00", ["2026-01-04T00:00", "2026-01-11T00:00", "2026-01-18T00:00"]),
            ("0 0 * * sat-sun", "2026-01-01T00:00", ["2026-01-03T00:00", "2026-01-04T00:00", "2026-01-10T00:00"]),
            ("0 0 29 2 *", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
            ("0 0 29 2 */7", "2026-01-01T00:00", ["2032-02-29T00:00", "2060-02-29T00:00", "2088-02-29T00:00"]),
            ("@monthly", "2026-01-15T00:00", ["2026-02-01T00:00", "2026-03-01T00:00", "2026-04-01T00:00"]),
            ("\t59  23 31 dec * ", "2026-01-15T00:00", ["2026-12-31T23:59", "2027-12-31T23:59", "2028-12-31T23:59"]),
        ];
        for (line, from, expected) in table {
            let crontab = Crontab::parse(line).expect(line);
            let mut at: DateTime = from.parse().unwrap();
            for expected in expected {
                at = crontab.next_after(at).unwrap();
                assert_eq!(at, expected.parse().unwrap(), "{line}");
                assert!(crontab.matches(at) && crontab.matches_day(at.date()), "{line}");
            }
        }
    }

    #[test]
    fn times_outside_the_searched_years_are_answered() {
        let crontab = Crontab::parse("0 0 * * *").unwrap();
        assert_eq!(crontab.last_before(DateTime::MIN), None);
        assert_eq!(crontab.next_after(DateTime::MAX), None);
        assert_eq!(crontab.next_after(DateTime::MIN), Some(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)));
        assert_eq!(crontab.last_before(DateTime::MAX), Some(DateTime::constant(2100, 12, 31, 0, 0, 0, 0)));
        assert!(!crontab.matches(DateTime::MAX) && !crontab.matches(DateTime::MIN));
    }

    #[test]
    fn a_line_survives_json() {
        let crontab = Crontab::parse("0 13 * * TUE").unwrap();
        let json = serde_json::to_string(&crontab).unwrap();
        assert_eq!(json, "\"0 13 * * TUE\"");
        assert_eq!(serde_json::from_str::<Crontab>(&json).unwrap(), crontab);
        assert!(serde_json::from_str::<Crontab>("\"0 0 30 2 *\"").is_err());
    }
}
