//! The Node condition `Suspended` of a parked node.

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::call::Call;
use super::client::Live;
use crate::cluster::ClusterError;
use crate::model::{Name, Node, SUSPENDED};

impl Live {
    /// See [`crate::cluster::Cluster::suspend_node`].
    pub(super) async fn write_suspended(&self, name: &Name, suspended: bool) -> Result<Node, ClusterError> {
        let found = self.found_node(name).await?.ok_or_else(|| ClusterError::NotFound(format!("node {name}")))?;
        let there = found.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        let said =
            |condition: &Value, field: &str, value: &str| condition.get(field).and_then(Value::as_str) == Some(value);
        let ours = there.into_iter().find(|condition| said(condition, "type", SUSPENDED));
        let done = ours.map_or(!suspended, |condition| suspended && said(condition, "status", "True"));
        if done {
            return self.as_node(&Call::new("get", format!("node {name}")), found).await;
        }
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let condition = if suspended {
            json!({
                "type": SUSPENDED,
                "status": "True",
                "reason": "Parked",
                "message": format!("Tidegate parked the server of this node; `tidegate wake node/{name}` brings it back"),
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            })
        } else {
            json!({"type": SUSPENDED, "$patch": "delete"})
        };
        // Strategic: conditions are merged by their type, those of the kubelet are left as they are.
        let patch = Patch::Strategic(json!({"status": {"conditions": [condition]}}));
        let call = Call::new("patch", format!("nodes/status of node {name}"));
        let patched = self.once(&call, self.nodes().patch_status(name, &PatchParams::default(), &patch)).await?;
        self.as_node(&call, json!(patched)).await
    }
}
