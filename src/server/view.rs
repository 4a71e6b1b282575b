//! What a controller shows of itself, as plain values.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::Counters;
use crate::plan::{NodeStatus, Plan};
use crate::report::timetable::Timetable;

/// Lines of history that are kept.
const KEPT: usize = 200;

/// Which part a replica plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It does not know yet.
    #[default]
    Starting,
    /// Another one leads.
    Standby,
    /// It decides and acts.
    Leading,
    /// It decides and touches nothing, whoever leads.
    Observing,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when, by the wall clock.
    pub since: Timestamp,
    /// What, in words.
    pub text: String,
}

/// The policy that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyShown {
    /// `metadata.name`.
    pub name: String,
    /// Of the effective policy.
    pub digest: String,
    /// The commits it was read at, in words; its files where it stands in none.
    pub from: Vec<String>,
    /// The commits alone.
    pub commits: Vec<String>,
    /// Since when it holds, by the wall clock.
    pub since: Timestamp,
    /// When it was last read and found good, by the wall clock.
    pub read: Timestamp,
    /// The zone of its times.
    pub zone: String,
}

/// What is being carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Since when, by the clock of the cluster.
    pub begun: Timestamp,
    /// Steps of the plan.
    pub total: usize,
    /// Steps that are done.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// The last words about each node.
    pub nodes: BTreeMap<String, String>,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, by the clock of the cluster.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// Somebody should look.
    pub warning: bool,
}

/// What the schedules ask for in the coming week.
pub type Week = Vec<Timetable>;

/// Everything that is shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Which part this replica plays.
    pub role: Role,
    /// Who leads, where it is another one.
    pub leader: Option<String>,
    /// The last sign of life, by the wall clock.
    pub beat: Timestamp,
    /// The policy that holds; None before one was read.
    pub policy: Option<PolicyShown>,
    /// What is not as it should be, by part: `policy`, `cluster`, `observation`, `apply`, `leader`.
    pub troubles: BTreeMap<&'static str, Trouble>,
    /// The last plan.
    pub plan: Option<Arc<Plan>>,
    /// When it was made, by the wall clock.
    pub planned: Timestamp,
    /// Each node.
    pub nodes: Arc<Vec<NodeStatus>>,
    /// The coming week.
    pub week: Arc<Week>,
    /// What is being carried out.
    pub work: Option<Work>,
    /// What happened, the oldest first.
    pub history: VecDeque<Line>,
    /// When it is looked at again if nothing changes, by the clock of the cluster.
    pub next_look: Option<Timestamp>,
    /// What was counted since the process began.
    pub counters: Counters,
}

impl View {
    /// Whether it can be relied on: it knows its part, and has a policy; as a leader it has decided once.
    pub fn ready(&self) -> Result<(), &'static str> {
        match self.role {
            _ if self.policy.is_none() => Err("no policy was read yet"),
            Role::Starting => Err("it is not known yet who leads"),
            Role::Standby => Ok(()),
            Role::Leading | Role::Observing if self.plan.is_none() => Err("no plan was made yet"),
            Role::Leading | Role::Observing => Ok(()),
        }
    }

    /// Adds a line to the history.
    pub fn note(&mut self, at: Timestamp, text: impl Into<String>, warning: bool) {
        if self.history.len() >= KEPT {
            self.history.pop_front();
        }
        self.history.push_back(Line { at, text: text.into(), warning });
    }

    /// The role in one word.
    pub fn part(&self) -> &'static str {
        match self.role {
            Role::Starting => "starting",
            Role::Standby => "standby",
            Role::Leading => "leader",
            Role::Observing => "observer",
        }
    }
}
