//! Durations, instants, days, zones and crontab lines.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Wire, scalar};
use crate::model::Name;
use crate::policy::CalendarDay;
use crate::policy::finding::Findings;
use crate::policy::nearest::nearest;
use crate::policy::node::Node;
use crate::schedule::{Crontab, end, start, start_of_day};

/// A duration such as `15m` or `1h30m`, of whole seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length(pub SignedDuration);

/// Longest duration: ten years.
const LONGEST_SECONDS: i64 = 10 * 366 * 86_400;

/// Seconds of `1h30m`. None for anything else; units may come once each, from long to short.
fn seconds(text: &str) -> Option<i64> {
    const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];
    let (mut total, mut rest, mut units) = (0_i64, text, UNITS.as_slice());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| (1..=12).contains(digits))?;
        let number = rest.get(..digits)?.parse::<i64>().ok()?;
        let unit = rest.get(digits..)?.chars().next()?;
        let index = units.iter().position(|(letter, _)| *letter == unit)?;
        let (_, scale) = units.get(index)?;
        total = total.checked_add(number.checked_mul(*scale)?)?;
        units = units.get(index + 1..)?;
        rest = rest.get(digits + 1..)?;
    }
    (!text.is_empty()).then_some(total)
}

impl Wire for Length {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "a duration such as `15m`, `3h`, `1h30m`, `2d` or `1w`";
        let text = scalar(node, WHAT, out)?;
        if text.text == "0" {
            return Some(Self(SignedDuration::ZERO));
        }
        match seconds(&text.text) {
            Some(seconds) if seconds <= LONGEST_SECONDS => Some(Self(SignedDuration::from_secs(seconds))),
            Some(_) => {
                out.error("out-of-range", node.span, format!("`{}` is longer than ten years", text.text))
                    .help("write a shorter one, such as `52w`");
                None
            }
            None => {
                let number = &text.text;
                let help = if number.bytes().all(|byte| byte.is_ascii_digit()) {
                    format!("give it a unit: `{number}s`, `{number}m` or `{number}h`")
                } else if number.starts_with('-') {
                    "a duration cannot be negative".to_owned()
                } else if number.contains('.') {
                    "write whole numbers: `1h30m` instead of `1.5h`".to_owned()
                } else {
                    "write whole numbers with the units `w`, `d`, `h`, `m`, `s`, the largest first".to_owned()
                };
                out.error("bad-duration", node.span, format!("found {}, expected {WHAT}", node.found())).help(help);
                None
            }
        }
    }
}

impl JsonSchema for Length {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: `15m`, `3h`, `1h30m`, `2d`, `1w`",
            "x-kubernetes-int-or-string": true,
            "anyOf": [
                { "type": "integer", "const": 0 },
                { "type": "string", "pattern": r"^(0|([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?)$", "minLength": 1 },
            ],
        })
    }
}

/// A lead: a duration, or `auto`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LeadTime {
    Fixed(SignedDuration),
    Auto,
}

impl Wire for LeadTime {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let text = scalar(node, "a duration such as `15m`, or `auto`", out)?;
        if text.text == "auto" {
            return Some(Self::Auto);
        }
        Length::read(node, out).map(|length| Self::Fixed(length.0))
    }
}

impl JsonSchema for LeadTime {
    fn schema_name() -> Cow<'static, str> {
        "Lead".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let length = generator.subschema_for::<Length>();
        json_schema!({ "anyOf": [{ "const": "auto" }, length] })
    }
}

/// A moment: on the wall in the window's or the policy's zone, a whole day, or an instant.
///
/// A time inside a gap is the first instant after it. A repeated time opens at its first pass and closes at its last.
/// A day opens with its first instant and closes with its last, so that `until` takes in the day that it names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Local(DateTime),
    Day(Date),
    Instant(Timestamp),
}

impl When {
    /// When that begins which is to begin then. None outside the years that can be counted.
    pub(crate) fn opens(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Local(time) => start(zone, time),
            Self::Day(day) => start_of_day(zone, day),
            Self::Instant(at) => Some(at),
        }
    }

    /// When that ends which is to end then. None outside the years that can be counted.
    pub(crate) fn closes(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Local(time) => end(zone, time),
            Self::Day(day) => start_of_day(zone, day.tomorrow().ok()?),
            Self::Instant(at) => Some(at),
        }
    }
}

impl Wire for When {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "a time on the wall such as `2026-11-24T13:00`, a day such as `2026-11-24`, or a \
                            time with its offset such as `2026-11-24T13:00:00-07:00`";
        let text = scalar(node, WHAT, out)?;
        // The length keeps times of day out, which the date parser would cut off in silence.
        let day = || (text.text.len() == 10).then(|| text.text.parse().ok()).flatten().map(Self::Day);
        // So does the bracket: a zone of the time's own, which the parser would not look at.
        let local = || (!text.text.contains('[')).then(|| text.text.parse().ok()).flatten().map(Self::Local);
        let instant = || text.text.parse().ok().map(Self::Instant);
        let found = instant().or_else(day).or_else(local);
        if found.is_none() {
            out.error("bad-time", node.span, format!("found {}, expected {WHAT}", node.found()))
                .help("write the day in digits, and the time behind a `T`: `2026-11-24T13:00`");
        }
        found
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time on the wall in the window's zone, elsewhere in the policy's, `2026-12-07T08:00`; a day, `2026-12-07`: `from` and `asOf` mean its first instant, `until`, `expires` and `ends` its last; or a time with its offset, RFC 3339. A time inside a gap of the clocks is the first instant after it; a repeated one opens at its first pass and closes at its last",
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?$",
            "examples": ["2026-12-07T08:00", "2026-12-07", "2026-12-07T08:00:00-07:00"],
        })
    }
}

