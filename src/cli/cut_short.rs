//! An apply that is at work, or that came to no end: what `status`, `plan` and `doctor` say of it, and how to go on with it.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::output::Output;
use super::reached::{Reached, journal_place};
use super::shell::{named, quoted};
use crate::cluster::{LockRecord, Locks as _, Stop};
use crate::doctor::{Finding, Level};
use crate::execute::run::{Fate, Unended, left_behind, unended};
use crate::execute::run::{journal, lock};
use crate::policy::Policy;
use crate::report::{local_long, plural};

/// What is to be said of it.
#[derive(Clone, Debug)]
pub struct CutShort {
    level: Level,
    text: String,
    advice: String,
}

/// Nodes that are named.
const SHOWN: usize = 5;

impl CutShort {
    /// Of a sandbox.
    pub fn in_sandbox(folder: &Path, policy: &Policy) -> Option<Self> {
        let holder = lock::holder(folder).ok().flatten();
        let flags = format!(" --sandbox {}", quoted(&folder.to_string_lossy()));
        if let Some(stop) = lock::stop_in(folder).ok().flatten().filter(|stop| stop.holds(Timestamp::now())) {
            return Some(Self::stopped(&stop, policy, &flags));
        }
        if let Some(held) = holder.as_ref().filter(|held| left_behind((*held).clone(), Timestamp::now()).is_none()) {
            return Some(Self::at_work(held, policy));
        }
        Self::of(unended(folder, holder.as_ref(), Timestamp::now()), policy, &flags)
    }

    /// Of a live cluster: by its journal, where that is kept on this machine and at its usual place, else by the lock that
    /// an apply of another machine left.
    pub fn in_cluster(reached: &Reached, policy: &Policy, runtime: &Runtime) -> Option<Self> {
        let holder = runtime.block_on(reached.live.locks().holder()).ok().flatten();
        let (now, flags) = (Timestamp::now(), reached.flags());
        if let Some(stop) = runtime.block_on(reached.live.locks().stopped(now)).ok().flatten() {
            return Some(Self::stopped(&stop, policy, flags));
        }
        if let Some(held) = holder.as_ref().filter(|held| left_behind((*held).clone(), now).is_none()) {
            return Some(Self::at_work(held, policy));
        }
        let here = journal_place(reached.live.cluster())
            .and_then(|folder| Self::of(unended(&folder, holder.as_ref(), now), policy, flags));
        here.or_else(|| Some(Self::elsewhere(&left_behind(holder?, now)?, policy, flags)))
    }

    fn stopped(stop: &Stop, policy: &Policy, flags: &str) -> Self {
        let [since, until] = [stop.since, stop.until].map(|at| local_long(at, &policy.time_zone));
        let why = stop.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        Self {
            level: Level::Warning,
            text: format!("{} stopped everything at {since}, until {until}{why}: nothing is taken away", stop.by),
            advice: format!("`tidegate stop --end{flags}` lets it go on"),
        }
    }

    fn at_work(held: &LockRecord, policy: &Policy) -> Self {
        let LockRecord { id, owner, operation, since, pid, host, .. } = held;
        let since = local_long(*since, &policy.time_zone);
        Self {
            level: Level::Ok,
            text: format!("{owner} is at work since {since}: `{operation}`, process {pid} on {host}, lock {id}"),
            advice: String::new(),
        }
    }

    fn elsewhere(left: &LockRecord, policy: &Policy, flags: &str) -> Self {
        let LockRecord { owner, operation, since, expires, host, .. } = left;
        let [since, expires] = [since, expires].map(|at| local_long(*at, &policy.time_zone));
        Self {
            level: Level::Warning,
            text: format!(
                "the `{operation}` that {owner} began {since} was cut short: its lock was not renewed since {expires}, and \
                 its journal is not on this machine"
            ),
            advice: format!(
                "`tidegate apply{}{flags} --resume` goes on by the marks on the nodes, on `{host}` by the journal",
                named(policy)
            ),
        }
    }

    /// How to go on with an apply whose journal in `folder` has no end: by `command`.
    pub fn begun(folder: &Path, command: &str) -> Option<String> {
        let told = journal::read(folder).ok().flatten()?;
        let text = format!("An apply that {} began was cut short, and goes on: `{command}`", told.owner);
        told.end.is_none().then_some(text)
    }

    fn of<E: std::fmt::Display>(found: Result<Option<Unended>, E>, policy: &Policy, flags: &str) -> Option<Self> {
        let again = format!("`tidegate apply{}{flags} --resume`", named(policy));
        match found {
            Ok(found) => {
                let Unended { told, fate } = found?;
                let began =
                    format!("the apply that {} began {}", told.owner, local_long(told.began, &policy.time_zone));
                let fate = match fate {
                    Fate::AtWork => return None,
                    Fate::Killed => "was cut short",
                    Fate::Stopped => "was stopped at once",
                    Fate::Unknown => {
                        return Some(Self {
                            level: Level::Warning,
                            text: format!("{began} has no end: it waits for pods, or it was cut short"),
                            advice: format!("unless it still waits somewhere: {again} goes on with it"),
                        });
                    }
                };
                let flying = told.in_flight();
                let nodes: BTreeSet<&str> = flying.values().filter_map(|act| act.node()).map(|node| &**node).collect();
                let more = nodes.len().saturating_sub(SHOWN);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let shown: Vec<&str> = nodes.into_iter().take(SHOWN).collect();
                let on = if shown.is_empty() { String::new() } else { format!(" on {}{more}", shown.join(", ")) };
                let left = match flying.len() {
                    0 => String::new(),
                    acts => format!(" with {} in flight{on}", plural(acts, "act")),
                };
                Some(Self {
                    level: Level::Warning,
                    text: format!("{began} {fate}{left}"),
                    advice: format!("{again} goes on with it; without `--resume` a new plan starts from what it left"),
                })
            }
            Err(error) => Some(Self {
                level: Level::Error,
                text: format!("whether an apply was cut short cannot be told: {error}"),
                advice: "mend that before the next `apply`".to_owned(),
            }),
        }
    }

    /// Says it on stderr.
    pub fn say(&self, out: Output) {
        match self.level {
            Level::Ok => out.say(&self.text),
            _ => out.say(&format!("warning: {}\nhint: {}", self.text, self.advice)),
        }
    }

    /// As one line of a check-up; `None` is an apply that came to its end, or none.
    pub fn finding(found: Option<Self>) -> Finding {
        const CHECK: &str = "last-apply";
        match found {
            None => Finding::ok(CHECK, "no apply was cut short"),
            Some(Self { level: Level::Ok, text, .. }) => Finding::ok(CHECK, text),
            Some(Self { level, text, advice }) => Finding::new(CHECK, level, text, advice),
        }
    }
}
