//! An apply from end to end: lock, look, compare with what was agreed to, carry out, with a journal.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::driving::{Drive, DriveError};
use super::interrupts::Interrupts;
use super::journal::{self, Journal, JournalError, Told};
use super::locking;
use super::log::Log;
use super::next_choice::{Heard, Round};
use super::performing::Doors;
use super::stale::{beyond, carried_out, stale};
use super::taking_up::{Left, still_wanted};
use super::{chronicle, next_choice, preparing, process, recalling, settling};
use crate::cluster::{ClusterError, Lock, LockError, LockRecord, Locks, NodeMark, NodeRecord, keeping};
use crate::execute::ledger::LedgerError;
use crate::execute::machine::{End, EndKind, Machine, Settings};
use crate::execute::{Event, EventKind};
use crate::model::{Applied, Memory, Node, Target, World, counted};
use crate::plan::{Kept, Plan, Refusal, Request, Word, forbidden, otherwise, plan_for};
use crate::policy::Policy;

/// What is to be carried out, and how.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The plan that was agreed to. One that was begun already is gone on with: what it did is not done again, and is
    /// no change since it was made.
    pub plan: Option<Plan>,
    /// Where the plan made now is another one, carry it out all the same if its steps are some of those agreed to.
    pub within: bool,
    /// The plan was approved as it is: nothing that it does not name is done in place of what failed.
    pub exact: bool,
    /// Take up what was cut short: with a plan only that plan.
    pub resume: bool,
    /// Do not wait for pods that end by themselves.
    pub no_wait: bool,
    /// Where the journal lives: the sandbox's folder, or the state directory of the cluster.
    pub folder: PathBuf,
    /// Where the lock of the cluster is kept.
    pub locks: &'a dyn Locks,
    /// What a person asks for with it: remembered before the first act.
    pub word: Word,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: SignedDuration,
}

/// What went wrong before or beside the plan's own steps.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Somebody else is at work.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The cluster does not answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// It ended half-way.
    #[error("{0}; `tidegate apply --resume` takes it up again")]
    Cut(DriveError),
    /// The cluster is gone, or the journal was taken away: nothing is left to take up.
    #[error("{0}")]
    Gone(DriveError),
    /// No journal, or one that came to its end.
    #[error("there is nothing to take up again: {0}")]
    NothingToResume(String),
    /// Nothing was asked for.
    #[error("there is neither a plan nor one to take up again")]
    NoPlan,
}

impl From<DriveError> for ApplyError {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Cluster(ClusterError::Gone(_))
            | DriveError::Journal(JournalError::Write(LedgerError::Gone(_))) => Self::Gone(error),
            _ => Self::Cut(error),
        }
    }
}

/// How an apply ended.
#[derive(Debug)]
pub enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// The plan was carried out before, whole.
    Before,
    /// The plan was carried out to this end.
    Ended(End),
    /// The plan was carried out to this end, or there was nothing to do, and something is not where the policy wants it:
    /// still under way, or it failed before.
    Unsettled(Option<End>),
    /// Brakes stopped what takes capacity away; what gives it back was done.
    Refused(Vec<Refusal>, Option<End>),
    /// The plan made now is another one: what changed.
    Stale(Vec<String>),
    /// The plan made now does more than was agreed to: what.
    Beyond(Vec<String>),
    /// A freeze forbids what was asked for, said for each node; what gives capacity back was done.
    Frozen(Vec<String>, Option<End>),
    /// It did not come to an end.
    Failed(ApplyError),
}

impl Outcome {
    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Nothing | Self::Before => 0,
            Self::Ended(end) => match end.kind {
                EndKind::Done => 0,
                EndKind::Frozen => 8,
                EndKind::Partly | EndKind::Waiting | EndKind::Interrupted | EndKind::Abandoned => 6,
            },
            Self::Unsettled(_) => 6,
            Self::Refused(..) => 7,
            Self::Stale(_) | Self::Beyond(_) => 4,
            Self::Frozen(..) => 8,
            Self::Failed(ApplyError::Lock(LockError::Held(_) | LockError::Silent(_) | LockError::Stopped(_))) => 5,
            Self::Failed(ApplyError::Cut(_)) => 6,
            Self::Failed(_) => 1,
        }
    }
}

