//! `tidegate schedule`: what the schedules ask for, when, and who says so.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::connect_args::ConnectArgs;
use super::moment::Moment;
use super::object::near;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::shell::quoted;
use super::until::Until;
use super::{Exit, Failure};
use crate::model::World;
use crate::plan::{AUTO_LEAD, wake_lead};
use crate::policy::{Policy, Pool};
use crate::report::local_long;
use crate::report::timetable::{self, Command, HeldAt, Timetable, Timetables};
use crate::sandbox::Sandbox;
use crate::schedule::holds;
use crate::source::in_git;

/// Show the coming changes of each pool, or who says what at one moment
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate schedule -f policy.yaml
  tidegate schedule -f policy.yaml --from 2026-12-01 --until 2027-01-15 --pool workers
  tidegate schedule -f policy.yaml --at 2026-11-24T12:45        # the whole chain at one moment
  tidegate schedule -f policy.yaml --format ics > capacity.ics  # for a calendar
  tidegate schedule -f policy.yaml --sandbox ./sandbox --format crontab   # when to run `apply`")]
pub struct Schedule {
    #[command(flatten)]
    policy: PolicyArgs,
    /// From when: a time in the policy's zone, a day, or how long from now (`8h`); now by default
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// Up to when: a time, a day for its end, or how long after the start (`30d`); 14 days after the start by default, a year for timers and calendars
    #[arg(long, value_name = "TIME")]
    until: Option<Until>,
    /// One moment, with the whole chain of who says what
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "until"])]
    at: Option<Moment>,
    /// Only this pool; may be given more than once
    #[arg(long, value_name = "NAME")]
    pool: Vec<String>,
    /// The sandbox that `apply` is to work on: for timers, and for what `lead: auto` measured there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig"])]
    sandbox: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For scripts
    Json,
    /// iCalendar
    Ics,
    /// Lines for crontab(5) that run `apply`
    Crontab,
    /// A systemd timer that runs `apply`
    Systemd,
}

impl Schedule {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let pools = self.pools(&policy)?;
        let clock = Timestamp::now();
        let moment = |flag, moment: Moment| moment.at(flag, &policy.time_zone, clock);
        if let Some(at) = self.at {
            self.chain(&policy, &pools, moment("--at", at)?, out)?;
            return Ok(Exit::Done);
        }
        let from = self.from.map_or_else(|| Ok(clock), |from| moment("--from", from))?;
        let days = if matches!(self.format, Format::Text | Format::Json) { 14 } else { 366 };
        let until = match self.until {
            Some(until) => until.at(from, &policy.time_zone)?,
            None => from.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX),
        };
        if until <= from {
            return Err(Failure::new(format!("`--until` ({until}) is not after the start ({from})")));
        }
        let world = self.world();
        let mut tables = Vec::new();
        for pool in &pools {
            let lead = wake_lead(&world, pool);
            tables.push(Timetable::of(&policy, pool, from, until, lead));
            // What was measured may be less again when the timer fires: it must not miss the window then.
            if lead > AUTO_LEAD && matches!(self.format, Format::Crontab | Format::Systemd) {
                tables.push(Timetable::of(&policy, pool, from, until, AUTO_LEAD));
            }
        }
        let command = self.command()?;
        match self.format {
            Format::Text => out.data(&timetable::text(&tables, out.width()))?,
            Format::Json => out.json(&Timetables::of(tables))?,
            Format::Ics => {
                out.data(&timetable::calendar(&tables))?;
                let until = local_long(until, &policy.time_zone);
                out.say(&format!("The calendar ends {until}: print it again before then, or name `--until`"));
            }
            Format::Crontab => out.data(&timetable::crontab(&tables, &command))?,
            Format::Systemd => out.data(&timetable::systemd(&tables, &command))?,
        }
        Ok(Exit::Done)
    }

    /// The sandbox with what was measured in it; nothing where none was named or made yet.
    fn world(&self) -> World {
        let snapshot = self.sandbox.as_deref().and_then(|folder| Sandbox::peek(folder).ok());
        snapshot.map(World::build).unwrap_or_default()
    }

    fn pools<'a>(&self, policy: &'a Policy) -> Result<Vec<&'a Pool>, Failure> {
        for name in &self.pool {
            if !policy.pools.iter().any(|pool| *pool.name == **name) {
                let names: Vec<&str> = policy.pools.iter().map(|pool| &*pool.name).collect();
                let hint = near(names.iter().copied(), name).map(|near| format!("did you mean `{near}`?"));
                return Err(Failure::new(format!("the policy has no pool `{name}`"))
                    .hint(hint.unwrap_or_else(|| format!("it has {}", names.join(", ")))));
            }
        }
        let wanted = |pool: &&Pool| self.pool.is_empty() || self.pool.iter().any(|name| **name == *pool.name);
        Ok(policy.pools.iter().filter(wanted).collect())
    }

    fn chain(&self, policy: &Policy, pools: &[&Pool], at: Timestamp, out: Output) -> Result<(), Failure> {
        let world = self.world();
        let held = |pool: &&Pool| (pool.name.clone(), holds(policy, pool, at, wake_lead(&world, pool)));
        match self.format {
            Format::Json => out.json(&HeldAt::of(at, pools.iter().map(held).collect())),
            Format::Text => {
                let texts: Vec<String> = (pools.iter().map(held))
                    .map(|(name, holding)| timetable::chain(&name, &policy.time_zone, at, &holding))
                    .collect();
                out.data(&texts.join("\n"))
            }
            _ => Err(Failure::new("`--at` prints text or JSON")),
        }
    }

    /// What a timer runs: everything by its full path, for timers start anywhere.
    fn command(&self) -> Result<Command, Failure> {
        let quoted = |path: &Path| {
            let here = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let full = if in_git(path) { path.to_owned() } else { here(path) };
            quoted(&full.to_string_lossy())
        };
        let program = std::env::current_exe().map_or_else(|_| "tidegate".to_owned(), |program| quoted(&program));
        let files = self.policy.files.iter().map(|file| format!(" -f {}", quoted(file)));
        let target = match (&self.sandbox, self.connect.context.as_deref()) {
            (Some(folder), _) => format!(" --sandbox {}", quoted(folder)),
            (None, None | Some("")) if self.connect.given() => {
                let file = self.connect.kubeconfig.as_deref().map(|file| format!(" --kubeconfig {}", quoted(file)));
                let ask = format!("kubectl config current-context{}", file.unwrap_or_default());
                return Err(Failure::new("a timer does not follow whichever context is current")
                    .hint(format!("name it: `--context NAME`; `{ask}` says what it is now")));
            }
            (None, Some(context)) => self.connect.flags(context),
            (None, None) => format!(" --sandbox {PLACEHOLDER}"),
        };
        let named = self.sandbox.is_some() || self.connect.context.is_some();
        Ok(Command {
            line: format!("{program} apply{}{target} --yes --no-wait --quiet --lock-timeout 10m", files.collect::<String>()),
            replace: (!named).then(|| {
                format!("Replace {PLACEHOLDER} by the folder of the sandbox, or print this again with `--sandbox DIR` or `--context NAME`")
            }),
        })
    }
}

/// Where nobody said which sandbox.
const PLACEHOLDER: &str = "/path/to/sandbox";
