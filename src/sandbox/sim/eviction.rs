//! The Eviction API, as today's API server answers.

use jiff::SignedDuration;

use super::audit::What;
use super::state::{Event, Sim};
use crate::cluster::{ClusterError, Evicted};
use crate::model::{Budget, Phase, Pod, PodKey, UnhealthyPodEviction, World};
use crate::sandbox::faults::{FaultKind, Occasion};
use crate::sandbox::sim::latency::Delay;

/// Annotation on a pod: it stops so long after its deletion (or at the end of its grace period, if that is shorter).
pub const STOPS_AFTER: &str = "sandbox.tidegate.dev/stops-after";

/// What the API server asks for while the disruption controller has not yet seen a budget. Of an exhausted one nobody
/// knows when it allows more: that answer has no Retry-After.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// The API server's verdict on an eviction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// 429.
    Blocked {
        /// The budget that holds the pod.
        budget: PodKey,
        /// The server's words.
        cause: String,
        /// Its Retry-After, where it sends one.
        retry_after: Option<SignedDuration>,
    },
    /// 500.
    SeveralBudgets(Vec<PodKey>),
}

/// Whether an eviction of `pod` passes, by the status that its budget carries. Finished, pending and terminating pods go
/// without asking a budget; a pod that is not Ready goes as `unhealthyPodEvictionPolicy` says.
pub fn may_evict(world: &World, pod: &Pod) -> Verdict {
    if pod.finished() || pod.phase == Phase::Pending || pod.terminating() {
        return Verdict::Pass;
    }
    let budgets: Vec<&Budget> = world.budgets_of(pod).map(|budget| &**budget).collect();
    let budget = match budgets.as_slice() {
        [] => return Verdict::Pass,
        [budget] => *budget,
        several => return Verdict::SeveralBudgets(several.iter().map(|budget| budget.key.clone()).collect()),
    };
    let blocked = |cause, retry_after| Verdict::Blocked { budget: budget.key.clone(), cause, retry_after };
    let Some(status) = budget.status else {
        let cause = format!("The disruption budget {} is still being processed by the server.", budget.key.name);
        return blocked(cause, Some(RETRY_AFTER));
    };
    let met = status.current_healthy >= status.desired_healthy && status.desired_healthy > 0;
    if !pod.ready && (budget.unhealthy == UnhealthyPodEviction::AlwaysAllow || met) {
        return Verdict::Pass;
    }
    if status.disruptions_allowed > 0 {
        return Verdict::Pass;
    }
    let cause = format!(
        "The disruption budget {} needs {} healthy pods and has {} currently",
        budget.key.name, status.desired_healthy, status.current_healthy
    );
    blocked(cause, None)
}

impl Sim {
    /// Evicts a pod.
    ///
    /// # Errors
    /// A fault makes the API server fail.
    pub fn evict(&mut self, key: &PodKey, uid: &str) -> Result<Evicted, ClusterError> {
        let Some(pod) = self.pod(key, uid) else { return Ok(Evicted::Gone) };
        let targets = self.pod_targets(&pod);
        if self.strike(&targets, Occasion::Evict).is_some() {
            return Err(ClusterError::Unavailable(format!("internal error while evicting pod {key}")));
        }
        match may_evict(&self.world, &pod) {
            Verdict::SeveralBudgets(budgets) => Ok(Evicted::SeveralBudgets(budgets)),
            Verdict::Blocked { budget, cause, retry_after } => {
                Ok(Evicted::Blocked { budgets: vec![budget], cause, retry_after })
            }
            Verdict::Pass => {
                if !pod.terminating() {
                    self.log(What::Evicted { pod: key.clone(), uid: pod.uid.clone(), healthy: pod.ready });
                    self.delete(pod);
                    self.settle();
                }
                Ok(Evicted::Accepted)
            }
        }
    }

    /// Deletes a pod without asking a budget.
    ///
    /// # Errors
    /// The pod is not there, or another one has its name.
    pub fn delete_pod(&mut self, key: &PodKey, uid: &str) -> Result<(), ClusterError> {
        let what = || format!("pod {key}");
        match self.world.pods.get(key) {
            None => return Err(ClusterError::NotFound(what())),
            Some(pod) if *pod.uid != *uid => return Err(ClusterError::Conflict(what())),
            Some(pod) if pod.terminating() => return Ok(()),
            Some(pod) => self.delete((**pod).clone()),
        }
        self.settle();
        Ok(())
    }

    /// Starts a graceful deletion. A pod that runs nowhere, or no longer, goes at once; one on a dead node stays until the
    /// kubelet is back.
    pub(super) fn delete(&mut self, mut pod: Pod) {
        self.log(What::Deleted { pod: pod.key.clone(), uid: pod.uid.clone() });
        let grace = SignedDuration::from_secs(pod.spec.grace_seconds.max(0));
        let Some(node) = pod.node.clone().filter(|_| !pod.finished() && !grace.is_zero()) else {
            self.drop_pod(&pod.key);
            return;
        };
        pod.deletion = Some(super::state::later(self.now, grace));
        let fault = self.strike(&self.pod_targets(&pod), Occasion::Stop);
        let stuck = fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::Stuck);
        let usual = super::kubelet::duration(&pod, STOPS_AFTER).unwrap_or_else(|| Delay::Stop.of(&pod.uid));
        let stop = Self::slowed(usual, fault.as_ref()).min(grace);
        let (key, uid) = (pod.key.clone(), pod.uid.clone());
        self.put_pod(pod);
        if !stuck && self.alive(&node) {
            self.after(stop, Event::PodEnds(key, uid));
        }
    }
}
