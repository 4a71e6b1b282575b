//! A node whose capacity is taken away: chosen, cordoned, drained, detached, parked, each arrow observed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, Answer};
use super::course::{Course, LONG_PATIENCE, PATIENCE, Way};
use super::deleting::Deleting;
use super::desk::{Desk, Gate, StepState, later};
use super::evicting::{Evicting, Look, tolerates_cordon};
use super::hooking::Called;
use super::marking;
use super::parking::Parking;
use super::returning::Returning;
use super::settings::Leave;
use crate::cluster::{NodeMark, NodeRecord};
use crate::execute::event::{Event, EventKind};
use crate::model::{Pod, PodKey, World, counted};
use crate::plan::{PodMove, Verb, hold};
use crate::policy::{HookTime, Overrun};

/// A node given back while pods were waited for is not tried again before (H18).
const AFTER_WAIT: SignedDuration = SignedDuration::from_mins(30);
/// Between two looks at pods that are on their way out when nobody should be.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// How far a leaving node is.
#[derive(Debug)]
pub enum Leaving {
    /// What is it now?
    Look,
    /// The soft taint is being set (H14).
    Choose,
    /// It waits for its turn, or for its pods to end.
    Turn,
    /// Cordon, mark and label in one patch.
    Cordon,
    /// The pods are listed and the table is asked again (H12).
    List,
    /// The policy's hooks are called; the number of the next.
    Hook(usize),
    /// Cordoned, and waits for pods to end (H18).
    Await,
    /// Pods are going.
    Evict(Box<Evicting>),
    /// Volumes are being detached; since when, and whether that was said.
    Detach(Timestamp, bool),
    /// Load balancers are given time (H15); until when.
    Grace(Timestamp),
    /// The volumes attached to it are listed directly: what watches tell comes late (H22).
    LastVolumes,
    /// The pods are listed once more (H12).
    LastLook,
    /// The server is being parked.
    Park(Parking),
    /// The server is being destroyed.
    Delete(Deleting),
}

/// A pod that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The pod.
    pub pod: PodKey,
    /// How long at most, from the node's mark on.
    pub at_most: Option<SignedDuration>,
}

impl Course {
    pub(super) fn leave(&mut self, phase: Leaving, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        match phase {
            Leaving::Look => self.look(desk, world, now),
            Leaving::Choose => self.choose(desk, world, now),
            Leaving::Turn => self.turn(desk, world, now),
            Leaving::Cordon => self.cordon(desk, world, now),
            Leaving::List => self.list(desk, world, now),
            Leaving::Hook(at) => self.hook_before_drain(at, desk, world, now),
            Leaving::Await => self.wait(desk, world, now),
            Leaving::Evict(evicting) => self.evict(evicting, desk, world, now),
            Leaving::Detach(since, told) => self.detach(since, told, desk, world, now),
            Leaving::Grace(until) => self.grace(until, desk, world, now),
            Leaving::LastVolumes => self.last_volumes(desk, now),
            Leaving::LastLook => self.last_look(desk, world, now),
            Leaving::Park(parking) => self.park(parking, desk, world, now),
            Leaving::Delete(deleting) => self.delete(deleting, desk, world, now),
        }
    }

