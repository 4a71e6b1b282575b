//! Several files under one name: building blocks need none, and take that of the file that they are read with.

use std::path::PathBuf;

use tidegate::policy::{Loaded, PolicySource, load};

fn file(name: &str, text: &str) -> PolicySource {
    let text = format!("apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\n{text}");
    PolicySource { path: name.into(), text: text.into_bytes() }
}

fn codes(loaded: &Loaded) -> Vec<&str> {
    loaded.problems.iter().map(|problem| &*problem.code).collect()
}

const OWN: &str = "metadata: {name: mine}\nspec: {pools: [{name: a, nodes: {names: x}}]}\n";
const BLOCK: &str = "spec: {timeZone: Europe/Berlin}\n";

/// Wherever the name stands among the files, and however the policy is called.
#[test]
fn a_file_without_a_name_belongs_to_the_one_that_has_it() {
    for files in [
        vec![file("own", OWN), file("block", BLOCK)],
        vec![file("block", BLOCK), file("own", OWN)],
        vec![file("own", OWN), file("block", &format!("metadata: {{name: mine}}\n{BLOCK}"))],
    ] {
        let loaded = load(&files);
        let policy = loaded.policy.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        assert_eq!((&*policy.name, &*policy.time_zone), ("mine", "Europe/Berlin"));
    }
}

#[test]
fn two_names_and_no_name_are_errors_with_a_fix() {
    let other = format!("metadata: {{name: other}}\n{BLOCK}");
    let loaded = load(&[file("own", OWN), file("block", &other)]);
    assert_eq!(codes(&loaded), ["two-policies"]);
    assert!(loaded.problems[0].help.as_ref().unwrap().contains("leave `metadata` out"));
    let loaded = load(&[file("block", BLOCK), file("more", "spec: {cluster: x}\n")]);
    assert_eq!(codes(&loaded), ["no-name"], "once, however many files there are");
    assert!(loaded.problems[0].help.as_ref().unwrap().contains("metadata: {name: "));
    // A name that cannot be read is no missing one.
    assert_eq!(codes(&load(&[file("own", "metadata: {name: [a]}\nspec: {}\n")])), ["wrong-type"]);
    assert_eq!(codes(&load(&[file("own", "metadata: {}\nspec: {}\n")])), ["missing-field"]);
}

/// What the README says: any policy, with the building blocks beside it.
#[test]
fn the_building_blocks_fit_a_policy_of_any_name() {
    let mut sources = tidegate::source::read_policy(&[PathBuf::from("policies")]).unwrap();
    assert!(sources.len() >= 4);
    for place in [0, sources.len()] {
        let mut files = sources.clone();
        files.insert(place, file("own", OWN));
        let loaded = load(&files);
        let policy = loaded.policy.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        assert_eq!(&*policy.name, "mine");
        assert!(policy.rates.len() == 1 && policy.drain.pods.len() >= 2 && policy.drain.disposable.len() >= 2);
    }
    sources.truncate(1);
    assert_eq!(codes(&load(&sources))[0], "no-name");
}

/// Which file is named first on the command line means nothing: not to the policy, and not to what is said of it.
#[test]
fn the_order_of_the_files_means_nothing() {
    let rules = |name: &str, action: &str| {
        file(name, &format!("spec:\n  drain:\n    pods:\n      - {{match: {{namespaces: [web]}}, action: {action}}}\n"))
    };
    let more = "spec:\n  rates: [{unit: SU, perHour: {m3.medium: 8}}]\n  schedules: [{name: unused, windows: []}]\n";
    let files = [file("own", OWN), rules("10-block", "block"), rules("20-evict", "evict"), file("more", more)];
    let read = |order: [usize; 4]| {
        let loaded = load(&order.map(|index| files[index].clone()));
        (loaded.policy.unwrap_or_else(|| panic!("{:?}", loaded.problems)), loaded.problems, loaded.doubts)
    };
    let first = read([0, 1, 2, 3]);
    for order in [[3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 3, 2]] {
        assert_eq!(read(order), first, "{order:?}");
    }
    assert_eq!(&*first.0.drain.pods[0].origin.file, "10-block", "by the names of the files");
    let problems = |files: &[PolicySource]| load(files).problems;
    let wrong = [file("b", "spec: {cpus: 1}\n"), file("a", "spec: {pool: 1}\n")];
    assert_eq!(problems(&wrong), problems(&[wrong[1].clone(), wrong[0].clone()]));
}
