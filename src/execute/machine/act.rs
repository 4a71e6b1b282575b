//! What the machine asks the shell to do, and what comes back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cloud::ProviderError;
use crate::cluster::{ClusterError, Evicted, NodePatch};
use crate::model::{Memory, Name, Node, Pod, PodKey, Server, ServerOrder, VolumeAttachment};
use crate::policy::Idle;

/// An act's name: `verb/node#number`, unique in one journal and the same for the same history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActId(pub String);

impl fmt::Display for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to do. Each is safe to do twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "act")]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Act {
    /// Patch a node: marks, cordon, uncordon.
    Patch { node: Name, patch: NodePatch },
    /// List the pods of a node, consistently.
    List { node: Name },
    /// List the volumes that are attached to a node, consistently.
    ListVolumes { node: Name },
    /// Ask the Eviction API.
    Evict { node: Name, pod: PodKey, uid: Name },
    /// Delete a pod that did not go in time (`onTimeout: delete`).
    Delete { node: Name, pod: PodKey, uid: Name },
    /// Park a server.
    Park { node: Name, server: Name, how: Idle },
    /// Wake a server.
    Wake { node: Name, server: Name },
    /// Have a server made, once however often it is asked for.
    Create { node: Name, order: Box<ServerOrder> },
    /// Destroy a server.
    DeleteServer { node: Name, server: Name },
    /// Delete a Node object whose server is gone.
    DeleteNode { node: Name, uid: Name },
    /// Read a server's state.
    ReadServer { node: Name, server: Name },
    /// Write into a server's metadata who parked it, or take that away (H23).
    MarkServer { node: Name, server: Name, record: Option<Name> },
    /// Set the condition `Suspended` of a node, or take it away.
    Suspend { node: Name, suspended: bool },
    /// Take back the bootstrap token that was made for a node.
    RevokeToken { node: Name },
    /// Call a hook of the policy.
    Hook { node: Name, pool: Name, hook: Name },
    /// Write the memory down.
    Remember { memory: Memory },
}

impl Act {
    /// Whether it changes anything: what does is journaled before it is done.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::List { .. } | Self::ListVolumes { .. } | Self::ReadServer { .. })
    }

    /// Whether it takes capacity away or prepares that: not without a lock that is certain. What gives capacity back goes
    /// on (H6).
    pub fn takes(&self) -> bool {
        match self {
            Self::Patch { patch, .. } => patch.unschedulable == Some(true) || !patch.add_taints.is_empty(),
            Self::Evict { .. }
            | Self::Delete { .. }
            | Self::Park { .. }
            | Self::DeleteServer { .. }
            | Self::DeleteNode { .. } => true,
            Self::List { .. }
            | Self::ListVolumes { .. }
            | Self::Wake { .. }
            | Self::Create { .. }
            | Self::ReadServer { .. }
            | Self::MarkServer { .. }
            | Self::Suspend { .. }
            | Self::RevokeToken { .. }
            | Self::Hook { .. }
            | Self::Remember { .. } => false,
        }
    }

    /// Its verb, as it stands in its id.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Patch { .. } => "patch",
            Self::List { .. } => "list",
            Self::ListVolumes { .. } => "list-volumes",
            Self::Evict { .. } => "evict",
            Self::Delete { .. } => "delete-pod",
            Self::Park { .. } => "park",
            Self::Wake { .. } => "wake",
            Self::Create { .. } => "create",
            Self::DeleteServer { .. } => "delete",
            Self::DeleteNode { .. } => "delete-node",
            Self::ReadServer { .. } => "read-server",
            Self::MarkServer { .. } => "mark-server",
            Self::Suspend { .. } => "suspend",
            Self::RevokeToken { .. } => "revoke-token",
            Self::Hook { .. } => "hook",
            Self::Remember { .. } => "remember",
        }
    }

    /// The node it is about; the memory is about all.
    pub fn node(&self) -> Option<&Name> {
        match self {
            Self::Patch { node, .. }
            | Self::List { node }
            | Self::ListVolumes { node }
            | Self::Evict { node, .. }
            | Self::Delete { node, .. }
            | Self::Park { node, .. }
            | Self::Wake { node, .. }
            | Self::Create { node, .. }
            | Self::DeleteServer { node, .. }
            | Self::DeleteNode { node, .. }
            | Self::MarkServer { node, .. }
            | Self::Suspend { node, .. }
            | Self::RevokeToken { node }
            | Self::Hook { node, .. }
            | Self::ReadServer { node, .. } => Some(node),
            Self::Remember { .. } => None,
        }
    }
}

