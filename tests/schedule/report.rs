//! Timetables: what people and calendars see, and whether the timers that are printed are complete.

use jiff::SignedDuration;
use tidegate::policy::{Lead, Recurrence};
use tidegate::report::timetable::{About, Command, Timetable, calendar, crontab as timers, systemd, text};
use tidegate::schedule::{Crontab, zone};

use super::builder::*;

fn term() -> tidegate::policy::Policy {
    let mut pool = pool(1, Some(10));
    let mut workshop = window("workshop", "America/Denver", lasting("0 13 * * TUE", 180), asks(10, None));
    workshop.lead = Lead::Fixed(minutes(15));
    let night = window("night", "Europe/Berlin", between("30 22 * * *", "15 6 * * *"), asks(None, 4));
    let once = Recurrence::Once(at("2026-12-31T18:00:30Z"), at("2027-01-01T12:00:00Z"));
    pool.windows = vec![workshop, night, window("party", "America/Denver", once, asks(3, None))];
    pool.exceptions = vec![exception("thanksgiving", "2026-11-24", "2026-11-27", &["workshop"], asks(None, None))];
    pool.wind_down = minutes(20);
    of(pool, vec![lift("workers", asks(2, None), "2026-11-30T09:10:20Z")])
}

fn table(from: &str, until: &str) -> Vec<Timetable> {
    let policy = term();
    vec![Timetable::of(&policy, &policy.pools[0], at(from), at(until), minutes(7))]
}

#[test]
fn notes_tell_of_clocks_skipped_windows_and_years() {
    let tables = table("2026-10-20T00:00:00Z", "2027-01-02T00:00:00Z");
    let notes: Vec<_> = tables[0].notes.iter().map(|note| (note.about, note.at, note.text.as_str())).collect();
    let expected = [
        (About::Clock, "2026-10-25T01:00:00Z", "clocks go back 1h in Europe/Berlin, from UTC+02 to UTC+01"),
        (About::Clock, "2026-11-01T08:00:00Z", "clocks go back 1h in America/Denver, from UTC-06 to UTC-07"),
        (About::Skip, "2026-11-24T20:00:00Z", "exception thanksgiving skips window teaching/workshop (policy.yaml:20)"),
        (About::Year, "2027-01-01T07:00:00Z", "the year 2027 begins"),
    ];
    assert_eq!(notes, expected.map(|(about, moment, text)| (about, at(moment), text)));
    let text = text(&tables, 160);
    for (_, _, note) in expected {
        assert!(text.contains(note), "{text}");
    }
    assert!(text.contains("Tue 2026-12-01 12:45 -07:00  19:45Z"), "{text}");
    assert!(text.contains("window teaching/workshop: nodes wanted (opens 13:00, lead 15m)"), "{text}");
}

/// An exception that asks for numbers instead of skipping is seen as such wherever the timetable is: in its days nothing else
/// may change.
#[test]
fn an_exception_with_a_number_is_seen() {
    let mut policy = term();
    policy.pools[0].exceptions = vec![exception("thanksgiving", "2026-11-24", "2026-11-27", &[], asks(1, None))];
    let (from, until) = (at("2026-11-20T00:00:00Z"), at("2026-12-03T00:00:00Z"));
    let tables = vec![Timetable::of(&policy, &policy.pools[0], from, until, minutes(7))];
    let notes: Vec<_> =
        tables[0].notes.iter().map(|note| (note.about, note.at, note.until, note.text.as_str())).collect();
    assert_eq!(
        notes,
        [
            (
                About::Exception,
                at("2026-11-24T07:00:00Z"),
                Some(at("2026-11-28T07:00:00Z")),
                "exception thanksgiving asks for min 1 (policy.yaml:20)"
            ),
            (
                About::Exception,
                at("2026-11-24T20:00:00Z"),
                Some(at("2026-11-24T23:00:00Z")),
                "exception thanksgiving overrules window teaching/workshop: min 1 (policy.yaml:20)"
            ),
        ]
    );
    let ics = calendar(&tables).replace("\r\n ", "");
    // The window opens all the same: nothing of it is cancelled, or called skipped.
    assert!(!ics.contains("STATUS:CANCELLED") && !ics.contains(": skipped"), "{ics}");
    assert!(ics.contains("thanksgiving asks for min 1"), "{ics}");
    let ids: Vec<&str> = ics.lines().filter(|line| line.starts_with("UID:")).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "no two events are one");
    assert!(text(&tables, 160).contains("exception thanksgiving overrules window teaching/workshop"));
}

