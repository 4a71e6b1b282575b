//! Carries a plan out and says how it ended.

use std::path::Path;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::apply::EventFormat;
use super::cut_short::CutShort;
use super::ground::Ground;
use super::output::Output;
use super::shell::{named, quoted};
use super::{Exit, Failure};
use crate::cluster::{ClusterError, LockError, Locks};
use crate::execute::machine::{End, EndKind};
use crate::execute::run::{ApplyError, Order, Outcome};
use crate::execute::{Event, EventKind};
use crate::model::World;
use crate::plan::{Code, INCOMPLETE, NOT_LISTED, OTHER_CLOUD, OTHER_CLUSTER, Plan, Refusal, Verdict, Word, plan};
use crate::policy::Policy;
use crate::report::progress::{Bars, line};
use crate::report::{local_times, plural};

/// What is carried out, where and how.
pub struct Carrying<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The cluster.
    pub ground: &'a Ground,
    /// What is asked for by hand with it.
    pub word: Word,
    /// The file of the plan that was agreed to.
    pub saved: Option<&'a Path>,
    /// Carry out what the plan made now does where that is some of what was agreed to.
    pub within: bool,
    /// Only go on with what was cut short.
    pub resume: bool,
    /// Wait so long for a lock that somebody else holds.
    pub lock_timeout: SignedDuration,
    /// Do not wait for pods that end by themselves.
    pub no_wait: bool,
    /// How events are printed.
    pub format: EventFormat,
}

impl Carrying<'_> {
    fn order<'a>(&'a self, plan: Option<Plan>, locks: &'a dyn Locks) -> Order<'a> {
        Order {
            policy: self.policy,
            resume: self.resume,
            within: self.within,
            exact: self.saved.is_some(),
            plan,
            no_wait: self.no_wait,
            folder: self.ground.folder().to_owned(),
            locks,
            lock_timeout: self.lock_timeout,
            word: self.word.clone(),
        }
    }
}

/// Carries a plan out, or without one what was cut short.
///
/// # Errors
/// It did not come to its end; the message says what to do.
pub fn carry_out(carrying: &Carrying<'_>, plan: Option<Plan>, out: Output) -> Result<Exit, Failure> {
    let zone = TimeZone::get(&carrying.policy.time_zone).unwrap_or(TimeZone::UTC);
    let steps = plan.as_ref().map_or(0, |plan| plan.steps.len());
    let locks = carrying.ground.locks();
    let order = carrying.order(plan, &*locks);
    let mut bars = (carrying.format == EventFormat::Text && out.watched()).then(|| Bars::new(steps, zone.clone()));
    // A reader that went away does not stop an apply half-way.
    let mut lost = false;
    let mut tell = |event: &Event| {
        let told = match (&mut bars, carrying.format) {
            (Some(bars), _) => {
                bars.take(event);
                Ok(())
            }
            (None, EventFormat::Json) => out.data(&event.to_line()),
            (None, EventFormat::Text) => line(event, &zone).map_or(Ok(()), |line| out.data(&line)),
        };
        if told.is_err() && !std::mem::replace(&mut lost, true) {
            out.say(
                "warning: standard output takes nothing any more: the apply goes on unseen; `tidegate status` shows it",
            );
        }
    };
    let outcome = carrying.ground.apply(&order, &mut tell)?;
    drop(bars);
    conclude(outcome, carrying, out)
}

/// Has a plan without steps remembered: how many nodes there are, since when nothing needs them. The next run's brakes
/// and patience rest on it. Whoever is at work at this moment remembers for itself.
///
/// # Errors
/// It cannot be written, or something has come up meanwhile that is to be done.
pub fn remember(carrying: &Carrying<'_>, plan: Plan, out: Output) -> Result<(), Failure> {
    let locks = carrying.ground.locks();
    let order = Order { lock_timeout: SignedDuration::ZERO, ..carrying.order(Some(plan), &*locks) };
    let mut tell = |event: &Event| {
        if event.kind == EventKind::Warning {
            out.say(&format!("warning: {}", event.message));
        }
    };
    match carrying.ground.apply(&order, &mut tell)? {
        Outcome::Nothing | Outcome::Before | Outcome::Unsettled(None) | Outcome::Frozen(_, None) => Ok(()),
        Outcome::Failed(ApplyError::Lock(LockError::Held(_) | LockError::Silent(_) | LockError::Stopped(_))) => Ok(()),
        outcome => conclude(outcome, carrying, out).map(drop),
    }
}

