//! Every exit code of the published contract once, by the program itself, with what is said beside it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{APPLY, PROGRAM, code, text, tidegate, workshop};

const PLAN: [&str; 5] = ["plan", "-f", "policy.yaml", "--sandbox", "sandbox"];

/// Changes the policy in its file.
fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join("policy.yaml");
    let policy = fs::read_to_string(&path).unwrap();
    assert!(policy.contains(from));
    fs::write(path, policy.replacen(from, to, 1)).unwrap();
}

/// A freeze for a week that opens half an hour after the sandbox begins.
fn freeze(folder: &Path) {
    let window =
        "        - {name: exam, kind: freeze, from: \"2026-11-11T00:00:00Z\", until: \"2026-11-16T00:00:00Z\"}\n";
    change(folder, "      exceptions:\n", &format!("{window}      exceptions:\n"));
}

/// An apply that finds nothing to do is one too: what it saw is what the next one is compared with.
#[test]
fn what_a_quiet_apply_saw_is_remembered() {
    let apply = |folder: &Path| tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat());
    let quiet = || {
        let folder = workshop();
        change(folder.path(), "\n      min: 1\n", "\n      min: 10\n");
        let first = apply(folder.path());
        assert_eq!((code(&first), text(&first.stdout).contains("No changes")), (0, true), "{}", text(&first.stderr));
        folder
    };

    // An inventory that shrank by more than half since then is not believed.
    let folder = quiet();
    assert_eq!(code(&tidegate(folder.path(), &["snapshot", "--sandbox", "sandbox", "--out", "seen.json"])), 0);
    let mut seen: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("seen.json")).unwrap()).unwrap();
    let gone = |name: &str| (5..=10).any(|number| name == format!("demo-k8s-node-nf-{number}"));
    let seen_there = &mut seen["items"][0]["snapshot"];
    seen_there["nodes"].as_array_mut().unwrap().retain(|node| !gone(node["name"].as_str().unwrap()));
    seen_there["servers"].as_array_mut().unwrap().retain(|server| !gone(server["name"].as_str().unwrap()));
    seen_there["pods"].as_array_mut().unwrap().retain(|pod| !gone(pod["node"].as_str().unwrap_or_default()));
    fs::write(folder.path().join("seen.json"), seen.to_string()).unwrap();
    change(folder.path(), "\n      min: 10\n", "\n      min: 1\n");
    let plan = tidegate(folder.path(), &["plan", "-f", "policy.yaml", "--snapshot", "seen.json"]);
    assert!(text(&plan.stdout).contains("Brake inventory-shrank"), "{}", text(&plan.stdout));

    // A policy that became empty is held back.
    let folder = quiet();
    let head = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: workshop}\n";
    fs::write(folder.path().join("policy.yaml"), format!("{head}spec: {{pools: []}}\n")).unwrap();
    let empty = apply(folder.path());
    assert_eq!((code(&empty), text(&empty.stderr).contains("empty-policy")), (7, true), "{}", text(&empty.stderr));

    // What nothing needs for an hour goes an hour after an apply first saw it so: Dana leaves at 17:05.
    let folder = workshop();
    change(folder.path(), "\n      min: 1\n", "\n      min: 1\n      unneededFor: 1h\n");
    change(folder.path(), "        action: wait\n        atMost: 2h\n", "        action: block\n");
    assert_eq!(code(&apply(folder.path())), 0);
    for (passes, parks) in [("30m", false), ("35m", false), ("30m", false), ("29m", false), ("2m", true)] {
        assert_eq!(code(&tidegate(folder.path(), &["sandbox", "advance", passes, "sandbox"])), 0);
        let next = apply(folder.path());
        assert_eq!(text(&next.stdout).contains("parking"), parks, "after {passes}: {}", text(&next.stdout));
    }
}

/// Time that stands still would be no slow motion.
#[test]
fn a_sandbox_is_not_slowed_down_to_nothing() {
    let folder = workshop();
    for command in [[APPLY.as_slice(), &["--yes", "--slow", "0"]].concat(), vec!["demo", "here", "--slow", "0"]] {
        let refused = tidegate(folder.path(), &command);
        assert_eq!(code(&refused), 1, "{command:?}");
        assert!(text(&refused.stderr).contains("--slow"), "{}", text(&refused.stderr));
        assert!(!folder.path().join("here").exists());
    }
}

