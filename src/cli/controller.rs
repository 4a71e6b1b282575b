//! `tidegate controller`: holds a policy, for ever.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::apply::EventFormat;
use super::connect_args::ConnectArgs;
use super::git_args::GitArgs;
use super::ground::runtime;
use super::moment::Moment;
use super::output::Output;
use super::reached::{self, journal};
use super::world_args::NAME_ONE;
use super::{Exit, Failure};
use crate::cloud::{Fleet, Joined, Polling, Surroundings};
use crate::cluster::live::{LeaseLocks, Live};
use crate::cluster::{Cluster, ClusterError};
use crate::controller::{Controller, Ended, Feed, Good, Ground, Reading, Stop, Telling};
use crate::execute::hooks::Silent;
use crate::execute::run::lock::FileLocks;
use crate::execute::run::{Calling, Doors};
use crate::execute::{Event, Wall};
use crate::report::progress::line;
use crate::sandbox::{Sandbox, SandboxError};
use crate::server::{Board, Listen, Role, serve};
use crate::source::in_git;

/// Between two tries of what is away.
const AGAIN: Duration = Duration::from_secs(2);
/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(5);
/// Where it answers unless somebody says otherwise.
const HABIT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8484);
/// A sandbox's seconds per second, unless somebody says otherwise.
const PACE: u32 = 60;

/// Hold a policy: look, plan and act again and again, in the cluster or beside it
///
/// It reads the policy again and again, follows the cluster, plans when something changed or when the schedule's next change
/// comes, and carries the plan out as `apply` does, with its lock, journal and checks. When the policy, the cluster or a
/// cloud is away or half there it says so, takes nothing away, and catches up later. SIGTERM and Ctrl-C bring each node to a
/// safe state; a second one stops at once, and the next controller goes on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate controller -f policy.yaml --sandbox ./sandbox --until 8h              # as fast as it goes, then it ends
  tidegate controller -f policy.yaml --sandbox ./sandbox --until 8h --slow 60    # a minute of the sandbox each second
  tidegate controller -f policy.yaml --context workshop --observe                # a live cluster, only looked at
  tidegate controller -f policy.yaml --context workshop                          # and held
  tidegate controller -f 'https://git.example.org/team/policies.git//pools?ref=main' --require-signed \\
      --allowed-signers /etc/tidegate/signers --context workshop --format json

While it runs: http://127.0.0.1:8484/ is a page for people, and there are /metrics, /healthz, /readyz, /plan.json and
/snapshot.json. Of two or more controllers one leads (Lease `tidegate-leader`), the others stand by.")]
pub struct ControllerCommand {
    /// The policy: a file, a folder with its files, or an address in git such as `https://HOST/REPOSITORY.git//PATH?ref=main`
    /// (`ssh://`, `git@HOST:` and `file:///` too); several make one policy
    #[arg(short = 'f', long = "file", value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    git: GitArgs,
    /// The folder of a sandbox
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig"], help_heading = "Cluster")]
    sandbox: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
    /// Where the journal of a live cluster is kept, instead of a folder of the cluster's UID in the state directory
    /// (`$XDG_STATE_HOME/tidegate` or `~/.local/state/tidegate`)
    #[arg(long, value_name = "DIR", conflicts_with = "sandbox", help_heading = "Cluster")]
    journal: Option<PathBuf>,
    /// Of a sandbox, so many of its seconds per second: 60, or as fast as it goes with `--until`
    #[arg(long, value_name = "FACTOR", requires = "sandbox", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Cluster")]
    slow: Option<u32>,
    /// End at this moment of the sandbox's clock: an instant, a time in the policy's zone, or how long from now (`8h`)
    #[arg(long, value_name = "TIME", requires = "sandbox", help_heading = "Cluster")]
    until: Option<Moment>,
    /// Plan and show what would be done, and touch nothing: no lock is taken, nothing is written; whoever leads, leads on
    #[arg(long)]
    observe: bool,
    /// Plan at the latest so long after something changed, and read policy files so often
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = super::sandbox::duration)]
    interval: SignedDuration,
    /// Read a policy in git so often
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = super::sandbox::duration)]
    git_interval: SignedDuration,
    /// Where to answer over HTTP, port 0 takes any that is free; without it 127.0.0.1:8484, or any if that is taken. The first
    /// line says which
    #[arg(long, value_name = "ADDRESS", help_heading = "Server")]
    listen: Option<SocketAddr>,
    /// A file with a token that readers must bring (`Authorization: Bearer …`), beside those of health; without one only
    /// this machine is answered
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    token_file: Option<PathBuf>,
    /// How to print what happens
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: EventFormat,
}

