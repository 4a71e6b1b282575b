//! `--snapshot`, `--sandbox`, `--now`: which cluster, and when.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use jiff::Timestamp;

use super::Failure;
use super::moment::Moment;
use super::output::Output;
use crate::model::{Snapshot, World};
use crate::observe;
use crate::plan::SnapshotRef;
use crate::sandbox::{Faults, Sandbox};

/// Which cluster, and when.
#[derive(Clone, Debug, Args)]
pub struct WorldArgs {
    /// What `kubectl get … -A -o json` (or yaml, or .gz) wrote; several files make one snapshot
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "sandbox", help_heading = "Cluster")]
    pub snapshot: Vec<PathBuf>,
    /// The folder of a sandbox; with `--snapshot` it is made from that if it is not there yet
    #[arg(long, value_name = "DIR", help_heading = "Cluster")]
    pub sandbox: Option<PathBuf>,
    /// Plan for this moment instead of the wall clock's: an instant, or a time in the policy's zone
    #[arg(long, value_name = "TIME", conflicts_with = "sandbox", help_heading = "Cluster")]
    pub now: Option<Moment>,
}

impl WorldArgs {
    /// The cluster and the moment to decide for, `--now` on the wall in `zone`. A sandbox is only looked at, so that others may work with it.
    ///
    /// # Errors
    /// A file is not there or not readable, or the moment does not exist.
    pub fn world(&self, zone: &str, out: Output) -> Result<(World, Timestamp), Failure> {
        if let Some(folder) = &self.sandbox {
            let snapshot = match Sandbox::peek(folder) {
                Ok(snapshot) => snapshot,
                Err(_) if !self.snapshot.is_empty() && !holds_anything(folder) => {
                    create(folder, &self.snapshot, out)?.snapshot()
                }
                Err(error) => return Err(error.into()),
            };
            let now = snapshot.taken.unwrap_or_default();
            return Ok((World::build(snapshot), now));
        }
        let now = match self.now {
            Some(moment) => {
                let now = moment.at("--now", zone)?;
                if let Some(said) = moment.not_there(now, zone) {
                    out.say(&said);
                }
                now
            }
            None => Timestamp::now(),
        };
        Ok((World::build(read(&self.snapshot, out)?), now))
    }

    /// Notes in a plan what it was made from, so that it can be checked again. Standard input cannot be read twice.
    pub fn name_in(&self, of: &mut SnapshotRef) {
        let name = |path: &Path| path.to_string_lossy().replace('\\', "/");
        of.sandbox = self.sandbox.as_deref().map(name);
        if of.sandbox.is_none() && !self.snapshot.iter().any(|file| file.as_os_str() == "-") {
            of.files = self.snapshot.iter().map(|file| name(file)).collect();
        }
    }
}

/// Whether a folder holds something already, so that no sandbox is made in it by mistake.
pub fn holds_anything(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// Makes a sandbox from snapshot files.
///
/// # Errors
/// A file is not readable, or the folder cannot be written.
pub fn create(folder: &Path, files: &[PathBuf], out: Output) -> Result<Sandbox, Failure> {
    let snapshot = read(files, out)?;
    let sandbox = Sandbox::create_from(folder, snapshot, Faults::default())?;
    out.say(&format!("Made a sandbox in `{}`", folder.display()));
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