/// Carries an order out. Events go to `tell`; the first is the stream's version.
pub async fn apply(
    doors: Doors<'_>,
    order: &Order<'_>,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Outcome {
    tell(&Event::version(doors.clock.now()));
    let mut told = |event: &Event| {
        if let Some(news) = chronicle::news(event) {
            doors.cluster.note(news);
        }
        tell(event);
    };
    let result = match begun(order) {
        Err(error) => Err(error.into()),
        Ok(begun) if begun || order.resume => {
            resume(doors, &Order { resume: true, ..order.clone() }, interrupts, &mut told).await
        }
        Ok(_) => begin(doors, order, interrupts, &mut told).await,
    };
    if let Err(error) = doors.cluster.noted().await {
        let text = format!("not everything was told on the nodes as an Event: {error}");
        tell(&Event::new(EventKind::Warning, doors.clock.now(), text));
    }
    result.unwrap_or_else(Outcome::Failed)
}

/// Whether the journal is that of the plan that was agreed to, and did not come to its end.
fn begun(order: &Order<'_>) -> Result<bool, JournalError> {
    // What is asked for by hand is new each time.
    let Some(agreed) = order.plan.as_ref().filter(|_| order.word.is_empty()) else { return Ok(false) };
    let told = journal::read(&order.folder)?;
    let same_policy = *agreed.policy.digest == *order.policy.digest;
    Ok(same_policy && told.is_some_and(|told| told.unfinished() && told.carries_out(agreed)))
}

async fn begin(
    doors: Doors<'_>,
    order: &Order<'_>,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    let agreed = order.plan.as_ref().ok_or(ApplyError::NoPlan)?;
    let digest = journal::digest_of(agreed);
    let run = journal::run_name(&digest, Timestamp::now());
    let lock = locking::take(order, (&run, Some(digest)), doors, interrupts, tell).await?;
    let outcome = locked(doors, order, agreed, (&run, &*lock), interrupts, tell).await;
    free(&*lock, doors, tell).await;
    outcome
}

