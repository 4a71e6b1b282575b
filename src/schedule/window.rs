//! When a window is open: its openings in a zone, without those that exceptions skip.

use std::collections::VecDeque;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Crontab, seam, zoned};
use crate::policy::{Exception, Pool, Recurrence, Window};

/// Searches go no further than this: five years.
pub(super) const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// The clocks of no zone were ever put on or back by more than a day.
pub(super) const LARGEST_SHIFT_DAYS: i64 = 2;

/// A window is open from the first instant up to the second, which is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant at which it is no longer open.
    pub until: Timestamp,
}

impl Span {
    /// Whether it is open at `at`.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// Whether `exception` keeps `window` from opening on its days. An exception of a schedule touches the windows of that
/// schedule, one of a pool all windows that the pool has; names may be written `window` or `schedule/window`.
pub fn skips(exception: &Exception, window: &Window) -> bool {
    if exception.schedule.is_some() && exception.schedule != window.schedule {
        return false;
    }
    let asks = &exception.ask;
    if exception.skip.is_empty() {
        return asks.min.is_none() && asks.max.is_none() && asks.replicas.is_none() && asks.headroom.is_none();
    }
    exception.skip.iter().any(|name| {
        *name == window.name
            || window.schedule.as_ref().is_some_and(|schedule| {
                name.strip_prefix(&**schedule).and_then(|rest| rest.strip_prefix('/')) == Some(&*window.name)
            })
    })
}

/// The times at which `window` is open in `[from, until)`, in order; openings that overlap or touch are one.
pub fn open_times(pool: &Pool, window: &Window, from: Timestamp, until: Timestamp) -> Vec<Span> {
    let calendar = Calendar::new(pool, window);
    calendar.spans(from, until).take_while(|span| span.from < until).collect()
}

/// The first span of [`open_times`], or of what it would be if no exception skipped anything.
pub fn first_open(pool: &Pool, window: &Window, skipping: bool, from: Timestamp, until: Timestamp) -> Option<Span> {
    let calendar = Calendar::new(pool, window);
    let calendar = if skipping { calendar } else { calendar.unskipped() };
    calendar.spans(from, until).next().filter(|span| span.from < until)
}

/// [`open_times`] as if no exception skipped anything.
pub fn open_times_unskipped(pool: &Pool, window: &Window, from: Timestamp, until: Timestamp) -> Vec<Span> {
    let calendar = Calendar::new(pool, window).unskipped();
    calendar.spans(from, until).take_while(|span| span.from < until).collect()
}

/// The openings of `window` that an exception of `pool` skips and that would fall into `[from, until)`.
pub fn skipped_openings<'a>(
    pool: &'a Pool,
    window: &'a Window,
    from: Timestamp,
    until: Timestamp,
) -> Vec<(Span, &'a Exception)> {
    let with = Calendar::new(pool, window);
    let without = with.unskipped();
    if with.exceptions.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut day = without.first_day(from);
    while let Some(date) = day.filter(|date| zoned::start_of_day(&with.zone, *date).is_some_and(|start| start < until))
    {
        if let Some(exception) = with.skipped(date) {
            let mut spans = VecDeque::new();
            without.open_on(date, &mut spans);
            let inside = spans.into_iter().filter(|span| span.from >= from && span.from < until);
            found.extend(inside.map(|span| (span, exception)));
        }
        day = without.next_day(date);
    }
    found
}

/// Whether `window` would open on one of the days on which `exception` keeps it from that.
pub fn would_skip(pool: &Pool, window: &Window, exception: &Exception) -> bool {
    if !skips(exception, window) {
        return false;
    }
    let calendar = Calendar::new(pool, window).unskipped();
    let once = match window.when {
        Recurrence::Once(from, _) => Some(calendar.zone.to_datetime(from).date()),
        Recurrence::For(..) | Recurrence::Until(..) => None,
    };
    exception.days.iter().any(|days| {
        if let Some(date) = once {
            return days.first <= date && date <= days.last;
        }
        let begin = zoned::start_of_day(&calendar.zone, days.first);
        let mut day = begin.and_then(|begin| calendar.first_day(begin));
        while let Some(date) = day.filter(|date| *date <= days.last) {
            let mut spans = VecDeque::new();
            if date >= days.first {
                calendar.open_on(date, &mut spans);
            }
            if !spans.is_empty() {
                return true;
            }
            day = calendar.next_day(date);
        }
        false
    })
}

