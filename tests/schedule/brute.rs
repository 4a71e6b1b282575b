//! Windows against a reference that knows only what the clock on the wall shows at each minute.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tidegate::policy::{Lead, Recurrence};
use tidegate::schedule::{Crontab, open_times, zone};

use super::builder::*;

/// Zones with the moments at which something odd happens in them.
const ODD: [(&str, &str); 14] = [
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
    ("Africa/Casablanca", "2026-03-22T02:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
    ("Antarctica/Troll", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/Havana", "2026-03-08T05:00:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
    ("UTC", "2026-12-31T23:00:00Z"),
];

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What the clock on the wall shows, minute by minute.
struct Wall {
    first: Timestamp,
    shown: Vec<DateTime>,
    firsts: BTreeMap<DateTime, usize>,
    lasts: BTreeMap<DateTime, usize>,
}

impl Wall {
    fn new(zone: &TimeZone, middle: Timestamp, days: i64) -> Self {
        let first = middle - SignedDuration::from_hours(24 * days);
        let shown: Vec<DateTime> =
            (0..2 * days * 1440).map(|minute| zone.to_datetime(first + MINUTE * minute as i32)).collect();
        let lasts = shown.iter().enumerate().map(|(minute, time)| (*time, minute)).collect();
        let firsts = shown.iter().enumerate().rev().map(|(minute, time)| (*time, minute)).collect();
        Self { first, shown, firsts, lasts }
    }

    /// The minute at which it first shows `time`, or the first at which it shows a later one if it never does.
    fn first(&self, time: DateTime) -> Option<usize> {
        self.firsts.range(time..).next().map(|(_, minute)| *minute)
    }

    fn last(&self, time: DateTime) -> Option<usize> {
        self.lasts.get(&time).copied().or_else(|| self.first(time))
    }

    /// Every civil minute of the time that it covers, lost ones too.
    fn civil(&self) -> impl Iterator<Item = DateTime> + '_ {
        let last = *self.shown.last().unwrap();
        std::iter::successors(self.shown.first().copied(), |time| Some(*time + MINUTE))
            .take_while(move |time| *time < last)
    }

    /// The spans of `when`, in minutes since `first`, opening by opening.
    fn openings(&self, when: &Recurrence, skipped: impl Fn(DateTime) -> bool) -> Vec<Range<usize>> {
        let starts = |crontab: &Crontab| {
            self.civil().filter(|time| crontab.matches(*time) && !skipped(*time)).collect::<Vec<_>>()
        };
        let closings: Vec<DateTime> = match when {
            Recurrence::Until(_, end) => self.civil().filter(|time| end.matches(*time)).collect(),
            _ => Vec::new(),
        };
        match when {
            Recurrence::For(start, length) => starts(start)
                .into_iter()
                .filter_map(|time| self.first(time))
                .map(|from| from..from + length.as_mins() as usize)
                .collect(),
            Recurrence::Until(start, _) => starts(start)
                .into_iter()
                .filter_map(|time| {
                    let closing = closings.get(closings.partition_point(|closing| *closing <= time)).copied()?;
                    let (from, until) = (self.first(time)?, self.last(closing)?);
                    let asked = time.duration_until(closing).as_mins() as usize;
                    Some(from..if until > from { until } else { from + asked })
                })
                .collect(),
            Recurrence::Once(from, until) => {
                let minute = |at: &Timestamp| at.duration_since(self.first).as_mins() as usize;
                vec![minute(from)..minute(until)]
            }
        }
    }
}

fn early() -> impl Strategy<Value = String> {
    let hours = prop_oneof![
        Just("*".to_owned()),
        (0u8..5).prop_map(|hour| hour.to_string()),
        Just("0,2".to_owned()),
        Just("23".to_owned())
    ];
    let minutes = prop_oneof![
        (0u8..60).prop_map(|minute| minute.to_string()),
        Just("*/15".to_owned()),
        Just("0,30,59".to_owned()),
        Just("*".to_owned()),
    ];
    let days = prop_oneof![3 => Just("*"), 1 => Just("SUN"), 1 => Just("MON-FRI"), 1 => Just("SAT,SUN")];
    (minutes, hours, days).prop_map(|(minute, hour, days)| format!("{minute} {hour} * * {days}"))
}

fn recurrence() -> impl Strategy<Value = Recurrence> {
    prop_oneof![
        (early(), prop_oneof![1i64..180, Just(60i64), Just(1i64), Just(1440i64), Just(2000i64)])
            .prop_map(|(line, length)| lasting(&line, length)),
        (early(), early()).prop_map(|(start, end)| between(&start, &end)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10) })]

    #[test]
    fn a_window_is_open_when_the_wall_clock_says_so(
        odd in 0..ODD.len(),
        when in recurrence(),
        lead in prop_oneof![Just(0i64), 1i64..200],
        skip in prop_oneof![Just(None), (-3i64..3).prop_map(Some)],
    ) {
        let (name, middle) = ODD[odd];
        let (zone, middle) = (zone(name).unwrap(), at(middle));
        let wall = Wall::new(&zone, middle, 12);
        let skipped_day = skip.map(|days| zone.to_datetime(middle + SignedDuration::from_hours(24 * days)).date());
        let openings = wall.openings(&when, |time| Some(time.date()) == skipped_day);

        let mut pool = pool(1, Some(10));
        pool.windows = vec![window("w", name, when, asks(5, None))];
        pool.windows[0].lead = Lead::Fixed(minutes(lead));
        if let Some(day) = skipped_day {
            pool.exceptions = vec![exception("off", &day.to_string(), &day.to_string(), &[], asks(None, None))];
        }
        let policy = of(pool, Vec::new());

        // Membership, for three days about the odd moment.
        let day = 1440usize;
        let (low, high) = (9 * day, 15 * day);
        let marked = |early: usize| {
            let mut marks = vec![false; 30 * day];
            for span in &openings {
                let (from, until) = (span.start.saturating_sub(early), span.end.min(30 * day));
                marks[from.min(until)..until].fill(true);
            }
            marks
        };
        let (opened, early) = (marked(0), marked(lead as usize));
        let open = |minute: usize| opened[minute];
        let wanted = |minute: usize| early[minute];
        let moment = |minute: usize| wall.first + MINUTE * minute as i32;
        let spans = open_times(&policy.pools[0], &policy.pools[0].windows[0], moment(low), moment(high));
        for minute in low..high {
            let ours = spans.iter().any(|span| span.contains(moment(minute)));
            prop_assert_eq!(ours, open(minute), "{} at {}: {:?}", name, moment(minute), spans);
        }
        for pair in spans.windows(2) {
            prop_assert!(pair[0].until < pair[1].from, "not joined: {:?}", pair);
        }

        // What holds, and the changes, as a linear scan finds them.
        let floor = |minute: usize| if wanted(minute) { 5 } else { 1 };
        let changes: Vec<usize> = (low + 1..high).filter(|minute| floor(*minute) != floor(minute - 1)).collect();
        for minute in (low..high).step_by(61).chain(changes.iter().copied().take(40).flat_map(|minute| minute - 1..=minute + 1)) {
            prop_assert_eq!(holds(&policy, moment(minute)).floor, floor(minute), "{} at {}", name, moment(minute));
        }
        let found: Vec<Timestamp> = turns(&policy, moment(low + 1), moment(high)).iter().map(|turn| turn.at).collect();
        let scanned: Vec<Timestamp> = changes.iter().map(|minute| moment(*minute)).collect();
        prop_assert_eq!(&found, &scanned, "{}", name);
        for minute in (low..high).step_by(1013) {
            let expected = changes.iter().find(|change| **change > minute).map(|change| moment(*change));
            let ours = next_change(&policy, moment(minute)).map(|turn| turn.at).filter(|at| *at < moment(high));
            prop_assert_eq!(ours, expected, "{} after {}", name, moment(minute));
        }
    }
}

