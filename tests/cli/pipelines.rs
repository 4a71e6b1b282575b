//! The shell parts of `examples/ci`, for real: each `run` and `script` line, with the program, against a sandbox.
//!
//! GitHub and GitLab are two small scripts that answer `gh` and `curl` as these are used there; both need `jq`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{PROGRAM, WORKSHOP, code, text, tidegate};

const CI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci");
const SANDBOX: &str = "--sandbox sandbox";

const GH: &str = r#"#!/bin/sh
set -eu
case "$1" in
api)
  shift; method=GET; path=; query=.; body=
  while [ $# -gt 0 ]; do
    case "$1" in
      --method) method=$2; shift 2 ;;
      --jq) query=$2; shift 2 ;;
      -F) body=${2#body=@}; shift 2 ;;
      --paginate) shift ;;
      *) path=$1; shift ;;
    esac
  done
  case "$method $path" in
    "GET repos/team/capacity/issues/7/comments") notes | jq -r "$query" ;;
    "POST repos/team/capacity/issues/7/comments") cp "$body" "$STATE/notes/$(($(ls "$STATE/notes" | wc -l) + 1))" ;;
    "PATCH repos/team/capacity/issues/comments/"*) cp "$body" "$STATE/notes/${path##*/}" ;;
    "GET repos/team/capacity/commits/merged/pulls") echo '[{"head": {"sha": "proposed"}}]' | jq -r "$query" ;;
    *) echo "gh: $method $path" >&2; exit 1 ;;
  esac ;;
run)
  case "$*" in
    "run list --workflow capacity --commit proposed --status success "*) echo 4711 ;;
    "run download 4711 --name plan") cp "$STATE/plan.json" . ;;
    *) echo "gh: $*" >&2; exit 1 ;;
  esac ;;
esac
"#;

const CURL: &str = r#"#!/bin/sh
set -eu
method=GET; url=; body=; out=/dev/stdout
while [ $# -gt 0 ]; do
  case "$1" in
    --request) method=$2; shift 2 ;;
    --data-urlencode) body=${2#body@}; shift 2 ;;
    --output) out=$2; shift 2 ;;
    --header) shift 2 ;;
    --*) shift ;;
    *) url=$1; shift ;;
  esac
done
case "$method $url" in
  "GET https://git.example.org/api/v4/projects/42/merge_requests/7/notes?per_page=100") notes > "$out" ;;
  "POST https://git.example.org/api/v4/projects/42/merge_requests/7/notes")
    cp "$body" "$STATE/notes/$(($(ls "$STATE/notes" | wc -l) + 1))" ;;
  "PUT https://git.example.org/api/v4/projects/42/merge_requests/7/notes/"*) cp "$body" "$STATE/notes/${url##*/}" ;;
  "GET https://git.example.org/api/v4/projects/42/repository/commits/merged/merge_requests") echo '[{"iid": 7}]' > "$out" ;;
  "GET https://git.example.org/api/v4/projects/42/jobs/artifacts/refs%2Fmerge-requests%2F7%2Fhead/raw/plan.json?job=review")
    cp "$STATE/plan.json" "$out" ;;
  *) echo "curl: $method $url" >&2; exit 1 ;;
esac
"#;

const NOTES: &str = r#"#!/bin/sh
for note in "$STATE/notes"/*; do
  jq -n --arg id "${note##*/}" --rawfile body "$note" '{id: ($id | tonumber), body: $body}'
done | jq -s .
"#;