    fn look(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if self.deletes()
            && let Some(way) = self.look_before_deleting(desk, world, now)
        {
            return way;
        }
        if self.mends()
            && let Some(way) = self.look_before_mending(desk, world, now)
        {
            return way;
        }
        let node = match self.planned_node(world) {
            Ok(node) => node,
            Err(why) => return self.stay(desk, now, &why),
        };
        let record = match NodeRecord::of(node) {
            Ok(record) => record,
            Err(why) => return self.stay(desk, now, &why),
        };
        let held = hold(node).map(|hold| format!("{} is {}", self.node, hold.text));
        if let Some(way) = self.go_on_parking(desk, world) {
            return way;
        }
        match record.map(|record| record.mark) {
            None if held.is_some() => self.stay(desk, now, &held.unwrap_or_default()),
            None if node.unschedulable => {
                let why = format!("{} was cordoned by somebody else meanwhile", self.node);
                self.stay(desk, now, &why)
            }
            // An execution that was cut short got so far.
            Some(NodeMark::Parked) if world.server_of(node).is_none_or(|server| server.state.parked()) => {
                self.remember_parked(desk, world, now);
                self.go(desk, Way::Leaving(Leaving::Park(Parking::Suspend)))
            }
            // It was parked after the execution that began it was cut short: only the record is behind.
            Some(NodeMark::Draining) if self.step(Verb::Record).is_some() => {
                self.begin(desk, Verb::Record, now, format!("{} is parked already, its record follows", self.node));
                self.go(desk, Way::Leaving(Leaving::Park(Parking::Seal(None))))
            }
            Some(NodeMark::Leaving | NodeMark::Draining) if self.held(world).is_some() => {
                self.taken_back(desk, world, now).unwrap_or(Way::Ended)
            }
            Some(NodeMark::Draining | NodeMark::Waking | NodeMark::Deleting) if node.unschedulable => {
                self.begin(desk, Verb::Cordon, now, format!("{} was cordoned by Tidegate already", self.node));
                self.go(desk, Way::Leaving(Leaving::List))
            }
            Some(_) => self.go(desk, Way::Leaving(Leaving::Turn)),
            None => self.go(desk, Way::Leaving(Leaving::Choose)),
        }
    }

    fn choose(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let node = match self.planned_node(world) {
            Ok(node) => node,
            Err(why) if !self.busy() => return self.stay(desk, now, &why),
            Err(_) => return Way::Leaving(Leaving::Choose),
        };
        if let Some(hold) = hold(node).filter(|_| self.free()) {
            let why = format!("{} is {}", self.node, hold.text);
            return self.stay(desk, now, &why);
        }
        if !self.busy() && (desk.stopping() || self.frozen_now(desk, now)) {
            return self.leave_undone(desk, now);
        }
        let patch = self.marking(desk, world).choose(node, now);
        match self.perform(desk, Act::Patch { node: self.node.clone(), patch }, PATIENCE, now) {
            None => Way::Leaving(Leaving::Choose),
            Some(Ok(_)) => self.go(desk, Way::Leaving(Leaving::Turn)),
            Some(Err(trouble)) => {
                let why = format!("{} could not be marked: {}", self.node, trouble.text);
                self.stay(desk, now, &why)
            }
        }
    }

    /// Chosen, not cordoned: everything that may still speak against it is asked.
    fn turn(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if let Some(way) = self.taken_back(desk, world, now) {
            return way;
        }
        if desk.stopping() || self.frozen_now(desk, now) {
            return self.leave_undone(desk, now);
        }
        for verb in [Verb::Cordon, Verb::Drain] {
            match self.gate(desk, verb) {
                Gate::Never(why) => {
                    self.give_up(desk, now, false, None, &why);
                    return self.go(desk, Way::Returning(Returning::new(why)));
                }
                // Its own cordon stands before its drain.
                Gate::Later if verb == Verb::Cordon => return Way::Leaving(Leaving::Turn),
                Gate::Later | Gate::Open => {}
            }
        }
        let waited = self.waited_for(desk, world, now);
        if !waited.is_empty() {
            if let Some(way) = self.past_its_wait(&waited, desk, world, now) {
                return way;
            }
            if !desk.chosen.contains(&self.node) {
                return Way::Leaving(Leaving::Turn);
            }
            return self.go(desk, Way::Leaving(Leaving::Cordon));
        }
        let (going, all) = desk.transit.get(&self.pool).copied().unwrap_or((0, 0));
        let room = self
            .settings(desk)
            .is_none_or(|settings| going < settings.most_going() && all < settings.parallelism.max(1));
        if !room {
            return Way::Leaving(Leaving::Turn);
        }
        desk.transit.insert(self.pool.clone(), (going + 1, all + 1));
        self.go(desk, Way::Leaving(Leaving::Cordon))
    }

