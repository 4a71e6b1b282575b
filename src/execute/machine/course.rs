//! The course of one node through a plan: which way it is on, which step it is at, and the act it waits for.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, ActId, Answer, Trouble, TroubleKind};
use super::coming::Coming;
use super::desk::{Desk, Gate, StepState, later};
use super::leaving::Leaving;
use super::past::Past;
use super::returning::Returning;
use super::settings::{PoolSettings, Recheck};
use crate::cluster::{NodeMark, NodeRecord};
use crate::execute::event::{Event, EventKind};
use crate::model::{Name, Node, PodKey, Stamp, World};
use crate::plan::{Precondition, Step, Verb};

/// Which way a node is on.
#[derive(Debug)]
pub enum Way {
    /// Its capacity is taken away.
    Leaving(Leaving),
    /// Its capacity is brought.
    Coming(Coming),
    /// It gets its old place again.
    Returning(Returning),
    /// Nothing more is done with it in this execution.
    Ended,
}

/// The one act, besides evictions, that a node may wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Call {
    #[default]
    Free,
    Flying(ActId),
    Answered(Answer),
    Resting(Timestamp),
}

/// How often an act is tried while the answer is that it may be asked again.
pub const PATIENCE: u32 = 8;
/// The same for acts that give a node back: those matter more.
pub const LONG_PATIENCE: u32 = 24;

/// What was read from the world and holds until that changes: most nodes of a large plan only stand in line.
#[derive(Debug, Default)]
struct Sight {
    pods: Option<Stamp>,
    waitable: Vec<PodKey>,
    node: Option<(Arc<Node>, Option<NodeMark>)>,
}

/// A node's course.
#[derive(Debug)]
pub struct Course {
    /// The node.
    pub node: Name,
    /// Its pool.
    pub pool: Name,
    /// Its steps, in the plan's order.
    pub steps: Vec<Step>,
    /// Where it is.
    pub way: Way,
    /// A freeze ended it.
    pub frozen: bool,
    /// What was begun with it before, where an execution is taken up again.
    pub(super) past: Past,
    /// The hooks before a drain were called.
    pub(super) hooked: bool,
    /// When its server was last read.
    pub(super) seen: Option<Timestamp>,
    call: Call,
    tries: u32,
    sight: Sight,
}

impl Course {
    /// A course at its beginning.
    pub fn new(node: Name, pool: Name, steps: Vec<Step>) -> Self {
        let going = steps.iter().any(|step| step.verb.takes() || step.verb == Verb::Record);
        let way = if going { Way::Leaving(Leaving::Look) } else { Way::Coming(Coming::Look) };
        Self {
            node,
            pool,
            steps,
            way,
            frozen: false,
            past: Past::default(),
            hooked: false,
            seen: None,
            call: Call::Free,
            tries: 0,
            sight: Sight::default(),
        }
    }

    /// Moves on as far as it can without another input.
    pub fn advance(&mut self, desk: &mut Desk, world: &World, now: Timestamp) {
        self.way = match std::mem::replace(&mut self.way, Way::Ended) {
            Way::Leaving(phase) => self.leave(phase, desk, world, now),
            Way::Coming(phase) => self.come(phase, desk, world, now),
            Way::Returning(phase) => self.go_back(phase, desk, world, now),
            Way::Ended => Way::Ended,
        };
    }

    /// Takes the answer of an act that is not an eviction.
    pub fn answered(&mut self, id: &ActId, answer: Answer) {
        if self.call == Call::Flying(id.clone()) {
            self.call = Call::Answered(answer);
        }
    }

    /// Takes an answer that came before it was taken up again.
    pub(super) fn told(&mut self, answer: Answer) {
        self.call = Call::Answered(answer);
    }

    /// Whether an act of its own is in flight.
    pub fn busy(&self) -> bool {
        matches!(self.call, Call::Flying(_))
    }

    /// Whether nothing was sent, or what was sent is dealt with.
    pub fn free(&self) -> bool {
        self.call == Call::Free
    }

