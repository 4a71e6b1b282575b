//! Unit tests of a policy: what holds, what does not and where it says so, and what is no test.

use std::fs;
use std::path::Path;

use super::{WORKSHOP, code, text, tidegate};

const HEAD: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: PolicyTests\ngiven: {snapshot: cluster.yaml, now: 2026-11-10T16:30}\ntests:\n";

/// The workshop with its own tests, in a folder of its own.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["policy.yaml", "cluster.yaml", "tests.yaml"] {
        fs::copy(Path::new(WORKSHOP).join(file), folder.path().join(file)).unwrap();
    }
    folder
}

const RUN: [&str; 4] = ["test", "-f", "policy.yaml", "t.yaml"];

/// One test that expects `expect`: whether it holds, and what is printed.
fn expects(folder: &Path, expect: &str) -> (i32, String) {
    fs::write(folder.join("t.yaml"), format!("{HEAD}  - name: one\n    expect: {expect}\n")).unwrap();
    let output = tidegate(folder, &RUN);
    (code(&output), text(&output.stdout) + &text(&output.stderr))
}

/// Each expectation holds where it is so, and where it is not says what is there. Nine of ten nodes are parked, four pods
/// evicted and one waited for.
#[test]
fn each_expectation_holds_where_it_is_so_and_shows_what_is_there_where_not() {
    let folder = folder();
    for (holds, fails, shown) in [
        ("{verdict: changes}", "{verdict: no-changes}", "- no-changes|+ changes"),
        ("{complete: true}", "{complete: false}", "- false|+ true"),
        ("{pools: {workers: {floor: 1}}}", "{pools: {workers: {floor: 2}}}", "pool workers, floor  t.yaml:6|- 2|+ 1"),
        ("{pools: {workers: {ceiling: \">= 10\"}}}", "{pools: {workers: {ceiling: \"<= 9\"}}}", "- <= 9|+ 10"),
        ("{pools: {workers: {active: 10, parked: 0, cordoned: 0}}}", "{pools: {workers: {parked: 1}}}", "- 1|+ 0"),
        ("{pools: {workers: {desired: \"1..2\"}}}", "{pools: {workers: {desired: \"2..3\"}}}", "- 2..3|+ 1"),
        ("{pools: {workers: {headroom: 0}}}", "{pools: {workers: {headroom: 1}}}", "- 1|+ 0"),
        (
            "{pools: {workers: {next: {at: 2026-11-17T12:45, floor: 10}}}}",
            "{pools: {workers: {next: {at: 2026-11-17T12:46}}}}",
            "- 2026-11-17T19:46:00Z|+ 2026-11-17T19:45:00Z",
        ),
        ("{pools: {workers: {}}}", "{pools: {gpu: {}}}", "- gpu|the policy has workers"),
        ("{steps: {park: 9, wake: 0}}", "{steps: {park: 8}}", "steps, park  t.yaml:6|- 8|+ 9"),
        (
            "{steps: {park: [\"demo-k8s-node-nf-{2..10}\"]}}",
            "{steps: {park: [demo-k8s-node-1, \"demo-k8s-node-nf-{2..9}\"]}}",
            "- demo-k8s-node-1|+ demo-k8s-node-nf-10|demo-k8s-node-1 stays: the policy keeps it",
        ),
        ("{steps: {wake: []}}", "{steps: {}}", "+ park/demo-k8s-node-nf-2"),
        ("{steps: {park: \"> 1\"}}", "", "is not an amount"),
        ("{steps: {wake: []}}", "{steps: {park: [nobody]}}", "- nobody (no node is named so)"),
        ("{pods: {evictions: 4, waits: 1, lost: 0}}", "{pods: {waits: 0}}", "pods, waits|- 0|+ 1"),
        ("{pods: {served: 0}}", "{pods: {unserved: 1}}", "- 1|+ 0"),
        (
            "{nodes: {\"demo-k8s-node-nf-{2..8}\": {steps: [cordon, drain, park], because: [not-needed]}}}",
            "{nodes: {\"demo-k8s-node-*\": {steps: [cordon, drain, park]}}}",
            "node demo-k8s-node-1, steps|- cordon → drain → park|+ no steps|stays: the policy keeps it",
        ),
        (
            "{nodes: {demo-k8s-node-1: {stays: [keep]}}}",
            "{nodes: {demo-k8s-node-1: {stays: [hold]}}}",
            "- hold|+ front-door|+ keep",
        ),
        ("{nodes: {demo-k8s-node-nf-2: {stays: []}}}", "{nodes: {demo-k8s-node-1: {stays: []}}}", "+ keep"),
        ("{nodes: {demo-k8s-node-nf-2: {}}}", "{nodes: {demo-k8s-node-nf-11: {}}}", "no node is named so"),
        ("{refusals: []}", "{refusals: [inventory-shrank]}", "- inventory-shrank"),
        ("{blockers: []}", "{blockers: [budget]}", "- budget"),
        (
            "{outages: [Deployment kube-system/csi-cinder-controllerplugin, Deployment kube-system/calico-kube-controllers]}",
            "{outages: []}",
            "+ Deployment kube-system/calico-kube-controllers",
        ),
        ("{cost: {hourNow: 80, hourAfter: 8}}", "{cost: {hourAfter: 9}}", "- 9|+ 8"),
        ("{cost: {week: \"<= 1578\"}}", "{cost: {week: \"<= 1500\"}}", "cost, week|- <= 1500|+ 1,578"),
    ] {
        let (ended, said) = expects(folder.path(), holds);
        if fails.is_empty() {
            assert!(ended == 1 && said.contains(shown), "{holds}: {said}");
            continue;
        }
        assert!(ended == 0 && said.ends_with("1 test, all as expected of policy workshop\n"), "{holds}: {said}");
        let (ended, said) = expects(folder.path(), fails);
        assert_eq!(ended, 1, "{fails}: {said}");
        for part in shown.split('|') {
            assert!(said.contains(part), "{fails}: `{part}` is not in\n{said}");
        }
        assert!(said.contains("FAILED one  t.yaml:5") && said.contains("1 of 1 test failed"), "{fails}: {said}");
        assert!(
            said.contains("tidegate plan -f policy.yaml --snapshot cluster.yaml --now 2026-11-10T16:30"),
            "{fails}: {said}"
        );
    }
}

