//! `tidegate apply`: carries a plan out.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::carrying::{Carrying, carry_out, go_on, remember};
use super::ground::{Ground, GroundArgs, WorkArgs};
use super::output::Output;
use super::saved::{SavedPolicyArgs, saved};
use super::{Exit, Failure};
use crate::execute::{Event, EventKind};
use crate::model::{Target, World};
use crate::plan::{Inventory, Left, Plan, Request, Word, missed, plan_for};
use crate::policy::Policy;
use crate::report::{local_times, plan_text};

/// How often a plan that nobody was asked about is made anew because the cluster moved on before it was begun.
const AGAIN: u32 = 3;

/// Carry out a plan: cordon, drain, park; wake, wait, uncordon
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate apply -f policy.yaml --sandbox ./sandbox            # shows the plan and asks
  tidegate apply plan.json --sandbox ./sandbox                 # a plan that was agreed to, by its own policy
  tidegate apply plan.json --sandbox ./sandbox --within        # or less than that, where things have moved on
  tidegate apply -f policy.yaml --sandbox ./sandbox --resume   # goes on where one was cut short
  tidegate apply -f policy.yaml --sandbox ./sandbox --yes --format json > events.jsonl
  tidegate apply -f policy.yaml --context workshop --lock-timeout 10m   # a live cluster and its cloud
  tidegate apply -f policy.yaml --sandbox ./sandbox --snapshot cluster.json --yes --slow 60")]
pub struct Apply {
    /// A plan that `plan --out` saved; given again it goes on where it ended; without one it is made now and shown first
    plan: Option<PathBuf>,
    #[command(flatten)]
    policy: SavedPolicyArgs,
    #[command(flatten)]
    ground: GroundArgs,
    #[command(flatten)]
    work: WorkArgs,
    /// Make the sandbox from this if it is not there yet
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Cluster")]
    snapshot: Vec<PathBuf>,
    /// Only this: `node/NAME` or `pool/NAME`; may be given more than once
    #[arg(long, value_name = "OBJECT", conflicts_with_all = ["plan", "resume"], value_parser = super::object::target)]
    target: Vec<Target>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Go on with what was cut short, whichever plan that was; with a plan only if it was that one
    #[arg(long)]
    resume: bool,
    /// Where the plan is stale: carry out what is planned now if its steps are some of those of the plan
    #[arg(long, requires = "plan")]
    within: bool,
    /// Do not wait for pods that end by themselves: end with 6, and the next run goes on (so it is without a terminal)
    #[arg(long)]
    no_wait: bool,
    /// Print nothing where nothing is to be done, for timers; what is done and what fails is said
    #[arg(long, conflicts_with_all = ["plan", "resume"])]
    quiet: bool,
    /// How to print what happens
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: EventFormat,
    /// Slow the sandbox down to so many of its seconds per second, to watch it
    #[arg(long, value_name = "FACTOR", requires = "sandbox", value_parser = clap::value_parser!(u32).range(1..))]
    slow: Option<u32>,
}

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EventFormat {
    /// Bars at a terminal, plain lines in a pipe
    Text,
    /// One JSON object per line, see `tidegate schema event`
    Json,
}

