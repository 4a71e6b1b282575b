//! Who is heard where several speak.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tidegate::model::{Resources, Target};
use tidegate::policy::{Ask, Headroom, HeadroomUnit, Lead, Override, Overrun, Pool, Window, WindowKind};
use tidegate::schedule::Level;

use super::builder::*;

const ZONE: &str = "America/Denver";
/// A Tuesday, 12:00 in Denver.
const NOON: &str = "2026-12-01T19:00:00Z";

fn all_day(name: &str, priority: i32, ask: Ask) -> Window {
    Window { priority, ..window(name, ZONE, lasting("0 0 * * *", 1440), ask) }
}

fn at_one(name: &str, lead: i64, ask: Ask) -> Window {
    Window { lead: Lead::Fixed(minutes(lead)), ..window(name, ZONE, lasting("0 13 * * *", 180), ask) }
}

fn with(mut pool: Pool, windows: Vec<Window>) -> Pool {
    pool.windows = windows;
    pool
}

fn shut(mut pool: Pool, skip: &[&str], ask: Ask) -> Pool {
    pool.exceptions.push(exception("thanksgiving", "2026-12-01", "2026-12-01", skip, ask));
    pool
}

const LATER: &str = "2026-12-02T00:00:00Z";

#[test]
fn the_stronger_voice_is_heard() {
    let none = || asks(None, None);
    let table: Vec<(&str, Pool, Vec<Override>, u32, Option<u32>)> = vec![
        ("nobody", pool(0, None), vec![], 0, None),
        ("the pool", pool(1, Some(10)), vec![], 1, Some(10)),
        ("the pool's replicas", Pool { replicas: Some(4), ..pool(0, None) }, vec![], 4, Some(4)),
        ("a window over the pool", with(pool(5, Some(10)), vec![all_day("w", 0, asks(2, None))]), vec![], 2, Some(10)),
        (
            "one that only names a ceiling",
            with(pool(1, Some(10)), vec![all_day("w", 0, asks(None, 3))]),
            vec![],
            1,
            Some(3),
        ),
        (
            "priority, even for less",
            with(pool(1, Some(10)), vec![all_day("a", 0, asks(8, None)), all_day("b", 5, asks(4, None))]),
            vec![],
            4,
            Some(10),
        ),
        (
            "equal priority: larger floor, smaller ceiling",
            with(pool(1, Some(10)), vec![all_day("a", 0, asks(3, 9)), all_day("b", 0, asks(4, 8))]),
            vec![],
            4,
            Some(8),
        ),
        (
            "equal priority that cannot both hold: the floor",
            with(pool(1, Some(10)), vec![all_day("a", 0, asks(6, None)), all_day("b", 0, asks(None, 3))]),
            vec![],
            6,
            Some(6),
        ),
        (
            "a stronger ceiling cuts the floor",
            with(pool(1, Some(10)), vec![all_day("a", 0, asks(6, None)), all_day("b", 1, asks(None, 3))]),
            vec![],
            3,
            Some(3),
        ),
        (
            "a stronger floor lifts the ceiling",
            with(pool(1, Some(5)), vec![all_day("a", 0, asks(9, None))]),
            vec![],
            9,
            Some(9),
        ),
        (
            "an exception over a window",
            shut(with(pool(1, Some(10)), vec![all_day("a", 9, asks(9, None))]), &[], asks(2, None)),
            vec![],
            2,
            Some(10),
        ),
        (
            "a skipped window",
            shut(with(pool(1, Some(10)), vec![all_day("a", 0, asks(9, None))]), &["a"], none()),
            vec![],
            1,
            Some(10),
        ),
        (
            "by its full name",
            shut(with(pool(1, Some(10)), vec![all_day("a", 0, asks(9, None))]), &["teaching/a"], none()),
            vec![],
            1,
            Some(10),
        ),
        (
            "another window skipped",
            shut(with(pool(1, Some(10)), vec![all_day("a", 0, asks(9, None))]), &["b"], none()),
            vec![],
            9,
            Some(10),
        ),
        (
            "all of the schedule skipped",
            shut(with(pool(1, Some(10)), vec![all_day("a", 0, asks(9, None))]), &[], none()),
            vec![],
            1,
            Some(10),
        ),
        (
            "not the other schedule",
            shut(
                with(
                    pool(1, Some(10)),
                    vec![Window { schedule: Some("office".into()), ..all_day("a", 0, asks(9, None)) }],
                ),
                &[],
                none(),
            ),
            vec![],
            9,
            Some(10),
        ),
        (
            "an override over all",
            shut(pool(1, Some(10)), &[], asks(2, None)),
            vec![lift("workers", asks(7, None), LATER)],
            7,
            Some(10),
        ),
        ("an override to none", pool(1, Some(10)), vec![lift("workers", asks(None, 0), LATER)], 0, Some(0)),
        ("an override's replicas", pool(1, Some(2)), vec![lift("workers", replicas(5), LATER)], 5, Some(5)),
        ("an override that has expired", pool(1, Some(10)), vec![lift("workers", asks(7, None), NOON)], 1, Some(10)),
        ("an override of another pool", pool(1, Some(10)), vec![lift("gpu", asks(7, None), LATER)], 1, Some(10)),
        (
            "an override of a node",
            pool(1, Some(10)),
            vec![Override { target: Target::Node("workers".into()), ..lift("workers", asks(7, None), LATER) }],
            1,
            Some(10),
        ),
        (
            "two overrides",
            pool(1, Some(10)),
            vec![lift("workers", asks(7, 9), LATER), lift("workers", asks(3, 8), LATER)],
            7,
            Some(8),
        ),
        (
            "lead names the floor early",
            with(pool(1, Some(10)), vec![at_one("w", 60, asks(6, None))]),
            vec![],
            6,
            Some(10),
        ),
        ("not before the lead", with(pool(1, Some(10)), vec![at_one("w", 59, asks(6, None))]), vec![], 1, Some(10)),
        (
            "lead never names the ceiling",
            with(pool(1, Some(10)), vec![at_one("w", 60, asks(2, 3))]),
            vec![],
            2,
            Some(10),
        ),
        (
            "lead lifts the pool's ceiling",
            with(pool(1, Some(5)), vec![at_one("w", 60, asks(8, 12))]),
            vec![],
            8,
            Some(8),
        ),
        (
            "early replicas are a floor",
            with(pool(1, Some(10)), vec![at_one("w", 60, replicas(4))]),
            vec![],
            4,
            Some(10),
        ),
        ("early it never lowers", with(pool(5, Some(10)), vec![at_one("w", 60, replicas(2))]), vec![], 5, Some(10)),
        (
            "early against an open window with less priority",
            with(
                pool(1, Some(10)),
                vec![all_day("a", 0, asks(5, None)), Window { priority: 3, ..at_one("w", 60, asks(3, None)) }],
            ),
            vec![],
            5,
            Some(10),
        ),
    ];
    for (case, pool, overrides, floor, ceiling) in table {
        let policy = of(pool, overrides);
        let holding = holds(&policy, at(NOON));
        assert_eq!((holding.floor, holding.ceiling), (floor, ceiling), "{case}: {:#?}", holding.said);
        let ranks: Vec<_> = holding.said.iter().map(|said| said.level).collect();
        assert!(ranks.is_sorted_by(|a, b| a >= b), "{case}: strongest first");
        let decides = |what: &str, value: Option<u32>| {
            holding.said.iter().any(|said| {
                said.won
                    && (said.what == what || said.what == "replicas")
                    && value.is_none_or(|value| said.value == value.to_string())
            })
        };
        assert!(decides("min", Some(floor)) || decides("max", Some(floor)), "{case}: {:#?}", holding.said);
        assert!(decides("max", ceiling) || decides("min", ceiling), "{case}: {:#?}", holding.said);
    }
}

