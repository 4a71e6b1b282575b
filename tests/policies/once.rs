//! Windows that open once: written as people write times and days, read in the window's zone by the written rule.

use jiff::Timestamp;
use tidegate::policy::{Loaded, PolicySource, Recurrence, load};

fn policy(zone: &str, window: &str) -> Loaded {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: p}}\nspec:\n  timeZone: {zone}\n  \
         pools:\n    - name: a\n      nodes: {{names: \"n-{{1..4}}\"}}\n      windows:\n        - {{name: w, kind: freeze, {window}}}\n"
    );
    let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.into_bytes() }]);
    crate::helped(&loaded.problems);
    loaded
}

#[test]
fn times_and_days_are_read_in_the_windows_zone() {
    for (zone, window, opens, closes) in [
        // A time on the wall, with and without seconds, quoted and not.
        (
            "America/Denver",
            "from: 2026-12-07T08:00, until: \"2026-12-11T17:00:00\"",
            "2026-12-07T15:00:00Z",
            "2026-12-12T00:00:00Z",
        ),
        // Days: from the first instant of one through the end of the other.
        ("America/Denver", "from: 2026-12-07, until: 2026-12-11", "2026-12-07T07:00:00Z", "2026-12-12T07:00:00Z"),
        ("America/Denver", "from: 2026-12-07, until: 2026-12-07", "2026-12-07T07:00:00Z", "2026-12-08T07:00:00Z"),
        // A zone of the window's own counts.
        (
            "America/Denver",
            "from: 2026-12-07, until: 2026-12-07, timeZone: Asia/Tokyo",
            "2026-12-06T15:00:00Z",
            "2026-12-07T15:00:00Z",
        ),
        // An instant stays one.
        (
            "America/Denver",
            "from: 2026-12-07T08:00:00Z, until: 2026-12-07T03:00:00-07:00",
            "2026-12-07T08:00:00Z",
            "2026-12-07T10:00:00Z",
        ),
        // Inside a gap: the first instant after it.
        (
            "America/Denver",
            "from: 2026-03-08T02:30, until: 2026-03-08T04:00",
            "2026-03-08T09:00:00Z",
            "2026-03-08T10:00:00Z",
        ),
        // A repeated time opens at its first pass and closes at its last: never shorter than asked.
        (
            "America/Denver",
            "from: 2026-11-01T01:30, until: 2026-11-01T01:30",
            "2026-11-01T07:30:00Z",
            "2026-11-01T08:30:00Z",
        ),
        // A day without midnight, and one of 25 hours.
        ("America/Havana", "from: 2026-03-08, until: 2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("America/Denver", "from: 2026-11-01, until: 2026-11-01", "2026-11-01T06:00:00Z", "2026-11-02T07:00:00Z"),
    ] {
        let loaded = policy(zone, window);
        let policy = loaded.policy.unwrap_or_else(|| panic!("{window}: {:#?}", loaded.problems));
        let expected: [Timestamp; 2] = [opens.parse().unwrap(), closes.parse().unwrap()];
        assert_eq!(policy.pools[0].windows[0].when, Recurrence::Once(expected[0], expected[1]), "{window}");
    }
}

#[test]
fn what_is_no_time_is_refused_with_the_local_form_first() {
    for (window, code, word) in [
        ("from: tomorrow, until: 2026-12-11", "bad-time", "a time on the wall such as `2026-11-24T13:00`"),
        ("from: 2026-12-32, until: 2027-01-11", "bad-time", "a day such as"),
        ("from: 2026-12-07T25:00, until: 2027-01-11", "bad-time", "a day such as"),
        ("from: 2026-12-11, until: 2026-12-07", "window-never-opens", "closes before it opens"),
        ("from: 2026-12-07T09:00, until: 2026-12-07T09:00", "window-never-opens", "closes before it opens"),
        ("from: 2026-12-07, until: 9999-12-31", "out-of-range", "outside of what can be counted"),
    ] {
        let loaded = policy("America/Denver", window);
        assert!(loaded.policy.is_none(), "{window}");
        let found = loaded.problems.iter().find(|problem| *problem.code == *code);
        let found = found.unwrap_or_else(|| panic!("{window}: {:#?}", loaded.problems));
        assert!(found.message.contains(word), "{window}: {}", found.message);
    }
}

/// Whatever has a time takes it as windows do, in the policy's zone; what ends on a day ends with that day.
#[test]
fn every_time_of_a_policy_is_written_as_a_window_writes_it() {
    for (written, begins, ends) in [
        ("2026-11-13T18:00", "2026-11-14T01:00:00Z", "2026-11-14T01:00:00Z"),
        ("2026-11-13", "2026-11-13T07:00:00Z", "2026-11-14T07:00:00Z"),
        ("2026-11-13T18:00:00Z", "2026-11-13T18:00:00Z", "2026-11-13T18:00:00Z"),
        // Twice on the clock: an end is never earlier than asked.
        ("2026-11-01T01:30", "2026-11-01T07:30:00Z", "2026-11-01T08:30:00Z"),
    ] {
        let text = format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: p}}\nspec:\n  timeZone: America/Denver\n  \
             pools: [{{name: a, nodes: {{names: n-1}}}}]\n  \
             overrides: [{{target: pool/a, max: 0, expires: {written}, reason: r}}]\n  \
             rates: [{{unit: SU, perHour: {{m: 8}}, from: {written}}}]\n  \
             allocation: {{balance: 5, asOf: {written}, ends: 2026-12-31}}\n"
        );
        let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.clone().into_bytes() }]);
        let policy = loaded.policy.unwrap_or_else(|| panic!("{text}: {:#?}", loaded.problems));
        let (begins, ends): (Timestamp, Timestamp) = (begins.parse().unwrap(), ends.parse().unwrap());
        let allocation = policy.allocation.unwrap();
        assert_eq!(policy.overrides[0].expires, ends, "{written}");
        assert_eq!((policy.rates[0].from, allocation.as_of), (Some(begins), begins), "{written}");
        assert_eq!(allocation.ends, Some("2027-01-01T07:00:00Z".parse().unwrap()), "the last day counts");
    }
}
