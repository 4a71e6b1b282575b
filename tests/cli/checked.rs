//! A team's rules on a plan: what speaks, what denies, and what is no rule.

use std::fs;

use super::{code, text, tidegate, workshop};

const HEAD: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: PlanRules\nrules:\n";

/// The sandbox of the workshop with a plan that parks nine of ten, one of them once a session has ended.
fn planned() -> tempfile::TempDir {
    let folder = workshop();
    let plan = ["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out", "plan.json"];
    assert_eq!(code(&tidegate(folder.path(), &plan)), 0);
    folder
}

/// Each condition speaks on one side of its bound and not on the other. The plan is made on a Tuesday and may wait two hours.
#[test]
fn each_condition_speaks_where_it_holds() {
    let folder = planned();
    for (when, speaks) in [
        ("nodesAbove: 8", true),
        ("nodesAbove: 9", false),
        ("nodesAbove: 8, verbs: [park]", true),
        ("nodesAbove: 0, verbs: [wake, uncordon]", false),
        ("nodesAbove: 8, pools: [workers]", true),
        ("nodesAbove: 0, pools: [gpu]", false),
        ("endsOn: [TUE]", true),
        ("endsOn: [MON, WED, THU, FRI, SAT, SUN]", false),
        ("weekCostsAbove: 1577", true),
        ("weekCostsAbove: 1578", false),
        ("hourCostsAbove: 7", true),
        ("hourCostsAbove: 8", false),
        ("losesPods: true", false),
        ("interrupts: true", true),
        ("incomplete: true", false),
        ("removesHeadroom: true", false),
        // All that is written has to hold.
        ("nodesAbove: 8, hourCostsAbove: 8", false),
        ("nodesAbove: 8, hourCostsAbove: 7", true),
    ] {
        fs::write(folder.path().join("r.yaml"), format!("{HEAD}  - {{name: one, level: deny, when: {{{when}}}}}\n"))
            .unwrap();
        let output = tidegate(folder.path(), &["check", "plan.json", "--rules", "r.yaml"]);
        let out = text(&output.stdout);
        assert_eq!(code(&output), if speaks { 3 } else { 0 }, "{when}: {out}{}", text(&output.stderr));
        assert_eq!(out.starts_with("denied one"), speaks, "{when}: {out}");
    }
}

#[test]
fn levels_order_what_is_said_and_only_deny_denies() {
    let folder = planned();
    let rules = format!(
        "{HEAD}  - {{name: low, level: advise, when: {{nodesAbove: 0}}}}\n  - {{name: high, level: warn, when: {{nodesAbove: 3}}, \
         say: \"ask, then go\"}}\n  - {{name: mute, level: deny, when: {{nodesAbove: 30}}}}\n"
    );
    fs::write(folder.path().join("r.yaml"), rules).unwrap();
    let run = |more: &[&str]| tidegate(folder.path(), &[&["check", "plan.json", "--rules", "r.yaml"], more].concat());
    let said = run(&[]);
    assert_eq!(code(&said), 0);
    let out = text(&said.stdout);
    let at = |word: &str| out.find(word).unwrap_or_else(|| panic!("{word}: {out}"));
    assert!(at("warning high") < at("ask, then go") && at("ask, then go") < at("advice low"), "{out}");
    assert!(!out.contains("mute") && out.ends_with("3 rules asked, 2 with something to say, none denies\n"), "{out}");
    assert_eq!(code(&run(&["--deny-warnings"])), 3);
    let json: serde_json::Value = serde_json::from_str(&text(&run(&["--format", "json"]).stdout)).unwrap();
    assert_eq!(json["findings"][0]["nodes"].as_array().unwrap().len(), 9, "{json}");
    let github = text(&run(&["--format", "github"]).stdout);
    assert_eq!(github.lines().count(), 2, "{github}");
    assert!(
        github.starts_with("::warning title=tidegate high::9 nodes are touched, more than 3: ask, then go"),
        "{github}"
    );
}

/// A plan may come through a pipe.
#[test]
fn a_plan_is_read_from_standard_input() {
    let folder = planned();
    fs::write(folder.path().join("r.yaml"), format!("{HEAD}  - {{name: one, level: deny, when: {{nodesAbove: 1}}}}\n"))
        .unwrap();
    let mut command = std::process::Command::new(super::PROGRAM);
    let plan = fs::File::open(folder.path().join("plan.json")).unwrap();
    let output =
        command.args(["check", "-", "--rules", "r.yaml"]).current_dir(folder.path()).stdin(plan).output().unwrap();
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
}