/// A window with its zone and the exceptions that touch it.
#[derive(Clone)]
pub(super) struct Calendar<'a> {
    pub(super) window: &'a Window,
    pub(super) zone: TimeZone,
    pub(super) exceptions: Vec<&'a Exception>,
    /// For windows with a duration: minutes of the day as runs in which no opening is later than the end of the one
    /// before, first and last opening.
    runs: Vec<(u16, u16)>,
    /// What [`seam::slack`] says.
    pub(super) slack: Option<SignedDuration>,
}

impl<'a> Calendar<'a> {
    pub(super) fn new(pool: &'a Pool, window: &'a Window) -> Calendar<'a> {
        let exceptions = pool.exceptions.iter().filter(|exception| skips(exception, window)).collect();
        let mut runs: Vec<(u16, u16)> = Vec::new();
        if let Recurrence::For(start, duration) = &window.when {
            for minute in start.minutes_of_day().take_while(|_| duration.is_positive()) {
                match runs.last_mut() {
                    Some((_, last)) if duration.as_mins() >= i64::from(minute - *last) => *last = minute,
                    _ => runs.push((minute, minute)),
                }
            }
        }
        Calendar { window, zone: zoned::zone_or_utc(&window.zone), exceptions, runs, slack: seam::slack(&window.when) }
    }

    /// The same without exceptions.
    pub(super) fn unskipped(&self) -> Calendar<'a> {
        Calendar { exceptions: Vec::new(), ..self.clone() }
    }

    /// The exception that keeps it from opening on `date`.
    pub(super) fn skipped(&self, date: Date) -> Option<&'a Exception> {
        let on = |exception: &&&Exception| exception.days.iter().any(|day| day.first <= date && date <= day.last);
        self.exceptions.iter().find(on).copied()
    }

    /// The span that is open at `at` or else opens next, within five years.
    pub(super) fn next_span(&self, at: Timestamp) -> Option<Span> {
        self.spans(at, at.checked_add(HORIZON).unwrap_or(Timestamp::MAX)).next()
    }

    /// The exception that keeps an opening of `span`, which no exceptions were taken from, from being open at `at`.
    pub(super) fn skipped_in(&self, span: Span, at: Timestamp) -> Option<&'a Exception> {
        let local = |at: Timestamp| self.zone.to_datetime(at).date();
        let (mut date, last) = (local(span.from), local(at.max(span.from)));
        loop {
            if let Some(exception) = self.skipped(date) {
                return Some(exception);
            }
            date = date.tomorrow().ok().filter(|date| *date <= last)?;
        }
    }

    /// The spans that end after `at`, in order, joined where they overlap or touch. One whose openings join beyond
    /// `horizon` is the last, and as far as this search knows it has no end: [`Timestamp::MAX`].
    pub(super) fn spans(&self, at: Timestamp, horizon: Timestamp) -> Spans<'_, 'a> {
        let mut found = VecDeque::new();
        let mut day = None;
        match self.window.when {
            Recurrence::Once(from, until) => {
                if from < until && self.skipped(self.zone.to_datetime(from).date()).is_none() {
                    found.push_back(Span { from, until });
                }
            }
            _ => day = self.first_day(at),
        }
        Spans { calendar: self, at, horizon, day, found, joined: None }
    }

    /// The first day whose openings can still matter at `at`.
    fn first_day(&self, at: Timestamp) -> Option<Date> {
        let local = |at: Timestamp| self.zone.to_datetime(at).date();
        let shift = jiff::Span::new().days(LARGEST_SHIFT_DAYS);
        match &self.window.when {
            Recurrence::For(_, duration) if !duration.is_positive() => None,
            Recurrence::For(start, duration) => {
                let back = at.checked_sub(HORIZON.min(*duration)).unwrap_or(Timestamp::MIN);
                let eve = local(back).saturating_sub(shift).at(0, 0, 0, 0);
                start.next_after(eve.saturating_sub(jiff::Span::new().minutes(1))).map(DateTime::date)
            }
            Recurrence::Until(start, end) => {
                // Whatever opened before the last closing has closed; what opened after it may be skipped, so all of it.
                let oldest = at.checked_sub(HORIZON).map_or(DateTime::MIN, |at| self.zone.to_datetime(at));
                let closed = end.last_before(local(at).saturating_sub(shift).at(0, 0, 0, 0)).unwrap_or(oldest);
                let eve = closed.max(oldest).date().at(0, 0, 0, 0);
                start.next_after(eve.saturating_sub(jiff::Span::new().minutes(1))).map(DateTime::date)
            }
            Recurrence::Once(..) => None,
        }
    }

    /// The next day on which it opens.
    fn next_day(&self, date: Date) -> Option<Date> {
        match &self.window.when {
            Recurrence::For(start, _) | Recurrence::Until(start, _) => {
                start.next_after(date.at(23, 59, 0, 0)).map(DateTime::date)
            }
            Recurrence::Once(..) => None,
        }
    }

    /// The next day on which it opens again, after what opened on `date`: openings before the closing change nothing,
    /// unless the clocks leap over both.
    fn next_day_open(&self, date: Date) -> Option<Date> {
        let Recurrence::Until(start, end) = &self.window.when else { return self.next_day(date) };
        let last = start.last_before(date.tomorrow().ok()?.at(0, 0, 0, 0))?;
        let closing = end.next_after(last)?;
        if self.leapt_over(start, closing) {
            return self.next_day(date);
        }
        let again = start.next_after(closing.saturating_sub(jiff::Span::new().minutes(1)))?;
        if again.date() > date { Some(again.date()) } else { self.next_day(date) }
    }

    /// Whether one gap holds `closing` and an opening before it. Such an opening is as long as asked, even where the window
    /// was open already, so each of them counts.
    fn leapt_over(&self, start: &Crontab, closing: DateTime) -> bool {
        let from = start.last_before(closing).and_then(|last| zoned::start(&self.zone, last));
        from.zip(zoned::end(&self.zone, closing)).is_some_and(|(from, until)| from >= until)
    }

    /// When what opens at `opening` closes.
    pub(super) fn closes(&self, opening: DateTime) -> Option<Timestamp> {
        let from = zoned::start(&self.zone, opening)?;
        match &self.window.when {
            Recurrence::For(_, duration) => Some(from.checked_add(*duration).unwrap_or(Timestamp::MAX)),
            Recurrence::Until(_, end) => {
                let closing = end.next_after(opening)?;
                let until = zoned::end(&self.zone, closing)?;
                // Both in one gap: as long as it would have been.
                let asked = || from.checked_add(opening.duration_until(closing)).unwrap_or(Timestamp::MAX);
                Some(if until > from { until } else { asked() })
            }
            Recurrence::Once(_, until) => Some(*until),
        }
    }

    /// Adds what opens on `date`, a day on which the window's start fires.
    fn open_on(&self, date: Date, found: &mut VecDeque<Span>) {
        match &self.window.when {
            Recurrence::For(start, _) => {
                let mut open = |first: u16, last: u16| {
                    let from = zoned::start(&self.zone, at_minute(date, first));
                    if let (Some(from), Some(until)) = (from, self.closes(at_minute(date, last))) {
                        push(found, from, until);
                    }
                };
                // Only where the clocks stand still all day do minutes that touch on paper touch in time.
                if self.runs.iter().all(|(first, last)| first == last) || self.is_plain(date) {
                    self.runs.iter().for_each(|(first, last)| open(*first, *last));
                } else {
                    start.minutes_of_day().for_each(|minute| open(minute, minute));
                }
            }
            Recurrence::Until(start, end) => {
                let (mut closed, mut leapt) = (DateTime::MIN, false);
                for minute in start.minutes_of_day() {
                    let opening = at_minute(date, minute);
                    if opening < closed && !leapt {
                        continue;
                    }
                    let Some(closing) = end.next_after(opening) else { return };
                    (closed, leapt) = (closing, self.leapt_over(start, closing));
                    if let (Some(from), Some(until)) = (zoned::start(&self.zone, opening), self.closes(opening)) {
                        push(found, from, until);
                    }
                }
            }
            Recurrence::Once(..) => {}
        }
    }

    /// Whether the clocks stand still from midnight to midnight.
    fn is_plain(&self, date: Date) -> bool {
        let day = date.at(0, 0, 0, 0);
        let (Some(from), Some(until)) =
            (zoned::start(&self.zone, day), zoned::end(&self.zone, day.saturating_add(jiff::Span::new().days(1))))
        else {
            return false;
        };
        let hour = SignedDuration::from_hours(1);
        let (Ok(from), Ok(until)) = (from.checked_sub(hour), until.checked_add(hour)) else { return false };
        self.zone.following(from).next().is_none_or(|change| change.timestamp() > until)
    }
}

