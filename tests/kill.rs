//! The real program, killed while it works and started again: the same end as undisturbed, and no harm on the way.
//!
//! The test reads the journal as it grows and strikes (SIGKILL) as soon as so many records are there. Records that are
//! written at once cannot be told apart from outside: between them nothing can strike. `TIDEGATE_LONG=1` strikes after
//! every other record, again and again until it did; without it after each kind of record, and a spread. Some of the
//! dead leave the beginning of the next record behind, or lose what no disk had been asked to keep, as in a power cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(unix)]

mod executing;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use executing::{Stage, example, policy};
use tempfile::TempDir;
use tidegate::model::{NodeRecord, World};
use tidegate::plan::{Request, plan_for};
use tidegate::sandbox::sim::{Record, What};
use tidegate::sandbox::{Faults, Sandbox};

/// What is carried out, from where to where.
struct Way {
    /// The sandbox before.
    start: TempDir,
    /// What happened in it until then.
    old: usize,
    /// How an apply ends: 6 where somebody is waited for.
    ends: i32,
    /// When what was waited for is over, and another apply does the rest.
    then: Option<&'static str>,
    /// Nodes parked in the end.
    parked: usize,
}

const SUNDAY: &str = "2026-11-22T12:00:00Z";

/// A sandbox that begins at such a moment of the workshop.
fn way(begin: &str, up: bool, ends: i32, then: Option<&'static str>, parked: usize) -> Way {
    let stage = Stage::workshop(if up { SUNDAY } else { begin }, "");
    if up {
        assert_eq!(executing::exit(&stage.apply(&policy("jetstream-workshop")).0), 0);
        stage.until(begin);
    }
    let start = TempDir::new().unwrap();
    let sandbox = Sandbox::create_from(start.path(), stage.sandbox.snapshot(), Faults::default()).unwrap();
    Way { old: sandbox.audit().len(), start, ends, then, parked }
}

fn apply(sandbox: &Path, more: &[&str]) -> Output {
    command(sandbox, more).stderr(Stdio::piped()).output().unwrap()
}

fn command(sandbox: &Path, more: &[&str]) -> Command {
    words(Command::new(env!("CARGO_BIN_EXE_tidegate")), sandbox, more)
}

/// Whether each record is struck after, however long it takes.
fn long() -> bool {
    std::env::var_os("TIDEGATE_LONG").is_some()
}

/// A run to be struck; if it has to be after each record, one that gives way to whoever strikes.
fn at_work(sandbox: &Path, more: &[&str]) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    if long() {
        program = Command::new("nice");
        program.args(["-n", "19", env!("CARGO_BIN_EXE_tidegate")]);
    }
    words(program, sandbox, more).spawn().unwrap()
}