#[test]
fn the_chain_names_everybody_with_places_and_times() {
    let mut pool = shut(
        with(pool(1, Some(10)), vec![at_one("workshop", 60, asks(6, None)), all_day("base", 0, asks(3, None))]),
        &["workshop"],
        asks(None, None),
    );
    pool.windows[1].schedule = None;
    let policy = of(pool, vec![lift("workers", asks(None, 8), LATER)]);
    let said = holds(&policy, at(NOON)).said;
    let lines: Vec<String> = said
        .iter()
        .map(|said| {
            let place = said.origin.as_ref().map_or(0, |origin| origin.line);
            format!(
                "{:?} {} {} by {} line {place} {}",
                said.level,
                said.what,
                said.value,
                said.by,
                if said.won { "won" } else { "lost" }
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Override max 8 by override pool/workers line 30 won",
            "Exception skip window teaching/workshop by exception thanksgiving line 20 won",
            "Window min 3 by window base line 10 won",
            "Window min 6 by window teaching/workshop line 10 lost",
            "Pool min 1 by pool workers line 41 lost",
            "Pool max 10 by pool workers line 42 lost",
            "Default min 0 by built-in default line 0 lost",
            "Default max all members by built-in default line 0 lost",
        ]
    );
    let base = said.iter().find(|said| said.by == "window base").unwrap();
    assert!(base.from <= Some(at(NOON)) && base.until > Some(at(NOON)));
    let skipped = said.iter().find(|said| said.by == "window teaching/workshop").unwrap();
    assert_eq!(skipped.opens, Some(at("2026-12-01T20:00:00Z")));
    assert_eq!(said[0].until, Some(at(LATER)));
}

#[test]
fn freezes_and_relaxations() {
    let mut pool = pool(1, Some(10));
    let kinds = [
        ("freeze", WindowKind::Freeze(Overrun::Finish), 0),
        ("stop", WindowKind::Freeze(Overrun::Stop), 0),
        ("b", WindowKind::Relaxed(vec!["z".into(), "a".into()]), 0),
        ("c", WindowKind::Relaxed(vec!["m".into(), "a".into()]), 0),
    ];
    for (name, kind, priority) in kinds {
        let mut window = Window { kind, priority, ..at_one(name, 60, asks(None, None)) };
        window.when = lasting("0 12 * * *", 60);
        pool.windows.push(window);
    }
    let policy = of(pool, vec![]);
    let holding = holds(&policy, at(NOON));
    let freeze = holding.freeze.unwrap();
    assert_eq!(
        (&*freeze.name, freeze.overrun, freeze.until),
        ("teaching/stop", Overrun::Stop, Some(at("2026-12-01T20:00:00Z")))
    );
    assert_eq!(holding.relaxed.iter().map(|key| &**key).collect::<Vec<_>>(), ["a", "m", "z"]);
    assert_eq!(holding.said.iter().filter(|said| said.what == "freeze" && said.won).count(), 1);
    // Lead is for capacity only.
    assert_eq!(holds(&policy, at(NOON) - minutes(1)).freeze, None);
    let next = next_change(&policy, at(NOON)).unwrap();
    assert_eq!((next.at, next.holding.freeze), (at("2026-12-01T20:00:00Z"), None));
}

#[test]
fn headroom_is_the_larger_of_each_size() {
    let size = |cpu| Resources { cpu, ..Resources::default() };
    let room = |automatic, units: &[(i64, u32)]| Headroom {
        automatic,
        refill_after: None,
        units: units.iter().map(|(cpu, count)| HeadroomUnit { size: size(*cpu), count: *count }).collect(),
    };
    let ask = |headroom| Ask { headroom: Some(headroom), ..Ask::default() };
    let mut pool = with(
        pool(1, None),
        vec![
            all_day("a", 0, ask(room(Some(50), &[(1000, 2)]))),
            all_day("b", 0, ask(room(None, &[(1000, 1), (2000, 3)]))),
        ],
    );
    pool.headroom = Some(room(Some(900), &[]));
    assert_eq!(holds(&of(pool, vec![]), at(NOON)).headroom, Some(room(Some(50), &[(1000, 2), (2000, 3)])));
}

#[test]
fn nodes_wind_down_before_a_window_ends() {
    let mut pool = with(pool(1, Some(10)), vec![at_one("w", 15, asks(6, None))]);
    pool.wind_down = minutes(10);
    let policy = of(pool, vec![]);
    let turns = turns(&policy, at("2026-12-01T07:00:00Z"), at("2026-12-02T07:00:00Z"));
    let found: Vec<_> = turns
        .iter()
        .map(|turn| (turn.at, turn.holding.floor, turn.holding.winding_down_to, turn.why.join("; ")))
        .collect();
    let expected = [
        ("2026-12-01T19:45:00Z", 6, None, "window teaching/w: nodes wanted (opens 13:00, lead 15m)"),
        ("2026-12-01T22:50:00Z", 6, Some(1), "winding down to 1 (windDown 10m)"),
        ("2026-12-01T23:00:00Z", 1, None, "window teaching/w ends"),
    ];
    assert_eq!(found, expected.map(|(moment, floor, down, why)| (at(moment), floor, down, why.to_owned())));
}

#[test]
fn measured_lead_is_used_for_auto() {
    let mut pool = with(pool(1, Some(10)), vec![at_one("w", 0, asks(6, None))]);
    pool.windows[0].lead = Lead::Auto;
    let policy = of(pool, vec![]);
    assert_eq!(next_change(&policy, at(NOON)).unwrap().at, at("2026-12-01T19:53:00Z"));
}

#[test]
fn a_search_ends_after_five_years() {
    let leap = window("leap", ZONE, lasting("0 0 29 2 *", 60), asks(3, None));
    let once = window(
        "once",
        ZONE,
        tidegate::policy::Recurrence::Once(at("2040-01-01T00:00:00Z"), at("2040-01-02T00:00:00Z")),
        asks(3, None),
    );
    let policy = |window: &Window| of(with(pool(1, Some(10)), vec![window.clone()]), vec![]);
    assert_eq!(next_change(&policy(&leap), at("2096-03-01T00:00:00Z")), None);
    assert!(next_change(&policy(&leap), at("2026-03-01T00:00:00Z")).is_some());
    assert_eq!(next_change(&policy(&once), at("2030-01-01T00:00:00Z")), None);
    assert!(next_change(&policy(&once), at("2036-01-01T00:00:00Z")).is_some());
    assert_eq!(next_change(&of(pool(1, None), vec![]), at(NOON)), None);
}

#[test]
fn extreme_moments_and_lengths_are_answered() {
    let mut pool =
        with(pool(1, Some(10)), vec![at_one("w", i64::MAX / 60, asks(6, None)), all_day("x", 0, asks(2, None))]);
    pool.windows[1].when = tidegate::policy::Recurrence::For(crontab("* * * * *"), SignedDuration::MAX);
    pool.windows.push(window("none", "Nowhere/Land", lasting("* * * * *", 0), asks(9, None)));
    pool.wind_down = SignedDuration::MAX;
    pool.exceptions.push(exception("ever", "-009999-01-01", "9999-12-31", &["none"], asks(None, 9)));
    let policy = of(pool, vec![lift("workers", asks(3, None), "9999-12-30T22:00:00Z")]);
    for moment in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH, at(NOON)] {
        let holding = holds(&policy, moment);
        assert!(holding.ceiling.is_none_or(|ceiling| ceiling >= holding.floor));
        let _ = next_change(&policy, moment);
    }
    assert_eq!(turns(&policy, Timestamp::MAX, Timestamp::MIN), vec![]);
}

