//! When two windows of a pool are first open together. Errors are timeless, so the search looks at fixed years.
//!
//! Windows that go by the day of the week alone repeat each week, except where clocks change: two of them are compared
//! in one week and about each clock change of five years. Any other pair is compared at each opening of the rarer one:
//! for 28 years, in which every date falls on every day of the week, or for five if it opens often.

use jiff::{SignedDuration, Timestamp};

use crate::policy::{Pool, Recurrence, Window};
use crate::schedule::{self, Crontab, Span, first_open, open_times, open_times_unskipped};

/// The search begins on 2026-01-01.
const BEGIN_SECOND: i64 = 1_767_225_600;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const FIVE_YEARS: i32 = 5 * 366;
const ALL_CALENDARS: i32 = 28 * 366;
/// A window that opens on more days of a year is often open.
const RARE_DAYS: usize = 60;
/// What opens before a clock change and goes on after it, and the week that follows; a window by the day of the week that
/// is open for longer never closes.
const AFTER_CHANGE_DAYS: i32 = 15;
/// Openings that the comparisons of one policy may look at.
const MOST_OPENINGS: usize = 50_000;

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// The first instant at which both are open.
    First(Timestamp),
    Never,
    /// Too many openings have been looked at before.
    NotCompared,
}

/// What the comparisons of one policy have left to look at.
pub(super) struct Search {
    left: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { left: MOST_OPENINGS }
    }
}

/// The windows of one pool, with what is known of each.
pub(super) struct Weeks<'a> {
    pool: &'a Pool,
    /// The times that stand for all, in order.
    times: Vec<Span>,
    /// By window: when it is open in these times, without exceptions; None until somebody asks.
    open: Vec<Option<Vec<Span>>>,
    /// By window: whether it goes by the day of the week alone, and on about how many days of a year it opens.
    habits: Vec<(bool, usize)>,
}

impl<'a> Weeks<'a> {
    pub(super) fn new(pool: &'a Pool) -> Self {
        let begin = Timestamp::from_second(BEGIN_SECOND).unwrap_or_default();
        let end = later(begin, DAY.saturating_mul(FIVE_YEARS));
        let mut zones: Vec<_> = pool.windows.iter().map(|window| &window.zone).collect();
        zones.sort();
        zones.dedup();
        let zones = zones.into_iter().filter_map(|zone| schedule::zone(zone));
        let mut changes: Vec<Timestamp> =
            zones.flat_map(|zone| schedule::clock_changes(&zone, begin, end)).map(|change| change.at).collect();
        changes.push(begin);
        changes.sort();
        let mut times: Vec<Span> = Vec::new();
        for change in changes {
            let until = later(change, DAY * AFTER_CHANGE_DAYS);
            match times.last_mut() {
                Some(last) if change <= later(last.until, DAY) => last.until = until,
                _ => times.push(Span { from: change.checked_sub(DAY).unwrap_or(change).max(begin), until }),
            }
        }
        let habits = pool.windows.iter().map(|window| (weekly(window), days_a_year(window))).collect();
        Self { pool, times, open: vec![None; pool.windows.len()], habits }
    }

    fn habit(&self, index: usize) -> (bool, usize) {
        self.habits.get(index).copied().unwrap_or_default()
    }