impl ControllerCommand {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        if self.sandbox.is_none() && !self.connect.given() {
            return Err(Failure::new("no cluster was named").hint(NAME_ONE));
        }
        let least = SignedDuration::from_secs(1);
        if self.interval < least || self.git_interval < least {
            return Err(Failure::new("`--interval` and `--git-interval` are a second at least"));
        }
        let board = Board::default();
        board.beat();
        let address = self.serve(&board)?;
        out.say(&format!("Answering on http://{address}/"));
        if !address.ip().is_loopback() && self.token_file.is_none() {
            out.say(
                "warning: other machines get `/healthz` and `/readyz` alone; `--token-file` says who may read the rest",
            );
        }
        let feed = Feed::start(self.reading())?;
        let mut printer = Printer { format: self.format, board: board.clone(), out, lost: false };
        let mut tell = |event: &Event| printer.print(event);
        let mut telling = Telling { board: board.clone(), tell: &mut tell };
        let runtime = runtime()?;
        runtime.block_on(async {
            let stop = Stop::signals();
            let beating = board.clone();
            tokio::spawn(async move {
                loop {
                    beating.beat();
                    tokio::time::sleep(BEAT).await;
                }
            });
            let loop_ = Loop { command: self, feed, stop, out };
            match &self.sandbox {
                Some(folder) => loop_.sandbox(folder, &mut telling).await,
                None => loop_.live(&mut telling).await,
            }
        })
    }

    fn serve(&self, board: &Board) -> Result<SocketAddr, Failure> {
        let at = |address| serve(&Listen { address, token: self.token_file.clone() }, board.clone());
        let served = match self.listen {
            Some(address) => at(address),
            None => at(HABIT).or_else(|_| at(SocketAddr::new(HABIT.ip(), 0))),
        };
        served.map_err(|error| Failure::new(error).hint("`--listen 127.0.0.1:0` takes any port that is free"))
    }

    fn reading(&self) -> Reading {
        let every = if self.files.iter().any(|word| in_git(word)) { self.git_interval } else { self.interval };
        Reading {
            words: self.files.clone(),
            git: self.git.options(),
            every: Duration::try_from(every).unwrap_or(AGAIN),
        }
    }
}

/// Prints the stream; a reader that went away stops nothing.
struct Printer {
    format: EventFormat,
    board: Board,
    out: Output,
    lost: bool,
}

impl Printer {
    fn print(&mut self, event: &Event) {
        let told = match self.format {
            EventFormat::Json => self.out.data(&event.to_line()),
            EventFormat::Text => {
                let zone = self.board.view().policy.as_ref().map(|policy| policy.zone.clone());
                let zone = zone.and_then(|zone| TimeZone::get(&zone).ok()).unwrap_or(TimeZone::UTC);
                line(event, &zone).map_or(Ok(()), |line| self.out.data(&line))
            }
        };
        if told.is_err() && !std::mem::replace(&mut self.lost, true) {
            self.out.say("warning: standard output takes nothing any more: the controller goes on unheard");
        }
    }
}

/// What it all runs on.
struct Loop<'a> {
    command: &'a ControllerCommand,
    feed: Feed,
    stop: Stop,
    out: Output,
}

