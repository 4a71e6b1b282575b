//! What the schedules will ask for: as text, as a calendar, as timers for those who run without a controller.

mod calendar;
mod chain;
mod notes;
mod text;
mod timers;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Name;
use crate::policy::{Policy, Pool};
use crate::report::layout::bounds;
use crate::schedule::{self, Holding, Turn};

pub use calendar::calendar;
pub use chain::chain;
pub use notes::{About, Note};
pub use text::text;
pub use timers::{Command, crontab, systemd};

/// The version of the JSON documents.
const FORMAT_VERSION: &str = "1.0";

/// What a pool is asked for in a span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timetable {
    /// The pool.
    pub pool: Name,
    /// The first instant.
    pub from: Timestamp,
    /// Up to here, exclusive.
    pub until: Timestamp,
    /// The policy's zone (IANA).
    pub zone: Name,
    /// What holds at `from`.
    pub start: Holding,
    /// What changes, in time order.
    pub turns: Vec<Turn>,
    /// Clock changes, skipped windows, new years, in time order.
    pub notes: Vec<Note>,
}

/// What `schedule --format json` prints.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timetables {
    /// The version of this format: another major version may mean something else by the same words.
    pub format_version: String,
    /// One for each pool, in the policy's order.
    pub pools: Vec<Timetable>,
}

impl Timetables {
    /// The document of these.
    pub fn of(pools: Vec<Timetable>) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), pools }
    }
}

/// What `schedule --at TIME --format json` prints.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldAt {
    /// The version of this format: another major version may mean something else by the same words.
    pub format_version: String,
    /// The instant.
    pub at: Timestamp,
    /// What holds for each pool then, and who says so.
    pub pools: BTreeMap<Name, Holding>,
}

impl HeldAt {
    /// The document of these.
    pub fn of(at: Timestamp, pools: BTreeMap<Name, Holding>) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), at, pools }
    }
}

impl Timetable {
    /// The timetable of `pool` for `[from, until)`. `wake_lead` is what `lead: auto` means now.
    pub fn of(policy: &Policy, pool: &Pool, from: Timestamp, until: Timestamp, wake_lead: SignedDuration) -> Self {
        let mut turns = schedule::turns(policy, pool, from, until, wake_lead);
        // What changes at the start is what holds there.
        turns.retain(|turn| turn.at > from);
        Self {
            pool: pool.name.clone(),
            from,
            until,
            zone: policy.time_zone.clone(),
            start: schedule::holds(policy, pool, from, wake_lead),
            turns,
            notes: notes::notes(policy, pool, from, until),
        }
    }

    /// Every span with what holds in it, in time order, without gaps.
    pub fn spans(&self) -> impl Iterator<Item = (Timestamp, Timestamp, &Holding, &[String])> {
        let starts = std::iter::once((self.from, &self.start, [].as_slice()))
            .chain(self.turns.iter().map(|turn| (turn.at, &turn.holding, turn.why.as_slice())));
        let ends = self.turns.iter().map(|turn| turn.at).chain([self.until]);
        starts.zip(ends).map(|((from, holding, why), until)| (from, until, holding, why))
    }
}

/// The zone of that name; UTC where the zone database has none, which a validated policy cannot bring about.
fn zone(name: &str) -> TimeZone {
    schedule::zone(name).unwrap_or(TimeZone::UTC)
}

/// `floor 10, ceiling 10, freeze`.
fn asked(holding: &Holding) -> String {
    let mut text = bounds(holding.floor, holding.ceiling);
    if holding.headroom.as_ref().is_some_and(|headroom| *headroom != crate::policy::Headroom::default()) {
        text.push_str(", headroom");
    }
    if let Some(freeze) = &holding.freeze {
        text.push_str(&format!(", freeze {}", freeze.name));
        // One that is open beside it holds on when that one ends.
        let others = holding.said.iter().filter(|said| said.what == "freeze" && !said.won);
        let others = others.map(|said| said.by.strip_prefix("window ").unwrap_or(&said.by));
        for other in others.filter(|other| **other != *freeze.name) {
            text.push_str(&format!(" and {other}"));
        }
    }
    if !holding.relaxed.is_empty() {
        text.push_str(", relaxed");
    }
    if let Some(floor) = holding.winding_down_to {
        text.push_str(&format!(", winding down to {floor}"));
    }
    text
}