#[test]
fn every_exit_code_is_met_once() {
    type Case = fn(&Path) -> std::process::Output;
    let cases: [(i32, &str, Case); 12] = [
        (0, "No changes", |folder| {
            let first = tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat());
            assert_eq!(code(&first), 6, "{}", text(&first.stderr));
            assert_eq!(code(&tidegate(folder, &["sandbox", "advance", "3h", "sandbox"])), 0);
            let rest = tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat());
            assert_eq!(code(&rest), 0, "{}", text(&rest.stderr));
            tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat())
        }),
        (1, "did you mean", |folder| {
            change(folder, "idle: shelve", "idel: shelve");
            tidegate(folder, &PLAN)
        }),
        (2, "9 to park", |folder| tidegate(folder, &[PLAN.as_slice(), &["--detailed-exitcode"]].concat())),
        (3, "violation", |folder| {
            assert_eq!(code(&tidegate(folder, &[PLAN.as_slice(), &["--out", "plan.json"]].concat())), 0);
            let mut plan: serde_json::Value =
                serde_json::from_slice(&fs::read(folder.join("plan.json")).unwrap()).unwrap();
            for step in plan["steps"].as_array_mut().unwrap() {
                step.as_object_mut().unwrap().remove("pods");
            }
            fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
            tidegate(folder, &["verify", "plan.json", "-f", "policy.yaml", "--sandbox", "sandbox"])
        }),
        (4, "stale", |folder| {
            assert_eq!(code(&tidegate(folder, &[PLAN.as_slice(), &["--out", "plan.json"]].concat())), 0);
            assert_eq!(code(&tidegate(folder, &["sandbox", "advance", "6d20h", "sandbox"])), 0);
            tidegate(folder, &[APPLY.as_slice(), &["plan.json"]].concat())
        }),
        (5, "hint: ", |folder| {
            let slow = [APPLY.as_slice(), &["--yes", "--slow", "1"]].concat();
            let mut working = Command::new(PROGRAM)
                .args(&slow)
                .current_dir(folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let since = Instant::now();
            while !folder.join("sandbox/lock.json").exists() {
                assert!(since.elapsed() < Duration::from_secs(60), "the first apply takes no lock");
                std::thread::yield_now();
            }
            let second = tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat());
            for command in ["status", "plan", "doctor"] {
                let seen = tidegate(folder, &[&[command], &PLAN[1..]].concat());
                let said = text(&seen.stdout) + &text(&seen.stderr);
                assert!(said.contains("is at work since") && said.contains("`apply`, process"), "{command}: {said}");
            }
            working.kill().unwrap();
            working.wait().unwrap();
            second
        }),
        (6, "run this again to go on", |folder| tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat())),
        (7, "max-nodes", |folder| {
            change(folder, "  drain:\n", "  brakes: {maxNodes: 3}\n  drain:\n");
            tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat())
        }),
        (7, "Brake empty-policy: the policy has no pools and the last one had some", |folder| {
            assert_eq!(code(&tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat())), 6);
            let head = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: workshop}\n";
            fs::write(folder.join("policy.yaml"), format!("{head}spec: {{timeZone: America/Denver, pools: []}}\n"))
                .unwrap();
            let plan = tidegate(folder, &PLAN);
            assert!(text(&plan.stdout).contains("Brake empty-policy"), "{}", text(&plan.stdout));
            tidegate(folder, &[APPLY.as_slice(), &["--yes"]].concat())
        }),
        (8, "a freeze forbids taking 1 node away", |folder| {
            freeze(folder);
            assert_eq!(code(&tidegate(folder, &["sandbox", "advance", "1h", "sandbox"])), 0);
            // Without a target a freeze is obeyed, not run into.
            let whole = tidegate(folder, &PLAN);
            assert_eq!(code(&whole), 0);
            assert!(text(&whole.stdout).contains("could go but for freeze"), "{}", text(&whole.stdout));
            tidegate(folder, &[PLAN.as_slice(), &["--target", "node/demo-k8s-node-nf-4"]].concat())
        }),
        (8, "a freeze forbids taking", |folder| {
            freeze(folder);
            assert_eq!(code(&tidegate(folder, &["sandbox", "advance", "1h", "sandbox"])), 0);
            tidegate(folder, &[APPLY.as_slice(), &["--yes", "--target", "pool/workers"]].concat())
        }),
        (8, "a freeze forbids taking", |folder| {
            freeze(folder);
            assert_eq!(code(&tidegate(folder, &[PLAN.as_slice(), &["--out", "plan.json"]].concat())), 0);
            assert_eq!(code(&tidegate(folder, &["sandbox", "advance", "1h", "sandbox"])), 0);
            tidegate(folder, &[APPLY.as_slice(), &["plan.json"]].concat())
        }),
    ];
    let mut met: Vec<i32> = Vec::new();
    for (expected, word, case) in cases {
        let folder = workshop();
        let output = case(folder.path());
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(code(&output), expected, "{said}");
        assert!(said.contains(word), "{expected}: `{word}` is not in\n{said}");
        assert!(matches!(expected, 0 | 2) || !output.stderr.is_empty(), "{expected}: what went wrong goes to stderr");
        met.push(expected);
    }
    met.dedup();
    assert_eq!(met, (0..=8).collect::<Vec<_>>());
}

/// Under a freeze a saved plan takes nothing away, and the node that it was to take is as it was.
#[test]
fn a_plan_that_meets_a_freeze_changes_nothing() {
    let folder = workshop();
    freeze(folder.path());
    let out = [PLAN.as_slice(), &["--out", "plan.json"]].concat();
    assert_eq!(code(&tidegate(folder.path(), &out)), 0);
    assert_eq!(code(&tidegate(folder.path(), &["sandbox", "advance", "1h", "sandbox"])), 0);
    let shown = || text(&tidegate(folder.path(), &["sandbox", "show", "sandbox"]).stdout);
    let before = shown();
    assert_eq!(code(&tidegate(folder.path(), &[APPLY.as_slice(), &["plan.json"]].concat())), 8);
    assert_eq!(shown(), before);
}