    fn cordon(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let node = match self.planned_node(world) {
            Ok(node) => node,
            Err(why) if !self.busy() => return self.fail(desk, now, None, &why),
            Err(_) => return Way::Leaving(Leaving::Cordon),
        };
        if self.free()
            && let Some(way) = self.cordoned_or_held(desk, world, now)
        {
            return way;
        }
        let before = NodeRecord::of(node).ok().flatten();
        if !self.busy() && node.unschedulable && before.is_none() {
            let why = format!("{} was cordoned by somebody else meanwhile", self.node);
            return self.stay(desk, now, &why);
        }
        self.begin(desk, Verb::Cordon, now, format!("cordoning {}", self.node));
        let patch = self.marking(desk, world).cordon(node, before, now);
        match self.perform(desk, Act::Patch { node: self.node.clone(), patch }, PATIENCE, now) {
            None => Way::Leaving(Leaving::Cordon),
            Some(Ok(_)) => self.go(desk, Way::Leaving(Leaving::List)),
            Some(Err(trouble)) => {
                let why = format!("{} could not be cordoned: {}", self.node, trouble.text);
                self.fail(desk, now, None, &why)
            }
        }
    }

    fn list(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if self.step(Verb::Drain).is_none() && !self.ends_server() {
            return self.done(desk, now);
        }
        if !self.busy() {
            if let Some(way) = self.taken_back(desk, world, now) {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
            match self.gate(desk, Verb::Drain) {
                Gate::Never(why) => {
                    self.give_up(desk, now, false, None, &why);
                    return self.go(desk, Way::Returning(Returning::new(why)));
                }
                Gate::Later if self.foreign_gate(desk) => return Way::Leaving(Leaving::List),
                Gate::Later | Gate::Open => {}
            }
        }
        let act = Act::List { node: self.node.clone() };
        let pods = match self.perform(desk, act, PATIENCE, now) {
            None => return Way::Leaving(Leaving::List),
            Some(Ok(Answer::Pods(pods))) => pods,
            Some(Ok(_)) => return self.fail(desk, now, None, "the pods could not be listed: no list came back"),
            Some(Err(trouble)) => {
                let why = format!("the pods of {} could not be listed: {}", self.node, trouble.text);
                return self.fail(desk, now, None, &why);
            }
        };
        if self.mends() {
            return self.mend(&pods, desk, now);
        }
        let mut goers = Vec::new();
        let mut waits = false;
        for pod in pods {
            match self.ruling(&pod, desk, world, now) {
                Leave::Goes => goers.push(pod),
                // One whose deletion takes too long is nobody's business in a plan; here its end is waited for.
                Leave::Stays if pod.terminating() && somebody(&pod) => goers.push(pod),
                Leave::Stays => {}
                // It ended by itself, whatever the table makes of its restart policy: nothing would end this wait.
                Leave::Waits(..) if pod.finished() => {}
                Leave::Waits(..) => waits = true,
                Leave::Blocks(_) if pod.terminating() => goers.push(pod),
                Leave::Blocks(why) => return self.fail(desk, now, Some(&pod.key), &why),
            }
        }
        if waits {
            return self.go(desk, Way::Leaving(Leaving::Await));
        }
        // Pods may have come while they were called: everything is listed again after them.
        let hooks = desk.settings.hooks.iter().any(|hook| hook.when == HookTime::BeforeDrain);
        if hooks && !std::mem::replace(&mut self.hooked, true) {
            return self.go(desk, Way::Leaving(Leaving::Hook(0)));
        }
        self.begin(
            desk,
            Verb::Drain,
            now,
            format!(
                "draining {}: {} to evict",
                self.node,
                counted(u32::try_from(goers.len()).unwrap_or(u32::MAX), "pod")
            ),
        );
        let evicting = Evicting::new(goers, &self.moves(), desk, now);
        self.go(desk, Way::Leaving(Leaving::Evict(Box::new(evicting))))
    }

    fn hook_before_drain(&mut self, at: usize, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !self.busy() {
            if let Some(way) = self.taken_back(desk, world, now) {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
        }
        match self.call_hooks(HookTime::BeforeDrain, at, desk, now) {
            Called::Next(at) => Way::Leaving(Leaving::Hook(at)),
            Called::All => self.go(desk, Way::Leaving(Leaving::List)),
            Called::Stopped(why) => self.fail(desk, now, None, &why),
        }
    }

    fn wait(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if let Some(way) = self.taken_back(desk, world, now) {
            return way;
        }
        if self.halted(desk, now) {
            return self.leave_undone(desk, now);
        }
        let waited = self.waited_for(desk, world, now);
        if waited.is_empty() {
            return self.go(desk, Way::Leaving(Leaving::List));
        }
        self.past_its_wait(&waited, desk, world, now).unwrap_or(Way::Leaving(Leaving::Await))
    }

    fn evict(&mut self, mut evicting: Box<Evicting>, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !world.nodes.contains_key(&self.node) {
            let why = format!("node {} is gone", self.node);
            return self.stay(desk, now, &why);
        }
        if let Some(way) = self.taken_back(desk, world, now) {
            return way;
        }
        let halt = self.halted(desk, now);
        let before = evicting.count();
        let look = evicting.look(self, desk, world, now, halt || desk.open_victims > 0);
        let after = evicting.count();
        if before != after {
            let text = format!("{}: {} of {} pods moved", self.node, after.0, after.1);
            let step = self.current(desk);
            let event = Event {
                done: Some(after.0),
                total: Some(after.1),
                step,
                ..self.event(EventKind::StepProgress, now, text)
            };
            desk.tell(event);
        }
        match look {
            Look::Stuck(stuck) => self.fail(desk, now, Some(&stuck.pod), &stuck.why),
            Look::Done | Look::Quiet if halt => self.leave_undone(desk, now),
            Look::Done => self.go(desk, Way::Leaving(Leaving::Detach(now, false))),
            Look::Busy | Look::Quiet => Way::Leaving(Leaving::Evict(evicting)),
        }
    }

    /// Anything but DaemonSet, mirror or finished pods aborts (H12).
    fn last_look(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if !self.busy() {
            if let Some(way) = self.taken_back(desk, world, now) {
                return way;
            }
            if self.halted(desk, now) {
                return self.leave_undone(desk, now);
            }
            match self.gate(desk, if self.deletes() { Verb::Delete } else { Verb::Park }) {
                Gate::Never(why) => {
                    self.give_up(desk, now, false, None, &why);
                    return self.go(desk, Way::Returning(Returning::new(why)));
                }
                Gate::Later if self.foreign_gate(desk) => return Way::Leaving(Leaving::LastLook),
                Gate::Later | Gate::Open => {}
            }
        }
        let act = Act::List { node: self.node.clone() };
        let pods = match self.perform(desk, act, PATIENCE, now) {
            None => return Way::Leaving(Leaving::LastLook),
            Some(Ok(Answer::Pods(pods))) => pods,
            Some(Ok(_)) => return self.fail(desk, now, None, "the pods could not be listed: no list came back"),
            Some(Err(trouble)) => {
                let why = format!("the pods of {} could not be listed: {}", self.node, trouble.text);
                return self.fail(desk, now, None, &why);
            }
        };
        let Some(pod) = pods.iter().find(|pod| somebody(pod)) else {
            let end = if self.deletes() { Leaving::Delete(Deleting::Mark) } else { Leaving::Park(Parking::Mark) };
            return self.go(desk, Way::Leaving(end));
        };
        if pod.terminating() {
            let going: Vec<Pod> = pods.iter().filter(|pod| pod.terminating()).cloned().collect();
            let evicting = Evicting::new(going, &BTreeMap::new(), desk, now);
            let way = self.go(desk, Way::Leaving(Leaving::Evict(Box::new(evicting))));
            desk.wake_at(later(now, LOOK_AGAIN));
            return way;
        }
        let why = if tolerates_cordon(pod) {
            format!("tolerates-cordon: {} came to the cordoned node", pod.key)
        } else {
            format!("{} came to the node after it was drained", pod.key)
        };
        self.fail(desk, now, Some(&pod.key), &why)
    }

    /// The drain did not end well: the node is barred for a while and given back.
    pub(super) fn fail(&mut self, desk: &mut Desk, now: Timestamp, pod: Option<&PodKey>, why: &str) -> Way {
        self.give_up(desk, now, true, pod, why);
        let next = desk.bar(&self.node, pod.cloned(), why, now);
        let why = format!("{why}; not tried again before {next}");
        self.go(desk, Way::Returning(Returning::new(why)))
    }

    /// Nothing failed; it is not to go now.
    pub(super) fn leave_undone(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        let freeze = self.settings(desk).and_then(|settings| settings.frozen(now)).map(|span| span.name.clone());
        self.frozen = freeze.is_some() && !desk.stopping();
        let why = match freeze {
            Some(name) if !desk.stopping() => format!("freeze {name} is open"),
            _ => "interrupted".to_owned(),
        };
        self.give_up(desk, now, false, None, &why);
        self.go(desk, Way::Returning(Returning::new(why)))
    }

    fn frozen_now(&self, desk: &Desk, now: Timestamp) -> bool {
        self.settings(desk).is_some_and(|settings| settings.frozen(now).is_some())
    }

    /// Nothing new is evicted or parked on a node that is cordoned already.
    pub(super) fn halted(&self, desk: &mut Desk, now: Timestamp) -> bool {
        let (stop, turn) = self.settings(desk).map_or((false, None), |settings| {
            let stop = settings.frozen(now).is_some_and(|span| span.overrun == Overrun::Stop);
            (stop, settings.freeze_turn(now))
        });
        if let Some(turn) = turn {
            desk.wake_at(turn);
        }
        desk.stopping() || stop
    }

    /// A step of another node is still to come before. One that failed is never waited for: who only stood in line behind
    /// it goes on, and who needs it was told so by the gate.
    fn foreign_gate(&self, desk: &Desk) -> bool {
        let own = |id: &String| self.steps.iter().any(|step| step.id == *id);
        let open = |id: &String| matches!(desk.steps.get(id), Some(StepState::Open | StepState::Running));
        self.steps.iter().flat_map(|step| &step.after).any(|id| !own(id) && open(id))
    }

    /// What the table of rules says of a pod on this node, with what the pool lets us ignore now.
    pub(super) fn ruling(&self, pod: &Pod, desk: &Desk, world: &World, now: Timestamp) -> Leave {
        let relaxed = self.settings(desk).map_or(&[][..], |settings| settings.relaxed(now));
        desk.settings.recheck.ask(pod, world, now, relaxed)
    }

    /// Pods of this node that are waited for, by the world as it is.
    pub(super) fn waited_for(&self, desk: &Desk, world: &World, now: Timestamp) -> Vec<Waited> {
        // Nothing ends by itself where the kubelet is silent.
        if self.mends() {
            return Vec::new();
        }
        (self.waitable().iter().filter_map(|key| world.pods.get(key)))
            .filter(|pod| !pod.finished())
            .filter_map(|pod| match self.ruling(pod, desk, world, now) {
                Leave::Waits(at_most, _) => Some(Waited { pod: pod.key.clone(), at_most }),
                _ => None,
            })
            .collect()
    }

    /// Until when its pods are waited for; None is without end.
    pub(super) fn wait_ends(&self, waited: &[Waited], world: &World, now: Timestamp) -> Option<Timestamp> {
        let since = self.record(world).map_or(now, |record| record.since);
        waited.iter().filter_map(|waited| waited.at_most).min().map(|at_most| later(since, at_most))
    }

    fn past_its_wait(&mut self, waited: &[Waited], desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        let ends = self.wait_ends(waited, world, now)?;
        if now < ends {
            desk.wake_at(ends);
            return None;
        }
        let names: Vec<String> = waited.iter().map(|waited| waited.pod.to_string()).collect();
        let why = format!("waited until {ends} for {}", names.join(", "));
        self.give_up(desk, now, true, waited.first().map(|waited| &waited.pod), &why);
        desk.remember(&self.node).not_before = Some(later(now, AFTER_WAIT));
        Some(self.go(desk, Way::Returning(Returning::new(why))))
    }

    /// What the plan says of each pod.
    fn moves(&self) -> BTreeMap<&str, &PodMove> {
        self.steps.iter().flat_map(|step| &step.pods).map(|one| (one.pod.as_str(), one)).collect()
    }

    /// The record is written, or will be: the node is ours to park.
    pub(super) fn seal(&self, world: &World, now: Timestamp) -> Option<Act> {
        let node = world.nodes.get(&self.node)?;
        let record = NodeRecord::of(node).ok().flatten()?;
        Some(Act::Patch { node: self.node.clone(), patch: marking::seal(node, record, now) })
    }

    pub(super) fn patience_for_marks() -> u32 {
        LONG_PATIENCE
    }
}

/// Anything but DaemonSet, mirror and finished pods.
pub(super) fn somebody(pod: &Pod) -> bool {
    !pod.daemon() && !pod.mirror() && !pod.finished()
}