fn words(mut command: Command, sandbox: &Path, more: &[&str]) -> Command {
    command.arg("apply").arg("-f").arg(example("jetstream-workshop", "policy.yaml")).arg("--sandbox").arg(sandbox);
    command.arg("--yes").args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Strikes as soon as the journal has so many records, and says how many it has then. A process that came to its end
/// before that is let go.
fn struck(mut child: Child, sandbox: &Path, records: usize) -> usize {
    let (mut file, mut buffer, mut seen) = (None, vec![0; 1 << 16], 0);
    while seen < records {
        match &mut file {
            None => file = File::open(journal(sandbox)).ok(),
            Some(file) => match Read::read(file, &mut buffer).unwrap() {
                0 => {}
                read => {
                    seen += lines(&buffer[..read]);
                    continue;
                }
            },
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    recorded(sandbox)
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Records in the journal.
fn recorded(sandbox: &Path) -> usize {
    lines(&std::fs::read(journal(sandbox)).unwrap_or_default())
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn journal(sandbox: &Path) -> PathBuf {
    sandbox.join("journal.jsonl")
}

/// Of each record what it is: `intent evict`, `outcome`, `end`.
fn kinds(sandbox: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(journal(sandbox)).unwrap();
    let kind = |line: &str| {
        let record = serde_json::from_str::<serde_json::Value>(line).unwrap()["record"].clone();
        let (is, id) = (record["is"].as_str().unwrap(), record["id"].as_str().unwrap_or_default());
        format!("{is} {}", id.split(['/', '#']).next().unwrap_or_default())
    };
    text.lines().map(kind).collect()
}

fn copy(from: &Path) -> TempDir {
    let to = TempDir::new().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// What must be the same in the end, and what was done for it.
#[derive(Debug, PartialEq)]
struct Deeds {
    /// Nodes with everything that somebody could have left on them, and how many pods live of each workload.
    state: BTreeMap<String, String>,
    /// Each node's cordons and each server's states, in order: nothing is done twice.
    course: BTreeMap<String, Vec<String>>,
    /// Evictions by workload.
    evicted: BTreeMap<String, usize>,
    /// The folder's files.
    files: BTreeSet<String>,
}

fn deeds(folder: &Path, old: usize) -> Deeds {
    let sandbox = Sandbox::open(folder).unwrap();
    let audit = sandbox.audit();
    no_harm(&audit, &audit[old..]);
    let world = World::build(sandbox.snapshot());
    assert!(!world.budgets.is_empty(), "there are budgets to keep");
    for budget in world.budgets.values() {
        let status = budget.status.unwrap();
        assert!(status.current_healthy >= status.desired_healthy, "{}: {status:?}", budget.key);
    }
    let request = Request { for_apply: true, ..Request::default() };
    let again = plan_for(&policy("jetstream-workshop"), &world, sandbox.now(), &request).0;
    assert!(again.steps.is_empty(), "nothing is left to do: {:?}", again.steps);
    let mut state = BTreeMap::new();
    for node in world.nodes.values() {
        let server = world.server_of(node).map(|server| (server.state, server.task.clone()));
        let mark = NodeRecord::of(node).unwrap().map(|record| record.mark);
        let keys: Vec<_> = node.annotations.keys().collect();
        let text = format!("{} {server:?} {mark:?} {:?} {:?} {keys:?}", node.unschedulable, node.taints, node.labels);
        state.insert(node.name.to_string(), text);
    }
    for workload in world.workloads.values() {
        let live = world.pods_of(&workload.uid).filter(|pod| pod.ready && !pod.terminating()).count();
        state.insert(format!("{} {}", workload.kind, workload.key), live.to_string());
    }
    let failed = world.memory.nodes.values().filter(|node| node.drain_failure.is_some() || node.wake_failure.is_some());
    state.insert("failures".to_owned(), failed.count().to_string());
    let (mut course, mut evicted) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
    let mut owners = BTreeMap::new();
    for record in &audit {
        match &record.what {
            What::Created { uid, owner, .. } => drop(owners.insert(uid.clone(), owner.clone())),
            What::Cordoned { node, cordoned } => course.entry(node.to_string()).or_default().push(cordoned.to_string()),
            What::Server { server, state, task } => {
                course.entry(server.to_string()).or_default().push(format!("{state} {task:?}"));
            }
            What::Evicted { pod, uid, .. } => {
                let owner = owners.get(uid).cloned().flatten();
                let name = owner.map_or_else(|| format!("{pod} of the start"), |owner| owner.to_string());
                *evicted.entry(name).or_default() += 1;
            }
            _ => {}
        }
    }
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    Deeds { state, course, evicted, files: files.filter(|name| name != "state.json").collect() }
}

/// At every event: a budget that was met is met; no pod is evicted twice; nobody who is waited for is; nothing is deleted
/// but what was evicted.
fn no_harm(all: &[Record], new: &[Record]) {
    let mut met = BTreeSet::new();
    for record in all {
        if let What::Budget { budget, status } = &record.what {
            if status.current_healthy >= status.desired_healthy {
                met.insert(budget.clone());
            }
            assert!(!met.contains(budget) || status.current_healthy >= status.desired_healthy, "{record:?}");
        }
    }
    let mut evicted = BTreeSet::new();
    for record in new {
        match &record.what {
            What::Evicted { pod, uid, .. } => {
                assert!(evicted.insert(uid.clone()), "evicted twice: {record:?}");
                assert!(!pod.name.starts_with("jupyter-"), "a user was to be waited for: {record:?}");
            }
            // A session that is over is deleted by the hub.
            What::Deleted { pod, uid } => {
                assert!(evicted.contains(uid) || pod.name.starts_with("jupyter-"), "{record:?}");
            }
            _ => {}
        }
    }
}

/// What is left after it was brought to its end.
fn finish(way: &Way, folder: &Path) -> Deeds {
    if let Some(then) = way.then {
        Sandbox::open(folder).unwrap().advance_to(then.parse().unwrap()).unwrap();
        let rest = apply(folder, &[]);
        assert_eq!(code(&rest), 0, "{}", said(&rest));
    }
    let done = deeds(folder, way.old);
    let parked = done.state.values().filter(|state| state.contains("Parked")).count();
    assert_eq!(parked, way.parked);
    done
}

/// What the dead process left is worse than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Whole,
    /// The beginning of the next record stands at the end.
    Torn,
    /// What the disk was not yet asked to keep is gone.
    Lost,
}

impl Disk {
    fn of(records: usize) -> Self {
        match records % 5 {
            2 => Self::Torn,
            4 => Self::Lost,
            _ => Self::Whole,
        }
    }

    fn spoil(self, sandbox: &Path, undisturbed: &[String]) {
        let mut bytes = std::fs::read(journal(sandbox)).unwrap_or_default();
        match self {
            Self::Whole => return,
            Self::Torn => {
                let next = undisturbed.get(lines(&bytes)).map_or("", |line| &line[..40]);
                bytes.extend_from_slice(next.as_bytes());
            }
            Self::Lost => {
                let head = std::fs::read_to_string(sandbox.join("journal.jsonl.head")).unwrap_or_default();
                let Some(kept @ 1..) = head.split(' ').next().and_then(|bytes| bytes.parse().ok()) else { return };
                assert!(bytes.len() >= kept, "a head is never ahead of its file");
                bytes.truncate(kept);
            }
        }
        std::fs::write(journal(sandbox), bytes).unwrap();
    }
}

/// The process is dead in this folder, perhaps its follower too after so many records more: it is taken up again, and
/// the end is the undisturbed one's.
fn survives(way: &Way, folder: &Path, total: usize, expected: &Deeds, again: Option<usize>) {
    let cut = recorded(folder);
    if let Some(further) = again {
        struck(at_work(folder, &["--resume"]), folder, cut + further);
    }
    let resumed = apply(folder, &["--resume"]);
    let context = format!("killed after {cut} of {total}, again after {again:?}: {}", said(&resumed));
    match code(&resumed) {
        1 if cut == 0 => {
            let words = ["was cut short before its first act", "no apply was ever begun"];
            assert!(words.iter().any(|word| said(&resumed).contains(word)), "{context}");
            assert_eq!(code(&apply(folder, &[])), way.ends, "a plain apply works at once: {context}");
        }
        1 => assert!((cut >= total && way.ends == 0) || again.is_some(), "{context}"),
        code => assert_eq!(code, way.ends, "{context}"),
    }
    assert_eq!(&finish(way, folder), expected, "{context}");
}

/// Who strikes watches without a pause: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn killed(way: &Way) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let undisturbed = copy(way.start.path());
    let begun = std::time::Instant::now();
    let whole = apply(undisturbed.path(), &[]);
    let one = begun.elapsed();
    assert_eq!(code(&whole), way.ends, "{}", said(&whole));
    let told = std::fs::read_to_string(journal(undisturbed.path())).unwrap();
    let (told, kinds) = (told.lines().map(str::to_owned).collect::<Vec<_>>(), kinds(undisturbed.path()));
    let (total, expected) = (told.len(), finish(way, undisturbed.path()));
    let long = long();

    // Intents that stand together may have been written together.
    let together = |at: &usize| at.checked_sub(1).is_some_and(|last| [last, *at].iter().all(|at| intends(&kinds[*at])));
    let first: BTreeSet<usize> =
        kinds.iter().map(|kind| kinds.iter().position(|found| found == kind).unwrap() + 1).collect();
    let chosen = |at: &usize| long || first.contains(at) || at.is_multiple_of(17);
    let wanted: BTreeSet<usize> = (0..total).filter(|at| chosen(at) && (!long || !together(at))).collect();
    let (tries, mut cuts) = (if long { 60 } else { 3 }, BTreeSet::new());
    for after in &wanted {
        for _ in 0..tries {
            if cuts.contains(after) {
                break;
            }
            let folder = copy(way.start.path());
            let cut = struck(at_work(folder.path(), &[]), folder.path(), *after);
            if cuts.insert(cut) {
                Disk::of(cut).spoil(folder.path(), &told);
                survives(way, folder.path(), total, &expected, (cut % 4 == 1).then_some(cut % 9 + 1));
            }
        }
    }
    println!("{total} records, one run takes {one:?}; wanted after {wanted:?}, killed after {cuts:?}");
    let missed: Vec<&usize> = wanted.difference(&cuts).collect();
    assert!(!long || missed.is_empty(), "never killed after {missed:?}");
    let midway = cuts.iter().filter(|cut| (1..total).contains(*cut)).count();
    assert!(midway * 2 > wanted.len(), "most kills must find it at work: {cuts:?} of {wanted:?}");
}

fn intends(kind: &str) -> bool {
    kind.starts_with("intent")
}

#[test]
fn on_the_way_down() {
    killed(&way(SUNDAY, false, 0, None, 9));
}

#[test]
fn on_the_way_up() {
    killed(&way("2026-12-01T19:46:00Z", true, 0, None, 0));
}

/// Dana stays on her node until five past midnight.
#[test]
fn while_somebody_is_waited_for() {
    killed(&way("2026-11-10T23:35:00Z", false, 6, Some("2026-11-11T00:10:00Z"), 9));
}
