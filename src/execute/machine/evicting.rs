//! The pods of one node on their way out: each asked for when the arbiter lets it, watched until it is gone and
//! replaced, by clocks that start when its eviction is accepted (H2, H5).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, Answer, TroubleKind};
use super::arbiter::Held;
use super::course::{Course, PATIENCE, backoff};
use super::desk::{Desk, later};
use super::settings::Leave;
use crate::cluster::Evicted;
use crate::execute::event::{Event, EventKind};
use crate::model::{Name, Pod, PodKey, TaintEffect, WorkloadKind, World};
use crate::plan::PodMove;
use crate::policy::OnTimeout;

/// Between two requests for a pod whose budget was closed, where the server does not say.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// From a deletion until the pod must be gone, beyond its grace.
const AFTER_DELETE: SignedDuration = SignedDuration::from_secs(60);

/// How far one pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Queued { not_before: Option<Timestamp>, tries: u32 },
    Asked { tries: u32 },
    Accepted(Timestamp),
    Deleted(Timestamp),
    Gone(Timestamp),
    Done,
}

/// One pod on its way out.
#[derive(Debug)]
struct Leaver {
    pod: Arc<Pod>,
    stage: Stage,
    answer: Option<Answer>,
    /// It tolerates the cordon: evicted last and once (H13).
    last: bool,
    /// The plan spelled out that it may be deleted.
    may_delete: bool,
    /// The cordon is to release its budget, so long at most (H19).
    after_cordon: Option<SignedDuration>,
    /// Nothing is to be Ready in its place: it waits until its pool may have more nodes (H20).
    sleeps: bool,
    /// Since when something holds it back.
    held: Option<(Held, Timestamp)>,
    /// The newest pod when it was asked to go: only one that came later takes its place.
    since: u64,
}

/// The pods of one node.
#[derive(Debug, Default)]
pub struct Evicting {
    leavers: Vec<Leaver>,
}

/// A pod that did not go as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The pod.
    pub pod: PodKey,
    /// Why, in words.
    pub why: String,
}

/// What came of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Everything is gone and replaced.
    Done,
    /// Something is on its way, or waits for its turn.
    Busy,
    /// Nothing is on its way; something would still have to go.
    Quiet,
    /// A pod did not go.
    Stuck(Stuck),
}

/// Whether the pod may run on a cordoned node.
pub fn tolerates_cordon(pod: &Pod) -> bool {
    pod.spec.tolerations.iter().any(|toleration| {
        toleration.key.as_deref().is_none_or(|key| key == "node.kubernetes.io/unschedulable")
            && toleration.value.as_deref().is_none_or(str::is_empty)
            && toleration.effect.is_none_or(|effect| effect == TaintEffect::NoSchedule)
    })
}

fn there(pod: &Pod, world: &World) -> bool {
    world.pods.get(&pod.key).is_some_and(|found| found.uid == pod.uid && !found.finished())
}

impl Evicting {
    /// Of the pods that were listed, those that must go.
    pub fn new(pods: Vec<Pod>, planned: &BTreeMap<&str, &PodMove>, desk: &mut Desk, now: Timestamp) -> Self {
        // What came in the place of one that sleeps, to a node that goes too, sleeps as well.
        let nobody = planned.values().all(|one| !one.sleeps);
        let sleeps = |pod: &Pod, said: Option<&PodMove>, desk: &Desk| match said {
            Some(one) => one.sleeps,
            None => !nobody && desk.settings.drain.sleeps(pod).is_some(),
        };
        let said = |pod: &Pod| planned.get(pod.key.to_string().as_str()).copied();
        let mut leavers: Vec<Leaver> = (pods.into_iter())
            .map(|pod| Leaver {
                stage: if pod.terminating() {
                    Stage::Accepted(now)
                } else {
                    Stage::Queued { not_before: None, tries: 0 }
                },
                answer: None,
                last: tolerates_cordon(&pod),
                may_delete: desk.settings.drain.on_timeout == OnTimeout::Delete
                    && said(&pod).is_some_and(|one| one.delete_on_timeout),
                after_cordon: (said(&pod).filter(|one| one.after_cordon))
                    .and_then(|one| one.at_most)
                    .map(SignedDuration::from_secs),
                sleeps: sleeps(&pod, said(&pod), desk),
                held: None,
                since: desk.arbiter.census.newest(),
                pod: Arc::new(pod),
            })
            .collect();
        // A workload that may sleep, and does, has no implied budget, here and on other nodes.
        let unbound = |pod: &Pod| said(pod).map_or(!nobody, |one| one.budget.is_none());
        let may = |leaver: &&Leaver| unbound(&leaver.pod) && desk.settings.drain.sleeps(&leaver.pod).is_some();
        let spared: Vec<PodKey> = leavers.iter().filter(may).map(|leaver| leaver.pod.key.clone()).collect();
        spared.iter().for_each(|pod| desk.arbiter.spare(pod));
        leavers.sort_by(|a, b| (a.last, &a.pod.key).cmp(&(b.last, &b.pod.key)));
        Self { leavers }
    }

