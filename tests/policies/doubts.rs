//! What is well-formed and often not meant is said where one asks for it, on the words that are meant, and seldom of what
//! is right.

use jiff::Timestamp;
use tidegate::policy::{Loaded, PolicySource, Severity, load, past};

fn read(spec: &str) -> (String, Loaded) {
    let text = format!("apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: p}}\nspec:\n{spec}");
    let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.clone().into_bytes() }]);
    assert!(loaded.policy.is_some() && loaded.problems.is_empty(), "{spec}: {:#?}", loaded.problems);
    (text, loaded)
}

/// `code underlined`, each with what to do about it.
fn doubts(spec: &str) -> Vec<String> {
    let (text, loaded) = read(spec);
    let said = |problem: &tidegate::policy::Problem| {
        assert!(problem.severity == Severity::Warning && problem.help.is_some(), "{problem}");
        let bytes = problem.place.as_ref().unwrap().bytes.clone().unwrap();
        format!("{} {}", problem.code, &text[bytes.start as usize..bytes.end as usize])
    };
    loaded.doubts.iter().map(said).collect()
}

fn window(fields: &str) -> String {
    format!(
        "  timeZone: America/Denver\n  pools:\n    - name: a\n      nodes: {{names: \"n-{{1..9}}\"}}\n      max: 9\n      \
         windows:\n        - {{name: w, {fields}}}\n"
    )
}

/// What a person may have mistyped, and beside it what is like it and right.
#[test]
fn windows_that_may_not_be_meant() {
    for (fields, expected) in [
        // 00:13 is no time at which people begin; 00:10 is, unless 10:00 would make a shorter day of it.
        ("start: \"13 0 * * TUE\", duration: 3h, min: 2, lead: 15m", Some("minute-for-hour \"13 0 * * TUE\"")),
        ("start: \"13 0 * * TUE\", end: \"0 16 * * TUE\", min: 2, lead: 15m", Some("minute-for-hour \"13 0 * * TUE\"")),
        ("start: \"10 0 * * *\", end: \"0 16 * * *\", min: 2, lead: 15m", Some("minute-for-hour \"10 0 * * *\"")),
        ("start: \"0 8 * * *\", end: \"18 0 * * *\", max: 2", Some("minute-for-hour \"18 0 * * *\"")),
        ("start: \"0 8 * * *\", end: \"15 0 * * *\", max: 2", Some("minute-for-hour \"15 0 * * *\"")),
        ("start: \"10 0 * * *\", duration: 3h, max: 2", None),
        ("start: \"5 0 * * *\", end: \"0 6 * * *\", max: 2", None),
        ("start: \"0 18 * * *\", end: \"15 0 * * *\", max: 2", None),
        ("start: \"0 0 * * *\", duration: 3h, max: 2", None),
        ("start: \"30 0 * * *\", end: \"0 23 * * *\", max: 2", None),
        ("start: \"13 13 * * *\", duration: 1h, max: 2", None),
        ("start: \"59 23 * * *\", duration: 1h, max: 2", None),
        // A day too late; over a weekend, a night and in whole days is meant, and so is a freeze.
        ("start: \"0 13 * * TUE\", end: \"0 16 * * WED\", max: 2", Some("open-overnight \"0 16 * * WED\"")),
        ("start: \"0 8 * * MON\", end: \"0 18 * * FRI\", max: 2", Some("open-overnight \"0 18 * * FRI\"")),
        ("start: \"0 8 * * MON-FRI\", end: \"0 18 * * FRI\", max: 2", Some("open-overnight \"0 18 * * FRI\"")),
        ("start: \"0 18 * * FRI\", end: \"0 6 * * MON\", max: 2", None),
        ("start: \"0 0 * * SAT\", end: \"59 23 * * SUN\", max: 2", None),
        ("start: \"0 20 * * *\", end: \"0 6 * * *\", max: 2", None),
        ("start: \"0 8 * * MON-FRI\", end: \"0 18 * * MON-FRI\", max: 2", None),
        ("start: \"0 13 * * TUE\", end: \"0 16 * * WED\", kind: freeze", None),
        ("start: \"0 13 * * TUE\", duration: 27h, max: 2", None),
        // A year that is mistyped stops everything for as long; a term's worth of weeks is meant.
        ("from: 2025-12-07, until: 2026-12-11, kind: freeze", Some("long-freeze 2026-12-11")),
        ("from: 2026-12-07, until: 2027-02-06, kind: freeze", Some("long-freeze 2027-02-06")),
        ("start: \"0 0 1 1 *\", duration: 70d, kind: freeze", Some("long-freeze 70d")),
        ("from: 2026-12-07, until: 2027-02-03, kind: freeze", None),
        ("from: 2025-12-07, until: 2026-12-11, max: 2", None),
        // A window that is over only after it has opened again is always open; whole weeks and days side by side may be meant.
        ("start: \"0 13 * * TUE\", duration: 8d, max: 2", Some("never-closes 8d")),
        ("start: \"0 13 * * TUE\", duration: 8d, kind: freeze", Some("never-closes 8d")),
        ("start: \"0 8,20 * * *\", duration: 12h30m, max: 2", Some("never-closes 12h30m")),
        ("start: \"0 13 * * TUE\", duration: 7d, max: 2", None),
        ("start: \"0 0 * * *\", duration: 24h, max: 2", None),
        // A freeze that opens as it closes is one for ever.
        ("start: \"0 0 * * *\", duration: 24h, kind: freeze", Some("never-closes 24h")),
        ("start: \"0 0 * * *\", end: \"0 0 * * MON\", kind: freeze", Some("never-closes \"0 0 * * MON\"")),
        ("start: \"0 0 * * *\", duration: 23h, kind: freeze", None),
        ("start: \"0 0 * * MON-FRI\", duration: 24h, kind: freeze", None),
        ("start: \"0 18 * * FRI,SAT\", duration: 36h, max: 2", None),
        ("start: \"0 0 1 * *\", duration: 30d, max: 2", None),
        // Nodes that are paid for long before anybody needs them.
        ("start: \"0 13 * * TUE\", duration: 20h, lead: 15h, min: 2", Some("long-lead 15h")),
        ("start: \"0 13 * * TUE\", duration: 90m, lead: 2h, min: 2", Some("long-lead 2h")),
        ("start: \"0 13 * * TUE\", duration: 30m, lead: 1h, min: 2", None),
        ("start: \"0 13 * * TUE\", duration: 3h, lead: auto, min: 2", None),
        // More nodes are wanted and nothing says how early.
        ("start: \"0 13 * * TUE\", duration: 3h, min: 2", Some("no-lead w")),
        ("start: \"0 13 * * TUE\", duration: 3h, replicas: 2", Some("no-lead w")),
        ("start: \"0 13 * * TUE\", duration: 3h, min: 2, lead: 0", None),
        ("start: \"0 13 * * TUE\", duration: 3h, min: 0", None),
        // Less than a wake takes is late as well.
        ("start: \"0 13 * * TUE\", duration: 3h, min: 2, lead: 1m", Some("short-lead w")),
        ("start: \"0 13 * * TUE\", duration: 3h, min: 2, lead: 5m", None),
        ("start: \"0 13 * * TUE\", duration: 3h, max: 2, lead: 1m", None),
    ] {
        assert_eq!(doubts(&window(fields)), expected.into_iter().collect::<Vec<_>>(), "{fields}");
    }
}