/// Each change has a line that fires in its minute or in the first whole one after it.
#[test]
fn crontab_lines_are_complete() {
    let tables = table("2026-10-20T00:00:00Z", "2027-10-20T00:00:00Z");
    let zone = zone(&tables[0].zone).unwrap();
    let run = Command { line: "run".into(), replace: None };
    let lines: Vec<Crontab> = timers(&tables, &run)
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("CRON_TZ"))
        .map(|line| Crontab::parse(line.trim_end_matches("run").trim()).unwrap())
        .collect();
    assert!(lines.len() < 60, "{}", lines.len());
    assert!(tables[0].turns.len() > 700);
    for turn in &tables[0].turns {
        let seconds = turn.at.as_second().rem_euclid(60);
        let run = turn.at + SignedDuration::from_secs((60 - seconds) % 60);
        let local = zone.to_datetime(run);
        assert!(lines.iter().any(|line| line.matches(local)), "nothing runs at {local}: {:?}", turn.why);
    }
    let unit = systemd(&tables, &run);
    assert_eq!(unit.lines().filter(|line| line.starts_with("OnCalendar=")).count(), lines.len());
}

/// An opening that an exception skips stands in the calendar as one that is cancelled (RFC 5545, 3.8.1.11).
#[test]
fn a_skipped_window_leaves_a_trace_in_the_calendar() {
    let text = calendar(&table("2026-11-20T00:00:00Z", "2026-12-04T00:00:00Z")).replace("\r\n ", "");
    let events: Vec<&str> = text.split("BEGIN:VEVENT").filter(|event| event.contains("STATUS:CANCELLED")).collect();
    let [event] = events.as_slice() else { panic!("{text}") };
    for line in [
        "DTSTART:20261124T200000Z",
        "DTEND:20261124T230000Z",
        "SUMMARY:workers: skipped",
        "DESCRIPTION:exception thanksgiving skips window teaching/workshop (policy.yaml:20)",
    ] {
        assert!(event.lines().any(|found| found == line), "{line}: {event}");
    }
}

/// Clocks that change and years that begin are in it too, at their instant and without a length.
#[test]
fn a_calendar_shows_clock_changes_and_years() {
    let text = calendar(&table("2026-10-20T00:00:00Z", "2027-01-02T00:00:00Z")).replace("\r\n ", "");
    let events: Vec<&str> = text.split("BEGIN:VEVENT").skip(1).collect();
    for (start, words) in
        [("20261101T080000Z", "clocks go back 1h in America/Denver"), ("20270101T070000Z", "the year 2027 begins")]
    {
        let found: Vec<&&str> = events.iter().filter(|event| event.contains(words)).collect();
        assert!(!found.is_empty(), "{words}: {text}");
        let at = |event: &&&str| event.contains(&format!("DTSTART:{start}\r\n")) && !event.contains("DTEND");
        assert!(found.iter().all(at), "{found:?}");
    }
}

#[test]
fn a_calendar_has_folded_lines_and_one_event_for_each_uid() {
    let text = calendar(&table("2026-10-20T00:00:00Z", "2027-01-02T00:00:00Z"));
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
    let uids: Vec<&str> = text.lines().filter(|line| line.starts_with("UID:")).collect();
    let mut unique = uids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), uids.len());
    assert_eq!(text.matches("BEGIN:VEVENT").count(), uids.len());
    assert_eq!(text, calendar(&table("2026-10-20T00:00:00Z", "2027-01-02T00:00:00Z")));
}
