//! A plan claims nothing that it cannot know: unlisted pods and budgets, old snapshots, pods that are waited for.

use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::plan::{Code, Plan, Verb, plan, status, verify};
use tidegate::policy::Policy;
use tidegate::report::{plan_markdown, plan_text, status_text};

use super::fixture::{Cluster, WORKSHOP, at, merge, policy};
use super::{CALM, verbs};

/// The same cluster as if some kinds had not been listed.
fn without(cluster: &Cluster, kinds: &[&str]) -> Cluster {
    let mut items = cluster.items.clone();
    items.retain(|item| !kinds.contains(&item["kind"].as_str().unwrap()));
    let listed: &mut Vec<Value> = items[0]["kinds"].as_array_mut().unwrap();
    listed.retain(|kind| !kinds.contains(&kind.as_str().unwrap()));
    Cluster { items }
}

fn texts(plan: &Plan) -> [String; 2] {
    [plan_text(plan, 1000), plan_markdown(plan)]
}

fn verified(plan: &Plan, world: &World, policy: &Policy) {
    assert_eq!(verify(plan, world, policy), []);
}

/// Half an observation takes nothing away, and says so first, for each node too (H22, what always holds 8).
#[test]
fn without_pods_or_budgets_nothing_is_claimed_and_nothing_may_be_taken_away() {
    let mut cluster = Cluster::workers(3);
    cluster.pod("web-1", "worker-3", "web", "1");
    let policy = policy(WORKSHOP, "");
    for (kinds, head, word, nodes) in [
        (
            ["Pod"].as_slice(),
            "What runs on the nodes that go is unknown: pods were not listed. Plan: 2 to park",
            "what runs on it is unknown",
            2,
        ),
        (
            &["PodDisruptionBudget"],
            "Whether the pods may be evicted is unknown",
            "whether its pods may be evicted is unknown",
            1,
        ),
        (&["Pod", "PodDisruptionBudget"], "What runs on the nodes that go is unknown", "what runs on it is unknown", 2),
    ] {
        let cluster = without(&cluster, kinds);
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(verbs(&plan, Verb::Park).len(), 2, "{kinds:?}: made in full");
        assert!(!plan.complete && !plan.applyable, "{kinds:?}");
        assert!(plan.summary.text.starts_with(head), "{kinds:?}: {}", plan.summary.text);
        let drains: Vec<&str> =
            plan.steps.iter().filter(|step| step.verb == Verb::Drain).map(|step| step.reason.text.as_str()).collect();
        assert_eq!(drains.iter().filter(|text| text.contains(word)).count(), nodes, "{kinds:?}: {drains:?}");
        let refusal = plan.refusals.iter().find(|refusal| refusal.brake == "not-listed").unwrap();
        assert!(refusal.text.contains("`kubectl get nodes,pods,pdb,"), "{}", refusal.text);
        for text in texts(&plan) {
            if kinds.contains(&"Pod") {
                assert!(!text.contains("has another home") && !text.contains("nothing to move"), "{text}");
            }
            assert!(text.contains("not-listed"), "{text}");
        }
        verified(&plan, &cluster.world(), &policy);
        // The checker sees both a brake that is not said and one that does not hold.
        let mut silent = plan.clone();
        silent.refusals.clear();
        assert_ne!(verify(&silent, &cluster.world(), &policy), [], "{kinds:?}");
    }
    // Where no pod is evicted, unlisted budgets hold nothing up.
    let empty = without(&Cluster::workers(3), &["PodDisruptionBudget"]);
    let plan = empty.plan(&policy, CALM);
    let brakes: Vec<&str> = plan.refusals.iter().map(|refusal| refusal.brake.as_str()).collect();
    // Yet what is only half seen is not carried out, and the plan says so where it is made.
    assert_eq!(brakes, ["incomplete"]);
    assert!(plan.summary.text.ends_with("held back by brake incomplete."), "{}", plan.summary.text);
}

