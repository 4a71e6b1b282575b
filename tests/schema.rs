//! The committed schemas are those of the code, and every example is valid by them.
//!
//! `TIDEGATE_BLESS=1 cargo test --test schema` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tidegate::cli::Document;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn committed(document: Document) -> PathBuf {
    let name = document.to_possible_value().unwrap();
    folder("schema").join(format!("{}.schema.json", name.get_name()))
}

#[test]
fn committed_schemas_are_those_of_the_code() {
    for document in Document::value_variants() {
        let path = committed(*document);
        let text = document.text().unwrap();
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let stands = fs::read_to_string(&path).unwrap_or_default();
        // Not `assert_eq!`: nobody reads two whole schemas.
        assert!(stands == text, "{} is not what `tidegate schema` prints", path.display());
    }
    let files = fs::read_dir(folder("schema")).unwrap().count();
    assert_eq!(files, Document::value_variants().len(), "a file in schema/ that no command prints");
}

#[test]
fn schemas_are_schemas() {
    for document in Document::value_variants() {
        let schema = serde_json::from_str(&document.text().unwrap()).unwrap();
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{document:?}: {error}"));
    }
}
