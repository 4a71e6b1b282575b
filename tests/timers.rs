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

/// `lead: auto` is one number for timers and plans: a run at the printed moment wakes, before and after wakes were measured.
#[test]
fn a_printed_run_wakes_where_the_lead_is_auto() {
    let (_kept, here) = workshop();
    let policy = std::fs::read_to_string(here.join("policy.yaml")).unwrap();
    let auto = policy.replace("lead: 15m", "lead: auto");
    assert_ne!(auto, policy);
    std::fs::write(here.join("policy.yaml"), auto).unwrap();
    let apply = ["apply", "-f", "policy.yaml", "--sandbox", "box", "--yes", "--no-wait"];
    let parked = tidegate(&here, &apply);
    assert_eq!(parked.status.code(), Some(6), "one person is waited for: {}", said(&parked));
    for opens in ["2026-11-17T19:50:00Z", "2026-12-01T19:50:00Z"] {
        let crontab =
            said(&tidegate(&here, &[SCHEDULE.as_slice(), &["--sandbox", "box", "--format", "crontab"]].concat()));
        assert!(crontab.lines().any(|line| line.starts_with("50 12 * * ")), "{crontab}");
        let shown = tidegate(&here, &["sandbox", "show", "box", "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        let now: jiff::Timestamp = shown["taken"].as_str().unwrap().parse().unwrap();
        let opens: jiff::Timestamp = opens.parse().unwrap();
        let advance = |by: i64| tidegate(&here, &["sandbox", "advance", &format!("{by}s"), "box"]);
        let wakes =
            || said(&tidegate(&here, &["plan", "-f", "policy.yaml", "--sandbox", "box"])).contains(" to wake (");
        assert!(advance(opens.duration_since(now).as_secs() - 1).status.success());
        assert!(!wakes(), "a second before");
        assert!(advance(1).status.success());
        assert!(wakes(), "at {opens}");
        assert!(tidegate(&here, &apply).status.success());
        // Back to one node, so that the next workshop wakes them again.
        assert!(advance(4 * 3600).status.success());
        tidegate(&here, &apply);
    }
}

/// Two runs in one minute would meet at the lock, and cron mails whatever is printed.
#[test]
fn the_lines_do_not_meet_and_say_nothing_where_nothing_is_done() {
    let (_kept, here) = workshop();
    let lines = said(&tidegate(&here, &[SCHEDULE.as_slice(), &["--sandbox", "box", "--format", "crontab"]].concat()));
    let jobs: Vec<&str> = lines.lines().filter(|line| line.contains(" apply ")).collect();
    let (regular, windows) = jobs.split_last().unwrap();
    let (first, rest) = regular.split_once("-59/15 * * * *  ").unwrap();
    let first: u32 = first.parse().unwrap();
    for window in windows {
        let minute: u32 = window.split(' ').next().unwrap().parse().unwrap();
        assert_ne!(minute % 15, first, "{lines}");
    }
    assert!(!windows.is_empty() && jobs.iter().all(|job| job.ends_with(" --quiet --lock-timeout 10m")), "{lines}");
    let run = || Command::new("/bin/sh").arg("-c").arg(rest.replace("\\%", "%")).current_dir("/").output().unwrap();
    let busy = run();
    assert_eq!(busy.status.code(), Some(6), "{}", said(&busy));
    assert!(said(&busy).contains("park/"), "what is done is said: {}", said(&busy));
    assert!(tidegate(&here, &["sandbox", "advance", "3h", "box"]).status.success());
    assert_eq!(run().status.code(), Some(0), "nobody is waited for any more");
    let idle = run();
    assert_eq!((idle.status.code(), said(&idle)), (Some(0), String::new()));
    let json = tidegate(&here, &["apply", "-f", "policy.yaml", "--sandbox", "box", "--quiet", "--format", "json"]);
    assert_eq!((json.status.code(), said(&json)), (Some(0), String::new()));
}

/// To wait for pods is no failure that is to be tried again after five minutes.
#[test]
fn systemd_takes_waiting_for_success() {
    let (_kept, here) = workshop();
    let unit = said(&tidegate(&here, &[SCHEDULE.as_slice(), &["--sandbox", "box", "--format", "systemd"]].concat()));
    assert!(unit.contains("\nSuccessExitStatus=6\n"), "{unit}");
}

/// A cluster that was named is not exchanged for a placeholder.
#[test]
fn a_kubeconfig_without_a_context_is_asked_for_it() {
    let (_kept, here) = workshop();
    for format in ["crontab", "systemd"] {
        let args = [SCHEDULE.as_slice(), &["--format", format, "--kubeconfig", "/etc/kc"]].concat();
        let (bare, named) = (tidegate(&here, &args), tidegate(&here, &[&args[..], &["--context", "prod"]].concat()));
        assert_eq!(bare.status.code(), Some(1));
        assert!(said(&bare).contains("`kubectl config current-context --kubeconfig /etc/kc`"), "{}", said(&bare));
        assert!(said(&named).contains(" --context prod --kubeconfig /etc/kc --yes"), "{}", said(&named));
    }
}