async fn locked(
    doors: Doors<'_>,
    order: &Order<'_>,
    agreed: &Plan,
    (run, lock): (&str, &dyn Lock),
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    let cut = journal::read(&order.folder)?.filter(|told| told.end.is_none());
    if let Some(told) = &cut {
        let text = format!(
            "an execution begun by {} was cut short at {}; this plan starts from what it left",
            told.owner, told.began
        );
        tell(&Event::new(EventKind::Warning, doors.clock.now(), text));
    }
    let mut world = look(doors, lock).await?;
    world.memory = order.word.in_memory(&world);
    let now = doors.clock.now();
    let request = Request { targets: targets(agreed), for_apply: true };
    let (fresh, memory) = plan_for(order.policy, &world, now, &request);
    // What was cut short had learned is not lost, though the plan that was agreed to did not know it.
    let recalled = cut.map(|told| recalling::memory(&world.memory, &told)).filter(|recalled| *recalled != world.memory);
    let mut memory = recalled.map_or(memory, |recalled| {
        let stored = std::mem::replace(&mut world.memory, recalled);
        let (_, memory) = plan_for(order.policy, &world, now, &request);
        world.memory = stored;
        memory
    });
    if order.word.is_empty() && fresh.targets.is_empty() {
        memory.applied = Some(applied(&fresh));
    }
    let mut changes = stale(agreed, &fresh, &world);
    // Nothing has moved since, so that each difference is somebody's hand. Of a plan of another moment only what
    // matters can be compared.
    if changes.is_empty() && *agreed != fresh && *agreed.snapshot.digest == *crate::model::digest(&world) {
        let edited = otherwise(agreed, &world, order.policy);
        changes.extend(edited.into_iter().map(|where_| format!("the plan was edited: {where_}")));
    }
    // What was edited in a plan of another moment cannot be told from what has moved since: only that it was.
    changes.extend(agreed.edited().map(str::to_owned));
    if !changes.is_empty() && carried_out(agreed, &fresh, &world, order.policy) {
        return Ok(Outcome::Before);
    }
    let edited = agreed.intact() == Some(false);
    if order.within && !changes.is_empty() && !edited {
        let news = beyond(agreed, &fresh);
        if !news.is_empty() {
            return Ok(Outcome::Beyond(news));
        }
        tell(&Event::new(EventKind::Warning, now, narrower(agreed, &fresh)));
        changes.clear();
    }
    let frozen = frozen(agreed, &fresh);
    if !changes.is_empty() && !gives_the_same(agreed, &fresh, &frozen) {
        return Ok(if frozen.is_empty() { Outcome::Stale(changes) } else { Outcome::Frozen(frozen, None) });
    }
    let unsettled = fresh.unsettled();
    let (allowed, refusals) = allowed(if changes.is_empty() { fresh } else { preparing::only_giving(&fresh) });
    let memory = Memory { written: Some(now), ..memory };
    remembered(doors, order, &memory, (&allowed, &refusals), tell).await?;
    if allowed.steps.is_empty() {
        return Ok(match outcome(None, refusals, frozen) {
            Outcome::Nothing if unsettled => Outcome::Unsettled(None),
            outcome => outcome,
        });
    }
    let end = with_next_choice(doors, order, (&allowed, memory), world, (run, lock), interrupts, tell).await?;
    concluded(end, (refusals, frozen), doors, (order.policy, agreed), tell).await
}

