//! The door to a Kubernetes cluster: what execution asks of it, whoever answers.

mod door;
mod mark;

pub use door::{Cluster, ClusterError, Evicted, NodePatch, Pending};
pub use mark::{NodeMark, NodeRecord, keys};
