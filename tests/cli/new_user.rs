//! What a new user met: plans that promise too much, words that are habit elsewhere, times as one types them at night.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{WORKSHOP, code, tidegate, workshop};

const ON: [&str; 4] = ["-f", "policy.yaml", "--sandbox", "sandbox"];

/// Runs a command; stdout and stderr, in lines that were not wrapped.
fn run(folder: &Path, args: &[&str], expected: i32) -> String {
    let output = tidegate(folder, args);
    let said = format!("{}{}", super::text(&output.stdout), super::text(&output.stderr));
    assert_eq!(code(&output), expected, "{args:?}: {said}");
    said
}

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &ON].concat()
}

/// A sandbox of the workshop in which these kinds were not listed.
fn without(kinds: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(Path::new(WORKSHOP).join("policy.yaml"), folder.path().join("policy.yaml")).unwrap();
    let mut cluster: Value =
        serde_yaml::from_str(&fs::read_to_string(Path::new(WORKSHOP).join("cluster.yaml")).unwrap()).unwrap();
    let items = cluster["items"].as_array_mut().unwrap();
    items.retain(|item| !kinds.contains(&item["kind"].as_str().unwrap()));
    let listed = items[0]["kinds"].as_array_mut().unwrap();
    listed.retain(|kind| !kinds.contains(&kind.as_str().unwrap()));
    fs::write(folder.path().join("cluster.json"), cluster.to_string()).unwrap();
    folder
}

/// What `apply` refuses the plan says, in its last line and as a value; and nobody is asked for what is refused whatever the
/// answer is.
#[test]
fn a_plan_that_would_be_refused_says_so() {
    let folder = without(&["PodDisruptionBudget"]);
    let folder = folder.path();
    let made = run(folder, &["sandbox", "create", "sandbox", "--snapshot", "cluster.json"], 0);
    assert!(made.contains("warning: not listed: PodDisruptionBudget; an `apply` that takes"), "{made}");
    let way = "tidegate sandbox create FOLDER --snapshot cluster.json pdb.json";
    assert!(made.contains(way), "{made}");
    // On the one node nothing has to move, so that no budget is asked.
    for (more, brake) in [(&[][..], "not-listed"), (&["--target", "demo-k8s-node-nf-10"], "incomplete")] {
        let plan = run(folder, &[&with(&["plan"]), more].concat(), 0);
        assert!(plan.contains(&format!(", held back by brake {brake}.")), "{plan}");
        let json = tidegate(folder, &[&with(&["plan", "--format", "json"]), more].concat());
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!((&json["applyable"], &json["refusals"][0]["brake"]), (&false.into(), &brake.into()));
        // Without `--yes` nobody could answer: it is not asked.
        let refused = run(folder, &[&with(&["apply"]), more].concat(), 7);
        assert!(!refused.contains("nobody is there") && refused.contains("nothing was taken away"), "{refused}");
        assert!(refused.contains(way), "the way on: {refused}");
    }
    let refused = run(folder, &with(&["park", "demo-k8s-node-nf-10"]), 7);
    assert!(!refused.contains("By hand"), "it does not look as if it had been taken: {refused}");
}

#[test]
fn waking_all_parks_nothing_and_says_what_still_sleeps() {
    let folder = workshop();
    let folder = folder.path();
    run(folder, &with(&["park", "node/demo-k8s-node-nf-7", "--yes"]), 0);
    // It waits for the one person who is at work there.
    run(folder, &with(&["park", "node/demo-k8s-node-nf-9", "--yes", "--no-wait"]), 6);
    let said = run(folder, &with(&["wake", "--all", "--yes", "--no-wait"]), 6);
    assert!(!said.contains("to park") && !said.contains("waits for jhub"), "{said}");
    assert!(
        said.contains("of 10 are not awake:") && said.contains("\n  node/demo-k8s-node-nf-7: parked by hand"),
        "{said}"
    );
    let release = "hold --release node/demo-k8s-node-nf-7 node/demo-k8s-node-nf-9 --sandbox sandbox";
    assert!(said.contains(release), "{said}");
    run(folder, &["hold", "--release", "demo-k8s-node-nf-7", "no/demo-k8s-node-nf-9", "--sandbox", "sandbox"], 0);
    let said = run(folder, &with(&["wake", "--all", "--yes", "--no-wait"]), 0);
    assert!(!said.contains("not awake"), "{said}");
}

