//! The examples of every help text work when they are pasted, and what people install beside the program is there.

use std::fs;
use std::path::Path;

use super::{WORKSHOP, code, here, text, tidegate};

/// What the examples take for granted: a policy, what `kubectl` wrote, a sandbox and a saved plan.
fn pasted_into(command: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(Path::new(WORKSHOP).join("policy.yaml"), path("policy.yaml")).unwrap();
    fs::copy(Path::new(WORKSHOP).join("cluster.yaml"), path("cluster.json")).unwrap();
    for made in ["policies", "man"] {
        fs::create_dir(path(made)).unwrap();
    }
    let block = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nspec: {brakes: {maxNodes: 3}}\n";
    fs::write(path("policies/brakes.yaml"), block).unwrap();
    fs::write(path("faults.yaml"), "faults: []\n").unwrap();
    let rules = "apiVersion: tidegate.dev/v1alpha1\nkind: PlanRules\nrules: [{name: few, level: warn, when: {nodesAbove: 5}}]\n";
    fs::write(path("rules.yaml"), rules).unwrap();
    if command != "sandbox" && command != "sandbox create" {
        let made = tidegate(folder.path(), &["sandbox", "create", "./sandbox", "--snapshot", "cluster.json"]);
        assert_eq!(code(&made), 0, "{}", text(&made.stderr));
        // `verify` asks for what the plan was made from: what `kubectl` wrote.
        let world = if command == "verify" { ["--snapshot", "cluster.json"] } else { ["--sandbox", "./sandbox"] };
        let plan = ["plan", "-f", "policy.yaml", world[0], world[1], "--out", "plan.json"];
        assert_eq!(code(&tidegate(folder.path(), &plan)), 0);
    }
    if command == "diff" {
        in_git(folder.path());
    }
    if command == "test" {
        let tests = fs::read_to_string(Path::new(super::WORKSHOP).join("tests.yaml")).unwrap();
        fs::create_dir_all(path("tests")).unwrap();
        fs::copy(Path::new(super::WORKSHOP).join("cluster.yaml"), path("tests/cluster.yaml")).unwrap();
        fs::write(path("tests/tests.yaml"), &tests).unwrap();
        fs::rename(path("policies/brakes.yaml"), path("brakes.yaml")).unwrap();
        fs::copy(path("policy.yaml"), path("policies/policy.yaml")).unwrap();
        fs::write(path("policies/tests.yaml"), tests.replace("cluster.yaml", "../tests/cluster.yaml")).unwrap();
    }
    if command == "init" {
        fs::remove_file(path("policy.yaml")).unwrap();
    }
    folder
}

/// Makes the policy a folder in a repository, with the branches and tags that help texts name.
fn in_git(folder: &Path) {
    fs::copy(folder.join("policy.yaml"), folder.join("policies/policy.yaml")).unwrap();
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false"];
    for args in [
        vec!["init", "--quiet", "--initial-branch", "main"],
        vec!["add", "policies"],
        [&who[..], &["commit", "--quiet", "--message", "Begin"]].concat(),
        vec!["tag", "v1.4"],
        vec!["tag", "v1.5"],
        vec!["update-ref", "refs/remotes/origin/main", "HEAD"],
    ] {
        let done = std::process::Command::new("git").args(&args).current_dir(folder).status().unwrap();
        assert!(done.success(), "git {args:?}");
    }
}

/// The lines of a help text that run the program, without comments and where their output goes.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
    let lines = lines.map(str::trim).filter(|line| line.starts_with("tidegate "));
    lines.flat_map(|line| line.split(" && ")).map(|line| cut(cut(line, " #"), " > ").trim().to_owned()).collect()
}

fn cut<'a>(line: &'a str, at: &str) -> &'a str {
    line.split_once(at).map_or(line, |(before, _)| before)
}

