//! Windows that cannot both hold, against open times compared one by one.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tidegate::policy::{Loaded, PolicySource, load};
use tidegate::schedule::open_times;

const HEAD: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n";

fn policy(zone: &str, windows: &str, more: &str) -> Loaded {
    let text = format!(
        "{HEAD}  timeZone: {zone}\n  pools:\n    - name: a\n      nodes: {{names: \"n-{{1..400}}\"}}\n{more}      windows:\n{windows}"
    );
    let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.into_bytes() }]);
    crate::helped(&loaded.problems);
    loaded
}

fn pair(one: &str, two: &str) -> String {
    format!("        - {{name: one, {one}, min: 5}}\n        - {{name: two, {two}, max: 2, PRIORITY}}\n")
}

fn errors(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect()
}

#[test]
fn rare_days_are_found_however_far_away() {
    for (one, two, first) in [
        ("start: \"0 8 29 2 *\", duration: 2h", "start: \"0 9 * * *\", duration: 1h", Some("Tue 2028-02-29 09:00")),
        // The 29th of February is a Monday once in 28 years.
        ("start: \"0 8 29 2 *\", duration: 2h", "start: \"0 9 * * MON\", duration: 1h", Some("Mon 2044-02-29 09:00")),
        ("start: \"0 8 25 12 *\", duration: 2h", "start: \"0 9 * * MON\", duration: 1h", Some("Mon 2028-12-25 09:00")),
        ("start: \"0 8 25 12 *\", duration: 2h", "start: \"0 8 26 12 *\", duration: 2h", None),
        ("start: \"0 8 31 12 *\", duration: 2d", "start: \"0 8 1 1 *\", duration: 1h", Some("Thu 2026-01-01 08:00")),
        ("start: \"0 8 * * *\", end: \"0 18 * * *\"", "start: \"0 18 * * *\", end: \"0 8 * * *\"", None),
        // Only where the clocks go back does the first still run when the second opens.
        (
            "start: \"30 0 * * SUN\", end: \"30 1 * * SUN\"",
            "start: \"30 1 * * SUN\", duration: 10m",
            Some("Sun 2026-11-01 01:30"),
        ),
        ("start: \"0 0 * * *\", duration: 2h", "start: \"0 2 * * *\", duration: 1h", None),
    ] {
        let loaded = policy("America/New_York", &pair(one, two).replace(", PRIORITY", ""), "");
        let found = errors(&loaded);
        match first {
            None => assert_eq!(found, Vec::<String>::new(), "{one} {two}"),
            Some(first) => {
                assert_eq!(found.len(), 1, "{one} {two}: {found:?}");
                assert!(
                    found[0].starts_with("windows-contradict") && found[0].contains(first),
                    "{one} {two}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn days_that_exceptions_skip_do_not_count() {
    let windows =
        pair("start: \"0 8 29 2 *\", duration: 2h", "start: \"0 9 * * *\", duration: 1h").replace(", PRIORITY", "");
    for (dates, first) in [("[2028-02-29]", Some("Sun 2032-02-29")), ("[2028-02-29, 2032-02-29..2060-01-01]", None)] {
        let skip = format!("      exceptions: [{{name: rest, dates: {dates}, skip: one}}]\n");
        let found = errors(&policy("UTC", &windows, &skip));
        assert_eq!(found.iter().any(|error| error.contains("windows-contradict")), first.is_some(), "{found:?}");
        assert!(first.is_none_or(|first| found[0].contains(first)), "{found:?}");
    }
}

#[test]
fn hundreds_of_windows_are_compared_at_once() {
    let apart = |number: usize| {
        let asks = if number.is_multiple_of(2) { "min: 9" } else { "max: 1" };
        format!(
            "        - {{name: w{number}, start: \"{} {} * * *\", duration: 1m, {asks}}}\n",
            number % 60,
            number / 60
        )
    };
    let forever = |number: usize| {
        format!("        - {{name: w{number}, start: \"*/5 * * * *\", duration: 24h, min: {number}}}\n")
    };
    let cases: [(&str, &dyn Fn(usize) -> String); 2] = [("apart", &apart), ("for ever", &forever)];
    for (name, window) in cases {
        let windows: String = (0..300).map(window).collect();
        let started = Instant::now();
        let loaded = policy("UTC", &windows, "");
        assert_eq!(errors(&loaded), Vec::<String>::new(), "{name}");
        // A hang, not a speed: that is measured by the benches.
        assert!(started.elapsed() < Duration::from_secs(60), "{name}: {:?}", started.elapsed());
    }
}

#[test]
fn a_search_that_was_cut_short_says_so() {
    let windows: String = (0..60)
        .map(|number: usize| {
            let (half, asks) = if number.is_multiple_of(2) { ("1-15", "min: 9") } else { ("16-31", "max: 1") };
            format!("        - {{name: w{number}, start: \"{number} 8 {half} * *\", duration: 1m, {asks}}}\n")
        })
        .collect();
    let loaded = policy("UTC", &windows, "");
    assert!(loaded.policy.is_some(), "not an error");
    let found = errors(&loaded);
    assert!(found[0].starts_with("not-compared ") && found[0].contains("other pairs"), "{found:?}");
}

fn when() -> impl Strategy<Value = String> {
    let line = || {
        (
            prop::sample::select(vec!["0", "30", "15,45"]),
            prop::sample::select(vec!["0", "1", "2", "8-9", "23"]),
            prop::sample::select(vec!["*", "*", "1", "29-31", "*/2"]),
            prop::sample::select(vec!["*", "*", "2", "3-4,10"]),
            prop::sample::select(vec!["*", "*", "SUN", "MON-FRI"]),
        )
            .prop_map(|(minute, hour, day, month, week)| format!("{minute} {hour} {day} {month} {week}"))
    };
    prop_oneof![
        (line(), prop::sample::select(vec!["10m", "1h", "3h", "26h", "40d"]))
            .prop_map(|(line, length)| format!("start: \"{line}\", duration: {length}")),
        (line(), line())
            .prop_filter("never opens", |(start, end)| start != end)
            .prop_map(|(start, end)| format!("start: \"{start}\", end: \"{end}\"")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn the_first_instant_is_the_one_that_comparing_all_finds(
        one in when(), two in when(), zone in prop::sample::select(vec!["UTC", "America/New_York", "Australia/Lord_Howe"]),
    ) {
        // With a priority of its own nothing is compared, so that the windows can be looked at.
        let apart = policy(zone, &pair(&one, &two).replace("PRIORITY", "priority: 1"), "").policy.unwrap();
        let pool = &apart.pools[0];
        let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let end = begin + SignedDuration::from_hours(24 * 5 * 366);
        let spans = |index: usize| open_times(pool, &pool.windows[index], begin, end);
        let (ones, twos) = (spans(0), spans(1));
        let mut from = 0;
        let mut met = None;
        for a in &ones {
            while twos.get(from).is_some_and(|b| b.until <= a.from) {
                from += 1;
            }
            if let Some(b) = twos.get(from).filter(|b| b.from < a.until) {
                met = Some(a.from.max(b.from).max(begin));
                break;
            }
        }
        let found = errors(&policy(zone, &pair(&one, &two).replace(", PRIORITY", ""), ""));
        let contradicts = found.iter().find(|error| error.starts_with("windows-contradict"));
        match met {
            Some(met) => {
                let when = met.to_zoned(tidegate::schedule::zone(zone).unwrap()).strftime("from %a %Y-%m-%d %H:%M ").to_string();
                prop_assert!(contradicts.is_some_and(|error| error.contains(&when)), "{one} and {two}: {met}, {found:?}");
            }
            // Rare windows are searched further.
            None => prop_assert!(contradicts.is_none_or(|error| year(error) >= 2031), "{one} and {two}: {found:?}"),
        }
    }
}

/// The year of the first instant in a message.
fn year(error: &str) -> i32 {
    let (_, after) = error.split_once(": from ").unwrap();
    after.split(' ').nth(1).unwrap()[..4].parse().unwrap()
}

/// Exceptions have no priorities: on a day that two share, both must be able to hold.
#[test]
fn exceptions_that_share_a_day_must_be_able_to_hold_together() {
    let found = |one: &str, two: &str| {
        let text = format!("      exceptions: [{{name: one, {one}}}, {{name: two, {two}}}]\n");
        errors(&policy("UTC", "        - {name: w, start: \"0 8 * * *\", duration: 1h, min: 1}\n", &text))
    };
    for (one, two, day) in [
        (
            "dates: 2026-12-01..2026-12-09, max: 2",
            "dates: [2026-12-24, 2026-12-08..2026-12-31], min: 4",
            Some("2026-12-08"),
        ),
        ("dates: 2026-12-01, replicas: 2", "dates: 2026-12-01, replicas: 3", Some("2026-12-01")),
        ("dates: 2026-12-01, max: 4", "dates: 2026-12-01, min: 4", None),
        ("dates: 2026-12-01..2026-12-07, max: 2", "dates: 2026-12-08, min: 4", None),
    ] {
        let found = found(one, two);
        assert_eq!(found.len(), usize::from(day.is_some()), "{one} {two}: {found:?}");
        let said =
            |day: &str| found[0].starts_with("exceptions-contradict ") && found[0].contains(&format!("on {day} one"));
        assert!(day.is_none_or(said), "{one} {two}: {found:?}");
    }
}

/// Overrides end by themselves, so it is a warning; the explanation does not call equals stronger.
#[test]
fn overrides_that_cannot_both_hold_are_warned_of() {
    let load_with = |second: &str| {
        let text = format!(
            "{HEAD}  pools: [{{name: a, nodes: {{names: \"n-{{1..9}}\"}}}}]\n  overrides:\n    - {{target: pool/a, max: 1, \
             expires: \"2026-12-02T00:00:00Z\", reason: cold}}\n    - {{target: pool/a, {second}, expires: \
             \"2026-12-01T00:00:00Z\", reason: warm}}\n"
        );
        let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.into_bytes() }]);
        crate::helped(&loaded.problems);
        loaded
    };
    assert_eq!(errors(&load_with("min: 1")), Vec::<String>::new());
    let loaded = load_with("min: 3");
    let found = errors(&loaded);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("overrides-contradict ") && found[0].contains("until 2026-12-01T00:00:00Z"),
        "{found:?}"
    );
    let policy = loaded.policy.expect("a warning");
    for (at, told) in [("2026-11-30T12:00:00Z", true), ("2026-12-01T12:00:00Z", false)] {
        let at: Timestamp = at.parse().unwrap();
        let holding = tidegate::schedule::holds(&policy, &policy.pools[0], at, SignedDuration::ZERO);
        let text = tidegate::report::timetable::chain("a", "UTC", at, &holding);
        let max = text.lines().find(|line| line.contains("max 1")).unwrap();
        assert_eq!(max.contains("as strong, decides"), told, "{text}");
        assert!(!max.contains("something stronger"), "{text}");
    }
}
