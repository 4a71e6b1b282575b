//! Saved plans, through the program itself: carried out only if the plan made now is the same one, and what changed is
//! said; checked against the policy and the snapshot that they name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "plan/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use fixture::{Cluster, merge};
use serde_json::{Value, json};

const POLICY: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: test}\nspec:\n  \
                      pools:\n    - {name: workers, nodes: {names: \"worker-{1..4}\"}, keep: [worker-1], min: 1}\n";

fn tidegate(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate")).args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write_cluster(folder: &Path, name: &str, cluster: &Cluster) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": cluster.whole()});
    fs::write(folder.join(name), list.to_string()).unwrap();
}

/// Four workers, of which three go, with two replicas on the way.
fn workers() -> Cluster {
    let mut cluster = Cluster::workers(4);
    cluster.pod("web-1", "worker-4", "web", "100m");
    cluster.pod("web-2", "worker-3", "web", "100m");
    cluster
}

/// A folder with a policy, a cluster, its sandbox, and a plan made from that.
fn planned() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    write_cluster(folder.path(), "before.json", &workers());
    for args in [
        ["sandbox", "create", "before", "--snapshot", "before.json"].as_slice(),
        &["plan", "-f", "policy.yaml", "--sandbox", "before", "--out", "plan.json"],
    ] {
        let output = tidegate(folder.path(), args);
        assert_eq!(code(&output), 0, "{}", said(&output));
    }
    folder
}

fn edit_plan(folder: &Path, edit: impl Fn(&mut Value)) {
    let file = folder.join("plan.json");
    let mut plan: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    edit(&mut plan);
    fs::write(file, plan.to_string()).unwrap();
}

fn item<'a>(cluster: &'a mut Cluster, kind: &str, name: &str) -> &'a mut Value {
    let mut items = cluster.items.iter_mut();
    items.find(|item| item["kind"] == kind && item["metadata"]["name"] == name).unwrap()
}

/// Carries the plan out on a sandbox of a cluster that is another one than the plan was made from.
fn apply_to(folder: &Path, change: impl Fn(&mut Cluster), more: &[&str]) -> Output {
    let mut cluster = workers();
    change(&mut cluster);
    write_cluster(folder, "after.json", &cluster);
    let made = tidegate(folder, &["sandbox", "create", "after", "--snapshot", "after.json"]);
    assert_eq!(code(&made), 0, "{}", said(&made));
    let shown = said(&tidegate(folder, &["sandbox", "show", "after"]));
    let output = tidegate(folder, &[&["apply", "plan.json", "--sandbox", "after"], more].concat());
    let same = said(&tidegate(folder, &["sandbox", "show", "after"])) == shown;
    assert_eq!(same, code(&output) != 0, "only what is done changes anything: {}", said(&output));
    output
}

#[test]
fn a_plan_is_carried_out_where_nothing_that_it_rests_on_changed() {
    let nothing: fn(&mut Cluster) = |_| {};
    let elsewhere: fn(&mut Cluster) = |cluster| {
        cluster.pod("new", "worker-1", "new", "100m");
    };
    // What goes with its node either way may come and go.
    let over: fn(&mut Cluster) = |cluster| {
        cluster.pod("over", "worker-4", "over", "100m")["status"]["phase"] = json!("Succeeded");
    };
    for change in [nothing, elsewhere, over] {
        let folder = planned();
        fs::write(folder.path().join("policy.yaml"), format!("# A comment more\n{POLICY}")).unwrap();
        let output = apply_to(folder.path(), change, &[]);
        assert_eq!(code(&output), 0, "{}", said(&output));
    }
}

