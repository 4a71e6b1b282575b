//! One policy, held: lead or stand by, look, plan, act, wait.

use std::cell::RefCell;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};

use super::feed::{Feed, Good};
use super::leading::Led;
use super::pace::{BackOff, RELOOK, next_moment};
use super::stop::Stop;
use super::telling::Telling;
use super::weighing::urgent;
use crate::cluster::{Claim, ClusterError, Lock, LockError, Locks, keeping};
use crate::execute::machine::EndKind;
use crate::execute::run::{ApplyError, Doors, Order, Outcome, apply, journal, process};
use crate::execute::{Event, EventKind};
use crate::model::{Change, Memory, World};
use crate::observe::write_world;
use crate::plan::{Left, Plan, Request, Word, plan_for, status, wake_lead};
use crate::report::timetable::Timetable;
use crate::server::{PolicyShown, Role};

/// Between two tries to lead.
const STANDBY: Duration = Duration::from_secs(2);
/// What is remembered is written at most so often.
const WRITE: SignedDuration = SignedDuration::from_secs(60);
/// And at least so often: a later reader takes silence for absence.
const REWRITE: SignedDuration = SignedDuration::from_hours(1);
/// In a cluster of more than so many nodes the line of each, which costs some plans, is made anew
const MANY: usize = 300;
/// at most so often.
const LINES: Duration = Duration::from_secs(20);
/// How far ahead the page looks.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where it works.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The doors.
    pub doors: Doors<'a>,
    /// Where the journal is kept.
    pub folder: &'a Path,
    /// The lock of whoever acts.
    pub acting: &'a dyn Locks,
    /// The lock of the one that leads.
    pub leading: &'a dyn Locks,
}

/// Why the policy is not held any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is another one.
    Policy,
    /// It was asked to end.
    Stopped,
    /// The time until which it was to work is over.
    Over,
    /// The cluster is not what it was when this began.
    Gone(String),
}

/// What it tried last without getting anywhere.
struct Attempt {
    what: Vec<String>,
    not_before: Timestamp,
}

/// A controller.
pub struct Controller {
    feed: Feed,
    stop: Stop,
    interval: SignedDuration,
    until: Option<Timestamp>,
    claim: Claim,
    lead: Option<Rc<dyn Lock>>,
    taken_up: bool,
    acts: bool,
    planned: String,
    lines: Option<Instant>,
}

/// What woke the loop.
enum Woken {
    Asked,
    Changes(Result<Vec<Change>, ClusterError>),
}

impl Controller {
    /// Plans at the latest `interval` after something changed; ends by itself at `until`, by the clock of the cluster.
    pub fn new(feed: Feed, stop: Stop, interval: SignedDuration, until: Option<Timestamp>) -> Self {
        let claim = process::claim("controller", &journal::run_name("controller", Timestamp::now()));
        let (lead, taken_up, planned, lines) = (None, false, String::new(), None);
        Self { feed, stop, interval, until, claim, lead, taken_up, acts: true, planned, lines }
    }

    /// The same, but it plans and shows only: it leads nobody, takes no lock, and writes nothing.
    #[must_use]
    pub fn observing(self) -> Self {
        Self { acts: false, ..self }
    }

    /// Holds `good` until there is a better one, or until it is to end; then nobody leads any more.
    pub async fn hold(&mut self, good: &Arc<Good>, ground: Ground<'_>, telling: &mut Telling<'_>) -> Ended {
        self.planned.clear();
        self.lines = None;
        loop {
            self.show_policy(good, ground.doors.clock.now(), telling);
            if let Some(ended) = self.ended(good, ground.doors.clock.now()) {
                return self.leave(ended, telling, ground).await;
            }
            if !self.acts {
                telling.board.change(|view| view.role = Role::Observing);
                let Ok(ended) = self.reign(good, ground, None, telling).await else { continue };
                return ended;
            }
            let Some(lead) = self.lead(ground, telling).await else {
                let pause = tokio::time::sleep(STANDBY);
                tokio::select! { biased; () = self.stop.news() => {}, () = self.feed.news() => {}, () = pause => {} }
                continue;
            };
            let reign = self.reign(good, ground, Some(lead.clone()), telling);
            match keeping(Some(&*lead), reign).await {
                Ok(ended) => return self.leave(ended, telling, ground).await,
                Err(lost) => {
                    (self.lead, self.taken_up) = (None, false);
                    let _ = telling.ends();
                    telling.trouble("leader", ground.doors.clock.now(), &format!("the lead was lost: {lost}"));
                }
            }
        }
    }

