//! Why a pod does not fit a node, in the scheduler's own words.

use std::fmt;

use super::VolumeUnfit;
use crate::model::{Name, Taint};

/// One reason. Displayed in kube-scheduler's words (`Insufficient cpu`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Unfit {
    /// Not enough of a resource: `cpu`, `memory`, `ephemeral-storage`, an extended one.
    Insufficient(Name),
    TooManyPods,
    NodeSelector,
    Unschedulable,
    NotReady,
    Taint(Taint),
    HostPorts,
    NodeName,
    /// What the pod mounts.
    Volume(VolumeUnfit),
    /// The pod uses a rule that is not modelled yet, named: it counts as no.
    NotModelled(&'static str),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insufficient(resource) => write!(f, "Insufficient {resource}"),
            Self::TooManyPods => f.write_str("Too many pods"),
            Self::NodeSelector => f.write_str("node(s) didn't match Pod's node affinity/selector"),
            Self::Unschedulable => f.write_str("node(s) were unschedulable"),
            Self::NotReady => f.write_str("node(s) were not ready"),
            Self::Taint(taint) => {
                write!(f, "node(s) had untolerated taint {{{}: {}}}", taint.key, taint.value)
            }
            Self::HostPorts => f.write_str("node(s) didn't have free ports for the requested pod ports"),
            Self::NodeName => f.write_str("node(s) didn't match the requested node name"),
            Self::Volume(unfit) => unfit.fmt(f),
            Self::NotModelled(what) => write!(f, "{what} is not modelled yet and counts as no"),
        }
    }
}
