//! Every policy under `tests/policies`: what is wrong with the invalid ones, and that the valid ones load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "policies/against.rs"]
mod against;
#[path = "policies/beside.rs"]
mod beside;
#[path = "policies/catalogs.rs"]
mod catalogs;
#[path = "policies/codes.rs"]
mod codes;
#[path = "policies/contradictions.rs"]
mod contradictions;
#[path = "policies/doubts.rs"]
mod doubts;
#[path = "policies/hooks.rs"]
mod hooks;
#[path = "policies/hostile.rs"]
mod hostile;
#[path = "policies/once.rs"]
mod once;
#[path = "policies/providers.rs"]
mod providers;
#[path = "policies/several.rs"]
mod several;

use std::path::{Path, PathBuf};

use tidegate::policy::{Loaded, Policy, PolicySource, Problem, load, print_effective, schema};
use tidegate::report::diagnostics::{Style, text};

/// Files, and folders of files that make one policy.
fn policies(folder: &str) -> Vec<(String, Vec<PolicySource>)> {
    let root = Path::new("tests/policies").join(folder);
    let mut entries: Vec<PathBuf> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut sources = tidegate::source::read_policy(&[path]).unwrap();
        for source in &mut sources {
            source.path = source.path.rsplit('/').next().unwrap().into();
        }
        (name, sources)
    };
    entries.into_iter().map(read).collect()
}

/// Each problem says what to do about it.
fn helped(problems: &[Problem]) {
    for problem in problems {
        assert!(problem.help.as_ref().is_some_and(|help| !help.is_empty()), "no fix: {problem:#?}");
    }
}

fn drawn(sources: &[PolicySource]) -> (Loaded, String) {
    let loaded = load(sources);
    let text = text(&loaded.problems, sources, Style::PLAIN);
    helped(&loaded.problems);
    (loaded, text)
}