    /// Has `act` done and gives its answer when it has come, once. What may be asked again is asked again.
    pub fn perform(
        &mut self,
        desk: &mut Desk,
        act: Act,
        patience: u32,
        now: Timestamp,
    ) -> Option<Result<Answer, Trouble>> {
        match std::mem::take(&mut self.call) {
            Call::Flying(id) => {
                self.call = Call::Flying(id);
                None
            }
            Call::Answered(Answer::Failed(trouble)) => {
                let most = match trouble.kind {
                    TroubleKind::Again => patience,
                    // Each is a failed login, and clouds lock out whoever has many.
                    TroubleKind::Login => 1,
                    _ => 0,
                };
                if self.tries < most {
                    self.tries += 1;
                    self.rest(desk, later(now, backoff(self.tries)));
                    return None;
                }
                self.tries = 0;
                Some(Err(trouble))
            }
            Call::Answered(answer) => {
                self.tries = 0;
                Some(Ok(answer))
            }
            Call::Resting(until) if now < until => {
                self.rest(desk, until);
                None
            }
            Call::Free | Call::Resting(_) => {
                self.call = Call::Flying(desk.send(act, None));
                None
            }
        }
    }

    /// The next act is not sent before `until`.
    pub fn rest(&mut self, desk: &mut Desk, until: Timestamp) {
        self.call = Call::Resting(until);
        desk.wake_at(until);
    }

    /// Goes on to `way` in the same round.
    pub fn go(&mut self, desk: &mut Desk, way: Way) -> Way {
        self.call = Call::Free;
        self.tries = 0;
        desk.moved = true;
        way
    }

    /// The step with this verb.
    pub fn step(&self, verb: Verb) -> Option<&Step> {
        self.steps.iter().find(|step| step.verb == verb)
    }

    /// Whether the step with this verb may begin; one that is not planned is no obstacle.
    pub fn gate(&self, desk: &Desk, verb: Verb) -> Gate {
        self.step(verb).map_or(Gate::Open, |step| desk.gate(step))
    }

    /// An event about this node.
    pub fn event(&self, kind: EventKind, now: Timestamp, message: impl Into<String>) -> Event {
        // A node that no pool has any more is only given back.
        let pool = Some(self.pool.to_string()).filter(|pool| !pool.is_empty());
        Event { node: Some(self.node.to_string()), pool, ..Event::new(kind, now, message) }
    }

    /// Begins the step with this verb; the steps before it are done thereby.
    pub fn begin(&self, desk: &mut Desk, verb: Verb, now: Timestamp, message: impl Into<String>) {
        let Some(at) = self.steps.iter().position(|step| step.verb == verb) else { return };
        for step in self.steps.iter().take(at) {
            self.close(desk, step, now);
        }
        let Some(step) = self.steps.get(at) else { return };
        if desk.steps.get(&step.id) == Some(&StepState::Open) {
            desk.steps.insert(step.id.clone(), StepState::Running);
            desk.tell(Event { step: Some(step.id.clone()), ..self.event(EventKind::StepStarted, now, message) });
        }
    }

    /// All steps are done.
    pub fn done(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        for step in &self.steps {
            self.close(desk, step, now);
        }
        self.go(desk, Way::Ended)
    }

    /// The steps before the one with this verb are done.
    pub(super) fn close_before(&self, desk: &mut Desk, verb: Verb, now: Timestamp) {
        self.steps.iter().take_while(|step| step.verb != verb).for_each(|step| self.close(desk, step, now));
    }

    fn close(&self, desk: &mut Desk, step: &Step, now: Timestamp) {
        if !matches!(desk.steps.get(&step.id), Some(StepState::Done)) {
            desk.steps.insert(step.id.clone(), StepState::Done);
            desk.tally.done += 1;
            let text = format!("{} done", step.id);
            desk.tell(Event { step: Some(step.id.clone()), ..self.event(EventKind::StepDone, now, text) });
            desk.moved = true;
        }
    }

    /// The step that is under way.
    pub fn current(&self, desk: &Desk) -> Option<String> {
        let open = |state: StepState| {
            self.steps.iter().find(|step| desk.steps.get(&step.id) == Some(&state)).map(|step| step.id.clone())
        };
        open(StepState::Running).or_else(|| open(StepState::Open))
    }

