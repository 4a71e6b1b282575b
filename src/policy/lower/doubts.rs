//! What is well-formed and often not meant: minutes and hours in the wrong order, a window that goes on through the
//! night, a zone without daylight time. Each of these may be right, so none is an error, and only `validate` says them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use crate::policy::located::{Located, Span};
use crate::policy::wire::{self, LeadTime};
use crate::policy::{ASSUMED_WAKE, Ask, Exception, Lead, Origin, Pool, Recurrence, Window, WindowKind};
use crate::schedule::{Crontab, first_open, open_times, would_skip};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A longer lead is longer than any wake.
const LONG_LEAD: SignedDuration = SignedDuration::from_hours(4);
/// A lead up to this may well be longer than its window.
const SHORT_LEAD: SignedDuration = SignedDuration::from_hours(1);
/// A freeze that is longer is longer than any term, and often has a year that was mistyped.
const LONG_FREEZE: SignedDuration = SignedDuration::from_hours(60 * 24);
/// A window that is open for longer is looked at twice where a shorter reading of it exists.
const LONG_DAY: u16 = 12 * 60;
/// Doubts are timeless: openings are looked for from 2026-01-01 on.
const BEGIN_SECOND: i64 = 1_767_225_600;
const YEARS: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// Windows that are looked at to see which follow others: all pairs of two hundred.
const LOOKS: usize = 40_000;
/// Openings that are looked at for the length of a window: all that a week can have of a line that fires twice a day.
const OPENINGS: usize = 14;

/// Zones that are hours from UTC and nothing else, with the zone of the clocks that were probably meant.
const FIXED_ZONES: [(&str, &str); 3] = [
    ("EST", "`America/New_York`, or `America/Panama` where the clocks never change"),
    ("MST", "`America/Denver`, or `America/Phoenix` where the clocks never change"),
    ("GMT", "`Europe/London`, or `UTC` if that is meant"),
];

/// Doubts about a zone: it has no daylight time although the clocks of its people have.
pub(super) fn zone(zone: &Located<wire::Zone>, cx: &mut Context<'_>) {
    let name = &*zone.value.0;
    if let Some((_, city)) = FIXED_ZONES.iter().find(|(fixed, _)| *fixed == name) {
        let message = format!("`{name}` has no daylight time: its windows are an hour off for a part of the year");
        cx.out.doubt("fixed-zone", zone.span, message).help(format!("name the city: {city}"));
    } else if let Some(hours) =
        name.strip_prefix("Etc/GMT").filter(|hours| !hours.trim_matches(['+', '-', '0']).is_empty())
    {
        let (sign, side) = if hours.starts_with('+') { ('-', "behind") } else { ('+', "ahead of") };
        let number = hours.trim_start_matches(['+', '-']);
        let message =
            format!("`{name}` is {number} h {side} UTC (`UTC{sign}{number}`) all year, without daylight time");
        cx.out.doubt("fixed-zone", zone.span, message).help("name the city, such as `America/Denver`");
    }
}

