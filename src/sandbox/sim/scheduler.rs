//! The scheduler: binds pending pods, most important first, then oldest.

use std::cmp::Reverse;

use super::audit::What;
use super::replica::pinned_to;
use super::state::Sim;
use crate::model::{Name, Node, Pod, PodKey, PodSpec, Taint, TaintEffect};
use crate::placement::{Site, Unfit};

impl Sim {
    pub(super) fn schedule_pending(&mut self) {
        let mut pending: Vec<Pod> =
            self.pending.iter().filter_map(|key| self.world.pods.get(key)).map(|pod| (**pod).clone()).collect();
        if pending.is_empty() {
            return;
        }
        pending.sort_by_cached_key(|pod| (Reverse(pod.spec.priority), pod.created, pod.key.clone()));
        for pod in pending {
            if self.room.is_none() {
                self.room = Some(Site::new(&self.world));
            }
            let key: PodKey = pod.key.clone();
            let Some(node) = self.home(&pod) else {
                if !pod.marked_unschedulable {
                    self.put_pod(Pod { marked_unschedulable: true, ..pod });
                }
                continue;
            };
            self.log(What::Bound { pod: key, uid: pod.uid.clone(), node: node.clone() });
            let alive = self.alive(&node);
            let bound = Pod { node: Some(node), marked_unschedulable: false, nominated_node: None, ..pod };
            self.put_pod(bound.clone());
            self.bind_claims(&bound);
            if alive {
                self.start_soon(&bound);
            }
        }
        // What was only bound or marked here is no reason to look again.
        self.schedule = false;
    }

    /// The node for this pod. A DaemonSet's pod has one node only, and does not mind that it is cordoned or not Ready.
    fn home(&self, pod: &Pod) -> Option<Name> {
        let site = self.room.as_ref()?;
        if let Some(node) = pinned_to(pod).filter(|_| pod.daemon()) {
            let passing = |unfit: &Unfit| match unfit {
                Unfit::NotReady | Unfit::Unschedulable => true,
                Unfit::Taint(taint) => taint.key.starts_with("node.kubernetes.io/"),
                _ => false,
            };
            return site.unfit_modelled(pod, &node).iter().all(passing).then_some(node);
        }
        let mut homes = site.homes_modelled(pod);
        homes.sort_by_key(|node| self.world.nodes.get(node).map_or(0, |node| discouraged(&pod.spec, node)));
        homes.into_iter().next()
    }
}

impl Sim {
    /// Keeps the free room true when a pod comes, changes or goes.
    pub(super) fn account(&mut self, old: Option<&Pod>, new: Option<&Pod>) {
        let at = |pod: Option<&Pod>| pod.filter(|pod| !pod.finished()).and_then(|pod| pod.node.clone());
        let Some(room) = self.room.as_mut().filter(|_| at(old) != at(new)) else { return };
        if let (Some(pod), Some(node)) = (old, at(old)) {
            room.lift(pod, &node);
        }
        if let (Some(pod), Some(node)) = (new, at(new)) {
            room.place(pod, &node);
        }
        self.accounted += 1;
        // The room remembers how to take each change back, which nobody asks of it here.
        if self.accounted >= 4096 {
            (self.room, self.accounted) = (None, 0);
        }
    }
}

/// How many PreferNoSchedule taints speak against this node.
fn discouraged(spec: &PodSpec, node: &Node) -> usize {
    let soft = node.taints.iter().filter(|taint| taint.effect == TaintEffect::PreferNoSchedule);
    soft.filter(|taint| !tolerates(spec, taint)).count()
}

/// Whether such a pod tolerates `taint`.
pub(super) fn tolerates(spec: &PodSpec, taint: &Taint) -> bool {
    spec.tolerations.iter().any(|toleration| {
        toleration.key.as_ref().is_none_or(|key| *key == taint.key)
            && toleration.value.as_ref().is_none_or(|value| *value == taint.value)
            && toleration.effect.is_none_or(|effect| effect == taint.effect)
    })
}