#[test]
fn a_plan_is_stale_where_the_cluster_is_another_and_says_what_changed() {
    type Change = fn(&mut Cluster);
    let cases: [(&str, Change); 8] = [
        ("drain/worker-4: default/more is there now and would be evicted", |cluster| {
            cluster.pod("more", "worker-4", "more", "100m");
        }),
        ("drain/worker-4: default/web-1 is not there any more", |cluster| {
            cluster.items.retain(|item| item["metadata"]["name"] != "web-1");
        }),
        ("worker-4: no cordon, drain, park any more: default/bare has no controller", |cluster| {
            cluster.pod("bare", "worker-4", "", "100m");
        }),
        ("worker-4: no cordon, drain, park any more: there is no such node any more", |cluster| {
            cluster.items.retain(|item| item["metadata"]["name"] != "worker-4");
        }),
        ("worker-4: no cordon, drain, park any more: another node has that name now", |cluster| {
            item(cluster, "Node", "worker-4")["metadata"]["uid"] = json!("uid-other");
            cluster.pod("bare", "worker-4", "", "100m");
        }),
        ("worker-4: no cordon, drain, park any more: server id-worker-4 is SHUTOFF, not ACTIVE", |cluster| {
            item(cluster, "Server", "worker-4")["status"]["state"] = json!("SHUTOFF");
        }),
        ("worker-4: no cordon, drain, park any more: somebody else cordoned it", |cluster| {
            merge(item(cluster, "Node", "worker-4"), json!({"spec": {"unschedulable": true}}));
        }),
        ("the plan is for cluster c-1, this is c-2", |cluster| {
            item(cluster, "Snapshot", "test")["clusterUID"] = json!("c-2");
        }),
    ];
    for (words, change) in cases {
        let folder = planned();
        let output = apply_to(folder.path(), change, &[]);
        assert_eq!(code(&output), 4, "{words}: {}", said(&output));
        let said = said(&output);
        assert!(said.contains("the plan is stale") && said.contains(words), "{words}:\n{said}");
        assert!(said.contains("hint: make the plan again"), "{said}");
    }
}

/// Less than was approved is carried out with `--within`; anything more is refused and named.
#[test]
fn within_what_was_approved_the_plan_made_now_is_carried_out() {
    type Change = fn(&mut Cluster);
    let less: [(&str, Change); 3] = [
        ("its 9 steps are those that were approved", |cluster| {
            cluster.items.retain(|item| item["kind"] != "Pod");
        }),
        ("3 of its 9 steps", |cluster| {
            cluster.pod("bare", "worker-4", "", "100m");
        }),
        ("3 of its 9 steps", |cluster| {
            cluster.items.retain(|item| item["metadata"]["name"] != "worker-4" && item["kind"] != "Pod");
        }),
    ];
    for (words, change) in less {
        let folder = planned();
        let stale = apply_to(folder.path(), change, &[]);
        assert_eq!(code(&stale), 4, "{words}: {}", said(&stale));
        fs::remove_dir_all(folder.path().join("after")).unwrap();
        let output = apply_to(folder.path(), change, &["--within"]);
        assert_eq!(code(&output), 0, "{words}: {}", said(&output));
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
    let more: [(&str, Change); 5] = [
        ("default/web would have no Ready pod while default/web-2 moves", |cluster| {
            cluster.items.retain(|item| item["metadata"]["name"] != "web-1");
        }),
        ("drain/worker-4: default/more would be evicted", |cluster| {
            cluster.pod("more", "worker-4", "more", "100m");
        }),
        ("drain/worker-4: default/web-1 would be evicted", |cluster| {
            item(cluster, "Pod", "web-1")["metadata"]["uid"] = json!("another");
        }),
        ("cordon/worker-4: another node has that name now", |cluster| {
            item(cluster, "Node", "worker-4")["metadata"]["uid"] = json!("uid-other");
        }),
        ("the plan is for cluster c-1, this is c-2", |cluster| {
            item(cluster, "Snapshot", "test")["clusterUID"] = json!("c-2");
        }),
    ];
    for (words, change) in more {
        let folder = planned();
        let output = apply_to(folder.path(), change, &["--within"]);
        let said = said(&output);
        assert_eq!(code(&output), 4, "{words}: {said}");
        assert!(said.contains("does more than was approved") && said.contains(words), "{words}: {said}");
        assert!(said.contains("hint: make the plan again"), "{said}");
    }
    // One that was edited was approved by nobody.
    let folder = planned();
    edit_plan(folder.path(), |plan| plan["steps"].as_array_mut().unwrap().truncate(6));
    let output = apply_to(folder.path(), |_| {}, &["--within"]);
    assert_eq!(code(&output), 4, "{}", said(&output));
    assert!(said(&output).contains("the plan is stale"), "{}", said(&output));
}

/// A node that was not to go when the plan was approved, and is to go now, is new and named.
#[test]
fn within_names_the_steps_that_are_new() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let mut held = workers();
    held.pod("bare", "worker-4", "", "100m");
    write_cluster(folder.path(), "before.json", &held);
    for args in [
        ["sandbox", "create", "before", "--snapshot", "before.json"].as_slice(),
        &["plan", "-f", "policy.yaml", "--sandbox", "before", "--out", "plan.json"],
    ] {
        let output = tidegate(folder.path(), args);
        assert_eq!(code(&output), 0, "{}", said(&output));
    }
    let output = apply_to(folder.path(), |_| {}, &["--within"]);
    assert_eq!(code(&output), 4, "{}", said(&output));
    assert!(said(&output).contains("worker-4: cordon, drain, park is new: "), "{}", said(&output));
}

