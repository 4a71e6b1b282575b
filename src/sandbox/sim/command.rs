//! What can be asked of a simulation: the values that a log keeps and a replay repeats.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::Sim;
use crate::cluster::NodePatch;
use crate::model::{Memory, Name, PodKey, ServerOrder};
use crate::policy::Idle;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the request of that name")]
pub enum Command {
    /// Time passes until the entry's own time.
    Advance,
    Evict {
        pod: PodKey,
        uid: Name,
    },
    DeletePod {
        pod: PodKey,
        uid: Name,
    },
    PatchNode {
        node: Name,
        patch: NodePatch,
    },
    Park {
        server: Name,
        how: Idle,
    },
    Wake {
        server: Name,
    },
    Create {
        order: Box<ServerOrder>,
    },
    Delete {
        server: Name,
    },
    DeleteNode {
        node: Name,
        uid: Name,
    },
    MintToken {
        node: Name,
        until: Timestamp,
    },
    RevokeToken {
        node: Name,
    },
    SetMetadata {
        server: Name,
        key: Name,
        value: Option<Name>,
    },
    Suspend {
        node: Name,
        suspended: bool,
    },
    Remember {
        memory: Memory,
    },
    Scale {
        workload: PodKey,
        pods: u32,
    },
}

impl Sim {
    /// Does at `at` what was done then. Refusals are repeated too, and are no error here.
    pub fn replay(&mut self, at: Timestamp, command: &Command) {
        self.advance_to(at);
        match command {
            Command::Advance => {}
            Command::Evict { pod, uid } => drop(self.evict(pod, uid)),
            Command::DeletePod { pod, uid } => drop(self.delete_pod(pod, uid)),
            Command::PatchNode { node, patch } => drop(self.patch_node(node, patch)),
            Command::Park { server, how } => drop(self.park(server, *how)),
            Command::Wake { server } => drop(self.wake(server)),
            Command::Create { order } => drop(self.create_server(order)),
            Command::Delete { server } => drop(self.delete_server(server)),
            Command::DeleteNode { node, uid } => drop(self.delete_node(node, uid)),
            Command::MintToken { node, until } => drop(self.mint_token(node, *until)),
            Command::RevokeToken { node } => self.revoke_token(node),
            Command::SetMetadata { server, key, value } => {
                drop(self.set_metadata(server, key.clone(), value.clone()));
            }
            Command::Suspend { node, suspended } => drop(self.suspend_node(node, *suspended)),
            Command::Remember { memory } => self.remember(memory),
            Command::Scale { workload, pods } => drop(self.scale(workload, *pods)),
        }
    }
}