/// A checked-out repository with a policy, its tests and rules, beside a sandbox of its cluster.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for made in ["policies", "tests", "bin", "state/notes"] {
            fs::create_dir_all(path(made)).unwrap();
        }
        let workshop = Path::new(WORKSHOP);
        fs::copy(workshop.join("policy.yaml"), path("policies/policy.yaml")).unwrap();
        for file in ["tests.yaml", "cluster.yaml"] {
            fs::copy(workshop.join(file), path("tests").join(file)).unwrap();
        }
        for file in ["rules.yaml", "Makefile"] {
            fs::copy(Path::new(CI).join(file), path(file)).unwrap();
        }
        for (name, script) in [("gh", GH), ("curl", CURL), ("notes", NOTES)] {
            fs::write(path("bin").join(name), script).unwrap();
            let made = Command::new("chmod").arg("+x").arg(path("bin").join(name)).status().unwrap();
            assert!(made.success());
        }
        std::os::unix::fs::symlink(PROGRAM, path("bin/tidegate")).unwrap();
        // Somebody else's comment is left alone.
        fs::write(path("state/notes/1"), "Looks good to me\n").unwrap();
        let made = tidegate(folder.path(), &["sandbox", "create", "sandbox", "--snapshot", "tests/cluster.yaml"]);
        assert_eq!(code(&made), 0, "{}", text(&made.stderr));
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn shell(&self, script: &str) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("/bin/sh");
        shell.args(["-e", "-c", script]).current_dir(self.0.path()).stdin(Stdio::null());
        shell.env("PATH", path).env("STATE", self.path("state")).env("POLICY", "policies").env("CLUSTER", SANDBOX);
        for (name, value) in [
            ("GITHUB_REPOSITORY", "team/capacity"),
            ("GITHUB_SHA", "merged"),
            ("PULL_REQUEST", "7"),
            ("GH_TOKEN", "x"),
            ("CI_API_V4_URL", "https://git.example.org/api/v4"),
            ("CI_PROJECT_ID", "42"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_COMMIT_SHA", "merged"),
            ("NOTES_TOKEN", "x"),
        ] {
            shell.env(name, value);
        }
        shell.output().unwrap()
    }

    /// Runs the scripts of a job as one pipeline does, until one fails. The exit code, and everything that was said.
    fn job(&self, scripts: &[String]) -> (i32, String) {
        let mut said = String::new();
        for script in scripts {
            let output = self.shell(script);
            said.push_str(&format!("$ {script}\n{}{}", text(&output.stdout), text(&output.stderr)));
            if code(&output) != 0 {
                return (code(&output), said);
            }
        }
        (0, said)
    }

    fn passes(&self, scripts: &[String]) -> String {
        let (ended, said) = self.job(scripts);
        assert_eq!(ended, 0, "{said}");
        said
    }

    fn notes(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.path("state/notes")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// Keeps the plan as the service keeps artifacts, and takes it out of the checkout.
    fn upload(&self) {
        fs::rename(self.path("plan.json"), self.path("state/plan.json")).unwrap();
    }

    fn advance(&self, by: &str) {
        let output = self.shell(&format!("tidegate sandbox advance {by} sandbox"));
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    }

    fn edit_policy(&self, from: &str, to: &str) {
        let file = self.path("policies/policy.yaml");
        let policy = fs::read_to_string(&file).unwrap();
        assert!(policy.contains(from));
        fs::write(file, policy.replace(from, to)).unwrap();
    }

    fn drift(&self) -> Value {
        let output = self.shell("tidegate drift -f policies --sandbox sandbox --format json || [ $? -eq 2 ]");
        serde_json::from_str(&text(&output.stdout)).unwrap()
    }
}

/// The services of a pipeline.
#[derive(Clone, Copy, Debug)]
enum Service {
    Github,
    Gitlab,
}

impl Service {
    /// The shell parts of a job. GitLab's lines are one shell's, GitHub's steps are one each.
    fn scripts(self, job: &str) -> Vec<String> {
        let file = match self {
            Self::Github => "github-actions.yml",
            Self::Gitlab => "gitlab-ci.yml",
        };
        let whole: Value = serde_yaml::from_str(&fs::read_to_string(Path::new(CI).join(file)).unwrap()).unwrap();
        match self {
            Self::Github => {
                let steps = whole["jobs"][job]["steps"].as_array().unwrap().iter();
                steps.filter_map(|step| step["run"].as_str()).map(str::to_owned).collect()
            }
            Self::Gitlab => {
                let lines = whole[job]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
                vec![lines.collect::<Vec<_>>().join("\n")]
            }
        }
    }
}

