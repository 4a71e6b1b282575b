//! `--context`, `--kubeconfig`, `--namespace`: which live cluster.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::cluster::ClusterError;
use crate::cluster::live::{Connect, ConnectError};

/// Which live cluster.
#[derive(Clone, Debug, Default, Args)]
pub struct ConnectArgs {
    /// The kubeconfig's context instead of the current one
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub context: Option<String>,
    /// The kubeconfig instead of `KUBECONFIG` and `~/.kube/config`
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// Where Tidegate keeps its memory, records and lock in the cluster
    #[arg(long, value_name = "NAME", default_value = "tidegate", help_heading = "Cluster")]
    pub namespace: String,
}

impl ConnectArgs {
    /// How to connect.
    pub fn connect(&self) -> Connect {
        Connect {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            ..Connect::default()
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let failure = Self::new(&error);
        match &error {
            ConnectError::Cluster { error: ClusterError::Forbidden { .. }, .. } => failure
                .hint("`examples/rbac.yaml` has the role that Tidegate needs; `kubectl auth whoami` says who asks"),
            ConnectError::Cluster { context, .. } => failure
                .hint(format!("`kubectl --context {context} get --raw /readyz` says whether kubectl gets through")),
            _ => failure,
        }
    }
}
