//! A cluster that answered once.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::call::{Call, again};
use super::connect::Connect;
use super::events::Chronicle;
use super::following::Following;
use super::pages::Lists;
use super::records::KeptRecord;
use crate::cluster::ClusterError;
use crate::model::Name;

/// A Kubernetes cluster over the network.
pub struct Live {
    pub(super) client: Client,
    pub(super) patience: Duration,
    context: Name,
    server: Name,
    cluster: Name,
    namespace: Name,
    pub(super) skew: Cell<Option<SignedDuration>>,
    /// When the server, or the way to it, was last not there.
    pub(super) away: Cell<Option<Instant>>,
    pub(super) following: RefCell<Following>,
    pub(super) records: RefCell<BTreeMap<Name, KeptRecord>>,
    /// The last reading of the records failed: what they say may be old, or nothing yet.
    pub(super) records_unread: Cell<bool>,
    pub(super) leftover: RefCell<BTreeSet<Name>>,
    pub(super) chronicle: RefCell<Option<Chronicle>>,
}

impl Live {
    /// Asks the cluster who it is.
    pub(super) async fn of(client: Client, context: &str, server: &str, asked: &Connect) -> Result<Self, ClusterError> {
        let call = Call::new("get", "namespace kube-system");
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let found = again(asked.patience, || namespaces.get("kube-system")).await;
        let found = found.map_err(|failed| call.error(&failed))?;
        let nameless = || ClusterError::Unavailable("namespace kube-system has no UID".to_owned());
        let cluster = found.metadata.uid.ok_or_else(nameless)?.into();
        let (context, server) = (context.into(), server.into());
        let namespace = asked.namespace.as_str().into();
        let (skew, away, following) = (Cell::default(), Cell::default(), RefCell::default());
        let (records, leftover, chronicle) = (RefCell::default(), RefCell::default(), RefCell::default());
        let patience = asked.patience;
        Ok(Self {
            client,
            patience,
            context,
            server,
            cluster,
            namespace,
            skew,
            away,
            following,
            records,
            records_unread: Cell::new(true),
            leftover,
            chronicle,
        })
    }

    /// How far the API server's clock was ahead of ours when it was last observed: zero if they agree within a second, None
    /// if it did not say.
    pub fn skew(&self) -> Option<SignedDuration> {
        self.skew.get()
    }

    /// Reads lists.
    pub(super) fn lists(&self) -> Lists {
        Lists { client: self.client.clone(), patience: self.patience }
    }

    /// The kubeconfig's context, or `in-cluster`.
    pub fn context(&self) -> &Name {
        &self.context
    }

    /// The API server's address.
    pub fn server(&self) -> &Name {
        &self.server
    }

    /// UID of the namespace kube-system: the cluster's own name, whatever it is called elsewhere.
    pub fn cluster(&self) -> &Name {
        &self.cluster
    }

    /// Where Tidegate keeps its memory, records and lock.
    pub fn namespace(&self) -> &Name {
        &self.namespace
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({} at {})", self.context, self.server)
    }
}
