//! What a plan looks like in a pipeline: a comment that a bot finds again, and annotations beside the policy's lines.

use serde_json::Value;

use crate::ground::{Ground, WORKSHOP, policy, text};

fn workshop() -> (Ground, Vec<String>) {
    let ground = Ground::new();
    let policy = std::fs::read_to_string(format!("{WORKSHOP}/policy.yaml")).unwrap();
    ground.commit(&[("pools/workshop.yaml", &policy)]);
    let args = ["plan", "-f", &ground.address("//pools?ref=main"), "--snapshot", &format!("{WORKSHOP}/cluster.yaml")];
    let args = args.iter().map(ToString::to_string).chain(["--now".to_owned(), "2026-11-10T16:30".to_owned()]);
    let args = args.collect();
    (ground, args)
}

fn shown(ground: &Ground, args: &[String], format: &str) -> String {
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--format", format]).collect();
    let output = ground.tidegate(&args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_comment_begins_with_a_marker_and_says_the_commit() {
    let (ground, args) = workshop();
    let commit = ground.git(&["rev-parse", "HEAD"]);
    let comment = shown(&ground, &args, "markdown");
    let mut lines = comment.lines();
    assert_eq!(lines.next(), Some("<!-- tidegate plan of workshop on demo -->"), "{comment}");
    assert!(lines.next().unwrap().starts_with("### Tidegate: "), "{comment}");
    assert!(comment.contains(&format!("from `{} main at {}`", ground.repository(), &commit[..12])), "{comment}");
}

/// A policy's name is free text as far as a comment goes: it cannot end the marker.
#[test]
fn nothing_in_a_plan_ends_the_marker() {
    let ground = Ground::new();
    ground.commit(&[("policy.yaml", &policy("x"))]);
    let args = [
        "plan",
        "-f",
        &ground.address("?ref=main"),
        "--snapshot",
        &format!("{WORKSHOP}/cluster.yaml"),
        "--out",
        "../plan.json",
    ];
    assert!(ground.tidegate(&args).status.success());
    let saved = std::fs::read_to_string(ground.path("plan.json")).unwrap();
    std::fs::write(ground.path("plan.json"), saved.replace("\"name\": \"x\"", "\"name\": \"x --> <b>\"")).unwrap();
    let comment = text(&ground.tidegate(&["show", "../plan.json", "--format", "markdown"]).stdout);
    assert!(comment.starts_with("<!-- tidegate plan of x - b on demo -->\n"), "{comment}");
}

#[test]
fn annotations_stand_at_the_lines_of_the_policy_in_its_repository() {
    let (ground, args) = workshop();
    let lines = shown(&ground, &args, "github");
    let commands = ["::error ", "::warning ", "::notice "];
    assert!(lines.lines().count() > 2, "{lines}");
    for line in lines.lines() {
        assert!(commands.iter().any(|command| line.starts_with(command)) && line.matches("::").count() >= 2, "{line}");
    }
    let notice = "::notice file=pools/workshop.yaml,line=32,col=";
    assert!(lines.contains(notice) && lines.contains("title=tidegate not-needed::demo-k8s-node-nf-10"), "{lines}");
    assert!(lines.lines().last().unwrap().starts_with("::notice title=tidegate plan::Plan:"), "{lines}");
    assert!(
        lines.len() < 10_000 && lines.lines().count() <= 20,
        "nodes to which the same happens are one line: {lines}"
    );

    let report: Value = serde_json::from_str(&shown(&ground, &args, "gitlab")).unwrap();
    let entries = report.as_array().unwrap();
    assert_eq!(entries.len(), lines.lines().count());
    let mut fingerprints: Vec<&str> = entries.iter().map(|entry| entry["fingerprint"].as_str().unwrap()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), entries.len());
    for entry in entries {
        assert_eq!(entry["location"]["path"], "pools/workshop.yaml");
        assert!(entry["location"]["lines"]["begin"].as_u64().unwrap() > 0);
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&entry["severity"].as_str().unwrap()));
        assert!(!entry["description"].as_str().unwrap().is_empty());
    }
    assert_eq!(report, serde_json::from_str::<Value>(&shown(&ground, &args, "gitlab")).unwrap());
}

/// Words that would begin a command of their own, or end a property.
#[test]
fn nothing_in_a_plan_begins_a_command() {
    let (ground, args) = workshop();
    let args: Vec<String> = args.into_iter().chain(["--out".to_owned(), "../plan.json".to_owned()]).collect();
    shown(&ground, &args, "text");
    let saved = std::fs::read_to_string(ground.path("plan.json")).unwrap();
    let evil = "a,b:c%0A\\n::set-env name=X::y\\r";
    let edited = saved.replace("demo-k8s-node-nf-10", evil).replace("pools/workshop.yaml", "a,line=1::b%2C.yaml");
    assert_ne!(edited, saved);
    std::fs::write(ground.path("plan.json"), edited).unwrap();
    let said = text(&ground.tidegate(&["show", "../plan.json", "--format", "github"]).stdout);
    assert!(said.contains("a,b:c%250A%0A::set-env name=X::y%0D"), "{said}");
    assert!(said.contains("file=a%2Cline=1%3A%3Ab%252C.yaml,line=32"), "{said}");
    assert!(
        said.lines().all(|line| line.starts_with("::notice ")
            || line.starts_with("::warning ")
            || line.starts_with("::error ")),
        "{said}"
    );
}
