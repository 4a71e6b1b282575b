//! The real program, killed while it works and started again: the same end as undisturbed, and no harm on the way.
//!
//! Two deaths. By SIGKILL at some moments, as soon as the journal is so long. And by the kernel (SIGXFSZ, set by `prlimit`)
//! at the first byte that the journal would grow beyond a limit: that is exactly after any record that is wanted, those of
//! one batch too, or in the middle of the next. `TIDEGATE_LONG=1` does that after every record; without it after each kind
//! of record once, and a spread. Where `prlimit` is missing only SIGKILL is left: it says so, and under `CI` it fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(unix)]

mod executing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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
    command(sandbox, more).output().unwrap()
}

fn command(sandbox: &Path, more: &[&str]) -> Command {
    arguments(Command::new(env!("CARGO_BIN_EXE_tidegate")), sandbox, more)
}

/// The same where no file may grow beyond so many bytes: the kernel ends who tries.
fn confined(sandbox: &Path, bytes: usize, more: &[&str]) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={bytes}")).args(["--core=0", env!("CARGO_BIN_EXE_tidegate")]);
    arguments(command, sandbox, more)
}

fn arguments(mut command: Command, sandbox: &Path, more: &[&str]) -> Command {
    command.arg("apply").arg("-f").arg(example("jetstream-workshop", "policy.yaml")).arg("--sandbox").arg(sandbox);
    command.arg("--yes").args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
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

/// Where each record of the journal ends, in bytes.
fn ends(sandbox: &Path) -> Vec<usize> {
    let bytes = std::fs::read(journal(sandbox)).unwrap_or_default();
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
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

/// The process is dead in this folder: it is taken up again, and the end is the undisturbed one's.
fn survives(way: &Way, folder: &Path, total: usize, expected: &Deeds, how: &str, again: Option<usize>) -> usize {
    let cut = ends(folder).len();
    if let Some(further) = again {
        let size = std::fs::metadata(journal(folder)).map_or(0, |found| found.len()) as usize;
        let twice = confined(folder, size + further, &["--resume"]).output().unwrap();
        let ended = [Some(0), Some(6)].contains(&twice.status.code());
        assert!(ended || twice.status.code().is_none() || cut == 0, "{how}, killed again: {}", said(&twice));
    }
    let resumed = apply(folder, &["--resume"]);
    let context = format!("{how}, after {cut} of {total}, again after {again:?}: {}", said(&resumed));
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
    cut
}

fn killed(way: &Way) {
    let undisturbed = copy(way.start.path());
    let begun = std::time::Instant::now();
    let whole = apply(undisturbed.path(), &[]);
    let one = begun.elapsed();
    assert_eq!(code(&whole), way.ends, "{}", said(&whole));
    let (places, kinds) = (ends(undisturbed.path()), kinds(undisturbed.path()));
    let (total, expected) = (places.len(), finish(way, undisturbed.path()));
    let long = std::env::var_os("TIDEGATE_LONG").is_some();

    // By SIGKILL, wherever it is when the journal is so long.
    let mut cuts = BTreeSet::new();
    for after in (0..total).step_by(if long { 5 } else { total / 5 }) {
        let folder = copy(way.start.path());
        let mut child = command(folder.path(), &[]).spawn().unwrap();
        while ends(folder.path()).len() < after && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        cuts.insert(survives(way, folder.path(), total, &expected, "SIGKILL", None));
    }
    let midway = cuts.iter().filter(|cut| **cut < total).count();
    assert!(midway >= 3, "most kills must find it at work: {cuts:?}");

    // Exactly after a record, or some bytes into the next.
    if Command::new("prlimit").arg("--version").output().is_err() {
        let text = format!("`prlimit` is not here: killed after {cuts:?} of {total} records only, by SIGKILL");
        assert!(!long && std::env::var_os("CI").is_none(), "{text}; it is part of util-linux");
        println!("{text}");
        return;
    }
    let first: BTreeSet<usize> =
        kinds.iter().map(|kind| kinds.iter().position(|found| found == kind).unwrap()).collect();
    let chosen: Vec<usize> = (0..total - 1).filter(|at| long || first.contains(at) || at % 17 == 0).collect();
    for at in &chosen {
        let folder = copy(way.start.path());
        let torn = if at % 3 == 2 { 40 } else { 0 };
        let died = confined(folder.path(), places[*at] + torn, &[]).output().unwrap();
        assert_eq!(died.status.code(), None, "killed: {}", said(&died));
        let again = (at % 4 == 1).then_some(at * 150 % 4000 + 200);
        let cut = survives(way, folder.path(), total, &expected, &kinds[*at], again);
        assert!(cut == at + 1, "killed after {cut} instead of {}", at + 1);
    }
    let of: BTreeSet<&String> = chosen.iter().map(|at| &kinds[*at]).collect();
    println!(
        "{total} records, one run takes {one:?}; SIGKILL after {cuts:?}; killed exactly after {} records: {of:?}",
        chosen.len()
    );
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
