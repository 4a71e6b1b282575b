//! Windows that join on and on: the same spans as opening by opening, and quickly.

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tidegate::policy::Recurrence;
use tidegate::schedule::{end, open_times, start, zone};

use super::builder::*;

const ZONES: [&str; 5] = ["UTC", "America/Denver", "Africa/Casablanca", "Antarctica/Troll", "Australia/Lord_Howe"];

/// Durations at and about which these lines become seamless, in minutes.
fn when() -> impl Strategy<Value = Recurrence> {
    let edge = |minutes: i64| (-61i64..62).prop_map(move |more| (minutes + more).max(1)).boxed();
    let lasts = |line: &'static str, minutes: i64| edge(minutes).prop_map(move |length| lasting(line, length));
    prop_oneof![
        lasts("*/5 * * * *", 5),
        lasts("0 8 * * *", 1440),
        lasts("*/5 * * * *", 1440),
        lasts("0 6,18 * * *", 720),
        lasts("0 0 * * MON-FRI", 3 * 1440),
        lasts("0 0 * * MON", 7 * 1440),
        lasts("0 0 1 * MON", 7 * 1440),
        lasts("0 0 1,15 * *", 17 * 1440),
        lasts("0 0 31 * *", 62 * 1440),
        lasts("0 0 */2 * MON", 31 * 1440),
        Just(between("0 0 * * *", "0 0 * * MON")),
        Just(between("*/30 * * * *", "30 1 * * *")),
        Just(between("*/30 * * * *", "29 1 * * *")),
        Just(between("0 2 * * *", "0 2 1 1 *")),
        Just(between("0 8 * * MON", "0 8 * * MON")),
        Just(between("0 0 * * MON-FRI", "0 0 1 * *")),
    ]
}

/// Opening by opening.
fn visited(
    when: &Recurrence,
    name: &str,
    skipped: (DateTime, i64),
    from: Timestamp,
    until: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let zone = zone(name).unwrap();
    let (line, closing) = match when {
        Recurrence::For(line, _) => (line, None),
        Recurrence::Until(line, end) => (line, Some(end)),
        Recurrence::Once(..) => unreachable!(),
    };
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    let mut time = zone.to_datetime(from - SignedDuration::from_hours(24 * 430));
    while let Some(next) = line.next_after(time).filter(|next| *next < zone.to_datetime(until)) {
        time = next;
        let (first, days) = skipped;
        let off = first.date().until(time.date()).unwrap().get_days();
        if (0..days).contains(&i64::from(off)) {
            continue;
        }
        let opens = start(&zone, time).unwrap();
        let closes = match (when, closing) {
            (Recurrence::For(_, length), _) => opens + *length,
            (_, Some(closing)) => {
                let closing = closing.next_after(time).unwrap();
                let closes = end(&zone, closing).unwrap();
                if closes > opens { closes } else { opens + time.duration_until(closing) }
            }
            _ => unreachable!(),
        };
        match spans.last_mut() {
            Some(last) if opens <= last.1 => last.1 = last.1.max(closes),
            _ => spans.push((opens, closes)),
        }
    }
    clipped(spans.into_iter(), from, until)
}

fn clipped(
    spans: impl Iterator<Item = (Timestamp, Timestamp)>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    spans.map(|(a, b)| (a.max(from), b.min(until))).filter(|(a, b)| a < b).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn leaping_finds_what_visiting_finds(
        when in when(),
        name in 0..ZONES.len(),
        day in 0i64..400,
        first in -5i64..500,
        days in prop_oneof![Just(0i64), 1i64..4, 20i64..90],
    ) {
        let name = ZONES[name];
        let from = at("2027-01-01T00:00:00Z") + SignedDuration::from_hours(24 * day);
        let until = from + SignedDuration::from_hours(24 * 500);
        let skipped = zone(name).unwrap().to_datetime(from + SignedDuration::from_hours(24 * first));
        let mut pool = pool(1, None);
        pool.windows = vec![window("w", name, when.clone(), asks(5, None))];
        if days > 0 {
            let last = skipped.date() + jiff::Span::new().days(days - 1);
            pool.exceptions =
                vec![exception("off", &skipped.date().to_string(), &last.to_string(), &[], asks(None, None))];
        }
        let found = open_times(&pool, &pool.windows[0], from, until);
        let found = clipped(found.into_iter().map(|span| (span.from, span.until)), from, until);
        prop_assert_eq!(found, visited(&when, name, (skipped, days), from, until), "{} {:?}", name, when);
    }
}

#[test]
fn windows_that_never_close_say_so_and_cost_next_to_nothing() {
    let mut pool = pool(1, None);
    for number in 0..300 {
        let zone = ZONES[number % ZONES.len()];
        pool.windows.push(window(&format!("w{number}"), zone, lasting("*/5 * * * *", 1440), asks(5, None)));
    }
    let policy = of(pool, Vec::new());
    let started = Instant::now();
    let holding = holds(&policy, at("2026-05-05T00:00:00Z"));
    assert!(holding.said.iter().filter(|said| said.by.starts_with("window")).all(|said| said.until.is_none()));
    assert_eq!(next_change(&policy, at("2026-05-05T00:00:00Z")), None);
    // A hang, not a speed: that is measured by the benches.
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}
