//! Windows: spans of time in which the policy asks for something different.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Headroom, Origin};
use crate::model::Name;
use crate::schedule::Crontab;

/// What a window, an override or a pool asks of the number of active nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// At least so many.
    pub min: Option<u32>,
    /// At most so many.
    pub max: Option<u32>,
    /// Exactly so many.
    pub replicas: Option<u32>,
    /// Spare capacity.
    pub headroom: Option<Headroom>,
}

/// What happens to a drain that is running when a freeze opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overrun {
    /// It ends as planned (the default), over several runs too: so does a node that waits for its pods.
    #[default]
    Finish,
    /// Nothing new is evicted; the node is given back.
    Stop,
}

/// What a window does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    /// Asks for other numbers.
    Capacity(Ask),
    /// No disruption: nothing is cordoned, drained, parked or deleted.
    Freeze(Overrun),
    /// The protections named may be ignored (by the annotation's or label's key); budgets never.
    Relaxed(Vec<Name>),
}

/// How long a wake takes where nothing was measured: the published runs of nine nodes took 5 min.
pub const ASSUMED_WAKE: SignedDuration = SignedDuration::from_mins(5);

/// How long before its start a window's nodes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lead {
    /// So long.
    Fixed(SignedDuration),
    /// From measured wake times (H21).
    Auto,
}

/// When a window opens and closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Recurrence {
    /// Opens by crontab and stays open so long.
    For(Arc<Crontab>, SignedDuration),
    /// Opens and closes by crontab: from an opening to the first closing after it.
    Until(Arc<Crontab>, Arc<Crontab>),
    /// Once, from the first instant up to the second.
    Once(Timestamp, Timestamp),
}

/// A window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Its name, unique in its schedule; `windows[2]` where the policy gives none.
    pub name: Name,
    /// The schedule that holds it, None if it stands in the pool.
    pub schedule: Option<Name>,
    /// What it does.
    pub kind: WindowKind,
    /// When.
    pub when: Recurrence,
    /// Its zone (IANA), the policy's where it has none of its own.
    pub zone: Name,
    /// How long before the start its nodes are wanted. Capacity windows only.
    pub lead: Lead,
    /// Higher wins over lower where windows overlap; 0 by default.
    pub priority: i32,
    /// Where it stands.
    pub origin: Origin,
}

/// An inclusive range of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CalendarDay {
    /// The first.
    pub first: Date,
    /// The last, equal to the first for one day.
    pub last: Date,
}

/// Days on which windows are skipped or something else is asked. A window belongs to the day on which it starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Its name.
    pub name: Name,
    /// The schedule that holds it, None if it stands in the pool.
    pub schedule: Option<Name>,
    /// Its days, in the zone of the window that it touches.
    pub days: Vec<CalendarDay>,
    /// Windows that do not open on these days. Empty together with an empty `ask` means all of the schedule.
    pub skip: Vec<Name>,
    /// What is asked all day instead.
    pub ask: Ask,
    /// The policy's zone, for `ask`.
    pub zone: Name,
    /// Where it stands.
    pub origin: Origin,
}
