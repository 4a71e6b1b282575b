//! The controllers that keep sets of pods complete. Bare pods have none: they do not come back.

use std::collections::BTreeSet;

use super::audit::What;
use super::latency;
use super::replica::{Habit, Set, pinned_to, unpinned};
use super::state::Sim;
use crate::model::{Name, Node, Phase, Pod, PodKey, PodSpec, TaintEffect, Workload};

impl Sim {
    /// Calls the sets that keep a pod per node and have none on a node that changed.
    pub(super) fn call_for_nodes(&mut self) {
        while let Some(name) = self.dirty_nodes.pop_first() {
            let Some(node) = self.world.nodes.get(&name) else { continue };
            let pods = self.world.pods_on(&name).filter(|pod| !pod.finished());
            let served: BTreeSet<&Name> = pods.filter_map(|pod| Some(&pod.owner.as_ref()?.uid)).collect();
            let lacking = (self.sets.iter())
                .filter(|(uid, set)| set.daemon() && !served.contains(uid) && eligible(&set.template.spec, node));
            self.dirty_sets.extend(lacking.map(|(uid, _)| uid.clone()));
        }
    }

    /// Makes the pods that this owner lacks.
    pub(super) fn reconcile(&mut self, uid: &Name) {
        let Some(set) = self.sets.get(uid).cloned() else { return };
        match set.habit {
            Habit::AtOnce => self.complete(&set, |pod| !pod.finished() && !pod.terminating()),
            Habit::WhenGone => self.complete(&set, |pod| !pod.finished()),
            Habit::Numbered => self.complete_in_order(&set),
            Habit::PerNode => self.complete_nodes(&set),
            Habit::Static => {}
        }
    }

    fn complete(&mut self, set: &Set, counts: fn(&Pod) -> bool) {
        let there = self.world.pods_of(&set.owner.uid).filter(|pod| counts(pod)).count();
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        for _ in there..set.wanted {
            let name = loop {
                self.born += 1;
                let name = set.generated(self.born);
                if !self.world.pods.contains_key(&PodKey::new(set.namespace.clone(), name.clone())) {
                    break name;
                }
            };
            self.create(set, name, None);
        }
    }

    fn complete_in_order(&mut self, set: &Set) {
        for n in 0..set.wanted {
            let name = set.numbered(n);
            match self.world.pods.get(&PodKey::new(set.namespace.clone(), name.clone())).cloned() {
                None => self.create(set, name, None),
                Some(pod) if pod.finished() && !pod.terminating() => {
                    self.drop_pod(&pod.key);
                    self.create(set, name, None);
                }
                Some(pod) if pod.ready && !pod.terminating() => continue,
                Some(_) => {}
            }
            if !set.parallel {
                return;
            }
        }
    }

    fn complete_nodes(&mut self, set: &Set) {
        let mut served: BTreeSet<Name> = BTreeSet::new();
        let mut finished: Vec<PodKey> = Vec::new();
        for pod in self.world.pods_of(&set.owner.uid) {
            if pod.finished() {
                finished.push(pod.key.clone());
            } else {
                served.extend(pod.node.clone().or_else(|| pinned_to(pod)));
            }
        }
        for key in finished {
            self.drop_pod(&key);
        }
        let missing: Vec<Name> = (self.world.nodes.values())
            .filter(|node| !served.contains(&node.name) && eligible(&set.template.spec, node))
            .map(|node| node.name.clone())
            .collect();
        for node in missing {
            self.born += 1;
            self.create(set, set.generated(self.born), Some(&node));
        }
    }

    fn create(&mut self, set: &Set, name: Name, node: Option<&Name>) {
        self.born += 1;
        let mut pod = set.copy(&name, node);
        let key = PodKey::new(set.namespace.clone(), name);
        pod.uid = latency::uid(&[&key.namespace, &key.name, &self.born.to_string()]).into();
        pod.key = key;
        pod.owner = Some(set.owner.clone());
        pod.created = Some(self.now);
        pod.deletion = None;
        pod.node = None;
        pod.nominated_node = None;
        pod.phase = Phase::Pending;
        pod.ready = false;
        pod.ready_since = None;
        pod.marked_unschedulable = false;
        pod.unscheduled_message = None;
        pod.crash_looping = false;
        let owner = Some(format!("{} {}/{}", set.owner.kind, set.namespace, set.owner.name).into());
        self.log(What::Created { pod: pod.key.clone(), uid: pod.uid.clone(), owner });
        self.count_lifetime(&pod);
        self.make_claims(&pod, set);
        self.put_pod(pod);
    }

    /// The kubelet makes its static pod again, at once and where it was.
    pub(super) fn revive_static(&mut self, old: &Pod) {
        let set = old.owner.as_ref().and_then(|owner| self.sets.get(&owner.uid));
        let Some(set) = set.filter(|set| set.habit == Habit::Static).cloned() else { return };
        self.create(&set, old.key.name.clone(), None);
        if let Some(pod) = self.world.pods.get(&old.key).cloned() {
            let pod = Pod { node: old.node.clone(), ..(*pod).clone() };
            self.put_pod(pod.clone());
            self.start_soon(&pod);
        }
    }

    /// A pod of a Job has succeeded: the Job wants one less.
    pub(super) fn completed(&mut self, pod: &Pod) {
        let Some(set) = pod.owner.as_ref().and_then(|owner| self.sets.get_mut(&owner.uid)) else { return };
        set.wanted = set.wanted.saturating_sub(1);
        let finished = set.wanted == 0;
        if let Some(workload) = self.world.workload_of(pod).map(|found| (**found).clone()) {
            self.put_workload(Workload { finished, ..workload });
        }
    }
}

/// Whether a DaemonSet with such pods keeps one on `node`.
fn eligible(spec: &PodSpec, node: &Node) -> bool {
    let terms = unpinned(spec.affinity.as_ref());
    let selected = spec.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
        && (terms.is_empty()
            || terms.iter().any(|term| term.iter().all(|requirement| requirement.matches(&node.labels))));
    selected
        && node.taints.iter().all(|taint| {
            taint.effect == TaintEffect::PreferNoSchedule
                || taint.key.starts_with("node.kubernetes.io/")
                || crate::placement::tolerated(&spec.tolerations, taint)
        })
}
