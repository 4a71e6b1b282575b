//! What is told of that on which an answer rests: its age, what it leaves out, a brake; and what somebody meant who wrote
//! a command otherwise.

use std::fs;
use std::path::Path;

use super::{APPLY, code, here, text, tidegate, workshop};

fn said(output: &std::process::Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

const CLUSTER: [&str; 4] = ["-f", "policy.yaml", "--snapshot", "cluster.yaml"];

/// The workshop's policy for another cluster than the one there is.
fn pinned(folder: &Path) {
    let path = folder.join("policy.yaml");
    let policy = fs::read_to_string(&path).unwrap();
    fs::write(path, policy.replacen("15ac7b7d-5509-49a7-8fb7-b84ab107a4a7", "0000-other", 1)).unwrap();
}

#[test]
fn every_answer_says_what_it_rests_on() {
    let folder = workshop();
    for command in [["status"].as_slice(), &["explain", "node/demo-k8s-node-nf-4"], &["explain", "pool/workers"]] {
        let told = |now: &str| said(&tidegate(folder.path(), &[command, &CLUSTER, &["--now", now]].concat()));
        let fresh = told("2026-11-10T16:31");
        assert!(!fresh.contains("old:") && !fresh.contains("warning:"), "{command:?}: {fresh}");
        assert!(told("2026-11-22T16:30").contains("old: the snapshot is 12 days older"), "{command:?}");
        let early = told("2026-11-10T16:30Z");
        let words = "warning: `--now` is Tue 10 Nov 2026 09:30:00 MST, and the snapshot was taken only at Tue 10 Nov 2026 \
                     16:30:00 MST";
        assert!(early.contains(words), "{command:?}: {early}");
    }
}

/// A brake stands where reading begins, not under everything that it holds back.
#[test]
fn another_cluster_is_said_first_and_everywhere() {
    let folder = workshop();
    pinned(folder.path());
    let words = "Brake other-cluster: the policy is for cluster 0000-other, this is cluster";
    for command in [["plan"].as_slice(), &["status"], &["explain", "node/demo-k8s-node-nf-4"]] {
        let printed = text(&tidegate(folder.path(), &[command, &CLUSTER].concat()).stdout);
        let place = printed.lines().position(|line| line.starts_with(words));
        assert!(place.is_some_and(|line| line < 6), "{command:?}: {printed}");
        assert_eq!(printed.matches("0000-other").count(), 1, "{command:?}: {printed}");
    }
    let checked = tidegate(folder.path(), &[["validate"].as_slice(), &CLUSTER].concat());
    assert_eq!(code(&checked), 1);
    assert!(said(&checked).contains("the policy is for cluster 0000-other, and this is cluster"), "{}", said(&checked));
    assert_eq!(code(&tidegate(folder.path(), &["validate", "-f", "policy.yaml"])), 0, "without a cluster it is valid");
}

#[test]
fn a_file_without_its_flag_is_answered_with_the_flag() {
    for (args, words) in [
        (["validate", "policy.yaml"].as_slice(), "`-f policy.yaml`"),
        (&["status", "-f", "policy.yaml", "cluster.json"], "`--snapshot cluster.json`"),
        (&["status", "-f", "policy.yaml", "."], "`--sandbox .`"),
        (&["sandbox", "advance", "soon", "later"], "`soon` is not a duration"),
    ] {
        let output = here(args);
        assert_eq!(code(&output), 1, "{args:?}");
        assert!(said(&output).contains(words), "{args:?}: {}", said(&output));
    }
    let odd = said(&here(&["validate", "--polcy"]));
    assert!(!odd.contains("hint:"), "an option that is misspelt is no file: {odd}");
}

#[test]
fn a_clock_is_turned_whichever_is_named_first() {
    let folder = workshop();
    for (args, at) in [(["2h", "sandbox"], "01:30:00"), (["sandbox", "2h"], "03:30:00")] {
        let turned = tidegate(folder.path(), &[["sandbox", "advance"].as_slice(), &args].concat());
        assert_eq!(code(&turned), 0, "{}", said(&turned));
        assert!(text(&turned.stdout).starts_with(&format!("Wed 11 Nov 2026 {at}")), "{}", said(&turned));
    }
    let back = tidegate(folder.path(), &["sandbox", "advance", "-2h", "sandbox"]);
    assert!(said(&back).contains("time goes forward only"), "{}", said(&back));
}

/// A review takes its time, and the user who was waited for has left meanwhile: that was the plan.
#[test]
fn a_plan_is_not_stale_because_who_was_waited_for_has_left() {
    let folder = workshop();
    let run = |args: &[&str]| tidegate(folder.path(), args);
    let saved = run(&["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out", "plan.json"]);
    assert!(text(&saved.stdout).contains("wait for jhub/jupyter-dana"), "{}", said(&saved));
    assert_eq!(code(&run(&["sandbox", "advance", "36m", "sandbox"])), 0);
    let now = text(&run(&["plan", "-f", "policy.yaml", "--sandbox", "sandbox"]).stdout);
    assert!(!now.contains("jupyter-dana"), "{now}");
    let applied = run(&["apply", "plan.json", "--sandbox", "sandbox"]);
    assert_eq!(code(&applied), 0, "{}", said(&applied));
    assert!(said(&applied).contains("park/demo-k8s-node-nf-9 done"), "{}", said(&applied));
    // What an eviction would do to somebody else is another plan.
    assert_eq!(code(&run(&["sandbox", "reset", "sandbox"])), 0);
    assert_eq!(code(&run(&["sandbox", "advance", "6d20h", "sandbox"])), 0);
    assert_eq!(code(&run(&[&APPLY[..1], &["plan.json"], &APPLY[3..]].concat())), 4);
}

/// A calendar that ended after two weeks would be believed to be whole.
#[test]
fn a_calendar_reaches_a_year_and_says_how_far() {
    let from = ["schedule", "-f", "policy.yaml", "--format", "ics", "--from", "2026-11-10"];
    let year = here(&from);
    assert!(text(&year.stdout).matches("BEGIN:VEVENT").count() > 50, "{}", text(&year.stdout));
    assert!(text(&year.stderr).contains("The calendar ends Thu 11 Nov 2027"), "{}", text(&year.stderr));
    let month = here(&[from.as_slice(), &["--until", "2026-12-10"]].concat());
    assert!(text(&month.stdout).matches("BEGIN:VEVENT").count() < 20, "{}", text(&month.stdout));
}

/// At whatever width, and no word is lost for it.
#[test]
fn tables_fit_the_terminal() {
    let folder = workshop();
    let words = |text: &str| {
        let mut words: Vec<String> =
            text.split_whitespace().map(|word| word.trim_matches([',', ':']).to_owned()).collect();
        words.sort();
        words
    };
    for args in [["sandbox", "show", "sandbox"].as_slice(), &["schedule", "-f", "policy.yaml", "--from", "2026-10-25"]]
    {
        let at = |columns: &str| {
            let mut command = std::process::Command::new(super::PROGRAM);
            let printed = command.args(args).current_dir(folder.path()).env("COLUMNS", columns).output().unwrap();
            text(&printed.stdout)
        };
        let wide = at("160");
        for columns in ["40", "60", "80", "140"] {
            let found = at(columns);
            let longest = found.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= columns.parse().unwrap(), "{args:?} at {columns}:\n{found}");
            assert_eq!(words(&found), words(&wide), "{args:?} at {columns}");
        }
    }
}

