//! The door to a Kubernetes cluster: what execution asks of it, whoever answers.

mod door;
pub mod live;
mod lock;
mod stop;

pub use crate::model::{NodeMark, NodeRecord, keys};
pub use door::{Cluster, ClusterError, Evicted, NodeNews, NodePatch, Pending};
pub use lock::{Claim, Life, Lock, LockError, LockRecord, Locks, Worker, keeping};
pub use stop::Stop;
