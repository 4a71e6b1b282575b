//! The real program, killed (SIGKILL) while it writes its journal, and started again: the same end as undisturbed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use executing::{budgets_kept, example};
use tempfile::TempDir;
use tidegate::model::{NodeRecord, World};
use tidegate::sandbox::Sandbox;

fn tidegate(arguments: &[&str], sandbox: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let policy = example("jetstream-workshop", "policy.yaml");
    command.args(arguments);
    if arguments[0] == "apply" {
        command.arg("-f").arg(policy).arg("--sandbox");
    }
    command.arg(sandbox).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str], sandbox: &Path) -> Output {
    tidegate(arguments, sandbox).output().unwrap()
}

/// A sandbox of the workshop on a Sunday, when nobody is at work and ten workers are awake.
fn sunday() -> TempDir {
    let folder = TempDir::new().unwrap();
    let cluster = example("jetstream-workshop", "cluster.yaml");
    let made = run(&["sandbox", "create", "--snapshot", cluster.to_str().unwrap(), "--"], folder.path());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let later = run(&["sandbox", "advance", "4d20h"], folder.path());
    assert!(later.status.success(), "{}", String::from_utf8_lossy(&later.stderr));
    folder
}

fn records(sandbox: &Path) -> usize {
    std::fs::read(sandbox.join("journal.jsonl")).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

/// Nodes with their servers and marks, and how many pods live of each workload.
fn end_state(sandbox: &Path) -> BTreeMap<String, String> {
    let sandbox = Sandbox::open(sandbox).unwrap();
    budgets_kept(&sandbox.audit());
    let world = World::build(sandbox.snapshot());
    let mut state = BTreeMap::new();
    for node in world.nodes.values() {
        let server = world.server_of(node).map(|server| server.state);
        let mark = NodeRecord::of(node).unwrap().map(|record| record.mark);
        let text = format!("{} {server:?} {mark:?} {:?}", node.unschedulable, node.taints);
        state.insert(node.name.to_string(), text);
    }
    for workload in world.workloads.values() {
        let live = world.pods_of(&workload.uid).filter(|pod| !pod.terminating() && !pod.finished()).count();
        state.insert(format!("{} {}", workload.kind, workload.key), live.to_string());
    }
    state
}

#[test]
fn killed_at_any_record_and_started_again() {
    let undisturbed = sunday();
    let whole = run(&["apply", "--yes"], undisturbed.path());
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let total = records(undisturbed.path());
    let expected = end_state(undisturbed.path());
    let mut cuts = BTreeSet::new();
    // Every record with TIDEGATE_LONG set; a cut after each of them in one process is in `crash.rs`.
    let step = if std::env::var_os("TIDEGATE_LONG").is_some() { 1 } else { 5 };
    for after in (1..total).step_by(step) {
        let sandbox = sunday();
        let mut child = tidegate(&["apply", "--yes"], sandbox.path()).spawn().unwrap();
        while records(sandbox.path()) < after && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let cut = records(sandbox.path());
        cuts.insert(cut);
        let resumed = run(&["apply", "--resume", "--yes"], sandbox.path());
        let said = String::from_utf8_lossy(&resumed.stderr);
        // Killed after its last record there is nothing left to take up.
        assert!(resumed.status.success() || cut >= total, "killed after {cut} of {total}:\n{said}");
        assert_eq!(end_state(sandbox.path()), expected, "killed after {cut} of {total}:\n{said}");
        let again = run(&["apply", "--yes"], sandbox.path());
        assert!(again.status.success(), "killed after {cut}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(end_state(sandbox.path()), expected, "and nothing is left to do");
    }
    let midway = cuts.iter().filter(|cut| **cut < total).count();
    println!("{total} records; killed after {cuts:?}");
    assert!(midway >= 5, "most kills must find it at work: {cuts:?}");
}
