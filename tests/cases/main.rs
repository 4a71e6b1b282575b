//! Acceptance cases that other projects' tests wrote: each asks the library one question and knows the answer.
//!
//! Reads every `<question type>/<case>.json` under `$TIDEGATE_CASES`, or any other folder of such cases. A case is judged
//! by its `expected`, never by its name. `set_aside.yaml` lists what is not asked, by question type and feature, with
//! the reason; a question type that neither stands there nor in the table below fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod case;
mod consolidate;
mod disruption;
mod drain;
mod growth;
mod homes;
mod provision;
mod schedulable;
mod set_aside;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use case::Case;
use serde_json::Value;
use set_aside::SetAside;

/// How one question type is answered.
struct Question {
    /// The name of the folder and of `question_type`.
    name: &'static str,
    /// Asks the library and compares with `expected`; says what differs.
    judge: fn(&Case) -> Result<(), String>,
}

const QUESTIONS: &[Question] = &[
    Question { name: "schedulable", judge: schedulable::judge },
    Question { name: "fits_other_node", judge: homes::fits_other_node },
    Question { name: "pending_absorbed", judge: homes::pending_absorbed },
    Question { name: "placement", judge: homes::placement },
    Question { name: "nodes_to_remove", judge: homes::nodes_to_remove },
    Question { name: "unneeded_nodes", judge: homes::unneeded_nodes },
    Question { name: "consolidate", judge: consolidate::consolidate },
    Question { name: "template_node_count", judge: growth::template_node_count },
    Question { name: "provision", judge: provision::provision },
    Question { name: "scale_up", judge: growth::scale_up },
    Question { name: "node_utilization", judge: growth::node_utilization },
    Question { name: "drain_rule", judge: drain::drain_rule },
    Question { name: "drain_node", judge: drain::drain_node },
    Question { name: "drain_pod_sets", judge: drain::drain_pod_sets },
    Question { name: "kubectl_drain", judge: drain::kubectl_drain },
    Question { name: "pdb_budget", judge: drain::pdb_budget },
    Question { name: "pdb_status", judge: disruption::pdb_status },
    Question { name: "evict_request", judge: disruption::evict_request },
];

#[derive(Default)]
struct Count {
    passed: usize,
    failed: Vec<String>,
    set_aside: usize,
}

#[test]
fn cases() {
    let Some(folder) = folder() else { return };
    let set_aside = SetAside::load();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for file in files(&folder) {
        let case = Case::load(&file);
        let count = counts.entry(case.question_type.clone()).or_default();
        let Some(question) = QUESTIONS.iter().find(|question| question.name == case.question_type) else {
            match set_aside.reason(&case.question_type, &[]) {
                Some(_) => count.set_aside += 1,
                None => count.failed.push(format!("{}: nobody answers this question type", file.display())),
            }
            continue;
        };
        let features = case.parameters();
        if set_aside.reason(&case.question_type, &features).is_some() {
            count.set_aside += 1;
            continue;
        }
        match (question.judge)(&case) {
            Ok(()) => count.passed += 1,
            Err(difference) => count.failed.push(format!("{}: {difference}", file.display())),
        }
    }
    let mut failures = 0;
    for (question_type, count) in &counts {
        let Count { passed, failed, set_aside } = count;
        println!("{question_type}: {passed} passed, {} failed, {set_aside} set aside", failed.len());
        failed.iter().for_each(|failure| println!("  {failure}"));
        failures += failed.len();
    }
    assert_eq!(failures, 0, "cases failed; they are named above");
}

/// The folder of cases, or None (said aloud) where it is not there.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEGATE_CASES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases"), PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: there is no folder {} (set TIDEGATE_CASES)", folder.display());
        return None;
    }
    Some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The judges can say no: each case, with every truth, number and list of its answer changed, fails.
#[test]
fn a_wrong_expectation_is_noticed() {
    let Some(folder) = folder() else { return };
    let set_aside = SetAside::load();
    for file in files(&folder) {
        let mut case = Case::load(&file);
        let Some(question) = QUESTIONS.iter().find(|question| question.name == case.question_type) else { continue };
        let features = case.parameters();
        if set_aside.reason(&case.question_type, &features).is_none() {
            falsify(&mut case.value["expected"]);
            assert!((question.judge)(&case).is_err(), "{} passes whatever it expects", file.display());
        }
    }
}

fn falsify(value: &mut Value) {
    match value {
        Value::Bool(truth) => *truth = !*truth,
        Value::Number(number) => *value = Value::from(number.as_i64().unwrap_or(0) + 1),
        Value::Array(list) => list.push(Value::from("nobody/nothing")),
        Value::Object(map) if !map.is_empty() && map.values().all(Value::is_string) => {
            map.insert("nobody/nothing".to_owned(), Value::from("nowhere"));
        }
        Value::Object(map) => map.values_mut().for_each(falsify),
        Value::Null | Value::String(_) => {}
    }
}
