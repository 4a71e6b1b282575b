//! Every example is valid, and what its README shows is what the program prints.
//!
//! `TIDEGATE_BLESS=1 cargo test --test examples` writes the transcripts anew; read the difference before it is
//! committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod transcripts;

use std::fs;
use std::path::PathBuf;

use transcripts::{check, copy_folder, repository, run};

fn examples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(repository("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // `ci` and its like have no policy of their own.
    found.retain(|path| path.join("policy.yaml").is_file());
    found.sort();
    assert!(found.len() >= 4);
    found
}

#[test]
fn every_example_and_building_block_names_its_schema() {
    let blocks = fs::read_dir(repository("policies")).unwrap().map(|entry| entry.unwrap().path());
    for path in blocks.chain(examples().into_iter().map(|folder| folder.join("policy.yaml"))) {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap();
        let schema = first.strip_prefix("# yaml-language-server: $schema=").unwrap_or_else(|| panic!("{first}"));
        assert!(path.parent().unwrap().join(schema).is_file(), "{}: {schema} is not there", path.display());
    }
}

#[test]
fn every_example_is_valid_and_every_building_block_fits_one() {
    let example = repository("examples/jetstream-workshop/policy.yaml");
    let base = fs::read_to_string(&example).unwrap();
    // Without what the blocks say themselves: the same thing said twice is an error.
    let base: String = base.split("\n  schedules:").next().unwrap().to_owned()
        + "\n  pools:\n    - {name: workers, nodes: {names: \"n-{1..3}\"}, min: 1}\n";
    for path in fs::read_dir(repository("policies")).unwrap().map(|entry| entry.unwrap().path()) {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("base.yaml"), &base).unwrap();
        fs::copy(&path, scratch.path().join("block.yaml")).unwrap();
        let (printed, code) = run("tidegate validate -f .", scratch.path());
        let freezes = path.ends_with("freeze-calendar.yaml") && printed.contains("no pool uses the schedule");
        assert!(code == 0 && (printed.trim() == "Valid" || freezes), "{}:\n{printed}", path.display());
    }
    for example in examples() {
        let (printed, code) = run("tidegate validate -f policy.yaml --format json", &example);
        let said: serde_json::Value = serde_json::from_str(&printed).unwrap();
        let of_the_day = |problem: &&serde_json::Value| problem["code"].as_str().unwrap().ends_with("-past");
        let timeless: Vec<_> = said["problems"].as_array().unwrap().iter().filter(|one| !of_the_day(one)).collect();
        assert!(timeless.is_empty() && code == 0, "{}: {printed}", example.display());
    }
}

/// `error: cannot delete Pods with local storage … csi-cinder-controllerplugin`, as `kubectl drain` has it.
#[test]
fn what_stops_kubectl_drain_is_named_with_the_lines_that_lift_it() {
    let scratch = tempfile::tempdir().unwrap();
    copy_folder(&repository("examples/jetstream-workshop"), scratch.path());
    let path = scratch.path().join("policy.yaml");
    let whole = fs::read_to_string(&path).unwrap();
    let without: String = (whole.lines())
        .filter(|line| {
            !line.contains("socket-dir") && line.trim() != "disposable:" && !line.contains("Sockets between")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(without.lines().count() + 3, whole.lines().count());
    fs::write(&path, &without).unwrap();
    let plan = "tidegate plan -f policy.yaml --snapshot cluster.yaml --now 2026-11-10T16:30 --format json";
    let (printed, code) = run(plan, scratch.path());
    assert_eq!(code, 0, "{printed}");
    let plan_of = |printed: &str| serde_json::from_str::<serde_json::Value>(printed).unwrap();
    let before = plan_of(&printed);
    let blocker =
        before["blockers"].as_array().unwrap().iter().find(|blocker| blocker["code"] == "local-storage").unwrap();
    assert!(blocker["text"].as_str().unwrap().contains("csi-cinder-controllerplugin"), "{blocker}");
    assert_eq!(blocker["nodes"], serde_json::json!(["demo-k8s-node-nf-6"]));
    assert_eq!(before["summary"]["park"], 8);

    // The lines as the plan prints them, put where it says.
    let lift: Vec<&str> = blocker["lift"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(lift.join("\n").contains("socket-dir"), "{lift:?}");
    let lifted = lift.iter().filter(|line| line.trim() != "drain:").fold(String::new(), |text, line| {
        let depth = line.len() - line.trim_start().len();
        let shift = if lift[0].trim() == "drain:" { 2 } else { 4 };
        text + &" ".repeat(depth + shift) + line.trim_start() + "\n"
    });
    fs::write(&path, without.replace("  drain:\n", &format!("  drain:\n{lifted}"))).unwrap();
    let (printed, code) = run(plan, scratch.path());
    assert_eq!(code, 0, "{printed}");
    assert_eq!(plan_of(&printed)["summary"]["park"], 9);
}

#[test]
fn transcripts_of_the_examples_are_true() {
    let mut wrong = Vec::new();
    for example in examples() {
        let scratch = tempfile::tempdir().unwrap();
        copy_folder(&example, scratch.path());
        wrong.extend(check(&example.join("README.md"), scratch.path()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_transcript_of_the_readme_is_true() {
    let scratch = tempfile::tempdir().unwrap();
    for example in examples() {
        copy_folder(&example, &scratch.path().join("examples").join(example.file_name().unwrap()));
    }
    let wrong = check(&repository("README.md"), scratch.path());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
