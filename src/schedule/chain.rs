//! The chain of who said what, for people: those that lost are in it too.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::holding::{Level, Said};
use super::sweep::{Sources, State};
use super::voices::{Heard, Rank, Voice, Who, headroom};
use super::window::Span;
use crate::model::Name;
use crate::policy::{Exception, Headroom, Origin, Overrun, Window, WindowKind};

/// `schedule/window`, or the window's own name where it stands in the pool.
pub(super) fn window_name(window: &Window) -> Name {
    match &window.schedule {
        Some(schedule) => format!("{schedule}/{}", window.name).into(),
        None => window.name.clone(),
    }
}

/// `1h30m`, `15m`, `20s`.
pub(super) fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n != 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn headroom_text(headroom: &Headroom) -> String {
    let automatic = headroom.automatic.map(|share| match share % 10 {
        0 => format!("automatic {}%", share / 10),
        tenth => format!("automatic {}.{tenth}%", share / 10),
    });
    let units = headroom.units.iter().map(|unit| {
        let (cpu, memory) = (unit.size.cpu, unit.size.memory);
        let mut size = vec![format!("cpu {cpu}m"), format!("memory {}Mi", memory / (1 << 20))];
        size.extend(unit.size.extended.iter().map(|(name, count)| format!("{name} {count}")));
        format!("{} x ({})", unit.count, size.join(", "))
    });
    let all: Vec<String> = automatic.into_iter().chain(units).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

struct Link {
    rank: Rank,
    said: Said,
}

/// Every voice, strongest first.
pub(super) fn chain(
    sources: &Sources<'_>,
    voices: &[Voice<'_>],
    heard: &Heard,
    at: Timestamp,
    states: &[State],
) -> Vec<Said> {
    let mut links = Vec::new();
    let headroom_rank = headroom(voices).map(|(rank, _)| rank);
    for voice in voices {
        numbers(voice, Some((heard, headroom_rank)), &mut links);
        if let (Who::Default, Level::Default) = (voice.who, voice.rank().0) {
            let won = heard.ceiling.is_none();
            let said = say(voice, "max", "all members".to_owned(), won, None);
            links.push(Link { rank: voice.rank(), said });
        }
    }
    let frozen = sources.freeze(states).map(|(index, ..)| index);
    for (index, (calendar, state)) in sources.calendars.iter().zip(states).enumerate() {
        let voice =
            Voice { who: Who::Window(calendar.window), numbers: Default::default(), span: state.open, opens: None };
        let origin = Some(calendar.window.origin.clone());
        let mut link = |what: &str, value: String, won: bool| {
            links.push(Link { rank: voice.rank(), said: say(&voice, what, value, won, origin.clone()) });
        };
        match &calendar.window.kind {
            WindowKind::Freeze(overrun) if state.open.is_some() => {
                let value = if *overrun == Overrun::Stop { "stop" } else { "finish" };
                link("freeze", value.to_owned(), frozen == Some(index));
            }
            WindowKind::Relaxed(keys) if state.open.is_some() => link("relaxed", keys.join(", "), true),
            _ => {}
        }
        if state.open.is_none() {
            skipped(sources, index, at, &mut links);
        }
    }
    links.sort_by_key(|link| Reverse(link.rank));
    links.into_iter().map(|link| link.said).collect()
}

/// A window that an exception keeps shut, with what it would have said.
fn skipped(sources: &Sources<'_>, index: usize, at: Timestamp, links: &mut Vec<Link>) {
    let Some(calendar) = sources.calendars.get(index).filter(|calendar| !calendar.exceptions.is_empty()) else {
        return;
    };
    let lead = sources.lead(calendar.window);
    let unskipped = calendar.unskipped();
    let Some(span) = unskipped.next_span(at).filter(|span| span.from.checked_sub(lead).is_ok_and(|from| from <= at))
    else {
        return;
    };
    let Some(exception) = calendar.skipped_in(span, at) else { return };
    let voice = Voice { who: Who::Exception(exception), numbers: Default::default(), span: Some(span), opens: None };
    let value = format!("window {}", window_name(calendar.window));
    links.push(Link { rank: voice.rank(), said: say(&voice, "skip", value, true, None) });
    if let WindowKind::Capacity(ask) = &calendar.window.kind {
        let opens = Some(span.from).filter(|from| *from > at);
        numbers(
            &Voice { who: Who::Window(calendar.window), numbers: ask.into(), span: Some(span), opens },
            None,
            links,
        );
    }
}

/// The numbers of a voice; without `heard` they all lost.
fn numbers(voice: &Voice<'_>, heard: Option<(&Heard, Option<Rank>)>, links: &mut Vec<Link>) {
    let floor = heard.is_some_and(|(heard, _)| heard.took_floor(voice));
    let ceiling = heard.is_some_and(|(heard, _)| heard.took_ceiling(voice));
    let room = heard.is_some_and(|(_, rank)| rank == Some(voice.rank()));
    let named = &voice.numbers;
    let early = voice.opens.is_some();
    let mut link = |what: &str, value: String, won: bool| {
        let said = say(voice, what, value, won, field_origin(voice, what));
        links.push(Link { rank: voice.rank(), said });
    };
    if let Some(replicas) = named.replicas {
        link("replicas", replicas.to_string(), floor || ceiling);
    }
    if let Some(min) = named.min {
        link("min", min.to_string(), floor && Some(min) >= named.replicas);
    }
    if let Some(max) = named.max.filter(|_| !early) {
        link("max", max.to_string(), ceiling && named.replicas.is_none_or(|replicas| max <= replicas));
    }
    if let Some(headroom) = named.headroom {
        link("headroom", headroom_text(headroom), room);
    }
}

fn field_origin(voice: &Voice<'_>, what: &str) -> Option<Origin> {
    match voice.who {
        Who::Pool(pool) => pool.origins.get(what).cloned(),
        _ => None,
    }
}

fn say(voice: &Voice<'_>, what: &str, value: String, won: bool, origin: Option<Origin>) -> Said {
    let (by, place) = match voice.who {
        Who::Default => ("built-in default".to_owned(), None),
        Who::Pool(pool) => (format!("pool {}", pool.name), Some(&pool.origin)),
        Who::Window(window) => (format!("window {}", window_name(window)), Some(&window.origin)),
        Who::Exception(exception) => (exception_name(exception), Some(&exception.origin)),
        Who::Override(entry) => (override_name(entry), Some(&entry.origin)),
    };
    let bound = |at: fn(&Span) -> Timestamp, open: Timestamp| voice.span.as_ref().map(at).filter(|at| *at != open);
    Said {
        what: what.to_owned(),
        value,
        level: voice.rank().0,
        by,
        won,
        from: bound(|span| span.from, Timestamp::MIN),
        until: bound(|span| span.until, Timestamp::MAX),
        opens: voice.opens,
        origin: origin.or_else(|| place.cloned()),
    }
}

fn exception_name(exception: &Exception) -> String {
    format!("exception {}", exception.name)
}

fn override_name(entry: &crate::policy::Override) -> String {
    format!("override {}", entry.target)
}
