//! What is done by hand, by the program itself: drained, parked, woken, held, released, and what plans say of it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{PROGRAM, code, text, tidegate, workshop};

const NODE: &str = "node/demo-k8s-node-nf-4";
const NAME: &str = "demo-k8s-node-nf-4";
const ON: [&str; 4] = ["-f", "policy.yaml", "--sandbox", "sandbox"];

/// Runs a command on the sandbox and the policy; stdout and stderr.
fn run(folder: &Path, args: &[&str], expected: i32) -> String {
    let output = tidegate(folder, args);
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(code(&output), expected, "{args:?}: {said}");
    said
}

fn with(args: &[&'static str]) -> Vec<&'static str> {
    [args, &ON].concat()
}

/// The same as another person.
fn as_bob(folder: &Path, args: &[&str], expected: i32) -> String {
    let mut command = Command::new(PROGRAM);
    let output = command.args(args).env("USER", "bob").current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(code(&output), expected, "{args:?}: {said}");
    said
}

fn node(folder: &Path) -> String {
    let shown = run(folder, &["sandbox", "show", "sandbox"], 0);
    shown.lines().find(|line| line.contains(NAME)).unwrap().to_owned()
}

fn advance(folder: &Path, by: &str) {
    run(folder, &["sandbox", "advance", by, "sandbox"], 0);
}

#[test]
fn a_drained_node_stays_cordoned_through_applies_until_it_is_woken() {
    let folder = workshop();
    let folder = folder.path();
    let said = run(folder, &with(&["drain", NODE, "--yes", "--reason", "new disk"]), 0);
    assert!(said.contains("hold --release node/demo-k8s-node-nf-4 --sandbox sandbox"), "{said}");
    assert!(node(folder).contains("ACTIVE  Ready,SchedulingDisabled"), "{}", node(folder));
    run(folder, &with(&["apply", "--yes", "--no-wait"]), 6);
    assert!(node(folder).contains("ACTIVE  "), "the others parked, it did not: {}", node(folder));
    advance(folder, "7d");
    // What is drained is done: nothing is left to do to it, and who did it is said.
    let again = run(folder, &with(&["plan", "--target", NODE, "--detailed-exitcode"]), 0);
    assert!(!again.contains("to cordon") && again.contains("drained by hand by "), "{again}");
    let json = tidegate(folder, &with(&["status", "--format", "json"]));
    let lines = text(&json.stdout);
    assert!(lines.contains("\"drained\"") && lines.contains(" by hand\""), "{lines}");
    let status = run(folder, &with(&["status"]), 0);
    assert!(status.contains("By hand: node/demo-k8s-node-nf-4 drained until it is released, asked by "), "{status}");
    assert!(status.contains("new disk"), "{status}");
    let said = run(folder, &with(&["wake", NODE, "--yes"]), 0);
    assert!(said.contains("awake until"), "{said}");
    let line = node(folder);
    assert!(line.contains("Ready") && !line.contains("SchedulingDisabled") && !line.contains("Tidegate"), "{line}");
}

#[test]
fn a_parked_node_is_parked_for_four_hours_or_until_it_is_released() {
    let folder = workshop();
    let folder = folder.path();
    // While the workshop is on all ten are wanted.
    advance(folder, "6d21h");
    let said = run(folder, &with(&["park", NODE, "--yes"]), 0);
    assert!(said.contains("until Tue 17 Nov 2026 17:30:00 MST"), "{said}");
    assert!(node(folder).contains("SHELVED_OFFLOADED"), "{}", node(folder));
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(plan.contains("By hand  node/demo-k8s-node-nf-4 parked until Tue 17 Nov 17:30 MST, asked by "), "{plan}");
    assert!(!plan.contains("to wake"), "{plan}");
    let json = tidegate(folder, &with(&["plan", "--format", "json"]));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["byHand"][0]["object"], &json["byHand"][0]["wish"]), (&NODE.into(), &"parked".into()));
    run(folder, &["hold", "--release", NODE, "--sandbox", "sandbox"], 0);
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(!plan.contains("By hand") && plan.contains("1 to wake"), "{plan}");
}

#[test]
fn an_override_that_is_over_is_forgotten() {
    let folder = workshop();
    let folder = folder.path();
    advance(folder, "6d20h");
    run(folder, &with(&["park", NODE, "--yes", "--until", "2026-11-17T14:00"]), 0);
    advance(folder, "2h");
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(!plan.contains("By hand") && plan.contains("1 to wake"), "{plan}");
}

