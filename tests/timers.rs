//! The lines that `schedule` prints for timers are commands that work.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

const WORKSHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop");

fn tidegate(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate")).args(args).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A folder whose name needs quotes, with the workshop's policy and a sandbox of its cluster.
fn workshop() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("our $HOME `x` 5%");
    std::fs::create_dir(&here).unwrap();
    std::fs::copy(Path::new(WORKSHOP).join("policy.yaml"), here.join("policy.yaml")).unwrap();
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let made = tidegate(&here, &["sandbox", "create", "box", "--snapshot", &cluster]);
    assert!(made.status.success(), "{}", said(&made));
    (folder, here)
}

const SCHEDULE: [&str; 5] = ["schedule", "-f", "policy.yaml", "--from", "2026-11-01"];

#[test]
fn a_crontab_line_runs_from_anywhere() {
    let (_kept, here) = workshop();
    let lines = tidegate(&here, &[SCHEDULE.as_slice(), &["--sandbox", "box", "--format", "crontab"]].concat());
    let lines = said(&lines);
    assert!(!lines.contains("Replace"), "{lines}");
    let job = lines.lines().find(|line| !line.starts_with('#') && !line.starts_with("CRON_TZ")).unwrap();
    let (_, command) = job.split_once("  ").unwrap();
    // As cron does: a per cent sign with a backslash is one, and the rest is the shell's.
    let command = command.replace("\\%", "%");
    let output = Command::new("/bin/sh").arg("-c").arg(&command).current_dir("/").env_clear().output().unwrap();
    // One person of the workshop is waited for.
    assert_eq!(output.status.code(), Some(6), "{command}: {}", said(&output));
}

#[test]
fn without_a_sandbox_the_line_says_what_to_replace() {
    let (_kept, here) = workshop();
    for format in ["crontab", "systemd"] {
        let text = said(&tidegate(&here, &[SCHEDULE.as_slice(), &["--format", format]].concat()));
        assert!(text.starts_with("# Replace /path/to/sandbox by the folder of the sandbox"), "{text}");
        assert!(text.contains(" --sandbox /path/to/sandbox --yes --no-wait"), "{text}");
    }
}