#[test]
fn a_plan_is_stale_where_its_policy_asks_for_something_else() {
    let folder = planned();
    let other = POLICY.replace("min: 1", "min: 2");
    fs::write(folder.path().join("policy.yaml"), &other).unwrap();
    let own = apply_to(folder.path(), |_| {}, &[]);
    assert_eq!(code(&own), 4, "{}", said(&own));
    assert!(said(&own).contains("stale: `policy.yaml` has changed since it was made"), "{}", said(&own));
    let folder = planned();
    fs::write(folder.path().join("other.yaml"), &other).unwrap();
    let named = apply_to(folder.path(), |_| {}, &["-f", "other.yaml"]);
    assert_eq!(code(&named), 4, "{}", said(&named));
    assert!(said(&named).contains("the policy `test` is another one than when the plan was made"), "{}", said(&named));
    assert!(said(&named).contains("worker-3: no cordon, drain, park any more: needed"), "{}", said(&named));
}

#[test]
fn what_is_no_plan_to_carry_out_is_told_apart() {
    type Edit = fn(&Path);
    let cases: [(&str, i32, Edit); 7] = [
        ("has format 2.0, and this version reads 1.0", 1, |folder| {
            edit_plan(folder, |plan| plan["formatVersion"] = json!("2.0"));
        }),
        ("`plan.json` is not a plan: EOF while parsing", 1, |folder| {
            let whole = fs::read(folder.join("plan.json")).unwrap();
            fs::write(folder.join("plan.json"), &whole[..whole.len() / 2]).unwrap();
        }),
        ("`plan.json` is not a plan: it has no `formatVersion`", 1, |folder| {
            fs::copy(folder.join("before.json"), folder.join("plan.json")).unwrap();
        }),
        ("`plan.json` is not a plan: expected value", 1, |folder| {
            fs::write(folder.join("plan.json"), "spec: {}").unwrap();
        }),
        ("`plan.json` is not a plan: unknown field `stepz`", 1, |folder| {
            edit_plan(folder, |plan| plan["stepz"] = json!([]));
        }),
        ("cannot read the plan `plan.json`", 1, |folder| fs::remove_file(folder.join("plan.json")).unwrap()),
        (
            "the plan says that it is not to be carried out (the provider was not asked), one made now may be",
            4,
            |folder| {
                edit_plan(folder, |plan| {
                    plan["applyable"] = json!(false);
                    plan["caveats"] = json!(["the provider was not asked"]);
                });
            },
        ),
    ];
    for (words, expected, edit) in cases {
        let folder = planned();
        edit(folder.path());
        let output = apply_to(folder.path(), |_| {}, &[]);
        assert_eq!(code(&output), expected, "{words}: {}", said(&output));
        assert!(said(&output).contains(words), "{words}:\n{}", said(&output));
        assert!(said(&output).contains("hint: "), "{}", said(&output));
    }
}

