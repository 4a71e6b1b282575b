//! The state of a simulation, the queue, and the only ways to change the world.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::audit::{Record, What};
use super::replica::Set;
use super::tokens::Tokens;
use super::touched::{Touch, Touched};
use crate::model::{
    Change, Name, Node, NodeShape, Pod, PodKey, Server, ServerState, VolumeAttachment, Workload, World,
};
use crate::placement::Site;
use crate::sandbox::faults::{Fault, FaultKind, Occasion};

/// Something that will happen. Each names the object as it was when the event was made; what is gone is skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Event {
    PodStarts(PodKey, Name),
    PodReady(PodKey, Name),
    PodEnds(PodKey, Name),
    Lifetime(PodKey, Name),
    NodeDown(Name),
    NodeLost(Name, u64),
    NodeUp(Name),
    /// The toleration of a NoExecute taint is over.
    Banished(PodKey, Name, u64),
    Server {
        id: Name,
        state: ServerState,
        task: Option<Name>,
        fault: Option<Name>,
    },
    /// A server that is being destroyed is.
    ServerGone(Name),
    Detach(Name),
    /// The operator of a pod on a cordoned node gives its part to another one.
    HandsOver(PodKey, Name),
}

/// The kubelet of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kubelet {
    /// It runs and renews its lease.
    pub alive: bool,
    /// Since when it runs, or when it was last heard of; None where the snapshot did not tell.
    pub since: Option<Timestamp>,
    /// Goes up whenever `alive` changes.
    pub generation: u64,
}

/// The simulation.
#[derive(Clone, Debug)]
pub struct Sim {
    pub(super) now: Timestamp,
    pub(super) world: World,
    pub(super) queue: BTreeMap<(Timestamp, u64), Event>,
    pub(super) sequence: u64,
    pub(super) born: u64,
    pub(super) touched: Touched,
    pub(super) sets: BTreeMap<Name, Set>,
    pub(super) kubelets: BTreeMap<Name, Kubelet>,
    /// Server id to node name.
    pub(super) node_of: BTreeMap<Name, Name>,
    /// Nodes of servers that were made and have not joined, by name.
    pub(super) unborn: BTreeMap<Name, NodeShape>,
    pub(super) tokens: Tokens,
    pub(super) dirty_sets: BTreeSet<Name>,
    /// Nodes that changed: sets that keep a pod per node look at these.
    pub(super) dirty_nodes: BTreeSet<Name>,
    pub(super) dirty_namespaces: BTreeSet<Name>,
    pub(super) schedule: bool,
    /// Pods that wait for a node: all that the scheduler has to look at.
    pub(super) pending: BTreeSet<PodKey>,
    /// The free room, while it is known.
    pub(super) room: Option<Site>,
    pub(super) faults: Vec<Fault>,
    pub(super) struck: Vec<u32>,
    pub(super) audit: Vec<Record>,
}

impl Sim {
    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The world as it is. Heartbeats are those of the last change; see [`Sim::snapshot`].
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Everything that happened since the start.
    pub fn audit(&self) -> &[Record] {
        &self.audit
    }

    /// The number of the last change, for [`Sim::changes_since`].
    pub fn position(&self) -> u64 {
        self.touched.position()
    }

    /// The objects that changed after `position`, as they are now.
    pub fn changes_since(&self, position: u64) -> Vec<Change> {
        self.touched.since(position, &self.world)
    }