/// A day, or the days from one to another, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Days(pub CalendarDay);

impl Wire for Days {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "a date such as `2026-11-24`, or a range such as `2026-11-24..2026-11-27`";
        let text = scalar(node, WHAT, out)?;
        let (first, last) = text.text.split_once("..").unwrap_or((&text.text, &text.text));
        // The length keeps times of day out, which the date parser would cut off in silence.
        let day = |text: &str| {
            let text = text.trim();
            (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten()
        };
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            let begins = text.text.get(..10).and_then(day).is_some();
            let help = match begins {
                true => "write the day alone, or two days with `..` between them",
                false => "write a day that the calendar has: year, month and day in digits",
            };
            out.error("bad-date", node.span, format!("found {}, expected {WHAT}", node.found())).help(help);
            return None;
        };
        if last < first {
            out.error("bad-date", node.span, format!("the range ends on {last}, before it begins on {first}"))
                .help(format!("write `{last}..{first}`"));
            return None;
        }
        Some(Self(CalendarDay { first, last }))
    }
}

impl JsonSchema for Days {
    fn schema_name() -> Cow<'static, str> {
        "Days".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A date, or a range of dates with both ends included",
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}( *\.\. *[0-9]{4}-[0-9]{2}-[0-9]{2})?$",
            "examples": ["2026-12-24", "2026-11-24..2026-11-27"],
        })
    }
}

/// A zone of the IANA database.
#[derive(Clone, Debug)]
pub(crate) struct Zone(pub Name);

impl Wire for Zone {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        const WHAT: &str = "a time zone such as `America/Denver`";
        let text = scalar(node, WHAT, out)?;
        let database = jiff::tz::TimeZoneDatabase::bundled();
        if let Ok(zone) = database.get(&text.text) {
            // The database's own spelling, so that equal zones are equal policies.
            return Some(Self(zone.iana_name().unwrap_or(&text.text).into()));
        }
        let finding = out.error("unknown-zone", node.span, format!("there is no time zone `{}`", text.text));
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let city = |name: &'_ str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let wanted = city(&text.text).replace(' ', "_");
        let found = nearest(&text.text, names.iter().map(String::as_str))
            .or_else(|| names.iter().map(String::as_str).find(|name| city(name) == wanted));
        finding.help(match found {
            Some(name) => format!("did you mean `{name}`?"),
            None => "write a name of the IANA database, such as `America/Denver` or `UTC`".into(),
        });
        None
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "TimeZone".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time zone of the IANA database",
            "type": "string",
            "minLength": 1,
            "examples": ["America/Denver", "Europe/Berlin", "UTC"],
        })
    }
}

/// A crontab line.
#[derive(Clone, Debug)]
pub(crate) struct Cron(pub Arc<Crontab>);

impl Wire for Cron {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let text = scalar(node, "a crontab line such as `\"0 13 * * TUE\"`", out)?;
        match Crontab::parse(&text.text) {
            Ok(crontab) => Some(Self(Arc::new(crontab))),
            Err(error) => {
                let part = if error.range.is_empty() { node.span } else { text.part(error.range) };
                out.error("bad-crontab", part, error.message).help(error.help);
                None
            }
        }
    }
}

impl JsonSchema for Cron {
    fn schema_name() -> Cow<'static, str> {
        "Crontab".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A line of crontab(5): minute, hour, day of the month, month, day of the week (0 and 7 are Sunday)",
            "type": "string",
            "pattern": r"^\s*\S+\s+\S+\s+\S+\s+\S+\s+\S+\s*$",
            "examples": ["0 13 * * TUE", "30 7 * * 1-5"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_are_read_as_written() {
        for (text, expected) in [
            ("15m", Some(900)),
            ("1h30m", Some(5400)),
            ("2d", Some(172_800)),
            ("1w", Some(604_800)),
            ("1w2d3h4m5s", Some(604_800 + 172_800 + 10_800 + 240 + 5)),
            ("0s", Some(0)),
            ("30m1h", None),
            ("1h1h", None),
            ("15", None),
            ("m", None),
            ("1.5h", None),
            ("-1h", None),
            ("", None),
            ("999999999999w", None),
            ("15 m", None),
        ] {
            let in_range = seconds(text).filter(|seconds| *seconds <= super::LONGEST_SECONDS);
            assert_eq!(in_range, expected, "{text}");
        }
    }
}
