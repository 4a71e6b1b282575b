//! Crontab lines against a reference that goes minute by minute, and against croner.

use jiff::civil::{Date, DateTime, date};
use jiff::{Span, tz::TimeZone};
use proptest::prelude::*;
use tidegate::schedule::Crontab;

const NAMES: [&str; 7] = ["sun", "MON", "Tue", "WED", "thu", "FRI", "SAT"];
const MONTHS: [&str; 12] = ["JAN", "feb", "Mar", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// An entry of a field, as a person thinks of it.
#[derive(Clone, Debug)]
struct Item {
    /// None is `*`.
    span: Option<(u8, u8)>,
    step: Option<u8>,
    named: bool,
}

#[derive(Clone, Debug)]
struct Field {
    low: u8,
    high: u8,
    items: Vec<Item>,
}

impl Field {
    fn text(&self) -> String {
        let value = |value: u8, named: bool| match (named, self.high) {
            (true, 7) if value < 7 => NAMES[usize::from(value)].to_owned(),
            (true, 12) => MONTHS[usize::from(value) - 1].to_owned(),
            _ => value.to_string(),
        };
        let item = |item: &Item| {
            let span = match item.span {
                None => "*".to_owned(),
                Some((low, high)) if low == high && item.step.is_none() => value(low, item.named),
                Some((low, high)) => format!("{}-{}", value(low, item.named), value(high, item.named)),
            };
            item.step.map_or(span.clone(), |step| format!("{span}/{step}"))
        };
        self.items.iter().map(item).collect::<Vec<_>>().join(",")
    }

    fn has(&self, value: u8) -> bool {
        self.items.iter().any(|item| {
            let (low, high) = item.span.unwrap_or((self.low, if self.high == 7 { 6 } else { self.high }));
            let step = item.step.unwrap_or(1);
            let hit = |value: u8| value >= low && value <= high && (value - low).is_multiple_of(step);
            hit(value) || (self.high == 7 && value == 0 && hit(7))
        })
    }

    fn starred(&self) -> bool {
        self.items[0].span.is_none()
    }
}

fn field(low: u8, high: u8, steps: bool) -> impl Strategy<Value = Field> {
    let span = prop_oneof![
        2 => Just(None),
        3 => (low..=high).prop_map(|value| Some((value, value))),
        2 => (low..=high, low..=high).prop_map(|(a, b)| Some((a.min(b), a.max(b)))),
    ];
    let step = if steps {
        prop_oneof![2 => Just(None), 1 => (1..=high.min(6)).prop_map(Some)].boxed()
    } else {
        Just(None).boxed()
    };
    let item = (span, step, any::<bool>()).prop_map(|(span, step, named)| Item { span, step, named });
    prop::collection::vec(item, 1..4).prop_map(move |items| Field { low, high, items })
}

fn line(steps: bool) -> impl Strategy<Value = [Field; 5]> {
    let fields =
        (field(0, 59, steps), field(0, 23, steps), field(1, 31, steps), field(1, 12, steps), field(0, 7, steps));
    fields.prop_map(|(a, b, c, d, e)| [a, b, c, d, e])
}

fn text(fields: &[Field; 5]) -> String {
    fields.iter().map(Field::text).collect::<Vec<_>>().join(" ")
}

fn day_fires([_, _, day, month, week]: &[Field; 5], date: Date) -> bool {
    let by_day = day.has(date.day() as u8);
    let by_week = week.has(date.weekday().to_sunday_zero_offset() as u8);
    let days = if day.starred() || week.starred() { by_day && by_week } else { by_day || by_week };
    month.has(date.month() as u8) && days
}

fn fires(fields: &[Field; 5], time: DateTime) -> bool {
    fields[0].has(time.minute() as u8) && fields[1].has(time.hour() as u8) && day_fires(fields, time.date())
}

/// The first firing after `time`, by going through all days and then all minutes.
fn first_after(fields: &[Field; 5], time: DateTime) -> Option<DateTime> {
    let days = std::iter::successors(Some(time.date()), |day| day.tomorrow().ok()).take_while(|day| day.year() < 2101);
    for day in days.filter(|day| day_fires(fields, *day)) {
        let minutes = (0..24).flat_map(|hour| (0..60).map(move |minute| day.at(hour, minute, 0, 0)));
        if let Some(found) = minutes.filter(|minute| *minute > time).find(|minute| fires(fields, *minute)) {
            return Some(found);
        }
    }
    None
}

fn last_before(fields: &[Field; 5], time: DateTime) -> Option<DateTime> {
    let days = std::iter::successors(Some(time.date()), |day| day.yesterday().ok()).take_while(|day| day.year() > 1969);
    for day in days.filter(|day| day_fires(fields, *day)) {
        let minutes = (0..24).rev().flat_map(|hour| (0..60).rev().map(move |minute| day.at(hour, minute, 0, 0)));
        if let Some(found) = minutes.filter(|minute| *minute < time).find(|minute| fires(fields, *minute)) {
            return Some(found);
        }
    }
    None
}

fn moment() -> impl Strategy<Value = DateTime> {
    (0i64..40 * 366 * 1440).prop_map(|minutes| date(2000, 1, 1).at(0, 0, 0, 0) + Span::new().minutes(minutes))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_line_fires_as_crontab_says(fields in line(true), moment in moment()) {
        let line = text(&fields);
        let first = first_after(&fields, date(1969, 12, 31).at(23, 59, 0, 0));
        let Ok(crontab) = Crontab::parse(&line) else {
            prop_assert_eq!(first, None, "{} was refused", line);
            return Ok(());
        };
        prop_assert!(first.is_some(), "{} never fires", line);
        prop_assert_eq!(crontab.next_after(moment), first_after(&fields, moment), "{} after {}", line, moment);
        prop_assert_eq!(crontab.last_before(moment), last_before(&fields, moment), "{} before {}", line, moment);
        for minute in 0..1440 {
            let time = moment + Span::new().minutes(minute);
            prop_assert_eq!(crontab.matches(time), fires(&fields, time), "{} at {}", line, time);
        }
        prop_assert_eq!(crontab.matches_day(moment.date()), day_fires(&fields, moment.date()), "{} {}", line, moment);
    }

    /// croner reads `*/n` in the two day fields and times in gaps and folds in its own way; without steps and in UTC
    /// it is right.
    #[test]
    fn croner_agrees(fields in line(false), moment in moment()) {
        let line = text(&fields);
        let (Ok(ours), Ok(croner)) = (Crontab::parse(&line), line.parse::<croner::Cron>()) else { return Ok(()) };
        let starred = |field: &Field| field.starred() && field.items.len() > 1;
        prop_assume!(!starred(&fields[2]) && !starred(&fields[4]));
        let mut at = moment;
        for _ in 0..3 {
            let from = at.to_zoned(TimeZone::UTC).unwrap();
            let Ok(theirs) = croner.find_next_occurrence(&from, false) else { return Ok(()) };
            let Some(next) = ours.next_after(at) else { return Ok(()) };
            prop_assert_eq!(next, theirs.datetime(), "{} after {}", line, at);
            at = next;
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ -~ä*/,0-9]{0,40}") {
        if let Err(error) = Crontab::parse(&text) {
            prop_assert!(text.get(error.range.clone()).is_some(), "{:?} {:?}", text, error);
        }
    }
}

#[test]
fn times_of_the_day_are_the_minutes_that_match() {
    let crontab = Crontab::parse("*/20,7 8-9 * * *").unwrap();
    let midnight = date(2026, 1, 1).at(0, 0, 0, 0);
    let listed: Vec<u16> = crontab.minutes_of_day().collect();
    let matching: Vec<u16> =
        (0..1440).filter(|minute| crontab.matches(midnight + Span::new().minutes(i64::from(*minute)))).collect();
    assert_eq!(listed, matching);
}
