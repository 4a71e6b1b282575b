//! `tidegate sandbox`: the embedded cluster and cloud in virtual time.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::format::Format;
use super::moment::Moment;
use super::output::Output;
use super::{Exit, Failure, world_args};
use crate::cluster::{NodeMark, NodeRecord};
use crate::execute;
use crate::file;
use crate::model::{Node, PodKey, Snapshot, World};
use crate::plan::natural;
use crate::report::{local_long, plural, wrapped};
use crate::sandbox::{Faults, Sandbox};

/// The most that a file of failures may hold, in bytes.
const MOST_FAULTS: u64 = 4 << 20;

/// So far a clock is turned at once: each replica that ends and comes again meanwhile is played through.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Look at, make and turn the clock of a sandbox: a cluster and its cloud in virtual time
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate sandbox create ./sandbox --snapshot cluster.json
  tidegate sandbox show ./sandbox --time-zone America/Denver
  tidegate sandbox advance 2h ./sandbox
  tidegate sandbox scale jhub/user-scheduler 4 ./sandbox
  tidegate sandbox reset ./sandbox")]
pub struct SandboxCommand {
    #[command(subcommand)]
    act: Act,
    /// Print times in this zone, such as America/Denver
    #[arg(long, global = true, value_name = "ZONE", value_parser = zone, default_value = "UTC")]
    time_zone: String,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make one from a snapshot, which is never written to
    ///
    /// Its one scheduler is Kubernetes' default: a pod goes to the least allocated node that takes it, also where its
    /// `schedulerName` is one that packs nodes full.
    #[command(after_help = "\
Examples:
  tidegate sandbox create ./sandbox --snapshot cluster.json --faults faults.yaml
  tidegate schema faults --format markdown      # every field of such a file

A file of failures:
  faults:
  - {target: server/node-3, kind: error, on: park, times: 1}      # the first time it is parked
  - {target: 'server/node-*', kind: slow, on: wake, factor: 3}    # `*` is any run of characters
  - {target: pod/web/shop-*, kind: stuck, on: stop}
  - {target: node/node-4, kind: node-never-ready}")]
    Create {
        /// The folder; made if it is not there
        folder: PathBuf,
        /// What `kubectl get … -A -o json` (or yaml, or .gz) wrote
        #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
        snapshot: Vec<PathBuf>,
        /// Failures to inject, YAML or JSON
        #[arg(long, value_name = "FILE")]
        faults: Option<PathBuf>,
        /// Begin at this moment, not when the snapshot was taken: an instant, or a time in `--time-zone`
        #[arg(long, value_name = "TIME")]
        now: Option<Moment>,
    },
    /// Show its nodes, servers and pods
    #[command(after_help = "Example:\n  tidegate sandbox show ./sandbox --format json")]
    Show {
        /// The folder
        folder: PathBuf,
        /// How to print
        #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Let time pass
    #[command(after_help = "Example:\n  tidegate sandbox advance 6d20h ./sandbox")]
    Advance {
        /// How long: `90s`, `2h`, `1d12h`, a year at most; and the folder
        #[arg(num_args = 1..=2, value_names = ["BY", "FOLDER"], required = true, allow_hyphen_values = true)]
        by: Vec<OsString>,
    },
    /// Want more or fewer pods of a workload, as `kubectl scale` does
    #[command(after_help = "Example:\n  tidegate sandbox scale jhub/user-scheduler 4 ./sandbox")]
    Scale {
        /// The workload, `namespace/name`: a Deployment, ReplicaSet or StatefulSet with at least one pod
        #[arg(value_name = "WORKLOAD")]
        workload: String,
        /// So many pods
        pods: u32,
        /// The folder
        folder: PathBuf,
    },
    /// Go back to the start: everything since is forgotten
    #[command(after_help = "Example:\n  tidegate sandbox reset ./sandbox")]
    Reset {
        /// The folder
        folder: PathBuf,
    },
}

impl SandboxCommand {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        match &self.act {
            Act::Create { folder, snapshot, faults, now } => {
                let faults = match faults {
                    None => Faults::default(),
                    Some(path) => {
                        let shown = path.display();
                        let unreadable = |error: std::io::Error| {
                            let remedy = file::remedy(&error);
                            Failure::new(format!("cannot read `{shown}`: {error}{remedy}"))
                        };
                        let bytes = file::given(path, MOST_FAULTS).map_err(unreadable)?;
                        let text = String::from_utf8(bytes)
                            .map_err(|_| unreadable(std::io::Error::other("it is not text")))?;
                        Faults::parse(&text).map_err(|error| {
                            Failure::new(format!("`{shown}`: {error}"))
                                .hint("`tidegate schema faults --format markdown` has every field")
                        })?
                    }
                };
                let mut snapshot = world_args::read(snapshot, out)?;
                if let Some(now) = now {
                    let now = now.at("--now", &self.time_zone, Timestamp::now())?;
                    if let Some(taken) = snapshot.taken.filter(|taken| now < *taken) {
                        let taken = local_long(taken, &self.time_zone);
                        return Err(Failure::new(format!("`--now` is before the snapshot was taken, {taken}"))
                            .hint("give a later time, or leave it out"));
                    }
                    snapshot.taken = Some(now);
                }
                let of_nothing: Vec<String> =
                    faults.of_nothing(&snapshot).iter().map(|target| format!("`{target}`")).collect();
                let sandbox = Sandbox::create_from(folder, snapshot, faults)?;
                if let Some(unlisted) = world_args::unlisted(&sandbox.snapshot()) {
                    out.say(&unlisted);
                }
                if !of_nothing.is_empty() {
                    out.say(&format!(
                        "warning: nothing there is called {}: these failures strike nobody so far",
                        of_nothing.join(", ")
                    ));
                }
                out.data(&text(&sandbox.snapshot(), &self.time_zone, out.width()))?;
            }
            Act::Show { folder, format } => {
                let snapshot = Sandbox::peek(folder)?;
                match format {
                    Format::Text => out.data(&text(&snapshot, &self.time_zone, out.width()))?,
                    Format::Json => out.json(&snapshot)?,
                }
            }
            Act::Advance { by } => {
                let (by, folder) = &turned(by)?;
                if by.is_negative() {
                    let hint = format!("`tidegate sandbox reset {}` goes back to the start", folder.display());
                    return Err(Failure::new("time goes forward only").hint(hint));
                }
                if *by > LONGEST {
                    let hint = "more is advanced in several steps";
                    return Err(Failure::new("a sandbox advances by a year (8784h) at most").hint(hint));
                }
                let sandbox = Sandbox::open(folder)?;
                if sandbox.now().checked_add(*by).is_err() {
                    return Err(Failure::new(format!("no time is left: it is {} there", sandbox.now()))
                        .hint(format!("`tidegate sandbox reset {}` goes back to the start", folder.display())));
                }
                sandbox.advance(*by)?;
                out.data(&text(&sandbox.snapshot(), &self.time_zone, out.width()))?;
            }
            Act::Scale { workload, pods, folder } => {
                let Some((namespace, name)) = workload.split_once('/') else {
                    return Err(Failure::new(format!("`{workload}` is no workload"))
                        .hint("write `namespace/name`, such as `shop/cart`"));
                };
                let sandbox = Sandbox::open(folder)?;
                sandbox.scale(&PodKey::new(namespace, name), *pods)?;
                out.data(&text(&sandbox.snapshot(), &self.time_zone, out.width()))?;
            }
            Act::Reset { folder } => {
                // Open, it keeps every apply out while what one left is removed.
                let sandbox = Sandbox::begin_anew(folder)?;
                execute::run::forget(folder).map_err(Failure::new)?;
                out.data(&text(&sandbox.snapshot(), &self.time_zone, out.width()))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// A zone of the bundled database.
fn zone(text: &str) -> Result<String, String> {
    let known = jiff::tz::TimeZone::get(text);
    known
        .map(|_| text.to_owned())
        .map_err(|_| "not a time zone: write `America/Denver`, `Europe/Berlin`, `UTC`".to_owned())
}

/// How long a clock is turned and whose it is, in whichever order.
fn turned(words: &[OsString]) -> Result<(SignedDuration, PathBuf), Failure> {
    let [first, second] = words else {
        let failure = Failure::new("how long, and which folder: one of them is missing");
        return Err(failure.hint("`tidegate sandbox advance 2h ./sandbox`"));
    };
    let read = |word: &OsString| duration(&word.to_string_lossy());
    match (read(first), read(second)) {
        (Ok(by), _) => Ok((by, second.into())),
        (Err(_), Ok(by)) => Ok((by, first.into())),
        (Err(why), Err(_)) => Err(Failure::new(format!("`{}` is {why}", first.display()))
            .hint(format!("`tidegate sandbox advance 2h {}`", second.display()))),
    }
}

/// A duration; its days have 24 hours. `0` is one too.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    if text == "0" {
        return Ok(SignedDuration::ZERO);
    }
    let span: Span = text.parse().map_err(|_| "not a duration: write `90s`, `2h` or `1d12h`".to_owned())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "write it in days, hours, minutes and seconds: months and years differ in length".to_owned())
}

/// The cluster at a glance, with its time in a zone: one line per node, in the order that people count.
pub fn text(snapshot: &Snapshot, zone: &str, columns: usize) -> String {
    let at = snapshot.taken.map(|at| local_long(at, zone)).unwrap_or_default();
    let head = format!("{at}: {}, {}", plural(snapshot.nodes.len(), "node"), plural(snapshot.pods.len(), "pod"));
    let mut text = wrapped(&head, 0, columns);
    let world = World::build(snapshot.clone());
    let mut nodes: Vec<&Node> = world.nodes.values().map(AsRef::as_ref).collect();
    nodes.sort_by(|a, b| natural(&a.name, &b.name));
    let rows: Vec<[String; 4]> = nodes.iter().map(|node| row(&world, node)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let (name, state, ready) = (width(0), width(1), width(2));
    let fits = name + state + ready + width(3) + 8 <= columns;
    for [a, b, c, d] in &rows {
        let _ = match fits {
            true => writeln!(text, "  {a:name$}  {b:state$}  {c:ready$}  {d}"),
            false => write!(text, "{}", wrapped(&format!("{a}: {b}, {c}, {d}"), 2, columns)),
        };
    }
    let homeless = world.pods.values().filter(|pod| pod.node.is_none() && !pod.finished()).count();
    if homeless > 0 {
        let _ = writeln!(text, "  {} without a node", plural(homeless, "pod"));
    }
    text
}

fn row(world: &World, node: &Node) -> [String; 4] {
    let server = world.server_of(node);
    let task = server.and_then(|server| server.task.as_ref()).map(|task| format!(" ({task})")).unwrap_or_default();
    let state = server.map_or_else(|| "-".to_owned(), |server| server.state.to_string());
    let ready = if node.ready() { "Ready" } else { "NotReady" };
    let cordon = if node.unschedulable { ",SchedulingDisabled" } else { "" };
    let mark = match NodeRecord::of(node).map(|record| record.map(|record| record.mark)) {
        Ok(None) => "",
        Ok(Some(NodeMark::Leaving)) => ", chosen to go",
        Ok(Some(NodeMark::Draining)) => ", cordoned by Tidegate",
        Ok(Some(NodeMark::Parked)) => ", parked by Tidegate",
        Ok(Some(NodeMark::Waking)) => ", being woken by Tidegate",
        Ok(Some(NodeMark::Deleting)) => ", being deleted by Tidegate",
        Err(_) => ", with a record that is not readable",
    };
    let pods = plural(world.pods_on(&node.name).filter(|pod| !pod.finished()).count(), "pod");
    [node.name.to_string(), format!("{state}{task}"), format!("{ready}{cordon}"), format!("{pods}{mark}")]
}
