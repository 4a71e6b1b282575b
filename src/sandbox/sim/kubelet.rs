//! Kubelets: pods start, become Ready, stop, and end by themselves after their lifetime.

use jiff::SignedDuration;

use super::audit::What;
use super::latency::Delay;
use super::state::{Event, Sim, later};
use crate::model::{Phase, Pod, PodKey};
use crate::sandbox::faults::{FaultKind, Occasion};

/// Annotation on a pod: it ends by itself so long after its creation, as a session does.
pub const LIFETIME: &str = "sandbox.tidegate.dev/lifetime";

/// A duration in an annotation (`2h`, `90s`); one that is not readable or negative does not count.
pub(super) fn duration(pod: &Pod, annotation: &str) -> Option<SignedDuration> {
    let text = pod.annotations.get(annotation)?;
    text.parse::<SignedDuration>().ok().filter(|duration| !duration.is_negative())
}

impl Sim {
    pub(super) fn alive(&self, node: &str) -> bool {
        self.kubelets.get(node).is_some_and(|kubelet| kubelet.alive)
    }

    fn runs_on_live_node(&self, pod: &Pod) -> bool {
        pod.node.as_ref().is_some_and(|node| self.alive(node))
    }

    /// The kubelet has seen a pod that was bound to its node.
    pub(super) fn start_soon(&mut self, pod: &Pod) {
        let fault = self.strike(&self.pod_targets(pod), Occasion::Start);
        let delay = Self::slowed(Delay::Start.of(&pod.uid), fault.as_ref());
        self.after(delay, Event::PodStarts(pod.key.clone(), pod.uid.clone()));
    }

    pub(super) fn pod_starts(&mut self, key: &PodKey, uid: &str) {
        let Some(mut pod) = self.pod(key, uid) else { return };
        if pod.finished() || pod.terminating() || !self.runs_on_live_node(&pod) {
            return;
        }
        if self.waits_for_volume(&pod) {
            return self.after(SignedDuration::from_secs(15), Event::PodStarts(key.clone(), pod.uid));
        }
        pod.phase = Phase::Running;
        self.count_lifetime_if_over(&pod);
        let fault = self.strike(&self.pod_targets(&pod), Occasion::Ready);
        let kind = fault.as_ref().map(|fault| fault.kind);
        let sick = pod.owner.as_ref().and_then(|owner| self.sets.get(&owner.uid)).is_some_and(|set| set.sick);
        pod.crash_looping = sick || kind == Some(FaultKind::CrashLoop);
        let never = pod.crash_looping || kind == Some(FaultKind::PodNeverReady);
        let usual = if pod.spec.has_readiness { Delay::Ready.of(uid) } else { SignedDuration::ZERO };
        let delay = Self::slowed(usual, fault.as_ref());
        let event = Event::PodReady(pod.key.clone(), pod.uid.clone());
        self.put_pod(pod);
        if !never {
            self.after(delay, event);
        }
    }

    pub(super) fn pod_ready(&mut self, key: &PodKey, uid: &str) {
        let Some(mut pod) = self.pod(key, uid) else { return };
        if pod.phase == Phase::Running && !pod.terminating() && self.runs_on_live_node(&pod) && !pod.ready {
            pod.ready = true;
            pod.ready_since = Some(self.now);
            self.put_pod(pod);
        }
    }

    pub(super) fn unready(&mut self, mut pod: Pod) {
        if pod.ready {
            pod.ready = false;
            pod.ready_since = Some(self.now);
            self.put_pod(pod);
        }
    }

    pub(super) fn pod_ends(&mut self, key: &PodKey, uid: &str) {
        if self.pod(key, uid).is_some_and(|pod| self.runs_on_live_node(&pod)) {
            self.drop_pod(key);
        }
    }

    /// Sees to it that a pod ends when its lifetime is over, at the earliest a second from now.
    pub(super) fn count_lifetime(&mut self, pod: &Pod) {
        let Some(lifetime) = duration(pod, LIFETIME) else { return };
        let end = later(pod.created.unwrap_or(self.now), lifetime);
        let left = end.duration_since(self.now).max(SignedDuration::from_secs(1));
        self.after(left, Event::Lifetime(pod.key.clone(), pod.uid.clone()));
    }

    /// A Job's pod that started only after its lifetime had passed still has an end.
    pub(super) fn count_lifetime_if_over(&mut self, pod: &Pod) {
        let over = duration(pod, LIFETIME).is_some_and(|l| later(pod.created.unwrap_or(self.now), l) <= self.now);
        if over {
            self.count_lifetime(pod);
        }
    }

    /// A Job's pod has succeeded and stays as an object; any other is deleted, as a culler does with sessions.
    pub(super) fn lifetime_over(&mut self, key: &PodKey, uid: &str) {
        let Some(mut pod) = self.pod(key, uid) else { return };
        if pod.finished() || pod.terminating() || pod.node.as_ref().is_some_and(|node| !self.alive(node)) {
            return;
        }
        if pod.owner.as_ref().is_none_or(|owner| &*owner.kind != "Job") {
            return self.delete(pod);
        }
        if pod.phase != Phase::Running {
            return;
        }
        self.log(What::Finished { pod: pod.key.clone(), uid: pod.uid.clone() });
        pod.phase = Phase::Succeeded;
        pod.ready = false;
        pod.ready_since = Some(self.now);
        self.completed(&pod);
        self.put_pod(pod);
    }
}