fn has(program: &str) -> bool {
    let found = Command::new("/bin/sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        eprintln!("not tried: there is no `{program}` here");
    }
    found.status.success()
}

/// The comment of the first push is replaced by that of the second, and somebody else's stays.
#[test]
fn a_review_comments_once_with_the_newest_plan() {
    if !has("jq") {
        return;
    }
    for service in [Service::Github, Service::Gitlab] {
        let checkout = Checkout::new();
        let review = service.scripts("review");
        checkout.passes(&review);
        let first = checkout.notes();
        assert_eq!(first.len(), 2, "{service:?}: {first:?}");
        assert!(first[1].starts_with("<!-- tidegate plan of workshop on "), "{service:?}: {}", first[1]);
        assert!(first[1].contains("9 to park"), "{service:?}: {}", first[1]);
        checkout.edit_policy("      min: 1\n", "      min: 3\n");
        fs::write(checkout.path("tests/tests.yaml"), EASY).unwrap();
        checkout.passes(&review);
        let second = checkout.notes();
        assert_eq!(second.len(), 2, "{service:?}: {second:?}");
        assert_eq!(second[0], "Looks good to me\n", "{service:?}");
        assert!(second[1].contains("7 to park"), "{service:?}: {}", second[1]);
    }
}

const EASY: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: PolicyTests\ntests:\n  - name: it changes something\n    \
                    given: {snapshot: cluster.yaml, now: 2026-11-10T16:30}\n    expect: {verdict: changes}\n";

/// A policy that its own tests, its rules or its schema refuse is red, and nothing is said to the cluster.
#[test]
fn a_review_is_red_where_something_refuses() {
    if !has("jq") {
        return;
    }
    for service in [Service::Github, Service::Gitlab] {
        for (from, to, said) in [
            ("      min: 1\n", "      mni: 1\n", "did you mean `min`?"),
            ("      min: 1\n", "      min: 2\n", "FAILED after the workshop all but the hub's node are parked"),
            ("m3.medium: 8", "m3.medium: 800", "budget"),
        ] {
            let checkout = Checkout::new();
            checkout.edit_policy(from, to);
            if said == "budget" {
                fs::write(checkout.path("tests/tests.yaml"), EASY).unwrap();
            }
            let (ended, printed) = checkout.job(&service.scripts("review"));
            assert_eq!(ended, if said == "budget" { 3 } else { 1 }, "{service:?}: {printed}");
            let report = fs::read_to_string(checkout.path("tests.xml")).unwrap_or_default();
            let named = printed.contains(said) || report.contains(said.trim_start_matches("FAILED "));
            assert!(named, "{service:?}: `{said}` is not in\n{printed}");
        }
    }
}

/// What was reviewed is applied on merge; what is left goes on with the next scheduled run, and then nothing has drifted.
#[test]
fn a_merge_applies_the_plan_that_was_reviewed_and_a_timer_goes_on() {
    if !has("jq") {
        return;
    }
    for service in [Service::Github, Service::Gitlab] {
        let checkout = Checkout::new();
        checkout.passes(&service.scripts("review"));
        checkout.upload();
        assert_eq!(checkout.drift()["lastApplied"], Value::Null);
        checkout.passes(&service.scripts("apply"));
        let drift = checkout.drift();
        assert_eq!((&drift["pools"][0]["actual"], &drift["drifted"]), (&1.into(), &true.into()), "{drift}");
        assert_eq!(drift["pools"][0]["why"], serde_json::json!(["unfinished"]), "{drift}");
        // One person is at work; later the node goes, by the schedule alone.
        let (ended, said) = checkout.job(&service.scripts("hold"));
        assert_eq!(ended, 2, "{service:?}: {said}");
        checkout.advance("1d");
        checkout.passes(&service.scripts("hold"));
        assert_eq!(checkout.drift()["drifted"], false);
        // A quarter of an hour before the next workshop the nodes are wanted.
        checkout.advance("5d21h");
        let (ended, said) = checkout.job(&service.scripts("hold")[service.scripts("hold").len() - 1..]);
        if let Service::Github = service {
            assert_eq!(ended, 2, "{said}");
            assert!(said.contains("the schedule or the load asks for another number"), "{said}");
        }
        checkout.passes(&service.scripts("hold"));
        let drift = checkout.drift();
        assert_eq!((&drift["pools"][0]["actual"], &drift["drifted"]), (&10.into(), &false.into()), "{drift}");
    }
}

