//! The pods that come with every new node: one of each DaemonSet that keeps one on such nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Name, Node, Pod, TaintEffect, World};
use crate::placement::{Site, tolerated};

/// One pod of each DaemonSet.
#[derive(Clone, Debug, Default)]
pub struct Daemons {
    samples: Vec<Arc<Pod>>,
}

impl Daemons {
    /// As the cluster has them; a DaemonSet without any pod is not seen.
    pub fn of(world: &World) -> Self {
        let mut samples: BTreeMap<&Name, &Arc<Pod>> = BTreeMap::new();
        for pod in world.pods.values().filter(|pod| pod.daemon() && !pod.finished()) {
            if let Some(owner) = &pod.owner {
                samples.entry(&owner.uid).or_insert(pod);
            }
        }
        Self { samples: samples.into_values().cloned().collect() }
    }

    /// Has a node that does not exist yet come to `site`, taking pods, with what comes with it. Not undone by a roll-back.
    pub fn arrive(&self, site: &mut Site, node: Node) {
        let name = node.name.clone();
        let with: Vec<&Arc<Pod>> = self.samples.iter().filter(|pod| keeps_one(pod, &node)).collect();
        site.join(node);
        with.into_iter().for_each(|pod| site.place(pod, &name));
    }
}

/// Whether the DaemonSet of this pod keeps one on `node`: by labels, affinity and lasting taints, not by room.
fn keeps_one(pod: &Pod, node: &Node) -> bool {
    let spec = &pod.spec;
    let selected = spec.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
    // The field names the node that the sample is on.
    let terms = spec.affinity.as_ref().and_then(|affinity| affinity.node.as_ref());
    let wanted = terms.is_none_or(|terms| {
        terms.iter().any(|term| term.labels.iter().all(|requirement| requirement.matches(&node.labels)))
    });
    let lasting = node.taints.iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
    selected && wanted && lasting.into_iter().all(|taint| tolerated(&spec.tolerations, taint))
}