fn commands() -> Vec<String> {
    let below = |of: &[&str]| -> Vec<String> {
        let listing = text(&here(&[of, &["--help"]].concat()).stdout);
        let lines = listing.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
        let lines = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let mut commands = below(&[]);
    commands.extend(below(&["sandbox"]).iter().map(|act| format!("sandbox {act}")));
    commands
}

#[test]
fn every_example_of_every_help_works_when_pasted() {
    let commands = commands();
    assert!(commands.contains(&"man".to_owned()) && commands.len() >= 19, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let examples = examples(&text(&here(&[words.as_slice(), &["--help"]].concat()).stdout));
        assert!(!examples.is_empty(), "{command} has none");
        let folder = pasted_into(&command);
        // Those for a live cluster, and for what it was written to, are tried in `tests/labs`.
        let live =
            |example: &String| example.contains("--context") || example.contains("https:") || command == "snapshot";
        for example in examples.into_iter().filter(|example| !live(example)) {
            // Nothing is written outside of the folder, and nobody watches.
            let run = example.replace("/usr/local/share/man/man1", "man").replace("--slow 60", "--slow 1000000");
            let args: Vec<&str> = run.split_whitespace().skip(1).collect();
            let output = tidegate(folder.path(), &args);
            let said = text(&output.stderr);
            let begins = |start: &str| example.starts_with(start);
            let asks = ["tidegate apply -f", "tidegate park", "tidegate drain"].iter().any(|start| begins(start))
                && !example.contains("--yes")
                && !example.contains("--resume");
            let expected: &[i32] = match () {
                () if asks => {
                    assert!(said.contains("nobody is there to be asked"), "`{example}`: {said}");
                    &[1]
                }
                () if example.contains("--detailed-exitcode") || command == "drift" => &[0, 2],
                // Without a terminal nobody waits for the one person who is at work.
                () if example.starts_with("tidegate apply") || example.contains("demo") => &[0, 6],
                () => &[0],
            };
            assert!(expected.contains(&code(&output)), "`{example}` ends with {}: {said}", code(&output));
        }
    }
}

#[test]
fn completions_and_man_pages_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = here(&["completions", shell]);
        assert_eq!(code(&output), 0, "{shell}");
        let script = text(&output.stdout);
        for command in ["plan", "apply", "explain", "--detailed-exitcode", "advance"] {
            let word = if shell == "fish" { command.trim_start_matches("--") } else { command };
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&tidegate(folder.path(), &["man", "--out", "."])), 0);
    for command in commands() {
        let page = folder.path().join(format!("tidegate-{}.1", command.replace(' ', "-")));
        assert!(page.is_file(), "{}", page.display());
    }
}

/// Every table is there as a value too.
#[test]
fn every_table_has_json() {
    let world = ["-f", "policy.yaml", "--snapshot", "cluster.yaml", "--format", "json"];
    let sandbox = super::workshop();
    let folder = sandbox.path().join("sandbox");
    let shown = folder.to_str().unwrap();
    let saved = sandbox.path().join("plan.json");
    let saved = saved.to_str().unwrap();
    assert_eq!(code(&here(&["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--out", saved])), 0);
    for (head, tail, schema) in [
        (["plan"].as_slice(), world.as_slice(), "plan"),
        (&["status"], &world, "status"),
        (&["explain", "pool/workers"], &world, "explain"),
        (&["explain", "node/demo-k8s-node-nf-6"], &world, "explain"),
        (&["explain", "pod/jhub/jupyter-dana"], &world, "explain"),
        (&["explain", "pod/kube-system/coredns-9f2a5460-23060"], &world[2..], "explain"),
        (&["schedule", "-f", "policy.yaml"], &["--format", "json"], "schedule"),
        (&["schedule", "-f", "policy.yaml", "--at", "2026-11-24"], &["--format", "json"], "schedule-at"),
        (&["validate", "-f", "policy.yaml"], &["--format", "json"], "validate"),
        (&["verify", saved], &["--format", "json"], "verify"),
        (&["sandbox", "show", shown], &["--format", "json"], ""),
    ] {
        let output = here(&[head, tail].concat());
        assert_eq!(code(&output), 0, "{head:?}: {}", text(&output.stderr));
        let value: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{head:?}: {error}"));
        assert!(value.is_object() || value.is_array(), "{head:?}");
        if !schema.is_empty() {
            let schema = serde_json::from_slice(&here(&["schema", schema]).stdout).unwrap();
            let schema = jsonschema::validator_for(&schema).unwrap();
            let wrong: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{head:?}: {wrong:?}");
        }
    }
}
