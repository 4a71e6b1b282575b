//! The starter policy that `init` writes: each of its commented lines can be uncommented, and frees what it promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

fn tidegate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate")).args(args).output().unwrap()
}

fn init(snapshot: &Path) -> String {
    let output = tidegate(&["init", "--snapshot", snapshot.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEGATE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let found = folder.join("snapshots").is_dir();
    if !found {
        println!("left out: {} is not there; TIDEGATE_DATA names the folder", folder.display());
    }
    found.then_some(folder)
}

/// Three workers; what blocks them is of every kind that a line of policy can lift.
fn blocked() -> String {
    let node = |name: &str| {
        format!(
            "  - apiVersion: v1\n    kind: Node\n    metadata: {{name: {name}, uid: {name}, labels: {{kubernetes.io/hostname: {name}}}}}\n    status:\n      allocatable: {{cpu: \"8\", memory: 32Gi, pods: \"110\"}}\n      conditions: [{{type: Ready, status: \"True\", lastHeartbeatTime: \"2026-11-10T12:00:00Z\", lastTransitionTime: \"2026-11-01T12:00:00Z\"}}]\n"
        )
    };
    let pod = |name: &str, node: &str, owned: bool, more: &str| {
        let owner = if owned {
            format!(
                ", ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: {name}, uid: rs-{name}, controller: true}}]"
            )
        } else {
            String::new()
        };
        format!(
            "  - apiVersion: v1\n    kind: Pod\n    metadata: {{name: {name}-x, namespace: shop, uid: {name}, labels: {{app: {name}}}, creationTimestamp: \"2026-11-01T12:00:00Z\"{owner}}}\n    spec: {{nodeName: {node}, containers: [{{name: c, resources: {{requests: {{cpu: 100m, memory: 100Mi}}}}}}]{more}}}\n    status: {{phase: Running, conditions: [{{type: Ready, status: \"True\"}}]}}\n  - apiVersion: apps/v1\n    kind: ReplicaSet\n    metadata: {{name: {name}, namespace: shop, uid: rs-{name}}}\n    spec: {{replicas: 1}}\n"
        )
    };
    let nodes: String = (1..=7).map(|number| node(&format!("w{number}"))).collect();
    format!(
        "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: tidegate.dev/v1alpha1\n    kind: Snapshot\n    taken: \"2026-11-10T12:00:00Z\"\n    kinds: [Node, Pod, PodDisruptionBudget, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, PersistentVolume, PersistentVolumeClaim, VolumeAttachment, Namespace]\n{nodes}{}{}{}{}{}",
        pod("cache", "w1", true, ", volumes: [{name: tmp, emptyDir: {}}]"),
        pod("web", "w2", true, ", volumes: [{name: run, emptyDir: {}}]"),
        pod("lone", "w3", false, ""),
        pod("slow", "w4", true, ", terminationGracePeriodSeconds: 1800"),
        pod("slower", "w5", true, ", terminationGracePeriodSeconds: 3600"),
    )
}

/// A line of the starter that is a field or an entry in a comment.
fn uncommented(line: &str) -> Option<String> {
    let indent = line.len() - line.trim_start().len();
    let rest = line.trim_start().strip_prefix("# ")?;
    let fields = ["frontDoors: ", "nodeStorage: ", "adopt: ", "longestGrace: "];
    let is_lift = rest.starts_with('{') && rest.ends_with("},") || fields.iter().any(|field| rest.starts_with(field));
    is_lift.then(|| format!("{}{rest}", " ".repeat(indent)))
}

fn with(text: &str, chosen: &dyn Fn(usize) -> bool) -> String {
    let line = |(number, line): (usize, &str)| match uncommented(line).filter(|_| chosen(number)) {
        Some(line) => line + "\n",
        None if line.starts_with("      min: ") => "      min: 0\n".to_owned(),
        None => format!("{line}\n"),
    };
    text.lines().enumerate().map(line).collect()
}

fn valid(policy: &Path, text: &str) {
    fs::write(policy, text).unwrap();
    let output = tidegate(&["validate", "-f", policy.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let warned = said.contains("warning");
    let no_pools = said.contains("warning[no-pools]") && said.contains("1 warning\n") && text.contains("  pools: []");
    assert!(output.status.success() && (!warned || no_pools), "{said}\n{text}");
}

fn plan(policy: &Path, snapshot: &Path) -> serde_json::Value {
    let args = ["plan", "--format", "json", "--now", "2026-11-10T12:00:00Z"];
    let paths = ["-f", policy.to_str().unwrap(), "--snapshot", snapshot.to_str().unwrap()];
    let output = tidegate(&[args.as_slice(), &paths].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn parked(plan: &serde_json::Value) -> usize {
    plan["steps"].as_array().unwrap().iter().filter(|step| step["verb"] == "park").count()
}

fn blocks(plan: &serde_json::Value) -> Vec<String> {
    let all = plan["blockers"].as_array().unwrap().iter();
    all.filter(|blocker| !blocker["lift"].as_array().unwrap().is_empty())
        .map(|blocker| blocker["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Uncomments each line by itself, every second one, and all; how many lines there were.
fn try_all(snapshot: &Path) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let text = init(snapshot);
    valid(&policy, &text);
    let lines: Vec<usize> =
        (text.lines().enumerate()).filter(|(_, line)| uncommented(line).is_some()).map(|(number, _)| number).collect();
    for line in &lines {
        valid(&policy, &with(&text, &|number| number == *line));
    }
    valid(&policy, &with(&text, &|number| number % 2 == 0));
    valid(&policy, &with(&text, &|_| true));
    assert_eq!(blocks(&plan(&policy, snapshot)), Vec::<String>::new(), "all are lifted\n{text}");
    lines.len()
}

#[test]
fn every_line_can_be_uncommented_and_all_together_lift_every_blocker() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("cluster.yaml");
    fs::write(&snapshot, blocked()).unwrap();
    // Scratch space of both workloads is one line, and so is the longest grace.
    assert_eq!(try_all(&snapshot), 3, "{}", init(&snapshot));
    for example in ["jetstream-workshop", "several-pools", "school-term", "office-hours"] {
        try_all(&Path::new(EXAMPLES).join(example).join("cluster.yaml"));
    }
    let Some(data) = data() else { return };
    for name in ["kurl_longhorn_3node", "openshift_insights_sample", "digitalocean_mixed_6nodes_nodes_only"] {
        try_all(&data.join("snapshots").join(format!("{name}.json.gz")));
    }
}

#[test]
fn a_line_frees_as_many_nodes_as_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, snapshot) = (folder.path().join("policy.yaml"), folder.path().join("cluster.yaml"));
    fs::write(&snapshot, blocked()).unwrap();
    let text = init(&snapshot);
    valid(&policy, &with(&text, &|_| false));
    let before = parked(&plan(&policy, &snapshot));
    let mut promised = 0;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| uncommented(line).is_some()) {
        let above: Vec<&str> = text.lines().take(at).collect();
        let why = above.iter().rev().find(|line| line.contains("the only thing found in the way")).unwrap();
        let counts =
            why.split("; the only thing found in the way of ").skip(1).map(|rest| rest.split(')').next().unwrap());
        let frees: usize = counts.map(|count| count.parse::<usize>().unwrap()).sum();
        promised += frees;
        valid(&policy, &with(&text, &|number| number == at));
        assert_eq!(parked(&plan(&policy, &snapshot)), before + frees, "{why}\n{line}");
    }
    assert_eq!(promised, 5);
}

/// What a line costs stands right above it: data by the names of all volumes that it gives up, and pods that nothing makes
/// again, for which there is a line that loses none.
#[test]
fn a_line_that_loses_something_says_what_it_loses() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("cluster.yaml");
    let two =
        blocked().replace("[{name: tmp, emptyDir: {}}]", "[{name: tmp, emptyDir: {}}, {name: data-db, emptyDir: {}}]");
    assert_ne!(two, blocked());
    fs::write(&snapshot, two).unwrap();
    let text = init(&snapshot);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (lift, why, price) in [
        ("volumes: [data-db, tmp]}", "(volumes data-db, tmp) of ReplicaSet shop/cache", "LOSES DATA each time"),
        ("owners: [none]}, action: wait, atMost: 2h}", "without a controller", "`evict` LOSES it for good"),
    ] {
        let at = lines.iter().position(|line| line.contains(lift)).unwrap_or_else(|| panic!("{lift}: {text}"));
        assert!(lines[at - 1].contains(price), "{text}");
        assert!(lines[at - 2].contains(why), "{text}");
    }
    let data = lines.iter().find(|line| line.contains("LOSES DATA")).unwrap();
    assert!(data.contains("tmp") && data.contains("data-db"), "{data}");
}

/// What lets pods go is in force only where there are such pods; what protects people is there before they come.
#[test]
fn an_entry_that_matches_nothing_is_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("cluster.yaml");
    let workshop = fs::read_to_string(Path::new(EXAMPLES).join("jetstream-workshop/cluster.yaml")).unwrap();
    for (cluster, user, placeholder) in [
        (workshop.clone(), true, false),
        (workshop.replace("singleuser-server", "nobody"), true, false),
        (workshop.replace("component: hub", "component: user-placeholder"), true, true),
        (blocked(), false, false),
    ] {
        fs::write(&snapshot, cluster).unwrap();
        let text = init(&snapshot);
        let live = |what: &str| text.lines().any(|line| line.contains(what) && !line.trim_start().starts_with('#'));
        assert_eq!((live("singleuser-server"), live("user-placeholder")), (user, placeholder), "{text}");
    }
}

/// What the README says to do with a starter shows something: a zone of one's own, a lower `min`, a schedule and the
/// pool's line without their comments.
#[test]
fn the_way_of_the_readme_leads_from_nothing_to_do_to_a_plan() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (policy, cluster) = (path("policy.yaml"), path("cluster.json"));
    fs::copy(Path::new(EXAMPLES).join("jetstream-workshop/cluster.yaml"), &cluster).unwrap();
    let run = |args: &[&str]| {
        let output = tidegate(args);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {said}");
        said
    };
    run(&["init", "--snapshot", &cluster, "--out", &policy]);
    let now = |now: &str| run(&["plan", "-f", &policy, "--snapshot", &cluster, "--now", now]);
    assert!(now("2026-11-24T20:00").contains("No changes."));

    let starter = fs::read_to_string(&policy).unwrap();
    let zone = starter.lines().find(|line| line.starts_with("  timeZone: UTC")).unwrap();
    assert!(zone.contains("# yours, such as America/Denver") && zone.contains("`--now`"), "{zone}");
    let mut inside = false;
    let edited = starter.lines().map(|line| {
        inside = line == "  # schedules:" || inside && line.starts_with("  # ") && !line.contains("name: freezes");
        match line {
            _ if inside => line.replacen("# ", "", 1),
            _ if line.starts_with("  timeZone: ") => "  timeZone: America/Denver".to_owned(),
            _ if line.starts_with("      min: ") => "      min: 1".to_owned(),
            _ => line.replace("      # schedules: ", "      schedules: "),
        }
    });
    let edited: Vec<String> = edited.collect();
    fs::write(&policy, edited.join("\n")).unwrap();
    let said = run(&["validate", "-f", &policy, "--snapshot", &cluster]);
    assert_eq!(said.trim(), "Valid");
    let night = now("2026-11-24T20:00");
    assert!(night.contains("Tue 24 Nov 2026 20:00:00 MST") && night.contains(" to park (shelve"), "{night}");
    let early = now("2026-11-25T07:50");
    assert!(early.contains("min 10 by window working-hours/day until Wed 25 Nov 18:00 MST"), "{early}");
    let node = run(&["explain", "node/demo-k8s-node-nf-9", "-f", &policy, "--snapshot", &cluster]);
    assert!(node.contains("floor "), "{node}");
    let pod = run(&["explain", "pod/jhub/jupyter-dana", "--snapshot", &cluster]);
    assert!(pod.contains("jupyter-dana"), "{pod}");
    let sandbox = path("sandbox");
    run(&["sandbox", "create", &sandbox, "--snapshot", &cluster]);
    // It is half past four there, and the window wants all of them until six.
    run(&["sandbox", "advance", "2h", &sandbox]);
    let applied = tidegate(&["apply", "-f", &policy, "--sandbox", &sandbox, "--yes", "--no-wait"]);
    let shown = run(&["sandbox", "show", &sandbox]);
    assert!(shown.contains("parked by Tidegate"), "{}\n{shown}", String::from_utf8_lossy(&applied.stderr));
}

#[test]
fn a_cluster_without_workers_gets_no_invented_nodes() {
    let Some(data) = data() else { return };
    for name in ["k3s_troubleshoot_demo", "kind_troubleshoot_baseline", "popeye_lint_fixture"] {
        let snapshot = data.join("snapshots").join(format!("{name}.json.gz"));
        let text = init(&snapshot);
        let live: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        assert!(!live.iter().any(|line| line.contains("node-{1..3}")), "{name}: {text}");
        if live.contains(&"  pools: []") {
            assert!(
                text.contains("No pool was guessed. ") && text.contains("#     - name: workers")
                    || text.contains("#   - name: workers"),
                "{name}: {text}"
            );
        } else {
            assert!(live.iter().any(|line| line.starts_with("    - name: ")), "{name}: {text}");
        }
        try_all(&snapshot);
    }
}
