//! A node whose capacity is brought: its server woken, the node Ready with what it had, uncordoned if that is ours.

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, TroubleKind};
use super::course::{Course, LONG_PATIENCE, PATIENCE, Way};
use super::desk::{Desk, Gate, later};
use super::hooking::Called;
use super::making::{After, Making};
use super::returning::give_back;
use super::tidying::Tidy;
use crate::cluster::{NodeMark, NodePatch, NodeRecord, keys};
use crate::execute::event::{Event, EventKind};
use crate::model::{Name, Node, Pod, Server, ServerState, Setback, World};
use crate::plan::{Step, Verb, hold};
use crate::policy::{HookTime, Idle};

const ZONE: &str = "topology.kubernetes.io/zone";
/// DaemonSet pods that are not critical get so long after the node is Ready (H10).
const OTHERS: SignedDuration = SignedDuration::from_mins(3);
/// Longest that a server may need until it is ACTIVE and then parked again after a failure.
const AGAIN: SignedDuration = SignedDuration::from_mins(30);

/// How far a coming node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coming {
    /// What is it now?
    Look,
    /// It waits for its turn.
    Turn,
    /// The record says that it is being woken.
    Mark,
    /// The provider is asked.
    Wake,
    /// The server starts; since when, and its zone before.
    Boot(Timestamp, Option<Name>),
    /// The node is Ready; its own things are waited for. Asked when, Ready when.
    Settle(Timestamp, Timestamp),
    /// The policy's hooks are called. Asked when, the number of the next.
    Hook(Timestamp, usize),
    /// What is ours on the server and among the conditions goes. Asked when, if it was.
    Tidy(Option<Timestamp>, Tidy),
    /// The cordon goes. Asked when, if it was.
    Uncordon(Option<Timestamp>),
    /// Its server is made.
    Make(Making),
    /// It failed: the server is parked again, then the record says so.
    ParkAgain(Timestamp),
    /// It failed and is parked: the record says so again.
    SealAgain,
}

impl Course {
    pub(super) fn come(&mut self, phase: Coming, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        match phase {
            Coming::Look => self.look_before_wake(desk, world, now),
            Coming::Turn => self.turn_to_wake(desk, world, now),
            Coming::Mark => self.mark_waking(desk, world, now),
            Coming::Wake => self.wake(desk, world, now),
            Coming::Boot(since, zone) => self.boot(since, zone, desk, world, now),
            Coming::Settle(since, ready) => self.settle(since, ready, desk, world, now),
            Coming::Hook(since, at) => match self.call_hooks(HookTime::AfterWake, at, desk, now) {
                Called::Next(at) => Way::Coming(Coming::Hook(since, at)),
                Called::All => self.go(desk, Way::Coming(Coming::Tidy(Some(since), Tidy::default()))),
                Called::Stopped(why) => self.wake_failed(desk, world, now, false, &why),
            },
            Coming::Tidy(since, at) => match self.tidy(at, desk, world, now) {
                Tidy::Done => self.go(desk, Way::Coming(Coming::Uncordon(since))),
                at => Way::Coming(Coming::Tidy(since, at)),
            },
            Coming::Uncordon(since) => self.uncordon(since, desk, world, now),
            Coming::Make(making) => self.make(making, desk, world, now),
            Coming::ParkAgain(since) => self.park_again(since, desk, world, now),
            Coming::SealAgain => self.seal_again(desk, world, now),
        }
    }

