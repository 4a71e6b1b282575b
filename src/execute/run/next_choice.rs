//! The policy's next choice, in the same run: where capacity did not come, what the plan made then wants in its place.
//!
//! Nothing here chooses. What failed is remembered by the time the machine ends (H8), so the planner, asked again, names the
//! next parked member in its order, another flavor or another pool, or nothing where the pool backs off. Of that plan only
//! what gives capacity is taken, for no more nodes than did not come, and nothing that this run had tried before: so it ends.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::apply::{ApplyError, Order, anew, look};
use super::interrupts::Interrupts;
use super::performing::Doors;
use super::{journal, preparing, recalling};
use crate::cluster::Lock;
use crate::execute::machine::{End, EndKind};
use crate::execute::{Event, EventKind, Tally};
use crate::model::{Memory, Target, World};
use crate::plan::{Plan, Request, Step, Verb, plan_for};

/// How often what failed is replaced in one run.
const ROUNDS: u32 = 5;

/// Listens to an execution: which nodes did not come, and its last line, held back until it is known to be the last.
#[derive(Default)]
pub(super) struct Heard {
    last: Option<Event>,
    missing: BTreeSet<String>,
}

impl Heard {
    /// Of an execution that is taken up again, what it had learned before: nodes that did not come, and of which nothing is
    /// `left` to be done in its plan for now.
    pub fn before(told: &Plan, left: &Plan, memory: &Memory, now: Timestamp) -> Self {
        let failed = |node: &str| {
            let failure = memory.nodes.get(node).and_then(|memory| memory.wake_failure.as_ref());
            failure.is_some_and(|failure| failure.next > now) && left.steps.iter().all(|step| step.node != node)
        };
        let brought = told.steps.iter().filter(|step| brings(step)).map(|step| step.node.clone());
        Self { last: None, missing: brought.filter(|node| failed(node)).collect() }
    }

    /// Takes an event, and passes it on unless it is the last line.
    pub fn take(&mut self, event: &Event, tell: &mut dyn FnMut(&Event)) {
        if event.kind == EventKind::Summary {
            self.last = Some(event.clone());
            return;
        }
        let verb = event.step.as_deref().and_then(|step| step.split_once('/')).map_or("", |(verb, _)| verb);
        if event.kind == EventKind::StepFailed && matches!(verb, "wake" | "wait" | "create") {
            self.missing.extend(event.node.clone());
        }
        tell(event);
    }
}

/// What was agreed to, and is the same for each round.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    /// The doors.
    pub doors: Doors<'a>,
    /// The order.
    pub order: &'a Order<'a>,
    /// What the plan was narrowed to.
    pub targets: &'a [Target],
    /// The run's name and its lock.
    pub held: (&'a str, &'a dyn Lock),
}

/// Goes on after `plan` came to `end`: replaces what did not come, and then says the last line.
///
/// # Errors
/// Those of an execution: the rest can be taken up again.
pub(super) async fn go_on(
    mut end: End,
    plan: &Plan,
    mut heard: Heard,
    round: Round<'_>,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<End, ApplyError> {
    let mut tried: BTreeSet<String> = plan.steps.iter().filter(|step| brings(step)).map(key).collect();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    let mut others = end.tally.failed;
    let mut short = 0_usize;
    for _ in 0..ROUNDS {
        let missing = std::mem::take(&mut heard.missing);
        others = others.saturating_sub(u32::try_from(missing.len()).unwrap_or(u32::MAX));
        short += missing.len();
        failed.extend(missing);
        if end.kind != EndKind::Partly || short == 0 || round.order.exact {
            break;
        }
        // Where nothing can be seen now the next run decides.
        let Ok(world) = look(round.doors, round.held.1).await else { break };
        let (next, memory) = choose(&world, round, (&tried, &failed), short)?;
        if next.steps.is_empty() {
            break;
        }
        let nodes: BTreeSet<&str> = next.steps.iter().map(|step| step.node.as_str()).collect();
        tell(&said(&failed, &next, round));
        let (taken, before) = (nodes.len(), heard.last.take());
        tried.extend(next.steps.iter().filter(|step| brings(step)).map(key));
        let mut listen = |event: &Event| heard.take(event, tell);
        let (doors, order) = (round.doors, round.order);
        let then = anew(doors, order, (&next, memory), world, round.held, interrupts, &mut listen).await?;
        short = short.saturating_sub(taken);
        others = others.saturating_add(then.tally.failed);
        // All that failed was replaced.
        let whole = then.kind != EndKind::Done || (short == 0 && others == 0);
        end = End { kind: if whole { then.kind } else { EndKind::Partly }, tally: both(end.tally, then.tally) };
        heard.last = joined(before, heard.last.take(), end.tally);
    }
    if let Some(last) = heard.last {
        tell(&last);
    }
    Ok(end)
}

