//! The loop that drives a machine: acts side by side, changes into the world, records into the journal.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};

use super::deafness::{Deafness, Look, whole};
use super::interrupts::Interrupts;
use super::journal::{JournalError, Record};
use super::log::Log;
use super::performing::{Doors, perform};
use crate::cluster::{ClusterError, Lock, LockError, keeping};
use crate::execute::machine::{Act, ActId, Answer, Command, End, Input, Machine, Trouble, TroubleKind};
use crate::execute::{Event, EventKind};
use crate::model::{Change, Snapshot, World};

/// Between two looks when nobody asked for a time.
const IDLE: SignedDuration = SignedDuration::from_mins(10);

/// Rounds within a second of the clock that nothing from outside asked for, before the machine counts as stuck: none is as
/// busy as that with reading alone.
const IDLE_ROUNDS: u32 = 10_000;
/// The same with acts among them: each node makes some of its own.
const BUSY_ROUNDS: u32 = 1_000_000;

/// Why a drive ended before its machine did. The journal can be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// What is to be done cannot be written down first.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The lock is not ours any more.
    #[error("the lock was lost: {0}")]
    Lock(#[from] LockError),
    /// The cluster has not been heard of for too long.
    #[error("{0}")]
    Cluster(#[from] ClusterError),
    /// It went round and round: a fault in Tidegate, or a clock that stands still.
    #[error(
        "stuck at {at}: {rounds} rounds in which nothing was done and no time passed, which is a fault in Tidegate or a \
         clock that stands still; please report it with the journal"
    )]
    Stuck {
        /// When.
        at: Timestamp,
        /// How often.
        rounds: u32,
    },
}

/// Sees to it that a drive does something or lets time pass.
#[derive(Debug)]
struct Treadmill {
    since: Timestamp,
    idle: u32,
    busy: u32,
}

impl Treadmill {
    fn new(now: Timestamp) -> Self {
        Self { since: now, idle: 0, busy: 0 }
    }

    /// Counts a round that began at `now`; `acted` if it changed something or somebody else did.
    fn turn(&mut self, now: Timestamp, acted: bool) -> Result<(), DriveError> {
        if now.duration_since(self.since).abs() >= SignedDuration::from_secs(1) {
            *self = Self::new(now);
        }
        self.idle = if acted { 0 } else { self.idle + 1 };
        self.busy += 1;
        match self.idle > IDLE_ROUNDS || self.busy > BUSY_ROUNDS {
            true => Err(DriveError::Stuck { at: now, rounds: self.busy }),
            false => Ok(()),
        }
    }
}

type Done = Result<(Answer, Vec<Change>), LockError>;
type Flight<'a> = (ActId, bool, Pin<Box<dyn Future<Output = Done> + 'a>>);

/// What the driver heard.
enum Heard {
    Answers(Vec<(ActId, bool, Done)>),
    Interrupt,
    Changes(Result<Vec<Change>, ClusterError>),
    Everything(Result<Box<Snapshot>, ClusterError>),
}

/// Everything one drive needs.
pub struct Drive<'a> {
    /// The doors.
    pub doors: Doors<'a>,
    /// The journal.
    pub log: &'a mut dyn Log,
    /// The lock, where there is one to keep.
    pub lock: Option<&'a dyn Lock>,
    /// Requests to stop.
    pub interrupts: &'a mut Interrupts,
    /// Who is told.
    pub tell: &'a mut dyn FnMut(&Event),
}