#[test]
fn invalid_policies_say_what_is_wrong() {
    let all = policies("invalid");
    assert!(!all.is_empty());
    for (name, sources) in all {
        let (loaded, text) = drawn(&sources);
        assert!(loaded.policy.is_none(), "{name} loads");
        insta::with_settings!({ snapshot_path => "policies/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn what_is_only_doubtful_is_said_and_loads() {
    for (name, sources) in policies("warnings") {
        let (loaded, text) = drawn(&sources);
        assert!(loaded.policy.is_some() && !text.is_empty(), "{name}: {text}");
        insta::with_settings!({ snapshot_path => "policies/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

fn loaded(name: &str, sources: &[PolicySource]) -> Policy {
    let (loaded, text) = drawn(sources);
    assert!(loaded.problems.is_empty(), "{name}:\n{text}");
    loaded.policy.unwrap_or_else(|| panic!("{name} does not load"))
}

#[test]
fn valid_policies_load_without_a_problem() {
    let all = policies("valid");
    assert!(!all.is_empty());
    for (name, sources) in all {
        loaded(&name, &sources);
    }
}

#[test]
fn the_effective_policy_reads_back_as_the_same_policy() {
    for (name, sources) in policies("valid") {
        let first = loaded(&name, &sources);
        let printed = print_effective(&first);
        let again = load(&[PolicySource { path: "printed.yaml".into(), text: printed.clone().into_bytes() }]);
        assert!(again.problems.is_empty(), "{name}: {:?}\n{printed}", again.problems);
        let again = again.policy.unwrap();
        assert_eq!(again.digest, first.digest, "{name}:\n{printed}");
        insta::with_settings!({ snapshot_path => "policies/snapshots/effective", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, printed);
        });
    }
}

#[test]
fn the_digest_is_of_the_meaning() {
    let design = std::fs::read_to_string("tests/policies/valid/design.yaml").unwrap();
    let digest = |text: String| {
        let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.into_bytes() }]);
        loaded.policy.unwrap_or_else(|| panic!("{:?}", loaded.problems)).digest
    };
    let first = digest(design.clone());
    for (from, to) in [
        ("spec:", "# a remark\n\nspec:"),
        ("cpu: 1000, memory: 4000Gi", "memory: \"4096000Mi\", cpu: 1000000m"),
        ("duration: 3h", "duration: 180m"),
        ("start: \"0 13 * * TUE\"", "start: '0 13 * * TUE'"),
        ("\n", "\r\n"),
    ] {
        assert!(design.contains(from), "{from}");
        assert_eq!(digest(design.replace(from, to)), first, "{from} -> {to}");
    }
    for (from, to) in
        [("duration: 3h", "duration: 4h"), ("min: 10", "min: 9"), ("max: 10", "max: 9"), ("jhub", "hub"), ("5%", "6%")]
    {
        assert!(design.contains(from), "{from}");
        assert_ne!(digest(design.replace(from, to)), first, "{from} -> {to}");
    }
}

/// What the reader takes, the schema takes, and what is of a wrong shape neither takes.
#[test]
fn schema_and_reader_agree() {
    let validator = jsonschema::validator_for(&schema().to_value()).unwrap();
    let documents = |sources: &[PolicySource]| -> Vec<serde_json::Value> {
        let of = |source: &PolicySource| serde_yaml::from_slice_multiple::<serde_json::Value>(&source.text);
        sources.iter().filter_map(|source| of(source).ok()).flatten().filter(|document| !document.is_null()).collect()
    };
    for (name, sources) in policies("valid") {
        for document in documents(&sources) {
            let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
    }
    let shapes =
        ["missing", "shapes", "nulls", "not-a-policy", "a-list", "a-word", "numbers", "words", "byte-order-mark"];
    for (name, sources) in policies("invalid").into_iter().filter(|(name, _)| shapes.contains(&name.as_str())) {
        assert!(documents(&sources).iter().any(|document| !validator.is_valid(document)), "{name}");
    }
}

/// Places are right whatever stands before them: characters of several bytes, a byte-order mark, either line end.
#[test]
fn places_survive_every_way_of_writing() {
    let head =
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p} # größe-€-\u{1f600}\nspec:\n";
    for mark in ["", "\u{feff}"] {
        for line_end in ["\n", "\r\n"] {
            for (before, wrong) in [
                ("  timeZone: ", "Mars/Base"),
                ("  # €€€\n  timeZone: ", "\"Mars/Base\""),
                ("  timeZone: # €\n    ", "Mars/Base"),
                ("  pools: [{flavor: \"€\", name: a, nodes: {names: a}, min: ", "-1"),
                ("  pools: [{flavor: \"€\u{1f600}\", name: a, nodes: {names: a}, windows: [{start: \"0 8 * * ", "FUN"),
            ] {
                let after = if before.contains("FUN") || wrong == "FUN" {
                    "\", duration: 1h, min: 1}]}]"
                } else if before.contains("pools") {
                    "}]"
                } else {
                    ""
                };
                let start = format!("{mark}{head}{before}").replace('\n', line_end);
                let text = format!("{start}{wrong}{after}{line_end}");
                let problems = load(&[PolicySource { path: "p".into(), text: text.clone().into_bytes() }]).problems;
                let place = problems.first().and_then(|problem| problem.place.clone()).unwrap();
                let bytes = place.bytes.unwrap();
                assert_eq!(&text[bytes.start as usize..bytes.end as usize], wrong, "{text:?}");
                assert_eq!(place.line as usize, start.matches('\n').count() + 1, "{text:?}");
                let column = start.rsplit('\n').next().unwrap().chars().count() + 1;
                assert_eq!(place.column as usize, column, "{text:?}");
            }
        }
    }
}

#[test]
fn problems_are_values() {
    let (_, sources) = policies("invalid").into_iter().find(|(name, _)| name == "two-files").unwrap();
    let json = tidegate::report::diagnostics::Validated::of(&load(&sources).problems);
    insta::with_settings!({ snapshot_path => "policies/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_json_snapshot!("problems-as-json", json);
    });
}