    /// How many are gone and replaced, and how many there are.
    pub fn count(&self) -> (u32, u32) {
        let done = self.leavers.iter().filter(|leaver| leaver.stage == Stage::Done).count();
        (u32::try_from(done).unwrap_or(u32::MAX), u32::try_from(self.leavers.len()).unwrap_or(u32::MAX))
    }

    /// Takes the answer of an eviction.
    pub fn answered(&mut self, uid: &Name, answer: Answer) {
        if let Some(leaver) = self.leavers.iter_mut().find(|leaver| leaver.pod.uid == *uid) {
            leaver.answer = Some(answer);
        }
    }

    /// Moves every pod on as far as it goes. With `halt` nothing new is asked for.
    pub fn look(&mut self, course: &Course, desk: &mut Desk, world: &World, now: Timestamp, halt: bool) -> Look {
        let mut first_done = self.leavers.iter().all(|leaver| leaver.last || leaver.stage == Stage::Done);
        // Nobody moves for a cordon that may come to nothing (H19).
        let unreleased = |leaver: &Leaver| {
            leaver.after_cordon.is_some() && matches!(leaver.stage, Stage::Queued { .. } | Stage::Asked { .. })
        };
        let held_up = self.leavers.iter().any(unreleased);
        for leaver in &mut self.leavers {
            if leaver.last && !first_done {
                continue;
            }
            let halt = halt || (held_up && leaver.after_cordon.is_none());
            loop {
                let before = leaver.stage.clone();
                if let Err(why) = leaver.advance(course, desk, world, now, halt) {
                    return Look::Stuck(Stuck { pod: leaver.pod.key.clone(), why });
                }
                if leaver.stage == before {
                    break;
                }
            }
            if !leaver.last && leaver.stage != Stage::Done {
                first_done = false;
            }
        }
        let stages = || self.leavers.iter().map(|leaver| &leaver.stage);
        if stages().all(|stage| *stage == Stage::Done) {
            Look::Done
        } else if stages().all(|stage| matches!(stage, Stage::Done | Stage::Queued { .. })) {
            Look::Quiet
        } else {
            Look::Busy
        }
    }
}

impl Leaver {
    fn event(&self, course: &Course, desk: &Desk, kind: EventKind, now: Timestamp, text: String) -> Event {
        let step = course.current(desk);
        Event { pod: Some(self.pod.key.to_string()), step, ..course.event(kind, now, text) }
    }