#[test]
fn a_plan_is_checked_against_what_it_names() {
    let folder = planned();
    let verify = |args: &[&str]| tidegate(folder.path(), &[&["verify", "plan.json"], args].concat());
    for args in [[].as_slice(), &["-f", "policy.yaml"], &["--sandbox", "before"]] {
        let output = verify(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", said(&output));
        assert!(said(&output).contains("Safe by simulation after every prefix of its 9 steps"), "{}", said(&output));
    }
    let plan = ["plan", "-f", "policy.yaml", "--snapshot", "before.json", "--now", "2026-11-22T19:00:00Z"];
    let made = tidegate(folder.path(), &[plan.as_slice(), &["--out", "plan.json"]].concat());
    assert_eq!(code(&made), 0, "{}", said(&made));
    assert_eq!(code(&verify(&[])), 0, "{}", said(&verify(&[])));
    write_cluster(folder.path(), "before.json", &Cluster::workers(4));
    let other = verify(&[]);
    assert_eq!(code(&other), 4, "{}", said(&other));
    assert!(said(&other).starts_with("The world is another one than the plan was made from:"), "{}", said(&other));
    assert!(!said(&other).contains("(pods)"), "nothing is measured by the wrong world: {}", said(&other));
    let json = verify(&["--format", "json"]);
    assert_eq!(code(&json), 4);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["violations"].as_array().unwrap().iter().any(|found| found["rule"] == "snapshot"), "{json}");
    fs::remove_file(folder.path().join("before.json")).unwrap();
    let gone = verify(&[]);
    assert_eq!(code(&gone), 1, "{}", said(&gone));
    assert!(said(&gone).contains("the plan was made from `before.json`; `--snapshot FILE`"), "{}", said(&gone));
    edit_plan(folder.path(), |plan| drop(plan["snapshot"].as_object_mut().unwrap().remove("files")));
    let unnamed = verify(&[]);
    assert_eq!(code(&unnamed), 1);
    assert!(said(&unnamed).contains("the plan does not say which snapshot it was made from"), "{}", said(&unnamed));
    fs::write(folder.path().join("policy.yaml"), POLICY.replace("min: 1", "min: 2")).unwrap();
    assert_eq!(code(&verify(&[])), 4);
    fs::remove_file(folder.path().join("policy.yaml")).unwrap();
    let gone = verify(&[]);
    assert_eq!(code(&gone), 1);
    assert!(said(&gone).contains("`policy.yaml`, which the plan was made from, is not there"), "{}", said(&gone));
    assert!(said(&gone).contains("`-f PATH`"), "{}", said(&gone));
    edit_plan(folder.path(), |plan| plan["policy"]["files"][0]["path"] = json!("<stdin>"));
    assert_eq!(code(&verify(&[])), 1);
    let nothing = tidegate(folder.path(), &["apply", "--sandbox", "before"]);
    assert_eq!(code(&nothing), 1);
    assert!(said(&nothing).contains("--file <PATH>"), "{}", said(&nothing));
}

#[test]
fn what_is_wrong_with_a_plan_is_there_for_people_and_for_scripts() {
    let folder = planned();
    edit_plan(folder.path(), |plan| {
        let steps = plan["steps"].as_array_mut().unwrap();
        steps.iter_mut().find(|step| step["id"] == "drain/worker-4").unwrap()["pods"] = json!([]);
    });
    let text = tidegate(folder.path(), &["verify", "plan.json"]);
    assert_eq!(code(&text), 3, "{}", said(&text));
    assert!(said(&text).contains("drain/worker-4: default/web-1 is on the node and not in the plan (pods)"));
    assert!(said(&text).contains("error: 5 violations in `plan.json`: it is not to be carried out"), "{}", said(&text));
    let json = tidegate(folder.path(), &["verify", "plan.json", "--format", "json"]);
    assert_eq!(code(&json), 3, "{}", said(&json));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["safe"], &json["applyable"], &json["steps"]), (&json!(false), &json!(true), &json!(9)));
    let rules: Vec<&Value> = json["violations"].as_array().unwrap().iter().map(|found| &found["rule"]).collect();
    assert_eq!(rules, ["pods", "edited", "round", "summary", "summary"]);
    assert_eq!(json["violations"][0]["subject"], "drain/worker-4");
}

