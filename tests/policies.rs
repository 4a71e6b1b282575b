//! Every policy under `tests/policies`: what is wrong with the invalid ones, and that the valid ones load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::{Path, PathBuf};

use tidegate::policy::{Loaded, PolicySource, load};
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

fn drawn(sources: &[PolicySource]) -> (Loaded, String) {
    let loaded = load(sources);
    let text = text(&loaded.problems, sources, Style::PLAIN);
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
fn valid_policies_load_without_a_problem() {
    let all = policies("valid");
    assert!(!all.is_empty());
    for (name, sources) in all {
        let (loaded, text) = drawn(&sources);
        assert!(loaded.problems.is_empty(), "{name}:\n{text}");
        assert!(loaded.policy.is_some(), "{name}");
    }
}