    fn opened(&self, index: usize) -> &[Span] {
        self.open.get(index).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Finds out when a window is open.
    fn open(&mut self, index: usize) {
        let (pool, times) = (self.pool, &self.times);
        let Some((slot, window)) = self.open.get_mut(index).zip(pool.windows.get(index)) else { return };
        slot.get_or_insert_with(|| {
            let clipped = |time: &Span| {
                let spans = open_times_unskipped(pool, window, time.from, time.until);
                let clip = |span: Span| Span { from: span.from.max(time.from), until: span.until.min(time.until) };
                spans.into_iter().map(clip).collect::<Vec<_>>()
            };
            times.iter().flat_map(clipped).collect()
        });
    }

    /// Compares two windows, by their places in the pool.
    pub(super) fn overlap(&mut self, one: usize, two: usize, search: &mut Search) -> Overlap {
        let (Some(first), Some(second)) = (self.pool.windows.get(one), self.pool.windows.get(two)) else {
            return Overlap::Never;
        };
        let (ones, twos) = (self.habit(one), self.habit(two));
        if ones.0 && twos.0 {
            [one, two].into_iter().for_each(|index| self.open(index));
            return match meet(self.opened(one), self.opened(two)) {
                None => Overlap::Never,
                // Exceptions may skip it; what is left is usually near.
                Some(at) => with_exceptions(self.pool, first, second, at).map_or(Overlap::Never, Overlap::First),
            };
        }
        let (rare, other, days) = if ones.1 <= twos.1 { (first, second, ones.1) } else { (second, first, twos.1) };
        let begin = Timestamp::from_second(BEGIN_SECOND).unwrap_or_default();
        let (mut from, end) = match rare.when {
            Recurrence::Once(from, until) => (from, until),
            _ => {
                let days = if days <= RARE_DAYS { ALL_CALENDARS } else { FIVE_YEARS };
                (begin, later(begin, DAY.saturating_mul(days)))
            }
        };
        while from < end {
            if search.left == 0 {
                return Overlap::NotCompared;
            }
            search.left -= 1;
            let Some(span) = first_open(self.pool, rare, true, from, end) else { return Overlap::Never };
            let from_both = span.from.max(from);
            if let Some(met) = first_open(self.pool, other, true, from_both, span.until) {
                return Overlap::First(met.from.max(from_both));
            }
            from = span.until;
        }
        Overlap::Never
    }
}

/// The first instant from `from` on at which both are open although exceptions skip some openings.
fn with_exceptions(pool: &Pool, one: &Window, two: &Window, mut from: Timestamp) -> Option<Timestamp> {
    if pool.exceptions.is_empty() {
        return Some(from);
    }
    let end = later(from, DAY.saturating_mul(FIVE_YEARS));
    while from < end {
        let until = later(from, DAY * 43).min(end);
        let (first, second) = (open_times(pool, one, from, until), open_times(pool, two, from, until));
        if let Some(at) = meet(&first, &second) {
            return Some(at.max(from));
        }
        from = until;
    }
    None
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn lines(window: &Window) -> Vec<&Crontab> {
    match &window.when {
        Recurrence::For(start, _) => vec![start],
        Recurrence::Until(start, end) => vec![start, end],
        Recurrence::Once(..) => Vec::new(),
    }
}

/// Whether it goes by the day of the week alone.
fn weekly(window: &Window) -> bool {
    let lines = lines(window);
    !lines.is_empty() && lines.iter().all(|line| line.months().count() == 12 && line.days_of_month().count() == 31)
}

/// On about how many days of a year it opens.
fn days_a_year(window: &Window) -> usize {
    let Some(line) = lines(window).first().copied() else { return 0 };
    let (months, days, week) = (line.months().count(), line.days_of_month().count(), line.days_of_week().count());
    let by_week = months * week * 30 / 7;
    match (line.either_day(), days == 31) {
        (true, _) => by_week + months * days,
        (false, true) => by_week,
        (false, false) => months * days * week / 7,
    }
}

/// The first instant that is in a span of both; each list is in order.
fn meet(one: &[Span], two: &[Span]) -> Option<Timestamp> {
    let (mut ones, mut twos) = (one.iter().peekable(), two.iter().peekable());
    while let (Some(a), Some(b)) = (ones.peek(), twos.peek()) {
        let (from, until) = (a.from.max(b.from), a.until.min(b.until));
        if from < until {
            return Some(from);
        }
        if a.until <= b.until {
            ones.next();
        } else {
            twos.next();
        }
    }
    None
}
