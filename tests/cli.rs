//! The program as people and scripts meet it: exit codes, messages, help, pipes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "cli/by_hand.rs"]
mod by_hand;
#[path = "cli/checked.rs"]
mod checked;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/exits.rs"]
mod exits;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/half.rs"]
mod half;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/leftovers.rs"]
mod leftovers;
#[path = "cli/live.rs"]
mod live;
#[path = "cli/new_user.rs"]
mod new_user;
#[path = "cli/oncall.rs"]
mod oncall;
#[cfg(unix)]
#[path = "cli/pipelines.rs"]
mod pipelines;
#[path = "cli/pods.rs"]
mod pods;
#[path = "cli/tested.rs"]
mod tested;
#[path = "cli/told.rs"]
mod told;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
const WORKSHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop");

fn tidegate(folder: &Path, args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn here(args: &[&str]) -> Output {
    tidegate(Path::new(WORKSHOP), args)
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A sandbox of the workshop in a folder of its own.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["policy.yaml", "cluster.yaml"] {
        fs::copy(Path::new(WORKSHOP).join(file), folder.path().join(file)).unwrap();
    }
    let made = tidegate(folder.path(), &["sandbox", "create", "sandbox", "--snapshot", "cluster.yaml"]);
    assert_eq!(code(&made), 0, "{}", text(&made.stderr));
    folder
}

const APPLY: [&str; 5] = ["apply", "-f", "policy.yaml", "--sandbox", "sandbox"];

#[test]
fn usage_errors_are_errors_and_help_is_not() {
    for (args, expected) in [
        (vec!["plam"], 1),
        (vec!["plan"], 1),
        (vec!["plan", "--wrong"], 1),
        (vec!["explain", "nodes/x", "-f", "policy.yaml", "--snapshot", "cluster.yaml"], 1),
        (vec!["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "tuesday"], 1),
        (vec![], 1),
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec!["plan", "--help"], 0),
    ] {
        let output = here(&args);
        assert_eq!(code(&output), expected, "{args:?}: {}", text(&output.stderr));
        assert_eq!(output.stdout.is_empty(), expected == 1, "{args:?}: data goes to stdout, errors to stderr");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let listing = text(&here(&["--help"]).stdout);
    let commands: Vec<&str> = (listing.lines())
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(commands.len() >= 14, "{commands:?}");
    for command in commands {
        let help = text(&here(&[command, "--help"]).stdout);
        assert!(help.contains("Example"), "{command}");
        assert!(help.lines().any(|line| line.trim_start().contains(&format!("tidegate {command}"))), "{command}");
    }
}

#[test]
fn a_missing_file_is_said_with_a_hint() {
    let output = here(&["validate", "-f", "nothing.yaml"]);
    assert_eq!(code(&output), 1);
    let said = text(&output.stderr);
    assert!(said.contains("`nothing.yaml`") && said.contains("hint: "), "{said}");
    let output = here(&["plan", "-f", "policy.yaml", "--sandbox", "nowhere"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("tidegate sandbox create nowhere"), "{}", text(&output.stderr));
}

#[test]
fn problems_are_said_all_at_once_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: x}\nspec:\n  pools:\n    - {name: a, nodes: {names: n-1}, min: 3, max: 2, idel: stop}\n";
    fs::write(folder.path().join("p.yaml"), policy).unwrap();
    let output = tidegate(folder.path(), &["validate", "-f", "p.yaml"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("did you mean `idle`?"), "{}", text(&output.stderr));
    let output = tidegate(folder.path(), &["validate", "-f", "p.yaml", "--format", "json"]);
    assert_eq!(code(&output), 1);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["problems"].as_array().unwrap().len() >= 2, "{json}");
    assert_eq!(json["problems"][0]["place"]["line"], 6);
}

#[test]
fn colours_are_for_those_who_want_them() {
    let plan = ["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "2026-11-10T16:30"];
    let coloured = |args: &[&str], key: &str| {
        let output = Command::new(PROGRAM).args(plan).args(args).env(key, "1").current_dir(WORKSHOP).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], "UNRELATED"), "a pipe has no colours");
    assert!(coloured(&["--color", "always"], "UNRELATED"));
    assert!(!coloured(&["--color", "never"], "CLICOLOR_FORCE"));
    assert!(!coloured(&[], "NO_COLOR"));
}

/// `-v` says on stderr what is read and how long it takes, whatever the command; stdout stays what it is.
#[test]
fn verbose_says_more_and_prints_the_same() {
    for args in [["schedule", "-f", "policy.yaml", "--from", "2026-11-10"].as_slice(), &["completions", "bash"]] {
        let (plain, verbose) = (here(args), here(&[args, &["-v"]].concat()));
        assert_eq!(plain.stdout, verbose.stdout, "{args:?}");
        assert!(plain.stderr.is_empty() && text(&verbose.stderr).contains("took "), "{args:?}");
    }
    let plan = ["plan", "-v", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "2026-11-10T16:30"];
    let said = text(&here(&plan).stderr);
    assert!(said.contains("bytes of policy") && said.contains("11 nodes"), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(PROGRAM)
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert_eq!(code(&output), 0);
}

#[test]
fn pending_changes_are_2_where_that_is_asked_for() {
    let plan = ["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "2026-11-10T16:30"];
    assert_eq!(code(&here(&plan)), 0);
    assert_eq!(code(&here(&[plan.as_slice(), &["--detailed-exitcode"]].concat())), 2);
    let at_noon = ["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "2026-11-17T13:00"];
    assert_eq!(code(&here(&[at_noon.as_slice(), &["--detailed-exitcode"]].concat())), 0);
}

/// An alarm that goes by the code fires where nodes are wanted and none can come.
#[test]
fn a_policy_that_cannot_be_met_is_2_where_that_is_asked_for() {
    let folder = workshop();
    let policy = text(&fs::read(folder.path().join("policy.yaml")).unwrap());
    let wanted = policy.replace("nf-{2..10}", "nf-{2..12}").replace("      min: 1\n", "      min: 12\n      # ");
    let wanted = wanted.replace("      max: 10\n", "      max: 12\n");
    fs::write(folder.path().join("more.yaml"), wanted).unwrap();
    let plan =
        ["plan", "-f", "more.yaml", "--snapshot", "cluster.yaml", "--now", "2026-11-10T16:30", "--detailed-exitcode"];
    let output = tidegate(folder.path(), &plan);
    assert!(text(&output.stdout).contains("short of the floor"), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(code(&output), 2);
}

/// Building blocks stand side by side: their lists are joined.
#[test]
fn the_building_blocks_are_one_valid_policy() {
    let folder = workshop();
    let own = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: mine}\nspec: {pools: []}\n";
    fs::write(folder.path().join("own.yaml"), own).unwrap();
    let blocks = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let args = ["validate", "-f", "own.yaml", "-f", blocks.to_str().unwrap(), "--print"];
    let output = tidegate(folder.path(), &args);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let place = |of: &str| printed.find(of).unwrap_or_else(|| panic!("no {of} in\n{printed}"));
    assert!(place("csi-cinder-controllerplugin") < place("metrics-server"));
    assert!(place("singleuser-server") < place("user-placeholder"));
}

#[test]
fn an_apply_asks_and_nobody_is_no_yes() {
    let folder = workshop();
    let output = tidegate(folder.path(), &APPLY);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("`--yes`"), "{}", text(&output.stderr));
    let shown = text(&tidegate(folder.path(), &["sandbox", "show", "sandbox"]).stdout);
    assert!(!shown.contains("Tidegate"), "{shown}");
}

#[test]
fn a_plan_that_was_agreed_to_is_stale_when_the_cluster_is_another() {
    let folder = workshop();
    let plan = ["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out", "plan.json"];
    assert_eq!(code(&tidegate(folder.path(), &plan)), 0);
    assert_eq!(code(&tidegate(folder.path(), &["show", "plan.json"])), 0);
    let safe = ["verify", "plan.json", "-f", "policy.yaml", "--sandbox", "sandbox"];
    assert_eq!(code(&tidegate(folder.path(), &safe)), 0);
    assert_eq!(code(&tidegate(folder.path(), &["sandbox", "advance", "6d20h", "sandbox"])), 0);
    let output = tidegate(folder.path(), &[APPLY.as_slice(), &["plan.json"]].concat());
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("stale"), "{}", text(&output.stderr));
}

#[test]
fn a_plan_of_another_format_or_of_none_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (content, word) in
        [("{}", "formatVersion"), ("no json", "is not a plan"), ("{\"formatVersion\": \"9.0\"}", "9.0")]
    {
        fs::write(folder.path().join("p.json"), content).unwrap();
        let output = tidegate(folder.path(), &["show", "p.json"]);
        assert_eq!(code(&output), 1);
        assert!(text(&output.stderr).contains(word), "{}", text(&output.stderr));
    }
}

#[test]
fn events_are_json_lines_by_the_schema() {
    let folder = workshop();
    let output = tidegate(folder.path(), &[APPLY.as_slice(), &["--yes", "--format", "json"]].concat());
    assert_eq!(code(&output), 6, "one person is waited for: {}", text(&output.stderr));
    let schema: serde_json::Value = serde_json::from_slice(&here(&["schema", "event"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 50 && lines.iter().all(|line| validator.is_valid(line)));
    assert_eq!(lines[0]["type"], "version");
    assert_eq!(lines[lines.len() - 1]["type"], "summary");
}

#[test]
fn the_demo_works_and_works_again() {
    let folder = tempfile::tempdir().unwrap();
    for word in ["Made a sandbox", "Found the sandbox"] {
        let output = tidegate(folder.path(), &["demo", "d"]);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains(word) && said.contains("No changes"), "{said}");
    }
}

#[test]
fn a_starter_is_valid_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let out = policy.to_str().unwrap();
    for example in ["jetstream-workshop", "school-term", "several-pools"] {
        let cluster = Path::new(WORKSHOP).parent().unwrap().join(example).join("cluster.yaml");
        let cluster = cluster.to_str().unwrap();
        let made = tidegate(folder.path(), &["init", "--snapshot", cluster, "--out", out]);
        assert_eq!(code(&made), 0, "{}", text(&made.stderr));
        let again = tidegate(folder.path(), &["init", "--snapshot", cluster, "--out", out]);
        assert_eq!(code(&again), 1, "a file that is there is left alone");
        let plan = ["plan", "-f", out, "--snapshot", cluster, "--now", "2026-11-10T16:30", "--detailed-exitcode"];
        let plan = tidegate(folder.path(), &plan);
        assert_eq!(code(&plan), 0, "{example}: {}{}", text(&plan.stdout), text(&plan.stderr));
        fs::remove_file(&policy).unwrap();
    }
}

/// The best of several, for a machine may be busy; ten times what is promised in a build with optimisation.
#[test]
fn the_version_is_there_at_once() {
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(code(&here(&["--version"])), 0);
            start.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < Duration::from_millis(100), "{best:?}");
}

