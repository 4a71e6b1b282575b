//! Patches of Nodes: whom they may touch, what they leave, and what is kept outside of the Node meanwhile.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::cloud::{Joined, Polling};
use tidegate::cluster::live::Live;
use tidegate::cluster::{Cluster, ClusterError, NodeMark, NodePatch, NodeRecord, keys};
use tidegate::model::{Memory, Name, SUSPENDED, Server, Snapshot, Taint, TaintEffect};
use tidegate::observe::SnapshotFile;
use tidegate::sandbox::{Faults, Sandbox};

use super::fake::{Fake, MAPS, refusal};

const NODE: &str = "/api/v1/nodes/n";

fn node() -> Value {
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n", "uid": "first", "labels": {"pool": "gpu", "kubernetes.io/hostname": "n"},
            "annotations": {"owner": "ada"}},
        "spec": {"providerID": "openstack:///1", "podCIDRs": ["10.1.0.0/24"],
            "taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

async fn stage() -> Fake {
    let fake = Fake::start().await;
    fake.with(|objects| objects.put(NODE, node()));
    fake
}

fn record(mark: NodeMark) -> Name {
    let record = NodeRecord {
        mark,
        since: Timestamp::UNIX_EPOCH,
        policy: "p".into(),
        pool: "workers".into(),
        labels: BTreeSet::new(),
        annotations: BTreeSet::new(),
        taints: BTreeSet::new(),
        extended: [].into(),
        drivers: BTreeSet::new(),
        provider_id: None,
        zone: None,
    };
    record.to_annotation()
}

fn marks(mark: NodeMark) -> NodePatch {
    let annotations = [(Name::from(keys::RECORD), Some(record(mark)))].into();
    NodePatch { uid: "first".into(), annotations, ..NodePatch::default() }
}

fn cordon() -> NodePatch {
    NodePatch { unschedulable: Some(true), ..marks(NodeMark::Draining) }
}

fn give_back() -> NodePatch {
    let annotations = [(Name::from(keys::RECORD), None)].into();
    NodePatch { uid: "first".into(), unschedulable: Some(false), annotations, ..NodePatch::default() }
}

fn leaving() -> Taint {
    Taint { key: keys::LEAVING.into(), value: "".into(), effect: TaintEffect::PreferNoSchedule }
}

#[tokio::test]
async fn h12_cordon_mark_label_and_taint_are_one_request_that_names_its_version() {
    let fake = stage().await;
    let labels = [(Name::from(keys::EXCLUDE_FROM_LOAD_BALANCERS), Some("".into()))].into();
    let patch = NodePatch { labels, add_taints: [leaving()].into(), ..cordon() };
    let patched = fake.live.patch_node(&"n".into(), &patch).await.unwrap();
    assert!(patched.unschedulable && patched.annotations.contains_key(keys::RECORD));
    assert!(patched.labels.contains_key(keys::EXCLUDE_FROM_LOAD_BALANCERS));
    assert_eq!(patched.taints.len(), 2);
    assert_eq!(fake.asked("PATCH", NODE), 1);
    let body = fake.with(|objects| objects.log.iter().find(|(method, ..)| method == "PATCH").unwrap().2.clone());
    assert!(body["metadata"]["resourceVersion"].is_string());

    let back = NodePatch {
        labels: [(Name::from(keys::EXCLUDE_FROM_LOAD_BALANCERS), None)].into(),
        remove_taints: [leaving()].into(),
        ..give_back()
    };
    fake.live.patch_node(&"n".into(), &back).await.unwrap();
    let mut after = fake.object(NODE).unwrap();
    after["metadata"]["resourceVersion"] = Value::Null;
    let mut before = node();
    before["metadata"]["resourceVersion"] = Value::Null;
    assert_eq!(after, before, "nothing of ours is left");
}

#[tokio::test]
async fn a_conflict_is_overcome_where_nothing_that_is_changed_is_concerned() {
    let fake = stage().await;
    // A kubelet's heartbeat, and somebody's taint: neither is lost.
    fake.before("PATCH", NODE, |objects| objects.change(NODE, |node| node["status"]["beat"] = json!(1)));
    fake.before("PATCH", NODE, |objects| {
        objects.change(NODE, |node| {
            let taints = node["spec"]["taints"].as_array_mut().unwrap();
            taints.push(json!({"key": "theirs", "effect": "NoExecute", "timeAdded": "2026-11-22T12:00:00Z"}));
        });
    });
    let patch = NodePatch { add_taints: [leaving()].into(), ..cordon() };
    let patched = fake.live.patch_node(&"n".into(), &patch).await.unwrap();
    let taints: Vec<String> = patched.taints.iter().map(ToString::to_string).collect();
    assert_eq!(taints, ["gpu=yes:NoSchedule", "theirs:NoExecute", "tidegate.dev/leaving:PreferNoSchedule"]);
    let kept = &fake.object(NODE).unwrap()["spec"]["taints"][1]["timeAdded"];
    assert_eq!(kept, "2026-11-22T12:00:00Z", "what others wrote is written back whole");
    assert_eq!(fake.asked("PATCH", NODE), 3);
}

#[tokio::test]
async fn a_cordon_or_a_node_that_came_in_between_is_somebody_elses() {
    type Meddle = fn(&mut Value);
    let cordoned: Meddle = |node| node["spec"]["unschedulable"] = json!(true);
    let remade: Meddle = |node| node["metadata"]["uid"] = json!("second");
    for (on, meddle) in [("PATCH", cordoned), ("PATCH", remade), ("GET", cordoned), ("GET", remade)] {
        let fake = stage().await;
        fake.before(on, NODE, move |objects| objects.change(NODE, meddle));
        let answer = fake.live.patch_node(&"n".into(), &cordon()).await;
        assert!(matches!(answer, Err(ClusterError::Conflict(_))), "{answer:?}");
        let left = fake.object(NODE).unwrap();
        assert!(left["metadata"]["annotations"][keys::RECORD].is_null(), "{left}");
        assert!(fake.object(&format!("{MAPS}/tidegate-node-n")).is_none(), "what was not done needs no record");
    }
    // Somebody took our record off: the cordon is not ours any more.
    let fake = stage().await;
    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    let bare = |node: &mut Value| drop(node["metadata"]["annotations"].as_object_mut().unwrap().remove(keys::RECORD));
    fake.before("GET", NODE, move |objects| objects.change(NODE, bare));
    let answer = fake.live.patch_node(&"n".into(), &give_back()).await;
    assert!(matches!(answer, Err(ClusterError::Conflict(_))), "{answer:?}");
    assert_eq!(fake.object(NODE).unwrap()["spec"]["unschedulable"], true);
}

#[tokio::test]
async fn a_node_that_changes_all_the_time_is_left_to_be_tried_again() {
    let fake = stage().await;
    fake.answers("PATCH", NODE, vec![refusal(409, "Conflict", "the object has been modified"); 100]);
    let answer = fake.live.patch_node(&"n".into(), &cordon()).await;
    assert!(matches!(answer, Err(ClusterError::Conflict(_))), "{answer:?}");
    assert!(fake.asked("PATCH", NODE) < 20);
    let gone = fake.live.patch_node(&"m".into(), &cordon()).await;
    assert!(matches!(gone, Err(ClusterError::NotFound(_))), "{gone:?}");
}

#[tokio::test]
async fn the_condition_suspended_is_set_and_taken_away_beside_those_of_the_kubelet() {
    let fake = stage().await;
    for (suspended, conditions) in [(true, 2), (true, 2), (false, 1), (false, 1)] {
        let node = fake.live.suspend_node(&"n".into(), suspended).await.unwrap();
        assert_eq!((node.condition(SUSPENDED).is_some(), node.conditions.len()), (suspended, conditions));
        assert!(node.ready());
    }
    assert_eq!(fake.asked("PATCH", &format!("{NODE}/status")), 2, "what is so already is not written");
}

#[tokio::test]
async fn h24_a_record_is_kept_outside_of_the_node_from_the_cordon_until_it_is_given_back() {
    let fake = stage().await;
    let map = format!("{MAPS}/tidegate-node-n");
    let written = |fake: &Fake| {
        let text = fake.object(&map)?["data"]["record.json"].as_str().unwrap().to_owned();
        Some(serde_json::from_str::<Value>(&text).unwrap())
    };
    fake.live.patch_node(&"n".into(), &marks(NodeMark::Leaving)).await.unwrap();
    assert!(written(&fake).is_none(), "nothing of a soft taint would be missed");

    // It is there before the Node is cordoned, and a cordon without it is not made.
    fake.answers("POST", MAPS, vec![refusal(403, "Forbidden", "User \"x\" cannot create resource \"configmaps\"")]);
    let refused = fake.live.patch_node(&"n".into(), &cordon()).await.unwrap_err();
    let ClusterError::Forbidden { verb, what } = &refused else { panic!("{refused}") };
    assert!(verb == "create" && what.contains("configmap tidegate-node-n"), "{refused}");
    assert!(fake.object(NODE).unwrap()["spec"]["unschedulable"].is_null());

    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    fake.live.patch_node(&"n".into(), &marks(NodeMark::Parked)).await.unwrap();
    let kept = written(&fake).unwrap();
    assert_eq!(
        (&kept["uid"], &kept["providerId"], &kept["labels"]["pool"]),
        (&json!("first"), &json!("openstack:///1"), &json!("gpu"))
    );
    assert_eq!(kept["annotations"], json!({"owner": "ada"}), "ours is not among them");
    let annotation = fake.object(NODE).unwrap()["metadata"]["annotations"][keys::RECORD].clone();
    assert_eq!(kept["record"], annotation);

    fake.live.patch_node(&"n".into(), &give_back()).await.unwrap();
    assert!(written(&fake).is_none());
}

#[tokio::test]
async fn h24_a_record_that_a_crash_left_says_nothing_of_the_node_that_is_there_nor_of_the_next() {
    let fake = stage().await;
    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    // Killed between the record and the Node: no annotation, and the same UID.
    fake.with(|objects| objects.put(NODE, node()));
    let live = fake.another("tidegate").await;
    let [shown] = live.observe().await.unwrap().nodes.try_into().unwrap();
    assert_eq!(NodeRecord::of(&shown).unwrap(), None);
    assert!(!shown.unschedulable);
    live.remember(&Memory::default()).await.unwrap();
    assert!(fake.object(&format!("{MAPS}/tidegate-node-n")).is_none());
}

/// Half an observation does not stop a wake (H6): what could not be read of the records is read again before a Node counts
/// as one of which nothing is left.
#[tokio::test]
async fn h6_h24_records_that_could_not_be_read_are_read_again_before_nothing_is_left_of_a_node() {
    let fake = stage().await;
    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    fake.live.patch_node(&"n".into(), &marks(NodeMark::Parked)).await.unwrap();
    fake.with(|objects| objects.all.remove(NODE));
    let live = fake.another("tidegate").await;
    let no = || refusal(403, "Forbidden", "not now");
    fake.answers("GET", MAPS, vec![no(), no()]);
    let seen = live.observe().await.unwrap();
    assert!(seen.nodes.is_empty() && seen.gaps.iter().any(|gap| gap.contains("list configmaps")), "{:?}", seen.gaps);
    let touched = live.patch_node(&"n".into(), &NodePatch::default()).await;
    assert!(matches!(touched, Err(ClusterError::Forbidden { .. })), "{touched:?}");
    let made = live.patch_node(&"n".into(), &NodePatch::default()).await.unwrap();
    assert_eq!((&*made.uid, made.unschedulable), ("first", true));
    assert_eq!(NodeRecord::of(&made).unwrap().unwrap().mark, NodeMark::Parked);

    fake.with(|objects| {
        objects.all.remove(NODE);
        objects.all.remove(&format!("{MAPS}/tidegate-node-n"))
    });
    let live = fake.another("tidegate").await;
    assert!(live.observe().await.unwrap().gaps.is_empty());
    let touched = live.patch_node(&"n".into(), &NodePatch::default()).await;
    assert!(matches!(touched, Err(ClusterError::NotFound(_))), "{touched:?}");
}

/// A file that `snapshot` writes shows what a plan made here sees.
async fn reads_back(live: &Live) -> Snapshot {
    let (mut file, mut bytes) = (SnapshotFile::default(), Vec::new());
    let snapshot = live.observe_into(Some(&mut file)).await.unwrap();
    file.write(&snapshot, &mut bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.json");
    std::fs::write(&path, &bytes).unwrap();
    let read = tidegate::observe::read(&[path]).unwrap();
    assert_eq!(read.nodes, snapshot.nodes);
    snapshot
}

#[tokio::test]
async fn h24_a_node_that_was_deleted_while_parked_is_made_again_and_gets_back_what_it_lost() {
    let fake = stage().await;
    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    fake.live.patch_node(&"n".into(), &marks(NodeMark::Parked)).await.unwrap();
    fake.with(|objects| objects.all.remove(NODE));

    // Another process, later: the record stands in for the Node.
    let live = fake.another("tidegate").await;
    let snapshot = reads_back(&live).await.nodes;
    let [shown] = snapshot.as_slice() else { panic!("{snapshot:?}") };
    for (server, there) in [("1", true), ("2", false)] {
        let server = Server { id: server.into(), ..Server::default() };
        let provider =
            Sandbox::in_memory(Snapshot { servers: vec![server], ..Snapshot::default() }, &Faults::default());
        let joined = Joined::new(&live, &provider, Polling::default()).observe().await.unwrap();
        assert_eq!(joined.nodes.len(), usize::from(there), "nobody wants a Node back whose server is gone too");
    }
    assert_eq!((&*shown.name, &*shown.uid, shown.unschedulable, shown.ready()), ("n", "first", true, false));
    assert_eq!(NodeRecord::of(shown).unwrap().unwrap().mark, NodeMark::Parked);

    // The first patch makes it again, cordoned; then its kubelet registers anew, and knows nothing.
    let made = live.patch_node(&"n".into(), &marks(NodeMark::Waking)).await.unwrap();
    assert_eq!((&*made.uid, made.unschedulable, made.labels.len(), made.taints.len()), ("first", true, 2, 1));
    let object = fake.object(NODE).unwrap();
    assert_eq!(
        (&object["spec"]["providerID"], &object["spec"]["podCIDRs"]),
        (&json!("openstack:///1"), &json!(["10.1.0.0/24"]))
    );
    fake.with(|objects| {
        let labels = json!({"kubernetes.io/hostname": "n2"});
        let fresh =
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "third", "labels": labels}});
        objects.put(NODE, fresh);
    });
    let seen = live.node(&"n".into()).await.unwrap().unwrap();
    assert_eq!((&*seen.uid, NodeRecord::of(&seen).unwrap().unwrap().mark), ("first", NodeMark::Waking));

    assert_eq!(&*reads_back(&fake.another("tidegate").await).await.nodes[0].uid, "first");
    let back = live.patch_node(&"n".into(), &give_back()).await.unwrap();
    assert_eq!(back.labels.get("pool").map(|pool| &**pool), Some("gpu"));
    assert_eq!(back.labels.get("kubernetes.io/hostname").map(|name| &**name), Some("n2"), "what it says itself stays");
    assert_eq!(back.annotations.get("owner").map(|owner| &**owner), Some("ada"));
    assert!(!back.annotations.contains_key(keys::RECORD) && !back.unschedulable);
    assert_eq!(back.taints.iter().map(ToString::to_string).collect::<Vec<_>>(), ["gpu=yes:NoSchedule"]);
    assert!(fake.object(&format!("{MAPS}/tidegate-node-n")).is_none());
    assert_eq!(&*live.node(&"n".into()).await.unwrap().unwrap().uid, "third", "it is itself from now on");
}

