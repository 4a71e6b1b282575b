//! Bootstrap tokens: one for each server, gone when it has joined or came to nothing, and written nowhere.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tidegate::cluster::Cluster;
use tidegate::model::{PodKey, Token};
use tidegate::policy::Policy;
use tidegate::sandbox::{Faults, Sandbox};

use crate::creates::{made, nothing_leaks, policy as plain, scale, shop, waiting};
use crate::executing::cut::cut_after;
use crate::executing::{Stage, block_on, exit, lines, policy_text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
const TEXT: &str = "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {name: shop}
spec:
  providers:
    - {name: cloud, openstack: {cloud: shop}}
  pools:
    - name: base
      nodes: {names: \"n-*\"}
      min: 1
    - name: burst
      nodes: {names: \"burst-{1..4}\"}
      idle: delete
      unneededFor: 10m
      minParked: 1m
      create:
        image: ubuntu
        flavors: [small, large]
";
const JOIN: &str =
    "#!/bin/sh\nkubeadm join --token ${TIDEGATE_BOOTSTRAP_TOKEN} api.example:6443 # the-authors-own-secret\n";

fn policy() -> Policy {
    policy_text(&format!("{TEXT}        userData: {JOIN:?}\n"))
}

/// The token that a sandbox makes for a node: always the same.
fn token(sandbox: &Sandbox, node: &str) -> Token {
    let token = block_on(sandbox.bootstrap_token(&node.into(), sandbox.now())).unwrap();
    block_on(sandbox.revoke_token(&node.into())).unwrap();
    token
}

#[test]
fn a_server_joins_by_a_token_of_its_own_that_is_gone_when_it_has_joined() {
    let stage = Stage::of(shop(1000, 3000), "");
    scale(&stage, "cart", 5);
    let (outcome, told) = stage.apply(&policy());
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert_eq!(made(&stage.world()).len(), 3);
    stage.sandbox.advance_to(stage.sandbox.now() + jiff::SignedDuration::from_mins(1)).unwrap();
    assert_eq!(waiting(&stage.world()), 0);
    nothing_leaks(&stage);
    assert!(stage.sandbox.tokens().is_empty(), "{:?}", stage.sandbox.tokens());
    let journal = std::fs::read_to_string(stage.folder.path().join("journal.jsonl")).unwrap_or_default();
    let all = format!("{journal}{}", lines(&told));
    assert!(journal.contains("revoke-token/burst-1"), "{journal}");
    for secret in [token(&stage.sandbox, "burst-1").expose(), "the-authors-own-secret"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[test]
fn no_token_is_made_where_the_text_asks_for_none() {
    let stage = Stage::of(shop(1000, 3000), "");
    scale(&stage, "cart", 3);
    let (outcome, _) = stage.apply(&plain("", ""));
    assert_eq!(exit(&outcome), 0);
    let journal = std::fs::read_to_string(stage.folder.path().join("journal.jsonl")).unwrap();
    assert!(journal.contains("create/burst-1") && !journal.contains("token"), "{journal}");
}

#[test]
fn a_token_is_taken_back_when_nothing_comes_of_the_server() {
    for fault in [
        "- {target: 'server/burst-*', kind: quota, on: create}",
        "- {target: 'server/burst-*', kind: no-valid-host, on: create}",
        "- {target: 'node/burst-*', kind: node-never-ready}",
    ] {
        let stage = Stage::of(shop(1000, 3000), fault);
        scale(&stage, "cart", 3);
        let (outcome, told) = stage.apply(&policy());
        assert_eq!(exit(&outcome), 6, "{fault}: {}", lines(&told));
        assert!(made(&stage.world()).is_empty() && stage.sandbox.tokens().is_empty(), "{fault}");
    }
}

/// One that is taken up again takes back what it made; one that is planned anew leaves it at most until it ends.
#[test]
fn no_token_outlives_its_server_wherever_an_apply_is_cut() {
    let start = {
        let stage = Stage::of(shop(1000, 3000), "");
        scale(&stage, "cart", 5);
        stage.sandbox.snapshot()
    };
    let policy = policy();
    let (total, whole) = cut_after(&Stage::of(start.clone(), ""), &policy, usize::MAX);
    assert!(whole && total > 9, "{total}");
    let mut open = 0;
    for records in 0..total {
        let stage = Stage::of(start.clone(), "");
        cut_after(&stage, &policy, records);
        open += stage.sandbox.tokens().len();
        let (outcome, told) = stage.carry_out(&policy, None, true, true);
        assert_eq!(exit(&outcome), 0, "cut after {records}: {}", lines(&told));
        assert_eq!(made(&stage.world()).len(), 3, "cut after {records}");
        let left = stage.sandbox.tokens();
        let most = stage.sandbox.now() + jiff::SignedDuration::from_mins(25);
        assert!(left.values().all(|until| *until <= most), "cut after {records}: {left:?}");
        assert!(left.is_empty(), "cut after {records}: {left:?}");
        nothing_leaks(&stage);
    }
    assert!(open > 0, "some cuts leave tokens behind");
}

fn files(folder: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, all) } else { all.extend(std::fs::read(path).unwrap()) }
    }
}

/// Whatever is printed and written, by every command and format: neither the token nor the text that asks for it.
#[test]
fn the_token_and_the_text_around_it_are_in_no_output_journal_or_plan() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("policy")).unwrap();
    std::fs::write(folder.path().join("policy/join.yaml"), JOIN).unwrap();
    let text = format!("{TEXT}        userData: {{file: join.yaml}}\n");
    std::fs::write(folder.path().join("policy/policy.yaml"), text).unwrap();
    let secret = {
        let sandbox =
            Sandbox::create_from(&folder.path().join("sandbox"), shop(1000, 3000), Faults::default()).unwrap();
        sandbox.scale(&PodKey::new("web", "cart"), 5).unwrap();
        sandbox.advance(jiff::SignedDuration::from_secs(5)).unwrap();
        token(&sandbox, "burst-1")
    };
    let mut said = Vec::new();
    let mut run = |args: &str, expected: i32| {
        let args: Vec<&str> = args.split(' ').chain(["-f", "policy", "--sandbox", "sandbox"]).collect();
        let output =
            Command::new(PROGRAM).args(&args).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(expected), "{args:?}: {text}");
        said.extend(text.into_bytes());
    };
    run("plan -v --out plan.json", 0);
    run("plan --format json", 0);
    run("validate", 0);
    run("explain pool/burst", 0);
    run("apply plan.json -v --format json", 0);
    run("status --format json", 0);
    run("doctor", 0);
    run("drift", 0);
    let printed = String::from_utf8_lossy(&said).into_owned();
    assert!(printed.contains("burst-1 (small)") || printed.contains("burst-1"), "{printed}");
    std::fs::remove_dir_all(folder.path().join("policy")).unwrap();
    files(folder.path(), &mut said);
    let all = String::from_utf8_lossy(&said);
    assert!(all.contains("create/burst-1") && all.contains("mintToken"), "what is looked through has the apply in it");
    for secret in [secret.expose(), secret.expose().split_once('.').unwrap().1, "the-authors-own-secret"] {
        assert!(!all.contains(secret), "{secret}");
    }
}