impl Apply {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let agreed = self.plan.as_deref().map(saved).transpose()?;
        if let (Some(file), Some(None)) = (&self.plan, agreed.as_ref().map(Plan::intact)) {
            return Err(Failure::new(format!(
                "`{}` has no checksum: nobody can tell whether it was edited",
                file.display()
            ))
            .hint("make the plan again: `tidegate plan --out FILE`"));
        }
        let policy = self.policy.load(agreed.as_ref(), out)?;
        let ground = self.ground.open(Some(&policy), (&self.snapshot, self.slow), Some(&self.work), out)?;
        if let (Some(here), Some(plan)) = (ground.live(), &agreed) {
            same_cluster(plan, here)?;
        }
        let carrying = Carrying {
            policy: &policy,
            ground: &ground,
            word: Word::default(),
            saved: self.plan.as_deref(),
            within: self.within,
            resume: self.resume,
            lock_timeout: self.work.lock_timeout,
            no_wait: self.no_wait || !out.watched(),
            format: self.format,
        };
        if self.resume || agreed.is_some() {
            return carry_out(&carrying, agreed, out);
        }
        // Where nobody was asked, a cluster that moves on is looked at again.
        for _ in 0..if self.yes { AGAIN } else { 0 } {
            match self.attempt(&carrying, out) {
                Err(failure) if failure.exit() == Exit::Stale => {
                    out.say(&format!("{}\nPlanning again", failure.told().0))
                }
                ended => return ended,
            }
        }
        self.attempt(&carrying, out)
    }

    fn attempt(&self, carrying: &Carrying<'_>, out: Output) -> Result<Exit, Failure> {
        match self.agree(carrying.policy, carrying.ground, out)? {
            Agreed::ToAct(plan) => carry_out(carrying, Some(*plan), out),
            Agreed::Quiet(plan, ended) => {
                remember(carrying, *plan, out)?;
                if matches!(ended, Ok(Exit::Partly)) && self.format == EventFormat::Text {
                    out.say(&go_on(carrying));
                }
                ended
            }
        }
    }

    /// With `--yes` nobody has to read the plan: a reader that went away does not stop the apply.
    fn shown(&self, printed: Result<(), Failure>) -> Result<(), Failure> {
        if self.yes { Ok(()) } else { printed }
    }

    /// Makes the plan, shows it, and asks.
    fn agree(&self, policy: &Policy, ground: &Ground, out: Output) -> Result<Agreed, Failure> {
        let world = World::build(ground.snapshot()?);
        super::plan::known(policy, &world, &self.target)?;
        let request = Request { targets: self.target.clone(), for_apply: true };
        let (plan, _) = plan_for(policy, &world, ground.now(), &request);
        let text = plan_text(&plan, out.width());
        let quiet = self.quiet && plan.steps.is_empty();
        match self.format {
            _ if quiet => out.detail(&text),
            EventFormat::Text => self.shown(out.data(&text))?,
            EventFormat::Json => out.detail(&text),
        }
        let frozen = super::plan::frozen(&plan);
        if let Some(failure) = frozen.filter(|_| plan.steps.is_empty()) {
            return Ok(Agreed::Quiet(Box::new(plan), Err(failure)));
        }
        if plan.steps.is_empty() && plan.refusals.is_empty() {
            if quiet {
                for line in missed(policy, &world, &Inventory::take(policy, &world), plan.now) {
                    out.say(&local_times(&line, &plan.time_zone));
                }
            }
            if self.format == EventFormat::Json && !quiet {
                self.shown(only_summary(&plan.summary.text, ground.now(), out))?;
            }
            let exit = if plan.unsettled() { Exit::Partly } else { Exit::Done };
            return Ok(Agreed::Quiet(Box::new(plan), Ok(exit)));
        }
        // Nobody is asked for what a brake holds whatever the answer is.
        let left = Left::by(&plan.refusals);
        if !self.yes && plan.steps.iter().any(|step| left.has(step.verb)) {
            ask(out)?;
        }
        Ok(Agreed::ToAct(Box::new(plan)))
    }
}

/// What comes of a plan that was shown.
enum Agreed {
    /// It is carried out.
    ToAct(Box<Plan>),
    /// It has nothing to carry out: what was noticed is remembered, and it ends so.
    Quiet(Box<Plan>, Result<Exit, Failure>),
}

/// A plan that was agreed to for one cluster is never carried out on another.
fn same_cluster(plan: &Plan, here: &str) -> Result<(), Failure> {
    let Some(there) = plan.snapshot.cluster.as_deref().filter(|there| *there != here) else { return Ok(()) };
    let context = plan.snapshot.context.as_ref().map(|context| format!(" (context `{context}`)")).unwrap_or_default();
    Err(Failure::with(Exit::Stale, format!("the plan is for cluster {there}{context}, and this is cluster {here}"))
        .hint("name its cluster with `--context`, or make a plan of this one"))
}

/// An event stream of nothing but how it ended.
///
/// # Errors
/// Stdout is closed or full.
pub fn only_summary(text: &str, now: Timestamp, out: Output) -> Result<(), Failure> {
    for event in [Event::version(now), Event::new(EventKind::Summary, now, text)] {
        out.data(&event.to_line())?;
    }
    Ok(())
}

/// Asks whether to go on.
///
/// # Errors
/// Nobody is there, or the answer is not yes.
pub fn ask(out: Output) -> Result<(), Failure> {
    if !out.answers() {
        return Err(Failure::new("nobody is there to be asked").hint("`--yes` goes on without asking"));
    }
    write!(anstream::stderr(), "\nCarry this out? Only `yes` does: ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(Failure::new("not carried out")),
    }
}
