//! The machine: inputs in, commands out, all nodes of a plan side by side.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::act::{Act, ActId, Answer, TroubleKind};
use super::arbiter::Arbiter;
use super::course::{Course, Way};
use super::desk::{Desk, StepState, later};
use super::leaving::Leaving;
use super::settings::{Resumed, Settings};
use super::signal::{Command, End, EndKind, Input};
use super::waiting;
use crate::execute::event::{Event, EventKind};
use crate::model::{Memory, Name, World, counted};
use crate::plan::{Plan, Step};

/// How often the memory is tried to be written before that is given up with a warning.
const MEMORY_TRIES: u32 = 5;
/// A round moves at least one node by one phase; more rounds than this without an end are a fault in the machine.
const ROUNDS: usize = 100_000;

/// Carries out one plan: a pure function of what it is told.
pub struct Machine {
    courses: Vec<Course>,
    desk: Desk,
    digest: String,
    waiting: BTreeMap<Name, Vec<String>>,
    /// The memory as the journal has it.
    journaled: Memory,
    memory_flight: Option<ActId>,
    memory_tries: u32,
    memory_again: Option<Timestamp>,
    /// Why the memory could not be written the last time.
    memory_trouble: String,
    resting_since: Option<Timestamp>,
    resumed: bool,
    ended: bool,
}

impl Machine {
    /// A machine at the beginning of `plan`, or of what is left of it if it is taken up again. `digest` is the plan's.
    pub fn new(plan: &Plan, digest: &str, settings: Settings, resumed: Option<&Resumed>, world: &World) -> Self {
        let outages: BTreeSet<String> = plan.outages.iter().map(|outage| outage.pod.clone()).collect();
        let nothing = Resumed::default();
        let before = resumed.unwrap_or(&nothing);
        let arbiter = Arbiter::new(world, settings.drain.implied, &before.ready, outages);
        let steps = plan.steps.iter().map(|step| (step.id.clone(), StepState::Open)).collect();
        let mut order: Vec<(String, String)> = Vec::new();
        let mut of_node: BTreeMap<String, Vec<Step>> = BTreeMap::new();
        for step in &plan.steps {
            let entry = of_node.entry(step.node.clone()).or_default();
            if entry.is_empty() {
                order.push((step.node.clone(), step.pool.clone()));
            }
            entry.push(step.clone());
        }
        let courses = (order.into_iter())
            .map(|(node, pool)| {
                let steps = of_node.remove(&node).unwrap_or_default();
                let past = before.past.get(node.as_str()).cloned().unwrap_or_default();
                let mut course = Course::new(node.into(), pool.into(), steps);
                course.past = past;
                course
            })
            .collect();
        let journaled = settings.memory.clone();
        let unwritten = resumed.is_some() && !settings.memory.beyond(&world.memory).is_empty();
        let mut desk = Desk::new(settings, arbiter, before.acts, steps);
        desk.unwritten = unwritten;
        Self {
            courses,
            desk,
            journaled,
            digest: digest.to_owned(),
            waiting: BTreeMap::new(),
            memory_flight: None,
            memory_tries: 0,
            memory_trouble: String::new(),
            memory_again: None,
            resting_since: None,
            resumed: resumed.is_some(),
            ended: false,
        }
    }

    /// Ready pods by workload at the start: belongs into the journal's first line (H1).
    pub fn ready_at_start(&self) -> &BTreeMap<String, u32> {
        self.desk.arbiter.at_start()
    }

    /// Takes one input and says what to do. After `Finish` nothing more comes.
    pub fn step(&mut self, input: Input, world: &World, now: Timestamp) -> Vec<Command> {
        if self.ended {
            return Vec::new();
        }
        self.desk.arbiter.census.follow(world);
        match input {
            Input::Started => self.started(now),
            Input::Outcome(id, answer) => self.outcome(&id, answer),
            Input::Interrupt => {
                self.desk.interrupts += 1;
                if self.desk.interrupts > 1 {
                    self.finish(EndKind::Abandoned, now);
                    return std::mem::take(&mut self.desk.out);
                }
                let text =
                    "interrupted: what is in flight is finished, nothing new begins; a second Ctrl-C stops at once";
                self.desk.tell(Event::new(EventKind::Interrupted, now, text));
            }
            Input::Stopped(why) => {
                if self.desk.interrupts == 0 {
                    self.desk.interrupts = 1;
                    let text = format!("{why}; what is in flight is finished, nothing new begins");
                    self.desk.tell(Event::new(EventKind::Interrupted, now, text));
                }
            }
            Input::Changed | Input::Tick => {}
        }
        for course in self.courses.iter_mut().filter(|course| matches!(course.way, Way::Leaving(_))) {
            course.look_round(&*self.desk.settings.recheck, world);
        }
        self.advance(world, now);
        self.tell_who_waits(world, now);
        self.write_memory(now);
        self.settle(world, now);
        self.learn();
        std::mem::take(&mut self.desk.out)
    }

