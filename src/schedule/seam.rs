//! Windows that stay open from one opening to the next for years, without a visit to each opening.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::window::{Calendar, LARGEST_SHIFT_DAYS};
use super::{Crontab, zoned};
use crate::policy::Recurrence;

const DAY_MINUTES: u16 = 24 * 60;

/// How much later than on paper the next opening may come, with the window still open; None if there are times on paper
/// at which it is closed.
pub(super) fn slack(when: &Recurrence) -> Option<SignedDuration> {
    match when {
        Recurrence::For(start, duration) => {
            let slack = *duration - SignedDuration::from_mins(longest_wait(start)?);
            Some(slack).filter(|slack| !slack.is_negative())
        }
        // Whenever it closes it opens: a closing is the last pass of its minute, an opening the first.
        Recurrence::Until(start, end) => {
            let every_day = longest_days(start) == Some(1);
            let within = |ours: &Crontab, theirs: &Crontab| {
                let minutes: Vec<u16> = theirs.minutes_of_day().collect();
                ours.minutes_of_day().all(|minute| minutes.binary_search(&minute).is_ok())
            };
            (every_day && within(end, start)).then_some(SignedDuration::MAX)
        }
        Recurrence::Once(..) => None,
    }
}

/// The most minutes on paper from one opening to the next; None if that is not easily told.
fn longest_wait(start: &Crontab) -> Option<i64> {
    let minutes: Vec<u16> = start.minutes_of_day().collect();
    let (first, last) = (minutes.first()?, minutes.last()?);
    let inside = minutes.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).max().unwrap_or(0);
    let over_night = i64::from(DAY_MINUTES - last + first) + (longest_days(start)? - 1) * i64::from(DAY_MINUTES);
    Some(over_night.max(i64::from(inside)))
}

/// The most days from one on which the line fires to the next, or a few more; None if that is not easily told.
fn longest_days(line: &Crontab) -> Option<i64> {
    if line.months().count() < 12 {
        return None;
    }
    let weekdays: Vec<i64> = line.days_of_week().map(i64::from).collect();
    let week = round(&weekdays, 7);
    // The 29th and later are not in every month; without them no wait is shorter than it is.
    let safe: Vec<i64> = line.days_of_month().map(i64::from).filter(|day| *day <= 28).collect();
    let all = line.days_of_month().count() == 31;
    let month = if all { Some(1) } else { round(&safe, 31) };
    match (line.either_day(), weekdays.len() == 7, all) {
        (true, ..) => week.into_iter().chain(month).min(),
        (false, _, true) => week,
        (false, true, false) => month,
        (false, false, false) => None,
    }
}

/// The largest step between neighbours on a ring.
fn round(values: &[i64], ring: i64) -> Option<i64> {
    let (first, last) = (values.first()?, values.last()?);
    let steps = values.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?));
    steps.chain([ring - last + first]).max()
}

impl Calendar<'_> {
    /// From `date`, the next on which it opens, with the window open up to `until`: over all days whose openings are sure
    /// to join, the new end, and the first day that is left. None if there is nothing to gain.
    pub(super) fn leap(&self, date: Date, until: Timestamp, horizon: Timestamp) -> Option<(Timestamp, Option<Date>)> {
        let slack = self.slack?;
        let (Recurrence::For(start, _) | Recurrence::Until(start, _)) = &self.window.when else { return None };
        let midnight = date.at(0, 0, 0, 0);
        let next = |time: DateTime| start.next_after(time.saturating_sub(jiff::Span::new().minutes(1)));
        if next(midnight).and_then(|first| zoned::start(&self.zone, first)).is_none_or(|first| first > until) {
            return None;
        }
        let shift = jiff::Span::new().days(LARGEST_SHIFT_DAYS);
        let target = (self.next_exception(date).into_iter())
            .chain(self.next_delay(date.saturating_sub(shift), slack, horizon).map(|day| day.saturating_sub(shift)))
            .chain([self.zone.to_datetime(horizon).date().saturating_add(shift)])
            .min()?;
        let last = start.last_before(target.at(0, 0, 0, 0)).filter(|last| *last >= midnight)?;
        let end = self.closes(last)?;
        Some((end.max(until), next(target.at(0, 0, 0, 0)).map(DateTime::date)))
    }

    /// The first day from `date` on that an exception touches.
    fn next_exception(&self, date: Date) -> Option<Date> {
        let days = self.exceptions.iter().flat_map(|exception| &exception.days);
        days.filter(|day| day.last >= date).map(|day| day.first.max(date)).min()
    }

    /// The first day from `date` on at which the clocks go back by so much that an opening may come too late. Twice in
    /// one wait is as often as they ever did.
    fn next_delay(&self, date: Date, slack: SignedDuration, horizon: Timestamp) -> Option<Date> {
        let from = zoned::start_of_day(&self.zone, date)?;
        let mut before = self.zone.to_offset(from);
        for change in self.zone.following(from).take_while(|change| change.timestamp() <= horizon) {
            let back = i64::from(before.seconds()) - i64::from(change.offset().seconds());
            if SignedDuration::from_secs(2 * back) > slack {
                return Some(self.zone.to_datetime(change.timestamp()).date());
            }
            before = change.offset();
        }
        None
    }
}
