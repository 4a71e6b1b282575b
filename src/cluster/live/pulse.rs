//! Whether what is shown is alive: kubelets renew a lease every ten seconds, and an observer that hears of none while nodes
//! are said to be Ready looks at the past (H22).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::model::{Change, Name, Snapshot};

/// No lease renewed for so long, while nodes are Ready: what is shown is old.
const SILENT: Duration = Duration::from_secs(40);

/// When a kubelet was last heard of, and whether one should be.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    ready: BTreeSet<Name>,
    newest: Option<jiff::Timestamp>,
    heard: Option<Instant>,
}

impl Pulse {
    /// Takes in what was observed at `now`.
    pub fn observed(&mut self, snapshot: &Snapshot, now: Instant) {
        self.ready = snapshot.nodes.iter().filter(|node| node.ready()).map(|node| node.name.clone()).collect();
        let newest = snapshot.leases.values().copied().max();
        self.renewed(newest, now);
    }

    /// Takes in a change heard at `now`.
    pub fn changed(&mut self, change: &Change, now: Instant) {
        match change {
            Change::Lease(_, renewed) => self.renewed(Some(*renewed), now),
            Change::Node(node) if node.ready() => drop(self.ready.insert(node.name.clone())),
            Change::Node(node) => drop(self.ready.remove(&node.name)),
            Change::NodeGone(name) => drop(self.ready.remove(name)),
            _ => {}
        }
    }

    /// By the server's times only: clocks need not agree.
    fn renewed(&mut self, newest: Option<jiff::Timestamp>, now: Instant) {
        if newest > self.newest {
            (self.newest, self.heard) = (newest, Some(now));
        }
    }

    /// How long no lease was renewed although nodes are Ready, if that is too long. Where there were never leases, or they
    /// may not be read, nothing is known.
    pub fn silent(&self, now: Instant) -> Option<Duration> {
        let heard = self.heard.filter(|_| !self.ready.is_empty())?;
        Some(now.saturating_duration_since(heard)).filter(|silence| *silence > SILENT)
    }

    /// When that will be, if nothing is heard until then.
    pub fn due(&self) -> Option<Instant> {
        self.heard.filter(|_| !self.ready.is_empty())?.checked_add(SILENT + Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe;

    /// A node, Ready or not, and its lease.
    fn seen(ready: bool, renewed: &str) -> Snapshot {
        observe::from_values([
            serde_json::json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
                "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "Unknown" }}]}}),
            serde_json::json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": "n", "namespace": "kube-node-lease"}, "spec": {"renewTime": renewed}}),
        ])
    }

    /// H22: whoever hears of no kubelet while nodes are Ready looks at the past.
    #[test]
    fn silence_of_all_kubelets_is_noticed_whatever_the_clocks_say() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::default();
        assert_eq!((pulse.silent(at(900)), pulse.due()), (None, None), "nothing is known yet");
        pulse.observed(&seen(true, "2020-01-01T00:00:00Z"), at(0));
        assert_eq!((pulse.silent(at(40)), pulse.silent(at(41))), (None, Some(Duration::from_secs(41))));
        assert!(pulse.due().is_some_and(|due| pulse.silent(due).is_some()));
        // Looking again does not make the same lease newer.
        pulse.observed(&seen(true, "2020-01-01T00:00:00Z"), at(41));
        assert_eq!(pulse.silent(at(42)), Some(Duration::from_secs(42)));
        pulse.changed(&Change::Lease("n".into(), "2020-01-01T00:00:10Z".parse().unwrap()), at(50));
        assert_eq!(pulse.silent(at(90)), None);
        // No node is Ready: none has to be heard of.
        pulse.changed(&Change::NodeGone("n".into()), at(60));
        assert_eq!((pulse.silent(at(900)), pulse.due()), (None, None));
        pulse.observed(&seen(false, "2020-01-01T00:00:10Z"), at(70));
        assert_eq!(pulse.silent(at(900)), None);
    }
}
