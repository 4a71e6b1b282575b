//! The end of a leaving node: its server is parked, observed to be, and the record says so.

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, TroubleKind};
use super::course::{Course, PATIENCE, Way};
use super::desk::{Desk, later};
use super::leaving::Leaving;
use crate::cluster::keys;
use crate::execute::event::{Event, EventKind};
use crate::model::{Name, ServerState, World};
use crate::plan::{Verb, hold};
use crate::policy::Idle;

/// A provider that accepted the request and does nothing for so long will do nothing.
const BEGIN_TIMEOUT: SignedDuration = SignedDuration::from_mins(1);
/// A cloud that offloads by itself begins within so long after the server is SHELVED.
const OFFLOAD_GRACE: SignedDuration = SignedDuration::from_secs(15);
/// A server whose parking came to nothing has its node Ready again within so long, or stands still.
const RETURN_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// A server must be parked so long after the request.
const PARK_TIMEOUT: SignedDuration = SignedDuration::from_mins(30);
/// The newest measurements are kept.
const MEASUREMENTS: usize = 32;

/// How far the parking is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parking {
    /// The server's metadata say that it is us (H23).
    Mark,
    /// The provider is asked.
    Ask,
    /// It accepted; since when, and how far the second half of shelving is.
    Watch(Timestamp, Offload),
    /// The cloud left the server SHELVED, and is asked to free its host too. When shelving was accepted.
    Offload(Timestamp),
    /// It is parked; the record is being written. When it was asked, if it was.
    Seal(Option<Timestamp>),
    /// The record is written; the Node's condition follows.
    Suspend,
    /// The Node object goes, where the policy says so.
    Forget,
}

/// How far the second half of shelving is: a server that is SHELVED keeps its host, one that is offloaded does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offload {
    /// It is not SHELVED and at rest.
    Unseen,
    /// It has been since then: the cloud may yet do the rest by itself.
    Left(Timestamp),
    /// The rest was asked for, and accepted, then.
    Asked(Timestamp),
    /// It is not ours to ask for, in the provider's words: most clouds keep it for administrators.
    Refused(String),
}

/// Whether a server in this state is parked in this way.
fn parked(state: ServerState, how: Idle) -> bool {
    match how {
        Idle::Shelve | Idle::Delete => state == ServerState::ShelvedOffloaded,
        Idle::Stop => state == ServerState::Shutoff,
        Idle::Suspend => matches!(state, ServerState::Suspended | ServerState::Paused),
    }
}

impl Course {
    pub(super) fn park(&mut self, phase: Parking, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let Some(server) = self.server(world) else {
            let why = format!("no server is known behind {}", self.node);
            return self.fail(desk, now, None, &why);
        };
        let how = self.settings(desk).map_or(Idle::Shelve, |settings| settings.idle);
        match phase {
            Parking::Mark => self.mark_server(server, desk, world, now),
            Parking::Suspend => self.suspend(desk, now),
            Parking::Forget => self.forget_node(desk, world, now),
            Parking::Ask => self.ask_to_park(server, how, desk, world, now),
            Parking::Watch(since, offload) => self.watch_parking(server, how, (since, offload), desk, world, now),
            Parking::Offload(since) => self.offload(server, how, since, desk, now),
            Parking::Seal(since) => self.seal_parked(since, desk, world, now),
        }
    }

