//! Every example is valid, and what its README shows is what the program prints.
//!
//! `TIDEGATE_BLESS=1 cargo test --test examples` writes the transcripts anew; read the difference before it is
//! committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod transcripts;

use std::fs;
use std::path::PathBuf;

use transcripts::{check, copy_folder, repository};

fn examples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(repository("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
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