fn anything() -> impl Strategy<Value = (Pool, Vec<Override>)> {
    let ask = (prop::option::of(0u32..6), prop::option::of(0u32..9), prop::option::of(0u32..7))
        .prop_map(|(min, max, replicas)| Ask { min, max, replicas, headroom: None });
    let line = prop_oneof![Just("0 8 * * *"), Just("30 9 * * MON-FRI"), Just("0 22 * * *"), Just("15 12 1 12 2")];
    let one = (line, 1i64..900, 0i64..90, -1i32..2, ask.clone(), 0..6u8).prop_map(
        |(line, length, lead, priority, ask, kind)| Window {
            priority,
            lead: Lead::Fixed(minutes(lead)),
            kind: match kind {
                0 => WindowKind::Freeze(Overrun::Finish),
                1 => WindowKind::Relaxed(vec!["key".into()]),
                _ => WindowKind::Capacity(ask),
            },
            ..window("w", "America/New_York", lasting(line, length), Ask::default())
        },
    );
    let day = (0i64..4, any::<bool>(), ask.clone()).prop_map(|(day, skip, ask)| {
        let day = (jiff::civil::date(2026, 11, 1) + jiff::Span::new().days(day)).to_string();
        exception("e", &day, &day, if skip { &["w0"] } else { &[] }, ask)
    });
    let over = (0i64..90, ask).prop_map(|(hours, ask)| Override {
        expires: at("2026-11-01T00:00:00Z") + SignedDuration::from_hours(hours),
        ..lift("workers", ask, NOON)
    });
    let parts = (
        prop::collection::vec(one, 0..4),
        prop::collection::vec(day, 0..3),
        prop::collection::vec(over, 0..3),
        0i64..60,
    );
    parts.prop_map(|(mut windows, exceptions, overrides, down)| {
        for (index, window) in windows.iter_mut().enumerate() {
            window.name = format!("w{index}").into();
        }
        let pool = Pool { windows, exceptions, wind_down: minutes(down), ..pool(1, Some(5)) };
        (pool, overrides)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    /// What holds is a function of the moment, and the changes are exactly where a scan of all minutes sees one.
    #[test]
    fn changes_are_where_a_scan_sees_them((pool, overrides) in anything()) {
        let policy = of(pool, overrides);
        let start = at("2026-10-31T20:00:00Z");
        let key = |minute: i32| {
            let holding = holds(&policy, start + minutes(1) * minute);
            (holding.floor, holding.ceiling, holding.freeze.map(|held| held.name), holding.relaxed, holding.winding_down_to)
        };
        let length = 3 * 1440;
        let mut before = key(0);
        let mut scanned = Vec::new();
        for minute in 1..length {
            let now = key(minute);
            prop_assert!(now.1.is_none_or(|ceiling| ceiling >= now.0));
            if now != before {
                scanned.push(start + minutes(1) * minute);
            }
            before = now;
        }
        let found = turns(&policy, start + minutes(1), start + minutes(i64::from(length)));
        prop_assert_eq!(found.iter().map(|turn| turn.at).collect::<Vec<_>>(), scanned);
        let mut at = start;
        for turn in &found {
            let next = next_change(&policy, at).unwrap();
            prop_assert_eq!(&next, turn);
            prop_assert_eq!(&next.holding, &holds(&policy, next.at));
            prop_assert!(!turn.why.is_empty());
            at = next.at;
        }
        for said in found.iter().flat_map(|turn| &turn.holding.said) {
            prop_assert!(said.level == Level::Default || said.origin.is_some());
        }
    }
}
