//! Rules that read the pod's own state and kind.

use jiff::SignedDuration;

use super::table::{Asked, Ruling};
use crate::model::Phase;
use crate::plan::{Code, Evidence, Reason};

/// A static pod's shadow cannot be evicted and goes with its node.
pub fn mirror(asked: &Asked<'_>) -> Option<Ruling> {
    asked.pod.mirror().then_some(Ruling::Stays("static pod"))
}

/// Its deletion should have been over half a minute ago: nobody waits for it.
pub fn long_terminating(asked: &Asked<'_>) -> Option<Ruling> {
    let deadline = asked.pod.deletion?.checked_add(SignedDuration::from_secs(30)).ok()?;
    // `deletionTimestamp` has the grace period in it already; Cluster Autoscaler adds the pod's own once more.
    let grace = SignedDuration::from_secs(asked.pod.spec.grace_seconds.clamp(0, 1 << 31));
    let deadline = deadline.checked_add(grace).ok()?;
    (deadline < asked.now).then_some(Ruling::Stays("being deleted for too long"))
}

/// Succeeded or Failed: no kubelet starts such a pod again, whatever its restart policy says.
pub fn over(asked: &Asked<'_>) -> Option<Ruling> {
    asked.pod.finished().then_some(Ruling::Stays("finished"))
}

/// The same as Cluster Autoscaler reads it: one that succeeded under `restartPolicy: Always` still counts.
pub fn finished(asked: &Asked<'_>) -> Option<Ruling> {
    let spec = &asked.pod.spec;
    let over = match asked.pod.phase {
        Phase::Failed => true,
        Phase::Succeeded => spec.never_restarts || spec.restarts_on_failure,
        _ => false,
    };
    over.then_some(Ruling::Stays("finished"))
}

/// Every node has its own.
pub fn daemon(asked: &Asked<'_>) -> Option<Ruling> {
    asked.pod.daemon().then_some(Ruling::Stays("DaemonSet"))
}

/// Whether a DaemonSet's pod is evicted before its node goes: its own word, else the setting.
pub fn daemon_evicted(asked: &Asked<'_>) -> bool {
    const ASKS: &str = "cluster-autoscaler.kubernetes.io/enable-ds-eviction";
    asked.pod.daemon()
        && asked.pod.annotations.get(ASKS).map_or(asked.settings.evict_daemonsets, |value| &**value == "true")
}

/// A grace period beyond `drain.longestGrace` blocks at plan time (H5).
pub fn long_grace(asked: &Asked<'_>) -> Option<Ruling> {
    let grace = SignedDuration::from_secs(asked.pod.spec.grace_seconds);
    (grace > asked.drain.longest_grace).then(|| {
        Ruling::Blocks(Reason {
            code: Code::LongGrace,
            text: format!(
                "{} has a grace period of {grace:#}, longer than drain.longestGrace ({:#})",
                asked.pod.key, asked.drain.longest_grace
            ),
            evidence: Evidence { pod: Some(asked.pod.key.to_string()), ..Evidence::default() },
            origin: asked.drain.origin.clone(),
        })
    })
}

/// A budget that allows nothing more now blocks. Tidegate's planner looks at budgets over all pods together; this is
/// the question for one pod.
pub fn budget(asked: &Asked<'_>) -> Option<Ruling> {
    let exhausted = asked
        .world
        .budgets_of(asked.pod)
        .find(|budget| budget.status.is_some_and(|status| status.disruptions_allowed < 1) || budget.status.is_none())?;
    Some(Ruling::Blocks(Reason {
        code: Code::Budget,
        text: format!("budget {} allows no disruption of {}", exhausted.key, asked.pod.key),
        evidence: Evidence {
            pod: Some(asked.pod.key.to_string()),
            budget: Some(exhausted.key.to_string()),
            ..Evidence::default()
        },
        origin: None,
    }))
}

/// What nothing speaks against may go.
#[allow(clippy::unnecessary_wraps)]
pub fn goes(_: &Asked<'_>) -> Option<Ruling> {
    Some(Ruling::Goes)
}
