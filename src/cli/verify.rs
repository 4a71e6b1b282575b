//! `tidegate verify`: would every prefix of a saved plan be safe, and is what it says true? Asked of a checker that decides
//! nothing by the planner's code.

use std::fmt::Display;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::format::Format;
use super::output::Output;
use super::saved::{SavedPolicyArgs, saved, snapshot};
use super::shell::quoted;
use super::world_args::ClusterArgs;
use super::{Exit, Failure};
use crate::model::{World, digest};
use crate::plan::{Plan, Verified, Violation, verify};
use crate::report::{local_long, plural};

/// Replay a saved plan and check that the cluster is safe after each prefix of it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate verify plan.json                                           # against what it was made from
  tidegate verify plan.json -f policy.yaml --snapshot cluster.json
  tidegate verify plan.json --format json")]
pub struct Verify {
    /// The plan, as `plan --out` saved it
    plan: PathBuf,
    #[command(flatten)]
    policy: SavedPolicyArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl Verify {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let plan = saved(&self.plan)?;
        let policy = self.policy.load(Some(&plan), out)?;
        let world = World::build(snapshot(&plan, &policy, &self.cluster, out)?);
        let violations = verify(&plan, &world, &policy);
        // Whatever else is found then is measured by the wrong world.
        let elsewhere = plan.snapshot.digest != digest(&world);
        match self.format {
            Format::Json => out.json(&Verified::of(&plan, violations.clone()))?,
            Format::Text if elsewhere => out.data(&other_world(&plan, &world))?,
            Format::Text => out.data(&text(&plan, &violations))?,
        }
        if elsewhere {
            let (plan_of, plan) = (plan.snapshot.sandbox.as_deref(), self.plan.display());
            let failure = format!("`{plan}` was made from another world: it cannot be judged");
            return Err(Failure::with(Exit::Stale, failure).hint(elsewhere_hint(plan, plan_of)));
        }
        if violations.is_empty() {
            return Ok(Exit::Done);
        }
        Err(Failure::with(
            Exit::Denied,
            format!(
                "{} in `{}`: it is not to be carried out",
                plural(violations.len(), "violation"),
                self.plan.display()
            ),
        )
        .hint("make the plan again from what is there now"))
    }
}

/// How a plan can be checked when its world is another one by now.
fn elsewhere_hint(plan: impl Display, sandbox: Option<&str>) -> String {
    match sandbox {
        Some(folder) => format!(
            "a plan of a sandbox can be checked until somebody works with that sandbox, and for ever beside its world: make the plan \
             again, save that with `tidegate snapshot --sandbox {} --out world.json.gz`, and anybody can \
             `tidegate verify {plan} --snapshot world.json.gz`",
            quoted(folder)
        ),
        None => "name what it was made from with `--snapshot FILE`, or make the plan again from what is there now"
            .to_owned(),
    }
}

/// What tells the two worlds apart, for people.
fn other_world(plan: &Plan, world: &World) -> String {
    let named = |cluster: Option<&str>, taken: Option<Timestamp>| {
        let taken = taken.map(|at| format!(", seen {}", local_long(at, &plan.time_zone))).unwrap_or_default();
        format!("cluster {}{taken}", cluster.unwrap_or("without a name"))
    };
    let mut then = named(plan.snapshot.cluster.as_deref(), plan.snapshot.taken);
    let mut now = named(world.cluster.as_deref(), world.taken);
    // Two moments of one second look alike.
    if then == now {
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        then = format!("{then}, digest {}", short(&plan.snapshot.digest));
        now = format!("{now}, digest {}", short(&digest(world)));
    }
    format!("The world is another one than the plan was made from:\n  the plan: {then}\n  this one: {now}")
}

/// What a good word rests on, and what not.
const COVERED: &str = "
  replayed in four of the orders that the plan allows: as written, from the end, taking first, giving first
  a drain counts as one step there; in a fifth order all drains that may run together do, their evictions interleaved
  homes and budgets are judged by the same rules of placement that the plan was made by";

fn text(plan: &Plan, violations: &[Violation]) -> String {
    if !violations.is_empty() {
        return violations.iter().map(|violation| format!("{violation}\n")).collect();
    }
    if plan.steps.is_empty() {
        return "It has no steps, and what it says is true".to_owned();
    }
    let mut text = format!("Safe by simulation after every prefix of its {}", plural(plan.steps.len(), "step"));
    text.push_str(COVERED);
    if !plan.applyable {
        text.push_str(&format!("\nNot to be carried out: {}", plan.caveats.join("; ")));
    }
    for refusal in &plan.refusals {
        text.push_str(&format!("\nBrake {}: {}", refusal.brake, refusal.text));
    }
    text
}