/// Every kind that a dump does not list is named, with what is not known without it; those that a removal rests on keep the
/// plan from being complete.
#[test]
fn each_kind_that_was_not_listed_is_named() {
    use tidegate::model::Kind;
    let policy = policy(WORKSHOP, "");
    let whole = Cluster::workers(3).plan(&policy, CALM);
    assert_eq!(whole.snapshot.unknown, Vec::<String>::new());
    assert!(!plan_text(&whole, 1000).contains("not listed"));
    // A class of a driver that counts its room.
    let mut full = Cluster::workers(3);
    full.items.extend([
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "later"},
               "provisioner": "d", "volumeBindingMode": "WaitForFirstConsumer"}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "d"},
               "spec": {"storageCapacity": true}}),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "worker-1"},
               "spec": {"drivers": [{"name": "d", "nodeID": "n"}]}}),
    ]);
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Node) {
        let name = kind.to_string();
        let cluster = without(&full, &[&name]);
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(plan.snapshot.unknown, std::slice::from_ref(&name));
        let needed = ["Pod", "PodDisruptionBudget", "ReplicaSet", "VolumeAttachment", "Server"].contains(&&*name);
        assert_eq!(plan.complete, !needed, "{name}");
        for text in texts(&plan) {
            assert_eq!(text.matches("not listed, so unknown: ").count(), 1, "{text}");
            assert!(text.contains(&format!("{name} (")), "{name}: {text}");
        }
        verified(&plan, &cluster.world(), &policy);
        let mut silent = plan.clone();
        silent.snapshot.unknown.clear();
        assert_ne!(verify(&silent, &cluster.world(), &policy), [], "{name}");
    }
    // `kubectl` prints nothing of what there is none of: where no class needs to know, nobody is told.
    for kinds in [&["CSIStorageCapacity"][..], &["CSIDriver", "CSIStorageCapacity"]] {
        let plan = without(&Cluster::workers(3), kinds).plan(&policy, CALM);
        assert_eq!(plan.snapshot.unknown, kinds, "a program is");
        assert!(texts(&plan).iter().all(|text| !text.contains("not listed")), "{kinds:?}");
    }
    // A dump of nodes and pods alone: still two sentences.
    let all: Vec<String> = Kind::ALL[2..18].iter().map(ToString::to_string).collect();
    let bare = without(&Cluster::workers(3), &all.iter().map(String::as_str).collect::<Vec<_>>());
    let text = plan_text(&bare.plan(&policy, CALM), 1000);
    assert_eq!(text.matches("not listed, so unknown: ").count(), 2, "{text}");
    assert!(text.contains("StatefulSet, DaemonSet, Job, ReplicationController (whether the owner"), "{text}");
}

/// What is asked for above the ceiling, or by hand, is no better known.
#[test]
fn other_reasons_to_go_say_what_is_unknown_too() {
    let cluster = without(&Cluster::workers(3), &["Pod"]);
    let plan = cluster.plan(&policy("      max: 1\n", ""), CALM);
    let first = plan.steps.iter().find(|step| step.reason.code == Code::AboveCeiling).unwrap();
    assert!(first.reason.text.ends_with("; what runs on it is unknown: pods were not listed"), "{}", first.reason.text);
}

/// What gives capacity back does not need pods (H6).
#[test]
fn a_wake_needs_no_pods() {
    let mut cluster = Cluster::workers(1);
    let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    cluster.node("worker-2", metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    let plan = without(&cluster, &["Pod"]).plan(&policy("      replicas: 2\n", ""), CALM);
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-2"]);
    assert_eq!(plan.refusals, []);
}

#[test]
fn a_node_with_a_pod_that_is_waited_for_does_not_claim_a_home_for_it() {
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: wait, atMost: 2h}\n";
    let policy = policy(WORKSHOP, drain);
    let reason = |cluster: &Cluster| {
        let plan = cluster.plan(&policy, CALM);
        plan.steps.iter().find(|step| step.node == "worker-2").unwrap().reason.text.clone()
    };
    let mut cluster = Cluster::workers(2);
    assert_eq!(reason(&cluster), "nothing on it has to move");
    cluster.pod("jhub/jupyter-ana", "worker-2", "", "1");
    assert_eq!(reason(&cluster), "jhub/jupyter-ana is waited for, nothing else on it has to move");
    cluster.pod("web-1", "worker-2", "web", "1");
    assert_eq!(reason(&cluster), "jhub/jupyter-ana is waited for, everything else on it has another home");
    cluster.pod("jhub/jupyter-bob", "worker-2", "", "1");
    assert_eq!(reason(&cluster), "2 pods are waited for, everything else on it has another home");
}