/// Same inputs in any order, same bytes: of the plan, of what is saved, of its checksum.
#[test]
fn the_order_in_which_files_are_named_means_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let rule = |pods: &str, action: &str| {
        format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nspec:\n  drain:\n    pods:\n      \
             - {{match: {{{pods}}}, action: {action}}}\n"
        )
    };
    fs::write(at.join("policy.yaml"), POLICY).unwrap();
    fs::write(at.join("block.yaml"), rule("labels: {app: web}", "block")).unwrap();
    fs::write(at.join("evict.yaml"), rule("namespaces: [default]", "evict")).unwrap();
    let items = workers().whole();
    let (nodes, rest): (Vec<Value>, Vec<Value>) = items.into_iter().partition(|item| item["kind"] == "Node");
    for (name, items) in [("nodes.json", nodes), ("rest.json", rest)] {
        fs::write(at.join(name), json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()).unwrap();
    }
    let made = |policies: [&str; 3], snapshots: [&str; 2]| {
        let mut args = vec!["plan", "--format", "json", "--now", "2026-11-22T19:00:00Z", "--out", "plan.json"];
        policies.iter().for_each(|file| args.extend(["-f", file]));
        snapshots.iter().for_each(|file| args.extend(["--snapshot", file]));
        let output = tidegate(at, &args);
        assert_eq!(code(&output), 0, "{}", said(&output));
        (said(&output), fs::read_to_string(at.join("plan.json")).unwrap())
    };
    let first = made(["policy.yaml", "block.yaml", "evict.yaml"], ["nodes.json", "rest.json"]);
    assert!(first.1.contains("\"evict.yaml\"") && first.1.contains("nodes.json"), "{}", first.1);
    assert!(first.0.contains("files count in the order of their names"), "{}", first.0);
    for policies in [["evict.yaml", "block.yaml", "policy.yaml"], ["block.yaml", "policy.yaml", "evict.yaml"]] {
        assert_eq!(made(policies, ["rest.json", "nodes.json"]), first, "{policies:?}");
    }
}

/// A good plan of a sandbox is not said to be a bad one when somebody has worked with that sandbox since.
#[test]
fn verify_tells_another_world_from_a_bad_plan() {
    let folder = planned();
    let applied = tidegate(folder.path(), &["apply", "plan.json", "--sandbox", "before"]);
    assert_eq!(code(&applied), 0, "{}", said(&applied));
    let output = tidegate(folder.path(), &["verify", "plan.json"]);
    assert_eq!(code(&output), 4, "{}", said(&output));
    let said = said(&output);
    assert!(said.starts_with("The world is another one than the plan was made from:"), "{said}");
    assert!(said.contains("`plan.json` was made from another world: it cannot be judged"), "{said}");
    assert!(said.contains("hint: a plan of a sandbox can be checked until somebody works with that sandbox"), "{said}");
    assert!(said.lines().count() < 8, "{said}");
}

/// The same policy at another path is the same policy: the plan names its lines by the path that it was made with.
#[test]
fn verify_knows_the_policy_by_what_is_in_it() {
    let folder = planned();
    let (here, inside) = (folder.path(), folder.path().join("inside"));
    fs::create_dir(&inside).unwrap();
    let absolute = here.join("policy.yaml").display().to_string();
    for (from, policy, plan, sandbox) in [
        (here, "policy.yaml", "plan.json", "before"),
        (here, "./policy.yaml", "plan.json", "before"),
        (here, absolute.as_str(), "plan.json", "before"),
        (inside.as_path(), "../policy.yaml", "../plan.json", "../before"),
    ] {
        let output = tidegate(from, &["verify", plan, "-f", policy, "--sandbox", sandbox]);
        assert_eq!(code(&output), 0, "{policy}: {}", said(&output));
    }
    edit_plan(here, |plan| plan["pools"][0]["said"][0]["origin"]["line"] = json!(77));
    let output = tidegate(here, &["verify", "plan.json", "-f", "./policy.yaml", "--sandbox", "before"]);
    assert_eq!(code(&output), 3, "another line is another place: {}", said(&output));
}