/// What was given counts: what is remembered, overrides, another moment.
#[test]
fn what_is_given_counts() {
    let folder = folder();
    let test = |given: &str, expect: &str| {
        let text = format!("{HEAD}  - {{name: one, given: {given}, expect: {expect}}}\n");
        fs::write(folder.path().join("t.yaml"), text).unwrap();
        let output = tidegate(folder.path(), &RUN);
        (code(&output), text_of(&output))
    };
    fn text_of(output: &std::process::Output) -> String {
        text(&output.stdout) + &text(&output.stderr)
    }
    for (given, expect) in [
        ("{now: 2026-11-17T19:45:00Z}", "{steps: {}}"),
        ("{now: 2026-11-17 12:45}", "{pools: {workers: {floor: 10}}}"),
        (
            "{overrides: [{target: pool/workers, min: 4, expires: 2026-11-11, reason: more}]}",
            "{pools: {workers: {floor: 4}}}",
        ),
        (
            "{memory: {nodes: {\"demo-k8s-node-nf-{2..4}\": {unneededSince: 2026-11-10T16:29}}}}",
            "{nodes: {\"demo-k8s-node-nf-{2..4}\": {stays: [unneeded-for]}}, steps: {park: 6}}",
        ),
        (
            "{memory: {nodes: {demo-k8s-node-nf-2: {drainFailedUntil: 2026-11-10T17:00}}}}",
            "{nodes: {demo-k8s-node-nf-2: {stays: [recently-failed]}}, steps: {park: 8}}",
        ),
    ] {
        let (ended, said) = test(given, expect);
        assert_eq!(ended, 0, "{given}: {said}");
        // Without it the same is not so.
        let (ended, said) = test("{}", expect);
        assert_eq!(ended, 1, "{given}: {said}");
    }
    for (given, said_of_it) in [
        ("{now: yesterday}", "`now` in line 5: not a time"),
        ("{snapshot: gone.yaml}", "gone.yaml"),
        ("{snapshot: policy.yaml}", "policy.yaml"),
        ("{overrides: [{target: pool/workers, min: 4}]}", "the policy does not take the `overrides`: "),
        ("{memory: {nodes: {nobody: {}}}}", "`nobody`, and no node of a pool is named so"),
        ("{memory: {pools: {gpu: {}}}}", "pool `gpu`, which the policy does not have"),
        ("{memory: {pools: {workers: {wakeTimes: [soon]}}}}", "not a duration"),
    ] {
        let (ended, said) = test(given, "{verdict: changes}");
        assert!(ended == 1 && said.contains("ERROR  one  t.yaml:5") && said.contains(said_of_it), "{given}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Tests may stand in the folder of the policy, and are no policy there.
#[test]
fn tests_and_rules_may_stand_beside_the_policy() {
    let folder = folder();
    let policies = folder.path().join("policies");
    fs::create_dir(&policies).unwrap();
    fs::copy(folder.path().join("policy.yaml"), policies.join("policy.yaml")).unwrap();
    let own = fs::read_to_string(folder.path().join("tests.yaml")).unwrap();
    fs::write(policies.join("tests.yaml"), own.replace("cluster.yaml", "../cluster.yaml")).unwrap();
    let rules =
        "apiVersion: tidegate.dev/v1alpha1\nkind: PlanRules\nrules: [{name: a, level: deny, when: {nodesAbove: 1}}]\n";
    fs::write(policies.join("rules.yaml"), rules).unwrap();
    let output = tidegate(folder.path(), &["test", "-f", "policies"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).ends_with("4 tests, all as expected of policy workshop\n"),
        "{}",
        text(&output.stdout)
    );
    let only = tidegate(folder.path(), &["test", "-f", "policies", "--only", "Thanksgiving"]);
    assert!(text(&only.stdout).contains("1 test, all as expected"), "{}", text(&only.stdout));
    let none = tidegate(folder.path(), &["test", "-f", "policies", "--only", "Easter"]);
    assert!(code(&none) == 1 && text(&none.stderr).contains("no test has `Easter`"), "{}", text(&none.stderr));
    let output = tidegate(folder.path(), &["validate", "-f", "policies"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    // They are no part of the policy: a plan does not name them.
    let plan =
        ["plan", "-f", "policies", "--snapshot", "cluster.yaml", "--now", "2026-11-10T16:30", "--format", "json"];
    let plan: serde_json::Value = serde_json::from_str(&text(&tidegate(folder.path(), &plan).stdout)).unwrap();
    let files: Vec<&str> =
        plan["policy"]["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(files, ["policies/policy.yaml"]);
    let without = tidegate(folder.path(), &["test", "-f", "policy.yaml"]);
    assert!(code(&without) == 1 && text(&without.stderr).contains("PolicyTests"), "{}", text(&without.stderr));
}

#[test]
fn pipelines_read_json_and_junit() {
    let folder = folder();
    fs::write(
        folder.path().join("t.yaml"),
        format!(
            "{HEAD}  - {{name: holds, expect: {{verdict: changes}}}}\n  - {{name: \"a < b & \\\"c\\\"\", expect: {{steps: {{park: 8}}}}}}\n  - {{name: cannot, given: {{now: never}}, expect: {{verdict: changes}}}}\n"
        ),
    )
    .unwrap();
    let run = |format: &str| {
        let output = tidegate(folder.path(), &[&RUN[..], &["--format", format]].concat());
        assert_eq!(code(&output), 1, "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    let outcomes: Vec<&str> =
        json["results"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!((outcomes.as_slice(), &json["failed"]), (["ok", "failed", "error"].as_slice(), &2.into()));
    assert_eq!(json["results"][1]["mismatches"][0]["line"], 6, "{json}");
    let xml = run("junit");
    for part in [
        "<testsuites name=\"workshop\" tests=\"3\" failures=\"1\" errors=\"1\">",
        "<testcase name=\"holds\" classname=\"t.yaml\" file=\"t.yaml\" line=\"5\"/>",
        "name=\"a &lt; b &amp; &quot;c&quot;\"",
        "<failure message=\"steps, park\">t.yaml:6 steps, park&#10;  - 8&#10;  + 9",
        "<error message=\"`now` in line 7: not a time",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
    // Every element that opens closes, in the reverse order.
    let mut open: Vec<&str> = Vec::new();
    for tag in xml.split('<').skip(1).filter(|tag| !tag.starts_with('?')) {
        let name = tag.trim_start_matches('/').split([' ', '>', '/']).next().unwrap();
        match (tag.starts_with('/'), tag.split('>').next().unwrap().ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{xml}"),
            (false, false) => open.push(name),
            (false, true) => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_is_no_test_is_named_with_the_next_step() {
    let folder = folder();
    for (tests, said) in [
        (String::new(), "t.yaml"),
        (format!("{HEAD}  []\n"), "it has no test"),
        (format!("{HEAD}  - {{name: a, expect: {{}}}}\n"), "expects nothing: it could not fail"),
        (format!("{HEAD}  - {{name: \"\", expect: {{verdict: waiting}}}}\n"), "has no name"),
        (format!("{HEAD}  - {{name: a, expect: {{verdict: maybe}}}}\n"), "maybe"),
        (format!("{HEAD}  - {{name: a, expect: {{pool: {{}}}}}}\n"), "pool"),
        (format!("{HEAD}  - {{name: a, expect: {{cost: {{week: 1.5}}}}}}\n"), "a fraction stands in quotes"),
        (
            format!("{HEAD}  - {{name: a, expect: {{steps: {{}}}}}}\n  - {{name: a, expect: {{steps: {{}}}}}}\n"),
            "two tests are named `a`, in line 5 and in line 6",
        ),
        (
            format!("{HEAD}  - {{name: a, expect: {{steps: {{}}}}}}\n---\nkind: PlanRules\n"),
            "it holds tests and other documents",
        ),
    ] {
        fs::write(folder.path().join("t.yaml"), &tests).unwrap();
        let output = tidegate(folder.path(), &RUN);
        let err = text(&output.stderr);
        assert!(code(&output) == 1 && output.stdout.is_empty() && err.contains("hint: "), "{tests}: {err}");
        assert!(err.contains(said), "{tests}: {err}");
    }
}
