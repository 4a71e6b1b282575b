//! Services, as far as they send traffic to nodes and as the scheduler spreads their pods.

use serde::{Deserialize, Serialize};

use super::{PodKey, Selector};

/// A Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Namespace and name.
    pub key: PodKey,
    /// Its type is LoadBalancer or NodePort: traffic from outside comes to any node (H15).
    pub on_nodes: bool,
    /// Its pods; None for a Service that has no selector.
    #[serde(default)]
    pub selector: Option<Selector>,
}