/// Doubts about one window.
pub(super) fn window(
    written: &Located<wire::Window>,
    when: Option<&Recurrence>,
    kind: &WindowKind,
    cx: &mut Context<'_>,
) {
    if let Some(own) = &written.time_zone {
        zone(own, cx);
    }
    let Some(when) = when else { return };
    let opens_and_closes = match when {
        Recurrence::For(start, _) => (time_of_day(start), None),
        Recurrence::Until(start, end) => (time_of_day(start), time_of_day(end)),
        Recurrence::Once(..) => (None, None),
    };
    let mut mistyped = false;
    if let (Some(start), (Some(opens), closes)) = (&written.start, opens_and_closes) {
        let shorter = closes.is_some_and(|closes| closes > opens + LONG_DAY && closes > opens.saturating_mul(60));
        mistyped |= swapped((&start.value.0, start.span), opens, shorter, "opens", cx);
    }
    if let (Some(end), (Some(opens), Some(closes))) = (&written.end, opens_and_closes) {
        let shorter = opens > closes && closes + LONG_DAY > opens && closes.saturating_mul(60) > opens;
        mistyped |= swapped((&end.value.0, end.span), closes, shorter, "closes", cx);
    }
    let length = match when {
        Recurrence::For(_, duration) => Some(*duration),
        Recurrence::Until(start, end) => longest(start, end).map(|(_, length)| length),
        Recurrence::Once(from, until) => Some(until.duration_since(*from)),
    };
    if let (WindowKind::Freeze(_), Some(length)) = (kind, length.filter(|length| *length > LONG_FREEZE)) {
        let place = written.until.as_ref().map(|until| until.span);
        let place = place.or_else(|| written.duration.as_ref().map(|duration| duration.span)).unwrap_or(written.span);
        let years = match when {
            Recurrence::Once(..) => ": check the years of `from` and `until`",
            Recurrence::For(..) | Recurrence::Until(..) => "",
        };
        let message = format!("this freeze lasts {} days, in which no node is taken away", length.as_hours() / 24);
        cx.out.doubt("long-freeze", place, message).help(format!(
            "a freeze is meant for days or weeks{years}; to have nodes up for longer, use `min` or `max`"
        ));
    }
    let freezes = matches!(kind, WindowKind::Freeze(_));
    if let (Recurrence::For(start, duration), Some(place)) = (when, &written.duration) {
        never_closes(start, *duration, freezes, place.span, cx);
    }
    if let (Recurrence::Until(start, end), Some(place), true) = (when, &written.end, freezes)
        && let Some(shortest) = lengths(start, end).map(|(_, length)| length).min()
    {
        never_closes(start, shortest, freezes, place.span, cx);
    }
    if let (Recurrence::Until(start, end), WindowKind::Capacity(_), false) = (when, kind, mistyped)
        && let Some(written_end) = &written.end
    {
        through_the_night(start, end, written_end.span, cx);
    }
    if let Some(lead) = &written.lead
        && let LeadTime::Fixed(early) = lead.value
        && (early > LONG_LEAD || early > SHORT_LEAD && length.is_some_and(|length| early > length))
    {
        let message = format!("its nodes are wanted, and paid for, {early:#} before the window opens");
        cx.out
            .doubt("long-lead", lead.span, message)
            .help("waking takes minutes: `lead: 15m`, or `lead: auto` for what was measured");
    }
}

/// The time at which a line fires, in minutes from midnight, if it is one.
fn time_of_day(line: &Crontab) -> Option<u16> {
    let mut times = line.minutes_of_day();
    times.next().filter(|_| times.next().is_none())
}

/// Says that `13 0` fires at 00:13, not at 13:00, where that is odd: on a minute that nobody writes, or where the other
/// reading makes the window `shorter`.
fn swapped((line, span): (&Crontab, Span), time: u16, shorter: bool, does: &str, cx: &mut Context<'_>) -> bool {
    let odd = (1..24).contains(&time) && (!time.is_multiple_of(5) || shorter);
    let fields: Vec<&str> = line.as_str().split_whitespace().collect();
    if let ([minute, hour, days @ ..], true) = (fields.as_slice(), odd) {
        let meant = format!("{hour} {minute} {}", days.join(" "));
        cx.out
            .doubt("minute-for-hour", span, format!("the window {does} at 00:{time:02}, {time} min past midnight"))
            .help(format!("the minute comes first in a crontab line: for {time:02}:00 write `{meant}`"));
    }
    odd
}

/// The longest of the first openings, with the moment at which it opens: by the clock on the wall.
fn longest(start: &Crontab, end: &Crontab) -> Option<(DateTime, SignedDuration)> {
    // Of several that are as long the first.
    lengths(start, end).fold(None, |found: Option<(DateTime, SignedDuration)>, next| match found {
        Some((_, most)) if most >= next.1 => found,
        _ => Some(next),
    })
}

/// The first openings, each with its length.
fn lengths(start: &Crontab, end: &Crontab) -> impl Iterator<Item = (DateTime, SignedDuration)> {
    let first = DateTime::constant(2026, 1, 1, 0, 0, 0, 0);
    let openings = std::iter::successors(start.next_after(first), |at| start.next_after(*at)).take(OPENINGS);
    openings.filter_map(|opens| Some((opens, end.next_after(opens)?.duration_since(opens))))
}