/// What the plan made now wants in place of `short` nodes; no steps where it still wants one that failed, for then the
/// failure says nothing of the node.
fn choose(
    world: &World,
    round: Round<'_>,
    (tried, failed): (&BTreeSet<String>, &BTreeSet<String>),
    short: usize,
) -> Result<(Plan, Memory), ApplyError> {
    let mut world = world.clone();
    if let Some(told) = journal::read(&round.order.folder)? {
        world.memory = recalling::memory(&world.memory, &told);
    }
    let request = Request { targets: round.targets.to_vec(), for_apply: true };
    let (fresh, memory) = plan_for(round.order.policy, &world, round.doors.clock.now(), &request);
    let mut next = preparing::only_giving(&fresh);
    let old = |step: &Step| tried.contains(&key(step));
    let again = next.steps.iter().any(|step| brings(step) && failed.contains(&step.node) && old(step));
    let new = next.steps.iter().filter(|step| brings(step) && !again && !old(step));
    let nodes: Vec<String> = new.map(|step| step.node.clone()).take(short).collect();
    next.steps.retain(|step| nodes.contains(&step.node));
    let there: BTreeSet<String> = next.steps.iter().map(|step| step.id.clone()).collect();
    next.steps.iter_mut().for_each(|step| step.after.retain(|id| there.contains(id)));
    Ok((next, memory))
}

/// Whether it is what brings a node's capacity.
fn brings(step: &Step) -> bool {
    matches!(step.verb, Verb::Wake | Verb::Create)
}

/// What is tried: the node, and what it is made of where it is made.
fn key(step: &Step) -> String {
    let made = step.creation.as_ref().map(|creation| format!(" of {}", creation.offering()));
    format!("{}{}", step.id, made.unwrap_or_default())
}

fn said(failed: &BTreeSet<String>, next: &Plan, round: Round<'_>) -> Event {
    let of = |step: &Step| match &step.creation {
        Some(creation) => format!("{} ({})", step.node, creation.offering()),
        None => step.node.clone(),
    };
    let chosen: Vec<String> = next.steps.iter().filter(|step| brings(step)).map(of).collect();
    let failed: Vec<&str> = failed.iter().map(String::as_str).collect();
    let text = format!("the policy's next choice in place of {}: {}", failed.join(", "), chosen.join(", "));
    Event::new(EventKind::Warning, round.doors.clock.now(), text)
}

fn both(a: Tally, b: Tally) -> Tally {
    Tally {
        done: a.done.saturating_add(b.done),
        failed: a.failed.saturating_add(b.failed),
        left: a.left.saturating_add(b.left),
        given_back: a.given_back.saturating_add(b.given_back),
        waiting: b.waiting,
        evictions: a.evictions.saturating_add(b.evictions),
    }
}

fn joined(before: Option<Event>, last: Option<Event>, tally: Tally) -> Option<Event> {
    let last = last?;
    let before = before.map(|before| format!("{}; then, by the next choice: ", before.message));
    let message = format!("{}{}", before.unwrap_or_default(), last.message);
    Some(Event { message, tally: Some(tally), ..last })
}