#[test]
fn a_plan_that_was_edited_is_stale_and_says_where() {
    type Edit = fn(&mut Value);
    fn evicted(plan: &mut Value) -> &mut Value {
        let steps = plan["steps"].as_array_mut().unwrap();
        let mut pods = steps.iter_mut().filter_map(|step| step.get_mut("pods")?.as_array_mut()).flatten();
        pods.find(|pod| pod["action"] == "evict").unwrap()
    }
    let edits: [(&str, Edit); 9] = [
        ("the plan was edited after it was made: its checksum is another one", |plan| {
            plan["snapshot"]["digest"] = json!("0123456789abcdef");
            plan["steps"][0]["reason"]["text"] = json!("the moon is full");
        }),
        ("the plan was edited after it was made: its checksum is another one", |plan| {
            plan["snapshot"]["digest"] = json!("0123456789abcdef");
        }),
        (".home says \"nowhere\", and made again it says \"worker-1\"", |plan| {
            evicted(plan)["home"] = json!("nowhere")
        }),
        (".chunk says 7, and made again it says 1", |plan| evicted(plan)["chunk"] = json!(7)),
        ("pools[workers].desired says 3, and made again it says 1", |plan| plan["pools"][0]["desired"] = json!(3)),
        ("steps[cordon/worker-2].reason.text says \"the moon is full\"", |plan| {
            plan["steps"][0]["reason"]["text"] = json!("the moon is full");
        }),
        ("notes", |plan| plan["notes"] = json!(["all is well"])),
        ("summary.text says \"fine\"", |plan| plan["summary"]["text"] = json!("fine")),
        ("tells the provider to shelve now, not to delete", |plan| {
            for step in plan["steps"].as_array_mut().unwrap().iter_mut().filter(|step| step["verb"] == "park") {
                step["providerVerb"] = json!("delete");
            }
        }),
    ];
    for (words, edit) in edits {
        let folder = planned();
        edit_plan(folder.path(), edit);
        let output = tidegate(folder.path(), &["apply", "plan.json", "--sandbox", "before"]);
        assert_eq!(code(&output), 4, "{words}: {}", said(&output));
        assert!(said(&output).contains(words), "{words:?} is missing in: {}", said(&output));
        let output = tidegate(folder.path(), &["verify", "plan.json", "--sandbox", "before"]);
        // A plan of another world is not judged.
        let expected = if words.contains("checksum") { 4 } else { 3 };
        assert_eq!(code(&output), expected, "{words}: {}", said(&output));
    }
    let folder = planned();
    edit_plan(folder.path(), |plan| drop(plan.as_object_mut().unwrap().remove("checksum")));
    let output = tidegate(folder.path(), &["apply", "plan.json", "--sandbox", "before"]);
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(
        said(&output).contains("`plan.json` has no checksum") && said(&output).contains("hint: make the plan again")
    );
    let folder = planned();
    let output = tidegate(folder.path(), &["apply", "plan.json", "--sandbox", "before"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
}

/// The same plan given again goes on with what it can, and says of what it cannot until when; done is only all of it.
#[test]
fn h3_a_plan_given_again_goes_on_around_the_node_that_failed_until_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let here = |args: &[&str]| tidegate(folder.path(), args);
    let wait = "  drain: {pods: [{match: {owners: [none]}, action: wait}]}\n";
    fs::write(folder.path().join("policy.yaml"), format!("{POLICY}{wait}")).unwrap();
    let mut cluster = workers();
    cluster.pod("batch-1", "worker-2", "", "100m");
    let lifetime = json!({"metadata": {"creationTimestamp": "2026-11-22T19:00:00Z",
                                       "annotations": {"sandbox.tidegate.dev/lifetime": "5m"}}});
    merge(item(&mut cluster, "Pod", "batch-1"), lifetime);
    write_cluster(folder.path(), "before.json", &cluster);
    let fault = "faults: [{target: server/worker-4, kind: error, on: park, ends: active, times: 1}]\n";
    fs::write(folder.path().join("faults.yaml"), fault).unwrap();
    let create = ["sandbox", "create", "before", "--snapshot", "before.json", "--faults", "faults.yaml"];
    for args in [create.as_slice(), &["plan", "-f", "policy.yaml", "--sandbox", "before", "--out", "plan.json"]] {
        let output = here(args);
        assert_eq!(code(&output), 0, "{}", said(&output));
    }
    let parked = || said(&here(&["sandbox", "show", "before"])).matches("parked by Tidegate").count();
    let apply = ["apply", "plan.json", "--sandbox", "before"];
    let barred = "worker-4 is left out until Sun 22 Nov 19:";
    for (before, expected, count, words) in [
        (None, 6, 1, "not tried again before"),
        (None, 6, 1, barred),
        (Some("6m"), 6, 2, barred),
        (None, 6, 2, barred),
        (Some("10m"), 0, 3, "Apply complete"),
    ] {
        if let Some(time) = before {
            assert_eq!(code(&here(&["sandbox", "advance", time, "before"])), 0);
        }
        let output = here(&apply);
        let context = format!("after {before:?}, {count} parked: {}", said(&output));
        assert_eq!((code(&output), parked()), (expected, count), "{context}");
        assert!(said(&output).contains(words), "{context}");
    }
}

/// A sandbox goes on; its world, saved beside the plan, lets anybody check the plan anywhere.
#[test]
fn a_plan_of_a_sandbox_is_checked_beside_its_saved_world() {
    let folder = planned();
    let at = folder.path();
    for args in [
        ["snapshot", "--sandbox", "before", "--out", "world.json.gz"].as_slice(),
        &["sandbox", "advance", "1s", "before"],
    ] {
        let output = tidegate(at, args);
        assert_eq!(code(&output), 0, "{}", said(&output));
    }
    let bare = tidegate(at, &["verify", "plan.json"]);
    assert_eq!(code(&bare), 4, "{}", said(&bare));
    let advice = said(&bare);
    assert!(advice.contains("`tidegate snapshot --sandbox before --out world.json.gz`"), "{advice}");
    assert!(advice.contains("`tidegate verify plan.json --snapshot world.json.gz`"), "{advice}");
    let (then, now) = (advice.find("the plan: ").unwrap(), advice.find("this one: ").unwrap());
    let line = |from: usize| advice[from + 10..].lines().next().unwrap();
    assert_ne!(line(then), line(now), "two different lines: {advice}");
    let elsewhere = tempfile::tempdir().unwrap();
    for file in ["plan.json", "policy.yaml", "world.json.gz"] {
        fs::copy(at.join(file), elsewhere.path().join(file)).unwrap();
    }
    let output = tidegate(elsewhere.path(), &["verify", "plan.json", "--snapshot", "world.json.gz"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("Safe by simulation"), "{}", said(&output));
    // The same steps are planned from it, and standard output holds the same world.
    let piped = tidegate(at, &["snapshot", "--sandbox", "before"]);
    assert_eq!(code(&piped), 0);
    fs::write(at.join("now.json"), &piped.stdout).unwrap();
    let steps = |from: &[&str]| {
        let output = tidegate(at, &[&["plan", "-f", "policy.yaml", "--format", "json"], from].concat());
        let plan: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        (plan["steps"].clone(), plan["snapshot"]["digest"].clone())
    };
    let (own, file) =
        (steps(&["--sandbox", "before"]), steps(&["--snapshot", "now.json", "--now", "2026-11-22T19:00:01Z"]));
    assert_eq!(own, file);
    assert!(own.0.as_array().is_some_and(|steps| !steps.is_empty()));
    // Another version's world is no reason to guess.
    let text = String::from_utf8(piped.stdout).unwrap().replacen("\"nodes\":[", "\"nodes\":[7,", 1);
    fs::write(at.join("odd.json"), text).unwrap();
    let odd = tidegate(at, &["plan", "-f", "policy.yaml", "--snapshot", "odd.json", "--now", "2026-11-22T19:00:01Z"]);
    assert!(said(&odd).contains("of Tidegate wrote it, and this version reads it otherwise"), "{}", said(&odd));
}
