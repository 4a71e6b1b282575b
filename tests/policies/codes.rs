//! Every code that the language can answer with has a case: a drawing that is committed, or a row of a table here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tidegate::policy::load;

fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, end, found);
        } else if path.extension().is_some_and(|extension| extension == end) {
            found.push(path);
        }
    }
}

fn texts(folder: &str, end: &str) -> Vec<String> {
    let mut found = Vec::new();
    files(Path::new(folder), end, &mut found);
    found.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The first argument of each call that makes a problem.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for text in texts("src/policy", "rs") {
        for call in ["error(", "warning(", "general(", "doubt(", "code: "] {
            for (at, _) in text.match_indices(call) {
                let rest = text[at + call.len()..].trim_start();
                let Some(code) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
                if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                    codes.insert(code.to_owned());
                }
            }
        }
    }
    codes
}

#[test]
fn every_code_has_a_case() {
    let codes = codes();
    assert!(codes.len() > 60, "the codes are no longer where they were: {codes:?}");
    let drawings = texts("tests/policies/snapshots", "snap");
    let tables = texts("tests/policies", "rs");
    let cased = |code: &String| {
        let drawn = drawings.iter().any(|text| text.contains(&format!("[{code}]")));
        drawn || tables.iter().any(|text| text.contains(&format!("\"{code}\"")) || text.contains(&format!("\"{code} ")))
    };
    let without: Vec<&String> = codes.iter().filter(|code| !cased(code)).collect();
    assert!(without.is_empty(), "no case for {without:?}");
}

#[test]
fn no_file_at_all_is_said() {
    let problems = load(&[]).problems;
    assert_eq!(&*problems[0].code, "no-files");
    crate::helped(&problems);
}
