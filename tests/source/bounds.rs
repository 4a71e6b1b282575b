//! Nothing that a repository or a host does takes more than its time.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::ground::{Ground, policy, program};

/// A host that takes the connection and never says a word, and an ssh that hangs: both end with the deadline.
#[test]
fn a_host_that_hangs_costs_the_deadline_and_no_more() {
    let mut ground = Ground::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://127.0.0.1:{}/p.git", listener.local_addr().unwrap().port());
    let pid = ground.path("pid");
    program(&ground.path("bin/ssh"), &format!("#!/bin/sh\necho $$ > {}\nexec sleep 600\n", pid.display()));
    ground.env =
        vec![("PATH".to_owned(), format!("{}:{}", ground.path("bin").display(), std::env::var("PATH").unwrap()))];
    for address in [silent.as_str(), "git@example.org:p.git"] {
        let start = Instant::now();
        let said = ground.read(address, &["--git-timeout", "1s"]).unwrap_err();
        assert!(said.contains("did not answer within 1 s (list the branches of)"), "{address}: {said}");
        assert!(start.elapsed() < Duration::from_secs(60), "{address}: {:?}", start.elapsed());
    }
    let pid = fs::read_to_string(pid).unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let until = Instant::now() + Duration::from_secs(30);
    while !(stat().is_empty() || stat().contains(") Z ")) {
        assert!(Instant::now() < until, "ssh lives on: {}", stat());
        std::thread::yield_now();
    }
    // A port at which nobody listens answers at once.
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let said = ground.read(&format!("https://127.0.0.1:{port}/p.git"), &[]).unwrap_err();
    assert!(said.contains("cannot be reached"), "{said}");
}

/// A file that no policy is: its size is known before it is unpacked, and neither git nor this program keeps it in memory.
#[test]
fn a_huge_file_is_refused_in_little_memory() {
    const SIZE: u64 = 1 << 30;
    let ground = Ground::with_policy();
    fs::File::create(ground.path("team/huge.yaml")).unwrap().set_len(SIZE).unwrap();
    ground.git(&["-c", "core.bigFileThreshold=1m", "-c", "core.compression=1", "add", "huge.yaml"]);
    ground.git(&["commit", "--quiet", "--message", "Add what is no policy"]);
    fs::remove_file(ground.path("team/huge.yaml")).unwrap();
    let address = ground.address("?ref=main");
    let script = format!("ulimit -v 600000; exec {} validate -f '{address}' --git-timeout 5m", crate::ground::PROGRAM);
    let output = ground.command("sh").args(["-c", &script]).output().unwrap();
    let said = crate::ground::text(&output.stderr);
    assert!(said.contains("`huge.yaml` has 1024 MiB, and a policy file may have 4"), "{said}");
    assert_eq!(
        ground.read(&ground.address("//policy.yaml?ref=main"), &[]),
        Ok("first".to_owned()),
        "the rest is there"
    );
}

/// Many folders that are one and the same (a tree is small however often it is named) end at a bound.
#[test]
fn a_tree_that_is_itself_many_times_over_ends_at_a_bound() {
    let ground = Ground::new();
    ground.commit(&[("p.yaml", &policy("x"))]);
    let mut tree = ground.git(&["rev-parse", "HEAD^{tree}"]);
    for _ in 0..12 {
        let lines: String = (0..20).map(|n| format!("040000 tree {tree}\td{n:02}\n")).collect();
        fs::write(ground.path("lines"), lines).unwrap();
        let mktree =
            ground.command("git").arg("mktree").stdin(fs::File::open(ground.path("lines")).unwrap()).output().unwrap();
        tree = crate::ground::text(&mktree.stdout).trim().to_owned();
    }
    let commit = ground.git(&["commit-tree", "-m", "Many", &tree]);
    ground.git(&["branch", "many", &commit]);
    let start = Instant::now();
    let said = ground.read(&ground.address("?ref=many"), &[]).unwrap_err();
    assert!(said.contains("more files than a policy may have"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(60));
}

/// Without a home there is no place for the mirror, and that is what is said.
#[test]
fn without_a_home_or_a_git_the_next_step_is_said() {
    let ground = Ground::with_policy();
    let run = |key: &str, value: &str| {
        let mut command = ground.command(crate::ground::PROGRAM);
        command.args(["validate", "-f", &ground.address("?ref=main")]).env(key, value);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        crate::ground::text(&output.stderr)
    };
    let said = run("HOME", "");
    assert!(said.contains("neither `XDG_CACHE_HOME` nor `HOME` is set"), "{said}");
    let said = run("PATH", "/nonexistent");
    assert!(said.contains("`git` is not installed"), "{said}");
    let said = run("HOME", "/dev/null");
    assert!(said.contains("cannot make `/dev/null/.cache/tidegate/git`") && said.contains("XDG_CACHE_HOME"), "{said}");
}
