//! What holds for one pool at one moment, who says so, and when that changes next.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::{chain, duration, window_name};
use super::sweep::{Core, Here, Sources, State, Sweep};
use super::voices::{headroom, listen};
use super::window::HORIZON;
use crate::model::Name;
use crate::policy::{Headroom, Origin, Overrun, Policy, Pool};

/// Who can say something about a pool, strongest last: the written precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Built in.
    Default,
    /// The pool's own fields.
    Pool,
    /// A window that is open.
    Window,
    /// An exception for a date.
    Exception,
    /// What a person asked for, until it expires.
    Override,
}

/// One link of the chain: who said what. Those that lost against a stronger one are in it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// `min`, `max`, `replicas`, `headroom`, `freeze`, `relaxed`, `skip`.
    pub what: String,
    /// Its value, as text.
    pub value: String,
    /// How strong.
    pub level: Level,
    /// `pool workers`, `window teaching/tuesday-workshop`, `exception thanksgiving`, `override pool/workers`.
    pub by: String,
    /// Whether it decided (or shares in the decision); false if something stronger did.
    pub won: bool,
    /// The span for which it holds, where it has one.
    pub from: Option<Timestamp>,
    /// Its end.
    pub until: Option<Timestamp>,
    /// It holds because of its lead: the window itself opens at this instant.
    pub opens: Option<Timestamp>,
    /// Where it stands; None for built-in defaults.
    pub origin: Option<Origin>,
}

/// Something that is open now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Its name, with the schedule's.
    pub name: Name,
    /// Since when.
    pub from: Timestamp,
    /// Until when; None if no end was found within five years.
    pub until: Option<Timestamp>,
    /// For a freeze.
    pub overrun: Overrun,
    /// Where it stands.
    pub origin: Origin,
}

/// What holds for a pool at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// The least active nodes wanted.
    pub floor: u32,
    /// The most active nodes; None is all members. Never below `floor`.
    pub ceiling: Option<u32>,
    /// Spare capacity wanted.
    pub headroom: Option<Headroom>,
    /// A freeze that is open.
    pub freeze: Option<Held>,
    /// Protections that may be ignored now, by key.
    pub relaxed: Vec<Name>,
    /// The floor that will hold after a window that ends within the pool's `windDown`, if it is lower than `floor`.
    pub winding_down_to: Option<u32>,
    /// The chain, strongest first.
    pub said: Vec<Said>,
}

/// A moment at which something changes for a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// What holds from then on.
    pub holding: Holding,
    /// Why, for people: `window teaching/tuesday-workshop opens (lead 15m)`, `… ends`, `clocks go back`.
    pub why: Vec<String>,
}

/// What holds for `pool` at `at`. `wake_lead` is what `lead: auto` means now (from measured times).
///
/// Who is heard where several speak is written in `voices`; when a window is open in `window` and `zoned`. It is a
/// function of the policy and the time alone: it does not matter when it was asked last.
pub fn holds(policy: &Policy, pool: &Pool, at: Timestamp, wake_lead: SignedDuration) -> Holding {
    let sources = Sources::new(policy, pool, wake_lead);
    let here = Sweep::new(&sources, at, at).here();
    holding(&sources, at, &here)
}

fn holding(sources: &Sources<'_>, at: Timestamp, here: &Here) -> Holding {
    let voices = sources.voices(at, &here.states);
    let heard = listen(&voices);
    Holding {
        floor: heard.floor,
        ceiling: heard.ceiling,
        headroom: headroom(&voices).map(|(_, headroom)| headroom),
        freeze: sources.freeze(&here.states).and_then(|(index, span, overrun)| {
            let window = sources.calendars.get(index)?.window;
            let until = Some(span.until).filter(|until| *until < Timestamp::MAX);
            Some(Held { name: window_name(window), from: span.from, until, overrun, origin: window.origin.clone() })
        }),
        relaxed: sources.relaxed(&here.states),
        winding_down_to: here.winding_down_to,
        said: chain(sources, &voices, &heard, at, &here.states),
    }
}

impl Held {
    /// `exam until 2026-12-18T15:00:00Z`, for people.
    pub fn text(&self) -> String {
        match self.until {
            Some(until) => format!("{} until {until}", self.name),
            None => format!("{} without an end within five years", self.name),
        }
    }
}

/// The first moment after `after` at which the floor, ceiling, headroom, freeze or relaxation of `pool` changes, or
/// nodes begin to wind down. Searches at most five years; None if nothing changes in them.
pub fn next_change(policy: &Policy, pool: &Pool, after: Timestamp, wake_lead: SignedDuration) -> Option<Turn> {
    let sources = Sources::new(policy, pool, wake_lead);
    let end = after.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    Changes::new(&sources, after, end).next()
}

/// Every change in `[from, until)`, in time order.
pub fn turns(policy: &Policy, pool: &Pool, from: Timestamp, until: Timestamp, wake_lead: SignedDuration) -> Vec<Turn> {
    let sources = Sources::new(policy, pool, wake_lead);
    let eve = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(from);
    Changes::new(&sources, eve, until).take_while(|turn| turn.at < until).collect()
}

/// The changes after a moment, up to and including `end`.
struct Changes<'c, 'a> {
    sources: &'c Sources<'a>,
    sweep: Sweep<'c, 'a>,
    end: Timestamp,
    /// What holds where the last change was.
    held: (Core, Option<u32>),
    /// Where the windows stood at the last moment looked at.
    then: Vec<State>,
}

impl<'c, 'a> Changes<'c, 'a> {
    fn new(sources: &'c Sources<'a>, after: Timestamp, end: Timestamp) -> Self {
        let mut sweep = Sweep::new(sources, after, end);
        let Here { states, core, winding_down_to } = sweep.here();
        Self { sources, sweep, end, held: (core, winding_down_to), then: states }
    }
}

impl Iterator for Changes<'_, '_> {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        loop {
            let at = self.sweep.step().filter(|at| *at <= self.end)?;
            let here = self.sweep.here();
            if (&here.core, here.winding_down_to) == (&self.held.0, self.held.1) {
                self.then = here.states;
                continue;
            }
            let mut why = self.sources.events(at, &self.then, &here.states);
            if let (Some(floor), true) = (here.winding_down_to, here.winding_down_to != self.held.1) {
                let ahead = duration(self.sources.wind_down());
                why.push(format!("winding down to {floor} (windDown {ahead})"));
            }
            if why.is_empty() {
                why.push("nothing winds down any more".to_owned());
            }
            let holding = holding(self.sources, at, &here);
            self.held = (here.core, here.winding_down_to);
            self.then = here.states;
            return Some(Turn { at, holding, why });
        }
    }
}
