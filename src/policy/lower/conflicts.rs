//! Windows and exceptions of one pool that cannot both hold: one asks for more than the other allows while both are open.
//!
//! Lead is no part of it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::context::Context;
use super::overlaps::{Overlap, Search, Weeks};
use crate::policy::{Ask, Origin, Pool, Window, WindowKind};
use crate::schedule;

/// Complains of windows that cannot both hold, once for each pair, with the first instant.
pub(crate) fn cannot_both_hold(pools: &[Pool], cx: &mut Context<'_>) {
    let mut compared: BTreeSet<(&Origin, &Origin)> = BTreeSet::new();
    let mut compared_days: BTreeSet<(Origin, Origin)> = BTreeSet::new();
    let mut search = Search::default();
    let mut not_compared: Vec<(&Window, &Window)> = Vec::new();
    for pool in pools {
        exceptions(pool, &mut compared_days, cx);
        let asking: Vec<(usize, &Window, &Ask)> = (pool.windows.iter().enumerate())
            .filter_map(|(index, window)| match &window.kind {
                WindowKind::Capacity(ask) => Some((index, window, ask)),
                WindowKind::Freeze(_) | WindowKind::Relaxed(_) => None,
            })
            // One that contradicts itself has been reported.
            .filter(|(_, _, ask)| contradiction(ask, ask).is_none())
            .collect();
        let mut weeks = None;
        for (place, (one, left, first)) in asking.iter().enumerate() {
            for (two, right, second) in asking.iter().skip(place + 1) {
                let Some(numbers) = contradiction(first, second) else { continue };
                if left.priority != right.priority || !compared.insert((&left.origin, &right.origin)) {
                    continue;
                }
                let weeks = weeks.get_or_insert_with(|| Weeks::new(pool));
                match weeks.overlap(*one, *two, &mut search) {
                    Overlap::First(at) => report(pool, (left, right), numbers, at, cx),
                    Overlap::Never => {}
                    Overlap::NotCompared => not_compared.push((left, right)),
                }
            }
        }
    }
    if let Some((one, two)) = not_compared.first() {
        let place = cx.windows.get(&two.origin).copied().unwrap_or_default();
        let other = cx.windows.get(&one.origin).copied().unwrap_or_default();
        let message = match not_compared.len() {
            1 => format!("whether windows `{}` and `{}` can both hold was not checked", one.name, two.name),
            more => format!(
                "whether windows `{}` and `{}` can both hold was not checked, nor {} other pairs",
                one.name,
                two.name,
                more - 1
            ),
        };
        cx.out
            .warning("not-compared", place, message)
            .help("they open too often to compare them all; windows with a `priority` of their own need no comparison")
            .see(other, "the other window");
    }
}

/// The same of exceptions, which all are as strong, on days that they share.
fn exceptions(pool: &Pool, compared: &mut BTreeSet<(Origin, Origin)>, cx: &mut Context<'_>) {
    for (place, one) in pool.exceptions.iter().enumerate() {
        if contradiction(&one.ask, &one.ask).is_some() {
            continue;
        }
        for two in pool.exceptions.iter().skip(place + 1) {
            if contradiction(&two.ask, &two.ask).is_some() {
                continue;
            }
            let Some((floor, ceiling)) = contradiction(&one.ask, &two.ask) else { continue };
            let shared = one.days.iter().flat_map(|left| two.days.iter().map(move |right| (left, right)));
            let shared = shared.filter_map(|(left, right)| {
                Some(left.first.max(right.first)).filter(|day| *day <= left.last.min(right.last))
            });
            let Some(day) = shared.min() else { continue };
            if !compared.insert((one.origin.clone(), two.origin.clone())) {
                continue;
            }
            let span = |origin: &Origin| cx.windows.get(origin).copied().unwrap_or_default();
            let (span, other) = (span(&two.origin), span(&one.origin));
            let message = format!(
                "exceptions `{}` and `{}` of pool `{}` cannot both hold: on {day} one wants at least {floor} and the other at \
                 most {ceiling}",
                one.name, two.name, pool.name
            );
            cx.out
                .error("exceptions-contradict", span, message)
                .help("take the day out of one of them, or change its numbers")
                .see(other, "the other exception");
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
pub(crate) fn contradiction(one: &Ask, two: &Ask) -> Option<(u32, u32)> {
    let floor = |ask: &Ask| ask.min.or(ask.replicas);
    let ceiling = |ask: &Ask| ask.max.or(ask.replicas);
    let above = |a: &Ask, b: &Ask| Some((floor(a)?, ceiling(b)?)).filter(|(floor, ceiling)| floor > ceiling);
    above(one, two).or_else(|| above(two, one))
}
