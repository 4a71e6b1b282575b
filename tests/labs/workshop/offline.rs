//! A snapshot of both labs planned offline gives the bytes of the live plan.

use std::time::Duration;

use serde_json::{Value, json};

use super::both::{Both, workers};
use super::load::{only_on, template, workload};

#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn a_snapshot_is_planned_offline_as_the_labs_are() {
    let both = Both::open();
    let nodes = &workers()[..3];
    only_on(
        &nodes[0],
        &[workload("Deployment", "apps", "web", 2, &template("web", "1s", "1s"))],
        &[("web".to_owned(), 2)].into(),
    );
    both.apply(&both.policy(1, &nodes[2..], ""), &[]).with(0);
    let policy = both.policy(2, nodes, "");
    let file = both.file("labs.json.gz");
    let file = file.to_str().unwrap();
    let short = Duration::from_secs(60);
    let wrote = both.run(&["snapshot", "-f", &policy, "--out", file], short).with(0);
    assert!(wrote.said("11 servers") && !wrote.said("not complete"), "{}", wrote.err);
    let saved = ["live.plan", "offline.plan"].map(|name| both.file(name).to_str().unwrap().to_owned());
    let live = both.run(&["plan", "-f", &policy, "--format", "json", "--out", &saved[0]], short).with(0);
    let plan: Value = serde_json::from_str(&live.out).unwrap();
    assert!(!plan["steps"].as_array().unwrap().is_empty(), "{}", live.out);
    let now = plan["now"].as_str().unwrap().to_owned();
    let mut offline = std::process::Command::new(env!("CARGO_BIN_EXE_tidegate"));
    offline.args(["plan", "-f", &policy, "--format", "json", "--snapshot", file, "--now", &now, "--out", &saved[1]]);
    let offline = both.begin(offline).end(short).with(0);
    // The two looks were at two moments, one of them through a file: when, and so the digest of all that was seen and the
    // checksum over both.
    let of_another_moment = |text: &str| -> String {
        let mut plan: Value = serde_json::from_str(text).unwrap();
        for field in ["taken", "digest"] {
            assert!(plan["snapshot"][field].is_string(), "{}", plan["snapshot"]);
            plan["snapshot"][field] = json!(null);
        }
        plan["snapshot"].as_object_mut().unwrap().remove("files");
        assert!(plan["checksum"].take().is_string());
        serde_json::to_string_pretty(&plan).unwrap()
    };
    assert_eq!(of_another_moment(&offline.out), of_another_moment(&live.out));
    // And as people read it.
    let [live, offline] = saved.map(|plan| {
        let mut show = std::process::Command::new(env!("CARGO_BIN_EXE_tidegate"));
        show.args(["show", &plan]);
        let shown = both.begin(show).end(short).with(0);
        let cluster = shown.out.lines().find(|line| line.starts_with("Cluster")).unwrap().to_owned();
        let (same, _) = cluster.split_once(", seen ").unwrap();
        shown.out.replace(&cluster, same)
    });
    assert_eq!(offline, live);
    both.apply(&both.policy(4, nodes, ""), &[]).with(0);
}
