//! A walk through time over everything that can change what holds for a pool.
//!
//! It goes from one moment at which something *may* change to the next and compares, so that a search over years costs
//! as much as there are openings in them.

use jiff::{SignedDuration, Timestamp};

use super::voices::{Heard, Numbers, Voice, Who, headroom, listen};
use super::window::{Calendar, HORIZON, Span, Spans};
use super::zoned;
use crate::model::Target;
use crate::policy::{Exception, Headroom, Lead, Override, Overrun, Policy, Pool, Window, WindowKind};

/// Everything of a policy that speaks about one pool.
pub(super) struct Sources<'a> {
    pub(super) pool: &'a Pool,
    pub(super) calendars: Vec<Calendar<'a>>,
    /// Exceptions that ask for something, with the spans of their days.
    asking: Vec<(&'a Exception, Vec<Span>)>,
    overrides: Vec<&'a Override>,
    wake_lead: SignedDuration,
}

/// What must differ for there to be a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Core {
    pub(super) heard: (u32, Option<u32>),
    pub(super) headroom: Option<Headroom>,
    pub(super) freeze: Option<(usize, Overrun)>,
    pub(super) relaxed: Vec<crate::model::Name>,
}

/// Where a window stands at a moment.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// It is open.
    pub(super) open: Option<Span>,
    /// It is not, but its nodes are wanted: the opening.
    pub(super) leads_to: Option<Span>,
}

/// Whether an exception asks for numbers of its own on its days.
fn asks(exception: &Exception) -> bool {
    let ask = &exception.ask;
    ask.min.is_some() || ask.max.is_some() || ask.replicas.is_some() || ask.headroom.is_some()
}

/// The days of an exception as spans of time.
fn days(exception: &Exception) -> Vec<Span> {
    let zone = zoned::zone_or_utc(&exception.zone);
    let span = |first, last: jiff::civil::Date| {
        let from = zoned::start_of_day(&zone, first)?;
        let until = last.tomorrow().ok().and_then(|day| zoned::start_of_day(&zone, day));
        Some(Span { from, until: until.unwrap_or(Timestamp::MAX) }).filter(|span| span.from < span.until)
    };
    exception.days.iter().filter_map(|day| span(day.first, day.last)).collect()
}

/// The exceptions of `pool` that ask for numbers of their own in a part of `[from, until)`, with their days.
pub fn asking_exceptions(pool: &Pool, from: Timestamp, until: Timestamp) -> Vec<(Span, &Exception)> {
    let asking = pool
        .exceptions
        .iter()
        .filter(|one| asks(one))
        .flat_map(|one| days(one).into_iter().map(move |span| (span, one)));
    asking.filter(|(span, _)| span.from < until && from < span.until).collect()
}