    fn ended(&self, good: &Arc<Good>, now: Timestamp) -> Option<Ended> {
        if self.stop.asked() {
            Some(Ended::Stopped)
        } else if self.until.is_some_and(|until| now >= until) {
            Some(Ended::Over)
        } else {
            self.feed.moved_on(good).then_some(Ended::Policy)
        }
    }

    /// The lead is kept from one policy to the next, and handed over at the end.
    async fn leave(&mut self, ended: Ended, telling: &mut Telling<'_>, ground: Ground<'_>) -> Ended {
        if ended != Ended::Policy
            && let Some(lead) = self.lead.take()
        {
            let now = ground.doors.clock.now();
            match lead.free().await {
                Ok(()) => telling.turned(now, "the controller ends: no plan is under way, the lead is free"),
                Err(error) => telling.trouble("leader", now, &format!("the lead could not be given back: {error}")),
            }
            telling.board.change(|view| view.role = Role::Standby);
        }
        ended
    }

    async fn lead(&mut self, ground: Ground<'_>, telling: &mut Telling<'_>) -> Option<Rc<dyn Lock>> {
        if let Some(lead) = &self.lead {
            return Some(lead.clone());
        }
        let now = ground.doors.clock.now();
        let leader = match ground.leading.take(&self.claim).await {
            Ok(lead) => {
                let lead: Rc<dyn Lock> = lead.into();
                let over = lead.taken_over().map(|over| format!("; {over}")).unwrap_or_default();
                telling.board.change(|view| (view.role, view.leader) = (Role::Leading, None));
                telling.mended("leader", now, "it is known again who leads");
                telling.turned(now, format!("this controller leads{over}"));
                self.lead = Some(lead.clone());
                return Some(lead);
            }
            Err(LockError::Held(held) | LockError::Silent(held)) => {
                telling.mended("leader", now, "it is known again who leads");
                format!("{} (process {})", held.owner, held.pid)
            }
            Err(error) => {
                telling.trouble("leader", now, &format!("who leads is not known: {error}"));
                return None;
            }
        };
        let known = telling.board.view();
        if known.role != Role::Standby || known.leader.as_ref() != Some(&leader) {
            telling.turned(now, format!("this controller stands by: {leader} leads"));
            telling.board.change(|view| (view.role, view.leader) = (Role::Standby, Some(leader)));
        }
        None
    }

    fn show_policy(&self, good: &Arc<Good>, now: Timestamp, telling: &mut Telling<'_>) {
        let policy = &good.policy;
        let read = self.feed.good().map_or(good.since, |(_, read)| read);
        let commits: Vec<String> = policy.revisions.iter().map(|revision| revision.commit.to_string()).collect();
        let files = policy.files.iter().map(|file| file.path.to_string());
        let from: Vec<String> = match policy.revisions.is_empty() {
            true => files.collect(),
            false => policy.revisions.iter().map(ToString::to_string).collect(),
        };
        let shown = PolicyShown {
            name: policy.name.to_string(),
            digest: policy.digest.to_string(),
            commits,
            since: good.since,
            read,
            zone: policy.time_zone.to_string(),
            from,
        };
        let mut news = None;
        telling.board.change(|view| {
            if view.policy.as_ref().is_none_or(|before| (&before.digest, &before.from) != (&shown.digest, &shown.from))
            {
                let digest = shown.digest.get(..12).unwrap_or(&shown.digest);
                news = Some(format!("policy {} holds: {}, digest {digest}", shown.name, shown.from.join(", ")));
            }
            view.policy = Some(shown);
        });
        if let Some(news) = news {
            telling.turned(now, news);
        }
        match self.feed.trouble() {
            None => telling.mended("policy", now, "it was read and is good"),
            Some(why) => {
                let text = format!("what was read last is not taken: {why}; the policy that was read {read} holds");
                telling.trouble("policy", now, &text);
            }
        }
    }