/// What fails is said with its node and when it is tried again, and the next run does not try it at once.
#[test]
fn failures_are_partly_applied_and_say_what_is_tried_when() {
    // A node that was given back is settled; one whose server hangs or is in ERROR is not, and whoever waits for 0 is told.
    for (fault, said, then) in [
        ("{target: server/demo-k8s-node-nf-3, kind: error, on: park}", "is in ERROR", 6),
        ("{target: server/demo-k8s-node-nf-3, kind: stuck, on: park}", "did not end in 30m", 6),
        ("{target: pod/jhub/user-scheduler-*, kind: stuck, on: stop}", "was not gone", 0),
        ("{target: pod/jhub/user-scheduler-*, kind: evict-error}", "could not be evicted", 0),
    ] {
        let folder = workshop();
        let folder = folder.path();
        fs::write(folder.join("faults.yaml"), format!("faults:\n- {fault}\n")).unwrap();
        let create = ["sandbox", "create", "faulty", "--snapshot", "cluster.yaml", "--faults", "faults.yaml"];
        assert_eq!(code(&tidegate(folder, &create)), 0);
        assert_eq!(code(&tidegate(folder, &["sandbox", "advance", "3h", "faulty"])), 0);
        let apply = ["apply", "-f", "policy.yaml", "--sandbox", "faulty", "--yes"];
        let first = tidegate(folder, &apply);
        let told = text(&first.stdout) + &text(&first.stderr);
        assert_eq!(code(&first), 6, "{told}");
        assert!(told.contains(said) && told.contains("run this again to go on"), "{told}");
        let again = tidegate(folder, &apply);
        let told = text(&again.stdout) + &text(&again.stderr);
        assert_eq!(code(&again), then, "{told}");
        assert!(!told.contains(said) || told.contains("its last drain failed"), "{told}");
        assert_eq!(told.contains("Cannot: 1 node is not parked that should be"), then == 6, "{told}");
        assert_eq!(told.contains("`tidegate sandbox advance"), then == 6, "{told}");
        let plan = ["plan", "-f", "policy.yaml", "--sandbox", "faulty", "--detailed-exitcode"];
        assert_eq!(code(&tidegate(folder, &plan)), if then == 6 { 2 } else { 0 }, "{told}");
    }
}

/// Each brake says what helps against it, and whether what gives capacity back was held too.
#[test]
fn what_is_refused_says_what_helps_against_its_brake() {
    let gives = "capacity that is to come back is not held up";
    for (from, to, said, gives_back) in [
        ("  drain:\n", "  brakes: {maxNodes: 3}\n  drain:\n", "raise `brakes.maxNodes`", true),
        ("  cluster: \"15ac", "  cluster: \"25ac", "change `cluster` in the policy", false),
    ] {
        let folder = workshop();
        change(folder.path(), from, to);
        let refused = tidegate(folder.path(), &[APPLY.as_slice(), &["--yes"]].concat());
        let told = text(&refused.stderr);
        let hint = told.lines().find(|line| line.starts_with("hint: ")).unwrap_or_default();
        assert_eq!(code(&refused), 7, "{told}");
        assert!(hint.contains(said) && hint.contains(gives) == gives_back, "{told}");
        assert!(gives_back || hint.contains("nothing at all is done") && !hint.contains("brakes"), "{told}");
    }
}

/// A person stopped everything: an apply is refused by their name and reason, `status` says so, and once it is over all goes on.
#[test]
fn a_stop_by_hand_is_shown_and_refuses_an_apply_until_it_ends() {
    let folder = workshop();
    let run = |args: &[&str]| tidegate(folder.path(), args);
    let apply = || run(&[APPLY.as_slice(), &["--yes"]].concat());
    let stopped = run(&["stop", "--for", "2h", "--reason", "storage is slow", "--sandbox", "sandbox"]);
    assert_eq!(code(&stopped), 0, "{}", text(&stopped.stderr));
    let status = run(&["status", "-f", "policy.yaml", "--sandbox", "sandbox"]);
    for said in [text(&status.stderr), text(&apply().stderr)] {
        assert!(said.contains("storage is slow") && said.contains("tidegate stop --end --sandbox sandbox"), "{said}");
    }
    assert_eq!(code(&apply()), 5);
    assert_eq!(code(&run(&["stop", "--end", "--sandbox", "sandbox"])), 0);
    let again = apply();
    assert!([0, 6].contains(&code(&again)), "{}", text(&again.stderr));
    for (args, why) in [(&["--for", "0s"][..], "lasts for a while"), (&["--for", "99d"], "policy"), (&[], "--for")] {
        let refused = run(&[&["stop"], args, &["--sandbox", "sandbox"]].concat());
        assert!(code(&refused) == 1 && text(&refused.stderr).contains(why), "{args:?}: {}", text(&refused.stderr));
    }
    assert_eq!(code(&run(&["stop", "--end", "--sandbox", "nowhere"])), 1);
}
