//! Windows and exceptions of the effective policy.

use std::collections::BTreeMap;

use super::lines::{Lines, bytes, cpu, length, list, percent, quoted};
use crate::model::Name;
use crate::policy::{
    Ask, CalendarDay, Exception, Headroom, HeadroomUnit, Lead, Overrun, Policy, Recurrence, Window, WindowKind,
};
use jiff::SignedDuration;

/// All schedules that pools use, in the order of their first use.
pub(super) fn schedules(policy: &Policy) -> Lines {
    let mut names: Vec<&Name> = Vec::new();
    let mut windows: BTreeMap<&Name, Vec<&Window>> = BTreeMap::new();
    let mut exceptions: BTreeMap<&Name, Vec<&Exception>> = BTreeMap::new();
    for pool in &policy.pools {
        let mut new: Vec<&Name> = Vec::new();
        let of_windows = pool.windows.iter().filter_map(|window| window.schedule.as_ref());
        for name in of_windows.chain(pool.exceptions.iter().filter_map(|exception| exception.schedule.as_ref())) {
            if !names.contains(&name) {
                names.push(name);
                new.push(name);
            }
        }
        for name in new {
            let ours = |schedule: &Option<Name>| schedule.as_ref() == Some(name);
            windows.insert(name, pool.windows.iter().filter(|window| ours(&window.schedule)).collect());
            exceptions.insert(name, pool.exceptions.iter().filter(|exception| ours(&exception.schedule)).collect());
        }
    }
    let mut all = Lines::default();
    for name in names {
        let mut schedule = Lines::default();
        schedule.plain("name", quoted(name));
        calendar(windows.get(name).into_iter().flatten().copied(), policy, "windows", &mut schedule);
        exceptional(exceptions.get(name).into_iter().flatten().copied(), &mut schedule);
        all.item(schedule);
    }
    all
}

/// Windows as a list under `key`.
pub(super) fn calendar<'a>(windows: impl Iterator<Item = &'a Window>, policy: &Policy, key: &str, into: &mut Lines) {
    let mut list = Lines::default();
    for (index, window) in windows.enumerate() {
        list.item(self::window(window, index, policy));
    }
    into.block(key, "", list);
}

fn window(window: &Window, index: usize, policy: &Policy) -> Lines {
    let mut lines = Lines::default();
    let at = Some(&window.origin);
    let (kind, rest) = match &window.kind {
        WindowKind::Capacity(_) => ("capacity", None),
        WindowKind::Freeze(overrun) => {
            ("freeze", Some(format!("overrun: {}", if *overrun == Overrun::Stop { "stop" } else { "finish" })))
        }
        WindowKind::Relaxed(keys) => ("relaxed", Some(format!("ignores: {}", list(keys)))),
    };
    lines.field("kind", kind, at);
    if *window.name != format!("windows[{index}]") {
        lines.plain("name", quoted(&window.name));
    }
    if let Some(rest) = rest {
        lines.add(rest, "");
    }
    match &window.when {
        Recurrence::For(start, duration) => {
            lines.plain("start", quoted(start.as_str()));
            lines.plain("duration", length(*duration));
        }
        Recurrence::Until(start, end) => {
            lines.plain("start", quoted(start.as_str()));
            lines.plain("end", quoted(end.as_str()));
        }
        Recurrence::Once(from, until) => {
            lines.plain("from", quoted(&from.to_string()));
            lines.plain("until", quoted(&until.to_string()));
        }
    }
    if window.zone != policy.time_zone {
        lines.plain("timeZone", quoted(&window.zone));
    }
    if let WindowKind::Capacity(ask) = &window.kind {
        match window.lead {
            Lead::Auto => lines.plain("lead", "auto"),
            Lead::Fixed(SignedDuration::ZERO) => lines.field("lead", "0s", None),
            Lead::Fixed(lead) => lines.plain("lead", length(lead)),
        }
        asks(ask, &mut lines);
    }
    match window.priority {
        0 => lines.field("priority", 0, None),
        priority => lines.plain("priority", priority),
    }
    lines
}

fn asks(ask: &Ask, lines: &mut Lines) {
    for (key, number) in [("min", ask.min), ("max", ask.max), ("replicas", ask.replicas)] {
        if let Some(number) = number {
            lines.plain(key, number);
        }
    }
    if let Some(asked) = &ask.headroom {
        lines.plain("headroom", headroom(asked));
    }
}

/// Headroom on one line.
pub(super) fn headroom(headroom: &Headroom) -> String {
    let mut parts = Vec::new();
    match headroom.automatic {
        Some(share) => parts.push(format!("automatic: {}", percent(share))),
        None if headroom.units.is_empty() => parts.push("automatic: false".into()),
        None => {}
    }
    let unit = |unit: &HeadroomUnit| {
        let mut parts = Vec::new();
        if unit.size.cpu > 0 {
            parts.push(format!("cpu: {}", cpu(unit.size.cpu)));
        }
        if unit.size.memory > 0 {
            parts.push(format!("memory: {}", bytes(unit.size.memory)));
        }
        parts.extend(unit.size.extended.values().map(|gpus| format!("gpu: {gpus}")));
        parts.push(format!("count: {}", unit.count));
        format!("{{{}}}", parts.join(", "))
    };
    if !headroom.units.is_empty() {
        let units: Vec<String> = headroom.units.iter().map(unit).collect();
        parts.push(format!("units: [{}]", units.join(", ")));
    }
    parts.extend(headroom.refill_after.map(|wait| format!("refillAfter: {}", super::lines::length(wait))));
    format!("{{{}}}", parts.join(", "))
}

/// Exceptions as a list.
pub(super) fn exceptional<'a>(exceptions: impl Iterator<Item = &'a Exception>, into: &mut Lines) {
    let mut list = Lines::default();
    for exception in exceptions {
        let mut lines = Lines::default();
        lines.field("name", quoted(&exception.name), Some(&exception.origin));
        let days: Vec<String> = exception.days.iter().map(day).collect();
        lines.plain("dates", format!("[{}]", days.join(", ")));
        if !exception.skip.is_empty() {
            lines.plain("skip", super::lines::list(&exception.skip));
        }
        asks(&exception.ask, &mut lines);
        list.item(lines);
    }
    into.block("exceptions", "", list);
}

fn day(day: &CalendarDay) -> String {
    if day.first == day.last { quoted(&day.first.to_string()) } else { quoted(&format!("{}..{}", day.first, day.last)) }
}