/// A window that takes over from another one wakes nobody.
#[test]
fn a_window_that_follows_another_needs_no_lead() {
    let night = |from: &str| {
        window(&format!(
            "min: 4, lead: 15m, start: \"30 7 * * MON-FRI\", end: \"0 19 * * MON-FRI\"}}\n        - {{name: night, min: 4, from: \
             {from}, until: 2026-11-27"
        ))
    };
    assert_eq!(doubts(&night("2026-11-26T18:00")), Vec::<String>::new());
    assert_eq!(doubts(&night("2026-11-26T19:01")), ["no-lead night"]);
}

/// The fix can be pasted: it is the line with its two numbers the other way round, or with the other line's days.
#[test]
fn the_line_that_may_be_meant_is_written_out() {
    for (fields, meant) in [
        ("start: \"13 0 * * TUE\", duration: 3h, max: 2", "for 13:00 write `0 13 * * TUE`"),
        ("start: \"0 13 * * TUE\", end: \"0 16 * * WED\", max: 2", "write `0 16 * * TUE`"),
    ] {
        let help = read(&window(fields)).1.doubts.remove(0).help.unwrap();
        assert!(help.contains(meant), "{help}");
    }
}

#[test]
fn zones_without_daylight_time() {
    for (zone, city) in [
        ("MST", Some("America/Denver")),
        ("EST", Some("America/New_York")),
        ("GMT", Some("Europe/London")),
        ("Etc/GMT+7", Some("UTC-7")),
        ("Etc/GMT-2", Some("UTC+2")),
        ("UTC", None),
        ("Etc/UTC", None),
        ("America/Phoenix", None),
        ("Europe/Berlin", None),
        ("EST5EDT", None),
    ] {
        let pool = "  pools: [{name: a, nodes: {names: x}, windows: [{start: \"0 8 * * *\", duration: 1h, max: 1";
        for spec in [format!("  timeZone: {zone}\n{pool}}}]}}]\n"), format!("{pool}, timeZone: {zone}}}]}}]\n")] {
            let found = read(&spec).1.doubts;
            assert_eq!(found.len(), usize::from(city.is_some()), "{spec}: {found:?}");
            for problem in found {
                assert_eq!(&*problem.code, "fixed-zone");
                assert!(problem.to_string().contains(city.unwrap()), "{problem}");
            }
        }
    }
}