    /// When something happens next by itself.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Moves the time to `until`, through everything that happens until then. Never back.
    pub fn advance_to(&mut self, until: Timestamp) {
        while let Some(at) = self.next_event().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            while self.next_event().is_some_and(|next| next <= self.now) {
                if let Some((_, event)) = self.queue.pop_first() {
                    self.happen(event);
                }
            }
            self.settle();
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::PodStarts(key, uid) => self.pod_starts(&key, &uid),
            Event::PodReady(key, uid) => self.pod_ready(&key, &uid),
            Event::PodEnds(key, uid) => self.pod_ends(&key, &uid),
            Event::Lifetime(key, uid) => self.lifetime_over(&key, &uid),
            Event::NodeDown(node) => self.node_down(&node),
            Event::NodeLost(node, generation) => self.node_lost(&node, generation),
            Event::NodeUp(node) => self.node_up(&node),
            Event::Banished(key, uid, generation) => self.banished(&key, &uid, generation),
            Event::Server { id, state, task, fault } => self.server_stage(&id, state, task, fault),
            Event::ServerGone(id) => self.server_gone(&id),
            Event::Detach(name) => self.detach(&name),
            Event::HandsOver(key, uid) => self.hands_over(&key, &uid),
        }
    }

    /// Lets controllers, scheduler and budgets react until nothing changes any more: at this instant.
    pub(super) fn settle(&mut self) {
        loop {
            self.call_for_nodes();
            while let Some(uid) = self.dirty_sets.pop_first() {
                self.reconcile(&uid);
            }
            if !std::mem::take(&mut self.schedule) {
                break;
            }
            self.schedule_pending();
        }
        self.update_budgets();
    }

    pub(super) fn after(&mut self, delay: SignedDuration, event: Event) {
        let at = later(self.now, delay.max(SignedDuration::ZERO));
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    pub(super) fn log(&mut self, what: What) {
        self.audit.push(Record { at: self.now, what });
    }

    pub(super) fn pod(&self, key: &PodKey, uid: &str) -> Option<Pod> {
        self.world.pods.get(key).filter(|pod| *pod.uid == *uid).map(|pod| (**pod).clone())
    }

    pub(super) fn put_pod(&mut self, pod: Pod) {
        let old = self.world.pods.get(&pod.key);
        if old.is_some_and(|old| **old == pod) {
            return;
        }
        let was_ready = old.is_some_and(|old| old.ready && old.uid == pod.uid);
        if pod.ready != was_ready {
            let (pod, uid) = (pod.key.clone(), pod.uid.clone());
            self.log(if was_ready { What::Unready { pod, uid } } else { What::Ready { pod, uid } });
        }
        if let Some(owner) = pod.owner.as_ref().filter(|_| pod.finished() || !pod.daemon()) {
            self.dirty_sets.insert(owner.uid.clone());
        }
        self.schedule |= pod.node.is_none() || pod.finished();
        self.dirty_namespaces.insert(pod.key.namespace.clone());
        self.touched.note(Touch::Pod(pod.key.clone()));
        if waits(&pod) {
            self.pending.insert(pod.key.clone());
        } else {
            self.pending.remove(&pod.key);
        }
        if pod.ready && !was_ready {
            self.plugged_in(&pod);
        }
        self.take(Change::Pod(pod));
    }

    pub(super) fn drop_pod(&mut self, key: &PodKey) {
        let Some(pod) = self.world.pods.get(key).cloned() else { return };
        self.log(What::Gone { pod: key.clone(), uid: pod.uid.clone() });
        if let Some(owner) = &pod.owner {
            self.dirty_sets.insert(owner.uid.clone());
        }
        self.schedule = true;
        self.dirty_namespaces.insert(key.namespace.clone());
        self.touched.note(Touch::Pod(key.clone()));
        self.pending.remove(key);
        self.take(Change::PodGone(key.clone()));
        self.release_volumes(&pod);
        self.drop_claims(&pod);
        self.revive_static(&pod);
    }

    pub(super) fn put_node(&mut self, node: Node) {
        let old = self.world.nodes.get(&node.name);
        if old.is_some_and(|old| **old == node) {
            return;
        }
        let turned = old.is_some_and(|old| old.unschedulable != node.unschedulable);
        if turned {
            self.log(What::Cordoned { node: node.name.clone(), cordoned: node.unschedulable });
        }
        if turned && node.unschedulable {
            self.operators_see_cordon(&node.name);
        }
        self.schedule = true;
        self.dirty_nodes.insert(node.name.clone());
        self.touched.note(Touch::Node(node.name.clone()));
        self.take(Change::Node(node));
    }

    pub(super) fn put_server(&mut self, server: Server) {
        let (id, state, task) = (server.id.clone(), server.state, server.task.clone());
        let old = self.world.servers.get(&id);
        if old.is_none_or(|old| (old.state, &old.task) != (state, &task)) {
            self.log(What::Server { server: id.clone(), state, task });
        }
        self.touched.note(Touch::Server(id));
        self.take(Change::Server(server));
    }

    pub(super) fn put_workload(&mut self, workload: Workload) {
        self.touched.note(Touch::Workload(workload.kind.clone(), workload.key.clone()));
        self.dirty_namespaces.insert(workload.key.namespace.clone());
        self.take(Change::Workload(workload));
    }

    pub(super) fn put_attachment(&mut self, attachment: VolumeAttachment) {
        self.touched.note(Touch::Attachment(attachment.name.clone()));
        self.take(Change::VolumeAttachment(attachment));
    }

    pub(super) fn drop_attachment(&mut self, name: &Name) {
        self.touched.note(Touch::Attachment(name.clone()));
        // A pod may have waited for room to attach.
        self.schedule = true;
        self.take(Change::VolumeAttachmentGone(name.clone()));
    }

    /// Takes a change into the world, and into the free room while that is known.
    pub(super) fn take(&mut self, change: Change) {
        match &mut self.room {
            Some(room) => room.apply(&mut self.world, change),
            None => self.world.apply(change),
        }
    }

    /// The first fault that strikes one of these targets on this occasion; one of its times is used up.
    pub(super) fn strike(&mut self, targets: &[String], occasion: Occasion) -> Option<Fault> {
        let (fault, struck) = self.faults.iter().zip(&mut self.struck).find(|(fault, struck)| {
            fault.times.is_none_or(|times| **struck < times)
                && targets.iter().any(|target| fault.fits(target, occasion))
        })?;
        *struck = struck.saturating_add(1);
        Some(fault.clone())
    }

    /// How long something takes: `usual`, unless `fault` slows it.
    pub(super) fn slowed(usual: SignedDuration, fault: Option<&Fault>) -> SignedDuration {
        match fault.filter(|fault| fault.kind == FaultKind::Slow) {
            None => usual,
            Some(fault) => fault.latency.unwrap_or_else(|| {
                let factor = i32::try_from(fault.factor.unwrap_or(10)).unwrap_or(i32::MAX);
                usual.checked_mul(factor).unwrap_or(SignedDuration::MAX)
            }),
        }
    }

    /// The names under which a fault may be about this pod.
    pub(super) fn pod_targets(&self, pod: &Pod) -> Vec<String> {
        let mut targets = vec![format!("pod/{}", pod.key)];
        let Some(owner) = &pod.owner else { return targets };
        targets.push(format!("workload/{}/{}", pod.key.namespace, owner.name));
        if let Some(above) = self.world.workload_of(pod).and_then(|workload| workload.owner.as_ref()) {
            targets.push(format!("workload/{}/{}", pod.key.namespace, above.name));
        }
        targets
    }
}

/// Whether the scheduler has to find a node for this pod.
pub(super) fn waits(pod: &Pod) -> bool {
    pod.node.is_none() && !pod.finished() && !pod.terminating() && pod.spec.gates.is_empty()
}

/// The pods of a world that wait for a node.
pub(super) fn waiting(world: &World) -> BTreeSet<PodKey> {
    world.pods.values().filter(|pod| waits(pod)).map(|pod| pod.key.clone()).collect()
}

/// `now` plus `delay`, at most the end of time.
pub(super) fn later(now: Timestamp, delay: SignedDuration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
