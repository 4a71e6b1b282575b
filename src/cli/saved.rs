//! A saved plan, and what it was made from: the policy's files and the snapshot that it names.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::git_args::GitArgs;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::ClusterArgs;
use super::{Exit, Failure, world_args};
use crate::file;
use crate::model::Snapshot;
use crate::plan::{FORMAT_VERSION, Plan};
use crate::policy::Policy;
use crate::sandbox::Sandbox;
use crate::source;

/// What standard input is called where files are named.
const STDIN: &str = "<stdin>";

/// The most that a saved plan may hold, in bytes: some four times one that empties the largest cluster there may be.
pub const MOST: u64 = 256 << 20;

/// A saved plan; `-` is standard input.
///
/// # Errors
/// It is not there, no plan, or of a format that this version does not read.
pub fn saved(path: &Path) -> Result<Plan, Failure> {
    let shown = path.display();
    let read = || match path.to_str() {
        Some("-") => {
            let mut bytes = Vec::new();
            std::io::stdin().take(MOST).read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        _ => file::given(path, MOST),
    };
    let bytes = read().map_err(|error| {
        Failure::new(format!("cannot read the plan `{shown}`: {error}")).hint("`tidegate plan --out FILE` saves one")
    })?;
    let no_plan = |error: &dyn std::fmt::Display| {
        Failure::new(format!("`{shown}` is not a plan: {error}")).hint("`tidegate plan --out FILE` saves one")
    };
    // The version comes first: a newer format is told from a damaged file.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| no_plan(&error))?;
    let version = value.get("formatVersion").and_then(serde_json::Value::as_str);
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    match version {
        None => Err(no_plan(&"it has no `formatVersion`")),
        Some(version) if major(version) != major(FORMAT_VERSION) => {
            Err(Failure::new(format!("`{shown}` has format {version}, and this version reads {FORMAT_VERSION}"))
                .hint("make the plan again with this version"))
        }
        Some(_) => serde_json::from_value(value).map_err(|error| no_plan(&error)),
    }
}

/// Which policy, for a command that is given a plan.
#[derive(Clone, Debug, Args)]
pub struct SavedPolicyArgs {
    /// The policy: a file, a folder with its files, or an address in git; without it a plan's own files, as it names them
    #[arg(short = 'f', long = "file", value_name = "PATH", required_unless_present = "plan")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    git: GitArgs,
}

impl SavedPolicyArgs {
    /// The policy that is named, or else the one that the plan was made from.
    ///
    /// # Errors
    /// A file is not there, the policy has errors, or it is not what the plan was made from any more.
    pub fn load(&self, plan: Option<&Plan>, out: Output) -> Result<Policy, Failure> {
        match plan {
            Some(plan) if self.files.is_empty() => own_policy(plan, &self.git, out),
            _ => Ok(PolicyArgs { files: self.files.clone(), git: self.git.clone() }.load(out)?.1),
        }
    }
}

fn own_policy(plan: &Plan, git: &GitArgs, out: Output) -> Result<Policy, Failure> {
    let files = &plan.policy.files;
    if files.is_empty() || files.iter().any(|file| file.path == STDIN) {
        let text = format!("the plan does not name a file of policy `{}` that could be read again", plan.policy.name);
        return Err(Failure::new(text).hint("`-f PATH` names the policy"));
    }
    let there = |path: &Path| source::in_git(path) || path.is_file();
    if let Some(gone) = files.iter().find(|file| !there(Path::new(&file.path))) {
        let text = format!("`{}`, which the plan was made from, is not there", gone.path);
        return Err(Failure::new(text)
            .hint("run this in the folder in which the plan was made, or name the policy with `-f PATH`"));
    }
    let named = PolicyArgs { files: files.iter().map(|file| PathBuf::from(&file.path)).collect(), git: git.clone() };
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    out.detail(&format!("policy as the plan names it: {}", names.join(", ")));
    let (_, policy) = named.load(out)?;
    if *policy.digest != *plan.policy.digest {
        let same =
            |path: &str, digest: &str| policy.files.iter().any(|now| *now.path == *path && *now.digest == *digest);
        let changed = files.iter().filter(|file| !same(&file.path, &file.digest));
        let changed: Vec<String> = changed.map(|file| format!("`{}`", file.path)).collect();
        let what = if changed.is_empty() { "the policy has".to_owned() } else { format!("{} has", changed.join(", ")) };
        return Err(Failure::with(Exit::Stale, format!("the plan is stale: {what} changed since it was made"))
            .hint("make the plan again and look at it, or name the policy that it was made from with `-f PATH`"));
    }
    Ok(policy)
}

/// The snapshot that is named, or else the one that the plan was made from.
///
/// # Errors
/// None is known, or it cannot be read.
pub fn snapshot(plan: &Plan, policy: &Policy, named: &ClusterArgs, out: Output) -> Result<Snapshot, Failure> {
    const NAME_IT: &str = "`--snapshot FILE` or `--sandbox DIR` names what it was made from (`tidegate snapshot --sandbox DIR` saves \
                           a sandbox's world)";
    if named.given() {
        return named.snapshot(Some(policy), out);
    }
    let own = &plan.snapshot;
    let source: Vec<String> = own.files.iter().chain(&own.sandbox).map(|name| format!("`{name}`")).collect();
    let again = |failure: Failure| failure.hint(format!("the plan was made from {}; {NAME_IT}", source.join(", ")));
    match &own.sandbox {
        Some(folder) => Sandbox::peek(Path::new(folder)).map_err(|error| again(error.into())),
        None if own.files.is_empty() => {
            Err(Failure::new("the plan does not say which snapshot it was made from").hint(NAME_IT))
        }
        None => {
            let files: Vec<PathBuf> = own.files.iter().map(PathBuf::from).collect();
            world_args::read(&files, out).map_err(again)
        }
    }
}
