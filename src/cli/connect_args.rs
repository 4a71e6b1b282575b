//! `--context`, `--kubeconfig`, `--namespace`: which live cluster.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::shell::quoted;
use crate::cluster::ClusterError;
use crate::cluster::live::{Connect, ConnectError};

/// Which live cluster.
#[derive(Clone, Debug, Default, Args)]
pub struct ConnectArgs {
    /// A live cluster, by its context in the kubeconfig; `--context` alone is the current one
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", help_heading = "Cluster")]
    pub context: Option<String>,
    /// The kubeconfig instead of `KUBECONFIG` and `~/.kube/config`; without `--context` its current context
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// Where Tidegate keeps its memory, records and lock in the cluster
    #[arg(long, value_name = "NAME", default_value = NAMESPACE, help_heading = "Cluster")]
    pub namespace: String,
}

/// Where it is kept unless somebody says otherwise.
pub const NAMESPACE: &str = "tidegate";

impl ConnectArgs {
    /// These again on a command line, with a space before them, for `context`.
    pub fn flags(&self, context: &str) -> String {
        let mut flags = format!(" --context {}", quoted(context));
        if let Some(file) = &self.kubeconfig {
            let full = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            flags.push_str(&format!(" --kubeconfig {}", quoted(&full.to_string_lossy())));
        }
        if self.namespace != NAMESPACE {
            flags.push_str(&format!(" --namespace {}", quoted(&self.namespace)));
        }
        flags
    }

    /// Whether a live cluster was named: never the current context by mere silence.
    pub fn given(&self) -> bool {
        self.context.is_some() || self.kubeconfig.is_some()
    }

    /// How to connect.
    pub fn connect(&self) -> Connect {
        Connect {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone().filter(|name| !name.is_empty()),
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
