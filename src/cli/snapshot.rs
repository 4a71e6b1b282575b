//! `tidegate snapshot`: a live cluster, or a sandbox, as a file that `plan` and `verify` read offline.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::connect_args::ConnectArgs;
use super::git_args::GitArgs;
use super::out_file::outside_sandboxes;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::reached::Reached;
use super::shell::quoted;
use super::{Exit, Failure};
use crate::cloud::{Provider as _, with_servers};
use crate::model::{Snapshot, counted};
use crate::observe::{SnapshotFile, write_world};
use crate::sandbox::Sandbox;

/// Write what is in a live cluster, or in a sandbox, to a file, to plan offline
#[derive(Debug, Args)]
#[command(
    after_help = "The file holds names, labels and annotations, and is readable by its owner only. Environment, commands and\n\
arguments of containers are left out of it, Secrets and ConfigMaps are never read.\n\n\
Examples:
  tidegate snapshot --out cluster.json.gz                     # of the current context, without servers
  tidegate snapshot -f policy.yaml --context workshop --out cluster.json.gz
  tidegate snapshot --sandbox ./sandbox --out world.json.gz   # anybody can `tidegate verify plan.json --snapshot` it
  tidegate plan -f policy.yaml --snapshot cluster.json.gz"
)]
pub struct SnapshotCommand {
    /// The folder of a sandbox, instead of a live cluster
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig", "policy"], help_heading = "Cluster")]
    sandbox: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
    /// The policy: its providers tell of the servers, which are not in the file without it
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    policy: Vec<PathBuf>,
    #[command(flatten)]
    git: GitArgs,
    /// Where to; packed if its name ends in `.gz`, `-` is the standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

impl SnapshotCommand {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        if !self.piped() {
            outside_sandboxes(&self.out)?;
        }
        if let Some(folder) = &self.sandbox {
            let snapshot = Sandbox::peek(folder)?;
            self.write(out, |to| write_world(&snapshot, to))?;
            self.tell(&snapshot, out);
            return Ok(Exit::Done);
        }
        let mut file = SnapshotFile::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let named = PolicyArgs { files: self.policy.clone(), git: self.git.clone() };
        let named = Some(named).filter(|named| !named.files.is_empty());
        let policy = named.map(|named| named.load(out)).transpose()?.map(|(_, policy)| policy);
        let reached = Reached::connect(&self.connect, policy.as_ref(), &runtime, out)?;
        let snapshot = runtime.block_on(async {
            let (seen, survey) = futures::join!(reached.live.observe_into(Some(&mut file)), reached.fleet.survey());
            let Ok(survey) = survey;
            let seen = seen.map_err(Failure::new)?;
            Ok::<_, Failure>(match reached.fleet.is_empty() {
                true => seen,
                false => with_servers(seen, survey, &reached.fleet, &BTreeMap::new()).await,
            })
        })?;
        self.write(out, |to| file.write(&snapshot, to))?;
        self.tell(&snapshot, out);
        Ok(Exit::Done)
    }

    fn write(&self, out: Output, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        if self.piped() {
            let mut text = Vec::new();
            write(&mut text)?;
            return out.data(&String::from_utf8_lossy(&text));
        }
        out.write_with(&self.out, |to| match packed(&self.out) {
            true => {
                let mut pack = GzEncoder::new(to, Compression::default());
                write(&mut pack)?;
                pack.finish().map(drop)
            }
            false => write(to),
        })
    }

    fn piped(&self) -> bool {
        self.out == Path::new("-")
    }

    fn tell(&self, snapshot: &Snapshot, out: Output) {
        let of = [
            (snapshot.nodes.len(), "node"),
            (snapshot.servers.len(), "server"),
            (snapshot.pods.len(), "pod"),
            (snapshot.budgets.len(), "budget"),
            (snapshot.workloads.len(), "workload"),
        ];
        let of: Vec<String> = of
            .iter()
            .filter(|(count, what)| *count > 0 || *what != "server")
            .map(|(count, what)| counted(u32::try_from(*count).unwrap_or(u32::MAX), what))
            .collect();
        let place = match &self.sandbox {
            Some(folder) => format!("the sandbox `{}`", folder.display()),
            None => format!("context `{}`", snapshot.context.as_deref().unwrap_or_default()),
        };
        if !self.piped() {
            let name = quoted(&self.out.to_string_lossy());
            out.say(&format!("Wrote {name}: {} of {place}", of.join(", ")));
        }
        if !snapshot.gaps.is_empty() {
            out.say("It is not complete; a plan made from it says so and cannot be applied:");
            snapshot.gaps.iter().for_each(|gap| out.say(&format!("  {gap}")));
        }
    }
}

fn packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}
