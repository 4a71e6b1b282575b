//! Policy files as the operating system may offer them, given to the program itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const POLICY: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n  pools:\n    - {name: a, nodes: {names: \"n-{1..3}\"}}\n";
const CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop/cluster.yaml");

fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).current_dir(folder);
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn every_odd_file_is_answered_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::create_dir(here.join("nothing-in-it")).unwrap();
    write(here, "mark.yaml", [b"\xef\xbb\xbf", POLICY.as_bytes()].concat());
    write(here, "lines.yaml", POLICY.replace('\n', "\r\n"));
    write(here, "both/policy.yaml", POLICY);
    write(here, "both/cluster.yaml", fs::read(CLUSTER).unwrap());
    write(here, "large.yaml", format!("{POLICY}# {}", "x".repeat(10 << 20)));
    write(here, "brackets.yaml", "[".repeat(10 << 20));
    write(here, "large-dump/cluster.yaml", format!("{{\"kind\": \"List\", \"items\": [{}]}}", "1,".repeat(5 << 20)));
    write(here, "a/b.yaml/policy.yaml", POLICY);
    write(here, "utf16.yaml", POLICY.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    write(here, "packed.yaml", b"\x1f\x8b\x08\x00\x00\x00");
    write(here, "empty.yaml", "");
    for (path, code, words) in [
        ("mark.yaml", 0, vec!["Valid"]),
        ("lines.yaml", 0, vec!["Valid"]),
        ("a/b.yaml", 0, vec!["Valid"]),
        ("both", 1, vec!["both/cluster.yaml", "what `kubectl get` wrote", "`--snapshot`", "1 error"]),
        (CLUSTER, 1, vec!["what `kubectl get` wrote", "`--snapshot`", "1 error"]),
        ("large.yaml", 1, vec!["`large.yaml` has 11 MiB", "may have 4", "split"]),
        ("brackets.yaml", 1, vec!["10 MiB"]),
        ("large-dump", 1, vec!["large-dump/cluster.yaml", "`--snapshot`"]),
        ("nothing-in-it", 1, vec!["no `.yaml`"]),
        ("missing.yaml", 1, vec!["no file or folder `missing.yaml`", "`tidegate init`"]),
        ("no\u{1b}[31m\u{202e}pe.yaml", 1, vec!["no\\u{1b}[31m\\u{202e}pe.yaml"]),
        ("utf16.yaml", 1, vec!["save it as UTF-8"]),
        ("packed.yaml", 1, vec!["`gunzip`"]),
        ("empty.yaml", 1, vec!["the file is empty", "`tidegate init`"]),
    ] {
        let started = Instant::now();
        for command in [vec!["validate", "-f", path], vec!["plan", "-f", path, "--snapshot", CLUSTER]] {
            let output = program(here, &command).output().unwrap();
            let said = said(&output);
            if command[0] == "validate" || code == 1 {
                assert_eq!(output.status.code(), Some(code), "{path}: {said}");
                let left: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
                assert!(command[0] == "plan" || left.is_empty(), "{path}: no {left:?} in {said}");
            }
            assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{path}: {said:?}");
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{path} took {:?}", started.elapsed());
    }
}

#[test]
fn standard_input_is_read_no_further_than_a_policy_may_be() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, code, word) in [
        (POLICY.as_bytes().to_vec(), 0, "Valid"),
        (vec![b'['; 10 << 20], 1, "more than 4 MiB"),
        (Vec::new(), 1, "the file is empty"),
    ] {
        let mut child = program(folder.path(), &["validate", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The program may stop reading before all is written.
        drop(child.stdin.take().unwrap().write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(word), "{}", said(&output));
    }
}

#[test]
fn a_flood_of_problems_is_counted_and_json_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let wrong: String = (0..5312).map(|number| format!("  field{number}: 1\n")).collect();
    write(folder.path(), "p.yaml", format!("{POLICY}{wrong}"));
    let text = said(&program(folder.path(), &["validate", "-f", "p.yaml"]).output().unwrap());
    assert!(text.contains("… and 950 more: ") && text.contains("and 4,312 more problems"), "{text}");
    assert!(text.lines().count() < 700, "{}", text.lines().count());
    let json = program(folder.path(), &["validate", "-f", "p.yaml", "--format", "json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["problems"].as_array().unwrap().len(), 1001);
    assert_eq!(json["problems"][1000]["message"], "… and 4,312 more problems that are not listed");
}

#[cfg(unix)]
#[test]
fn a_pipe_without_a_writer_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let started = Instant::now();
    let output = program(folder.path(), &["validate", "-f", "pipe"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("cannot read `pipe`: it is a pipe, and nobody has written to it"),
        "{}",
        said(&output)
    );
    assert!(started.elapsed() < Duration::from_secs(60));
    // With a writer it is a file like any other.
    let reader = program(folder.path(), &["validate", "-f", "pipe"]).stderr(Stdio::piped()).spawn().unwrap();
    fs::write(&pipe, POLICY).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "closed.yaml", POLICY);
    let path = folder.path().join("closed.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        println!("left out: permissions do not bind this user");
        return;
    }
    let output = program(folder.path(), &["validate", "-f", "closed.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("cannot read `closed.yaml`") && said(&output).contains("ermission"),
        "{}",
        said(&output)
    );
}

#[cfg(unix)]
#[test]
fn a_snapshot_from_a_pipe_or_a_device_is_read_once_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "policy.yaml", POLICY);
    Command::new("mkfifo").arg(here.join("pipe")).status().unwrap();
    let plan = |snapshot: &str| program(here, &["plan", "-f", "policy.yaml", "--snapshot", snapshot]);
    let writer = std::thread::spawn({
        let pipe = here.join("pipe");
        move || fs::write(pipe, fs::read(CLUSTER).unwrap()).unwrap()
    });
    let output = plan("pipe").output().unwrap();
    assert!(said(&output).contains("Cluster  demo"), "{}", said(&output));
    writer.join().unwrap();
    let began = Instant::now();
    let output = plan("pipe").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("nobody has written to it for 10 seconds"), "{}", said(&output));
    assert!(began.elapsed() < Duration::from_secs(60));
    let output = plan("/dev/zero").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("/dev/zero is not text: it has zero bytes"), "{}", said(&output));
}

