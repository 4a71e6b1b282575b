//! What all nodes of one execution share: the counters, the arbiter, the memory and the tray of outgoing commands.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, ActId};
use super::arbiter::{Arbiter, Held};
use super::settings::Settings;
use super::signal::Command;
use crate::execute::event::{Event, EventKind, Tally};
use crate::model::{Memory, Name, NodeMemory, PodKey, PoolMemory};
use crate::plan::{Step, Verb};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Open,
    /// Begun.
    Running,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// It will not begin in this execution.
    Left,
}

/// Whether a step may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// All that must be done before is done.
    Open,
    /// Something is still to be done.
    Later,
    /// Something that it needs failed.
    Never(String),
}

/// The answer of this act goes to that node, and to this pod if it is an eviction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The node; None for the memory.
    pub node: Option<Name>,
    /// The pod's UID.
    pub pod: Option<Name>,
}

/// What all nodes share.
pub struct Desk {
    /// What the machine was told.
    pub settings: Settings,
    /// Who may be evicted.
    pub arbiter: Arbiter,
    /// Commands of this step.
    pub out: Vec<Command>,
    /// Acts in flight.
    pub flights: BTreeMap<ActId, Flight>,
    /// States of all steps.
    pub steps: BTreeMap<String, StepState>,
    /// Something moved in this round: look at every node again.
    pub moved: bool,
    /// Times that a person asked to stop.
    pub interrupts: u32,
    /// What is remembered.
    pub memory: Memory,
    /// Something was learned that is not in the journal yet.
    pub learned: bool,
    /// The memory changed since it was last written.
    pub unwritten: bool,
    /// Numbers for the summary.
    pub tally: Tally,
    /// Nodes of each pool on their way out, and in any transition: `(going, all)`.
    pub transit: BTreeMap<Name, (u32, u32)>,
    /// Nodes that will go and take pods still: nothing is evicted before there is none (H14).
    pub open_victims: usize,
    /// Nodes that may be cordoned although pods on them are waited for: one of each pool (H18).
    pub chosen: BTreeSet<Name>,
    /// When each bound last let a pod go.
    pub progress: BTreeMap<Held, Timestamp>,
    serial: u64,
    wake: Option<Timestamp>,
}

impl Desk {
    /// What is said of a phase that was measured in a pool before, after its name: half of all nodes took no longer.
    pub fn usually(&self, pool: &Name, times: fn(&PoolMemory) -> &[SignedDuration]) -> String {
        let mut measured = self.memory.pools.get(pool).map(|memory| times(memory).to_vec()).unwrap_or_default();
        measured.sort_unstable();
        measured.get(measured.len() / 2).map_or_else(String::new, |half| {
            format!(", which usually takes {:#}", SignedDuration::from_secs(half.as_secs().max(1)))
        })
    }

    /// A desk with nothing on it.
    pub fn new(settings: Settings, arbiter: Arbiter, serial: u64, steps: BTreeMap<String, StepState>) -> Self {
        let memory = settings.memory.clone();
        let tally = Tally { left: settings.put_off, ..Tally::default() };
        Self {
            settings,
            arbiter,
            out: Vec::new(),
            flights: BTreeMap::new(),
            steps,
            moved: false,
            interrupts: 0,
            memory,
            learned: false,
            unwritten: false,
            tally,
            transit: BTreeMap::new(),
            open_victims: 0,
            chosen: BTreeSet::new(),
            progress: BTreeMap::new(),
            serial,
            wake: None,
        }
    }

    /// Sends an act off.
    pub fn send(&mut self, act: Act, pod: Option<Name>) -> ActId {
        self.serial += 1;
        let node = act.node().cloned();
        let about = node.as_deref().unwrap_or("memory");
        let id = ActId(format!("{}/{about}#{}", act.verb(), self.serial));
        self.flights.insert(id.clone(), Flight { node, pod });
        self.out.push(Command::Act(id.clone(), act));
        self.moved = true;
        id
    }

    /// Asks to be woken at `at`, or earlier.
    pub fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// The time to be woken at, forgotten thereby.
    pub fn take_wake(&mut self) -> Option<Timestamp> {
        self.wake.take()
    }

    /// Tells the world.
    pub fn tell(&mut self, event: Event) {
        self.out.push(Command::Emit(event));
    }

    /// Whether `step` may begin. A drain and what follows it need what stands before them (a home, their own
    /// cordon); others only stand in line, and go on when what is before them has failed.
    pub fn gate(&self, step: &Step) -> Gate {
        let in_line = matches!(step.verb, Verb::Cordon | Verb::Wake | Verb::Create | Verb::Uncordon);
        for id in &step.after {
            match self.steps.get(id) {
                None | Some(StepState::Done) => {}
                Some(StepState::Failed | StepState::Left) if in_line => {}
                Some(StepState::Failed | StepState::Left) => {
                    return Gate::Never(format!("it needs {id}, which was not done"));
                }
                Some(StepState::Open | StepState::Running) => return Gate::Later,
            }
        }
        Gate::Open
    }

