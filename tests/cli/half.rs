//! A dump without pods, or without budgets: planned in full, and never carried out, by way of a sandbox neither.

use std::fs;
use std::path::Path;

use super::{APPLY, WORKSHOP, code, text, tidegate};

/// The workshop's cluster as if `kinds` had not been listed, and its sandbox.
fn half(kinds: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(Path::new(WORKSHOP).join("policy.yaml"), folder.path().join("policy.yaml")).unwrap();
    let whole = fs::read_to_string(Path::new(WORKSHOP).join("cluster.yaml")).unwrap();
    let mut documents: serde_json::Value = serde_yaml::from_str(&whole).unwrap();
    let items = documents["items"].as_array_mut().unwrap();
    items.retain(|item| !kinds.contains(&item["kind"].as_str().unwrap()));
    for item in items.iter_mut().filter(|item| item["kind"] == "Snapshot") {
        item["kinds"].as_array_mut().unwrap().retain(|kind| !kinds.contains(&kind.as_str().unwrap()));
    }
    fs::write(folder.path().join("cluster.json"), documents.to_string()).unwrap();
    let made = tidegate(folder.path(), &["sandbox", "create", "sandbox", "--snapshot", "cluster.json"]);
    assert_eq!(code(&made), 0, "{}", text(&made.stderr));
    folder
}

#[test]
fn a_sandbox_made_of_half_a_dump_takes_nothing_away() {
    for kinds in [["Pod"].as_slice(), &["Pod", "PodDisruptionBudget"], &["PodDisruptionBudget"]] {
        let folder = half(kinds);
        let planned = tidegate(folder.path(), &["plan", "-f", "policy.yaml", "--sandbox", "sandbox"]);
        let planned = text(&planned.stdout);
        assert!(planned.contains("9 to park") && planned.contains("unknown"), "{kinds:?}: {planned}");
        let applied = tidegate(folder.path(), &[APPLY.as_slice(), &["--yes"]].concat());
        let said = text(&applied.stderr);
        assert_eq!(code(&applied), 7, "{kinds:?}: {said}");
        assert!(said.contains("not-listed: ") && said.contains("kubectl get nodes,pods,pdb,"), "{kinds:?}: {said}");
        let after = text(&tidegate(folder.path(), &["plan", "-f", "policy.yaml", "--sandbox", "sandbox"]).stdout);
        assert!(after.contains("9 to park"), "{kinds:?}: nothing went: {after}");
    }
}
