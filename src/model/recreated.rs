//! Whether something makes a pod again once it has left.

use super::{Kind, Owner, Pod, PodKey, WorkloadKind, World};

impl World {
    /// Whether `pod`, once evicted, is gone for good: it has no controller, or its controller is not there.
    pub fn loses(&self, pod: &Pod) -> bool {
        pod.owner.is_none() && !pod.mirror() || self.controller_gone(pod)
    }

    /// Whether the controller that `pod` names is not there though its kind was listed. Of a kind that was not listed
    /// the best is assumed.
    pub fn controller_gone(&self, pod: &Pod) -> bool {
        let Some(owner) = &pod.owner else { return false };
        let kind = WorkloadKind::named(&owner.kind);
        let listed = match built_in(owner) {
            Some(listed_as) => self.knows(listed_as),
            None => {
                let scaled = matches!(kind, WorkloadKind::Scaled(_));
                scaled && self.workloads.keys().any(|(found, _)| *found == kind)
            }
        };
        let key = PodKey::new(pod.key.namespace.clone(), owner.name.clone());
        listed && !self.workloads.get(&(kind, key)).is_some_and(|found| found.is(owner))
    }
}

/// The built-in kind of controller that `owner` is of.
fn built_in(owner: &Owner) -> Option<Kind> {
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let (kind, home) = match &*owner.kind {
        "ReplicaSet" => (Kind::ReplicaSet, "apps"),
        "StatefulSet" => (Kind::StatefulSet, "apps"),
        "DaemonSet" => (Kind::DaemonSet, "apps"),
        "Job" => (Kind::Job, "batch"),
        "ReplicationController" => (Kind::ReplicationController, ""),
        _ => return None,
    };
    [home, "", "extensions"].contains(&group).then_some(kind)
}
