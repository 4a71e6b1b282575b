//! `tidegate plan`: what would change now, why, and why the rest stays.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::object::near;
use super::out_file::may_write;
use super::output::Output;
use super::policy_args::{PolicyArgs, say};
use super::shell::{kubectl, named, quoted};
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::model::{Target, World};
use crate::plan::{Plan, Reason, Request, forbidden, plan_for, unknown_targets};
use crate::policy::Policy;
use crate::policy::check_against;
use crate::report;

/// Show what would change now, in which order and why, and why the rest stays
#[derive(Debug, Args)]
#[command(
    visible_alias = "preview",
    after_help = format!("\
Examples:
  {} > cluster.json
  tidegate plan -f policy.yaml --snapshot cluster.json
  tidegate plan -f policy.yaml --snapshot cluster.json --now 2026-11-24T12:45   # in its zone
  tidegate plan -f policy.yaml --sandbox ./sandbox --out plan.json
  tidegate plan -f policy.yaml --snapshot cluster.json --format markdown --detailed-exitcode", kubectl())
)]
pub struct PlanCommand {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// Only this: `node/NAME` or `pool/NAME`; may be given more than once
    #[arg(long, value_name = "OBJECT", value_parser = super::object::target)]
    target: Vec<Target>,
    /// Save the plan, for `show`, `verify` and `apply`; only over an older one; `-` is standard output, and nothing else is
    /// printed there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: PlanFormat,
    /// Exit with 2 where there are steps to take, where the policy cannot be met, or where a brake holds
    #[arg(long)]
    detailed_exitcode: bool,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    Text,
    /// The public format, see `tidegate schema plan`
    Json,
    /// For a comment on a pull request; its first line is a marker by which a bot finds the older one
    Markdown,
    /// Annotations of GitHub Actions, beside the policy's lines
    Github,
    /// GitLab's report of code quality (`artifacts: reports: codequality`)
    Gitlab,
}

impl PlanFormat {
    /// Prints a plan.
    ///
    /// # Errors
    /// Stdout is closed or full.
    pub fn print(self, plan: &Plan, out: Output) -> Result<(), Failure> {
        match self {
            Self::Text => out.data(&report::plan_text(plan, out.width())),
            Self::Json => out.json(plan),
            Self::Markdown => out.data(&report::plan_markdown(plan)),
            Self::Github => out.data(&report::annotations::github(plan)),
            Self::Gitlab => out.json(&report::annotations::gitlab(plan)),
        }
    }
}

impl PlanCommand {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let piped = self.out.as_deref() == Some(Path::new("-"));
        if let Some(path) = self.out.as_ref().filter(|_| !piped) {
            may_write(path, self.policy.files.iter().chain(&self.world.cluster.snapshot))?;
        }
        let (sources, policy) = self.policy.load(out)?;
        let (world, now) = self.world.world_and_last_apply(&policy, out)?;
        if say(out, &check_against(&policy, &world, now), &sources.files) {
            return Err(Failure::silent(Exit::Error));
        }
        known(&policy, &world, &self.target)?;
        let request = Request { targets: self.target.clone(), for_apply: false };
        let (mut plan, _) = plan_for(&policy, &world, now, &request);
        self.world.cluster.name_in(&mut plan.snapshot);
        let plan = plan.sealed();
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(&plan).map_err(Failure::new)?;
            if piped { out.data(&text)? } else { out.write(path, &(text + "\n"))? }
        }
        if !piped {
            self.format.print(&plan, out)?;
        }
        if let Some(path) = &self.out {
            if self.format == PlanFormat::Text && !piped {
                out.say(&format!("Saved as `{}`", path.display()));
            }
            if !plan.applyable && !plan.steps.is_empty() {
                out.say(&self.only_to_read(path, &plan, &policy));
            }
        }
        if let Some(failure) = frozen(&plan) {
            return Err(failure);
        }
        let pending = self.detailed_exitcode && plan.pending();
        Ok(if pending { Exit::Pending } else { Exit::Done })
    }
}

impl PlanCommand {
    /// Why `apply` would refuse a plan that is saved, and what to do for one that it takes.
    fn only_to_read(&self, path: &Path, plan: &Plan, policy: &Policy) -> String {
        let mut text = "`apply` would refuse it, for it is not complete:\n".to_owned();
        text.extend(plan.caveats.iter().map(|caveat| format!("  {caveat}\n")));
        let files: Vec<String> =
            self.world.cluster.snapshot.iter().map(|file| quoted(&file.to_string_lossy())).collect();
        if self.world.cluster.sandbox.is_some() || files.is_empty() {
            text.push_str("Mend that, and make the plan again");
        } else {
            let (files, policy, path) = (files.join(" "), named(policy), quoted(&path.to_string_lossy()));
            text.push_str(&format!(
                "One that can be tried is made of a sandbox:\n  tidegate sandbox create ./sandbox --snapshot {files}\n  \
                 tidegate plan{policy} --sandbox ./sandbox --out {path}\n  tidegate apply {path} --sandbox ./sandbox"
            ));
        }
        text
    }
}

/// Refuses targets that name nothing, rather than saying that nothing is to be done for them.
pub fn known(policy: &Policy, world: &World, targets: &[Target]) -> Result<(), Failure> {
    match unknown_targets(policy, world, targets).as_slice() {
        [] => Ok(()),
        unknown => {
            let meant = targets.iter().filter_map(|target| match target {
                Target::Pool(name) => near(policy.pools.iter().map(|pool| &*pool.name), name)
                    .filter(|near| **near != **name)
                    .map(|near| format!("pool/{near}")),
                Target::Node(name) if policy.pools.iter().any(|pool| pool.name == *name) => {
                    Some(format!("pool/{name}"))
                }
                Target::Node(name) => near(world.nodes.keys().map(AsRef::as_ref), name)
                    .filter(|near| **near != **name)
                    .map(|near| format!("node/{near}")),
            });
            let meant: Vec<String> = meant.map(|meant| format!("`{meant}`")).collect();
            let failure = Failure::new(unknown.join("\n"));
            Err(match meant.as_slice() {
                [] => failure.hint("`tidegate status` lists pools and nodes"),
                meant => failure.hint(format!("did you mean {}?", meant.join(", "))),
            })
        }
    }
}

/// The failure where targets ask for what a freeze forbids.
pub fn frozen(plan: &Plan) -> Option<Failure> {
    let why = |reason: &Reason| report::local_times(&reason.text, &plan.time_zone);
    let nodes: Vec<String> = forbidden(plan, plan)
        .into_iter()
        .map(|kept| format!("{}: {}", kept.node, kept.reasons.first().map(why).unwrap_or_default()))
        .collect();
    (!nodes.is_empty()).then(|| super::carrying::frozen(&nodes))
}