#[test]
fn a_whole_pool_is_parked_and_all_are_woken() {
    let folder = workshop();
    let folder = folder.path();
    advance(folder, "6d20h");
    run(folder, &with(&["park", "pool/workers", "--yes", "--no-wait"]), 0);
    let shown = run(folder, &["sandbox", "show", "sandbox"], 0);
    assert_eq!(shown.matches("SHELVED_OFFLOADED").count(), 9, "{shown}");
    advance(folder, "2h");
    let said = run(folder, &with(&["wake", "--all", "--yes", "--until", "2026-11-20T08:00", "--reason", "upgrade"]), 0);
    assert!(said.contains("Plans keep pool/workers awake until Fri 20 Nov 2026 08:00:00 MST"), "{said}");
    let shown = run(folder, &["sandbox", "show", "sandbox"], 0);
    assert_eq!(shown.matches("SHELVED_OFFLOADED").count(), 0, "{shown}");
    advance(folder, "10h");
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(plan.contains("No changes"), "the window is over, and they stay: {plan}");
}

#[test]
fn a_held_node_stays_as_it_is_until_it_is_released() {
    let folder = workshop();
    let folder = folder.path();
    run(folder, &["hold", NODE, "--sandbox", "sandbox", "--reason", "debugging"], 0);
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(plan.contains("held by a person: ") && plan.contains("debugging"), "{plan}");
    assert!(plan.contains("8 to park"), "{plan}");
    // What a person holds is not parked by hand either: a rule forbids it, and nothing is remembered.
    let said = run(folder, &with(&["park", NODE, "--yes"]), 3);
    assert!(said.contains("nothing was changed") && said.contains("held by a person"), "{said}");
    let said = run(folder, &["hold", "--release", NODE, "--sandbox", "sandbox"], 0);
    assert!(said.contains("is not held any more"), "{said}");
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(plan.contains("9 to park") && !plan.contains("By hand"), "{plan}");
    let said = run(folder, &["hold", "--release", NODE, "--sandbox", "sandbox"], 0);
    assert!(said.contains("Nothing was held"), "{said}");
}

#[test]
fn what_makes_no_sense_is_said_with_the_way_out() {
    let folder = workshop();
    let folder = folder.path();
    for (args, said) in [
        (with(&["drain", "pool/workers", "--yes"]), "nodes are drained one by one"),
        (with(&["park", "node/nowhere", "--yes"]), "neither a pool of the policy nor a member of one"),
        (with(&["park", NODE, "--until", "2026-01-01T00:00"]), "is over: it is"),
        (with(&["park", NODE]), "`--yes` goes on without asking"),
        (with(&["wake"]), "--all"),
        (vec!["hold", "node/demo-k8s-node-nf-44", "--sandbox", "sandbox"], "did you mean"),
        (vec!["park", NODE, "-f", "policy.yaml"], "no cluster was named"),
        (vec!["plan", "-f", "policy.yaml"], "no cluster was named"),
    ] {
        let output = run(folder, &args, 1);
        assert!(output.contains(said), "{args:?}: {output}");
    }
    assert!(!run(folder, &with(&["plan"]), 0).contains("By hand"), "nothing of it is remembered");
}

/// Killed after the word was given, the next apply knows it; and what was carried out is told as events.
#[test]
fn scripts_get_events_and_the_exit_codes_of_apply() {
    let folder = workshop();
    let folder = folder.path();
    let output = tidegate(folder, &with(&["drain", NODE, "--yes", "--format", "json"]));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let events: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["step"] == format!("drain/{NAME}")), "{events:?}");
    assert!(events.iter().all(|event| event["step"] != format!("park/{NAME}")), "{events:?}");
    // What is so already is told in one line.
    let output = tidegate(folder, &with(&["drain", NODE, "--yes", "--format", "json"]));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).lines().count() >= 2, "{}", text(&output.stdout));
}