    fn started(&mut self, now: Timestamp) {
        let steps = self.desk.steps.len();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let on_nodes = format!("{} on {}", counted(count(steps), "step"), counted(count(self.courses.len()), "node"));
        let (kind, text) = if self.resumed {
            (EventKind::Resumed, format!("taken up again: {on_nodes}"))
        } else {
            (EventKind::PlanStarted, on_nodes)
        };
        let total = u32::try_from(steps).ok();
        self.desk.tell(Event { plan: Some(self.digest.clone()), total, ..Event::new(kind, now, text) });
    }

    fn outcome(&mut self, id: &ActId, answer: Answer) {
        if self.memory_flight.as_ref() == Some(id) {
            self.memory_flight = None;
            self.desk.flights.remove(id);
            if let Answer::Failed(trouble) = answer {
                // What is not allowed is not allowed later either.
                let again = trouble.kind == TroubleKind::Again;
                self.memory_tries = if again { self.memory_tries + 1 } else { MEMORY_TRIES + 1 };
                self.memory_trouble = format!(": {}", trouble.text);
                self.desk.unwritten = true;
            } else {
                self.memory_tries = 0;
            }
            return;
        }
        let Some(flight) = self.desk.flights.remove(id) else { return };
        let Some(course) = self.courses.iter_mut().find(|course| Some(&course.node) == flight.node.as_ref()) else {
            return;
        };
        match (flight.pod, &mut course.way) {
            (Some(uid), Way::Leaving(Leaving::Evict(evicting))) => evicting.answered(&uid, answer),
            (Some(uid), _) => self.desk.arbiter.late(&uid, &answer),
            (None, _) => course.answered(id, answer),
        }
    }

    fn advance(&mut self, world: &World, now: Timestamp) {
        let _ = self.desk.take_wake();
        for _ in 0..ROUNDS {
            self.desk.moved = false;
            self.desk.transit = transit(&self.courses);
            self.desk.open_victims = (self.courses.iter())
                .filter(|course| matches!(course.way, Way::Leaving(Leaving::Look | Leaving::Choose)))
                .count();
            self.desk.chosen = waiting::choose(&self.courses, &self.desk, world, now);
            for course in &mut self.courses {
                course.advance(&mut self.desk, world, now);
            }
            if !self.desk.moved {
                break;
            }
        }
    }

    /// Says once for each change who is waited for.
    fn tell_who_waits(&mut self, world: &World, now: Timestamp) {
        let mut waiting = BTreeMap::new();
        for course in &self.courses {
            if let Some(event) = waiting::waits(course, &self.desk, world, now) {
                let known = self.waiting.get(&course.node) == Some(&event.pods);
                waiting.insert(course.node.clone(), event.pods.clone());
                if !known {
                    self.desk.tell(event);
                }
            }
        }
        self.waiting = waiting;
    }

    /// What was learned goes before what is done because of it: whoever takes this up again knows it.
    fn learn(&mut self) {
        if !std::mem::take(&mut self.desk.learned) {
            return;
        }
        let lesson = self.desk.memory.beyond(&self.journaled);
        if !lesson.is_empty() {
            self.journaled.clone_from(&self.desk.memory);
            self.desk.out.insert(0, Command::Learn(lesson));
        }
    }

    fn write_memory(&mut self, now: Timestamp) {
        if !self.desk.unwritten || self.memory_flight.is_some() || self.memory_tries > MEMORY_TRIES {
            return;
        }
        if self.memory_tries > 0 {
            let at = *self.memory_again.get_or_insert(later(now, super::course::backoff(self.memory_tries)));
            if now < at {
                self.desk.wake_at(at);
                return;
            }
        }
        self.memory_again = None;
        self.desk.unwritten = false;
        let mut memory = self.desk.memory.clone();
        memory.written = Some(now);
        memory.nodes.retain(|_, node| !node.is_empty());
        self.memory_flight = Some(self.desk.send(Act::Remember { memory }, None));
    }

    /// Decides whether it is over, and else when to look again.
    fn settle(&mut self, world: &World, now: Timestamp) {
        let ended = |course: &Course| matches!(course.way, Way::Ended);
        let open = self.courses.iter().filter(|course| !ended(course)).count();
        let flying = !self.desk.flights.is_empty();
        let unwritten = self.desk.unwritten && self.memory_tries <= MEMORY_TRIES;
        if open == 0 && !flying && !unwritten {
            let kind = self.end_kind(now);
            self.finish(kind, now);
            return;
        }
        let only_waits = open > 0 && open == self.waiting.len() && !flying && !unwritten;
        self.resting_since = only_waits.then(|| self.resting_since.unwrap_or(now));
        let patience_ends = self.resting_since.map(|since| later(since, self.desk.settings.longest_wait));
        if only_waits && (self.desk.settings.no_wait || patience_ends.is_some_and(|ends| now >= ends)) {
            self.desk.tally.waiting = u32::try_from(open).unwrap_or(u32::MAX);
            self.finish(EndKind::Waiting, now);
            return;
        }
        let turn = self.desk.settings.pools.values().filter_map(|pool| pool.freeze_turn(now)).min();
        if let Some(turn) = turn {
            self.desk.wake_at(turn);
        }
        if let Some(ends) = patience_ends {
            self.desk.wake_at(ends);
            self.desk.out.push(Command::Rest);
        }
        match self.desk.take_wake() {
            Some(at) => self.desk.out.push(Command::WakeMeAt(at)),
            None if !flying && !only_waits => self.unstick(world, now),
            None => {}
        }
    }