/// A window above its pool's `max` has its number, as `schedule` has it; one that names a `max` of its own says so itself.
#[test]
fn a_window_above_the_pools_max_says_who_wins() {
    for (ask, expected) in
        [("min: 10", true), ("replicas: 10", true), ("min: 10, max: 10", false), ("min: 5", false), ("max: 10", false)]
    {
        let spec = format!(
            "  schedules: [{{name: s, windows: [{{name: w, start: \"0 8 * * *\", duration: 1h, lead: 5m, {ask}}}]}}]\n  pools:\n    \
             - {{name: a, nodes: {{names: \"a-*\"}}, max: 5, schedules: [s]}}\n    - {{name: b, nodes: {{names: \"b-*\"}}, max: 5, schedules: [s]}}\n"
        );
        let spec = if ask == "max: 10" { spec.replace(", lead: 5m", "") } else { spec };
        let loaded = read(&spec).1;
        assert_eq!(loaded.doubts.len(), usize::from(expected), "{ask}: {:?}", loaded.doubts);
        let policy = loaded.policy.unwrap();
        let open = "2026-12-01T08:30:00Z".parse().unwrap();
        let held = tidegate::schedule::holds(&policy, &policy.pools[0], open, jiff::SignedDuration::ZERO);
        for problem in loaded.doubts {
            assert_eq!((&*problem.code, problem.related.len()), ("window-above-max", 1));
            assert_eq!((held.floor, held.ceiling), (10, Some(10)));
            assert!(problem.help.unwrap().contains("the pool has 10"), "{}", problem.message);
        }
    }
}

#[test]
fn a_wait_without_an_end_says_what_it_means() {
    for (rule, expected) in
        [("action: wait", vec!["endless-wait wait"]), ("action: wait, atMost: 2h", vec![]), ("action: block", vec![])]
    {
        let spec = format!(
            "  pools: [{{name: a, nodes: {{names: x}}}}]\n  drain: {{pods: [{{match: {{namespaces: [j]}}, {rule}}}]}}\n"
        );
        assert_eq!(doubts(&spec), expected, "{rule}");
    }
}

/// What is over is said when it is over, in its own zone, once however many pools have it.
#[test]
fn what_is_over_is_said_once() {
    let spec = "  timeZone: America/Denver\n  schedules:\n    - name: s\n      windows:\n        \
                - {name: day, start: \"0 8 * * *\", duration: 1h, max: 3}\n        \
                - {name: exam, kind: freeze, from: 2026-05-04, until: 2026-05-08}\n      exceptions:\n        \
                - {name: holidays, dates: [2026-12-24, 2025-12-20..2026-01-03], skip: [day]}\n  pools:\n    \
                - {name: a, nodes: {names: a}, schedules: [s]}\n    - {name: b, nodes: {names: b}, schedules: [s]}\n";
    let policy = read(spec).1.policy.unwrap();
    for (now, expected) in [
        ("2026-05-09T05:59:59Z", &[][..]),
        ("2026-05-09T06:00:00Z", &["window-past"]),
        ("2026-12-25T12:00:00Z", &["window-past"]),
        ("2026-12-27T00:00:00Z", &["window-past", "exception-past"]),
    ] {
        let problems = past(&policy, now.parse::<Timestamp>().unwrap());
        let codes: Vec<&str> = problems.iter().map(|problem| &*problem.code).collect();
        assert_eq!(codes, expected, "{now}");
        assert!(problems.iter().all(|problem| problem.severity == Severity::Warning && problem.help.is_some()));
    }
}