    /// The loop of the one that leads; without a lead it acts on nothing.
    async fn reign(
        &mut self,
        good: &Arc<Good>,
        ground: Ground<'_>,
        lead: Option<Rc<dyn Lock>>,
        telling: &mut Telling<'_>,
    ) -> Result<Ended, LockError> {
        let doors = ground.doors;
        let mut seen: Option<World> = None;
        let (mut stored, mut written, mut relook) = (Memory::default(), Timestamp::MIN, Timestamp::MIN);
        let mut away = BackOff::new(SignedDuration::from_secs(2), SignedDuration::from_secs(60));
        let mut pause = BackOff::new(SignedDuration::from_secs(5), SignedDuration::from_mins(10));
        let mut tried: Option<Attempt> = None;
        loop {
            // Virtual time needs no waiting: without this a signal would never be heard.
            tokio::task::yield_now().await;
            let now = doors.clock.now();
            self.show_policy(good, now, telling);
            if let Some(ended) = self.ended(good, now) {
                return Ok(ended);
            }
            if let Some(lead) = lead.as_ref().filter(|_| !self.taken_up) {
                let outcome = self.act(good, ground, (lead.clone(), None), telling).await;
                let _ = telling.ends();
                match outcome {
                    Outcome::Failed(ApplyError::Gone(error)) => return Ok(Ended::Gone(error.to_string())),
                    Outcome::Failed(ApplyError::Lock(error)) => {
                        telling.trouble("apply", now, &error.to_string());
                        self.rest(away.pause(), ground).await;
                        continue;
                    }
                    _ => self.taken_up = true,
                }
                continue;
            }
            if seen.is_none() || now >= relook || telling.board.snapshot_wanted() {
                match doors.cluster.observe().await {
                    Ok(snapshot) => {
                        telling.board.tidy();
                        if telling.board.snapshot_wanted() {
                            let mut file = Vec::new();
                            if write_world(&snapshot, &mut file).is_ok() {
                                telling.board.give_snapshot(file);
                            }
                        }
                        telling.board.change(|view| view.counters.observations += 1);
                        telling.mended("cluster", now, "it answers again");
                        // What could not be listed is not followed either.
                        let pause = if snapshot.gaps.is_empty() { RELOOK } else { away.pause() };
                        if snapshot.gaps.is_empty() {
                            away.reset();
                        }
                        relook = now.checked_add(pause).unwrap_or(Timestamp::MAX);
                        stored = snapshot.memory.clone();
                        seen = Some(World::build(snapshot));
                    }
                    Err(ClusterError::Gone(why)) => return Ok(Ended::Gone(why)),
                    Err(error) => {
                        telling.trouble("cluster", now, &error.to_string());
                        seen = None;
                        self.rest(away.pause(), ground).await;
                        continue;
                    }
                }
            }
            let Some(world) = &mut seen else { continue };
            let now = doors.clock.now();
            let (plan, memory) = plan_for(&good.policy, world, now, &Request { targets: Vec::new(), for_apply: true });
            self.tell_plan(&plan, now, telling);
            let left = Left::by(&plan.refusals);
            let what: Vec<String> =
                plan.steps.iter().filter(|step| left.has(step.verb)).map(|step| step.id.clone()).collect();
            if self.lines.is_none() {
                self.show_lines(good, world, &plan, telling);
            }
            let barred = tried.as_ref().is_some_and(|tried| tried.what == what && now < tried.not_before);
            if let Some(lead) = lead.as_ref().filter(|_| !what.is_empty() && !barred) {
                let outcome = self.act(good, ground, (lead.clone(), Some(plan)), telling).await;
                if let Outcome::Failed(ApplyError::Gone(error)) = &outcome {
                    return Ok(Ended::Gone(error.to_string()));
                }
                if self.judged(&outcome, doors.clock.now(), telling) {
                    pause.reset();
                    tried = None;
                } else {
                    let not_before = doors.clock.now().checked_add(pause.pause()).unwrap_or(Timestamp::MAX);
                    tried = Some(Attempt { what, not_before });
                }
                seen = None;
                continue;
            }
            if what.is_empty() {
                tried = None;
                pause.reset();
            }
            let due = now.duration_since(written) >= WRITE && lasting(&memory) != lasting(&stored)
                || now.duration_since(written) >= REWRITE;
            if let Some(lead) = lead.as_ref().filter(|_| due && what.is_empty()) {
                written = now;
                self.remember(good, ground, (lead.clone(), plan), telling).await;
                seen = None;
                continue;
            }
            self.show_lines(good, world, &plan, telling);
            let mut until = next_moment(&plan, &memory).unwrap_or(Timestamp::MAX).min(relook);
            until = tried.iter().map(|tried| tried.not_before).fold(until, Timestamp::min);
            until = self.until.iter().copied().fold(until, Timestamp::min);
            world.memory = memory;
            telling.board.change(|view| view.next_look = Some(until));
            match self.wait(ground, world, (now, until), telling).await {
                Ok(in_need) => {
                    if let Some(tried) = tried.as_mut().filter(|_| in_need) {
                        let soon = doors.clock.now().checked_add(self.interval).unwrap_or(Timestamp::MAX);
                        tried.not_before = tried.not_before.min(soon);
                    }
                }
                Err(ClusterError::Gone(why)) => return Ok(Ended::Gone(why)),
                Err(error) => {
                    telling.trouble("cluster", doors.clock.now(), &error.to_string());
                    seen = None;
                    self.rest(away.pause(), ground).await;
                }
            }
        }
    }

