//! Carries a plan out on a sandbox and says how it ended.

use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::apply::EventFormat;
use super::output::Output;
use super::shell::{named, quoted};
use super::{Exit, Failure};
use crate::cluster::{ClusterError, LockError};
use crate::execute::Event;
use crate::execute::machine::{End, EndKind};
use crate::execute::run::lock::FileLocks;
use crate::execute::run::{ApplyError, Doors, Interrupts, Order, Outcome, apply};
use crate::model::World;
use crate::plan::{Code, NOT_LISTED, Plan, Refusal, Verdict, plan};
use crate::policy::Policy;
use crate::report::progress::{Bars, line};
use crate::report::{local_times, plural};
use crate::sandbox::Sandbox;

/// What is carried out, where and how.
pub struct Carrying<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The sandbox.
    pub sandbox: &'a Sandbox,
    /// Its folder: journal and lock are kept there.
    pub folder: PathBuf,
    /// Do not wait for pods that end by themselves.
    pub no_wait: bool,
    /// How events are printed.
    pub format: EventFormat,
}

/// Carries a plan out, or without one what was cut short.
///
/// # Errors
/// It did not come to its end; the message says what to do.
pub fn carry_out(carrying: &Carrying<'_>, plan: Option<Plan>, out: Output) -> Result<Exit, Failure> {
    let zone = TimeZone::get(&carrying.policy.time_zone).unwrap_or(TimeZone::UTC);
    let steps = plan.as_ref().map_or(0, |plan| plan.steps.len());
    let order = Order {
        policy: carrying.policy,
        resume: plan.is_none(),
        plan,
        no_wait: carrying.no_wait,
        folder: carrying.folder.clone(),
        locks: &FileLocks::of(&carrying.folder),
        lock_timeout: SignedDuration::ZERO,
    };
    let mut bars = (carrying.format == EventFormat::Text && out.watched()).then(|| Bars::new(steps, zone.clone()));
    // A reader that went away does not stop an apply half-way.
    let mut tell = |event: &Event| match (&mut bars, carrying.format) {
        (Some(bars), _) => bars.take(event),
        (None, EventFormat::Json) => drop(out.data(&event.to_line())),
        (None, EventFormat::Text) => {
            if let Some(line) = line(event, &zone) {
                drop(out.data(&line));
            }
        }
    };
    // Between the plan and the answer to it somebody may have removed it.
    carrying.sandbox.still_there()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (cluster, provider, clock) = (carrying.sandbox.clone(), carrying.sandbox.clone(), carrying.sandbox.clone());
    let outcome = runtime.block_on(async {
        let mut interrupts = Interrupts::signals();
        let doors = Doors { cluster: &cluster, provider: &provider, clock: &clock };
        apply(doors, &order, &mut interrupts, &mut tell).await
    });
    drop(bars);
    conclude(outcome, carrying, out)
}

fn conclude(outcome: Outcome, carrying: &Carrying<'_>, out: Output) -> Result<Exit, Failure> {
    let (folder, code) = (quoted(&carrying.folder.to_string_lossy()), exit(outcome.exit_code()));
    match outcome {
        Outcome::Nothing => out.say("Nothing to carry out"),
        Outcome::Ended(end) => {
            if carrying.format == EventFormat::Text && end.kind == EndKind::Done {
                left(carrying, out);
            }
            if let Some(hint) = hint(end, carrying).filter(|_| carrying.format == EventFormat::Text) {
                out.say(&hint);
            }
        }
        Outcome::Refused(refusals, _) => {
            return Err(refused(&refusals));
        }
        Outcome::Frozen(nodes, _) => {
            let nodes: Vec<String> = nodes.iter().map(|node| local_times(node, &carrying.policy.time_zone)).collect();
            return Err(frozen(&nodes));
        }
        Outcome::Stale(changes) => {
            let what: String = changes.iter().map(|change| format!("\n  {change}")).collect();
            return Err(Failure::with(code, format!("the plan is stale; what changed since it was made:{what}")).hint(
                format!(
                    "make the plan again and look at it: `tidegate plan{} --sandbox {folder} --out FILE`",
                    named(carrying.policy)
                ),
            ));
        }
        Outcome::Failed(error) => {
            let failure = Failure::with(code, &error);
            return Err(match &error {
                ApplyError::Lock(LockError::Held(held)) => {
                    failure.hint(format!("if that process is gone: `tidegate unlock {} --sandbox {folder}`", held.id))
                }
                ApplyError::NothingToResume(_) => failure
                    .hint(format!("`{}`, without `--resume`, plans anew from what is there", command(carrying, ""))),
                ApplyError::Gone(_) | ApplyError::Cluster(ClusterError::Gone(_)) => failure.hint(format!(
                    "look at what stands there now with `tidegate sandbox show {folder}`; a sandbox that is gone is \
                     made with `tidegate sandbox create {folder} --snapshot FILE`"
                )),
                _ => failure,
            });
        }
    }
    Ok(code)
}