    fn look_before_wake(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if self.makes(world) {
            return self.look_before_making(desk, world, now);
        }
        if self.bare(desk, world) {
            return self.go(desk, Way::Coming(Coming::Turn));
        }
        let looked = self.planned_node(world).and_then(|node| Ok((node.unschedulable, NodeRecord::of(node)?)));
        let (cordoned, record) = match looked {
            Ok(looked) => looked,
            Err(why) => return self.stay(desk, now, &why),
        };
        let up = record.is_none() && self.running(world);
        if !up
            && !self.past.failed
            && let Some(way) = self.go_on_waking(desk, world, now)
        {
            return way;
        }
        match record {
            None if cordoned && !self.adopted(desk, world) => {
                let why = format!("the cordon of {} is not ours", self.node);
                self.stay(desk, now, &why)
            }
            // Somebody, or an execution that was cut short, has done it all.
            None if self.running(world) => self.up_already(desk, now),
            Some(record) if record.mark == NodeMark::Waking && self.past.failed => self.failed_before(desk, world, now),
            // An execution that was cut short got so far. Where its provider was not asked yet the mark is made anew, for
            // the time to join runs from it (H8).
            Some(record) if record.mark == NodeMark::Waking && self.wake_was_asked(world) => {
                self.begin(desk, Verb::Wake, now, format!("{} is being woken already", self.node));
                self.go(desk, Way::Coming(Coming::Wake))
            }
            // Its server is on its way already: what is left is to see it arrive.
            _ if self.step(Verb::Wake).is_none() && self.step(Verb::Wait).is_some() => {
                let since = self.woken_since(world, now);
                self.go(desk, Way::Coming(Coming::Boot(since, None)))
            }
            _ => self.go(desk, Way::Coming(Coming::Turn)),
        }
    }

    fn wake_was_asked(&self, world: &World) -> bool {
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        let asleep = server.is_some_and(|server| server.state.parked() && server.task.is_none());
        self.step(Verb::Wake).is_some() && !asleep
    }

    fn running(&self, world: &World) -> bool {
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        server.is_none_or(|server| server.state == ServerState::Active)
            && world.nodes.get(&self.node).is_some_and(|node| node.ready())
    }

    fn turn_to_wake(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let hold = self.step(Verb::Wake).and_then(|_| hold(world.nodes.get(&self.node)?));
        if let Some(hold) = hold {
            let why = format!("{} is {}", self.node, hold.text);
            return self.stay(desk, now, &why);
        }
        if desk.stopping() {
            self.give_up(desk, now, false, None, "interrupted");
            return self.go(desk, Way::Ended);
        }
        let brings = |step: &&Step| !step.verb.takes();
        let first = self.steps.iter().find(brings).map_or(Verb::Uncordon, |step| step.verb);
        match self.gate(desk, first) {
            Gate::Later => return Way::Coming(Coming::Turn),
            Gate::Never(why) => {
                self.give_up(desk, now, false, None, &why);
                return self.go(desk, Way::Ended);
            }
            Gate::Open => {}
        }
        if !matches!(first, Verb::Wake | Verb::Create) {
            // A wake that was cut short: what it waits for is waited for.
            let cut_short = first == Verb::Wait || self.mark(world) == Some(NodeMark::Waking);
            let way = match self.server(world).filter(|id| cut_short && world.servers.contains_key(id)) {
                Some(_) => Coming::Boot(self.woken_since(world, now), None),
                None => Coming::Tidy(None, Tidy::default()),
            };
            return self.go(desk, Way::Coming(way));
        }
        let (going, all) = desk.transit.get(&self.pool).copied().unwrap_or((0, 0));
        if self.settings(desk).is_some_and(|settings| all >= settings.parallelism.max(1)) {
            return Way::Coming(Coming::Turn);
        }
        desk.transit.insert(self.pool.clone(), (going, all + 1));
        let usually = desk.usually(&self.pool, |memory| &memory.wake_times);
        if let Some(creation) = self.step(Verb::Create).and_then(|step| step.creation.as_ref()) {
            let text = format!("making {} ({}){usually}", self.node, creation.offering());
            self.begin(desk, Verb::Create, now, text);
            return self.go(desk, Way::Coming(Coming::Make(Making::Ask)));
        }
        self.begin(desk, Verb::Wake, now, format!("waking {}{usually}", self.node));
        self.go(desk, Way::Coming(Coming::Mark))
    }

