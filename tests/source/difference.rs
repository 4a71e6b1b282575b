//! What `diff` says of two commits: the steps, the spans, the hours and the money that really differ, and nothing else.

use serde_json::Value;

use crate::ground::{Ground, WORKSHOP, text};

const NOW: &str = "2026-11-10T16:30";

/// A repository whose `pools/policy.yaml` is the workshop's, then the same with `edits`.
fn edited(edits: &[(&str, &str)]) -> Ground {
    let ground = Ground::new();
    let before = std::fs::read_to_string(format!("{WORKSHOP}/policy.yaml")).unwrap();
    ground.commit(&[("pools/policy.yaml", &before)]);
    let mut after = before;
    for (from, to) in edits {
        assert!(after.contains(from), "{from}");
        after = after.replace(from, to);
    }
    ground.commit(&[("pools/policy.yaml", &after)]);
    ground
}

fn diff(ground: &Ground, args: &[&str]) -> (i32, String, String) {
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let rest = ["--snapshot", &cluster, "--now", NOW];
    let output = ground.tidegate(&[&["diff"], args, &rest].concat());
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn json(ground: &Ground, args: &[&str]) -> Value {
    let (code, out, err) = diff(ground, &[args, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn plan(ground: &Ground, address: &str) -> Value {
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let args = ["plan", "-f", address, "--snapshot", &cluster, "--now", NOW, "--format", "json"];
    serde_json::from_str(&text(&ground.tidegate(&args).stdout)).unwrap()
}

/// The workshop's pool keeps three more from the Tuesday's window on, and one more all week.
#[test]
fn a_change_is_told_by_what_it_does() {
    let ground = edited(&[("min: 1\n", "min: 2\n")]);
    let difference = json(&ground, &["HEAD~1", "HEAD", "-f", "pools"]);
    // One node more stays now.
    let nodes = difference["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 1, "{nodes:#?}");
    assert_eq!(nodes[0]["old"]["verbs"], serde_json::json!(["cordon", "drain", "park"]));
    assert_eq!(nodes[0]["new"]["verbs"], serde_json::json!([]));
    assert_eq!(nodes[0]["new"]["reason"], "needed: the floor is 2");
    // Whenever the calendar wants fewer than two.
    let spans = difference["spans"].as_array().unwrap();
    assert!(!spans.is_empty());
    for span in spans {
        assert_eq!((span["old"]["floor"].as_u64(), span["new"]["floor"].as_u64()), (Some(1), Some(2)), "{span}");
        assert!(span["from"].as_str() < span["until"].as_str(), "{span}");
    }
    let seconds = |side: &str| difference[side]["nodeSeconds"].as_u64().unwrap();
    let spanned: i64 = spans
        .iter()
        .map(|span| {
            let at = |which: &str| span[which].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            let more = span["new"]["active"].as_i64().unwrap() - span["old"]["active"].as_i64().unwrap();
            at("until").duration_since(at("from")).as_secs() * more
        })
        .sum();
    assert_eq!(i64::try_from(seconds("new") - seconds("old")).unwrap(), spanned);
    assert!(spanned > 6 * 24 * 3600, "{spanned}");
    // Money is what the plans of the two say.
    for (side, reference) in [("old", "HEAD~1"), ("new", "HEAD")] {
        let commit = ground.git(&["rev-parse", reference]);
        let cost = plan(&ground, &ground.address(&format!("//pools?ref={commit}")))["cost"]["weekMicros"].clone();
        assert_eq!(difference[side]["costMicros"], cost, "{side}");
        assert_eq!(difference[side]["policy"]["revisions"][0]["commit"], commit.as_str());
    }
}

#[test]
fn what_does_the_same_is_said_to() {
    let ground = edited(&[("kind: CapacityPolicy", "kind: CapacityPolicy # capacity")]);
    for args in [["HEAD", "HEAD"], ["HEAD~1", "HEAD"]] {
        let (code, out, err) = diff(&ground, &[&args[..], &["-f", "pools", "--detailed-exitcode"]].concat());
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.starts_with("the two policies do the same to this cluster"), "{out}");
    }
    // The files as they are, with a change that nobody has committed.
    let (code, ..) = diff(&ground, &["HEAD", "-f", "pools/policy.yaml", "--detailed-exitcode"]);
    assert_eq!(code, 0);
    let now = std::fs::read_to_string(ground.path("team/pools/policy.yaml")).unwrap();
    ground.write("pools/policy.yaml", &now.replace("min: 1", "min: 3"));
    let (code, out, _) = diff(&ground, &["HEAD", "-f", "pools/policy.yaml", "--detailed-exitcode"]);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("floor 1 → 3") && out.contains("node-hours"), "{out}");
}

/// A pool that comes, a longer horizon, and a comment on a pull request.
#[test]
fn a_new_pool_and_a_longer_horizon() {
    let ground = edited(&[]);
    let policy = std::fs::read_to_string(ground.path("team/pools/policy.yaml")).unwrap();
    ground.commit(&[("pools/policy.yaml", &policy)]);
    let week = json(&ground, &["HEAD", "HEAD", "-f", "pools"]);
    let month = json(&ground, &["HEAD", "HEAD", "-f", "pools", "--horizon", "28d"]);
    assert!(month["new"]["nodeSeconds"].as_u64() > week["new"]["nodeSeconds"].as_u64().map(|week| week * 3));
    let more = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nspec:\n  pools:\n    - {name: extra, nodes: {names: [extra-1]}, min: 0, max: 1}\n";
    ground.commit(&[("pools/more.yaml", more)]);
    let (code, out, err) = diff(&ground, &["HEAD~1", "HEAD", "-f", "pools", "--format", "markdown"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("<!-- tidegate diff of "), "{out}");
    assert!(out.contains("extra, now to the end: no such pool → active 0"), "{out}");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let ground = edited(&[("min: 1\n", "min: 2\n")]);
    let outside = ground.path("outside.yaml");
    std::fs::write(&outside, "x: 1\n").unwrap();
    for (args, said) in [
        (vec!["nowhere", "-f", "pools"], "has no branch or tag `nowhere`"),
        (vec!["HEAD", "-f", outside.to_str().unwrap()], "stands in no git repository"),
        (vec!["HEAD", "-f", "gone"], "there is no `gone`"),
        (vec!["HEAD", "HEAD", "-f", "pools", "--horizon", "0s"], "`--horizon` is not ahead"),
        (vec!["main", "no such", "-f", &ground.address("//pools")], "cannot be the name of a branch or a tag"),
    ] {
        let (code, out, err) = diff(&ground, &args);
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}: {err}");
        assert!(err.contains(said) && err.contains("hint:"), "{args:?}: {err}");
    }
    // An address at two branches.
    ground.git(&["branch", "before", "HEAD~1"]);
    let address = ground.address("//pools");
    let difference = json(&ground, &["before", "main", "-f", &address]);
    assert_eq!(difference["nodes"].as_array().unwrap().len(), 1);
    // A file that is gone since is compared all the same.
    ground.git(&["rm", "--quiet", "-r", "pools"]);
    ground.commit(&[("other/policy.yaml", "x: 1\n")]);
    assert_eq!(json(&ground, &["HEAD~2", "HEAD~1", "-f", "pools"])["nodes"].as_array().unwrap().len(), 1);
}