#[test]
fn what_another_person_asked_for_by_name_is_neither_woken_nor_replaced_in_silence() {
    let folder = workshop();
    let folder = folder.path();
    // While the workshop is on all ten are wanted.
    advance(folder, "6d21h");
    as_bob(folder, &with(&["drain", NODE, "--yes", "--reason", "disk is out"]), 0);
    as_bob(folder, &["hold", "node/demo-k8s-node-nf-3", "--sandbox", "sandbox", "--reason", "rma"], 0);
    for command in [["wake", "--all"], ["wake", "pool/workers"]] {
        // Not all are awake, and a script hears of it.
        let said = run(folder, &[&command[..], &["--yes", "--for", "8h"], &ON].concat(), 6);
        assert!(said.contains("1 of 10 is not awake:\n  node/demo-k8s-node-nf-4: drained by hand by bob@"), "{said}");
        assert!(said.contains("nf-4 is drained by hand by bob@") && said.contains("disk is out"), "{said}");
        assert!(said.contains("hold --release node/demo-k8s-node-nf-4 --sandbox sandbox"), "{said}");
        assert!(node(folder).contains("ACTIVE  Ready,SchedulingDisabled"), "{}", node(folder));
    }
    let said = run(folder, &with(&["park", "pool/workers", "--yes", "--no-wait"]), 0);
    assert!(said.contains("pool/workers was awake by hand by "), "{said}");
    assert!(
        said.contains("nf-4 is drained by hand by bob@") && said.contains("nf-3 is held by a person: bob@"),
        "{said}"
    );
    let line = node(folder);
    assert!(line.contains("ACTIVE ") && line.contains("Ready,SchedulingDisabled"), "{line}");
    // The same object: only with a word for it, and nothing is changed before.
    for command in ["park", "wake", "drain"] {
        let said = run(folder, &with(&[command, NODE, "--yes"]), 3);
        assert!(said.contains("drained by hand by bob@") && said.contains("--replace"), "{said}");
    }
    let said = run(folder, &["hold", "node/demo-k8s-node-nf-3", "--sandbox", "sandbox", "--reason", "mine"], 3);
    assert!(said.contains("bob@") && said.contains("rma") && said.contains("--replace"), "{said}");
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(plan.contains("nf-4 drained until it is released, asked by bob@"), "{plan}");
    let hold = ["hold", "node/demo-k8s-node-nf-3", "--sandbox", "sandbox", "--reason", "mine", "--replace"];
    assert!(run(folder, &hold, 0).contains("rma"), "it says what it replaces");
    let said = run(folder, &with(&["wake", NODE, "--yes", "--replace"]), 0);
    assert!(said.contains("was drained by hand by bob@") && said.contains("takes its place"), "{said}");
    assert!(!node(folder).contains("SchedulingDisabled"), "{}", node(folder));
}

#[test]
fn a_day_is_meant_to_its_end_and_a_duration_from_now_on() {
    let folder = workshop();
    let folder = folder.path();
    advance(folder, "6d21h");
    let said = run(folder, &with(&["park", NODE, "--yes", "--until", "2026-11-17"]), 0);
    assert!(said.contains("until Wed 18 Nov 2026 00:00:00 MST"), "{said}");
    let said = run(folder, &with(&["park", NODE, "--yes", "--for", "8h"]), 0);
    assert!(said.contains("was parked by hand by ") && said.contains("until Tue 17 Nov 2026 21:"), "{said}");
}

/// Below the floor by a person's word: that is said, with whose word it is, and is nothing that cannot be had.
#[test]
fn a_node_parked_below_the_floor_is_told_as_what_a_person_wants() {
    let folder = workshop();
    let folder = folder.path();
    advance(folder, "6d21h");
    as_bob(folder, &with(&["park", NODE, "--yes", "--reason", "noisy"]), 0);
    let plan = run(folder, &with(&["plan", "--detailed-exitcode"]), 0);
    assert!(plan.contains("parked by hand by bob@") && plan.contains("1 node fewer than the floor, by hand"), "{plan}");
    assert!(!plan.contains("Cannot") && !plan.contains("In the way"), "{plan}");
    let json = tidegate(folder, &with(&["status", "--format", "json"]));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let said = json.to_string();
    assert!(!said.contains("not needed") && said.contains("parked by hand by bob@"), "{said}");
    let said = run(folder, &with(&["explain", NODE]), 0);
    assert!(said.contains("asked for by hand by bob@") && said.contains("until Tue 17 Nov"), "{said}");
    assert!(said.contains("parked by hand by bob@") && said.contains("noisy"), "{said}");
}

#[test]
fn a_hold_is_the_reason_that_is_given_and_is_always_shown() {
    let folder = workshop();
    let folder = folder.path();
    advance(folder, "6d21h");
    run(folder, &["hold", NODE, "--sandbox", "sandbox", "--reason", "rma"], 0);
    // All ten are needed, and still it is said that one is held.
    for command in ["status", "plan"] {
        let said = run(folder, &with(&[command]), 0);
        assert!(said.contains("held by a person: ") && said.contains("rma"), "{said}");
    }
    let said = run(folder, &with(&["park", NODE, "--yes"]), 3);
    assert!(said.contains("nf-4: held by a person: "), "{said}");
    advance(folder, "7h");
    let plan = run(folder, &with(&["plan"]), 0);
    assert!(plan.contains("tidegate hold --release node/"), "the way out: {plan}");
}

