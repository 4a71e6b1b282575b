//! From `--context` and `--kubeconfig` to a cluster that answers.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::client::Live;
use super::{kubeconfig, login};
use crate::cluster::ClusterError;

/// What a pod's own cluster is called: there is no kubeconfig that would name it.
const IN_CLUSTER: &str = "in-cluster";

/// What Kubernetes sets in each pod.
pub(super) const A_POD: &str = "KUBERNETES_SERVICE_HOST";

/// So many times the patience of a call has a login program: it may ask a person.
const LOGIN: u32 = 4;

/// Which cluster, and how patiently.
#[derive(Clone, Debug)]
pub struct Connect {
    /// This file instead of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// This context instead of the current one.
    pub context: Option<String>,
    /// Where Tidegate keeps its memory, records and lock.
    pub namespace: String,
    /// How long one call may take, with all that is tried again in it.
    pub patience: Duration,
}

impl Default for Connect {
    fn default() -> Self {
        Self { kubeconfig: None, context: None, namespace: "tidegate".to_owned(), patience: Duration::from_secs(30) }
    }
}

/// Names of contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contexts(Vec<String>);

impl From<Vec<String>> for Contexts {
    fn from(names: Vec<String>) -> Self {
        Self(names)
    }
}

impl fmt::Display for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => write!(f, "it has none"),
            names => write!(f, "it has `{}`", names.join("`, `")),
        }
    }
}

/// Why there is no cluster to speak to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says where the cluster is.
    #[error(
        "there is no kubeconfig: `KUBECONFIG` is not set, `~/.kube/config` is not there, and this is not a pod; \
         name one with `--kubeconfig FILE`"
    )]
    Nowhere,
    /// There is no kubeconfig, this is a pod, and it has no ServiceAccount that could be used.
    #[error(
        "there is no kubeconfig, and this pod's own ServiceAccount cannot be used: {why}; see that its token is mounted \
         (`automountServiceAccountToken`), or name a kubeconfig with `--kubeconfig FILE`"
    )]
    Pod {
        /// What is wrong with it.
        why: String,
    },
    /// None of the files that were named is there.
    #[error("{named_by} names `{files}`, which is not there")]
    NoFile {
        /// What named them.
        named_by: &'static str,
        /// Their names.
        files: String,
    },
    /// A file is no kubeconfig.
    #[error("cannot read the kubeconfig `{file}`: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// It has no such context.
    #[error("`{file}` has no context `{context}`; {there}")]
    NoContext {
        /// The one that was asked for.
        context: String,
        /// The kubeconfig.
        file: String,
        /// Those that it has.
        there: Contexts,
    },
    /// No context was asked for, and none is current.
    #[error("`{file}` has no current context; name one with `--context`; {there}")]
    NoCurrent {
        /// The kubeconfig.
        file: String,
        /// Those that it has.
        there: Contexts,
    },
    /// The context names a cluster, a user or a file that is not there or not readable.
    #[error("context `{context}` of `{file}` is of no use: {why}")]
    Context {
        /// The context.
        context: String,
        /// The kubeconfig.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The cluster does not answer, or not to us.
    #[error("cannot use the cluster of context `{context}` at {server}: {error}")]
    Cluster {
        /// The context.
        context: String,
        /// Its API server.
        server: String,
        /// What came of the first call.
        error: ClusterError,
    },
}

impl Live {
    /// Connects, and asks the cluster who it is. Without a kubeconfig, and only then, it is the cluster of the pod that
    /// this runs in. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// There is no kubeconfig or no such context, or the cluster does not answer or does not let us in.
    pub async fn connect(asked: &Connect) -> Result<Self, ConnectError> {
        // The first wins; another part of the program may have been earlier.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (context, config) = configuration(asked).await?;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let failed = |error| ConnectError::Cluster { context: context.clone(), server: server.clone(), error };
        let client = login::client(config, asked.patience.saturating_mul(LOGIN)).await.map_err(failed)?;
        Self::of(client, &context, &server, asked).await.map_err(failed)
    }
}

async fn configuration(asked: &Connect) -> Result<(String, kube::Config), ConnectError> {
    let (variable, home) = (std::env::var_os("KUBECONFIG"), std::env::var_os("HOME"));
    let files = kubeconfig::files(asked.kubeconfig.as_deref(), variable.as_deref(), home.as_deref())?;
    if files.is_empty() {
        return match (&asked.context, kube::Config::incluster()) {
            (None, Ok(config)) => Ok((IN_CLUSTER.to_owned(), config)),
            (None, Err(error)) if std::env::var_os(A_POD).is_some() => {
                Err(ConnectError::Pod { why: super::call::words(&error) })
            }
            _ => Err(ConnectError::Nowhere),
        };
    }
    kubeconfig::choose(kubeconfig::read(&files)?, asked.context.as_deref(), &files).await
}