    /// What is not done will not be: the step under way failed, or nothing failed and the rest is left.
    pub fn give_up(&mut self, desk: &mut Desk, now: Timestamp, failed: bool, pod: Option<&PodKey>, why: &str) {
        let current = self.current(desk);
        for step in &self.steps {
            let state = desk.steps.get(&step.id).copied();
            if matches!(state, Some(StepState::Open | StepState::Running)) {
                let this = failed && Some(&step.id) == current.as_ref();
                desk.steps.insert(step.id.clone(), if this { StepState::Failed } else { StepState::Left });
                if this {
                    desk.tally.failed += 1;
                } else {
                    desk.tally.left += 1;
                }
            }
        }
        desk.moved = true;
        let kind = if failed { EventKind::StepFailed } else { EventKind::StepProgress };
        let pod = pod.map(ToString::to_string);
        desk.tell(Event { step: current, pod, ..self.event(kind, now, why) });
    }

    /// Ends where it stands, without touching the node.
    pub fn stay(&mut self, desk: &mut Desk, now: Timestamp, why: &str) -> Way {
        self.give_up(desk, now, true, None, why);
        self.go(desk, Way::Ended)
    }

    /// What the machine knows of its pool.
    pub fn settings<'a>(&self, desk: &'a Desk) -> Option<&'a PoolSettings> {
        desk.settings.pools.get(&self.pool)
    }

    /// The node, if it is there and still the one that was planned with.
    pub fn planned_node<'a>(&self, world: &'a World) -> Result<&'a Node, String> {
        let node = world.nodes.get(&self.node).ok_or_else(|| format!("node {} is not there", self.node))?;
        let conditions = self.steps.iter().flat_map(|step| &step.preconditions);
        for condition in conditions {
            match condition {
                Precondition::Node { uid } if !uid.is_empty() && **uid != *node.uid => {
                    return Err(format!("node {} is another node than when the plan was made", self.node));
                }
                _ => {}
            }
        }
        Ok(node)
    }

    /// Our record on the node; None also where it is not readable.
    pub fn record(&self, world: &World) -> Option<NodeRecord> {
        world.nodes.get(&self.node).and_then(|node| NodeRecord::of(node).ok().flatten())
    }

    /// The mark of our record on the node, read again only when the node changed.
    pub fn mark(&mut self, world: &World) -> Option<NodeMark> {
        let node = world.nodes.get(&self.node)?;
        if let Some((_, mark)) = self.sight.node.as_ref().filter(|(seen, _)| Arc::ptr_eq(seen, node)) {
            return *mark;
        }
        let mark = self.record(world).map(|record| record.mark);
        self.sight.node = Some((Arc::clone(node), mark));
        mark
    }

    /// Looks again which pods on the node can be waited for, if its pods changed.
    pub fn look_round(&mut self, recheck: &dyn Recheck, world: &World) {
        let stamp = world.pods_stamp(&self.node);
        let same = match (&self.sight.pods, stamp) {
            (Some(seen), Some(stamp)) => seen.same(stamp),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let pods = world.pods_on(&self.node).filter(|pod| recheck.may_wait(pod));
            self.sight.waitable = pods.map(|pod| pod.key.clone()).collect();
            self.sight.pods = stamp.cloned();
        }
    }

    /// The pods on the node that can be waited for, as of the last look round.
    pub fn waitable(&self) -> &[PodKey] {
        &self.sight.waitable
    }

    /// The server behind the node.
    pub fn server(&self, world: &World) -> Option<Name> {
        let planned = self.steps.iter().find_map(|step| step.server.as_deref()).map(Name::from);
        planned.or_else(|| world.nodes.get(&self.node).and_then(|node| world.server_of(node)).map(|s| s.id.clone()))
    }
}

/// 2, 4, 8, 16, then 30 seconds.
pub fn backoff(tries: u32) -> SignedDuration {
    SignedDuration::from_secs((1_i64 << tries.min(5)).min(30))
}