    /// A provider that keeps no metadata hinders nothing: the Node carries the record too.
    fn mark_server(&mut self, server: Name, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !self.busy() {
            if let Some(way) = self.taken_back(desk, world, now) {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
        }
        let record = self.record(world).map(|record| record.to_metadata());
        let act = Act::MarkServer { node: self.node.clone(), server, record };
        match self.perform(desk, act, PATIENCE, now) {
            None => return Way::Leaving(Leaving::Park(Parking::Mark)),
            Some(Ok(_)) => {}
            Some(Err(trouble)) => {
                let text = format!("the server of {} does not say that we park it: {}", self.node, trouble.text);
                desk.tell(self.event(EventKind::Warning, now, text));
            }
        }
        self.go(desk, Way::Leaving(Leaving::Park(Parking::Ask)))
    }

    /// The condition is a courtesy to Cluster Autoscaler: without it the node is parked all the same.
    fn suspend(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        let act = Act::Suspend { node: self.node.clone(), suspended: true };
        match self.perform(desk, act, PATIENCE, now) {
            None => return Way::Leaving(Leaving::Park(Parking::Suspend)),
            Some(Ok(_)) => {}
            Some(Err(trouble)) => {
                let text = format!("{} does not say Suspended: {}", self.node, trouble.text);
                desk.tell(self.event(EventKind::Warning, now, text));
            }
        }
        if self.step(Verb::Wake).is_some() {
            return self.turn_round(desk, now);
        }
        if self.settings(desk).is_some_and(|settings| settings.deletes_parked_nodes) {
            return self.go(desk, Way::Leaving(Leaving::Park(Parking::Forget)));
        }
        self.done(desk, now)
    }

    /// What the Node must get back is kept outside of it since its cordon (H24). One that cannot be deleted is parked all the
    /// same.
    fn forget_node(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let there = world.nodes.get(&self.node).filter(|node| !node.annotations.contains_key(keys::DELETED));
        // A hold is on the Node object, and would go with it.
        if self.free()
            && let Some(hold) = there.and_then(|node| hold(node))
        {
            let text = format!("{} is parked, its Node object is kept: it is {}", self.node, hold.text);
            desk.tell(self.event(EventKind::Warning, now, text));
            return self.done(desk, now);
        }
        let asked = match there.map(|node| node.uid.clone()) {
            None if self.busy() => return Way::Leaving(Leaving::Park(Parking::Forget)),
            None => Ok(()),
            Some(_) if self.free() && self.halted(desk, now) => return self.done(desk, now),
            Some(uid) => match self.perform(desk, Act::DeleteNode { node: self.node.clone(), uid }, PATIENCE, now) {
                None => return Way::Leaving(Leaving::Park(Parking::Forget)),
                Some(Err(trouble)) if trouble.kind != TroubleKind::NotFound => Err(trouble.text),
                Some(_) => Ok(()),
            },
        };
        let (kind, text) = match asked {
            Ok(()) => (
                EventKind::StepProgress,
                format!("the Node object of {} is deleted until its server is woken", self.node),
            ),
            Err(why) => (EventKind::Warning, format!("{} is parked, its Node object is kept: {why}", self.node)),
        };
        desk.tell(self.event(kind, now, text));
        self.done(desk, now)
    }

    fn ask_to_park(&mut self, server: Name, how: Idle, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let state = world.servers.get(&server).map(|found| found.state);
        if !self.busy() {
            if state.is_some_and(|state| parked(state, how)) {
                self.begin(desk, Verb::Park, now, format!("{} is parked already", self.node));
                return self.go(desk, Way::Leaving(Leaving::Park(Parking::Watch(now, Offload::Unseen))));
            }
            if self.free()
                && let Some(way) = self.taken_back(desk, world, now)
            {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
        }
        let usually = desk.usually(&self.pool, |memory| &memory.park_times);
        self.begin(desk, Verb::Park, now, format!("parking {} ({}){usually}", self.node, how.verb()));
        match self.perform(desk, Act::Park { node: self.node.clone(), server, how }, PATIENCE, now) {
            None => Way::Leaving(Leaving::Park(Parking::Ask)),
            Some(Ok(_)) => self.go(desk, Way::Leaving(Leaving::Park(Parking::Watch(now, Offload::Unseen)))),
            // Another task runs, ours perhaps from before: what comes of it is seen.
            Some(Err(trouble)) if trouble.kind == TroubleKind::WrongState => {
                desk.tell(self.event(EventKind::StepProgress, now, trouble.text));
                self.go(desk, Way::Leaving(Leaving::Park(Parking::Watch(now, Offload::Unseen))))
            }
            // The first half was done before: what is left is the cloud's.
            Some(Err(trouble)) if state == Some(ServerState::Shelved) && how == Idle::Shelve => {
                self.go(desk, Way::Leaving(Leaving::Park(Parking::Watch(now, Offload::Refused(trouble.text)))))
            }
            Some(Err(trouble)) => {
                let why = format!("{} of {} failed: {}", how.verb(), self.node, trouble.text);
                match trouble.kind {
                    TroubleKind::Login => self.not_let_in_to_park(&why, desk, now),
                    _ => self.fail(desk, now, None, &why),
                }
            }
        }
    }

    /// Asks for the second half of shelving. Whatever the answer is, the server is parked.
    fn offload(&mut self, server: Name, how: Idle, since: Timestamp, desk: &mut Desk, now: Timestamp) -> Way {
        let act = Act::Park { node: self.node.clone(), server, how };
        let offload = match self.perform(desk, act, PATIENCE, now) {
            None => return Way::Leaving(Leaving::Park(Parking::Offload(since))),
            Some(Ok(_)) => Offload::Asked(now),
            Some(Err(trouble)) if trouble.kind == TroubleKind::WrongState => Offload::Asked(now),
            Some(Err(trouble)) => Offload::Refused(trouble.text),
        };
        self.go(desk, Way::Leaving(Leaving::Park(Parking::Watch(since, offload))))
    }

    fn watch_parking(
        &mut self,
        server: Name,
        how: Idle,
        (since, mut offload): (Timestamp, Offload),
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
    ) -> Way {
        let found = world.servers.get(&server);
        let Some(found) = found else {
            let why = format!("server {server} of {} is not there any more; the node stays cordoned", self.node);
            return self.fail_in_place(desk, now, &why);
        };
        let idle = found.task.is_none();
        let silent = !world.nodes.get(&self.node).is_some_and(|node| node.ready());
        let shelved = found.state == ServerState::Shelved && how == Idle::Shelve && idle;
        let kept = match (&offload, shelved) {
            (_, false) => None,
            (Offload::Unseen, true) => {
                offload = Offload::Left(now);
                desk.wake_at(later(now, OFFLOAD_GRACE));
                None
            }
            (Offload::Left(from), true) if now < later(*from, OFFLOAD_GRACE) => {
                desk.wake_at(later(*from, OFFLOAD_GRACE));
                None
            }
            (Offload::Left(_), true) if self.busy() => None,
            (Offload::Left(_), true) => return self.go(desk, Way::Leaving(Leaving::Park(Parking::Offload(since)))),
            (Offload::Asked(at), true) => {
                let most = self.settings(desk).map_or(SignedDuration::ZERO, |settings| settings.offload_timeout);
                desk.wake_at(later(*at, most));
                (now >= later(*at, most)).then(|| format!("the cloud did not in {most:#}"))
            }
            (Offload::Refused(why), true) => Some(why.clone()),
        };
        if silent && (parked(found.state, how) || kept.is_some()) {
            if let Some(why) = kept {
                let text = format!(
                    "{} is SHELVED and not offloaded ({why}): it can be woken as ever, but its host stays reserved and may cost as if \
                     it ran",
                    self.node
                );
                desk.tell(self.event(EventKind::Warning, now, text));
            }
            return self.go(desk, Way::Leaving(Leaving::Park(Parking::Seal(Some(since)))));
        }
        let (state, fault) = (found.state, found.fault.clone());
        if state == ServerState::Error {
            let fault = fault.map_or(String::new(), |fault| format!(" ({fault})"));
            let why = format!("server of {} is in ERROR{fault}; the node stays cordoned", self.node);
            return self.fail_in_place(desk, now, &why);
        }
        let begin = later(since, BEGIN_TIMEOUT);
        let nothing = state == ServerState::Active || (state == ServerState::Shutoff && !parked(state, how));
        // What it was before the provider fell silent says nothing of what it does now.
        let seen = self.seen.is_some_and(|at| at >= begin);
        if nothing && idle && seen && !self.busy() {
            let fault = fault.map_or(String::new(), |fault| format!(": {fault}"));
            let why = format!("{} of {} came to nothing, the server is {state}{fault}", how.verb(), self.node);
            // Nova says ACTIVE of a server that it stopped in order to save its disk, and calls it SHUTOFF later: given back
            // is what runs. What does not run keeps our mark, by which the next run knows that it may be woken.
            let known = later(found.since.map_or(since, |at| at.max(since)), RETURN_TIMEOUT);
            match (state, silent) {
                (ServerState::Active, false) => return self.fail(desk, now, None, &why),
                (ServerState::Active, true) if now < known => desk.wake_at(known),
                _ => return self.fail_in_place(desk, now, &format!("{why}; the node is not Ready and stays cordoned")),
            }
        }
        let deadline = later(since, PARK_TIMEOUT);
        if now >= deadline {
            let state = if seen { format!("the server is {state}") } else { "the provider does not answer".to_owned() };
            let why = format!(
                "{} of {} did not end in {PARK_TIMEOUT:#}: {state}; the node stays cordoned",
                how.verb(),
                self.node
            );
            return self.fail_in_place(desk, now, &why);
        }
        desk.wake_at(deadline);
        match self.look_at_server(server, desk, now) {
            Some(trouble) => self.out_of_sight(&trouble, desk, now),
            None => Way::Leaving(Leaving::Park(Parking::Watch(since, offload))),
        }
    }

    fn seal_parked(&mut self, since: Option<Timestamp>, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let Some(act) = self.seal(world, now) else {
            let why = format!("{} is parked, but our mark is gone from the node", self.node);
            return self.fail_in_place(desk, now, &why);
        };
        match self.perform(desk, act, Self::patience_for_marks(), now) {
            None => Way::Leaving(Leaving::Park(Parking::Seal(since))),
            Some(Ok(_)) => {
                self.is_parked(desk, since, now);
                self.go(desk, Way::Leaving(Leaving::Park(Parking::Suspend)))
            }
            Some(Err(trouble)) => {
                let why = format!("{} is parked, but that could not be written on it: {}", self.node, trouble.text);
                self.fail_in_place(desk, now, &why)
            }
        }
    }

    /// Parked at `at`, which was asked for at `since`.
    fn is_parked(&self, desk: &mut Desk, since: Option<Timestamp>, at: Timestamp) {
        let node = desk.remember(&self.node);
        node.parked_since = Some(at);
        node.drain_failure = None;
        node.not_before = None;
        node.unneeded_since = None;
        if let Some(since) = since.filter(|since| *since < at) {
            let times = &mut desk.remember_pool(&self.pool).park_times;
            times.push(at.duration_since(since));
            let surplus = times.len().saturating_sub(MEASUREMENTS);
            times.drain(..surplus);
        }
    }

    /// What an execution that was cut short after it had written the record did not come to remember.
    pub(super) fn remember_parked(&mut self, desk: &mut Desk, world: &World, now: Timestamp) {
        let since = self.past.park.take().map(|asked| asked.at);
        let at = self.record(world).map_or(now, |record| record.since);
        let known = desk.memory.nodes.get(&self.node).is_some_and(|memory| memory.parked_since.is_some());
        if since.is_some() || !known {
            self.is_parked(desk, since, at);
        }
    }

    /// The server is in nobody's hands: the node cannot be given back and stays cordoned, with our record.
    pub(super) fn fail_in_place(&mut self, desk: &mut Desk, now: Timestamp, why: &str) -> Way {
        let step = self.current(desk);
        desk.bar(&self.node, None, why, now);
        self.give_up(desk, now, true, None, why);
        desk.tell(Event {
            step,
            ..self.event(EventKind::Warning, now, format!("{} stays cordoned, with our mark", self.node))
        });
        self.go(desk, Way::Ended)
    }

    /// A measured time until Ready, for the lead of windows (H21).
    pub(super) fn measure_wake(&self, desk: &mut Desk, since: Timestamp, now: Timestamp) {
        let pool = desk.remember_pool(&self.pool);
        pool.failed_wakes = 0;
        pool.backoff_until = None;
        pool.wake_times.push(now.duration_since(since));
        let surplus = pool.wake_times.len().saturating_sub(MEASUREMENTS);
        pool.wake_times.drain(..surplus);
    }
}
