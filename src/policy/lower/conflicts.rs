//! Windows of one pool that cannot both hold: one asks for more than the other allows while both are open.
//!
//! Lead is no part of it. Errors are timeless, so the search looks at fixed years, not at today.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use crate::policy::{Ask, Origin, Pool, Recurrence, Window, WindowKind};
use crate::schedule::{self, Span, open_times};

/// The search begins on 2026-01-01 …
const BEGIN_SECOND: i64 = 1_767_225_600;
/// … and goes on for two years, which hold every month, weekday and clock change. A day of February 29 is not in them.
const DAYS: i64 = 731;
/// It looks at so many days at once.
const STRIDE_DAYS: i64 = 43;
/// Openings that all comparisons of one policy may look at together; what is left then is not compared.
const MOST_OPENINGS: usize = 200_000;

/// Complains of windows that cannot both hold, once for each pair, with the first instant.
pub(crate) fn cannot_both_hold(pools: &[Pool], cx: &mut Context<'_>) {
    let mut compared: BTreeSet<(&Origin, &Origin)> = BTreeSet::new();
    let mut left = MOST_OPENINGS;
    for pool in pools {
        let asking: Vec<(&Window, &Ask)> = (pool.windows.iter())
            .filter_map(|window| match &window.kind {
                WindowKind::Capacity(ask) => Some((window, ask)),
                WindowKind::Freeze(_) | WindowKind::Relaxed(_) => None,
            })
            // One that contradicts itself has been reported.
            .filter(|(_, ask)| contradiction(ask, ask).is_none())
            .collect();
        for (index, (one, first)) in asking.iter().enumerate() {
            for (two, second) in asking.iter().skip(index + 1) {
                let Some((floor, ceiling)) = contradiction(first, second) else { continue };
                if one.priority != two.priority || !compared.insert((&one.origin, &two.origin)) {
                    continue;
                }
                if let Some(at) = first_overlap(pool, one, two, &mut left) {
                    report(pool, (one, two), (floor, ceiling), at, cx);
                }
            }
        }
    }
}

fn report(pool: &Pool, (one, two): (&Window, &Window), numbers: (u32, u32), at: Timestamp, cx: &mut Context<'_>) {
    let place = |window: &Window| cx.windows.get(&window.origin).copied().unwrap_or_default();
    let (place, other) = (place(two), place(one));
    let zone = schedule::zone(&one.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let when = at.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M").to_string();
    let (floor, ceiling) = numbers;
    cx.out
        .error(
            "windows-contradict",
            place,
            format!(
                "windows `{}` and `{}` of pool `{}` cannot both hold: from {when} ({}) one wants at least {floor} and \
                 the other at most {ceiling}",
                one.name, two.name, pool.name, one.zone
            ),
        )
        .help("give one of them a higher `priority`, or let them not overlap")
        .see(other, "the other window");
}

/// The floor of one and the lower ceiling of the other.
fn contradiction(one: &Ask, two: &Ask) -> Option<(u32, u32)> {
    let floor = |ask: &Ask| ask.min.or(ask.replicas);
    let ceiling = |ask: &Ask| ask.max.or(ask.replicas);
    let above = |a: &Ask, b: &Ask| Some((floor(a)?, ceiling(b)?)).filter(|(floor, ceiling)| floor > ceiling);
    above(one, two).or_else(|| above(two, one))
}

/// The first instant at which both are open, within the fixed years or while a one-off window is open.
fn first_overlap(pool: &Pool, one: &Window, two: &Window, left: &mut usize) -> Option<Timestamp> {
    let begin = Timestamp::from_second(BEGIN_SECOND).ok()?;
    let end = begin.checked_add(SignedDuration::from_hours(DAYS * 24)).ok()?;
    let (mut from, end) = match (&one.when, &two.when) {
        (Recurrence::Once(from, until), Recurrence::Once(start, end)) => (*from.max(start), *until.min(end)),
        (Recurrence::Once(from, until), _) | (_, Recurrence::Once(from, until)) => (*from, *until),
        _ => (begin, end),
    };
    while from < end && *left > 0 {
        let until = from.checked_add(SignedDuration::from_hours(STRIDE_DAYS * 24)).unwrap_or(end).min(end);
        let (first, second) = (open_times(pool, one, from, until), open_times(pool, two, from, until));
        *left = left.saturating_sub(first.len() + second.len() + 1);
        if let Some(at) = meet(&first, &second) {
            return Some(at.max(from));
        }
        from = until;
    }
    None
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