/// An old dump says so in every form; the age at which it does is the policy's.
#[test]
fn an_old_snapshot_is_called_old() {
    let cluster = Cluster::workers(2);
    for (brakes, now, said) in [
        ("", "2026-11-22T19:10:00Z", None),
        ("", "2026-11-22T19:11:00Z", Some("11 minutes older")),
        ("  brakes: {maxSnapshotAge: 1h}\n", "2026-11-22T19:59:00Z", None),
        ("", "2026-11-23T19:00:00Z", Some("24 hours older")),
        ("", "2026-12-02T19:00:00Z", Some("10 days older")),
        ("", "2030-05-02T19:00:00Z", Some("3 years older")),
    ] {
        let plan = cluster.plan(&policy(WORKSHOP, brakes), now);
        assert_eq!(plan.snapshot.old.is_some(), said.is_some(), "{now}: {:?}", plan.snapshot.old);
        for text in texts(&plan) {
            assert_eq!(text.contains("brakes.maxSnapshotAge"), said.is_some(), "{text}");
            assert!(said.is_none_or(|said| text.contains(said)), "{text}");
        }
    }
}

#[test]
fn the_last_node_that_takes_pods_does_not_go_in_silence() {
    const WORDS: &str = "No node that takes pods is left";
    let said = |cluster: &Cluster, pool: &str| {
        let plan = cluster.plan(&policy(pool, ""), CALM);
        assert!(!verbs(&plan, Verb::Park).is_empty());
        plan.summary.text.contains(WORDS)
    };
    let mut cluster = Cluster::workers(3);
    assert!(said(&cluster, "      min: 0\n"));
    assert!(!said(&cluster, "      min: 1\n"));
    // A control plane takes no pods; any other node does.
    let taint = json!({"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]});
    cluster.node("control-1", json!({}), taint, "ACTIVE");
    assert!(said(&cluster, "      min: 0\n"));
    cluster.node("spare-1", json!({}), json!({}), "ACTIVE");
    assert!(!said(&cluster, "      min: 0\n"));
}

/// A node that is about to wake is not called unneeded beside it.
#[test]
fn status_gives_the_reason_of_what_comes() {
    let mut cluster = Cluster::workers(1);
    for number in 2..=10 {
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    let parked: serde_json::Map<String, Value> =
        (2..=10).map(|n| (format!("worker-{n}"), json!({"parkedSince": "2026-11-20T00:00:00Z"}))).collect();
    cluster.memory(json!({"nodes": parked}));
    let policy = policy(WORKSHOP, "");
    let world = cluster.world();
    for (now, why) in [(CALM, "not needed"), ("2026-11-24T19:45:00Z", "the floor is 10 now")] {
        let plan = plan(&policy, &world, at(now)).0;
        let lines = status(&policy, &world, &plan);
        assert!(lines.iter().filter(|line| line.node != "worker-1").all(|line| line.why == why), "{now}: {lines:#?}");
        assert_eq!(status_text(&lines, &plan, 80).contains("not needed"), why == "not needed");
        // At the width that is there, or as words where no table fits.
        for width in [40, 50, 80, 160] {
            let text = status_text(&lines, &plan, width);
            let plain = anstream::adapter::strip_str(&text).to_string();
            let long = plain.lines().find(|line| line.chars().count() > width);
            assert_eq!(long, None, "{width}:\n{plain}");
            assert!(lines.iter().all(|line| plain.contains(&line.node)), "{plain}");
        }
    }
}

/// A line that gives data up names all of it, and one that loses pods stands behind one that does not.
#[test]
fn what_a_suggested_line_costs_is_said_with_it() {
    let mut cluster = Cluster::workers(3);
    let database = cluster.pod("prometheus-0", "worker-2", "prometheus", "1");
    merge(
        database,
        json!({"spec": {"volumes": [{"name": "config-out", "emptyDir": {}}, {"name": "prometheus-k8s-db", "emptyDir": {}}]}}),
    );
    let cache = cluster.pod("cache-0", "worker-3", "cache", "1");
    merge(cache, json!({"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}));
    cluster.pod("bare", "worker-1", "", "1");
    let plan = cluster.plan(&policy("      min: 0\n", ""), CALM);
    let blocker = |part: &str| plan.blockers.iter().find(|blocker| blocker.text.contains(part)).unwrap();
    let database = blocker("config-out");
    assert!(
        database.text.starts_with("local storage (volumes config-out, prometheus-k8s-db) of "),
        "{}",
        database.text
    );
    assert_eq!(
        database.lift[1],
        "  - {namespaces: [default], labels: {app: prometheus}, volumes: [config-out, prometheus-k8s-db]}"
    );
    assert!(
        database.hint.contains("LOSES DATA each time its node goes, prometheus-k8s-db by its name"),
        "{}",
        database.hint
    );
    let reason = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
    assert!(reason.reasons[0].text.contains("(emptyDir config-out, emptyDir prometheus-k8s-db)"), "{reason:?}");
    let cache = blocker("tmp");
    assert!(cache.text.contains("(volume tmp)") && cache.hint.contains("loses what is in tmp"), "{cache:?}");
    let bare = blocker("without a controller");
    assert_eq!(bare.lift[1], "  - {match: {namespaces: [default], owners: [none]}, action: wait, atMost: 2h}");
    assert_eq!(bare.lift[2], "  # or {match: {namespaces: [default], owners: [none]}, action: evict}");
    assert!(bare.hint.contains("`evict` LOSES it for good"), "{}", bare.hint);
}

/// What `kubectl get` without `-A` gives: every node, and the pods of one namespace.
#[test]
fn a_dump_of_some_namespaces_only_takes_nothing_away_and_says_why() {
    let namespace =
        |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": "c-1"}});
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
                 "claimRef": {"namespace": "other", "name": "db", "uid": "u-1"}, "csi": {"driver": "d", "volumeHandle": "h"}},
        "status": {"phase": "Bound"}});
    let attachment = |attached: bool| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
        "metadata": {"name": "a-1"}, "status": {"attached": attached},
        "spec": {"attacher": "d", "nodeName": "worker-2", "source": {"persistentVolumeName": "pv-1"}}})
    };
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "db", "namespace": "other", "uid": "u-1"}, "spec": {"volumeName": "pv-1"}});
    for (more, dns, expected) in [
        (vec![namespace("kube-system")], false, Some("3 nodes Ready and not one pod of kube-system")),
        (vec![namespace("kube-system")], true, None),
        (vec![namespace("jhub")], false, None),
        (vec![volume.clone(), attachment(true)], false, Some("the disk of claim other/db hangs on worker-2")),
        (vec![volume.clone(), attachment(false)], false, None),
        (vec![volume.clone(), attachment(true), claim], false, None),
    ] {
        let mut cluster = Cluster::workers(3);
        cluster.pod("jhub/hub-1", "worker-1", "hub", "100m");
        if dns {
            cluster.pod("kube-system/dns-1", "worker-1", "dns", "100m");
        }
        cluster.items.extend(more);
        let policy = policy("      min: 1\n      max: 10\n      keep: [worker-1]\n", "");
        // Tidegate's own list says where the API server is, and leaves no namespace out.
        let mut own = cluster.clone();
        own.items[0]["server"] = json!("https://127.0.0.1:6443");
        let whole = own.plan(&policy, CALM);
        assert_eq!((whole.complete, verify(&whole, &own.world(), &policy)), (true, Vec::new()));
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
        let refusal = plan.refusals.iter().find(|refusal| refusal.brake == "not-listed");
        assert_eq!(
            (plan.complete, plan.applyable, refusal.is_some()),
            match expected {
                Some(_) => (false, false, true),
                None => (true, true, false),
            },
            "{:?}",
            plan.caveats
        );
        let Some(expected) = expected else { continue };
        assert!(plan.caveats[0].contains(expected), "{:?}", plan.caveats);
        let text = &refusal.unwrap().text;
        assert!(text.contains(expected) && text.contains("kubectl get") && text.contains(" -A"), "{text}");
        assert!(plan.summary.text.contains("held back by brake not-listed"), "{}", plan.summary.text);
    }
}

