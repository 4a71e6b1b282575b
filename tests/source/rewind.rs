//! A branch goes on; one that moved backwards is refused unless that is allowed.

use std::fs;

use crate::ground::{Ground, policy};

const MAIN: &str = "//policy.yaml?ref=main";

#[test]
fn a_branch_that_goes_on_is_read_however_far_it_went() {
    let ground = Ground::with_policy();
    let read = |expected: &str| assert_eq!(ground.read(&ground.address(MAIN), &[]), Ok(expected.to_owned()));
    read("first");
    ground.commit(&[("policy.yaml", &policy("second"))]);
    read("second");
    // A merge of what branched off before the last commit that was read.
    ground.git(&["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    ground.commit(&[("other.md", "x")]);
    ground.git(&["checkout", "--quiet", "main"]);
    ground.git(&["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    ground.commit(&[("policy.yaml", &policy("third"))]);
    read("third");
    let tree = ground.git(&["rev-parse", "HEAD^{tree}"]);
    let stream: String = (0..150)
        .map(|n| {
            format!(
                "commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata 1\nx{}\n",
                1_800_000_000 + n,
                if n == 0 { format!("\nfrom {}^0", ground.git(&["rev-parse", "HEAD"])) } else { String::new() }
            )
        })
        .collect();
    fs::write(ground.path("stream"), stream).unwrap();
    let done = ground
        .command("git")
        .args(["fast-import", "--quiet"])
        .stdin(fs::File::open(ground.path("stream")).unwrap())
        .status();
    assert!(done.unwrap().success());
    assert_eq!(ground.git(&["rev-parse", "main^{tree}"]), tree);
    read("third");
    let commit = ground.git(&["rev-parse", "main"]);
    let record = ground.path("home/.local/state/tidegate/git");
    let record = fs::read_dir(record).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_to_string(record).unwrap().contains(&commit));
}

#[test]
fn a_branch_that_moved_backwards_is_refused_unless_allowed() {
    for (what, rewrite) in [
        ("set back", vec!["reset", "--quiet", "--hard", "HEAD~1"]),
        ("amended", vec!["commit", "--quiet", "--amend", "--message", "Other words"]),
        ("replaced", vec!["checkout", "--quiet", "-B", "main", "unrelated"]),
    ] {
        let ground = Ground::with_policy();
        let older = ground.commit(&[("policy.yaml", &policy("second"))]);
        ground.git(&["checkout", "--quiet", "--orphan", "unrelated"]);
        ground.commit(&[("policy.yaml", &policy("other"))]);
        ground.git(&["checkout", "--quiet", "main"]);
        let newest = ground.commit(&[("policy.yaml", &policy("third"))]);
        let address = ground.address(MAIN);
        assert_eq!(ground.read(&address, &[]), Ok("third".to_owned()), "{what}");
        ground.git(&rewrite);
        for _ in 0..2 {
            let said = ground.read(&address, &[]).unwrap_err();
            assert!(said.contains("moved backwards") && said.contains(&newest[..12]), "{what}: {said}");
            assert!(said.contains("--allow-rewind"), "{what}: {said}");
        }
        // The record outlives the mirror, which anybody may throw away.
        fs::remove_dir_all(ground.path("home/.cache")).unwrap();
        assert!(ground.read(&address, &[]).unwrap_err().contains("moved backwards"), "{what}");
        // A commit that is named is what was asked for, and so is another branch.
        assert_eq!(ground.read(&ground.address(&format!("//policy.yaml?ref={older}")), &[]), Ok("second".to_owned()));
        let now = ground.read(&address, &["--allow-rewind"]).unwrap();
        assert_eq!(ground.read(&address, &[]), Ok(now), "{what}: once allowed it is where the branch is");
        // And back to what it was is backwards again, or forwards where it was only set back.
        ground.git(&["reset", "--quiet", "--hard", &newest]);
        assert_eq!(ground.read(&address, &[]).is_ok(), what == "set back", "{what}");
    }
}

#[test]
fn a_tag_that_was_moved_back_is_refused_too_and_a_damaged_record_is_said() {
    let ground = Ground::with_policy();
    ground.commit(&[("policy.yaml", &policy("second"))]);
    ground.git(&["tag", "--annotate", "--message", "x", "v1"]);
    let address = ground.address("//policy.yaml?ref=v1");
    assert_eq!(ground.read(&address, &[]), Ok("second".to_owned()));
    ground.git(&["tag", "--force", "--annotate", "--message", "y", "v1", "HEAD~1"]);
    assert!(ground.read(&address, &[]).unwrap_err().contains("moved backwards"));
    let record = fs::read_dir(ground.path("home/.local/state/tidegate/git")).unwrap().next().unwrap().unwrap().path();
    for damage in ["", "{}", "{\"repository\": \"x\"}", "{\"repository\": \"x\", \"commits\": {\"a\": \"--help\"}}"] {
        fs::write(&record, damage).unwrap();
        let said = ground.read(&address, &[]).unwrap_err();
        assert!(said.contains("is damaged") && said.contains(&record.display().to_string()), "{damage}: {said}");
    }
}