    /// Waits for what is to be decided about, and takes into `world` what changes meanwhile. Whether something was in need.
    async fn wait(
        &self,
        ground: Ground<'_>,
        world: &mut World,
        (planned, until): (Timestamp, Timestamp),
        telling: &Telling<'_>,
    ) -> Result<bool, ClusterError> {
        let doors = ground.doors;
        let mut moved = false;
        // Whoever sets the clock back does not make it sleep for as long.
        let wall = tokio::time::sleep(Duration::try_from(RELOOK).unwrap_or_default());
        let mut wall = pin!(wall);
        loop {
            tokio::task::yield_now().await;
            let soon = planned.checked_add(self.interval).unwrap_or(Timestamp::MAX);
            let limit = if moved { until.min(soon) } else { until };
            let woken = tokio::select! {
                biased;
                () = self.stop.news() => Woken::Asked,
                () = self.feed.news() => Woken::Asked,
                () = telling.board.snapshot_asked() => Woken::Asked,
                () = &mut wall => Woken::Asked,
                changes = doors.cluster.changes(limit) => Woken::Changes(changes),
            };
            let changes = match woken {
                Woken::Asked => return Ok(false),
                Woken::Changes(changes) => changes?,
            };
            let now = doors.clock.now();
            // What is followed is as of now.
            world.taken = Some(now);
            let in_need = changes.iter().any(|change| urgent(change, world));
            moved |= changes.iter().any(|change| !matches!(change, Change::Lease(..) | Change::LeaseGone(_)));
            let nothing = changes.is_empty();
            changes.into_iter().for_each(|change| world.apply(change));
            if in_need || nothing || now >= limit {
                return Ok(in_need);
            }
        }
    }

    /// Time passes, unless it is asked for something.
    async fn rest(&self, pause: SignedDuration, ground: Ground<'_>) {
        let clock = ground.doors.clock;
        let until = clock.now().checked_add(pause).unwrap_or(Timestamp::MAX);
        tokio::select! { biased; () = self.stop.news() => {}, () = self.feed.news() => {}, () = clock.sleep_until(until) => {} }
    }

