//! What holds for one pool at one moment, who says so, and when that changes next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Name;
use crate::policy::{Headroom, Origin, Overrun, Policy, Pool};

/// Who can say something about a pool, strongest last: the written precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Level {
    Default,
    Pool,
    Window,
    Exception,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its name, with the schedule's.
    pub name: Name,
    /// Until when.
    pub until: Timestamp,
    /// For a freeze.
    pub overrun: Overrun,
    /// Where it stands.
    pub origin: Origin,
}

/// What holds for a pool at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// What holds from then on.
    pub holding: Holding,
    /// Why, for people: `window teaching/tuesday-workshop opens (lead 15m)`, `… ends`, `clocks go back`.
    pub why: Vec<String>,
}

/// What holds for `pool` at `at`. `wake_lead` is what `lead: auto` means now (from measured times).
pub fn holds(policy: &Policy, pool: &Pool, at: Timestamp, wake_lead: jiff::SignedDuration) -> Holding {
    let _ = (policy, pool, at, wake_lead);
    todo!()
}

/// The first moment after `after` at which the floor, ceiling, headroom, freeze or relaxation of `pool` changes.
/// Searches at most five years; None if nothing changes in them.
pub fn next_change(policy: &Policy, pool: &Pool, after: Timestamp, wake_lead: jiff::SignedDuration) -> Option<Turn> {
    let _ = (policy, pool, after, wake_lead);
    todo!()
}

/// Every change in `[from, until)`, in time order.
pub fn turns(
    policy: &Policy,
    pool: &Pool,
    from: Timestamp,
    until: Timestamp,
    wake_lead: jiff::SignedDuration,
) -> Vec<Turn> {
    let _ = (policy, pool, from, until, wake_lead);
    todo!()
}