#[test]
fn clock_changes_by_the_written_rule() {
    let table: &[(&str, Recurrence, &str, &[(&str, &str)])] = &[
        // In the gap: at the first instant after it, as long as asked.
        (
            "America/New_York",
            lasting("30 2 * * *", 60),
            "2026-03-08",
            &[("2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z")],
        ),
        ("Europe/Berlin", lasting("30 2 * * *", 60), "2026-03-29", &[("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")]),
        // In the fold: once, at the first pass.
        (
            "America/New_York",
            lasting("30 1 * * *", 60),
            "2026-11-01",
            &[("2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z")],
        ),
        ("Europe/Berlin", lasting("30 2 * * *", 60), "2026-10-25", &[("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]),
        (
            "America/New_York",
            lasting("*/30 1 * * *", 10),
            "2026-11-01",
            &[("2026-11-01T05:00:00Z", "2026-11-01T05:10:00Z"), ("2026-11-01T05:30:00Z", "2026-11-01T05:40:00Z")],
        ),
        // Closing in the fold: the last pass; in the gap: the first instant after it.
        (
            "America/New_York",
            between("0 0 * * *", "30 1 * * *"),
            "2026-11-01",
            &[("2026-11-01T04:00:00Z", "2026-11-01T06:30:00Z")],
        ),
        (
            "America/New_York",
            between("0 0 * * *", "30 2 * * *"),
            "2026-03-08",
            &[("2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z")],
        ),
        // Both in one gap: as long as it would have been.
        (
            "America/New_York",
            between("0 2 * * *", "20 2 * * *"),
            "2026-03-08",
            &[("2026-03-08T07:00:00Z", "2026-03-08T07:20:00Z")],
        ),
        // Half an hour, lost or twice.
        (
            "Australia/Lord_Howe",
            lasting("15 2 * * *", 30),
            "2026-10-04",
            &[("2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z")],
        ),
        (
            "Australia/Lord_Howe",
            lasting("45 1 * * *", 30),
            "2026-04-05",
            &[("2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z")],
        ),
        // The lost day's opening happens when the next day begins.
        ("Pacific/Apia", lasting("0 9 30 12 *", 60), "2011-12-31", &[("2011-12-30T10:00:00Z", "2011-12-30T11:00:00Z")]),
        (
            "Antarctica/Troll",
            lasting("30 2 * * *", 60),
            "2026-03-29",
            &[("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")],
        ),
        (
            "Africa/Casablanca",
            lasting("30 2 * * *", 60),
            "2026-02-15",
            &[("2026-02-15T01:30:00Z", "2026-02-15T02:30:00Z")],
        ),
        // A night over the change: the duration is time that passes, the closing is what the clock shows.
        (
            "Europe/Berlin",
            lasting("0 22 * * *", 480),
            "2026-03-28",
            &[("2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z")],
        ),
        (
            "Europe/Berlin",
            between("0 22 * * *", "0 6 * * *"),
            "2026-03-28",
            &[("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z")],
        ),
    ];
    for (name, when, day, expected) in table {
        let zone = zone(name).unwrap();
        let day: jiff::civil::Date = day.parse().unwrap();
        let from = tidegate::schedule::start_of_day(&zone, day).unwrap();
        let until = tidegate::schedule::start_of_day(&zone, day.tomorrow().unwrap()).unwrap();
        let mut pool = pool(0, None);
        pool.windows = vec![window("w", name, when.clone(), asks(1, None))];
        let spans = open_times(&pool, &pool.windows[0], from, until);
        let found: Vec<_> = spans.iter().filter(|span| span.from >= from).map(|span| (span.from, span.until)).collect();
        let expected: Vec<_> = expected.iter().map(|(from, until)| (at(from), at(until))).collect();
        assert_eq!(found, expected, "{name} {day} {when:?}");
    }
}

/// Friday 30 December 2011 never was in Apia: what opens on it begins on Saturday, when what opened on Monday ends.
#[test]
fn openings_of_a_day_that_never_was_are_as_long_as_asked() {
    let mut pool = pool(1, Some(10));
    pool.windows = vec![window("w", "Pacific/Apia", between("0 * * * MON-FRI", "*/15 0,2 * * SAT,SUN"), asks(5, None))];
    let found = open_times(&pool, &pool.windows[0], at("2011-12-27T00:00:00Z"), at("2012-01-01T00:00:00Z"));
    let spans: Vec<_> = found.iter().map(|span| (span.from, span.until)).collect();
    assert_eq!(spans, [(at("2011-12-26T10:00:00Z"), at("2011-12-31T10:00:00Z"))]);
}
