//! Nodes that go and come back: the kubelet's silence, the node controller's taints, the pods' tolerations.

use jiff::SignedDuration;

use super::audit::What;
use super::latency::Delay;
use super::state::{Event, Sim};
use crate::cluster::keys;
use crate::model::{Condition, ConditionStatus, Name, Node, Phase, Pod, PodKey, Taint, TaintEffect};
use crate::sandbox::faults::{FaultKind, Occasion};

/// The node controller gives a silent kubelet so long.
const GRACE: SignedDuration = SignedDuration::from_secs(40);
/// What the API server gives pods that say nothing themselves.
const TOLERATION: SignedDuration = SignedDuration::from_secs(300);
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";

impl Sim {
    /// The kubelet falls silent.
    pub(super) fn node_down(&mut self, name: &Name) {
        let Some(kubelet) = self.kubelets.get_mut(name).filter(|kubelet| kubelet.alive) else { return };
        kubelet.alive = false;
        kubelet.since = Some(self.now);
        kubelet.generation += 1;
        let generation = kubelet.generation;
        self.after(GRACE, Event::NodeLost(name.clone(), generation));
    }

    fn still(&self, name: &str, generation: u64) -> bool {
        self.kubelets.get(name).is_some_and(|kubelet| !kubelet.alive && kubelet.generation == generation)
    }

    /// The node controller has waited long enough.
    pub(super) fn node_lost(&mut self, name: &Name, generation: u64) {
        let Some(node) = self.world.nodes.get(name).filter(|_| self.still(name, generation)) else { return };
        let mut node = (**node).clone();
        for condition in &mut node.conditions {
            if &*condition.kind != "Suspended" && condition.status != ConditionStatus::Unknown {
                condition.status = ConditionStatus::Unknown;
                condition.transition = Some(self.now);
            }
        }
        node.taints.insert(taint(UNREACHABLE, TaintEffect::NoSchedule));
        node.taints.insert(taint(UNREACHABLE, TaintEffect::NoExecute));
        self.put_node(node);
        self.log(What::NodeLost { node: name.clone() });
        let pods: Vec<Pod> = self.world.pods_on(name).map(|pod| (**pod).clone()).collect();
        for pod in pods {
            if pod.finished() {
                continue;
            }
            if let Some(tolerated) = tolerated(&pod) {
                self.after(tolerated, Event::Banished(pod.key.clone(), pod.uid.clone(), generation));
            }
            self.unready(pod);
        }
    }

    pub(super) fn banished(&mut self, key: &PodKey, uid: &str, generation: u64) {
        let Some(pod) = self.pod(key, uid) else { return };
        if !pod.terminating() && pod.node.as_ref().is_some_and(|node| self.still(node, generation)) {
            self.delete(pod);
        }
    }

    /// The server runs again: the kubelet follows, unless a fault keeps it from it.
    pub(super) fn join_soon(&mut self, node: &Name, server: &Name) {
        let targets = [format!("node/{node}"), format!("server/{server}")];
        let fault = self.strike(&targets, Occasion::Join);
        if fault.as_ref().is_none_or(|fault| fault.kind != FaultKind::NodeNeverReady) {
            self.after(Self::slowed(Delay::Join.of(node), fault.as_ref()), Event::NodeUp(node.clone()));
        }
    }

    /// The kubelet posts Ready, if its server runs.
    pub(super) fn node_up(&mut self, name: &Name) {
        self.register(name);
        let Some(node) = self.world.nodes.get(name).cloned().filter(|node| self.runs(node)) else { return };
        let Some(kubelet) = self.kubelets.get_mut(name).filter(|kubelet| !kubelet.alive) else { return };
        kubelet.alive = true;
        kubelet.since = Some(self.now);
        kubelet.generation += 1;
        let mut node = (*node).clone();
        for condition in &mut node.conditions {
            let wanted = if &*condition.kind == "Ready" { ConditionStatus::True } else { ConditionStatus::False };
            if &*condition.kind != "Suspended" && condition.status != wanted {
                condition.status = wanted;
                condition.transition = Some(self.now);
            }
        }
        if node.condition("Ready").is_none() {
            let (status, at) = (ConditionStatus::True, Some(self.now));
            node.conditions.push(Condition { kind: "Ready".into(), status, heartbeat: at, transition: at });
        }
        node.taints.retain(|taint| &*taint.key != UNREACHABLE && &*taint.key != NOT_READY);
        // Of a Node that was deleted the kubelet makes another, which takes pods; what is kept of it is laid over that (H24).
        if node.annotations.contains_key(keys::DELETED) {
            let mut annotations = (*node.annotations).clone();
            annotations.remove(keys::DELETED);
            node.annotations = annotations.into();
            node.unschedulable = false;
            node.taints.retain(|taint| &*taint.key != "node.kubernetes.io/unschedulable");
        }
        self.without_plugins(&mut node);
        self.put_node(node);
        self.log(What::NodeReady { node: name.clone() });
        let pods: Vec<Pod> = self.world.pods_on(name).map(|pod| (**pod).clone()).collect();
        for pod in pods {
            self.resume(pod);
        }
    }

    /// What a kubelet does with a pod that it finds after its boot.
    fn resume(&mut self, mut pod: Pod) {
        if pod.finished() {
            return;
        }
        if pod.terminating() {
            return self.after(SignedDuration::from_secs(1), Event::PodEnds(pod.key, pod.uid));
        }
        if pod.phase == Phase::Pending {
            self.start_soon(&pod);
        } else if !pod.crash_looping {
            let fault = self.strike(&self.pod_targets(&pod), Occasion::Ready);
            pod.crash_looping = fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::CrashLoop);
            let never = fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::PodNeverReady);
            if !pod.crash_looping && !never {
                let usual = Delay::Start.of(&pod.uid) + Delay::Ready.of(&pod.uid);
                let event = Event::PodReady(pod.key.clone(), pod.uid.clone());
                self.after(Self::slowed(usual, fault.as_ref()), event);
            }
        }
        self.count_lifetime(&pod);
        self.unready(pod);
    }

    fn runs(&self, node: &Node) -> bool {
        self.world
            .server_of(node)
            .is_none_or(|server| server.state == crate::model::ServerState::Active && server.task.is_none())
    }
}

/// How long a pod may stay on an unreachable node; None is for ever.
fn tolerated(pod: &Pod) -> Option<SignedDuration> {
    if pod.mirror() || pod.daemon() {
        return None;
    }
    let mut matching = (pod.spec.tolerations.iter())
        .filter(|toleration| toleration.key.as_deref().is_none_or(|key| key == UNREACHABLE))
        .filter(|toleration| toleration.effect.is_none_or(|effect| effect == TaintEffect::NoExecute))
        .filter(|toleration| toleration.value.as_deref().is_none_or(str::is_empty))
        .peekable();
    if matching.peek().is_none() {
        return Some(TOLERATION);
    }
    matching.filter_map(|toleration| toleration.seconds).min().map(|s| SignedDuration::from_secs(s.max(0)))
}

fn taint(key: &str, effect: TaintEffect) -> Taint {
    Taint { key: key.into(), value: "".into(), effect }
}
