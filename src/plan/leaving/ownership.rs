//! Rules that read who owns the pod: whether it comes back, and whether it may be interrupted.

use super::marks;
use super::table::{Asked, Ruling};
use crate::model::{Owner, Pod, PodKey, WorkloadKind, World};
use crate::plan::{Code, Evidence, Reason};

fn reason(asked: &Asked<'_>, code: Code, text: String) -> Reason {
    Reason {
        code,
        text,
        evidence: Evidence {
            pod: Some(asked.pod.key.to_string()),
            workload: asked.pod.owner.as_ref().map(|owner| label(asked.pod, owner)),
            ..Evidence::default()
        },
        origin: None,
    }
}

fn label(pod: &Pod, owner: &Owner) -> String {
    format!("{} {}/{}", owner.kind, pod.key.namespace, owner.name)
}

fn safe_to_evict(asked: &Asked<'_>) -> bool {
    marks::safe_to_evict(asked).is_some()
}

/// Pods of Jobs are waited for (H4), unless the policy, a mark or the Job itself says that an eviction is harmless.
pub fn job(asked: &Asked<'_>) -> Option<Ruling> {
    let owner = asked.pod.owner.as_ref().filter(|owner| &*owner.kind == "Job")?;
    let harmless = asked.world.workload_of(asked.pod).is_some_and(|job| job.ignores_disruption);
    if harmless || marks::lifted(asked) || safe_to_evict(asked) {
        return None;
    }
    let text = format!("{} is at work for {}", asked.pod.key, label(asked.pod, owner));
    Some(Ruling::Waits(None, reason(asked, Code::JobRuns, text)))
}

/// A pod that nobody recreates blocks.
pub fn replicated(asked: &Asked<'_>) -> Option<Ruling> {
    const BUILTIN: [&str; 4] = ["ReplicationController", "Job", "ReplicaSet", "StatefulSet"];
    if marks::lifted(asked) {
        return None;
    }
    let text = match &asked.pod.owner {
        None => format!("{} has no controller: nothing would recreate it", asked.pod.key),
        Some(owner) if asked.settings.builtin_controllers_only && !BUILTIN.contains(&&*owner.kind) => {
            format!("{} belongs to {}, which is not known to recreate it", asked.pod.key, label(asked.pod, owner))
        }
        Some(_) => return None,
    };
    Some(Ruling::Blocks(reason(asked, Code::NoController, text)))
}

/// A controller that is missing from the snapshot, or wants too few replicas, blocks. Only where owners are looked up.
pub fn replica_count(asked: &Asked<'_>) -> Option<Ruling> {
    let owner = asked.pod.owner.as_ref().filter(|_| asked.settings.controllers_listed)?;
    let kind = WorkloadKind::named(&owner.kind);
    let apps = owner.api_version.starts_with("apps/");
    let known = match &kind {
        WorkloadKind::ReplicaSet | WorkloadKind::ReplicationController | WorkloadKind::Job => true,
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => apps,
        _ => false,
    };
    if !known {
        return None;
    }
    let key = PodKey::new(asked.pod.key.namespace.clone(), owner.name.clone());
    let Some(found) = asked.world.workloads.get(&(kind.clone(), key)) else {
        let text = format!("{} of {} is not there", label(asked.pod, owner), asked.pod.key);
        return Some(Ruling::Blocks(reason(asked, Code::ControllerNotFound, text)));
    };
    let counted = matches!(kind, WorkloadKind::ReplicaSet | WorkloadKind::ReplicationController);
    let too_few = counted && found.replicas.is_some_and(|replicas| replicas < asked.settings.min_replicas);
    too_few.then(|| {
        let text = format!("{} wants fewer than {} replicas", label(asked.pod, owner), asked.settings.min_replicas);
        Ruling::Blocks(reason(asked, Code::MinReplicas, text))
    })
}

/// A controller that is not there though its kind was listed recreates nothing. Of a kind that was not listed nobody knows:
/// that is no reason against this pod, the plan says of itself that it is not complete.
pub fn controller_there(asked: &Asked<'_>) -> Option<Ruling> {
    let owner = asked.pod.owner.as_ref()?;
    if asked.pod.terminating() || marks::lifted(asked) || !asked.world.controller_gone(asked.pod) {
        return None;
    }
    let (pod, whose) = (&asked.pod.key, label(asked.pod, owner));
    let named = asked
        .world
        .workloads
        .contains_key(&(WorkloadKind::named(&owner.kind), PodKey::new(pod.namespace.clone(), owner.name.clone())));
    let text = match named {
        true => format!("{whose} of {pod} is not there, another of that name is: nothing would recreate it"),
        false => format!("{whose} of {pod} is not there: nothing would recreate it"),
    };
    Some(Ruling::Blocks(reason(asked, Code::ControllerNotFound, text)))
}

/// None if the pod is not a system pod without a budget; else whether it is old enough to go.
fn unbudgeted_system_pod_may_go(asked: &Asked<'_>) -> Option<bool> {
    let budgeted = |world: &World| world.budgets_of(asked.pod).next().is_some();
    if &*asked.pod.key.namespace != "kube-system" || budgeted(asked.world) {
        return None;
    }
    let ripe = asked.pod.created.and_then(|created| created.checked_add(asked.settings.system_age).ok());
    Some(ripe.is_some_and(|ripe| asked.now > ripe))
}

fn young_system_pod(asked: &Asked<'_>) -> Ruling {
    let text = format!("{} is a kube-system pod with neither a budget nor an hour of age", asked.pod.key);
    Ruling::Blocks(reason(asked, Code::SystemPod, text))
}

/// A kube-system pod without a budget blocks until it is an hour old; then other rules still count.
pub fn system(asked: &Asked<'_>) -> Option<Ruling> {
    let may_go = unbudgeted_system_pod_may_go(asked)?;
    (!may_go && !marks::lifted(asked)).then(|| young_system_pod(asked))
}

/// The same in Cluster Autoscaler's order, where an old one goes whatever else holds it.
pub fn system_first(asked: &Asked<'_>) -> Option<Ruling> {
    let may_go = unbudgeted_system_pod_may_go(asked)?;
    Some(if may_go { Ruling::Goes } else { young_system_pod(asked) })
}
