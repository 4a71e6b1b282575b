//! Pods without which their node lacks something after a boot: device plugins and CSI drivers (H10).

use super::state::Sim;
use super::touched::Touch;
use crate::model::{Change, Name, Node, Pod};

/// Annotation on a pod: an extended resource (`nvidia.com/gpu`) or a driver (`csi/cinder.csi.openstack.org`) that its node
/// has only once the pod is Ready after a boot.
pub const PROVIDES: &str = "sandbox.tidegate.dev/provides";

fn provided(pod: &Pod) -> Option<Name> {
    pod.annotations.get(PROVIDES).cloned()
}

impl Sim {
    /// The node has booted: what its plugins provide is not there yet.
    pub(super) fn without_plugins(&mut self, node: &mut Node) {
        let provided: Vec<Name> = self.world.pods_on(&node.name).filter_map(|pod| provided(pod)).collect();
        for what in provided {
            match what.strip_prefix("csi/") {
                None => drop(node.allocatable.extended.remove(&what)),
                Some(driver) => self.driver(&node.name.clone(), driver, false),
            }
        }
    }

    /// A plugin is Ready: its node has what it provides.
    pub(super) fn plugged_in(&mut self, pod: &Pod) {
        let (Some(what), Some(name)) = (provided(pod), pod.node.clone()) else { return };
        if let Some(driver) = what.strip_prefix("csi/") {
            return self.driver(&name, driver, true);
        }
        let Some(mut node) = self.world.nodes.get(&name).map(|node| (**node).clone()) else { return };
        if let Some(amount) = node.capacity.extended.get(&what).copied() {
            node.allocatable.extended.insert(what, amount);
            self.put_node(node);
        }
    }

    fn driver(&mut self, node: &Name, driver: &str, there: bool) {
        let limit = self.world.csi_nodes.values().find_map(|csi| csi.drivers.get(driver)).copied().flatten();
        let Some(mut csi) = self.world.csi_nodes.get(node).cloned() else { return };
        if there {
            csi.drivers.insert(driver.into(), limit);
        } else {
            csi.drivers.remove(driver);
        }
        self.touched.note(Touch::CsiNode(node.clone()));
        self.take(Change::CsiNode(csi));
    }
}
