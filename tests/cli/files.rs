//! Files of the user's own: nothing that a command writes or removes is one of them.

use std::fs;

use super::{APPLY, code, text, tidegate, workshop};

#[test]
fn a_saved_plan_goes_over_an_older_one_and_over_nothing_else() {
    let folder = workshop();
    let path = |name: &str| folder.path().join(name);
    fs::copy(format!("{}/cluster.yaml", super::WORKSHOP), path("cluster.yaml")).unwrap();
    fs::write(path("notes.json"), r#"{"mine": true}"#).unwrap();
    fs::write(path("empty.json"), "").unwrap();
    for (of, out, expected) in [
        (["--sandbox", "sandbox"], "policy.yaml", "is what the plan is made from"),
        (["--sandbox", "sandbox"], "./sandbox/../policy.yaml", "is what the plan is made from"),
        (["--snapshot", "cluster.yaml"], "cluster.yaml", "is what the plan is made from"),
        (["--sandbox", "sandbox"], "sandbox/start.json", "in the folder of a sandbox"),
        (["--sandbox", "sandbox"], "sandbox/log", "in the folder of a sandbox"),
        (["--sandbox", "sandbox"], "sandbox/in-use", "in the folder of a sandbox"),
        (["--snapshot", "cluster.yaml"], "sandbox/state.json", "in the folder of a sandbox"),
        (["--sandbox", "sandbox"], "notes.json", "is no saved plan"),
        (["--sandbox", "sandbox"], "plan.json", ""),
        (["--sandbox", "sandbox"], "plan.json", ""),
        (["--sandbox", "sandbox"], "empty.json", ""),
    ] {
        let before = fs::read(path(out)).unwrap_or_default();
        let output = tidegate(folder.path(), &[&["plan", "-f", "policy.yaml", "--out", out], of.as_slice()].concat());
        let said = text(&output.stderr);
        assert_eq!(code(&output), i32::from(!expected.is_empty()), "{out}: {said}");
        assert!(said.contains(expected), "{out}: {said}");
        if !expected.is_empty() {
            assert!(said.contains("another file"), "the next step: {said}");
            assert_eq!(fs::read(path(out)).unwrap_or_default(), before, "{out}");
        }
    }
    assert_eq!(code(&tidegate(folder.path(), &["show", "plan.json"])), 0);
    let log = fs::read(path("sandbox/log")).unwrap();
    let output = tidegate(folder.path(), &["snapshot", "--sandbox", "sandbox", "--out", "sandbox/log"]);
    assert_eq!((code(&output), fs::read(path("sandbox/log")).unwrap()), (1, log), "{}", text(&output.stderr));
}

#[test]
fn a_sandbox_is_made_in_a_folder_of_its_own_only() {
    let folder = workshop();
    let cluster = format!("{}/cluster.yaml", super::WORKSHOP);
    let create = |at: &str| tidegate(folder.path(), &["sandbox", "create", at, "--snapshot", &cluster]);
    for (name, mine) in [("a", "log"), ("b", "journal.jsonl"), ("c", "start.json"), ("d", "thesis.tex")] {
        fs::create_dir(folder.path().join(name)).unwrap();
        let file = folder.path().join(name).join(mine);
        fs::write(&file, "precious").unwrap();
        let made = create(name);
        let said = text(&made.stderr);
        assert_eq!(code(&made), 1, "{said}");
        assert!(said.contains(&format!("`{name}` is not empty: there is `{mine}` in it")), "{said}");
        assert!(said.contains(&format!("tidegate sandbox create {name}/sandbox --snapshot FILE")), "{said}");
        let reset = tidegate(folder.path(), &["sandbox", "reset", name]);
        assert_eq!(code(&reset), 1, "{}", text(&reset.stderr));
        let left: Vec<_> =
            fs::read_dir(folder.path().join(name)).unwrap().map(|one| one.unwrap().file_name()).collect();
        if mine != "start.json" {
            assert_eq!(left, [mine]);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    for at in ["empty", "new/deep", "d/sandbox"] {
        let made = create(at);
        assert_eq!(code(&made), 0, "{}", text(&made.stderr));
        let again = create(at);
        assert!(text(&again.stderr).contains("there is a sandbox in"), "{}", text(&again.stderr));
    }
}

/// A reset goes back to the start, and takes no file with it that somebody put beside it.
#[test]
fn a_reset_leaves_what_is_not_of_the_sandbox() {
    let folder = workshop();
    let mine = folder.path().join("sandbox/notes.txt");
    fs::write(&mine, "precious").unwrap();
    let run = tidegate(folder.path(), &[APPLY.as_slice(), &["--yes"]].concat());
    assert!(folder.path().join("sandbox/journal.jsonl").exists(), "{}", text(&run.stderr));
    assert_eq!(code(&tidegate(folder.path(), &["sandbox", "reset", "sandbox"])), 0);
    assert!(!folder.path().join("sandbox/journal.jsonl").exists());
    assert_eq!(fs::read_to_string(&mine).unwrap(), "precious");
}
