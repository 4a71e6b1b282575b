//! Why a pod does not fit a node, in the scheduler's own words.

use std::fmt;

use super::VolumeUnfit;
use crate::model::{Name, Taint};

/// One reason. Displayed in kube-scheduler's words (`Insufficient cpu`), with the taint where one is in the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unfit {
    /// Not enough of a resource: `cpu`, `memory`, `ephemeral-storage`, an extended one.
    Insufficient(Name),
    /// As many pods as it takes.
    TooManyPods,
    /// The scheduler's configuration keeps all pods off the node.
    Enforced,
    /// Its labels are not those that the pod asks for.
    NodeSelector,
    /// Cordoned.
    Unschedulable,
    /// Its kubelet is silent or says no.
    NotReady,
    /// A pod on it could not be read, so that nobody knows what is left.
    Unread,
    /// A taint that the pod does not tolerate.
    Taint(Taint),
    /// A port of the node is taken.
    HostPorts,
    /// The pod names another node.
    NodeName,
    /// No domain of the pod's required affinity.
    PodAffinity,
    /// A pod that its own required anti-affinity keeps away from is there.
    PodAntiAffinity,
    /// A pod is there whose required anti-affinity keeps this one away.
    ExistingAntiAffinity,
    /// One domain would have too many.
    Spread,
    /// The node has no such domain.
    SpreadLabel,
    /// A selector of its required affinity or anti-affinity asks for what no label can be.
    BadSelector(Name),
    /// The pod waits for its scheduling gates.
    Gated,
    /// The pod claims devices by name, which is recognised and not simulated.
    DynamicResources,
    /// What the pod mounts.
    Volume(VolumeUnfit),
}

/// The scheduler's filters, in the order in which it asks them (Kubernetes 1.37, default profile). Its message counts per
/// node the reasons of the first one that says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the scheduler's own names")]
pub enum Plugin {
    /// What some filter finds before it looks at any node; the message then gives that alone.
    PreFilter,
    SchedulingGates,
    NodeName,
    NodeUnschedulable,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    NodeVolumeLimits,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
    DynamicResources,
    /// Rules of ours: the scheduler knows a node that is not Ready by its taints alone, and can read every pod.
    Ours,
}

impl Plugin {
    /// Whether it gives every reason of a node rather than the first.
    pub fn gives_several(self) -> bool {
        matches!(self, Self::NodeResourcesFit | Self::VolumeBinding)
    }
}

impl Unfit {
    /// Which filter gives it.
    pub fn plugin(&self) -> Plugin {
        match self {
            Self::Insufficient(_) | Self::TooManyPods => Plugin::NodeResourcesFit,
            Self::Enforced | Self::NodeSelector => Plugin::NodeAffinity,
            Self::Unschedulable => Plugin::NodeUnschedulable,
            Self::NotReady | Self::Unread => Plugin::Ours,
            Self::Taint(_) => Plugin::TaintToleration,
            Self::HostPorts => Plugin::NodePorts,
            Self::NodeName => Plugin::NodeName,
            Self::PodAffinity | Self::PodAntiAffinity | Self::ExistingAntiAffinity | Self::BadSelector(_) => {
                Plugin::InterPodAffinity
            }
            Self::Spread | Self::SpreadLabel => Plugin::PodTopologySpread,
            Self::Gated => Plugin::SchedulingGates,
            Self::DynamicResources => Plugin::DynamicResources,
            Self::Volume(unfit) => unfit.plugin(),
        }
    }

    /// Whether it is not that the scheduler would say no, but that nobody knows what it would say.
    pub fn unknown(&self) -> bool {
        matches!(self, Self::Unread | Self::DynamicResources | Self::Volume(VolumeUnfit::NotRead(_)))
    }

    /// Exactly what the scheduler writes: as displayed, but it does not say which taint.
    pub fn scheduler_text(&self) -> String {
        match self {
            Self::Taint(_) => "node(s) had untolerated taint(s)".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insufficient(resource) => return write!(f, "Insufficient {resource}"),
            Self::Taint(taint) => {
                return write!(f, "node(s) had untolerated taint {{{}: {}}}", taint.key, taint.value);
            }
            Self::Volume(unfit) => return unfit.fmt(f),
            Self::BadSelector(value) => return write!(f, "Invalid value: \"{value}\""),
            Self::TooManyPods => "Too many pods",
            Self::Enforced => "node(s) didn't match scheduler-enforced node affinity",
            Self::NodeSelector => "node(s) didn't match Pod's node affinity/selector",
            Self::Unschedulable => "node(s) were unschedulable",
            Self::NotReady => "node(s) were not ready",
            Self::Unread => "node(s) had a pod that cannot be read, so what is left there is unknown",
            Self::HostPorts => "node(s) didn't have free ports for the requested pod ports",
            Self::NodeName => "node(s) didn't match the requested node name",
            Self::PodAffinity => "node(s) didn't match pod affinity rules",
            Self::PodAntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Self::ExistingAntiAffinity => "node(s) didn't satisfy existing pods anti-affinity rules",
            Self::Spread => "node(s) didn't match pod topology spread constraints",
            Self::SpreadLabel => "node(s) didn't match pod topology spread constraints (missing required label)",
            Self::Gated => "Scheduling is blocked due to non-empty scheduling gates",
            Self::DynamicResources => "its dynamic resource claims are not simulated and count as no",
        })
    }
}
