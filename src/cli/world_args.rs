//! Which cluster a command looks at, and when: snapshot files, a sandbox or a live one.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::Failure;
use super::connect_args::ConnectArgs;
use super::cut_short::CutShort;
use super::ground::runtime;
use super::moment::Moment;
use super::output::Output;
use super::reached::Reached;
use crate::model::{KUBECTL, Kind, Snapshot, World};
use crate::observe;
use crate::plan::{SnapshotRef, needed_kinds};
use crate::policy::Policy;
use crate::report::local_long;
use crate::sandbox::{Faults, Sandbox};

/// Which cluster.
#[derive(Clone, Debug, Args)]
pub struct ClusterArgs {
    /// What `kubectl get … -A -o json` (or yaml, or .gz) wrote; several files make one snapshot
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["context", "kubeconfig"], help_heading = "Cluster")]
    pub snapshot: Vec<PathBuf>,
    /// The folder of a sandbox; with `--snapshot` it is made from that if it is not there yet
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig"], help_heading = "Cluster")]
    pub sandbox: Option<PathBuf>,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Which cluster, and when.
#[derive(Clone, Debug, Args)]
pub struct WorldArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Plan for this moment instead of the wall clock's: an instant, a time in the policy's zone
    /// (`12:45` is today's), or how long from now (`8h`)
    #[arg(long, value_name = "TIME", conflicts_with_all = ["sandbox", "context", "kubeconfig"], help_heading = "Cluster")]
    pub now: Option<Moment>,
}

/// What there is to look at.
pub const NAME_ONE: &str = "`--context NAME` looks at a live cluster (`--context` alone at the kubeconfig's current one), `--snapshot FILE` at \
     files that kubectl wrote, `--sandbox DIR` at a cluster in virtual time";

impl WorldArgs {
    /// The cluster and the moment to decide for, `--now` on the wall in `zone`. A sandbox is only looked at, so that
    /// others may work with it.
    ///
    /// # Errors
    /// No cluster was named, a file is not there or not readable, or the moment does not exist.
    pub fn world(&self, policy: &Policy, out: Output) -> Result<(World, Timestamp), Failure> {
        self.world_in(&policy.time_zone, Some(policy), out)
    }

    /// The same, for those who are about to act: on stderr it says of an apply there that was cut short.
    ///
    /// # Errors
    /// As for [`WorldArgs::world`].
    pub fn world_and_last_apply(&self, policy: &Policy, out: Output) -> Result<(World, Timestamp), Failure> {
        let (snapshot, cut_short) = self.cluster.seen(Some(policy), out)?;
        if let Some(cut_short) = cut_short {
            cut_short.say(out);
        }
        self.at_its_time(snapshot, &policy.time_zone, out)
    }

    /// The same where there may be no policy: the servers of a live cluster are not known then.
    ///
    /// # Errors
    /// As for [`WorldArgs::world`].
    pub fn world_in(&self, zone: &str, policy: Option<&Policy>, out: Output) -> Result<(World, Timestamp), Failure> {
        self.at_its_time(self.cluster.snapshot(policy, out)?, zone, out)
    }

    fn at_its_time(&self, snapshot: Snapshot, zone: &str, out: Output) -> Result<(World, Timestamp), Failure> {
        let now = match (self.now, &self.cluster.sandbox) {
            (_, Some(_)) => snapshot.taken.unwrap_or_default(),
            (Some(moment), None) => {
                let clock = Timestamp::now();
                let now = moment.at("--now", zone, clock)?;
                if let Some(said) = moment.not_there(now, zone, clock) {
                    out.say(&said);
                }
                if let Some(said) = snapshot.taken.and_then(|taken| too_early(now, taken, zone)) {
                    out.say(&said);
                }
                now
            }
            (None, None) => Timestamp::now(),
        };
        Ok((World::build(snapshot), now))
    }
}

/// What to say where the moment is before the cluster was seen, which is mostly a wrong zone.
fn too_early(now: Timestamp, taken: Timestamp, zone: &str) -> Option<String> {
    // A dump takes a moment, and people name the minute in which it began.
    (taken.duration_since(now) > SignedDuration::from_mins(1)).then(|| {
        format!(
            "warning: `--now` is {}, and the snapshot was taken only at {}: what it shows was not so then; a time without \
             an offset is read in {zone}",
            local_long(now, zone),
            local_long(taken, zone)
        )
    })
}

impl ClusterArgs {
    /// Whether one was named at all.
    pub fn given(&self) -> bool {
        !self.snapshot.is_empty() || self.sandbox.is_some() || self.is_live()
    }

    /// Whether it is a live one.
    pub fn is_live(&self) -> bool {
        self.connect.given()
    }

