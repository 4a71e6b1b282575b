//! Whether a woken node is what it was, and has what it had: asked before it is uncordoned.

use jiff::Timestamp;

use super::course::Course;
use super::desk::Desk;
use crate::model::{Node, World, skew};

/// Taints that say of a node that its machine does not run: whoever set them removes them once it does.
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";
const SHUTDOWN: &str = "node.cloudprovider.kubernetes.io/shutdown";

impl Course {
    /// What the node had when it was parked and has not got back (H10), or what a machine that is off left on it; to be
    /// read after `was Ready`. It may still come right.
    pub(super) fn lacks(&self, node: &Node, world: &World) -> Option<String> {
        let left = |key: &str| node.taints.iter().find(|taint| &*taint.key == key);
        if let Some(taint) = left(OUT_OF_SERVICE) {
            let name = &node.name;
            return Some(format!(
                "with the taint {taint}, which `kubectl taint node {name} {OUT_OF_SERVICE}-` removes"
            ));
        }
        if let Some(taint) = left(SHUTDOWN) {
            return Some(format!("with the taint {taint}, which its cloud controller manager has not removed"));
        }
        let record = self.record(world)?;
        let resource = record.extended.iter().find(|(name, amount)| node.allocatable.extended(name) < **amount);
        let csi = world.csi_nodes.get(&self.node);
        let driver = record.drivers.iter().find(|name| csi.is_none_or(|csi| !csi.drivers.contains_key(*name)));
        let resource = resource.map(|(name, amount)| format!("without {amount} of {name}"));
        resource.or_else(|| driver.map(|name| format!("without CSI driver {name}")))
    }

    /// Why the node is not to be opened at all: it is another machine than the one that was parked, or its kubelet does
    /// not fit the cluster any more. Waiting mends neither.
    pub(super) fn unfit(&self, world: &World) -> Option<String> {
        let node = world.nodes.get(&self.node)?;
        let before = self.record(world).and_then(|record| record.provider_id);
        if let (Some(was), Some(is)) = (before, node.provider_id.as_ref().filter(|id| !id.is_empty()))
            && was != *is
        {
            let name = &self.node;
            return Some(format!("{name} came back as another machine: its providerID is {is}, and was {was}"));
        }
        let (kubelet, server) = node.kubelet_version.as_ref().zip(world.version.as_ref())?;
        skew(kubelet, server).map(|why| format!("{} is Ready, but {why}: upgrade that first", self.node))
    }

    /// Since when the node slept that is woken now, if that is longer than its pool's `maxParked`.
    fn overslept(&self, desk: &Desk, woken: Timestamp) -> Option<Timestamp> {
        let since = desk.memory.nodes.get(&self.node).and_then(|memory| memory.parked_since)?;
        let most = self.settings(desk)?.max_parked;
        (woken.duration_since(since) > most).then_some(since)
    }

    /// What to think of when a node that slept for long does not join.
    pub(super) fn slept_long(&self, desk: &Desk, woken: Timestamp) -> String {
        self.overslept(desk, woken).map_or_else(String::new, |since| {
            format!(
                "; it slept since {since}, and its kubelet's certificate may have expired (`journalctl -u kubelet`)"
            )
        })
    }

    /// What to look at when one joined after a long sleep: the certificate it joined with was not renewed meanwhile, and
    /// when it ends stands nowhere in the cluster.
    pub(super) fn aged(&self, desk: &Desk, woken: Timestamp) -> Option<String> {
        let since = self.overslept(desk, woken)?;
        Some(format!(
            "{} slept since {since}, longer than `maxParked`: look that its kubelet gets a new certificate before the old one \
             ends (`kubectl get csr`; on the node `openssl x509 -enddate -noout -in \
             /var/lib/kubelet/pki/kubelet-client-current.pem`)",
            self.node
        ))
    }
}