    /// Nothing is in flight, nothing is waited for and nothing ends: steps that wait for each other. Their nodes are
    /// given back.
    fn unstick(&mut self, world: &World, now: Timestamp) {
        for course in &mut self.courses {
            if !matches!(course.way, Way::Ended) {
                let why = "it waits for a step that will never be done";
                course.give_up(&mut self.desk, now, true, None, why);
                let returning = super::returning::Returning::new(why);
                course.way = course.go(&mut self.desk, Way::Returning(returning));
            }
        }
        self.advance(world, now);
        self.write_memory(now);
        if self.desk.flights.is_empty() {
            let kind = self.end_kind(now);
            self.finish(kind, now);
        } else if let Some(at) = self.desk.take_wake() {
            self.desk.out.push(Command::WakeMeAt(at));
        }
    }

    fn end_kind(&self, _now: Timestamp) -> EndKind {
        let tally = self.desk.tally;
        if tally.failed == 0 && tally.left == 0 {
            EndKind::Done
        } else if self.desk.stopping() {
            EndKind::Interrupted
        } else if tally.failed == 0 && tally.done == 0 && self.courses.iter().any(|course| course.frozen) {
            EndKind::Frozen
        } else {
            EndKind::Partly
        }
    }

    fn finish(&mut self, kind: EndKind, now: Timestamp) {
        self.ended = true;
        if self.desk.unwritten || (self.memory_flight.is_some() && kind != EndKind::Abandoned) {
            let text = format!("what this run learned could not be written down{}", self.memory_trouble);
            self.desk.tell(Event::new(EventKind::Warning, now, text));
        }
        let tally = self.desk.tally;
        let text = match kind {
            EndKind::Done => format!("Apply complete: {} done", counted(tally.done, "step")),
            EndKind::Partly => format!(
                "Partly applied: {} done, {} failed, {} not begun, {} given back",
                counted(tally.done, "step"),
                tally.failed,
                tally.left,
                counted(tally.given_back, "node")
            ),
            EndKind::Waiting => {
                let failed = if tally.failed > 0 { format!("{} failed, ", tally.failed) } else { String::new() };
                let wait = if tally.waiting == 1 { "waits" } else { "wait" };
                format!(
                    "{} done, {failed}{} {wait} for pods: the next run goes on",
                    counted(tally.done, "step"),
                    counted(tally.waiting, "node")
                )
            }
            EndKind::Interrupted => format!(
                "Interrupted: {} done, {} not done, {} given back",
                counted(tally.done, "step"),
                tally.failed + tally.left,
                counted(tally.given_back, "node")
            ),
            EndKind::Abandoned => {
                let acts = u32::try_from(self.desk.flights.len()).unwrap_or(u32::MAX);
                let in_flight = match acts {
                    0 => "none of its acts was in flight".to_owned(),
                    1 => "1 act was in flight".to_owned(),
                    acts => format!("{} were in flight", counted(acts, "act")),
                };
                format!("Stopped at once: {in_flight}; `tidegate apply --resume` looks what became of them")
            }
            EndKind::Frozen => "Nothing done: a freeze is open".to_owned(),
        };
        self.desk.tell(Event { tally: Some(tally), ..Event::new(EventKind::Summary, now, text) });
        self.desk.out.push(Command::Finish(End { kind, tally }));
    }
}

/// Nodes of each pool on their way out, and in any transition.
fn transit(courses: &[Course]) -> BTreeMap<Name, (u32, u32)> {
    let mut transit: BTreeMap<Name, (u32, u32)> = BTreeMap::new();
    for course in courses {
        let (going, any) = match &course.way {
            Way::Leaving(Leaving::Look | Leaving::Choose | Leaving::Turn | Leaving::Await) | Way::Ended => (0, 0),
            Way::Leaving(_) => (1, 1),
            Way::Coming(super::coming::Coming::Look | super::coming::Coming::Turn) => (0, 0),
            Way::Coming(_) | Way::Returning(_) => (0, 1),
        };
        let entry = transit.entry(course.pool.clone()).or_default();
        *entry = (entry.0 + going, entry.1 + any);
    }
    transit
}