impl<'a> Sources<'a> {
    pub(super) fn new(policy: &'a Policy, pool: &'a Pool, wake_lead: SignedDuration) -> Sources<'a> {
        let asking = pool.exceptions.iter().filter(|one| asks(one)).map(|one| (one, days(one))).collect();
        let ours = |entry: &&Override| matches!(&entry.target, Target::Pool(name) if *name == pool.name);
        Sources {
            pool,
            calendars: pool.windows.iter().map(|window| Calendar::new(pool, window)).collect(),
            asking,
            overrides: policy.overrides.iter().filter(ours).collect(),
            wake_lead,
        }
    }

    /// How long before its opening a window's nodes are wanted. None for freezes and relaxations.
    pub(super) fn lead(&self, window: &Window) -> SignedDuration {
        let lead = match (&window.kind, window.lead) {
            (WindowKind::Capacity(_), Lead::Fixed(lead)) => lead,
            (WindowKind::Capacity(_), Lead::Auto) => self.wake_lead,
            _ => SignedDuration::ZERO,
        };
        lead.clamp(SignedDuration::ZERO, HORIZON)
    }

    pub(super) fn wind_down(&self) -> SignedDuration {
        self.pool.wind_down.clamp(SignedDuration::ZERO, HORIZON)
    }

    /// Who speaks at `at`, in the order of the policy.
    pub(super) fn voices(&self, at: Timestamp, states: &[State]) -> Vec<Voice<'a>> {
        let mut voices = vec![Voice {
            who: Who::Default,
            numbers: Numbers { min: Some(0), ..Numbers::default() },
            span: None,
            opens: None,
        }];
        let pool = self.pool;
        let written = |field: &str| pool.origins.contains_key(field);
        let numbers = Numbers {
            min: Some(pool.min).filter(|min| *min > 0 || written("min")),
            max: pool.max,
            replicas: pool.replicas,
            headroom: pool.headroom.as_ref(),
        };
        voices.push(Voice { who: Who::Pool(pool), numbers, span: None, opens: None });
        for (calendar, state) in self.calendars.iter().zip(states) {
            let WindowKind::Capacity(ask) = &calendar.window.kind else { continue };
            let who = Who::Window(calendar.window);
            if let Some(span) = state.open {
                voices.push(Voice { who, numbers: ask.into(), span: Some(span), opens: None });
            } else if let Some(span) = state.leads_to {
                voices.push(Voice { who, numbers: ask.into(), span: Some(span), opens: Some(span.from) });
            }
        }
        for (exception, spans) in &self.asking {
            if let Some(span) = spans.iter().find(|span| span.contains(at)) {
                let who = Who::Exception(exception);
                voices.push(Voice { who, numbers: (&exception.ask).into(), span: Some(*span), opens: None });
            }
        }
        for entry in self.overrides.iter().filter(|entry| at < entry.expires) {
            let span = Some(Span { from: Timestamp::MIN, until: entry.expires });
            voices.push(Voice { who: Who::Override(entry), numbers: (&entry.ask).into(), span, opens: None });
        }
        voices
    }

    /// The freeze that counts: of those that are open the one with the highest priority, of these one that stops what
    /// runs before one that lets it finish, of these the one that lasts longest.
    pub(super) fn freeze(&self, states: &[State]) -> Option<(usize, Span, Overrun)> {
        let open = self.calendars.iter().zip(states).enumerate().filter_map(|(index, (calendar, state))| {
            let WindowKind::Freeze(overrun) = &calendar.window.kind else { return None };
            Some((calendar.window.priority, *overrun == Overrun::Stop, state.open?, index, *overrun))
        });
        let best =
            open.max_by_key(|(priority, stops, span, index, _)| (*priority, *stops, span.until, usize::MAX - index));
        best.map(|(.., span, index, overrun)| (index, span, overrun))
    }

    /// Protections that may be ignored, sorted.
    pub(super) fn relaxed(&self, states: &[State]) -> Vec<crate::model::Name> {
        let mut keys = Vec::new();
        for (calendar, _) in self.calendars.iter().zip(states).filter(|(_, state)| state.open.is_some()) {
            if let WindowKind::Relaxed(more) = &calendar.window.kind {
                keys.extend(more.iter().cloned());
            }
        }
        keys.sort();
        keys.dedup();
        keys
    }

    fn core(&self, at: Timestamp, states: &[State]) -> Core {
        let voices = self.voices(at, states);
        let Heard { floor, ceiling, .. } = listen(&voices);
        Core {
            heard: (floor, ceiling),
            headroom: headroom(&voices).map(|(_, headroom)| headroom),
            freeze: self.freeze(states).map(|(index, _, overrun)| (index, overrun)),
            relaxed: self.relaxed(states),
        }
    }

    /// What happens at exactly `at`, in words for people: `then` is where the windows stood until now.
    pub(super) fn events(&self, at: Timestamp, then: &[State], now: &[State]) -> Vec<String> {
        let before = at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at);
        let mut events = Vec::new();
        for ((calendar, then), now) in self.calendars.iter().zip(then).zip(now) {
            let name = super::chain::window_name(calendar.window);
            let kind = if matches!(calendar.window.kind, WindowKind::Freeze(_)) { "freeze" } else { "window" };
            let (was, is) = (then.open.is_some(), now.open.is_some());
            if is && !was {
                events.push(format!("{kind} {name} opens"));
            } else if was && !is {
                events.push(format!("{kind} {name} ends"));
            }
            if let (false, Some(span), None) = (is, now.leads_to, then.leads_to) {
                let opens = span.from.to_zoned(calendar.zone.clone());
                let lead = super::chain::duration(self.lead(calendar.window));
                events.push(format!("window {name}: nodes wanted (opens {}, lead {lead})", opens.strftime("%H:%M")));
            }
        }
        for (exception, spans) in &self.asking {
            let asks = |at: Timestamp| spans.iter().any(|span| span.contains(at));
            match (asks(before), asks(at)) {
                (false, true) => events.push(format!("exception {} begins", exception.name)),
                (true, false) => events.push(format!("exception {} ends", exception.name)),
                _ => {}
            }
        }
        for entry in self.overrides.iter().filter(|entry| entry.expires == at) {
            let of = if entry.reason.is_empty() { String::new() } else { format!(" ({})", entry.reason) };
            events.push(format!("override pool/{}{of} expires", self.pool.name));
        }
        events
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A window's spans, gone through as time goes on.
struct Cursor<'c, 'a> {
    spans: Spans<'c, 'a>,
    lead: SignedDuration,
    /// The first that ends after the moment looked at.
    span: Option<Span>,
}