/// A script reads one line for each node, and a person at 80 columns still has a table, with every node that is meant.
#[test]
fn a_pipe_is_not_wrapped_and_a_terminal_keeps_its_table() {
    let folder = workshop();
    assert_eq!(code(&tidegate(folder.path(), &[APPLY.as_slice(), &["--yes", "--no-wait"]].concat())), 6);
    let at = |columns: Option<&str>, command: &[&str]| {
        let mut program = std::process::Command::new(super::PROGRAM);
        program.args(command).args(["-f", "policy.yaml", "--sandbox", "sandbox"]).current_dir(folder.path());
        match columns {
            Some(columns) => program.env("COLUMNS", columns),
            None => program.env_remove("COLUMNS"),
        };
        text(&program.output().unwrap().stdout)
    };
    let piped = at(None, &["status"]);
    let head = piped.lines().find(|line| line.starts_with("NODE")).unwrap();
    assert!(head.ends_with("WHY"), "{piped}");
    let narrow = at(Some("80"), &["status"]);
    for number in 2..=10 {
        let row = |text: &str| {
            let name = format!("demo-k8s-node-nf-{number} ");
            let line = text.lines().find(|line| line.starts_with(&name)).map(str::to_owned);
            line.unwrap_or_else(|| panic!("no row of {name}in\n{text}"))
        };
        assert!(row(&piped).chars().count() > head.find("WHY").unwrap(), "{piped}");
        assert!(row(&narrow).chars().count() <= 80, "{narrow}");
    }
    assert!(narrow.contains(" by tidegate (policy "), "what is not in the table stands below it: {narrow}");
    assert!(narrow.contains("-{") && !narrow.contains(" … "), "{narrow}");
    // A reason is as long as it is: nothing in a pipe begins a new line because a terminal would.
    let explained = ["plan"];
    assert!(at(None, &explained).lines().count() < at(Some("60"), &explained).lines().count());
}