impl Loop<'_> {
    fn controller(&self, until: Option<Timestamp>) -> Controller {
        let acting = Controller::new(self.feed.clone(), self.stop.clone(), self.command.interval, until);
        if self.command.observe { acting.observing() } else { acting }
    }

    /// A short pause; over at once when there is something new.
    async fn pause(&self) {
        let pause = tokio::time::sleep(AGAIN);
        tokio::select! { biased; () = self.stop.news() => {}, () = self.feed.news() => {}, () = pause => {} }
    }

    /// The first good policy; None if it is asked to end before there is one.
    async fn good(&self, telling: &mut Telling<'_>) -> Option<Arc<Good>> {
        loop {
            if self.stop.asked() {
                return None;
            }
            if let Some((good, _)) = self.feed.good() {
                return Some(good);
            }
            if let Some(why) = self.feed.trouble() {
                telling.trouble("policy", Timestamp::now(), &format!("no policy was read yet: {why}"));
            }
            self.pause().await;
        }
    }

    fn exit(&self, ended: Ended) -> Result<Exit, Failure> {
        match ended {
            Ended::Gone(why) => {
                Err(Failure::new(why).hint("a controller that is started anew works with what is there then"))
            }
            Ended::Policy | Ended::Stopped | Ended::Over => Ok(Exit::Done),
        }
    }

    async fn sandbox(&self, folder: &Path, telling: &mut Telling<'_>) -> Result<Exit, Failure> {
        let Some(mut good) = self.good(telling).await else { return Ok(Exit::Done) };
        let Some(sandbox) = self.opened(folder, telling).await? else { return Ok(Exit::Done) };
        let pace = self.command.slow.or(self.command.until.is_none().then_some(PACE));
        let sandbox = pace.map_or_else(|| sandbox.clone(), |pace| sandbox.clone().paced(pace));
        let until =
            self.command.until.map(|until| until.at("--until", &good.policy.time_zone, sandbox.now())).transpose()?;
        let (acting, leading) = (FileLocks::of(folder), FileLocks::of(folder.join("leader")));
        reached::made(&folder.join("leader"))?;
        let mut controller = self.controller(until);
        loop {
            let (cluster, provider, clock) = (sandbox.clone(), sandbox.clone(), sandbox.clone());
            let doors = Doors { cluster: &cluster, provider: &provider, clock: &clock, hooks: &Silent };
            let ground = Ground { doors, folder, acting: &acting, leading: &leading };
            match controller.hold(&good, ground, telling).await {
                Ended::Policy => good = self.feed.good().map_or(good, |(next, _)| next),
                ended => return self.exit(ended),
            }
        }
    }

    /// The sandbox, when nobody else has it open: one process at a time works there, so the others stand by.
    async fn opened(&self, folder: &Path, telling: &mut Telling<'_>) -> Result<Option<Sandbox>, Failure> {
        loop {
            match Sandbox::open(folder) {
                Err(SandboxError::Busy(_)) if self.stop.asked() => return Ok(None),
                Err(error @ SandboxError::Busy(_)) => {
                    if telling.board.view().role != Role::Standby {
                        telling.board.change(|view| view.role = Role::Standby);
                        telling.turned(Timestamp::now(), format!("this controller stands by: {error}"));
                    }
                    self.pause().await;
                }
                opened => return Ok(Some(opened?)),
            }
        }
    }

    async fn live(&self, telling: &mut Telling<'_>) -> Result<Exit, Failure> {
        let Some(mut good) = self.good(telling).await else { return Ok(Exit::Done) };
        let Some(live) = self.connected(telling).await else { return Ok(Exit::Done) };
        let folder = match &self.command.journal {
            Some(folder) => {
                reached::made(folder)?;
                folder.clone()
            }
            None => journal(live.cluster())?,
        };
        let (acting, leading): (LeaseLocks, LeaseLocks) = (live.locks(), live.leading());
        let mut controller = self.controller(None);
        loop {
            let providers = good.policy.providers.values();
            let reached = Fleet::open(providers, &Surroundings::of_process()).map_err(|error| error.to_string());
            let (fleet, calling) = match reached.and_then(|(fleet, warnings)| {
                warnings.iter().for_each(|warning| self.out.say(&format!("warning: {warning}")));
                Ok((fleet, Calling::of(&good.policy, live.cluster())?))
            }) {
                Ok(reached) => reached,
                Err(why) => {
                    telling.trouble("cluster", Timestamp::now(), &why);
                    if self.stop.asked() {
                        return Ok(Exit::Done);
                    }
                    self.pause().await;
                    good = self.feed.good().map_or(good, |(next, _)| next);
                    continue;
                }
            };
            let joined = Joined::new(&live, &fleet, Polling::default());
            let cluster: &dyn Cluster = if fleet.is_empty() { &live } else { &joined };
            let doors = Doors { cluster, provider: &fleet, clock: &Wall, hooks: &calling };
            let ground = Ground { doors, folder: &folder, acting: &acting, leading: &leading };
            match controller.hold(&good, ground, telling).await {
                Ended::Policy => good = self.feed.good().map_or(good, |(next, _)| next),
                ended => return self.exit(ended),
            }
        }
    }

    /// The cluster, when it answers; None if it is asked to end before.
    async fn connected(&self, telling: &mut Telling<'_>) -> Option<Live> {
        loop {
            match Live::connect(&self.command.connect.connect()).await {
                Ok(live) => {
                    telling.mended("cluster", Timestamp::now(), "it answers");
                    return Some(live);
                }
                Err(error) => telling.trouble("cluster", Timestamp::now(), &words(&error)),
            }
            if self.stop.asked() {
                return None;
            }
            self.pause().await;
        }
    }
}

fn words(error: &crate::cluster::live::ConnectError) -> String {
    match error {
        crate::cluster::live::ConnectError::Cluster { error: ClusterError::Forbidden { .. }, .. } => {
            format!("{error}; `examples/rbac.yaml` has the role that Tidegate needs")
        }
        error => error.to_string(),
    }
}
