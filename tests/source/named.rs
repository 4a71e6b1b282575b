//! Plans, errors, the journal and reasons carry repository, commit, path and line; and a plan is carried out by the commit
//! that it was made from, wherever the branch is by then.

use std::fs;

use serde_json::Value;

use crate::ground::{Ground, WORKSHOP, text};

fn workshop() -> (Ground, String) {
    let ground = Ground::new();
    let policy = fs::read_to_string(format!("{WORKSHOP}/policy.yaml")).unwrap();
    let commit = ground.commit(&[("pools/workshop.yaml", &policy)]);
    (ground, commit)
}

/// Every place that a document names.
fn places<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(file)), Some(Value::Number(_))) = (fields.get("file"), fields.get("line")) {
                found.push(file);
            }
            fields.values().for_each(|value| places(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| places(value, found)),
        _ => {}
    }
}

#[test]
fn a_plan_and_its_journal_name_the_commit_and_are_carried_out_by_it() {
    let (ground, commit) = workshop();
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let address = ground.address("//pools?ref=main");
    let pinned = ground.address(&format!("//pools/workshop.yaml?ref={commit}"));
    let run = |args: &[&str]| {
        let output = ground.tidegate(args);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, err) = run(&["sandbox", "create", "../sandbox", "--snapshot", &cluster]);
    assert_eq!(code, Some(0), "{err}");
    let (code, said, err) = run(&["plan", "-f", &address, "--sandbox", "../sandbox", "--out", "../plan.json"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(said.contains(&format!("(pools/workshop.yaml@{})", &commit[..12])), "{said}");
    assert!(said.contains(&format!("{} main at {}", ground.repository(), &commit[..12])), "{said}");
    assert!(said.contains(&format!("pools/workshop.yaml@{}:32", &commit[..12])), "a reason's line: {said}");

    let plan: Value = serde_json::from_slice(&fs::read(ground.path("plan.json")).unwrap()).unwrap();
    assert_eq!(plan["policy"]["files"][0]["path"], pinned.as_str());
    let revision = serde_json::json!({"repository": ground.repository(), "ref": "main", "commit": commit});
    assert_eq!(plan["policy"]["revisions"], serde_json::json!([revision]));
    let mut named = Vec::new();
    places(&plan, &mut named);
    assert!(named.len() > 5 && named.iter().all(|file| *file == pinned), "{named:?}");

    // The branch goes on; what was agreed to is still what is done.
    let later = fs::read_to_string(ground.path("team/pools/workshop.yaml")).unwrap().replace("min: 1\n", "min: 7\n");
    ground.commit(&[("pools/workshop.yaml", &later)]);
    let (code, said, err) = run(&["verify", "../plan.json"]);
    assert_eq!(code, Some(0), "{said}{err}");
    // 6: it ends while users are still waited for.
    let (code, _, err) = run(&["apply", "../plan.json", "--sandbox", "../sandbox"]);
    assert_eq!(code, Some(6), "{err}");
    assert!(err.contains(&format!("-f \"{pinned}\"")), "how it goes on: {err}");
    let journal = fs::read_to_string(ground.path("sandbox/journal.jsonl")).unwrap();
    let begin: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    let mut named = Vec::new();
    places(&begin, &mut named);
    assert!(named.len() > 5 && named.iter().all(|file| *file == pinned), "{named:?}");
    assert!(journal.contains(&format!("\"commit\":\"{commit}\"")));

    // What the branch says now is another plan, and the older commit is not confused with it.
    let (_, said, _) = run(&["plan", "-f", &address, "--sandbox", "../sandbox"]);
    assert!(said.contains("7 when done"), "{said}");
}

/// A plan that is made from the same policy at another commit has the same steps: it is not stale.
#[test]
fn another_commit_with_the_same_policy_makes_no_plan_stale() {
    let (ground, _) = workshop();
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let address = ground.address("//pools?ref=main");
    for args in [
        vec!["sandbox", "create", "../sandbox", "--snapshot", &cluster],
        vec!["plan", "-f", &address, "--sandbox", "../sandbox", "--out", "../plan.json"],
    ] {
        let output = ground.tidegate(&args);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    ground.commit(&[("README.md", "Words")]);
    let output = ground.tidegate(&["apply", "../plan.json", "-f", &address, "--sandbox", "../sandbox"]);
    // 6: it ends while users are still waited for; 4 would be a stale plan.
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
}