/// With a year mistyped nothing would be parked until somebody asks why.
#[test]
fn a_freeze_of_a_year_is_doubted() {
    let folder = workshop();
    let path = folder.path().join("policy.yaml");
    let policy = fs::read_to_string(&path).unwrap();
    let freeze = "          min: 10\n        - {name: exam, kind: freeze, from: 2025-12-07, until: 2026-12-11}\n";
    let mistyped = policy.replacen("          min: 10\n", freeze, 1);
    assert_ne!(policy, mistyped);
    fs::write(path, mistyped).unwrap();
    let output = tidegate(folder.path(), &["validate", "-f", "policy.yaml"]);
    assert_eq!(code(&output), 0);
    assert!(said(&output).contains("long-freeze") && said(&output).contains("check the years"), "{}", said(&output));
}

/// Whichever command a name is misspelt for.
#[test]
fn a_misspelt_name_is_answered_with_the_one_that_is_there() {
    let folder = workshop();
    let policy = ["-f", "policy.yaml", "--sandbox", "sandbox"];
    for (args, meant) in [
        ([&["park", "pool/worker"], policy.as_slice()].concat(), "`pool/workers`"),
        ([&["wake", "node/demo-k8s-nod-nf-6"], policy.as_slice()].concat(), "`node/demo-k8s-node-nf-6`"),
        ([&["park", "node/nf-6"], policy.as_slice()].concat(), "`node/demo-k8s-node-nf-6`"),
        (vec!["hold", "node/nf-6", "--sandbox", "sandbox"], "`node/demo-k8s-node-nf-6`"),
        (vec!["schedule", "-f", "policy.yaml", "--pool", "worker"], "`workers`"),
    ] {
        let output = tidegate(folder.path(), &args);
        assert_eq!(code(&output), 1, "{args:?}: {}", said(&output));
        assert!(said(&output).contains(&format!("did you mean {meant}?")), "{args:?}: {}", said(&output));
    }
}

#[test]
fn a_plan_goes_into_a_pipe_whole_and_alone() {
    let folder = workshop();
    let plan = ["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out"];
    let piped = tidegate(folder.path(), &[&plan[..], &["-"]].concat());
    assert!(code(&piped) == 0 && !folder.path().join("-").exists(), "{}", said(&piped));
    fs::write(folder.path().join("piped.json"), &piped.stdout).unwrap();
    let verified = tidegate(folder.path(), &["verify", "piped.json", "--sandbox", "sandbox"]);
    assert_eq!(code(&verified), 0, "{}", said(&verified));
}
