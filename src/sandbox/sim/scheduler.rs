//! The scheduler: binds pending pods, most important first, then oldest.
//!
//! There is one, Kubernetes' default, whatever a pod's `schedulerName`: how another one scores is known to a policy, and
//! a sandbox has none.

use std::cmp::Reverse;

use super::audit::What;
use super::replica::pinned_to;
use super::state::Sim;
use crate::model::{Name, Pod, PodKey};
use crate::placement::{Site, Strategy, Unfit};

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
            let bound = Pod {
                node: Some(node),
                marked_unschedulable: false,
                unscheduled_message: None,
                nominated_node: None,
                ..pod
            };
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
            return site.unfit(pod, &node).iter().all(passing).then_some(node);
        }
        let best = site.ranking(pod, Strategy::LeastAllocated).into_iter().next();
        best.map(|(_, node)| node)
    }
}