/// The same as [`anew`], and what the policy wants in place of what did not come.
async fn with_next_choice(
    doors: Doors<'_>,
    order: &Order<'_>,
    (plan, memory): (&Plan, Memory),
    world: World,
    held: (&str, &dyn Lock),
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<End, ApplyError> {
    let mut heard = Heard::default();
    let mut listen = |event: &Event| heard.take(event, tell);
    let end = anew(doors, order, (plan, memory), world, held, interrupts, &mut listen).await?;
    let round = Round { doors, order, targets: &targets(plan), held };
    next_choice::go_on(end, plan, heard, round, interrupts, tell).await
}

/// Carries a plan out from its beginning, with a journal of its own.
pub(super) async fn anew(
    doors: Doors<'_>,
    order: &Order<'_>,
    (plan, memory): (&Plan, Memory),
    world: World,
    (run, lock): (&str, &dyn Lock),
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<End, ApplyError> {
    let learned = memory.beyond(&world.memory);
    let settings = preparing::settings(order.policy, plan, &world, memory, order.no_wait, plan.now);
    let machine = Machine::new(plan, &journal::digest_of(plan), settings, None, &world);
    let who = process::owner();
    let mut journal = Journal::begin(&order.folder, plan.now, (run, &who), plan, machine.ready_at_start(), learned)?;
    let mut drive = Drive { doors, log: &mut journal, lock: Some(lock), interrupts, tell };
    Ok(drive.run(machine, world).await?)
}

/// Writes down what is remembered, before the first act.
async fn remembered(
    doors: Doors<'_>,
    order: &Order<'_>,
    memory: &Memory,
    (plan, refusals): (&Plan, &[Refusal]),
    tell: &mut dyn FnMut(&Event),
) -> Result<(), ApplyError> {
    // What a brake refuses was not granted, and another cluster is none of ours.
    let refused = if order.word.is_empty() { refusals.iter().any(Refusal::forbids_all) } else { !refusals.is_empty() };
    if refused {
        return Ok(());
    }
    match doors.cluster.remember(memory).await {
        // What gives capacity back does not wait for a memory that cannot be written (H6).
        Err(error) if order.word.is_empty() && !plan.steps.is_empty() => {
            let text = format!("when this apply was cannot be written down: {error}");
            tell(&Event::new(EventKind::Warning, plan.now, text));
            Ok(())
        }
        written => Ok(written?),
    }
}

/// What is remembered of this apply.
fn applied(plan: &Plan) -> Applied {
    Applied {
        at: plan.now,
        by: process::owner().into(),
        policy: plan.policy.name.as_str().into(),
        digest: plan.policy.digest.as_str().into(),
        revisions: plan.policy.revisions.iter().map(|revision| revision.to_string().into()).collect(),
        wanted: plan.pools.iter().map(|pool| (pool.name.as_str().into(), pool.desired)).collect(),
    }
}

/// That the plan made now is within the one that was agreed to.
fn narrower(agreed: &Plan, fresh: &Plan) -> String {
    let left = agreed.steps.iter().filter(|step| fresh.steps.iter().any(|now| now.id == step.id)).count();
    let all = agreed.steps.len();
    match all.saturating_sub(left) {
        0 => format!("the plan made now is another one, and its {all} steps are those that were approved"),
        gone => {
            format!("the plan made now is within the approved one: {gone} of its {all} steps are not taken any more")
        }
    }
}

/// How an execution ended that came to its own end, after a fresh look.
async fn concluded(
    end: End,
    (refusals, frozen): (Vec<Refusal>, Vec<String>),
    doors: Doors<'_>,
    (policy, plan): (&Policy, &Plan),
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    match outcome(Some(end), refusals, frozen) {
        Outcome::Ended(end) => settling::settled(end, doors, (policy, targets(plan)), tell).await,
        other => Ok(other),
    }
}

/// What a plan was narrowed to.
fn targets(plan: &Plan) -> Vec<Target> {
    plan.targets.iter().filter_map(|target| target.parse::<Target>().ok()).collect()
}

fn outcome(end: Option<End>, refusals: Vec<Refusal>, frozen: Vec<String>) -> Outcome {
    match end {
        _ if !refusals.is_empty() => Outcome::Refused(refusals, end),
        Some(end) if frozen.is_empty() || end.kind != EndKind::Done => Outcome::Ended(end),
        None if frozen.is_empty() => Outcome::Nothing,
        _ => Outcome::Frozen(frozen, end),
    }
}

/// Nodes that were agreed to go and that a freeze of the same policy keeps now, each with the freeze.
fn frozen(agreed: &Plan, fresh: &Plan) -> Vec<String> {
    let same = agreed.policy.digest == fresh.policy.digest && agreed.snapshot.cluster == fresh.snapshot.cluster;
    let kept = forbidden(agreed, fresh).into_iter().filter(|_| same);
    let why = |kept: &Kept| kept.reasons.first().map(|reason| format!("{}: {}", kept.node, reason.text));
    kept.filter_map(why).collect()
}

/// Whether all that is left to do beside what a freeze forbids gives capacity back and was agreed to.
fn gives_the_same(agreed: &Plan, fresh: &Plan, frozen: &[String]) -> bool {
    let giving = preparing::only_giving(fresh);
    let agreed_to = |id: &String| agreed.steps.iter().any(|step| step.id == *id);
    !frozen.is_empty() && giving.steps.iter().all(|step| agreed_to(&step.id))
}

/// The part of a plan that may be carried out, and why not all of it.
fn allowed(plan: Plan) -> (Plan, Vec<Refusal>) {
    let refusals = plan.refusals.clone();
    let allowed = if refusals.is_empty() { plan } else { preparing::only_giving(&plan) };
    (allowed, refusals)
}

async fn resume(
    doors: Doors<'_>,
    order: &Order<'_>,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    let held = order.locks.holder().await?;
    let (run, plan) = journal::read(&order.folder)?.map(|told| (told.run, told.digest)).unzip();
    // Without a journal it is the execution that the lock names: it was begun on another machine, or its journal is lost.
    let elsewhere = || held.as_ref().map(|held| held.run.clone()).filter(|run| !run.is_empty());
    let run = run.or_else(elsewhere).unwrap_or_else(|| journal::run_name("", Timestamp::now()));
    let lock = locking::take(order, (&run, plan), doors, interrupts, tell).await?;
    let outcome = taken_up(doors, order, held.as_ref(), (&run, &*lock), interrupts, tell).await;
    free(&*lock, doors, tell).await;
    outcome
}

/// What cannot be freed now is over in a while; whoever comes next has to wait for that.
async fn free(lock: &dyn Lock, doors: Doors<'_>, tell: &mut dyn FnMut(&Event)) {
    if let Err(error) = lock.free().await {
        let text =
            format!("the lock could not be given back, and holds others off until {}: {error}", lock.record().expires);
        tell(&Event::new(EventKind::Warning, doors.clock.now(), text));
    }
}

/// Everything, while the lock is kept: looking may take a while.
pub(super) async fn look(doors: Doors<'_>, lock: &dyn Lock) -> Result<World, ApplyError> {
    keeping(Some(lock), async { Ok(World::build(doors.cluster.observe().await?)) }).await
}

/// The same, where what was begun is finished: what is missing may be just what that rests on.
async fn whole_look(doors: Doors<'_>, lock: &dyn Lock) -> Result<World, ApplyError> {
    let world = look(doors, lock).await?;
    match world.gaps.first() {
        Some(gap) => Err(ClusterError::Unavailable(format!("half an answer: {gap}; nothing was done")).into()),
        None => Ok(world),
    }
}

async fn taken_up(
    doors: Doors<'_>,
    order: &Order<'_>,
    held: Option<&LockRecord>,
    (run, lock): (&str, &dyn Lock),
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    // Between the look and the lock somebody may have finished it.
    let told = match journal::read(&order.folder)? {
        Some(told) if told.unfinished() && order.plan.as_ref().is_none_or(|agreed| told.carries_out(agreed)) => told,
        ended => {
            let world = whole_look(doors, lock).await?;
            let begun = half_way(&world);
            if ended.is_none() && order.plan.is_none() && !begun.is_empty() {
                return by_marks(doors, order, (held, begun), world, (run, lock), interrupts, tell).await;
            }
            return Err(ApplyError::NothingToResume(why_nothing(order, ended.as_ref(), held, begun.len())));
        }
    };
    if told.torn {
        let text = "the journal's last line was torn and is left out";
        tell(&Event::new(EventKind::Warning, doors.clock.now(), text));
    }
    for (id, act) in told.in_flight() {
        let text = format!("{id} was in flight when it was cut short: looking what became of it");
        let node = act.node().map(ToString::to_string);
        tell(&Event { node, ..Event::new(EventKind::StepProgress, doors.clock.now(), text) });
    }
    let world = whole_look(doors, lock).await?;
    let mut journal = Journal::go_on(&order.folder, &told, doors.clock.now(), &process::owner())?;
    carry_on(doors, order, &told, world, (&mut journal, lock), interrupts, tell).await
}

/// Nodes on which an apply was at work and that are not where it wanted them.
fn half_way(world: &World) -> Vec<Target> {
    let at_work =
        |node: &&Arc<Node>| matches!(NodeRecord::of(node), Ok(Some(record)) if record.mark != NodeMark::Parked);
    world.nodes.values().filter(at_work).map(|node| Target::Node(node.name.clone())).collect()
}

/// Takes up what was begun where its journal is not at hand: the nodes' own marks say on which of them an apply was at
/// work. Each is brought where the policy wants it now; no other node is touched.
async fn by_marks(
    doors: Doors<'_>,
    order: &Order<'_>,
    (held, begun): (Option<&LockRecord>, Vec<Target>),
    world: World,
    (run, lock): (&str, &dyn Lock),
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    let by = held.map_or(String::new(), |held| format!(" by {}", held.owner));
    let text = format!(
        "there is no journal in `{}`: going on with {} that {} the marks of an apply begun{by}, and with no other",
        order.folder.display(),
        counted(u32::try_from(begun.len()).unwrap_or(u32::MAX), "node"),
        if begun.len() == 1 { "carries" } else { "carry" },
    );
    tell(&Event::new(EventKind::Warning, doors.clock.now(), text));
    let request = Request { targets: begun, for_apply: true };
    let (fresh, memory) = plan_for(order.policy, &world, doors.clock.now(), &request);
    let (plan, refusals) = allowed(fresh);
    if plan.steps.is_empty() {
        return Ok(outcome(None, refusals, Vec::new()));
    }
    let end = with_next_choice(doors, order, (&plan, memory), world, (run, lock), interrupts, tell).await?;
    concluded(end, (refusals, Vec::new()), doors, (order.policy, &plan), tell).await
}

/// Why nothing is to be taken up, by the journal, by the lock that somebody left, and by the nodes' marks.
fn why_nothing(order: &Order<'_>, ended: Option<&Told>, left: Option<&LockRecord>, half_way: usize) -> String {
    match (ended, left) {
        (Some(told), _) if order.plan.as_ref().is_some_and(|agreed| !told.carries_out(agreed)) => format!(
            "what {} began at {} was another plan: `tidegate apply` with this plan and without `--resume` begins it",
            told.owner, told.began
        ),
        (None, _) if half_way > 0 => format!(
            "there is no journal in `{}`, though {half_way} {} the marks of an apply that was cut short: it was lost; \
             `tidegate apply` without `--resume` goes on from what is there",
            order.folder.display(),
            if half_way == 1 { "node carries" } else { "nodes carry" },
        ),
        (ended, Some(left)) if ended.is_none_or(|told| told.run != left.run) => format!(
            "the `{}` of {} (process {}) was cut short before its first act, so nothing of it was begun",
            left.operation, left.owner, left.pid
        ),
        (Some(told), _) => format!("what {} began at {} was carried out to its end", told.owner, told.began),
        (None, _) => format!("no apply was ever begun in `{}`", order.folder.display()),
    }
}

async fn carry_on(
    doors: Doors<'_>,
    order: &Order<'_>,
    told: &Told,
    mut world: World,
    (log, lock): (&mut dyn Log, &dyn Lock),
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    let now = doors.clock.now();
    // What is stored may be older than what the execution learned before it was cut short.
    let stored = world.memory.clone();
    world.memory = recalling::memory(&stored, told);
    let (fresh, _) = plan_for(order.policy, &world, now, &Request { targets: targets(&told.plan), for_apply: true });
    let (fresh, refusals) = allowed(fresh);
    if refusals.iter().any(Refusal::forbids_all) {
        return Ok(Outcome::Refused(refusals, None));
    }
    if *told.plan.policy.digest != *order.policy.digest {
        let text = "the policy is another one than when this was begun: what it does not want any more is not done";
        tell(&Event::new(EventKind::Warning, now, text));
    }
    let resumed = told.resumed();
    let Left { plan, out, put_off } = still_wanted(&told.plan, &fresh, &world, &resumed.past);
    for (node, text) in out {
        tell(&Event { node: Some(node), ..Event::new(EventKind::Warning, now, text) });
    }
    let settings = preparing::settings(order.policy, &plan, &world, world.memory.clone(), order.no_wait, now);
    let settings = Settings { put_off, ..settings };
    let learned = std::mem::replace(&mut world.memory, stored);
    let machine = Machine::new(&plan, &told.digest, settings, Some(&resumed), &world);
    let mut heard = Heard::before(&told.plan, &plan, &learned, now);
    let mut listen = |event: &Event| heard.take(event, tell);
    let mut drive = Drive { doors, log, lock: Some(lock), interrupts, tell: &mut listen };
    let end = drive.run(machine, world).await?;
    let round = Round { doors, order, targets: &targets(&told.plan), held: (&told.run, lock) };
    let end = next_choice::go_on(end, &told.plan, heard, round, interrupts, tell).await?;
    concluded(end, (refusals, Vec::new()), doors, (order.policy, &told.plan), tell).await
}