    fn mark_waking(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if self.bare(desk, world) {
            return self.mark_bare(desk, now);
        }
        let node = match self.planned_node(world) {
            Ok(node) => node,
            Err(why) if !self.busy() => return self.stay(desk, now, &why),
            Err(_) => return Way::Coming(Coming::Mark),
        };
        let record = NodeRecord::of(node).ok().flatten();
        if record.is_none() && !node.unschedulable && !self.busy() {
            // Nothing to undo on it: it is woken and left as it is.
            return self.go(desk, Way::Coming(Coming::Wake));
        }
        let patch = self.marking(desk, world).wake(node, record, now);
        let act = Act::Patch { node: self.node.clone(), patch };
        match self.perform(desk, act, PATIENCE, now) {
            None => Way::Coming(Coming::Mark),
            Some(Ok(_)) => self.go(desk, Way::Coming(Coming::Wake)),
            Some(Err(trouble)) => {
                let why = format!("{} could not be marked: {}", self.node, trouble.text);
                self.stay(desk, now, &why)
            }
        }
    }

    fn node_and_record<'a>(&self, world: &'a World) -> Option<(&'a Node, NodeRecord)> {
        let node = world.nodes.get(&self.node)?;
        Some((node, NodeRecord::of(node).ok().flatten()?))
    }

    /// When the wake began, also before this execution.
    pub(super) fn woken_since(&self, world: &World, now: Timestamp) -> Timestamp {
        self.record(world).filter(|record| record.mark == NodeMark::Waking).map_or(now, |record| record.since)
    }

    fn wake(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let Some(server) = self.server(world) else {
            let why = format!("no server is known behind {}", self.node);
            return self.wake_failed(desk, world, now, true, &why);
        };
        let found = world.servers.get(&server);
        let zone = found.and_then(|server| server.zone.clone());
        let since = self.woken_since(world, now);
        let under_way = |server: &Server| server.state == ServerState::Active || server.task.is_some();
        if !self.busy() && found.is_some_and(|server| under_way(server)) {
            return self.go(desk, Way::Coming(Coming::Boot(since, zone)));
        }
        match self.perform(desk, Act::Wake { node: self.node.clone(), server }, PATIENCE, now) {
            None => Way::Coming(Coming::Wake),
            Some(Ok(_)) => self.go(desk, Way::Coming(Coming::Boot(since, zone))),
            Some(Err(trouble)) if trouble.kind == TroubleKind::WrongState => {
                desk.tell(self.event(EventKind::StepProgress, now, trouble.text));
                self.go(desk, Way::Coming(Coming::Boot(since, zone)))
            }
            Some(Err(trouble)) => {
                let why = format!("{} could not be woken: {}", self.node, trouble.text);
                match trouble.kind {
                    TroubleKind::Login => self.not_let_in_to_wake(&why, desk, now),
                    kind => self.wake_failed(desk, world, now, kind.alone(), &why),
                }
            }
        }
    }

    fn boot(&mut self, since: Timestamp, zone: Option<Name>, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let server = self.server(world);
        let found = server.as_ref().and_then(|id| world.servers.get(id));
        let (Some(id), Some(found)) = (server.clone(), found) else {
            let why = format!("the server of {} is not there any more", self.node);
            return self.wake_failed(desk, world, now, true, &why);
        };
        let deadline = later(since, desk.settings.wake.join_timeout);
        let fault = found.fault.as_ref().map_or(String::new(), |fault| format!(": {fault}"));
        let asleep = found.state.parked() && found.task.is_none() && found.fault.is_some();
        if found.state == ServerState::Error || asleep {
            let cause = found.setback.map_or("", cause);
            let why = format!("{} did not wake{cause}, its server is {}{fault}", self.node, found.state);
            return self.wake_failed(desk, world, now, found.setback.is_some_and(Setback::own), &why);
        }
        if found.state == ServerState::Active && found.task.is_none() {
            if let (Some(is), Some(was)) = (&found.zone, self.zone_before(zone.as_ref(), world))
                && *is != was
            {
                let node = &self.node;
                let why =
                    format!("{node} came back in zone {is}, and its Node and volumes are of {was}: it stays cordoned");
                return self.wake_failed(desk, world, now, false, &why);
            }
            self.begin(desk, Verb::Wait, now, format!("server of {} is ACTIVE; waiting for Ready", self.node));
            if self.back(world, since) {
                return self.go(desk, Way::Coming(Coming::Settle(since, now)));
            }
        }
        if now >= deadline && !self.busy() {
            let ready = world.nodes.get(&self.node).filter(|node| node.ready());
            let lacks = ready.and_then(|node| self.lacks(node, world));
            let slept = if ready.is_none() { self.slept_long(desk, since) } else { String::new() };
            let what = lacks.map_or_else(|| "was not Ready".to_owned(), |lacks| format!("was Ready {lacks}"));
            let why = format!(
                "{} {what} {:#} after its wake; its server is {}{fault}{slept}",
                self.node, desk.settings.wake.join_timeout, found.state
            );
            return self.wake_failed(desk, world, now, false, &why);
        }
        desk.wake_at(deadline);
        let moves = found.state != ServerState::Active || found.task.is_some();
        match moves.then(|| self.look_at_server(id, desk, now)).flatten() {
            Some(trouble) => self.out_of_sight(&trouble, desk, now),
            None => Way::Coming(Coming::Boot(since, zone)),
        }
    }

    /// The zone its server must come back to (H27): the one it was parked in, else the one it lay in, else the Node's.
    fn zone_before(&self, asleep: Option<&Name>, world: &World) -> Option<Name> {
        let recorded = self.record(world).and_then(|record| record.zone);
        let label = || world.nodes.get(&self.node).and_then(|node| node.labels.get(ZONE).cloned());
        recorded.or_else(|| asleep.cloned()).or_else(label).filter(|zone| !zone.is_empty())
    }

    /// Ready by a heartbeat that is newer than the wake, with the extended resources it had (H10).
    fn back(&self, world: &World, since: Timestamp) -> bool {
        let Some(node) = world.nodes.get(&self.node).filter(|node| node.ready()) else { return false };
        let ready = node.condition("Ready");
        let beats = [
            ready.and_then(|condition| condition.heartbeat),
            ready.and_then(|condition| condition.transition),
            world.leases.get(&self.node).copied(),
        ];
        let newest = beats.into_iter().flatten().max();
        // One that never went NotReady (a dump without times) can only be taken at its word.
        let fresh = newest.is_none_or(|beat| beat >= since);
        fresh && self.lacks(node, world).is_none()
    }

    fn settle(&mut self, since: Timestamp, ready: Timestamp, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !self.back(world, since) {
            let way = if self.makes(world) { Coming::Make(Making::Join(since)) } else { Coming::Boot(since, None) };
            return self.go(desk, Way::Coming(way));
        }
        if let Some(why) = self.unfit(world) {
            return self.not_opened(desk, now, &why);
        }
        let daemons = || world.pods_on(&self.node).filter(|pod| pod.daemon() && !pod.ready && !pod.finished());
        let wake = &desk.settings.wake;
        let critical = |pod: &Pod| pod.spec.priority_class.as_deref() == Some("system-node-critical");
        let required = daemons().find(|pod| critical(pod) || wake.requires(pod)).cloned();
        if let Some(pod) = required {
            let deadline = later(since, desk.settings.wake.join_timeout).max(later(ready, OTHERS));
            if now >= deadline {
                let by = if critical(&pod) { "it is system-node-critical" } else { "wake.require names it" };
                let why = format!("{} of {} is not Ready, and {by}", pod.key, self.node);
                return self.wake_failed(desk, world, now, false, &why);
            }
            desk.wake_at(deadline);
            return Way::Coming(Coming::Settle(since, ready));
        }
        if let Some(pod) = daemons().next() {
            let until = later(ready, OTHERS);
            if now < until {
                desk.wake_at(until);
                return Way::Coming(Coming::Settle(since, ready));
            }
            let text = format!("{} of {} is not Ready after {OTHERS:#}; uncordoned nevertheless", pod.key, self.node);
            desk.tell(Event { pod: Some(pod.key.to_string()), ..self.event(EventKind::Warning, now, text) });
        }
        if let Some(text) = self.aged(desk, since) {
            desk.tell(self.event(EventKind::Warning, now, text));
        }
        match self.makes(world) {
            true => self.revoke_or_go_on(After::Joined(since), desk, now),
            false => self.go(desk, Way::Coming(Coming::Hook(since, 0))),
        }
    }

    fn uncordon(&mut self, since: Option<Timestamp>, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !self.busy() {
            match self.gate(desk, Verb::Uncordon) {
                Gate::Later if since.is_none() => return Way::Coming(Coming::Uncordon(since)),
                Gate::Never(why) => {
                    self.give_up(desk, now, false, None, &why);
                    return self.go(desk, Way::Ended);
                }
                Gate::Later | Gate::Open => {}
            }
        }
        let Some((node, record)) = self.node_and_record(world) else {
            return self.uncordon_without_record(since, desk, world, now);
        };
        let patch = give_back(node, &record);
        self.send_uncordon(patch, since, desk, now)
    }

    /// Whether a cordon without a record of ours counts as ours: by the policy, or by the server's own metadata.
    pub(super) fn adopted(&self, desk: &Desk, world: &World) -> bool {
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        self.settings(desk).is_some_and(|settings| settings.adopt)
            || server.is_some_and(|server| server.metadata.contains_key(keys::SERVER_RECORD))
    }

    /// Never uncordon what is not ours.
    fn uncordon_without_record(
        &mut self,
        since: Option<Timestamp>,
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
    ) -> Way {
        let Some(node) = world.nodes.get(&self.node).filter(|node| node.unschedulable) else {
            self.has_joined(desk, world);
            return self.awake(since, desk, now);
        };
        if !self.adopted(desk, world) {
            let why = format!("the cordon of {} is not ours: it stays", self.node);
            return self.stay(desk, now, &why);
        }
        let patch = NodePatch { uid: node.uid.clone(), unschedulable: Some(false), ..NodePatch::default() };
        self.send_uncordon(patch, since, desk, now)
    }

    fn send_uncordon(&mut self, patch: NodePatch, since: Option<Timestamp>, desk: &mut Desk, now: Timestamp) -> Way {
        self.begin(desk, Verb::Uncordon, now, format!("uncordoning {}", self.node));
        let act = Act::Patch { node: self.node.clone(), patch };
        match self.perform(desk, act, LONG_PATIENCE, now) {
            None => Way::Coming(Coming::Uncordon(since)),
            Some(Ok(_)) => self.awake(since, desk, now),
            Some(Err(trouble)) => {
                let why = format!("{} is Ready and could not be uncordoned: {}", self.node, trouble.text);
                self.stay(desk, now, &why)
            }
        }
    }

    fn awake(&mut self, since: Option<Timestamp>, desk: &mut Desk, now: Timestamp) -> Way {
        self.is_awake(since, desk, now);
        self.done(desk, now)
    }

    fn is_awake(&self, since: Option<Timestamp>, desk: &mut Desk, now: Timestamp) {
        if let Some(since) = since {
            // One that was cut short and gone on with much later says nothing of how long a wake takes.
            if now <= later(since, desk.settings.wake.join_timeout.saturating_add(OTHERS)) {
                self.measure_wake(desk, since, now);
            }
            let node = desk.remember(&self.node);
            node.unneeded_since = None;
            node.parked_since = None;
            node.wake_failure = None;
        }
    }

    /// It is up, and nothing of ours is on it: an execution that was cut short may not have come to remember that.
    fn up_already(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        if let Some((since, opened)) = self.past.opened.take() {
            self.is_awake(Some(since), desk, opened);
        } else if desk.memory.nodes.get(&self.node).is_some_and(|memory| memory.parked_since.is_some()) {
            desk.remember(&self.node).parked_since = None;
        }
        self.done(desk, now)
    }

    /// Its wake failed before the execution was cut short, and counts once (H8): what is left is what comes after that.
    fn failed_before(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let failure = desk.memory.nodes.get(&self.node).and_then(|memory| memory.wake_failure.as_ref());
        let why = failure.map(|failure| format!("{}; not tried again before {}", failure.why, failure.next));
        self.give_up(desk, now, true, None, &why.unwrap_or_default());
        let runs = world.nodes.get(&self.node).is_some_and(|node| node.ready());
        if runs && self.unfit(world).is_some() {
            return self.go(desk, Way::Ended);
        }
        self.asleep_again(desk, world, now)
    }

    /// It does not count, its pool backs off unless it failed of itself `alone`, and a server that runs for nothing is parked again (H8).
    fn wake_failed(&mut self, desk: &mut Desk, world: &World, now: Timestamp, alone: bool, why: &str) -> Way {
        if self.makes(world) {
            return self.made_in_vain(None, why, desk, now);
        }
        let next = desk.back_off(&self.node, &self.pool, alone, why, now);
        self.give_up(desk, now, true, None, &format!("{why}; not tried again before {next}"));
        self.asleep_again(desk, world, now)
    }

    fn asleep_again(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        if server.is_some_and(|server| server.state == ServerState::Active)
            && (self.record(world).is_some() || self.bare(desk, world))
        {
            return self.go(desk, Way::Coming(Coming::ParkAgain(now)));
        }
        self.go(desk, Way::Coming(Coming::SealAgain))
    }

    /// It runs and is not what it was: it stays cordoned and marked for who mends it, and the next plan looks at it again.
    fn not_opened(&mut self, desk: &mut Desk, now: Timestamp, why: &str) -> Way {
        let next = desk.back_off(&self.node, &self.pool, true, why, now);
        self.give_up(desk, now, true, None, &format!("{why}; it stays cordoned, and is looked at again after {next}"));
        self.go(desk, Way::Ended)
    }

    fn park_again(&mut self, since: Timestamp, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let Some(server) = self.server(world) else { return self.go(desk, Way::Ended) };
        let how = self.settings(desk).map_or(Idle::Shelve, |settings| settings.idle);
        let found = world.servers.get(&server);
        if !self.busy() && found.is_none_or(|server| server.state.parked()) {
            return self.go(desk, Way::Coming(Coming::SealAgain));
        }
        if now >= later(since, AGAIN) && !self.busy() {
            let text = format!("{} runs for nothing: it could not be parked again", self.node);
            desk.tell(self.event(EventKind::Warning, now, text));
            return self.go(desk, Way::Ended);
        }
        desk.wake_at(later(since, AGAIN));
        if found.is_some_and(|server| server.task.is_some()) && !self.busy() {
            let trouble = self.look_at_server(server, desk, now);
            return trouble
                .map_or(Way::Coming(Coming::ParkAgain(since)), |trouble| self.out_of_sight(&trouble, desk, now));
        }
        match self.perform(desk, Act::Park { node: self.node.clone(), server, how }, PATIENCE, now) {
            None => {}
            Some(Ok(_)) => self.rest(desk, later(now, SignedDuration::from_secs(5))),
            Some(Err(trouble)) => {
                desk.tell(self.event(EventKind::Warning, now, trouble.text));
                self.rest(desk, later(now, SignedDuration::from_secs(30)));
            }
        }
        Way::Coming(Coming::ParkAgain(since))
    }

    fn seal_again(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let Some(act) = self.seal(world, now) else { return self.go(desk, Way::Ended) };
        match self.perform(desk, act, Self::patience_for_marks(), now) {
            None => Way::Coming(Coming::SealAgain),
            Some(result) => {
                if let Err(trouble) = result {
                    let text = format!("the mark on {} could not be written: {}", self.node, trouble.text);
                    desk.tell(self.event(EventKind::Warning, now, text));
                }
                self.go(desk, Way::Ended)
            }
        }
    }
}

/// Why a wake came to nothing, after `did not wake`.
fn cause(setback: Setback) -> &'static str {
    match setback {
        Setback::NoHost => " because no host has room for it",
        Setback::Quota => " because the quota does not allow it",
        Setback::NoImage => " because the image it was shelved into is gone, and has to be made anew",
        Setback::Snapshot | Setback::Other => "",
    }
}