/// Says that a window opens again each time before it has closed; of one that `freezes`, also at the moment at which it
/// closes, for no node ever goes then.
fn never_closes(start: &Crontab, duration: SignedDuration, freezes: bool, span: Span, cx: &mut Context<'_>) {
    let first = DateTime::constant(2026, 1, 1, 0, 0, 0, 0);
    let openings: Vec<DateTime> =
        std::iter::successors(start.next_after(first), |at| start.next_after(*at)).take(OPENINGS).collect();
    let gaps = openings.iter().zip(openings.iter().skip(1)).map(|(one, next)| next.duration_since(*one));
    if let Some(longest) = gaps.max().filter(|longest| duration > *longest || freezes && duration == *longest) {
        let before = if duration == longest { "when" } else { "before" };
        let message = format!(
            "the window opens again after {} at most, {before} its {} are over: it never closes",
            days(longest),
            days(duration)
        );
        let help = if freezes {
            "shorten it: as it is no node is ever taken away; nodes that are always to stay are named in the pool's `keep`"
        } else {
            "shorten `duration`; what is to hold all the time needs no window: it is the pool's own `min`, `max` or \
             `replicas`"
        };
        cx.out.doubt("never-closes", span, message).help(help);
    }
}

/// `8 days`, or hours and minutes for what is no whole number of days.
fn days(length: SignedDuration) -> String {
    match (length.as_hours() / 24, length.as_secs() % DAY.as_secs()) {
        (days, 0) if days > 1 => format!("{days} days"),
        _ => format!("{length:#}"),
    }
}

/// Says that a window stays open overnight where its `end` would be later on the day on which it opens too.
fn through_the_night(start: &Crontab, end: &Crontab, span: Span, cx: &mut Context<'_>) {
    let Some((opens, length)) = longest(start, end) else { return };
    let (Some(begin), Some(until)) = (time_of_day(start), time_of_day(end)) else { return };
    // Whole days and what ends in the early morning are meant to go on through the night.
    if length <= DAY || begin == 0 || until <= begin {
        return;
    }
    let (opening, hours) = (opens.strftime("%A"), length.as_hours());
    let message = format!("the window that opens on a {opening} is open for {hours} h, nights included");
    let (times, days): (Vec<&str>, Vec<&str>) =
        (end.as_str().split_whitespace().take(2).collect(), start.as_str().split_whitespace().skip(2).collect());
    cx.out.doubt("open-overnight", span, message).help(format!(
        "to close it on the day on which it opens write `{} {}`, and if the nights are meant, a `duration`",
        times.join(" "),
        days.join(" ")
    ));
}

/// Doubts about windows and the pools that have them, each window once.
pub(super) fn pools(pools: &[Pool], written: &[Located<wire::Pool>], cx: &mut Context<'_>) {
    let mut said: BTreeSet<(&str, &Origin)> = BTreeSet::new();
    let mut looks = LOOKS;
    for pool in pools {
        let fields = written.iter().find(|one| one.name.as_ref().is_some_and(|name| name.as_str() == &*pool.name));
        let max = fields.and_then(|fields| fields.max.as_ref());
        for window in &pool.windows {
            let WindowKind::Capacity(ask) = &window.kind else { continue };
            let Some(asked) = ask.min.or(ask.replicas) else { continue };
            let Some(span) = cx.windows.get(&window.origin).copied() else { continue };
            if let Some(max) = max.filter(|max| asked > max.value)
                && ask.max.is_none()
                && said.insert(("above-max", &window.origin))
            {
                let name = named(window);
                let message =
                    format!("window `{name}` asks for {asked}, above the pool's `max`, which is {}", max.value);
                cx.out
                    .doubt("window-above-max", max.span, message)
                    .help(format!(
                        "a window is stronger than its pool, so while it is open the pool has {asked}: raise `max`, or \
                         give the window a `max` to say that this is meant"
                    ))
                    .see(span, "the window");
            }
            let min = fields.and_then(|fields| fields.min.as_ref());
            if let Some(min) = min.filter(|min| ask.min.is_some_and(|asked| asked < min.value))
                && ask.max.is_none()
                && said.insert(("below-min", &window.origin))
            {
                let name = named(window);
                let message =
                    format!("window `{name}` asks for {asked}, below the pool's `min`, which is {}", min.value);
                cx.out
                    .doubt("window-below-min", min.span, message)
                    .help(format!(
                        "a window is stronger than its pool, so while it is open nodes may go down to {asked}: raise the \
                         window's `min`, or give the window a `max` to say that this is meant"
                    ))
                    .see(span, "the window");
            }
            let grows = asked > pool.replicas.unwrap_or(pool.min);
            if let Lead::Fixed(lead) = window.lead
                && grows
                && lead.is_positive()
                && lead < ASSUMED_WAKE
                && !follows(pool, window, asked, &mut looks)
                && said.insert(("lead", &window.origin))
            {
                let message =
                    format!("the nodes of window `{}` begin to wake only {lead:#} before it opens", named(window));
                cx.out.doubt("short-lead", span, message).help(format!(
                    "a wake takes about {} min where nothing else was measured: write `lead: 15m`, or `lead: auto`",
                    ASSUMED_WAKE.as_mins()
                ));
            }
            if grows
                && cx.without_lead.contains(&window.origin)
                && !follows(pool, window, asked, &mut looks)
                && said.insert(("lead", &window.origin))
            {
                let message = format!("the nodes of window `{}` begin to wake when it opens", named(window));
                cx.out.doubt("no-lead", span, message).help(
                    "they are there some minutes late, `plan` says how many: write `lead: 15m`, or `lead: 0` if that is \
                     meant",
                );
            }
        }
    }
}