    /// Carries a plan out, or takes up what was cut short. Another policy brings it to a safe end.
    async fn act(
        &self,
        good: &Arc<Good>,
        ground: Ground<'_>,
        (lead, plan): (Rc<dyn Lock>, Option<Plan>),
        telling: &mut Telling<'_>,
    ) -> Outcome {
        let locks = Led::new(ground.acting, lead);
        telling.begins(ground.doors.clock.now(), plan.as_ref().map_or(0, |plan| plan.steps.len()));
        let order = order(good, ground, &locks, plan);
        let mut interrupts = self.stop.work();
        let telling = RefCell::new(telling);
        let mut tell = |event: &Event| telling.borrow_mut().event(event);
        let mut work = Box::pin(apply(ground.doors, &order, &mut interrupts, &mut tell));
        let mut told = false;
        loop {
            match select(work, Box::pin(self.feed.news())).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right(((), going_on)) => {
                    self.show_policy(good, ground.doors.clock.now(), &mut telling.borrow_mut());
                    if self.feed.moved_on(good) && !std::mem::replace(&mut told, true) {
                        self.stop.interrupt();
                    }
                    work = going_on;
                }
            }
        }
    }

    /// Has what was learned written down, under the lock and after a fresh look. Whoever is at work now does so itself.
    async fn remember(
        &self,
        good: &Arc<Good>,
        ground: Ground<'_>,
        (lead, plan): (Rc<dyn Lock>, Plan),
        telling: &mut Telling<'_>,
    ) {
        let locks = Led::new(ground.acting, lead);
        let order = order(good, ground, &locks, Some(plan));
        let mut warnings = Vec::new();
        let mut tell = |event: &Event| {
            if event.kind == EventKind::Warning {
                warnings.push(event.clone());
            }
        };
        let mut interrupts = self.stop.work();
        let outcome = apply(ground.doors, &order, &mut interrupts, &mut tell).await;
        warnings.iter().for_each(|event| telling.event(event));
        if let Outcome::Failed(error) = outcome {
            telling.trouble(
                "apply",
                ground.doors.clock.now(),
                &format!("what was learned is not written down: {error}"),
            );
        }
    }

    /// Counts how an execution ended. Whether it got anywhere.
    fn judged(&self, outcome: &Outcome, now: Timestamp, telling: &mut Telling<'_>) -> bool {
        let work = telling.ends();
        let end = match outcome {
            Outcome::Nothing | Outcome::Before => "nothing",
            Outcome::Ended(end) => match end.kind {
                EndKind::Done => "done",
                EndKind::Waiting => "waiting",
                EndKind::Partly => "partly",
                EndKind::Interrupted | EndKind::Abandoned => "interrupted",
                EndKind::Frozen => "frozen",
            },
            Outcome::Unsettled(_) => "unsettled",
            Outcome::Refused(..) => "refused",
            Outcome::Stale(_) | Outcome::Beyond(_) => "stale",
            Outcome::Frozen(..) => "frozen",
            Outcome::Failed(_) => "failed",
        };
        telling.board.change(|view| *view.counters.applies.entry(end).or_default() += 1);
        match outcome {
            Outcome::Failed(error) => telling.trouble("apply", now, &error.to_string()),
            _ if work.failed > 0 => {
                telling.trouble("apply", now, &format!("{} of {} steps failed", work.failed, work.total));
            }
            _ => telling.mended("apply", now, "what is to be done is done again"),
        }
        work.done > 0
    }

    fn tell_plan(&mut self, plan: &Plan, now: Timestamp, telling: &mut Telling<'_>) {
        let plan = Arc::new(plan.clone());
        telling.board.change(|view| {
            view.counters.plans += 1;
            (view.plan, view.planned) = (Some(plan.clone()), Timestamp::now());
        });
        let caveats: Vec<&str> = plan.caveats_beside_brakes().map(String::as_str).collect();
        match plan.complete {
            true => telling.mended("observation", now, "everything is known again"),
            false => {
                let text = format!("not everything is known, nothing is taken away: {}", caveats.join("; "));
                telling.trouble("observation", now, &text);
            }
        }
        let brakes: Vec<&str> = plan.refusals.iter().map(|refusal| refusal.brake.as_str()).collect();
        let held =
            if brakes.is_empty() { String::new() } else { format!(" Held back by brake {}.", brakes.join(", ")) };
        let text = format!("{}{held}", plan.summary.text);
        if self.planned != text {
            let digest = journal::digest_of(&plan);
            telling.event(&Event { plan: Some(digest), ..Event::new(EventKind::Planned, now, &text) });
            self.planned = text;
        }
    }

    fn show_lines(&mut self, good: &Arc<Good>, world: &World, plan: &Plan, telling: &Telling<'_>) {
        if world.nodes.len() > MANY && self.lines.is_some_and(|made| made.elapsed() < LINES) {
            return;
        }
        self.lines = Some(Instant::now());
        let policy = &good.policy;
        let end = plan.now.checked_add(WEEK).unwrap_or(Timestamp::MAX);
        let week = policy.pools.iter().map(|pool| Timetable::of(policy, pool, plan.now, end, wake_lead(world, pool)));
        let (nodes, week) = (Arc::new(status(policy, world, plan)), Arc::new(week.collect()));
        telling.board.change(|view| (view.nodes, view.week) = (nodes, week));
    }
}

fn order<'a>(good: &'a Good, ground: Ground<'_>, locks: &'a dyn Locks, plan: Option<Plan>) -> Order<'a> {
    Order {
        policy: &good.policy,
        resume: plan.is_none(),
        within: false,
        exact: false,
        plan,
        no_wait: true,
        folder: ground.folder.to_owned(),
        locks,
        lock_timeout: SignedDuration::ZERO,
        word: Word::default(),
    }
}

/// What of a memory is worth writing down by itself.
fn lasting(memory: &Memory) -> Memory {
    Memory { written: None, watched: None, applied: None, ..memory.clone() }
}
