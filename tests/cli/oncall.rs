//! What people on call and their scripts go by: what is said next to an end that is not the whole, and whether it is so.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{APPLY, WORKSHOP, code, here, text, tidegate, workshop};

fn said(output: &std::process::Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// The workshop's cluster as `kubectl` would list it: without the provider's servers.
fn dump(folder: &Path) {
    let cluster = fs::read_to_string(Path::new(WORKSHOP).join("cluster.yaml")).unwrap();
    let mut list: Value = serde_yaml::from_str(&cluster).unwrap();
    let items = list["items"].as_array_mut().unwrap();
    items.retain(|item| !matches!(item["kind"].as_str(), Some("Server" | "Flavor")));
    for item in items.iter_mut().filter(|item| item["kind"] == "Snapshot") {
        let kinds = item["kinds"].as_array_mut().unwrap();
        kinds.retain(|kind| !matches!(kind.as_str(), Some("Server" | "Flavor")));
    }
    fs::write(folder.join("dump.json"), list.to_string()).unwrap();
}

/// The clock of a sandbox stands still between two runs: the commands that are printed go on where the run stopped.
#[test]
fn an_apply_that_waits_says_how_to_go_on() {
    let folder = workshop();
    let run = [APPLY.as_slice(), &["--yes"]].concat();
    let mut codes = Vec::new();
    for _ in 0..8 {
        let output = tidegate(folder.path(), &run);
        codes.push(code(&output));
        if code(&output) == 0 {
            break;
        }
        let said = said(&output);
        assert!(said.contains("1 node waits for pods"), "{said}");
        let (_, advised) = said.split_once("turn it, `tidegate ").unwrap_or_else(|| panic!("{said}"));
        let (advance, rest) = advised.split_once('`').unwrap();
        let turned = tidegate(folder.path(), &advance.split_whitespace().collect::<Vec<_>>());
        assert_eq!(code(&turned), 0, "`{advance}`: {}", text(&turned.stderr));
        assert!(rest.contains(&format!("`tidegate {}`", APPLY.join(" "))), "{rest}");
    }
    assert_eq!((codes.first(), codes.last()), (Some(&6), Some(&0)), "{codes:?}");
}

/// A plan that was reviewed is carried out to its end by giving it again; what it did itself does not make it stale.
#[test]
fn a_saved_plan_that_waits_is_gone_on_with_by_giving_it_again() {
    let folder = workshop();
    let run = |args: &[&str]| tidegate(folder.path(), args);
    let made = run(&["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out", "plan.json"]);
    assert_eq!(code(&made), 0, "{}", text(&made.stderr));
    let fresh = run(&["apply", "plan.json", "--sandbox", "sandbox", "--resume"]);
    assert_eq!(code(&fresh), 1, "nothing of it was begun: {}", said(&fresh));
    assert!(said(&fresh).contains("no apply was ever begun"), "{}", said(&fresh));
    let mut codes = Vec::new();
    for more in [[].as_slice(), &["--resume"], &[], &["--resume"], &[], &[], &[], &[]] {
        let output = run(&[&["apply", "plan.json", "--sandbox", "sandbox"], more].concat());
        codes.push(code(&output));
        if code(&output) != 6 {
            assert_eq!(code(&output), 0, "{}", said(&output));
            break;
        }
        assert!(said(&output).contains("`tidegate apply plan.json "), "what goes on is the plan: {}", said(&output));
        assert_eq!(code(&run(&["sandbox", "advance", "15m", "sandbox"])), 0);
    }
    assert!(codes.len() > 2 && codes.last() == Some(&0), "{codes:?}");
    let shown = text(&run(&["sandbox", "show", "sandbox"]).stdout);
    assert_eq!(shown.matches("parked by Tidegate").count(), 9, "{shown}");
    // It is done, and given once more it is still done: nothing has become stale.
    let again = run(&["apply", "plan.json", "--sandbox", "sandbox"]);
    assert_eq!(code(&again), 0, "{}", said(&again));
    assert!(said(&again).contains("Done already"), "{}", said(&again));
    let other = run(&["apply", "plan.json", "--sandbox", "sandbox", "--resume"]);
    assert_eq!(code(&other), 1, "{}", said(&other));
    assert!(said(&other).contains("was carried out to its end"), "{}", said(&other));
}

/// A plan that cannot be applied says so when it is saved, and the commands that it names make one that can be.
#[test]
fn a_plan_of_a_dump_says_at_once_that_apply_refuses_it() {
    let folder = workshop();
    fs::remove_dir_all(folder.path().join("sandbox")).unwrap();
    dump(folder.path());
    let plan =
        ["plan", "-f", "policy.yaml", "--snapshot", "dump.json", "--now", "2026-11-10T16:30", "--out", "plan.json"];
    let output = tidegate(folder.path(), &plan);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let advice = text(&output.stderr);
    for word in ["`apply` would refuse it", "`kubectl` does not list them", "`front-door`"] {
        assert!(advice.contains(word), "{word}: {advice}");
    }
    assert!(!text(&output.stdout).contains("unknown: Server"), "{}", text(&output.stdout));
    let commands: Vec<Vec<&str>> = (advice.lines())
        .filter_map(|line| line.trim_start().strip_prefix("tidegate "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [create, again, apply] = commands.as_slice() else { panic!("{advice}") };
    let made = tidegate(folder.path(), create);
    assert_eq!(code(&made), 0, "{}", text(&made.stderr));
    // As it was saved it is refused, in one line for one cause.
    let refused = tidegate(folder.path(), apply);
    assert_eq!(code(&refused), 4, "{}", text(&refused.stderr));
    let refused = text(&refused.stderr);
    assert!(refused.contains("is not to be carried out"), "{refused}");
    assert!(!refused.contains("is about server") && !refused.contains("is new"), "{refused}");
    assert_eq!(code(&tidegate(folder.path(), again)), 0);
    let applied = tidegate(folder.path(), apply);
    assert_eq!(code(&applied), 6, "one person is waited for: {}", said(&applied));
}

#[test]
fn a_policy_without_pools_does_not_say_that_all_is_as_wanted() {
    let folder = workshop();
    let policy = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec: {pools: []}\n";
    fs::write(folder.path().join("none.yaml"), policy).unwrap();
    let output = tidegate(folder.path(), &["plan", "-f", "none.yaml", "--snapshot", "cluster.yaml"]);
    let said = said(&output);
    assert!(said.contains("the policy has no pools, so every node is left as it is"), "{said}");
    assert!(said.contains("no-pools") && !said.contains("No changes"), "{said}");
}

/// What a policy names and the cluster does not have is said by a look at the policy.
#[test]
fn validate_says_what_a_policy_names_that_is_not_there() {
    let folder = workshop();
    let policy = fs::read_to_string(folder.path().join("policy.yaml")).unwrap();
    let wrong = policy.replace("nf-{2..10}", "nf-{2..12}").replace("namespaces: [jhub]", "namespaces: [hub]");
    assert_ne!(wrong, policy);
    fs::write(folder.path().join("wrong.yaml"), wrong).unwrap();
    let validate = |file| tidegate(folder.path(), &["validate", "-f", file, "--snapshot", "cluster.yaml"]);
    let output = validate("wrong.yaml");
    assert_eq!(code(&output), 0);
    let said = text(&output.stderr);
    for word in ["not there: demo-k8s-node-nf-11, demo-k8s-node-nf-12", "matches-no-pod", "drain.pods"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let right = text(&validate("policy.yaml").stderr);
    assert!(!right.contains("not there") && !right.contains("matches-no-pod"), "{right}");
}

/// One slip of the pen does not hide what the cluster has to say, and a cluster that is not there hides no slip.
#[test]
fn validate_compares_what_has_no_error_with_the_cluster() {
    let folder = workshop();
    let policy = fs::read_to_string(folder.path().join("policy.yaml")).unwrap();
    let wrong = policy.replace("nf-{2..10}", "nf-{2..12}").replacen("spec:\n", "spec:\n  tmeZone: UTC\n", 1);
    fs::write(folder.path().join("wrong.yaml"), wrong).unwrap();
    let validate = |more: &[&str]| tidegate(folder.path(), &[&["validate", "-f", "wrong.yaml"], more].concat());
    let output = validate(&["--snapshot", "cluster.yaml"]);
    assert_eq!(code(&output), 1);
    let told = text(&output.stderr);
    for word in ["did you mean `timeZone`", "not there: demo-k8s-node-nf-11", "all but what has an error was compared"]
    {
        assert!(told.contains(word), "{word}: {told}");
    }
    let output = validate(&["--snapshot", "cluster.yaml", "--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&str> =
        json["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"unknown-field") && codes.contains(&"names-absent-nodes"), "{codes:?}");
    let output = validate(&["--snapshot", "nowhere.json"]);
    let told = text(&output.stderr);
    assert_eq!(code(&output), 1);
    assert!(told.contains("did you mean `timeZone`") && told.contains("nowhere.json"), "{told}");
}

#[test]
fn a_node_that_does_not_exist_is_answered_with_those_that_do() {
    let world = ["-f", "policy.yaml", "--snapshot", "cluster.yaml"];
    for (object, hint) in [
        ("node/worker-3", "`tidegate status` lists pools and nodes"),
        ("node/demo-k8s-node-nf-99", "did you mean `node/demo-k8s-node-nf-9`?"),
        ("pool/wokers", "did you mean `pool/workers`?"),
    ] {
        let output = here(&[["explain", object].as_slice(), &world].concat());
        assert_eq!(code(&output), 1);
        assert!(text(&output.stderr).contains(hint), "{object}: {}", text(&output.stderr));
    }
}

/// One line writes a snapshot, wherever one is called for.
#[test]
fn one_kubectl_line_stands_everywhere() {
    let line = tidegate::model::KUBECTL;
    let folder = workshop();
    fs::write(folder.path().join("empty.json"), "{}").unwrap();
    let asked = tidegate(folder.path(), &["plan", "-f", "policy.yaml", "--snapshot", "empty.json"]);
    let read = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    for (place, said) in [
        ("README", read("README.md")),
        ("the example", read("examples/jetstream-workshop/cluster.yaml")),
        ("init", text(&here(&["init", "--help"]).stdout)),
        ("plan", text(&here(&["plan", "--help"]).stdout)),
        ("an empty file", text(&asked.stderr)),
    ] {
        // Help texts break it where a shell goes on reading.
        let said = said.replace(",\\\n", ",");
        assert!(said.contains(line), "{place}: {said}");
        assert_eq!(said.matches("kubectl get nodes").count(), said.matches(line).count(), "{place}: {said}");
    }
}

/// The line asks for every kind that is read, and nothing else (H15: front doors show in the Services).
#[test]
fn the_kubectl_line_asks_for_every_kind_that_is_read() {
    let line = tidegate::model::KUBECTL;
    let words: Vec<&str> = line.split_whitespace().nth(2).unwrap().split(',').collect();
    let kinds = [
        ("nodes", "v1", "Node"),
        ("pods", "v1", "Pod"),
        ("pdb", "policy/v1", "PodDisruptionBudget"),
        ("deploy", "apps/v1", "Deployment"),
        ("rs", "apps/v1", "ReplicaSet"),
        ("rc", "v1", "ReplicationController"),
        ("sts", "apps/v1", "StatefulSet"),
        ("ds", "apps/v1", "DaemonSet"),
        ("jobs", "batch/v1", "Job"),
        ("pvc", "v1", "PersistentVolumeClaim"),
        ("pv", "v1", "PersistentVolume"),
        ("sc", "storage.k8s.io/v1", "StorageClass"),
        ("csinode", "storage.k8s.io/v1", "CSINode"),
        ("csidriver", "storage.k8s.io/v1", "CSIDriver"),
        ("csistoragecapacity", "storage.k8s.io/v1", "CSIStorageCapacity"),
        ("volumeattachment", "storage.k8s.io/v1", "VolumeAttachment"),
        ("pc", "scheduling.k8s.io/v1", "PriorityClass"),
        ("ns", "v1", "Namespace"),
        ("leases", "coordination.k8s.io/v1", "Lease"),
        ("svc", "v1", "Service"),
        ("validatingwebhookconfigurations", "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("mutatingwebhookconfigurations", "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ];
    assert_eq!(words, kinds.map(|(word, ..)| word));
    let known = tidegate::model::Kind::ALL.into_iter().filter_map(|kind| Some((kind.api()?, kind.to_string())));
    let known: Vec<_> = known.map(|(api, kind)| (api.short, api.version, kind)).collect();
    assert_eq!(known, kinds.map(|(word, version, kind)| (word, version, kind.to_owned())));
    let items = kinds.map(|(_, version, kind)| {
        let namespace = if kind == "Lease" { "kube-node-lease" } else { "a" };
        serde_json::json!({
            "apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": namespace, "uid": kind},
            "spec": {"renewTime": "2026-11-10T12:00:00.000000Z", "template": {"spec": {"containers": []}}},
        })
    });
    let snapshot = tidegate::observe::from_values(items.to_vec());
    assert!(snapshot.skipped.is_empty(), "{:?}", snapshot.skipped);
    let read: Vec<String> = snapshot.observed.iter().map(ToString::to_string).collect();
    let missing: Vec<_> = kinds.iter().filter(|(.., kind)| !read.contains(&(*kind).to_owned())).collect();
    assert!(missing.is_empty(), "{missing:?} of {read:?}");
    assert!(read.iter().all(|kind| kinds.iter().any(|(.., known)| known == kind)), "{read:?}");
}

/// A sandbox of an old dump may begin now, and tells the time as its people do.
#[test]
fn a_sandbox_begins_when_it_is_told_and_in_the_zone_that_is_asked_for() {
    let folder = workshop();
    let create = ["sandbox", "create", "later", "--snapshot", "cluster.yaml", "--time-zone", "America/Denver"];
    let later = tidegate(folder.path(), &[create.as_slice(), &["--now", "2027-02-02T12:00"]].concat());
    assert_eq!(code(&later), 0, "{}", text(&later.stderr));
    assert!(text(&later.stdout).starts_with("Tue 02 Feb 2027 12:00:00 MST"), "{}", text(&later.stdout));
    let advanced = tidegate(folder.path(), &["sandbox", "advance", "1h", "later"]);
    assert!(text(&advanced.stdout).starts_with("Tue 02 Feb 2027 20:00:00 UTC"), "{}", text(&advanced.stdout));
    assert!(!text(&advanced.stdout).contains("NotReady"), "{}", text(&advanced.stdout));
    let earlier = tidegate(
        folder.path(),
        &["sandbox", "create", "earlier", "--snapshot", "cluster.yaml", "--now", "2020-01-01T00:00:00Z"],
    );
    assert_eq!(code(&earlier), 1);
    assert!(text(&earlier.stderr).contains("before the snapshot was taken"), "{}", text(&earlier.stderr));
    let wrong = tidegate(folder.path(), &["sandbox", "show", "sandbox", "--time-zone", "Mars/Base"]);
    assert_eq!(code(&wrong), 1);
}

/// A moment that the clocks skip is not taken for another in silence.
#[test]
fn a_now_that_does_not_exist_is_said() {
    let plan = |now| here(&["plan", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--now", now]);
    let skipped = text(&plan("2027-03-14T02:30").stderr);
    assert!(skipped.contains("does not exist in America/Denver"), "{skipped}");
    assert!(!text(&plan("2027-03-14T03:30").stderr).contains("warning: 2027"), "{skipped}");
}

/// Who writes a file of failures learns its form from the program: by help, by schema, and by what is wrong with it.
#[test]
fn a_file_of_failures_is_described_and_what_it_names_is_looked_for() {
    let folder = workshop();
    let create = |name: &str, faults: &str| {
        fs::write(folder.path().join("faults.yaml"), faults).unwrap();
        tidegate(folder.path(), &["sandbox", "create", name, "--snapshot", "cluster.yaml", "--faults", "faults.yaml"])
    };
    let help = text(&here(&["sandbox", "create", "--help"]).stdout);
    let (_, shown) = help.split_once("A file of failures:\n").unwrap();
    let made = create("shown", shown);
    assert_eq!(code(&made), 0, "the help's file is one: {}", said(&made));
    // The workshop has none of the names of the help, and is told so.
    assert!(
        said(&made).contains("warning: nothing there is called `server/node-3`, `server/node-*`"),
        "{}",
        said(&made)
    );
    let own = create("own", "faults: [{target: server/demo-k8s-node-nf-*, kind: slow, on: wake, factor: 3}]");
    assert_eq!(code(&own), 0, "{}", said(&own));
    assert!(!said(&own).contains("warning"), "{}", said(&own));
    for (faults, words) in [
        ("- {target: server/a, kind: slow}", "this is a list; write it under `faults:`"),
        ("faults: [{target: server/a, kind: slower}]", "unknown variant `slower`"),
        ("faults: [{target: a, kind: slow}]", "`a` is not a target"),
        ("failures: []", "unknown field `failures`"),
    ] {
        let wrong = create("wrong", faults);
        assert_eq!(code(&wrong), 1, "{faults}: {}", said(&wrong));
        assert!(said(&wrong).contains(words) && said(&wrong).contains("tidegate schema faults"), "{}", said(&wrong));
        assert!(!folder.path().join("wrong").exists());
    }
    let schema = serde_json::from_slice(&here(&["schema", "faults"]).stdout).unwrap();
    let shown: Value = serde_yaml::from_str(shown).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&shown));
    let misspelt = serde_json::json!({"faults": [{"target": "server/a", "kind": "slower"}]});
    assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&misspelt));
}

/// Last applied, wanted and there, beside each other, with what moved (2 where they differ).
#[test]
fn drift_says_what_moved_since_the_last_apply() {
    let folder = workshop();
    let run = |args: &[&str]| tidegate(folder.path(), args);
    let drift = || {
        let output = run(&["drift", "-f", "policy.yaml", "--sandbox", "sandbox", "--format", "json"]);
        let found: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        assert_eq!(code(&output), if found["drifted"] == true { 2 } else { 0 }, "{found}");
        let words = said(&run(&["drift", "-f", "policy.yaml", "--sandbox", "sandbox"]));
        (found, words)
    };
    let apply = || run(&[APPLY.as_slice(), &["--yes", "--no-wait"]].concat());
    let three = |found: &Value| {
        let pool = &found["pools"][0];
        let why: Vec<String> =
            pool["why"].as_array().into_iter().flatten().map(|why| why.as_str().unwrap().to_owned()).collect();
        (pool["applied"].as_i64(), pool["wanted"].as_i64().unwrap(), pool["actual"].as_i64().unwrap(), why.join(" "))
    };
    let (found, words) = drift();
    assert_eq!(three(&found), (None, 1, 10, "never-applied".to_owned()), "{found}");
    assert!(words.contains("Applied  never") && words.contains("Drifted. "), "{words}");

    run(&["sandbox", "advance", "1d", "sandbox"]);
    assert_eq!(code(&apply()), 0);
    let (found, words) = drift();
    assert_eq!(three(&found), (Some(1), 1, 1, String::new()), "{found}");
    assert!(words.contains("the same policy as now") && words.contains("As wanted. No changes"), "{words}");

    // Somebody wakes a node's server: the cluster moved.
    let policy = fs::read_to_string(folder.path().join("policy.yaml")).unwrap();
    fs::write(folder.path().join("policy.yaml"), policy.replace("      min: 1\n", "      min: 3\n")).unwrap();
    let (found, words) = drift();
    assert_eq!(three(&found), (Some(1), 3, 1, "policy-changed".to_owned()), "{found}");
    assert_eq!(found["nodes"].as_array().unwrap().len(), 2, "{found}");
    assert!(words.contains("another policy than now") && words.contains("was not applied"), "{words}");
    fs::write(folder.path().join("policy.yaml"), policy).unwrap();

    // The next workshop: the same policy wants more.
    run(&["sandbox", "advance", "5d20h30m", "sandbox"]);
    let (found, words) = drift();
    assert_eq!(three(&found), (Some(1), 10, 1, "wanted-changed".to_owned()), "{found}");
    assert_eq!(found["nodes"].as_array().unwrap().len(), 9, "{found}");
    assert!(words.contains("asks for another number than at the last `apply`"), "{words}");
    assert_eq!(code(&apply()), 0);
    let (found, _) = drift();
    assert_eq!(three(&found), (Some(10), 10, 10, String::new()), "{found}");
}

/// A window that opened while nobody applied the policy is told by all who look (H21): how late it is, or that it was missed;
/// and not once the nodes are there, nor where runs come every five minutes.
#[test]
fn a_window_that_opened_while_nobody_applied_is_late_or_missed() {
    let folder = workshop();
    let run = |args: &[&str]| tidegate(folder.path(), args);
    let advance = |by: &str| assert_eq!(code(&run(&["sandbox", "advance", by, "sandbox"])), 0);
    let apply = || run(&[APPLY.as_slice(), &["--yes", "--no-wait", "--quiet"]].concat());
    let look = |command: &str| said(&run(&[command, "-f", "policy.yaml", "--sandbox", "sandbox"]));
    let windows = || {
        let output = run(&["doctor", "-f", "policy.yaml", "--sandbox", "sandbox", "--format", "json"]);
        let found: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        let lines = found["findings"].as_array().unwrap();
        let line = lines.iter().find(|line| line["check"] == "windows").unwrap();
        (line["level"].as_str().unwrap().to_owned(), line["text"].as_str().unwrap().to_owned())
    };
    assert_eq!(windows().0, "warning");
    advance("1d");
    assert_eq!(code(&apply()), 0);
    assert_eq!(windows().0, "ok");
    assert!(!look("plan").contains("LATE"));
    let shown: Value =
        serde_json::from_str(&text(&run(&["sandbox", "show", "sandbox", "--format", "json"]).stdout)).unwrap();
    let now: jiff::Timestamp = shown["taken"].as_str().unwrap().parse().unwrap();
    let opens: jiff::Timestamp = "2026-11-17T19:45:00Z".parse().unwrap();
    let until = opens.duration_since(now).as_secs();

    // Five minutes after it is as early as a timer can be.
    advance(&format!("{}s", until + 300));
    assert!(!look("plan").contains(" LATE: "), "{}", look("plan"));
    advance("30m");
    for command in ["plan", "drift", "apply"] {
        let words =
            if command == "apply" { said(&run(&[APPLY.as_slice(), &["--no-wait"]].concat())) } else { look(command) };
        assert!(
            words.replace('\n', " ").contains("35 min LATE: 10 nodes were wanted from Tue 17 Nov 12:45"),
            "{words}"
        );
    }
    assert_eq!(windows().0, "error");
    assert!(windows().1.contains("35 min LATE"), "{}", windows().1);

    // Too late for all of it: the next one says that it was missed, and then it is over.
    advance("4h");
    assert_eq!(windows().0, "error");
    let output = apply();
    assert_eq!(code(&output), 0, "{}", said(&output));
    let words = said(&output).replace('\n', " ");
    assert!(words.contains("missed: 10 nodes were wanted from Tue 17 Nov 12:45"), "{words}");
    assert!(!look("drift").contains("missed"), "{}", look("drift"));
    assert_eq!(windows().0, "ok");
    let again = apply();
    assert_eq!((code(&again), said(&again)), (0, String::new()), "a run that has nothing to say is silent");
}

/// Of a large cluster one asks about a node or a pool; what is not there is named, not passed over.
#[test]
fn status_tells_of_what_is_asked_about() {
    let on = ["status", "-f", "policy.yaml", "--snapshot", "cluster.yaml", "--format", "json"];
    let nodes = |targets: &[&str]| {
        let output = here(&[on.as_slice(), targets].concat());
        assert_eq!(code(&output), 0, "{}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names = report["nodes"].as_array().unwrap().iter().map(|node| node["node"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let all = nodes(&[]);
    assert_eq!(nodes(&["--target", "pool/workers"]), all);
    let two = ["--target", "node/demo-k8s-node-nf-6", "--target", "node/demo-k8s-node-1"];
    assert_eq!(nodes(&two), ["demo-k8s-node-1", "demo-k8s-node-nf-6"]);
    let unknown = here(&[on.as_slice(), &["--target", "node/demo-k8s-node-nf-66"]].concat());
    assert_eq!((code(&unknown), unknown.stdout.len()), (1, 0));
    assert!(said(&unknown).contains("demo-k8s-node-nf-66"), "{}", said(&unknown));
}