/// Says which exceptions skip nothing: no window of any pool would open on their days.
pub(super) fn exceptions(pools: &[Pool], cx: &mut Context<'_>) {
    let mut idle: BTreeMap<&Origin, (&Exception, bool)> = BTreeMap::new();
    for pool in pools {
        for exception in &pool.exceptions {
            let asks = exception.ask != Ask::default();
            if exception.skip.is_empty() && asks {
                continue;
            }
            let idles = || !pool.windows.iter().any(|window| would_skip(pool, window, exception));
            let (_, skips_nothing) = idle.entry(&exception.origin).or_insert((exception, true));
            *skips_nothing = *skips_nothing && idles();
        }
    }
    for (origin, (exception, _)) in idle.into_iter().filter(|(_, (_, skips_nothing))| *skips_nothing) {
        let Some(span) = cx.windows.get(origin).copied() else { continue };
        let of = match exception.skip.as_slice() {
            [] => "no window".to_owned(),
            [one] => format!("window `{one}` never"),
            many => format!("none of the windows `{}`", many.join("`, `")),
        };
        let message = format!("exception `{}` skips nothing: {of} opens on its days", exception.name);
        cx.out.doubt("skips-nothing", span, message).help("`tidegate schedule` lists the openings: check the dates");
    }
}

fn named(window: &Window) -> String {
    window.schedule.as_ref().map_or_else(|| window.name.to_string(), |schedule| format!("{schedule}/{}", window.name))
}

/// Whether other windows have as many nodes up at the moment at which this one first opens. Each of them is one to look at,
/// and of a policy not more than so many are: what is left is not doubted.
fn follows(pool: &Pool, window: &Window, asked: u32, looks: &mut usize) -> bool {
    if *looks == 0 {
        return true;
    }
    let begin = match window.when {
        Recurrence::Once(from, _) => from,
        _ => Timestamp::from_second(BEGIN_SECOND).unwrap_or_default(),
    };
    let end = begin.checked_add(YEARS).unwrap_or(Timestamp::MAX);
    let Some(first) = first_open(pool, window, true, begin, end).map(|span| span.from) else { return false };
    let before = first.checked_sub(MINUTE).unwrap_or(first);
    let mut enough = pool.windows.iter().filter(|other| {
        let enough = matches!(&other.kind, WindowKind::Capacity(ask) if ask.min.or(ask.replicas) >= Some(asked));
        enough && other.origin != window.origin
    });
    enough.any(|other| {
        let Some(left) = looks.checked_sub(1) else { return true };
        *looks = left;
        open_times(pool, other, before, first).iter().any(|span| span.contains(before))
    })
}

/// Says what a wait without an end means.
pub(super) fn endless_wait(action: Span, cx: &mut Context<'_>) {
    cx.out
        .doubt("endless-wait", action, "without `atMost` the node waits, and is paid for, for as long as the pod runs")
        .help("add `atMost: 2h`: past it the node is given back, and tried again when the pod has ended");
}