/// A plan of another policy than the one that is merged is not what was reviewed.
#[test]
fn a_merge_of_something_else_is_red() {
    if !has("jq") {
        return;
    }
    for service in [Service::Github, Service::Gitlab] {
        let checkout = Checkout::new();
        checkout.passes(&service.scripts("review"));
        checkout.upload();
        checkout.edit_policy("      min: 1\n", "      min: 0\n");
        let (ended, said) = checkout.job(&service.scripts("apply"));
        assert_ne!(ended, 0, "{service:?}: {said}");
        assert!(said.contains("another one than when the plan was made"), "{service:?}: {said}");
        assert_eq!(checkout.drift()["pools"][0]["actual"], 10, "{service:?}");
    }
}

/// A job that is cancelled while it drains leaves its lock and half a node; the next run takes both up.
#[test]
fn a_cancelled_job_is_gone_on_with() {
    for service in [Service::Github, Service::Gitlab] {
        let checkout = Checkout::new();
        let mut apply = Command::new(PROGRAM)
            .args(["apply", "-f", "policies", "--sandbox", "sandbox", "--yes", "--no-wait", "--slow", "30"])
            .current_dir(checkout.0.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(apply.stdout.take().unwrap()).lines();
        let begun = lines.map(Result::unwrap).any(|line| line.contains("cordon") && line.contains("done"));
        apply.kill().unwrap();
        apply.wait().unwrap();
        assert!(begun, "it ended before it was cancelled");
        checkout.advance("1d");
        let said = checkout.passes(&service.scripts("hold"));
        assert!(said.contains("cut short"), "{service:?}: {said}");
        let drift = checkout.drift();
        assert_eq!((&drift["pools"][0]["actual"], &drift["drifted"]), (&1.into(), &false.into()), "{drift}");
    }
}

/// The same by hand.
#[test]
fn the_makefile_reviews_applies_and_goes_on() {
    if !has("make") {
        return;
    }
    let checkout = Checkout::new();
    let make = |target: &str| vec![format!("make --silent {target} CLUSTER='{SANDBOX}'")];
    checkout.passes(&make("review"));
    assert!(fs::read_to_string(checkout.path("comment.md")).unwrap().starts_with("<!-- tidegate plan of workshop"));
    checkout.passes(&make("apply"));
    let (ended, said) = checkout.job(&make("drift"));
    assert_ne!(ended, 0, "{said}");
    checkout.advance("1d");
    checkout.passes(&make("hold"));
    checkout.passes(&make("drift"));
}

/// What conftest says by the Rego file is what `check` says by its rules.
#[test]
fn conftest_says_the_same() {
    if !has("conftest") {
        return;
    }
    let checkout = Checkout::new();
    checkout.edit_policy("m3.medium: 8", "m3.medium: 800");
    checkout.passes(&["tidegate plan -f policies --sandbox sandbox --out plan.json".to_owned()]);
    let rules = format!("{CI}/rules.rego");
    let output = checkout.shell(&format!("conftest test plan.json --policy {rules} --output json || true"));
    let said: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    let messages = |kind: &str| {
        let all = said[0][kind].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| one["msg"].as_str().unwrap().split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (messages("failures"), messages("warnings")),
        (vec!["budget".to_owned()], vec!["few-at-once".to_owned()])
    );
}