    /// What is there.
    ///
    /// # Errors
    /// No cluster was named, or it cannot be read.
    pub fn snapshot(&self, policy: Option<&Policy>, out: Output) -> Result<Snapshot, Failure> {
        Ok(self.seen(policy, out)?.0)
    }

    /// What is there, and with a policy the apply that was cut short there.
    fn seen(&self, policy: Option<&Policy>, out: Output) -> Result<(Snapshot, Option<CutShort>), Failure> {
        match &self.sandbox {
            None if self.is_live() => {
                let runtime = runtime()?;
                let reached = Reached::connect(&self.connect, policy, &runtime, out)?;
                let snapshot = reached.observe(&runtime, out)?;
                let cut_short = policy.and_then(|policy| CutShort::in_cluster(&reached, policy, &runtime));
                Ok((snapshot, cut_short))
            }
            None if self.snapshot.is_empty() => Err(Failure::new("no cluster was named").hint(NAME_ONE)),
            None => Ok((read(&self.snapshot, out)?, None)),
            Some(folder) => match Sandbox::peek(folder) {
                Ok(snapshot) if !self.snapshot.is_empty() => {
                    out.say(&not_read(folder, &self.snapshot));
                    Ok((snapshot, policy.and_then(|policy| CutShort::in_sandbox(folder, policy))))
                }
                Ok(snapshot) => Ok((snapshot, policy.and_then(|policy| CutShort::in_sandbox(folder, policy)))),
                Err(_) if !self.snapshot.is_empty() && !holds_anything(folder) => {
                    Ok((create(folder, &self.snapshot, out)?.snapshot(), None))
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Notes in a plan what it was made from, so that it can be checked again. Standard input cannot be read twice.
    pub fn name_in(&self, of: &mut SnapshotRef) {
        let name = |path: &Path| path.to_string_lossy().replace('\\', "/");
        of.sandbox = self.sandbox.as_deref().map(name);
        if of.sandbox.is_none() && !self.snapshot.iter().any(|file| file.as_os_str() == "-") {
            of.files = self.snapshot.iter().map(|file| name(file)).collect();
            // Their order means nothing.
            of.files.sort();
            of.files.dedup();
        }
    }
}

/// Whether a folder holds something already, so that no sandbox is made in it by mistake.
pub fn holds_anything(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// That files are not read, since a sandbox is there already.
pub fn not_read(folder: &Path, files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    let folder = folder.display();
    format!(
        "warning: {} is not read: there is a sandbox in `{folder}` already; `--snapshot` alone looks at the files",
        files.join(", ")
    )
}

/// What to say of a new sandbox in which nothing can be taken away, with the way to one where it can.
pub fn unlisted(snapshot: &Snapshot) -> Option<String> {
    let world = World::build(snapshot.clone());
    let kinds: Vec<Kind> = needed_kinds(&world).into_iter().filter(|kind| *kind != Kind::Server).collect();
    let named: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    let way = match kinds.as_slice() {
        [] => return None,
        [Kind::PodDisruptionBudget] => {
            "in a cluster that has none this says so, and a sandbox in a new folder takes it:\n  \
             kubectl get --raw /apis/policy/v1/poddisruptionbudgets > pdb.json\n  \
             tidegate sandbox create FOLDER --snapshot cluster.json pdb.json"
                .to_owned()
        }
        _ => format!("make it anew, in a new folder, of all that this lists:\n  {KUBECTL} > cluster.json"),
    };
    Some(format!("warning: not listed: {}; an `apply` that takes nodes away is refused here; {way}", named.join(", ")))
}

/// Makes a sandbox from snapshot files.
///
/// # Errors
/// A file is not readable, or the folder cannot be written.
pub fn create(folder: &Path, files: &[PathBuf], out: Output) -> Result<Sandbox, Failure> {
    let snapshot = read(files, out)?;
    let sandbox = Sandbox::create_from(folder, snapshot, Faults::default())?;
    out.say(&format!("Made a sandbox in `{}`", folder.display()));
    if let Some(unlisted) = unlisted(&sandbox.snapshot()) {
        out.say(&unlisted);
    }
    Ok(sandbox)
}

/// Reads snapshot files.
///
/// # Errors
/// A file is not there or not what `kubectl get` writes.
pub fn read(files: &[PathBuf], out: Output) -> Result<Snapshot, Failure> {
    let start = Instant::now();
    let snapshot = observe::read(files)?;
    out.detail(&format!(
        "read {} nodes, {} pods, {} budgets, {} servers in {} ms",
        snapshot.nodes.len(),
        snapshot.pods.len(),
        snapshot.budgets.len(),
        snapshot.servers.len(),
        start.elapsed().as_millis()
    ));
    Ok(snapshot)
}
