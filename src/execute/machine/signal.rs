//! What goes into the machine, and what comes out of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::act::{Act, ActId, Answer};
use crate::execute::event::{Event, Tally};
use crate::model::Lesson;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The first input.
    Started,
    /// The world was updated.
    Changed,
    /// An act came back; what it showed is in the world already.
    Outcome(ActId, Answer),
    /// The time that was asked for has come.
    Tick,
    /// A person wants it to stop: the first finishes what is in flight, the second stops now.
    Interrupt,
    /// A person stopped everything in this cluster, in words: what is in flight is finished, as after the first interrupt.
    Stopped(String),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Write this down before anything else of this answer is done or said: the journal knows it from then on.
    Learn(Lesson),
    /// Do this: its intent goes into the journal before.
    Act(ActId, Act),
    /// Come back at this time with a tick, if nothing else happens before. The last one counts.
    WakeMeAt(Timestamp),
    /// Tell the world.
    Emit(Event),
    /// Nothing is in flight and only pods that end by themselves are waited for: the lock may be free until the next
    /// act.
    Rest,
    /// It is over; nothing is in flight, unless it was told to stop now.
    Finish(End),
}

/// How an execution ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndKind {
    /// Everything is done.
    Done,
    /// Some steps are not done; the next run goes on.
    Partly,
    /// Only pods that end by themselves are waited for, and nobody wants to wait.
    Waiting,
    /// A person stopped it, and every node is in a named safe state.
    Interrupted,
    /// A person stopped it at once: `resume` looks what became of the acts in flight.
    Abandoned,
    /// A freeze forbids all that was left.
    Frozen,
}

/// How an execution ended, with numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How.
    pub kind: EndKind,
    /// In numbers.
    pub tally: Tally,
}