/// Plans and files of failures have a size too: nothing is read for ever, and nothing fills the memory.
#[cfg(unix)]
#[test]
fn a_plan_or_a_file_of_failures_that_has_no_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "policy.yaml", POLICY);
    fs::File::create(here.join("huge.json")).unwrap().set_len(10 << 30).unwrap();
    let made = program(here, &["sandbox", "create", "s", "--snapshot", CLUSTER]).output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let began = Instant::now();
    for file in ["/dev/zero", "huge.json"] {
        for args in [
            ["show", file].as_slice(),
            &["verify", file],
            &["apply", file, "--sandbox", "s"],
            &["sandbox", "create", "t", "--snapshot", CLUSTER, "--faults", file],
            &["plan", "-f", "policy.yaml", "--sandbox", "s", "--out", "huge.json"],
        ] {
            let output = program(here, args).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
            let told = said(&output);
            assert!(told.contains("it holds more than ") || told.contains("is no saved plan"), "{args:?}: {told}");
        }
    }
    assert!(began.elapsed() < Duration::from_secs(120));
    Command::new("mkfifo").arg(here.join("pipe")).status().unwrap();
    let output = program(here, &["show", "pipe"]).output().unwrap();
    assert!(said(&output).contains("nobody has written to it for 10 seconds"), "{}", said(&output));
}

/// Where a folder cannot be written the next step is said.
#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_written_is_answered_with_another() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "policy.yaml", POLICY);
    write(here, "file", "");
    // Root writes everywhere but here.
    for out in ["/proc/plan.json", "file/plan.json"] {
        let output =
            program(here, &["plan", "-f", "policy.yaml", "--snapshot", CLUSTER, "--out", out]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(&format!("cannot write `{out}`")), "{}", said(&output));
    }
    let output = program(here, &["sandbox", "create", "file/s", "--snapshot", CLUSTER]).output().unwrap();
    assert!(said(&output).contains("a file stands where a folder is meant"), "{}", said(&output));
}