struct Cursors<'c, 'a>(Vec<Cursor<'c, 'a>>);

impl<'c, 'a> Cursors<'c, 'a> {
    fn new(sources: &'c Sources<'a>, at: Timestamp, horizon: Timestamp) -> Self {
        let cursor = |calendar: &'c Calendar<'a>| {
            let mut spans = calendar.spans(at, horizon);
            let span = spans.next();
            Cursor { spans, lead: sources.lead(calendar.window), span }
        };
        Self(sources.calendars.iter().map(cursor).collect())
    }

    /// Moves on to `at`, which must not lie before the last one.
    fn states(&mut self, at: Timestamp) -> Vec<State> {
        let state = |cursor: &mut Cursor<'c, 'a>| {
            while cursor.span.is_some_and(|span| span.until <= at) {
                cursor.span = cursor.spans.next();
            }
            let open = cursor.span.filter(|span| span.from <= at);
            let leads_to = cursor.span.filter(|span| at < span.from && earlier(span.from, cursor.lead) <= at);
            State { open, leads_to }
        };
        self.0.iter_mut().map(state).collect()
    }

    /// The next moment after `at`, to which it has moved, at which a state changes.
    fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let moments = self.0.iter().filter_map(|cursor| cursor.span.map(|span| (span, cursor.lead)));
        moments
            .flat_map(|(span, lead)| [earlier(span.from, lead), span.from, span.until])
            .filter(|moment| *moment > at)
            .min()
    }
}

/// What holds at one moment of the walk.
pub(super) struct Here {
    /// Where each window stands.
    pub(super) states: Vec<State>,
    pub(super) core: Core,
    /// The floor that nodes may wind down to.
    pub(super) winding_down_to: Option<u32>,
}

/// The walk.
pub(super) struct Sweep<'c, 'a> {
    sources: &'c Sources<'a>,
    near: Cursors<'c, 'a>,
    /// The same, ahead by the pool's `windDown`.
    far: Cursors<'c, 'a>,
    /// Borders of exceptions and expiries of overrides, rising.
    borders: Vec<Timestamp>,
    at: Timestamp,
}

impl<'c, 'a> Sweep<'c, 'a> {
    /// Starts at `from`; knows the way up to `horizon`.
    pub(super) fn new(sources: &'c Sources<'a>, from: Timestamp, horizon: Timestamp) -> Self {
        let ahead = sources.wind_down();
        let mut borders: Vec<Timestamp> = sources.overrides.iter().map(|entry| entry.expires).collect();
        let spans = sources.asking.iter().flat_map(|(_, spans)| spans);
        borders.extend(spans.flat_map(|span| [span.from, span.until]));
        borders.extend(borders.clone().into_iter().map(|border| earlier(border, ahead)));
        borders.sort_unstable();
        let far = later(from, ahead);
        let horizon = later(horizon, HORIZON);
        Sweep {
            sources,
            near: Cursors::new(sources, from, horizon),
            far: Cursors::new(sources, far, later(horizon, ahead)),
            borders,
            at: from,
        }
    }

    /// What holds where it stands.
    pub(super) fn here(&mut self) -> Here {
        let states = self.near.states(self.at);
        let core = self.sources.core(self.at, &states);
        let ahead = self.sources.wind_down();
        let floor_ahead = (!ahead.is_zero()).then(|| {
            let far = later(self.at, ahead);
            let states = self.far.states(far);
            listen(&self.sources.voices(far, &states)).floor
        });
        let winding_down_to = floor_ahead.filter(|floor| *floor < core.heard.0);
        Here { states, core, winding_down_to }
    }

    /// Goes to the next moment at which something may change.
    pub(super) fn step(&mut self) -> Option<Timestamp> {
        let ahead = self.sources.wind_down();
        let border = self.borders.get(self.borders.partition_point(|border| *border <= self.at)).copied();
        let far = self.far.next(later(self.at, ahead)).map(|moment| earlier(moment, ahead));
        let next = [self.near.next(self.at), far, border].into_iter().flatten().filter(|next| *next > self.at).min()?;
        self.at = next;
        Some(next)
    }
}