/// A person made another machine of that name: nothing of the one that was parked is put onto it (H23, H24).
#[tokio::test]
async fn h24_another_machine_of_that_name_gets_nothing_of_the_one_that_was_parked() {
    let fake = stage().await;
    let rough = json!([{"key": "gpu", "value": "yes", "effect": "NoExecute"}]);
    fake.with(|objects| objects.change(NODE, |node| node["spec"]["taints"] = rough.clone()));
    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    let mut other = node();
    other["metadata"]["uid"] = json!("second");
    other["metadata"]["labels"] = json!({"mine": "yes"});
    other["spec"] = json!({"providerID": "openstack:///2"});
    fake.with(|objects| objects.put(NODE, other.clone()));
    let seen = Cluster::observe(&fake.live).await.unwrap();
    let node = seen.nodes.iter().find(|node| &*node.name == "n").unwrap();
    assert_eq!((&*node.uid, node.annotations.contains_key(keys::RECORD)), ("second", false));
    let gives = NodePatch { uid: "second".into(), ..give_back() };
    assert!(matches!(fake.live.patch_node(&"n".into(), &gives).await, Err(ClusterError::Conflict(_))));
    let after = fake.object(NODE).unwrap();
    assert_eq!((&after["metadata"]["labels"], &after["spec"]["taints"]), (&json!({"mine": "yes"}), &Value::Null));
}