fn at_minute(date: Date, minute: u16) -> DateTime {
    let part = |value: u16| i8::try_from(value).unwrap_or(0);
    date.at(part(minute / 60), part(minute % 60), 0, 0)
}

fn push(found: &mut VecDeque<Span>, from: Timestamp, until: Timestamp) {
    match found.back_mut() {
        Some(last) if from <= last.until => last.until = last.until.max(until),
        _ if from < until => found.push_back(Span { from, until }),
        _ => {}
    }
}

/// The spans of a window, in order.
pub(super) struct Spans<'c, 'a> {
    calendar: &'c Calendar<'a>,
    at: Timestamp,
    horizon: Timestamp,
    day: Option<Date>,
    found: VecDeque<Span>,
    joined: Option<Span>,
}

impl Spans<'_, '_> {
    /// Passes over the days of which it is known that the window stays open. Whether it does beyond the horizon.
    fn leap(&mut self) -> bool {
        let (Some(date), Some(joined), true) = (self.day, &mut self.joined, self.found.is_empty()) else {
            return false;
        };
        let Some((until, day)) = self.calendar.leap(date, joined.until, self.horizon) else { return false };
        joined.until = until;
        self.day = day;
        until > self.horizon
    }

    fn pull(&mut self) -> Option<Span> {
        loop {
            if let Some(span) = self.found.pop_front() {
                return Some(span);
            }
            let date = self.day?;
            if zoned::start_of_day(&self.calendar.zone, date).is_none_or(|start| start > self.horizon) {
                self.day = None;
                return None;
            }
            self.day = if self.calendar.skipped(date).is_none() {
                self.calendar.open_on(date, &mut self.found);
                self.calendar.next_day_open(date)
            } else {
                self.calendar.next_day(date)
            };
        }
    }
}

impl Iterator for Spans<'_, '_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let mut unending = self.leap();
            if !unending {
                let Some(span) = self.pull() else {
                    return self.joined.take().filter(|joined| joined.until > self.at);
                };
                match &mut self.joined {
                    Some(joined) if span.from <= joined.until => {
                        joined.until = joined.until.max(span.until);
                        unending = joined.until > self.horizon;
                    }
                    joined => match joined.replace(span) {
                        Some(done) if done.until > self.at => return Some(done),
                        _ => continue,
                    },
                }
            }
            if unending {
                self.day = None;
                self.found.clear();
                return self.joined.take().map(|joined| Span { until: Timestamp::MAX, ..joined });
            }
        }
    }
}
