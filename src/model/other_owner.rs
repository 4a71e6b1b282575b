//! Other systems that act on nodes, how they are recognised, and how each is told to leave a node alone (H16).

use super::{Name, Node, NodeRecord};

/// Where a mark stands on a Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `metadata.labels`.
    Label,
    /// `metadata.annotations`.
    Annotation,
}

/// What an owner reads on a Node to leave it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipMark {
    /// Where.
    pub place: Place,
    /// Its key.
    pub key: &'static str,
    /// Its value.
    pub value: &'static str,
}

/// A system that adds, removes or repairs nodes by its own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherOwner {
    /// What it is called in output and in `sharedWith`; case, spaces and hyphens do not count there.
    pub name: &'static str,
    /// Labels, annotations or taints by which its nodes are known.
    pub marks: &'static [&'static str],
    /// What makes it leave a node alone, where a mark on the Node does.
    pub skip: Option<SkipMark>,
    /// What a person has to do where no mark on the Node helps; empty where one does.
    pub by_hand: &'static str,
}

const fn annotation(key: &'static str) -> Option<SkipMark> {
    Some(SkipMark { place: Place::Annotation, key, value: "true" })
}

/// Every owner that is known, with the keys of its own documentation.
pub const OTHER_OWNERS: [OtherOwner; 8] = [
    OtherOwner {
        name: "Karpenter",
        marks: &["karpenter.sh/nodepool", "karpenter.sh/provisioner-name", "karpenter.sh/disrupted"],
        skip: annotation("karpenter.sh/do-not-disrupt"),
        by_hand: "",
    },
    OtherOwner {
        name: "Cluster Autoscaler",
        marks: &["ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler"],
        skip: annotation("cluster-autoscaler.kubernetes.io/scale-down-disabled"),
        by_hand: "",
    },
    OtherOwner {
        name: "Cluster API",
        marks: &["cluster.x-k8s.io/machine"],
        skip: None,
        by_hand: "a MachineHealthCheck replaces a parked node unless its Machine has the annotation \
                  `cluster.x-k8s.io/skip-remediation`",
    },
    OtherOwner {
        name: "OpenShift Machine API",
        marks: &["machine.openshift.io/machine"],
        skip: None,
        by_hand: "a MachineHealthCheck replaces a parked node: pause it with the annotation \
                  `cluster.x-k8s.io/paused` on the check",
    },
    OtherOwner {
        name: "Node Health Check",
        marks: &["remediation.medik8s.io/exclude-from-remediation"],
        skip: Some(SkipMark {
            place: Place::Label,
            key: "remediation.medik8s.io/exclude-from-remediation",
            value: "true",
        }),
        by_hand: "",
    },
    OtherOwner {
        name: "Magnum",
        marks: &["magnum.openstack.org/nodegroup", "magnum.openstack.org/role"],
        skip: None,
        by_hand: "its auto-healer rebuilds a parked node unless the cluster has the label `auto_healing_enabled=false`",
    },
    OtherOwner {
        name: "Ocean",
        marks: &["spotinst.io/node-lifecycle", "spotinst.io/ocean-vng-id"],
        skip: None,
        by_hand: "it replaces what it finds unhealthy: take the instance out of Ocean first",
    },
    OtherOwner {
        name: "EKS node groups",
        marks: &["eks.amazonaws.com/nodegroup"],
        skip: None,
        by_hand: "its auto scaling group replaces a stopped instance: suspend its process ReplaceUnhealthy",
    },
];

impl OtherOwner {
    /// The mark by which `node` is known to be its; what Tidegate set itself is none.
    pub fn claims(&self, node: &Node, record: Option<&NodeRecord>) -> Option<&'static str> {
        let ours = |key: &str| record.is_some_and(|r| r.labels.contains(key) || r.annotations.contains(key));
        self.marks.iter().copied().find(|mark| {
            let there = node.labels.contains_key(*mark)
                || node.annotations.contains_key(*mark)
                || node.taints.iter().any(|taint| &*taint.key == *mark);
            there && !ours(mark)
        })
    }

    /// Whether one of the names in `sharedWith` is its.
    pub fn named_in(&self, names: &[Name]) -> bool {
        names.iter().any(|name| plain(name) == plain(self.name))
    }

    /// The owner that `name` means.
    pub fn called(name: &str) -> Option<&'static Self> {
        OTHER_OWNERS.iter().find(|owner| plain(owner.name) == plain(name))
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}