#[test]
fn times_of_day_and_spans_are_taken_everywhere() {
    let folder = workshop();
    let folder = folder.path();
    // It is 16:30 there.
    let node = "demo-k8s-node-nf-7";
    for (until, told) in [
        ("18:00", "until Tue 10 Nov 2026 18:00:00 MST"),
        ("08:15", "until Wed 11 Nov 2026 08:15:00 MST"),
        ("2d", "until Thu 12 Nov 2026 16:"),
    ] {
        let said = run(folder, &with(&["park", node, "--yes", "--until", until]), 0);
        assert!(said.contains(told), "{until}: {said}");
    }
    for args in [
        ["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "12:45"].as_slice(),
        &["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", "8h"],
        &["schedule", "-f", "policy.yaml", "--at", "12:45"],
        &["schedule", "-f", "policy.yaml", "--from", "2d", "--until", "30d"],
    ] {
        run(folder, args, 0);
    }
    let table = ["schedule", "-f", "policy.yaml", "--from", "2026-12-01", "--until", "30d", "--format", "json"];
    let table: Value = serde_json::from_slice(&tidegate(folder, &table).stdout).unwrap();
    assert!(table.to_string().contains("\"until\":\"2026-12-31T07:00:00Z\""), "{table}");
}

/// A reason that was given is not forgotten when the same person asks for longer.
#[test]
fn asking_again_keeps_the_reason_and_what_the_policy_wants_is_told_as_that() {
    let folder = workshop();
    let folder = folder.path();
    let said = run(folder, &with(&["park", "node/demo-k8s-node-nf-7", "--yes", "--reason", "fan is loud"]), 0);
    assert!(said.contains("\nWhat the policy still wants, at the next `apply`: 8 to park"), "{said}");
    let said = run(folder, &with(&["park", "node/demo-k8s-node-nf-7", "--yes", "--for", "9h"]), 0);
    assert!(said.contains("this takes its place"), "{said}");
    assert!(
        run(folder, &with(&["plan"]), 0).contains("asked by ")
            && run(folder, &with(&["plan"]), 0).contains(": fan is loud")
    );
}

#[test]
fn habits_get_the_tip_that_helps() {
    let folder = workshop();
    let folder = folder.path();
    for (args, tip) in [
        (vec!["cordon", "node/a"], "`tidegate drain node/NAME` cordons"),
        (vec!["uncordon", "node/a"], "`tidegate wake node/NAME`"),
        (vec!["release", "node/a"], "`tidegate hold --release"),
        (vec!["unpark", "node/a"], "`tidegate wake node/NAME`"),
        (vec!["list"], "`tidegate status`"),
        (with(&["plan", "--json"]), "write `--format json`"),
        (with(&["plan", "-o", "json"]), "write `--format json`"),
        (with(&["drain", "demo-k8s-node-nf-6", "--ignore-daemonsets"]), "leave it out"),
        (with(&["park", "--all"]), "`pool/NAME`"),
        (
            vec!["explain", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "demo-k8s-node-nf-6"],
            "`demo-k8s-node-nf-6` was read as one more file of `--snapshot`",
        ),
        (vec!["sandbox", "create", "--snapshot", "cluster.yaml", "x1"], "`x1` was read as one more file"),
        (with(&["drain", "workers", "--yes"]), "did you mean `pool/workers`?"),
    ] {
        let said = run(folder, &args, 1);
        assert!(said.contains(tip), "{args:?}: {said}");
        assert!(!said.contains("tip:") && !said.contains("a similar"), "one tip is enough: {said}");
    }
    for object in ["nodes/demo-k8s-node-nf-6", "demo-k8s-node-nf-6", "no/demo-k8s-node-nf-6", "po/jhub/jupyter-dana"] {
        run(folder, &with(&["explain", object]), 0);
    }
    run(folder, &with(&["hold", "demo-k8s-node-nf-6"]), 0);
    assert!(run(folder, &["help", "plan"], 0).contains("Usage: tidegate plan"));
    let said = run(folder, &with(&["plan", "--snapshot", "cluster.yaml"]), 0);
    assert!(said.contains("`cluster.yaml` is not read: there is a sandbox"), "{said}");
}

/// A command in a text stands on one line, without its backquotes where it is longer than a line.
#[test]
fn a_command_is_not_broken_by_the_width() {
    let folder = without(&["PodDisruptionBudget"]);
    let output = std::process::Command::new(super::PROGRAM)
        .args(["plan", "-f", "policy.yaml", "--snapshot", "cluster.json", "--now", "2026-11-10T16:30"])
        .current_dir(folder.path())
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    let plan = super::text(&output.stdout);
    let line = plan.lines().find(|line| line.trim_start().starts_with("kubectl get nodes,")).unwrap();
    assert!(line.ends_with("-A -o json > cluster.json"), "{plan}");
}

/// The table of the README is the program's.
#[test]
fn the_table_of_commands_names_each_command() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rows = readme.lines().skip_while(|line| *line != "| command | what it does |").skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    let mut told: Vec<String> =
        cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`').to_owned()).collect();
    let mut there: Vec<String> =
        tidegate::cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    told.sort();
    there.sort();
    assert_eq!(told, there);
}

/// That nothing differs is said of the time that was looked at, with the moment from which on it does.
#[test]
fn a_difference_past_the_horizon_is_told_with_its_moment() {
    let folder = workshop();
    let folder = folder.path();
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false"];
        let done = std::process::Command::new("git").args(who).args(args).current_dir(folder).status().unwrap();
        assert!(done.success(), "git {args:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "policy.yaml"]);
    git(&["commit", "--quiet", "--message", "Begin"]);
    let policy = fs::read_to_string(folder.join("policy.yaml")).unwrap();
    let diff = ["diff", "HEAD", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--detailed-exitcode"];
    let at = |now: &'static str| [&diff[..], &["--now", now]].concat();
    let same = run(folder, &at("2026-11-22T12:00"), 0);
    assert!(same.contains("do the same to this cluster in the next 7 days\n"), "{same}");
    // The next workshop is on the first of December.
    fs::write(folder.join("policy.yaml"), policy.replace("min: 10", "min: 8")).unwrap();
    let later = run(folder, &at("2026-11-22T12:00"), 2);
    assert!(
        later.contains("in the next 7 days, the end of `--horizon`; from Tue 01 Dec 2026 12:45:00 MST on"),
        "{later}"
    );
    let json = tidegate(folder, &[&at("2026-11-22T12:00")[..], &["--format", "json"]].concat());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["differsAt"], "2026-12-01T19:45:00Z");
    let near = run(folder, &at("2026-11-28T12:00"), 2);
    assert!(near.contains(" node-hours, ") && !near.contains("--horizon"), "{near}");
}

/// What is asked for by hand ends, and then something happens to the node.
#[test]
fn status_tells_what_comes_when_a_word_by_hand_ends() {
    let folder = workshop();
    let folder = folder.path();
    run(folder, &with(&["wake", "pool/workers", "--yes", "--for", "1d"]), 0);
    run(folder, &with(&["park", "demo-k8s-node-nf-7", "--yes", "--for", "2h"]), 0);
    let json = tidegate(folder, &with(&["status", "--format", "json"]));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let of = |name: &str| {
        json["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["node"] == name)
            .map(|line| (&line["next"], &line["nextAt"]))
            .unwrap()
    };
    let (next, at) = of("demo-k8s-node-nf-7");
    assert_eq!(next, "wakes");
    assert!(at.as_str().unwrap().starts_with("2026-11-11T01:3"), "{at}");
    let (next, at) = of("demo-k8s-node-nf-8");
    assert!(next == "parks" && at.as_str().unwrap().starts_with("2026-11-11T23:3"), "{next} {at}");
}

/// The window of a starter asks for no fewer nodes than its pool has, so that it takes none away.
#[test]
fn the_window_of_a_starter_fits_its_pool() {
    let folder = workshop();
    let folder = folder.path();
    let made = run(folder, &["init", "--snapshot", "cluster.yaml", "--out", "my policy.yaml"], 0);
    assert!(made.contains("\n  tidegate plan -f \"my policy.yaml\" --snapshot cluster.yaml\n"), "{made}");
    let starter = fs::read_to_string(folder.join("my policy.yaml")).unwrap();
    assert!(starter.contains("lead: 15m, min: 10}") && starter.contains("      min: 10  "), "{starter}");
}

/// An exception that asks for numbers of its own cancels no opening.
#[test]
fn a_calendar_cancels_only_what_is_skipped() {
    let folder = workshop();
    let folder = folder.path();
    let policy = fs::read_to_string(folder.join("policy.yaml")).unwrap();
    let table = |policy: &str| {
        fs::write(folder.join("policy.yaml"), policy).unwrap();
        let args =
            ["schedule", "-f", "policy.yaml", "--from", "2026-11-23", "--until", "2026-11-29", "--format", "ics"];
        run(folder, &args, 0)
    };
    assert_eq!(table(&policy).matches("STATUS:CANCELLED").count(), 1);
    let numbers = table(&policy.replace("skip: [tuesday-workshop]", "min: 4"));
    assert!(!numbers.contains("STATUS:CANCELLED") && !numbers.contains(": skipped"), "{numbers}");
    assert!(numbers.replace("\r\n ", "").contains("overrules window teaching/tuesday-workshop"), "{numbers}");
}

#[test]
fn a_freeze_shows_each_that_is_open_and_the_examples_one_lasts_to_the_months_end() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let policy = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: x}\nspec:\n  pools:\n    - name: a\n      nodes: {names: \"n-{1..3}\"}\n      windows:\n        - {name: month-end, start: \"0 18 27 * *\", duration: 96h, kind: freeze, overrun: finish}\n        - {name: friday, start: \"0 14 * * FRI\", duration: 10h, kind: freeze, overrun: stop}\n";
    fs::write(folder.join("p.yaml"), policy).unwrap();
    for (at, freezes) in [
        ("2026-11-27T15:00", "freeze friday\n"),
        ("2026-11-27T19:00", "freeze friday and month-end\n"),
        ("2026-11-28T01:00", "freeze month-end\n"),
    ] {
        let said = run(folder, &["schedule", "-f", "p.yaml", "--at", at], 0);
        assert!(said.contains(freezes), "{at}: {said}");
    }
    let example = Path::new(WORKSHOP).parent().unwrap().join("several-pools/policy.yaml");
    for month in 1..=12 {
        let last = jiff::civil::date(2027, month, 1).last_of_month();
        let at = format!("{last}T23:59");
        let said = run(folder, &["schedule", "-f", example.to_str().unwrap(), "--pool", "gpu", "--at", &at], 0);
        assert!(said.contains("freeze calendar/month-end"), "{at}: {said}");
    }
}