#[test]
fn a_saved_plan_that_was_carried_out_is_done_already() {
    let folder = workshop();
    let folder = folder.path();
    advance(folder, "6d21h");
    run(folder, &with(&["park", NODE, "--yes"]), 0);
    run(folder, &["hold", "--release", NODE, "--sandbox", "sandbox"], 0);
    run(folder, &with(&["plan", "--out", "plan.json"]), 0);
    run(folder, &["apply", "plan.json", "--sandbox", "sandbox"], 0);
    let said = run(folder, &["apply", "plan.json", "--sandbox", "sandbox"], 0);
    assert!(said.contains("Done already"), "{said}");
    // What was undone since makes it stale as ever.
    run(folder, &with(&["park", NODE, "--yes"]), 0);
    let said = run(folder, &["apply", "plan.json", "--sandbox", "sandbox"], 4);
    assert!(said.contains("stale"), "{said}");
}

#[test]
fn a_reason_is_one_line_that_plans_can_show() {
    let folder = workshop();
    let folder = folder.path();
    let long = "x".repeat(100_000);
    for (command, reason, words) in [
        ("park", long.as_str(), "it has 100000 characters"),
        ("hold", long.as_str(), "it has 100000 characters"),
        ("hold", "two\nlines", "one line of text"),
    ] {
        let more = if command == "park" { vec!["-f", "policy.yaml", "--yes"] } else { Vec::new() };
        let said =
            run(folder, &[&[command, NODE, "--sandbox", "sandbox", "--reason", reason], more.as_slice()].concat(), 1);
        assert!(said.contains(words) && said.len() < 110_000, "{}", &said[said.len().saturating_sub(500)..]);
    }
    run(folder, &["hold", NODE, "--sandbox", "sandbox", "--reason", &"x".repeat(500)], 0);
}

#[test]
fn a_pool_that_nobody_knows_is_not_released() {
    let folder = workshop();
    let folder = folder.path();
    run(folder, &with(&["park", NODE, "--yes", "--no-wait"]), 0);
    let release = |object: &str, code: i32| run(folder, &["hold", "--release", object, "--sandbox", "sandbox"], code);
    let said = release("pool/workerz", 1);
    assert!(said.contains("there is no pool/workerz") && said.contains("did you mean `pool/workers`?"), "{said}");
    assert!(release("pool/workers", 0).contains("Nothing was held"));
    let both = ["hold", "--release", NODE, "node/nobody", "--sandbox", "sandbox"];
    assert!(run(folder, &both, 1).contains("there is no node/nobody"), "one known object does not vouch for another");
    assert!(release(NODE, 0).contains("is not to be"));
}

/// What a provider has been asked for is not taken back by a hold, and the one who holds learns of it at once.
#[test]
fn a_hold_on_a_node_that_is_being_shelved_says_that_it_comes_too_late() {
    let folder = workshop();
    let folder = folder.path();
    std::fs::write(
        folder.join("faults.yaml"),
        "faults: [{target: server/demo-k8s-node-nf-*, kind: stuck, on: park}]\n",
    )
    .unwrap();
    let create = ["sandbox", "create", "stuck", "--snapshot", "cluster.yaml", "--faults", "faults.yaml"];
    run(folder, &create, 0);
    let on = ["--sandbox", "stuck"];
    let output = tidegate(folder, &[&["apply", "-f", "policy.yaml", "--yes", "--no-wait"], &on[..]].concat());
    assert_eq!(code(&output), 6, "{}", text(&output.stderr));
    let shown = run(folder, &["sandbox", "show", "stuck"], 0);
    let busy = shown.lines().find(|line| line.contains("shelving")).unwrap_or_else(|| panic!("{shown}"));
    let name = busy.split_whitespace().find(|word| word.starts_with("demo-k8s-node")).unwrap();
    let late = run(folder, &[&["hold", &format!("node/{name}")], &on[..]].concat(), 0);
    assert!(late.contains("But its server is shelving already"), "{late}");
    let calm = shown.lines().find(|line| line.contains("ACTIVE") && !line.contains("shelving")).unwrap();
    let calm = calm.split_whitespace().find(|word| word.starts_with("demo-k8s-")).unwrap();
    let calm = run(folder, &[&["hold", &format!("node/{calm}")], &on[..]].concat(), 0);
    assert!(!calm.contains("already"), "{calm}");
}