#[test]
fn what_is_no_rule_is_named_with_the_next_step() {
    let folder = planned();
    let one = "  - {name: one, level: deny, when: {nodesAbove: 1}}\n";
    for (rules, said) in [
        (String::new(), "PlanRules"),
        ("- a\n".to_owned(), "PlanRules"),
        (format!("{HEAD}  []\n"), "it has no rule"),
        (HEAD.replace("PlanRules", "CapacityPolicy") + one, "it is a `CapacityPolicy`, and rules are a `PlanRules`"),
        (format!("{HEAD}  - {{name: x, level: forbid, when: {{nodesAbove: 1}}}}\n"), "forbid"),
        (format!("{HEAD}  - {{name: x, level: deny, when: {{nodes: 1}}}}\n"), "nodes"),
        (format!("{HEAD}  - {{name: x, level: deny, when: {{}}}}\n"), "rule `x` does not say when it speaks"),
        (format!("{HEAD}  - {{name: x, level: deny, when: {{verbs: [park]}}}}\n"), "without `nodesAbove`"),
        (
            format!("{HEAD}  - {{name: x, level: deny, when: {{pools: [p], incomplete: true}}}}\n"),
            "has `pools` without",
        ),
        (format!("{HEAD}  - {{name: x, level: deny, when: {{nodesAbove: -1}}}}\n"), "-1"),
        (format!("{HEAD}{one}{one}"), "two rules are named `one`"),
        (format!("{HEAD}  - {{name: ' ', level: deny, when: {{nodesAbove: 1}}}}\n"), "a rule has no name"),
    ] {
        fs::write(folder.path().join("r.yaml"), &rules).unwrap();
        let output = tidegate(folder.path(), &["check", "plan.json", "--rules", "r.yaml"]);
        let err = text(&output.stderr);
        assert_eq!((code(&output), text(&output.stdout).as_str()), (1, ""), "{rules}: {err}");
        assert!(err.contains("`r.yaml`") && err.contains(said) && err.contains("hint:"), "{rules}: {err}");
    }
    fs::write(folder.path().join("r.yaml"), format!("{HEAD}{one}")).unwrap();
    let twice = tidegate(folder.path(), &["check", "plan.json", "--rules", "r.yaml", "--rules", "r.yaml"]);
    assert!(text(&twice.stderr).contains("rule `one` stands in another file too"), "{}", text(&twice.stderr));
    for (plan, rules) in [("plan.json", "gone.yaml"), ("gone.json", "r.yaml"), ("r.yaml", "r.yaml")] {
        let output = tidegate(folder.path(), &["check", plan, "--rules", rules]);
        assert_eq!(code(&output), 1, "{plan} {rules}");
        assert!(text(&output.stderr).contains("hint:"), "{}", text(&output.stderr));
    }
}

/// A gate of rules is not passed by a file that is not the plan: `check`, `verify` and `apply` refuse it, `show` says so.
#[test]
fn a_plan_that_was_edited_is_refused_wherever_it_is_given() {
    let folder = workshop();
    let plan = tidegate(folder.path(), &["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out", "plan.json"]);
    assert_eq!(code(&plan), 0);
    fs::write(folder.path().join("r.yaml"), format!("{HEAD}  - {{name: x, level: deny, when: {{nodesAbove: 5}}}}\n"))
        .unwrap();
    let whole: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("plan.json")).unwrap()).unwrap();
    let mut cut = whole.clone();
    cut["steps"].as_array_mut().unwrap().truncate(3);
    let mut later = whole.clone();
    later["snapshot"]["taken"] = "2026-11-10T23:29:00Z".into();
    let mut version = whole;
    version["formatVersion"] = "1.0x".into();
    for edited in [cut, later, version] {
        fs::write(folder.path().join("edited.json"), edited.to_string()).unwrap();
        for (command, exit) in [
            (&["check", "edited.json", "--rules", "r.yaml"][..], 3),
            (&["verify", "edited.json", "-f", "policy.yaml", "--sandbox", "sandbox"], 3),
            (&["apply", "edited.json", "--sandbox", "sandbox", "--yes"], 4),
            (&["show", "edited.json"], 0),
        ] {
            let output = tidegate(folder.path(), command);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(code(&output), exit, "{command:?}: {said}");
            assert!(said.contains("edited"), "{command:?}: {said}");
        }
    }
}