/// The same machine whose Node was made anew and takes pods already: a NoExecute taint would throw them off it.
#[tokio::test]
async fn h24_what_takes_pods_gets_no_taint_that_throws_them_off() {
    for cordoned in [false, true] {
        let fake = stage().await;
        let taints = json!([{"key": "gpu", "effect": "NoExecute"}, {"key": "soft", "effect": "NoSchedule"}]);
        fake.with(|objects| objects.change(NODE, |node| node["spec"]["taints"] = taints.clone()));
        fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
        let mut anew = node();
        anew["metadata"]["uid"] = json!("second");
        anew["spec"] = json!({"providerID": "openstack:///1", "unschedulable": cordoned});
        fake.with(|objects| objects.put(NODE, anew.clone()));
        Cluster::observe(&fake.live).await.unwrap();
        fake.live.patch_node(&"n".into(), &give_back()).await.unwrap();
        let after = fake.object(NODE).unwrap();
        let effects: BTreeSet<&str> =
            after["spec"]["taints"].as_array().unwrap().iter().map(|taint| taint["effect"].as_str().unwrap()).collect();
        assert_eq!(effects.contains("NoExecute"), cordoned, "{after}");
        assert!(effects.contains("NoSchedule"), "{after}");
    }
}

/// What people did to a Node between its cordon and its deletion comes back with it.
#[tokio::test]
async fn h24_what_was_set_on_a_node_after_its_cordon_is_kept_when_it_is_deleted() {
    let fake = stage().await;
    fake.live.patch_node(&"n".into(), &cordon()).await.unwrap();
    fake.with(|objects| {
        objects.change(NODE, |node| {
            node["metadata"]["labels"]["class"] = json!("bio");
            node["spec"]["taints"].as_array_mut().unwrap().push(json!({"key": "broken", "effect": "NoSchedule"}));
        });
    });
    fake.live.delete_node(&"n".into(), &"first".into()).await.unwrap();
    assert!(fake.object(NODE).is_none());
    Cluster::observe(&fake.live).await.unwrap();
    fake.live.patch_node(&"n".into(), &marks(NodeMark::Waking)).await.unwrap();
    let back = fake.object(NODE).unwrap();
    assert_eq!(back["metadata"]["labels"]["class"], "bio");
    let keys: BTreeSet<&str> =
        back["spec"]["taints"].as_array().unwrap().iter().map(|taint| taint["key"].as_str().unwrap()).collect();
    assert_eq!((keys, back["spec"]["unschedulable"].as_bool()), (["broken", "gpu"].into(), Some(true)));
}