fn conclude(outcome: Outcome, carrying: &Carrying<'_>, out: Output) -> Result<Exit, Failure> {
    let (flags, code) = (carrying.ground.flags(), exit(outcome.exit_code()));
    match outcome {
        Outcome::Nothing => out.say("Nothing to carry out"),
        Outcome::Before => out.say("Done already: each node of the plan is as the plan wanted it"),
        Outcome::Ended(end) => {
            if carrying.format == EventFormat::Text && end.kind == EndKind::Done {
                left(carrying, out);
            }
            if let Some(hint) = hint(end, carrying).filter(|_| carrying.format == EventFormat::Text) {
                out.say(&hint);
            }
        }
        Outcome::Unsettled(_) => {
            if carrying.format == EventFormat::Text {
                out.say(&later(carrying));
            }
        }
        Outcome::Refused(refusals, _) => {
            return Err(refused(&refusals, carrying.ground));
        }
        Outcome::Frozen(nodes, _) => {
            let nodes: Vec<String> = nodes.iter().map(|node| local_times(node, &carrying.policy.time_zone)).collect();
            return Err(frozen(&nodes));
        }
        Outcome::Stale(changes) => {
            return Err(Failure::with(
                code,
                format!("the plan is stale; what changed since it was made:{}", listed(&changes)),
            )
            .hint(again(carrying)));
        }
        Outcome::Beyond(news) => {
            let text = format!("the plan made now does more than was approved:{}", listed(&news));
            return Err(Failure::with(code, text).hint(again(carrying)));
        }
        Outcome::Failed(error) => {
            let failure = Failure::with(code, local_times(&error.to_string(), &carrying.policy.time_zone));
            return Err(match &error {
                ApplyError::Lock(LockError::Held(held) | LockError::Silent(held)) => failure
                    .hint("`--lock-timeout 10m` waits for it")
                    .hint(format!("if that process is gone: `tidegate unlock {}{flags}`", held.id)),
                ApplyError::Lock(LockError::Stopped(_)) => {
                    failure.hint(format!("`tidegate stop --end{flags}` lets everything go on"))
                }
                ApplyError::NothingToResume(_) => failure
                    .hint(format!("`{}`, without `--resume`, plans anew from what is there", command(carrying, ""))),
                ApplyError::Gone(_) | ApplyError::Cluster(ClusterError::Gone(_)) => {
                    failure.hint(carrying.ground.when_gone())
                }
                _ => failure,
            });
        }
    }
    Ok(code)
}

