//! The committed schemas are those of the code, and every example is valid by them.
//!
//! `TIDEGATE_BLESS=1 cargo test --test schema` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::Value;
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
    assert_eq!(files, Document::value_variants().len() + 1, "a file in schema/ that no command prints");
}

/// The reference for people is that of the code, and names every field that the schema has.
#[test]
fn the_committed_reference_is_that_of_the_code() {
    let path = folder("schema").join("POLICY.md");
    let text = Document::Policy.reference().unwrap();
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == text, "schema/POLICY.md is not what is printed");
    fn fields<'s>(value: &'s serde_json::Value, found: &mut Vec<&'s str>) {
        if let Some(properties) = value.get("properties").and_then(|properties| properties.as_object()) {
            found.extend(properties.keys().map(String::as_str));
        }
        let inside = value.as_object().into_iter().flat_map(|object| object.values());
        inside.chain(value.as_array().into_iter().flatten()).for_each(|value| fields(value, found));
    }
    let schema: serde_json::Value = serde_json::from_str(&Document::Policy.text().unwrap()).unwrap();
    let mut all = Vec::new();
    fields(&schema, &mut all);
    assert!(all.len() > 80, "{}", all.len());
    for field in all {
        assert!(text.contains(&format!("| `{field}`")), "{field} is not told of");
    }
    // A link that leads nowhere helps nobody.
    let anchor = |link: &str| {
        let heading = text.lines().filter_map(|line| line.strip_prefix("## "));
        heading.map(|heading| heading.to_lowercase().replace('`', "")).any(|heading| heading == link)
            || text.contains(&format!("<a id=\"{link}\">"))
    };
    for link in text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(anchor(link), "{link}");
    }
}

/// Every word that a document may have stands in its reference with what it means, and what may be absent is what it is
/// when it is there.
#[test]
fn a_reference_tells_every_word_and_every_type() {
    fn look(value: &Value, reference: &str, found: &mut (usize, usize)) {
        let told = |text: &str| text.replace('\n', " ").replace('|', "\\|");
        for (name, property) in value.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if property["type"] == serde_json::json!(["integer", "null"]) {
                let begin = format!("| `{name}`");
                let mut lines = reference.lines().filter(|line| line.starts_with(&begin));
                assert!(lines.any(|line| line.contains("| number |")), "{name} is a number");
                found.0 += 1;
            }
        }
        let words = value["enum"].as_array().into_iter().flatten().chain(value.get("const"));
        for word in words.filter_map(Value::as_str) {
            let meant = value["description"].as_str().filter(|_| value.get("const").is_some());
            let said = meant.map(|meant| format!("`{word}`: {}", told(meant)));
            assert!(reference.contains(&said.unwrap_or_else(|| format!("`{word}`"))), "{word} is not told");
            found.1 += 1;
        }
        let inside = value.as_object().into_iter().flat_map(|object| object.values());
        inside.chain(value.as_array().into_iter().flatten()).for_each(|value| look(value, reference, found));
    }
    let mut found = (0, 0);
    for document in Document::value_variants() {
        let schema: Value = serde_json::from_str(&document.text().unwrap()).unwrap();
        look(&schema, &document.reference().unwrap(), &mut found);
    }
    assert!(found.0 > 5 && found.1 > 100, "{found:?}");
}

#[test]
fn schemas_are_schemas() {
    for document in Document::value_variants() {
        let schema = serde_json::from_str(&document.text().unwrap()).unwrap();
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{document:?}: {error}"));
    }
}

#[test]
fn every_example_and_building_block_is_valid_by_the_schema() {
    let schema = serde_json::from_str(&Document::Policy.text().unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let blocks = fs::read_dir(folder("policies")).unwrap().map(|entry| entry.unwrap().path());
    let examples = fs::read_dir(folder("examples")).unwrap().map(|entry| entry.unwrap().path().join("policy.yaml"));
    let mut count = 0;
    for path in blocks.chain(examples).filter(|path| path.is_file()) {
        let value: serde_json::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {}", path.display(), wrong.join("; "));
        count += 1;
    }
    assert!(count >= 8, "only {count} policies were found");
    let mut wrong = serde_json::json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "CapacityPolicy"});
    assert!(!validator.is_valid(&wrong));
    wrong["metadata"] = serde_json::json!({"name": "x"});
    wrong["spec"] = serde_json::json!({"pols": []});
    assert!(!validator.is_valid(&wrong));
}

/// The tests that an example has are valid by their schema, and what is none is not.
#[test]
fn tests_of_an_example_are_valid_by_their_schema() {
    let schema = serde_json::from_str(&Document::Test.text().unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = fs::read_to_string(folder("examples/jetstream-workshop/tests.yaml")).unwrap();
    let tests: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&tests).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("; "));
    for (pointer, bad) in [
        ("/tests/0/expect/steps", serde_json::json!({"park": "many"})),
        ("/tests/0/expect/verdict", serde_json::json!("maybe")),
        ("/tests/0/given", serde_json::json!({"snapshots": "a"})),
    ] {
        let mut tests = tests.clone();
        *tests.pointer_mut(pointer).unwrap() = bad;
        assert!(!validator.is_valid(&tests), "{pointer}");
    }
}
