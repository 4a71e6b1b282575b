//! Windows of one pool that cannot both hold: one asks for more than the other allows while both are open.
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
    let mut search = Search::default();
    let mut not_compared: Vec<(&Window, &Window)> = Vec::new();
    for pool in pools {
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