impl Drive<'_> {
    /// Drives `machine` to its end in `world`.
    ///
    /// # Errors
    /// The journal cannot be written, the lock is lost, or the cluster does not answer for long.
    pub async fn run(&mut self, machine: Machine, world: World) -> Result<End, DriveError> {
        keeping(self.lock, self.turns(machine, world)).await
    }

    async fn turns(&mut self, mut machine: Machine, mut world: World) -> Result<End, DriveError> {
        let doors = self.doors;
        let mut inbox = VecDeque::from([Input::Started]);
        let mut flights: Vec<Flight<'_>> = Vec::new();
        let mut wake: Option<Timestamp> = None;
        let mut deafness = Deafness::default();
        let mut treadmill = Treadmill::new(doors.clock.now());
        let mut news = false;
        loop {
            let began = flights.len();
            while let Some(input) = inbox.pop_front() {
                let commands = machine.step(input, &world, doors.clock.now());
                wake = None;
                if let Some(end) = self.obey(commands, &mut flights, &mut wake).await? {
                    return Ok(end);
                }
            }
            // Virtual time needs no waiting: without this a signal would never be heard.
            tokio::task::yield_now().await;
            let now = doors.clock.now();
            let acts = flights.iter().skip(began).any(|(_, changes, _)| *changes);
            treadmill.turn(now, acts || std::mem::take(&mut news))?;
            let until = wake.unwrap_or(now.checked_add(IDLE).unwrap_or(Timestamp::MAX));
            match self.listen(&mut flights, &mut deafness.look, until).await {
                Heard::Interrupt => inbox.push_back(Input::Interrupt),
                Heard::Answers(answers) => {
                    for (id, journaled, done) in answers {
                        let (answer, changes) = match done {
                            // It was not done. Nothing more is begun, so it is not asked again.
                            Err(LockError::Stopped(stop)) => {
                                inbox.push_back(Input::Stopped(stop.to_string()));
                                let (kind, text) = (TroubleKind::Again, stop.to_string());
                                (Answer::Failed(Trouble { kind, text }), Vec::new())
                            }
                            done => done?,
                        };
                        if journaled {
                            let trouble = answer.trouble();
                            let record = Record::Outcome { id: id.clone(), result: answer.in_words(), trouble };
                            self.log.write(doors.clock.now(), &record)?;
                        }
                        changes.into_iter().for_each(|change| world.apply(change));
                        inbox.push_back(Input::Outcome(id, answer));
                    }
                }
                Heard::Changes(Ok(changes)) => {
                    deafness.tries = 0;
                    news = !changes.is_empty();
                    inbox.push_back(if changes.is_empty() { Input::Tick } else { Input::Changed });
                    changes.into_iter().for_each(|change| world.apply(change));
                }
                // What happened meanwhile may never be told: everything is looked at again, until it is seen whole.
                Heard::Changes(Err(error)) => {
                    if let Some(text) = deafness.again(error, doors)? {
                        (self.tell)(&Event::new(EventKind::Warning, now, text));
                    }
                }
                Heard::Everything(seen) => match seen.and_then(|seen| whole(&world, seen)) {
                    Ok(seen) => {
                        deafness.look = None;
                        world = World::build(seen);
                        inbox.push_back(Input::Changed);
                        let text = "everything was seen again".to_owned();
                        (self.tell)(&Event::new(EventKind::StepProgress, doors.clock.now(), text));
                    }
                    Err(error) => {
                        if let Some(text) = deafness.again(error, doors)? {
                            (self.tell)(&Event::new(EventKind::Warning, doors.clock.now(), text));
                        }
                    }
                },
            }
        }
    }

    /// Writes intents down, all of them, and only then begins.
    async fn obey<'f>(
        &mut self,
        commands: Vec<Command>,
        flights: &mut Vec<Flight<'f>>,
        wake: &mut Option<Timestamp>,
    ) -> Result<Option<End>, DriveError>
    where
        Self: 'f,
    {
        let now = self.doors.clock.now();
        let mut begun: Vec<(ActId, Act)> = Vec::new();
        let mut end = None;
        let mut rest = false;
        for command in commands {
            match command {
                Command::Learn(what) => self.log.write(now, &Record::Learned { what })?,
                Command::Act(id, act) => begun.push((id, act)),
                Command::WakeMeAt(at) => *wake = Some(at),
                Command::Emit(event) => (self.tell)(&event),
                Command::Rest => rest = true,
                Command::Finish(how) => end = Some(how),
            }
        }
        if let Some(lock) = self.lock {
            if rest && begun.is_empty() {
                // What cannot be freed now is over in a while.
                drop(lock.free().await);
            } else if !begun.is_empty() {
                lock.retake().await?;
            }
        }
        let mut journaled = false;
        for (id, what) in begun.iter().filter(|(_, act)| act.changes()) {
            self.log.write(now, &Record::Intent { id: id.clone(), what: what.clone() })?;
            journaled = true;
        }
        if journaled {
            self.log.settle()?;
        }
        let (doors, lock) = (self.doors, self.lock);
        for (id, act) in begun {
            let changes = act.changes();
            let done = async move {
                if let Some(lock) = lock.filter(|_| act.takes()) {
                    lock.certain().await?;
                }
                Ok(perform(act, doors).await)
            };
            flights.push((id, changes, Box::pin(done)));
        }
        if let Some(end) = end {
            self.log.write(now, &Record::End { how: end.kind })?;
            self.log.settle()?;
        }
        Ok(end)
    }

    /// Acts first, then a person, then the world: with virtual time it is the world that lets time pass.
    async fn listen(&mut self, flights: &mut Vec<Flight<'_>>, look: &mut Option<Look<'_>>, until: Timestamp) -> Heard {
        let doors = self.doors;
        let mut changes = look.is_none().then(|| doors.cluster.changes(until));
        let interrupts = &mut *self.interrupts;
        poll_fn(|context| {
            let mut answers = Vec::new();
            flights.retain_mut(|(id, journaled, flight)| match flight.as_mut().poll(context) {
                Poll::Ready(done) => {
                    answers.push((id.clone(), *journaled, done));
                    false
                }
                Poll::Pending => true,
            });
            if !answers.is_empty() {
                return Poll::Ready(Heard::Answers(answers));
            }
            if interrupts.poll(context).is_ready() {
                return Poll::Ready(Heard::Interrupt);
            }
            match (&mut changes, look.as_mut()) {
                (_, Some(look)) => look.as_mut().poll(context).map(|seen| Heard::Everything(seen.map(Box::new))),
                (Some(changes), None) => changes.as_mut().poll(context).map(Heard::Changes),
                (None, None) => Poll::Pending,
            }
        })
        .await
    }
}