/// After an end in good order: what a plan made now says, unless nothing is left.
fn left(carrying: &Carrying<'_>, out: Output) {
    let (plan, _) = plan(carrying.policy, &World::build(carrying.sandbox.snapshot()), carrying.sandbox.now());
    if plan.summary.verdict != Verdict::NoChanges {
        out.say(&local_times(&plan.summary.text, &plan.time_zone));
    }
}

fn exit(code: u8) -> Exit {
    match code {
        0 => Exit::Done,
        4 => Exit::Stale,
        5 => Exit::Locked,
        6 => Exit::Partly,
        7 => Exit::Refused,
        8 => Exit::Frozen,
        _ => Exit::Error,
    }
}

/// A freeze forbids what was asked for: `node: freeze` for each node.
pub fn frozen(nodes: &[String]) -> Failure {
    const SHOWN: usize = 5;
    let shown: String = nodes.iter().take(SHOWN).map(|node| format!("\n  {node}")).collect();
    let more = nodes.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let count = plural(nodes.len(), "node");
    Failure::with(Exit::Frozen, format!("a freeze forbids taking {count} away:{shown}{more}"))
        .hint("ask again when it is over; capacity that is to come back is not held up")
}

fn refused(refusals: &[Refusal]) -> Failure {
    let what: String = (refusals.iter())
        .map(|refusal| {
            let place = refusal.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
            format!("\n  {}: {}{place}", refusal.brake, refusal.text)
        })
        .collect();
    Failure::with(Exit::Refused, format!("refused as unsafe; nothing was taken away:{what}")).hint(match refusals {
        [only] if only.brake == NOT_LISTED => "capacity that is to come back was not held up",
        _ => "`brakes` in the policy sets these limits; capacity that is to come back was not held up",
    })
}

/// The command that was given, to be given again.
fn command(carrying: &Carrying<'_>, more: &str) -> String {
    let folder = quoted(&carrying.folder.to_string_lossy());
    format!("tidegate apply{} --sandbox {folder}{more}", named(carrying.policy))
}

/// What to do after an end that was not the whole; the stream has said the numbers.
fn hint(end: End, carrying: &Carrying<'_>) -> Option<String> {
    let again = |more: &str| format!("Run it again to go on: `{}`", command(carrying, more));
    match end.kind {
        EndKind::Done => None,
        EndKind::Partly | EndKind::Waiting => Some(later(carrying)),
        EndKind::Interrupted => Some(format!("Stopped; every node is in a safe state. {}", again(""))),
        EndKind::Abandoned => Some(format!("Stopped at once. {}", again(" --resume"))),
        EndKind::Frozen => Some("A freeze forbids what is left".to_owned()),
    }
}

/// How to go on where only time helps, which stands still in a sandbox that nobody works with.
fn later(carrying: &Carrying<'_>) -> String {
    /// As often as a timer looks again.
    const A_WHILE: i64 = 15;
    let now = carrying.sandbox.now();
    let (plan, _) = plan(carrying.policy, &World::build(carrying.sandbox.snapshot()), now);
    let barred = plan.kept.iter().flat_map(|kept| &kept.reasons).filter(|reason| reason.code == Code::RecentlyFailed);
    let next = barred.filter_map(|reason| reason.evidence.until).filter(|next| *next > now).min();
    let minutes = next.map_or(A_WHILE, |next| next.duration_since(now).as_secs().saturating_add(59) / 60);
    let folder = quoted(&carrying.folder.to_string_lossy());
    format!(
        "The clock of a sandbox stands still between two runs: turn it, `tidegate sandbox advance {minutes}m {folder}`, and \
         run this again to go on: `{}`",
        command(carrying, "")
    )
}