    /// Nobody wants anything new to begin.
    pub fn stopping(&self) -> bool {
        self.interrupts > 0
    }

    /// What is remembered of a node, to be changed.
    pub fn remember(&mut self, node: &Name) -> &mut NodeMemory {
        (self.learned, self.unwritten) = (true, true);
        self.memory.nodes.entry(node.clone()).or_default()
    }

    /// What is remembered of a pool, to be changed.
    pub fn remember_pool(&mut self, pool: &Name) -> &mut PoolMemory {
        (self.learned, self.unwritten) = (true, true);
        self.memory.pools.entry(pool.clone()).or_default()
    }

    /// Bars a node after a failed drain: 10 min, doubling to 6 h (H3).
    pub fn bar(&mut self, node: &Name, pod: Option<PodKey>, why: &str, now: Timestamp) -> Timestamp {
        let tries = self.memory.nodes.get(node).and_then(|m| m.drain_failure.as_ref()).map_or(0, |f| f.tries) + 1;
        let next = later(now, doubling(SignedDuration::from_mins(10), tries, SignedDuration::from_hours(6)));
        let why = why.to_owned();
        self.remember(node).drain_failure = Some(crate::model::DrainFailure { pod, why, tries, next });
        next
    }

    /// Backs off after a failed wake: 5 min, doubling to 60 (H8). What failed of the node alone says nothing of its pool.
    pub fn back_off(&mut self, node: &Name, pool: &Name, alone: bool, why: &str, now: Timestamp) -> Timestamp {
        let tries = self.memory.nodes.get(node).and_then(|m| m.wake_failure.as_ref()).map_or(0, |f| f.tries) + 1;
        let next = later(now, doubling(SignedDuration::from_mins(5), tries, SignedDuration::from_mins(60)));
        let why = why.to_owned();
        self.remember(node).wake_failure = Some(crate::model::WakeFailure { why, tries, next });
        if !alone {
            self.back_off_pool(pool, now);
        }
        next
    }

    /// A node of the pool goes for good: that it is missing says nothing of the observation.
    pub fn forget(&mut self, pool: &Name, node: &Name) {
        if self.memory.pools.get(pool).is_some_and(|memory| memory.names.contains(node)) {
            let memory = self.remember_pool(pool);
            memory.names.remove(node);
            memory.members = memory.members.saturating_sub(1);
        }
    }

    /// The provider has none of this flavor for now: 5 min, doubling to 60, in which others are taken (H8).
    pub fn refuse(&mut self, pool: &Name, what: &Name, why: &str, now: Timestamp) -> Timestamp {
        let refused = &mut self.remember_pool(pool).refused;
        let tries = refused.get(what).map_or(0, |failure| failure.tries) + 1;
        let next = later(now, doubling(SignedDuration::from_mins(5), tries, SignedDuration::from_mins(60)));
        refused.insert(what.clone(), crate::model::WakeFailure { why: why.to_owned(), tries, next });
        next
    }

    /// The whole pool backs off: 5 min, doubling to 60 (H8). Until when.
    pub fn back_off_pool(&mut self, pool: &Name, now: Timestamp) -> Timestamp {
        let memory = self.remember_pool(pool);
        // Those that were under way together and fail together are one failure, or nine nodes would count for nine.
        if let Some(until) = memory.backoff_until.filter(|until| *until > now) {
            return until;
        }
        memory.failed_wakes = memory.failed_wakes.saturating_add(1);
        let fails = memory.failed_wakes;
        let again = later(now, doubling(SignedDuration::from_mins(5), fails, SignedDuration::from_mins(60)));
        memory.backoff_until = Some(again);
        if memory.broken() {
            let text = format!("pool {pool} is broken: its wakes failed {fails} times in a row; next try {again}");
            self.tell(Event { pool: Some(pool.to_string()), ..Event::new(EventKind::Warning, now, text) });
        }
        again
    }
}

/// `first`, doubled with each try, at most `most`.
fn doubling(first: SignedDuration, tries: u32, most: SignedDuration) -> SignedDuration {
    let factor = 1_i32.checked_shl(tries.saturating_sub(1).min(20)).unwrap_or(i32::MAX);
    first.checked_mul(factor).map_or(most, |grown| grown.min(most))
}

/// `now` and so long; the end of time where there is no such instant.
pub fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_limit() {
        let (first, most) = (SignedDuration::from_mins(10), SignedDuration::from_hours(6));
        let minutes: Vec<i64> = (1..8).map(|tries| doubling(first, tries, most).as_mins()).collect();
        assert_eq!(minutes, [10, 20, 40, 80, 160, 320, 360]);
        assert_eq!(doubling(first, u32::MAX, most), most);
    }
}