/// A holiday that was written a week off would otherwise be found out on the day.
#[test]
fn an_exception_that_skips_nothing() {
    let exceptions = |windows: &str, exceptions: &str| {
        let text = format!(
            "  schedules:\n    - name: s\n      windows: [{windows}]\n      exceptions: [{exceptions}]\n  pools:\n    \
             - {{name: a, nodes: {{names: \"w-{{1..4}}\"}}, schedules: [s]}}\n    \
             - {{name: b, nodes: {{names: \"v-{{1..4}}\"}}, schedules: [s]}}\n"
        );
        let loaded = read(&text).1;
        let skips = loaded.doubts.iter().filter(|doubt| &*doubt.code == "skips-nothing");
        skips.map(|doubt| doubt.message.clone()).collect::<Vec<_>>()
    };
    const TUESDAYS: &str = "{name: w, start: \"0 13 * * TUE\", duration: 3h, min: 2, lead: 15m}";
    const ONCE: &str = "{name: w, from: 2026-11-24T13:00, until: 2026-11-24T16:00, min: 2, lead: 15m}";
    const NIGHTS: &str = "{name: w, start: \"0 0 * * *\", duration: 24h, max: 2}";
    const NEVER: &str = "exception `x` skips nothing: window `w` never opens on its days";
    for (windows, days, rest, expected) in [
        (TUESDAYS, "[2026-11-25..2026-11-27]", "skip: [w]", Some(NEVER)),
        (TUESDAYS, "[2026-11-24..2026-11-27]", "skip: [w]", None),
        (TUESDAYS, "[2026-11-25, 2026-12-01]", "skip: [w]", None),
        (TUESDAYS, "[2026-11-25]", "min: 1", None),
        (TUESDAYS, "[2026-11-25]", "skip: [w], min: 1", Some(NEVER)),
        (ONCE, "[2026-11-23]", "skip: [w]", Some(NEVER)),
        (ONCE, "[2026-11-24]", "skip: [w]", None),
        (NIGHTS, "[2026-11-25]", "skip: [w]", None),
    ] {
        let found = exceptions(windows, &format!("{{name: x, dates: {days}, {rest}}}"));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{windows} {days} {rest}");
    }
    let found = exceptions(TUESDAYS, "{name: x, dates: [2026-11-25]}");
    assert_eq!(found, ["exception `x` skips nothing: no window opens on its days"]);
}

/// Three thousand windows are read in the time of their number, not of its square.
#[test]
fn thousands_of_windows_are_read_in_their_own_time() {
    let text = |many: usize| {
        let line = |number: usize| {
            let (minute, hour, day) = (number % 60, number / 60 % 24, number % 7);
            format!(
                "        - {{name: w{number}, start: \"{minute} {hour} * * {day}\", duration: 30m, min: {}}}\n",
                number % 5 + 1
            )
        };
        let windows: String = (0..many).map(line).collect();
        format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: many}}\nspec:\n  pools:\n    \
             - name: workers\n      nodes: {{names: \"n-{{2..10}}\"}}\n      max: 9\n      windows:\n{windows}"
        )
    };
    // What this thread had of a processor, whoever else wanted one meanwhile.
    let spent = || {
        let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        spent.split(' ').next()?.parse::<u64>().ok()
    };
    if spent().is_none() {
        println!("left out: this system does not say what a thread took");
        return;
    }
    let took = |many: usize| {
        let sources = [PolicySource { path: "many.yaml".into(), text: text(many).into_bytes() }];
        let began = spent().unwrap();
        let loaded = load(&sources);
        assert!(loaded.policy.is_some_and(|policy| policy.pools[0].windows.len() == many));
        spent().unwrap() - began
    };
    took(10);
    let (few, many) = (took(400), took(3200));
    assert!(many < few * 8 * 4, "400 windows took {few} ns, 3,200 took {many} ns");
}

/// A window is stronger than its pool: one that asks for less lets nodes go while it is open, and that may not be meant.
#[test]
fn a_window_below_its_pool_is_doubted_unless_it_says_that_it_is_meant() {
    let spec = |min: u32, fields: &str| {
        format!(
            "  pools:\n    - name: a\n      nodes: {{names: \"n-{{1..9}}\"}}\n      min: {min}\n      windows:\n        - {{name: w, start: \"0 8 * * *\", duration: 10h, lead: 15m, {fields}}}\n"
        )
    };
    for (min, fields, expected) in [
        (5, "min: 3", true),
        (5, "min: 3, max: 9", false),
        (5, "replicas: 3", false),
        (5, "min: 5", false),
        (3, "min: 5", false),
        (5, "kind: freeze", false),
    ] {
        let spec = spec(min, fields).replace("lead: 15m, kind", "kind");
        let found = doubts(&spec);
        assert_eq!(found == ["window-below-min 5"], expected, "{spec}: {found:?}");
        assert!(expected || found.is_empty(), "{spec}: {found:?}");
        // What is said is true: the floor is the window's while it is open.
        if expected {
            let policy = read(&spec).1.policy.unwrap();
            let open = "2026-12-01T08:30:00Z".parse().unwrap();
            let held = tidegate::schedule::holds(&policy, &policy.pools[0], open, jiff::SignedDuration::ZERO);
            assert_eq!(held.floor, 3);
        }
    }
}