    fn advance(
        &mut self,
        course: &Course,
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
        halt: bool,
    ) -> Result<(), String> {
        match self.stage.clone() {
            Stage::Queued { not_before, tries } => self.ask(not_before, tries, course, desk, world, now, halt),
            Stage::Asked { tries } => match self.answer.take() {
                None => Ok(()),
                Some(answer) => self.hear(answer, tries, course, desk, now),
            },
            Stage::Accepted(at) => {
                let own = SignedDuration::from_secs(self.pod.spec.grace_seconds.clamp(0, 1 << 31).saturating_add(30));
                let deadline = later(at, desk.settings.drain.pod_timeout.max(own));
                if !self.gone(course, desk, world, now) && now >= deadline {
                    if !self.may_delete {
                        return Err(format!("{} was not gone {:#} after its eviction", self.pod.key, deadline - at));
                    }
                    let (pod, uid) = (self.pod.key.clone(), self.pod.uid.clone());
                    desk.send(Act::Delete { node: course.node.clone(), pod, uid: uid.clone() }, Some(uid));
                    self.stage = Stage::Deleted(now);
                }
                desk.wake_at(deadline);
                Ok(())
            }
            Stage::Deleted(at) => {
                if let Some(Answer::Failed(trouble)) = self.answer.take()
                    && trouble.kind != TroubleKind::NotFound
                {
                    return Err(format!("{} could not be deleted: {}", self.pod.key, trouble.text));
                }
                let deadline = later(at, AFTER_DELETE);
                if !self.gone(course, desk, world, now) && now >= deadline {
                    return Err(format!("{} was not gone a minute after its deletion", self.pod.key));
                }
                desk.wake_at(deadline);
                Ok(())
            }
            Stage::Gone(at) => {
                let deadline = later(at, desk.settings.drain.ready_timeout);
                if world.loses(&self.pod) || self.sleeps {
                    // Nothing is to come in its place, and no event says that it did.
                    self.stage = Stage::Done;
                    desk.moved = true;
                } else if self.replaced(course, desk, world)? {
                    self.stage = Stage::Done;
                    let text = format!("what takes the place of {} is ready", self.pod.key);
                    desk.tell(self.event(course, desk, EventKind::ReplacementReady, now, text));
                    desk.moved = true;
                } else if now >= deadline {
                    return Err(format!(
                        "nothing Ready took the place of {} within {:#}",
                        self.pod.key, desk.settings.drain.ready_timeout
                    ));
                }
                desk.wake_at(deadline);
                Ok(())
            }
            Stage::Done => Ok(()),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn ask(
        &mut self,
        not_before: Option<Timestamp>,
        tries: u32,
        course: &Course,
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
        halt: bool,
    ) -> Result<(), String> {
        let fresh = world.pods.get(&self.pod.key).filter(|pod| pod.uid == self.pod.uid).cloned();
        let Some(fresh) = fresh.filter(|pod| !pod.finished()) else {
            // It ended by itself: nobody has to wait for what comes in its place.
            self.stage = Stage::Done;
            return Ok(());
        };
        if fresh.terminating() {
            self.since = desk.arbiter.census.newest();
            self.pod = fresh;
            self.stage = Stage::Accepted(now);
            return Ok(());
        }
        if halt {
            return Ok(());
        }
        if let Some(until) = not_before.filter(|until| now < *until) {
            desk.wake_at(until);
            return Ok(());
        }
        match course.ruling(&fresh, desk, world, now) {
            Leave::Goes => {}
            Leave::Stays => {
                self.stage = Stage::Done;
                return Ok(());
            }
            Leave::Blocks(why) | Leave::Waits(_, why) => return Err(why),
        }
        if let Some(held) = desk.arbiter.holds(&fresh, world) {
            return self.wait_for(held, course, desk, now);
        }
        self.since = desk.arbiter.census.newest();
        self.pod = fresh;
        desk.arbiter.ask(&self.pod);
        let (pod, uid) = (self.pod.key.clone(), self.pod.uid.clone());
        desk.send(Act::Evict { node: course.node.clone(), pod, uid: uid.clone() }, Some(uid));
        self.stage = Stage::Asked { tries };
        Ok(())
    }

    /// Its budget has a clock of its own, which starts anew whenever the budget let somebody go.
    fn wait_for(&mut self, held: Held, course: &Course, desk: &mut Desk, now: Timestamp) -> Result<(), String> {
        let since = self.held.as_ref().filter(|(by, _)| *by == held).map_or(now, |(_, since)| *since);
        if self.held.is_none() {
            let budget = match &held {
                Held::Budget(key) => Some(key.to_string()),
                Held::Implied(_) => None,
            };
            let text = format!("{} waits for {held}", self.pod.key);
            desk.tell(Event { budget, ..self.event(course, desk, EventKind::Waiting, now, text) });
        }
        if let Some(limit) = self.after_cordon {
            let deadline = later(since, limit);
            if now >= deadline {
                return Err(format!("{} waited {limit:#} for {held}, which the cordon did not release", self.pod.key));
            }
            desk.wake_at(deadline);
            self.held = Some((held, since));
            return Ok(());
        }
        let from = desk.progress.get(&held).map_or(since, |progress| since.max(*progress));
        let deadline = later(from, desk.settings.drain.budget_timeout);
        if now >= deadline {
            let timeout = desk.settings.drain.budget_timeout;
            return Err(format!("{} waited {timeout:#} for {held}, which let nobody go", self.pod.key));
        }
        desk.wake_at(deadline);
        self.held = Some((held, since));
        Ok(())
    }

    fn hear(
        &mut self,
        answer: Answer,
        tries: u32,
        course: &Course,
        desk: &mut Desk,
        now: Timestamp,
    ) -> Result<(), String> {
        let queued = |until, tries| Stage::Queued { not_before: Some(until), tries };
        match answer {
            Answer::Evicted(Evicted::Accepted) => {
                desk.arbiter.accepted(&self.pod.uid);
                if let Some((held, _)) = self.held.take() {
                    desk.progress.insert(held, now);
                }
                desk.tally.evictions += 1;
                self.stage = Stage::Accepted(now);
                let text = format!("{} is evicted", self.pod.key);
                desk.tell(self.event(course, desk, EventKind::PodEvicted, now, text));
            }
            Answer::Evicted(Evicted::Gone) => {
                desk.arbiter.accepted(&self.pod.uid);
                self.stage = Stage::Gone(now);
            }
            Answer::Evicted(Evicted::Blocked { budgets, cause, retry_after }) => {
                desk.arbiter.refused(&self.pod.uid);
                let held = budgets.into_iter().next().map_or(Held::Implied(cause), Held::Budget);
                self.wait_for(held, course, desk, now)?;
                let pause = retry_after.unwrap_or(RETRY).max(SignedDuration::from_secs(1));
                self.stage = queued(later(now, pause), tries);
            }
            Answer::Evicted(Evicted::SeveralBudgets(budgets)) => {
                desk.arbiter.refused(&self.pod.uid);
                let names: Vec<String> = budgets.iter().map(ToString::to_string).collect();
                return Err(format!(
                    "{} is counted by more than one budget ({}), so the API cannot evict it",
                    self.pod.key,
                    names.join(", ")
                ));
            }
            Answer::Failed(trouble) if trouble.kind == TroubleKind::NotFound => {
                desk.arbiter.accepted(&self.pod.uid);
                self.stage = Stage::Gone(now);
            }
            Answer::Failed(trouble) => {
                desk.arbiter.refused(&self.pod.uid);
                if trouble.kind != TroubleKind::Again || tries >= PATIENCE {
                    return Err(format!("{} could not be evicted: {}", self.pod.key, trouble.text));
                }
                self.stage = queued(later(now, backoff(tries + 1)), tries + 1);
            }
            Answer::Done | Answer::Node(_) | Answer::Pods(_) | Answer::Volumes(_) | Answer::Server(_) => {
                desk.arbiter.refused(&self.pod.uid);
                self.stage = queued(later(now, backoff(tries + 1)), tries + 1);
            }
        }
        desk.moved = true;
        Ok(())
    }

    /// Whether the old pod is gone; says so once.
    fn gone(&mut self, course: &Course, desk: &mut Desk, world: &World, now: Timestamp) -> bool {
        if there(&self.pod, world) {
            return false;
        }
        self.stage = Stage::Gone(now);
        let for_good = if world.loses(&self.pod) { " for good: nothing makes it again" } else { "" };
        let text = format!("{} is gone{for_good}", self.pod.key);
        desk.tell(self.event(course, desk, EventKind::PodGone, now, text));
        true
    }

    /// Whether something takes its place, or nothing is wanted in its place (H2).
    fn replaced(&self, course: &Course, desk: &mut Desk, world: &World) -> Result<bool, String> {
        let Some(owner) = &self.pod.owner else { return Ok(true) };
        let workload = world.workload_of(&self.pod);
        if workload.is_some_and(|found| found.finished || found.kind == WorkloadKind::DaemonSet) {
            return Ok(true);
        }
        let census = &mut desk.arbiter.census;
        if let Some(again) = census.back_on(&owner.uid, self.since, &course.node) {
            return Err(format!("tolerates-cordon: {} came back to the cordoned node as {again}", self.pod.key));
        }
        if census.claim(&owner.uid, self.since, self.pod.ready) {
            return Ok(true);
        }
        let kindred = census.kindred(&owner.uid, self.since, &self.pod);
        Ok(workload.and_then(|found| found.replicas).is_some_and(|wanted| {
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            kindred.ready >= wanted || (kindred.live >= wanted && !kindred.coming)
        }))
    }
}