/// The same where neither namespaces nor attachments were asked for.
#[test]
fn a_dump_without_namespaces_is_known_as_a_part_by_its_pods_and_by_the_disks_in_use() {
    let policy = policy("      min: 1\n      max: 10\n      keep: [worker-1]\n", "");
    let claim = json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "c"}}]}});
    for (namespaces, disk, claims, expected) in [
        (["jhub", "jhub"], false, false, Some("3 nodes Ready and every listed pod is in namespace jhub")),
        (["kube-system", "kube-system"], false, false, None),
        (["jhub", "kube-system"], false, false, None),
        (["jhub", "web"], false, false, None),
        (["jhub", "web"], true, false, Some("worker-1 has disk kubernetes.io/csi/d^h in use")),
        (["jhub", "web"], true, true, None),
    ] {
        let mut cluster = Cluster::workers(3);
        if disk {
            let in_use = json!({"status": {"volumesInUse": ["kubernetes.io/csi/d^h"]}});
            let node = cluster.items.iter_mut().find(|item| item["kind"] == "Node").unwrap();
            merge(node, in_use);
        }
        for (number, namespace) in namespaces.iter().enumerate() {
            let made = cluster.pod(&format!("{namespace}/p-{number}"), "worker-1", "app", "100m");
            if claims {
                merge(made, claim.clone());
            }
        }
        let context = format!("{namespaces:?}, disk {disk}, claims {claims}");
        // Whoever lists the namespaces as well has said that there are no others.
        for (kinds, held) in
            [(["Namespace", "VolumeAttachment"], expected.is_some()), (["VolumeAttachment", ""], false)]
        {
            let cluster = without(&cluster, &kinds);
            let plan = cluster.plan(&policy, CALM);
            assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{context}");
            let refusal = plan.refusals.iter().find(|refusal| refusal.brake == "not-listed");
            assert_eq!(refusal.is_some(), held, "{context}: {:?}", plan.caveats);
            let Some(refusal) = refusal else { continue };
            assert!(!plan.complete && !plan.applyable, "{context}");
            assert!(refusal.text.contains(expected.unwrap()), "{}", refusal.text);
            assert!(refusal.text.contains(" -A") && refusal.text.contains("`kubectl get ns -o json > ns.json`"));
            assert!(plan.caveats.iter().any(|caveat| caveat.contains(expected.unwrap())), "{:?}", plan.caveats);
        }
    }
}

/// The servers of another project are none of the nodes': nothing at all is done on their word.
#[test]
fn servers_of_another_cloud_hold_everything_back() {
    let policy = policy("      replicas: 3\n", "");
    for (there, refused) in [(0, true), (1, false), (3, false)] {
        let mut world = Cluster::workers(3).world();
        let ids: Vec<_> = world.servers.keys().skip(there).cloned().collect();
        for id in ids {
            world.apply(tidegate::model::Change::ServerGone(id));
        }
        let (plan, _) = tidegate::plan::plan(&policy, &world, at(CALM));
        assert_eq!(
            plan.refusals.iter().any(|refusal| refusal.brake == "other-cloud"),
            refused,
            "{there}: {:?}",
            plan.refusals
        );
        assert_eq!(tidegate::plan::verify(&plan, &world, &policy), [], "{there}");
    }
}