/// What kind of trouble it was: decides whether to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TroubleKind {
    /// No answer, or somebody else changed the object meanwhile: ask again.
    Again,
    /// The object is not there.
    NotFound,
    /// Not allowed, or not known to the provider: asking again does not help.
    Denied,
    /// The server is in another state, or another task runs.
    WrongState,
    /// No host has room for the server.
    NoCapacity,
    /// The quota does not allow it.
    Quota,
    /// Somebody has locked the server.
    Locked,
    /// The provider does not let us in, which says nothing of the server.
    Login,
}

impl TroubleKind {
    /// Whether it says something of this server alone, and nothing of others of its pool.
    pub fn alone(self) -> bool {
        matches!(self, Self::NotFound | Self::Locked | Self::WrongState)
    }
}

/// An act that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What kind.
    pub kind: TroubleKind,
    /// In words.
    pub text: String,
}

impl From<ClusterError> for Trouble {
    fn from(error: ClusterError) -> Self {
        let kind = match &error {
            ClusterError::NotFound(_) => TroubleKind::NotFound,
            ClusterError::Forbidden { .. } => TroubleKind::Denied,
            // Who drives the machine stops for the last two.
            ClusterError::Conflict(_)
            | ClusterError::Unavailable(_)
            | ClusterError::Broken(_)
            | ClusterError::Gone(_) => TroubleKind::Again,
        };
        Self { kind, text: error.to_string() }
    }
}

impl From<ProviderError> for Trouble {
    fn from(error: ProviderError) -> Self {
        let kind = match &error {
            ProviderError::NotFound(_) => TroubleKind::NotFound,
            ProviderError::WrongState { .. } => TroubleKind::WrongState,
            ProviderError::NoCapacity { .. } => TroubleKind::NoCapacity,
            ProviderError::Quota { .. } => TroubleKind::Quota,
            ProviderError::Locked { .. } => TroubleKind::Locked,
            ProviderError::Login(_) => TroubleKind::Login,
            ProviderError::Forbidden(_) | ProviderError::Unsupported(_) | ProviderError::Setup(_) => {
                TroubleKind::Denied
            }
            ProviderError::Unavailable(_) => TroubleKind::Again,
        };
        Self { kind, text: error.to_string() }
    }
}

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepted; its outcome is observed.
    Done,
    /// The node as it is.
    Node(Box<Node>),
    /// Its pods.
    Pods(Vec<Pod>),
    /// The volumes attached to it.
    Volumes(Vec<VolumeAttachment>),
    /// What the Eviction API said.
    Evicted(Evicted),
    /// The server; None if it is gone.
    Server(Option<Box<Server>>),
    /// It failed.
    Failed(Trouble),
}

impl Answer {
    /// What kind of trouble it is, if it is one.
    pub fn trouble(&self) -> Option<TroubleKind> {
        if let Self::Failed(trouble) = self { Some(trouble.kind) } else { None }
    }

    /// For the journal: `ok`, or what went wrong.
    pub fn in_words(&self) -> String {
        match self {
            Self::Evicted(Evicted::Accepted) => "accepted".to_owned(),
            Self::Evicted(Evicted::Gone) => "gone".to_owned(),
            Self::Evicted(Evicted::Blocked { cause, .. }) => format!("blocked: {cause}"),
            Self::Evicted(Evicted::SeveralBudgets(_)) => "refused: more than one budget".to_owned(),
            Self::Failed(trouble) => format!("failed: {}", trouble.text),
            _ => "ok".to_owned(),
        }
    }
}