/// Each in a line of its own.
fn listed(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

/// How to make the plan again.
fn again(carrying: &Carrying<'_>) -> String {
    let (policy, flags) = (named(carrying.policy), carrying.ground.flags());
    format!("make the plan again and look at it: `tidegate plan{policy}{flags} --out FILE`")
}

/// After an end in good order: what a plan made now says, unless nothing is left.
fn left(carrying: &Carrying<'_>, out: Output) {
    let Ok(snapshot) = carrying.ground.snapshot() else { return };
    let (plan, _) = plan(carrying.policy, &World::build(snapshot), carrying.ground.now());
    let text = local_times(&plan.summary.text, &plan.time_zone);
    match text.strip_prefix("Plan: ") {
        _ if plan.summary.verdict == Verdict::NoChanges => {}
        Some(text) => out.say(&format!("What the policy still wants, at the next `apply`: {text}")),
        None => out.say(&format!("What the policy makes of it now: {text}")),
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
    Failure::with(Exit::Frozen, format!("a freeze forbids taking {count} away; nothing was taken away:{shown}{more}"))
        .hint(
            "ask again when it is over; in an emergency let the policy skip it, with an exception for the day in the \
             freeze's schedule (`skip: [WINDOW]`); capacity that is to come back is not held up",
        )
}

/// Brakes hold all of it.
pub fn refused(refusals: &[Refusal], ground: &Ground) -> Failure {
    let what: String = (refusals.iter())
        .map(|refusal| {
            let place = refusal.origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
            format!("\n  {}: {}{place}", refusal.brake, refusal.text)
        })
        .collect();
    let nothing_at_all = refusals.iter().any(Refusal::forbids_all);
    let mut hints: Vec<String> = refusals.iter().filter_map(|refusal| way_out(&refusal.brake, ground)).collect();
    hints.dedup();
    hints.push(if nothing_at_all {
        "until then nothing at all is done, giving capacity back included".to_owned()
    } else {
        "capacity that is to come back is not held up".to_owned()
    });
    Failure::with(Exit::Refused, format!("refused as unsafe; nothing was taken away:{what}")).hint(hints.join("; "))
}

/// What to do about a brake; None where its own words say so.
fn way_out(brake: &str, ground: &Ground) -> Option<String> {
    let way = match brake {
        "max-nodes" => "take fewer away at once (`--target`), or raise `brakes.maxNodes` in the policy",
        "snapshot-too-old" => "look again, or raise `brakes.maxSnapshotAge` in the policy",
        INCOMPLETE | NOT_LISTED => return Some(ground.when_half()),
        OTHER_CLUSTER => "go to the other cluster, or change `cluster` in the policy",
        OTHER_CLOUD => {
            "name the cloud, project and region that the nodes' servers are in (clouds.yaml, `OS_CLOUD`, `providers`)"
        }
        _ => return None,
    };
    Some(way.to_owned())
}

/// The command that was given, to be given again.
fn command(carrying: &Carrying<'_>, more: &str) -> String {
    let plan = carrying.saved.map(|plan| format!(" {}", quoted(&plan.to_string_lossy()))).unwrap_or_default();
    format!("tidegate apply{plan}{}{}{more}", named(carrying.policy), carrying.ground.flags())
}

/// What to do after an end that was not the whole; the stream has said the numbers.
fn hint(end: End, carrying: &Carrying<'_>) -> Option<String> {
    let again = |more: &str| format!("Run it again to go on: `{}`", command(carrying, more));
    match end.kind {
        EndKind::Done => None,
        EndKind::Partly | EndKind::Waiting => Some(later(carrying)),
        // What was asked for by hand alone goes on alone.
        EndKind::Interrupted if !carrying.word.is_empty() => Some(format!("Stopped safely. {}", again(" --resume"))),
        EndKind::Interrupted => Some(format!("Stopped; every node is in a safe state. {}", again(""))),
        EndKind::Abandoned => {
            let at_work = at_work(carrying).map(|at_work| format!("{at_work}. ")).unwrap_or_default();
            Some(format!("Stopped at once. {at_work}{}", again(" --resume")))
        }
        EndKind::Frozen => Some("A freeze forbids what is left".to_owned()),
    }
}

/// Which servers the provider goes on with although nobody waits for them any more.
fn at_work(carrying: &Carrying<'_>) -> Option<String> {
    const SHOWN: usize = 10;
    let snapshot = carrying.ground.snapshot().ok()?;
    let busy: Vec<String> = (snapshot.servers.iter())
        .filter_map(|server| server.task.as_ref().map(|task| format!("{} ({task})", server.carries())))
        .collect();
    let more = busy.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = busy.get(..SHOWN).unwrap_or(&busy).join(", ");
    (!busy.is_empty())
        .then(|| format!("The provider is still at work on {}: {shown}{more}", plural(busy.len(), "server")))
}

/// How to go on where nothing can be done now: first what was cut short, then time.
pub fn go_on(carrying: &Carrying<'_>) -> String {
    let cut = CutShort::begun(carrying.ground.folder(), &command(carrying, " --resume"));
    cut.unwrap_or_else(|| later(carrying))
}

/// How to go on where only time helps.
fn later(carrying: &Carrying<'_>) -> String {
    /// As often as a timer looks again.
    const A_WHILE: i64 = 15;
    let (ground, again) = (carrying.ground, command(carrying, ""));
    let now = ground.now();
    let Ok(snapshot) = ground.snapshot() else { return format!("Run this again to go on: `{again}`") };
    let (plan, _) = plan(carrying.policy, &World::build(snapshot), now);
    let barred = plan.kept.iter().flat_map(|kept| &kept.reasons).filter(|reason| reason.code == Code::RecentlyFailed);
    let next = barred.filter_map(|reason| reason.evidence.until).filter(|next| *next > now).min();
    let minutes = next.map_or(A_WHILE, |next| next.duration_since(now).as_secs().saturating_add(59) / 60);
    ground.in_time(minutes, &again)
}
