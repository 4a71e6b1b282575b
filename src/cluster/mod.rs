//! The door to a Kubernetes cluster: what execution asks of it, whoever answers.

mod door;
pub mod live;

pub use crate::model::{NodeMark, NodeRecord, keys};
pub use door::{Cluster, ClusterError, Evicted, NodePatch, Pending};
