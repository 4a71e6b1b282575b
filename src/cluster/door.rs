//! What execution asks of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Change, Memory, Name, Node, Pod, PodKey, Snapshot, Taint, Token, VolumeAttachment};

/// An answer that is on its way. Dropping it cancels the wait, not what the server already does.
pub type Pending<'a, T, E = ClusterError> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

/// Why a cluster did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ClusterError {
    /// It is not there (any more).
    #[error("{0} is not there")]
    NotFound(String),
    /// Somebody else changed it meanwhile.
    #[error("{0} was changed by somebody else meanwhile")]
    Conflict(String),
    /// A verb is missing in our role.
    #[error("not allowed to {verb} {what}")]
    Forbidden {
        /// The verb.
        verb: String,
        /// The resource.
        what: String,
    },
    /// No answer, or one that makes no sense; it may be asked again.
    #[error("the cluster does not answer: {0}")]
    Unavailable(String),
    /// This process cannot reach it any more; another one can.
    #[error("{0}")]
    Broken(String),
    /// It is not what it was when this process began, or is no more: nothing is to be done there.
    #[error("{0}")]
    Gone(String),
}

/// What came of an eviction request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evicted {
    /// The pod has a deletion timestamp now.
    Accepted,
    /// No pod with this UID is there.
    Gone,
    /// 429: a budget holds it.
    Blocked {
        /// The budgets, `namespace/name`.
        budgets: Vec<PodKey>,
        /// The server's words.
        cause: String,
        /// Not to be tried before; None leaves it to the caller.
        retry_after: Option<SignedDuration>,
    },
    /// 500: more than one budget counts it, so the API cannot evict it at all.
    SeveralBudgets(Vec<PodKey>),
}

/// One patch of a Node: all of it happens or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePatch {
    /// Only if the node still has this UID; empty is any.
    pub uid: Name,
    /// `spec.unschedulable`.
    pub unschedulable: Option<bool>,
    /// Labels to set, or to remove with None.
    pub labels: BTreeMap<Name, Option<Name>>,
    /// Annotations to set, or to remove with None.
    pub annotations: BTreeMap<Name, Option<Name>>,
    /// Taints to add.
    pub add_taints: BTreeSet<Taint>,
    /// Taints to remove; one that is not there is no error.
    pub remove_taints: BTreeSet<Taint>,
}

/// Something that happened to a node, for those who look at it with other tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNews {
    /// The node.
    pub node: Name,
    /// One word in PascalCase, as `kubectl describe` shows it.
    pub reason: &'static str,
    /// A sentence.
    pub text: String,
    /// Somebody should look.
    pub warning: bool,
}

/// A Kubernetes cluster. Every call may fail and may be dropped half-way; none retries by itself.
pub trait Cluster {
    /// Everything, consistently: what could not be read is in `gaps`.
    fn observe(&self) -> Pending<'_, Snapshot>;

    /// What changed since the last call, waiting until something did or the clock reads `until`; then nothing.
    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>>;

    /// One node, read consistently.
    fn node(&self, name: &Name) -> Pending<'_, Option<Node>>;

    /// The pods of one node, listed consistently.
    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>>;

    /// The volumes that Kubernetes has attached to one node or is attaching, listed consistently.
    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>>;

    /// Patches a node and returns what it became.
    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node>;

    /// Sets the Node condition `Suspended=True` of a parked node, or takes it away, and returns what the node became.
    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node>;

    /// Asks the Eviction API, with the UID as precondition.
    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted>;

    /// Deletes a pod, with the UID as precondition: only for `onTimeout: delete`.
    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()>;

    /// Deletes a Node object, with the UID as precondition: only of a server that Tidegate destroyed.
    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()>;

    /// The bootstrap token by which the server of this name joins: the one that is there, where it lasts until about `until`,
    /// else a new one.
    fn bootstrap_token(&self, node: &Name, _until: Timestamp) -> Pending<'_, Token> {
        let what = format!("a bootstrap token for {node} in this cluster");
        Box::pin(async move { Err(ClusterError::Forbidden { verb: "make".to_owned(), what }) })
    }

    /// Takes the bootstrap token of a node back; one that is not there is no error.
    fn revoke_token(&self, _node: &Name) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Writes the memory down where the next run finds it.
    fn remember(&self, memory: &Memory) -> Pending<'_, ()>;

    /// Has an Event written on a node, when there is time for it; what is not written is missed by nobody.
    fn note(&self, _news: NodeNews) {}

    /// Waits a little for what was noted to be written.
    ///
    /// # Errors
    /// Why the first of those that could not be written was not.
    fn noted(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
