//! A live cluster and the cloud of its servers, reached over the network.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::runtime::Runtime;

use super::Failure;
use super::connect_args::ConnectArgs;
use super::output::Output;
use crate::cloud::{Fleet, Joined, Polling, Surroundings};
use crate::cluster::Cluster;
use crate::cluster::live::Live;
use crate::model::Snapshot;
use crate::policy::Policy;

/// What was reached.
pub struct Reached {
    /// The cluster.
    pub live: Live,
    /// The policy's providers; none without a policy.
    pub fleet: Fleet,
    /// What names it on the command line.
    flags: String,
}

impl Reached {
    /// Connects to the cluster, and reads how the policy's providers are reached. Nothing is asked of them yet.
    ///
    /// # Errors
    /// The cluster does not answer, or a provider's configuration cannot be used.
    pub fn connect(
        args: &ConnectArgs,
        policy: Option<&Policy>,
        runtime: &Runtime,
        out: Output,
    ) -> Result<Self, Failure> {
        let live = runtime.block_on(Live::connect(&args.connect()))?;
        out.detail(&format!("context `{}` at {}, cluster {}", live.context(), live.server(), live.cluster()));
        let providers = policy.into_iter().flat_map(|policy| policy.providers.values());
        let (fleet, warnings) = Fleet::open(providers, &Surroundings::of_process())
            .map_err(|error| Failure::new(error).hint("`tidegate doctor` looks at each part of it"))?;
        for warning in warnings {
            out.say(&format!("warning: {warning}"));
        }
        let flags = args.flags(live.context());
        Ok(Self { live, fleet, flags })
    }

    /// What names it on the command line, with a space before it.
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// Cluster and cloud as one.
    pub fn joined(&self) -> Joined<'_> {
        Joined::new(&self.live, &self.fleet, Polling::default())
    }

    /// The cluster, with its servers where a provider tells of them. Without one they are unknown, which is not none.
    pub fn door<'a>(&'a self, joined: &'a Joined<'_>) -> &'a dyn Cluster {
        if self.fleet.is_empty() { &self.live } else { joined }
    }

    /// Everything in both.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub fn observe(&self, runtime: &Runtime, out: Output) -> Result<Snapshot, Failure> {
        let start = Instant::now();
        let joined = self.joined();
        let snapshot = runtime.block_on(self.door(&joined).observe()).map_err(Failure::new)?;
        out.detail(&format!(
            "read {} nodes, {} pods and {} servers in {} ms",
            snapshot.nodes.len(),
            snapshot.pods.len(),
            snapshot.servers.len(),
            start.elapsed().as_millis()
        ));
        Ok(snapshot)
    }
}

/// The folder for the journal of a cluster, made if it is not there.
///
/// # Errors
/// This process has no home, or the folder cannot be made.
pub fn journal(cluster: &str) -> Result<PathBuf, Failure> {
    let folder = journal_place(cluster).ok_or_else(|| {
        Failure::new("there is no place for the journal: neither `XDG_STATE_HOME` nor `HOME` is set")
            .hint("`--journal DIR` names one; it must outlive this process")
    })?;
    made(&folder)?;
    Ok(folder)
}

/// Makes a folder for a journal, where there is none.
///
/// # Errors
/// It cannot be made.
pub fn made(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::new(format!("cannot make `{}` for the journal: {error}", folder.display()))
            .hint("`--journal DIR` names another place; it must outlive this process")
    })
}

/// Where the journal of a cluster is kept unless somebody says otherwise: in the state directory, by the cluster's UID.
/// None for a process without a home.
pub fn journal_place(cluster: &str) -> Option<PathBuf> {
    let path = |key: &str| std::env::var_os(key).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = path("XDG_STATE_HOME").or_else(|| path("HOME").map(|home| home.join(".local/state")));
    Some(state?.join("tidegate").join(cluster))
}