#[test]
fn a_moment_out_of_range_is_named_with_its_flag() {
    let plan = |now| vec!["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", now];
    for (args, flag) in [
        (plan("9999-12-31"), "`--now`"),
        (plan("9901-01-02"), "`--now`"),
        (plan("1969-12-30"), "`--now`"),
        (vec!["schedule", "-f", "policy.yaml", "--at", "9999-12-31"], "`--at`"),
    ] {
        let output = here(&args);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 1, "{said}");
        assert!(said.contains(flag) && said.contains("is out of range: the years 1970 to 9900 are taken"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_said_to_be_standard_output() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let show = ["schedule", "-f", "policy.yaml"];
    let output = Command::new(PROGRAM).args(show).current_dir(WORKSHOP).stdout(full).output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("cannot write to standard output: "), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_plan_goes_through_links_and_into_devices() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("kept")).unwrap();
    fs::write(path("kept/plan.json"), r#"{"formatVersion": "0.9"}"#).unwrap();
    std::os::unix::fs::symlink("kept/plan.json", path("link.json")).unwrap();
    let link = path("link.json");
    for out in [link.to_str().unwrap(), "/dev/stdout"] {
        let plan =
            ["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "2026-11-10T16:30", "--out", out];
        let output = here(&plan);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        if out == "/dev/stdout" {
            let written = fs::read_to_string(path("kept/plan.json")).unwrap();
            assert!(text(&output.stdout).contains(written.trim_end()), "the same plan in a pipe");
        }
    }
    assert!(link.is_symlink());
    assert!(fs::read_to_string(path("kept/plan.json")).unwrap().contains("\"formatVersion\": \"1.0\""));
}

#[test]
fn a_reset_needs_no_readable_log_and_removes_what_an_apply_left() {
    let folder = workshop();
    let begin = text(&tidegate(folder.path(), &["sandbox", "show", "sandbox"]).stdout);
    assert_eq!(code(&tidegate(folder.path(), &["sandbox", "advance", "6d20h", "sandbox"])), 0);
    let left =
        ["journal.jsonl", "journal.previous.jsonl", "lock.json"].map(|name| folder.path().join("sandbox").join(name));
    for file in left.iter().chain([&folder.path().join("sandbox/log")]) {
        fs::write(file, "damaged\ndamaged\n").unwrap();
    }
    assert_eq!(code(&tidegate(folder.path(), &["sandbox", "show", "sandbox"])), 1);
    let reset = tidegate(folder.path(), &["sandbox", "reset", "sandbox"]);
    assert_eq!(code(&reset), 0, "{}", text(&reset.stderr));
    assert_eq!(text(&reset.stdout), begin);
    for file in left {
        assert!(!file.exists(), "{}", file.display());
    }
}

#[test]
fn a_workload_of_too_many_pods_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (replicas, expected) in [(10_000, 0), (10_001, 1), (2_000_000, 1)] {
        let set = format!(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: crowd, namespace: a, uid: u}}\nspec: {{replicas: {replicas}}}\n"
        );
        fs::write(folder.path().join("set.yaml"), set).unwrap();
        let made = tidegate(folder.path(), &["sandbox", "create", &replicas.to_string(), "--snapshot", "set.yaml"]);
        let said = text(&made.stderr);
        assert_eq!(code(&made), expected, "{said}");
        assert_eq!(said.contains("ReplicaSet a/crowd") && said.contains("at most 10000"), expected == 1, "{said}");
    }
}
