//! A policy whose provider is a program of the operator's, tried out in a sandbox: servers come and go, and no program is called.

use std::process::{Command, Stdio};

use jiff::SignedDuration;
use tempfile::TempDir;
use tidegate::model::{PodKey, World};
use tidegate::sandbox::{Faults, Sandbox};

use crate::creates::{made, shop, waiting};

const POLICY: &str = "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {name: shop}
spec:
  providers:
    - {name: cloud, command: {run: [PROGRAM]}}
  pools:
    - name: base
      nodes: {names: \"n-*\"}
      min: 1
      idle: delete
      keep: \"n-*\"
      adopt: true
    - name: burst
      nodes: {names: \"burst-{1..4}\"}
      idle: delete
      create: {image: ubuntu, flavors: [small, large]}
";

#[test]
fn a_program_is_not_called_in_a_sandbox() {
    let folder = TempDir::new().unwrap();
    let called = folder.path().join("called");
    let program = folder.path().join("program");
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\n", called.display())).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("policy.yaml"), POLICY.replace("PROGRAM", &program.display().to_string()))
        .unwrap();
    let place = folder.path().join("sandbox");
    {
        let sandbox = Sandbox::create_from(&place, shop(1000, 3000), Faults::default()).unwrap();
        sandbox.scale(&PodKey::new("web", "cart"), 5).unwrap();
        sandbox.advance(SignedDuration::from_secs(5)).unwrap();
    }
    let args = ["apply", "-f", "policy.yaml", "--sandbox", "sandbox", "--yes"];
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let sandbox = Sandbox::open(&place).unwrap();
    sandbox.advance(SignedDuration::from_mins(1)).unwrap();
    let world = World::build(sandbox.snapshot());
    assert_eq!((made(&world).len(), waiting(&world)), (3, 0));
    assert!(!called.exists(), "in a sandbox servers are simulated");
}
