//! What dumps mean: every shape that kubectl writes, and every malformed object, has one defined reading.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod live;

use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{
    Claim, ClaimSpec, Disk, IntOrPercent, Kind, PersistentVolume, Phase, Selector, ServerState, Snapshot,
    UnhealthyPodEviction, VolumeSource, WorkloadKind, World,
};
use tidegate::observe::{self, Builder, ObserveError};

fn text(text: &str) -> Result<Snapshot, ObserveError> {
    let mut builder = Builder::default();
    observe::read_bytes("dump", text.as_bytes(), &mut builder)?;
    Ok(builder.finish())
}

fn one(object: Value) -> Snapshot {
    let snapshot = observe::from_values([object]);
    assert!(snapshot.gaps.is_empty(), "{:?}", snapshot.gaps);
    snapshot
}

fn pod(spec: Value, status: Value) -> tidegate::model::Pod {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": spec, "status": status});
    one(object).pods.remove(0)
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.nodes.iter().map(|node| node.name.to_string()).collect()
}

const A: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}"#;
const B: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"b"}}"#;

#[test]
fn every_shape_of_dump_reads_alike() {
    for shape in [
        format!(r#"{{"apiVersion":"v1","items":[{A},{B}],"kind":"List","metadata":{{"resourceVersion":""}}}}"#),
        format!(r#"{{"kind":"List","metadata":{{}},"items":[{A} , {B}]}}"#),
        format!("{A}\n{B}"),
        format!("{A}{B}"),
        format!("[{A},{B}]"),
        format!("\u{feff}\r\n {A} {{\"kind\":\"List\",\"items\":[{B}]}}"),
        format!(r#"{{"kind":"List","items":null}}{A}{{"kind":"List","items":[]}}{B}"#),
        r#"{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#.into(),
        "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Node\nmetadata:\n  name: b\n".into(),
        "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: b\nkind: List\n".into(),
        "---\n- {kind: Node, metadata: {name: a}}\n- {kind: Node, metadata: {name: b}}\n---\n".into(),
    ] {
        let snapshot = text(&shape).unwrap_or_else(|error| panic!("{shape}: {error}"));
        assert_eq!(names(&snapshot), ["a", "b"], "{shape}");
        assert_eq!(snapshot.gaps, [""; 0], "{shape}");
    }
}

#[test]
fn several_files_make_one_snapshot_packed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("a.json"), folder.path().join("b.json.gz"));
    std::fs::write(&plain, A).unwrap();
    let mut gz = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gz.write_all(B.as_bytes()).unwrap();
    gz.finish().unwrap();
    assert_eq!(names(&observe::read(&[packed.clone(), plain]).unwrap()), ["a", "b"]);
    let cut = std::fs::read(&packed).unwrap();
    std::fs::write(&packed, &cut[..cut.len() / 2]).unwrap();
    let error = observe::read(&[packed]).unwrap_err();
    assert!(matches!(error, ObserveError::File { .. }), "{error}");
}

/// Which file is named first means nothing, even where two of them say something different of one object.
#[test]
fn the_order_of_the_files_means_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let of = |time: &str, unschedulable: bool| {
        let about = json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot", "context": time, "taken": time});
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
            "spec": {"unschedulable": unschedulable}});
        format!("{about}\n{node}")
    };
    let (a, b) =
        (file("1.json", &of("2026-11-22T10:00:00Z", true)), file("2.json", &of("2026-11-22T11:00:00Z", false)));
    let read =
        |files: &[&PathBuf]| observe::read(&files.iter().map(|file| (*file).clone()).collect::<Vec<_>>()).unwrap();
    let once = read(&[&a, &b]);
    assert!(once.gaps[0].contains("2.json") && once.gaps[0].contains("is there twice and differs"), "{:?}", once.gaps);
    assert!(once.gaps.len() == 1 && !once.nodes[0].unschedulable);
    assert_eq!(read(&[&b, &a]), once);
    assert_eq!(read(&[&b, &a, &b]), once, "and each once");
}

/// Nothing is decided about a mixture of two clusters.
#[test]
fn objects_of_two_clusters_are_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, object: Value| {
        std::fs::write(folder.path().join(name), format!("{A}{object}")).unwrap();
        folder.path().join(name)
    };
    let system =
        |uid: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": uid}});
    let ours = |uid: &str| json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot", "clusterUID": uid});
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "uid": "u-9"}});
    let (one, two) = (file("one.json", system("u-1")), file("two.json", system("u-2")));
    let (about_one, about_two) = (file("about-1.json", ours("u-1")), file("about-2.json", ours("u-2")));
    let web = file("web.json", other);
    for (files, both) in [
        ([&one, &two], ["u-1 (", "one.json"]),
        ([&two, &one], ["u-2 (", "two.json"]),
        ([&about_one, &two], ["u-1 (", "about-1.json"]),
        ([&about_two, &one], ["u-2 (", "about-2.json"]),
    ] {
        let error = observe::read(&files.map(Clone::clone)).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ObserveError::TwoClusters { .. }), "{text}");
        assert!(both.iter().all(|part| text.contains(part)) && text.contains("name the files of one"), "{text}");
    }
    for files in [[&one, &about_one], [&one, &web], [&one, &one]] {
        assert_eq!(observe::read(&files.map(Clone::clone)).unwrap().cluster.as_deref(), Some("u-1"));
    }
    // Whatever the source is: half a word about it is a gap, and nothing is taken away.
    let mixed = observe::from_values([system("u-1"), system("u-2")]);
    assert!(mixed.gaps.iter().any(|gap| gap.contains("different clusters")), "{:?}", mixed.gaps);
}

#[test]
fn files_that_are_no_dump_are_errors_with_a_position() {
    for (content, expected) in [
        ("", "dump holds no Kubernetes object"),
        (" \n\n", "dump holds no Kubernetes object"),
        ("{}", "dump holds no Kubernetes object"),
        ("[1, 2]", "dump holds no Kubernetes object"),
        (
            "kind: CapacityPolicy\napiVersion: tidegate.dev/v1alpha1\n",
            "dump holds no Kubernetes object: this is a policy",
        ),
        ("{\"kind\":\"List\",\"items\":{\"a\":1}}", "dump holds no Kubernetes object: `items` is not a list"),
        ("{\"kind\":\"List\",\"items\":null}", "dump holds no Kubernetes object: `items` is not a list"),
        ("kind: List\nitems: null\n", "dump holds no Kubernetes object: `items` is not a list"),
        ("kind: List\nitems: {a: 1}\n", "dump:2:"),
        ("{\"kind\":5,\"items\":[]}", "dump holds no Kubernetes object: nothing in it is of a kind"),
        (
            "{\"kind\":\"List\",\"items\":[{\"kind\":\"ConfigMap\"}]}",
            "dump holds no Kubernetes object: nothing in it is of a kind",
        ),
        ("{\"kind\":\"Node\",\n \"metadata\":{\"name\":\"a\"}", "dump:2:25: the text ends in the middle of an object"),
        ("{\"kind\":\"List\",\"items\":[\n{\"kind\":\"Node\",,}]}", "dump:2:16: key must be a string"),
        ("{\"kind\":\"List\",\"items\":[\n{\"kind\":\"No", "dump:2:11: EOF while parsing"),
        ("{\"items\":[{}] \"kind\"", "dump:1:15: expected `}`"),
        ("{\"kind\": nope}", "dump:1:10: "),
        ("kind: Node\n\tmetadata: x\n", "dump:1:7: while scanning a plain scalar, found a tab"),
        ("just words", "dump:1:"),
    ] {
        let error = text(content).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{content:?}: {error}");
    }
    for empty in ["{\"kind\":\"List\",\"items\":[]}", "{\"items\":[],\"kind\":\"PodList\"}", "kind: List\nitems: []\n"]
    {
        assert!(text(empty).is_ok(), "{empty}");
    }
    assert!(matches!(observe::read(&[]), Err(ObserveError::NoFile)));
    let missing = observe::read(&[PathBuf::from("no/such/file.json")]).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read no/such/file.json: "), "{missing}");
}

#[test]
fn hostile_depth_and_aliases_end_in_a_message() {
    for deep in ["[".repeat(1_000_000), format!("{{\"kind\":\"List\",\"items\":[{}", "{\"a\":".repeat(100_000))] {
        assert!(matches!(text(&deep), Err(ObserveError::Syntax { .. })));
    }
    let balanced = format!(
        "{{\"kind\":\"Node\",\"metadata\":{{\"name\":\"n\",\"labels\":{}{}}}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(text(&balanced).unwrap().gaps.len(), 1);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nkind: [*c,*c,*c,*c,*c]\n";
    assert!(matches!(text(bomb), Err(ObserveError::Syntax { .. })));
    assert!(matches!(text(&format!("kind: {}", "[".repeat(100_000))), Err(ObserveError::Syntax { .. })));
}

#[test]
fn an_object_that_cannot_be_read_is_a_gap_and_the_rest_goes_on() {
    let bad_pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"x","name":"p"},"spec":{"containers":[{"resources":{"requests":{"cpu":"many"}}}]}}"#;
    let snapshot = text(&format!(
        "{{\"kind\":\"List\",\"items\":[\n{A},\n{bad_pod},\n7,\n{{\"metadata\":{{}}}},\n{{\"kind\":\"Node\",\"metadata\":{{}}}},\n{{\"kind\":\"Node\",\"metadata\":{{\"name\":\"c\"}},\"spec\":5}},\n{B}]}}"
    ))
    .unwrap();
    assert_eq!(names(&snapshot), ["a", "b"]);
    assert!(snapshot.observed.contains(&Kind::Pod), "the kind was listed, though its only object cannot be read");
    let expected = [
        "dump:3: Pod x/p cannot be read and is left out: `many` is not a quantity",
        "dump:4: this is not a Kubernetes object",
        "dump:5: an object without `kind`",
        "dump:6: Node  cannot be read and is left out: it has no `metadata.name`",
        "dump:7: Node c cannot be read and is left out: ",
    ];
    assert_eq!(snapshot.gaps.len(), expected.len(), "{:?}", snapshot.gaps);
    for (gap, expected) in snapshot.gaps.iter().zip(expected) {
        assert!(gap.starts_with(expected), "{gap}");
    }
}

#[test]
fn of_two_objects_with_one_key_the_later_counts() {
    let cordoned = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"spec":{"unschedulable":true}}"#;
    let snapshot = text(&format!("{A}\n{cordoned}")).unwrap();
    assert!(snapshot.nodes.len() == 1 && snapshot.nodes[0].unschedulable);
    assert_eq!(snapshot.gaps, ["dump:2: Node a is there twice and differs: the later one counts"]);
    assert_eq!(text(&format!("{A}{A}")).unwrap().gaps, [""; 0], "the same thing said twice is no gap");
}

#[test]
fn absent_kinds_are_unknown_unless_the_dump_says_that_they_were_listed() {
    let snapshot = text(A).unwrap();
    assert_eq!(snapshot.observed.iter().collect::<Vec<_>>(), [&Kind::Node]);
    let listed = observe::from_values([
        serde_json::from_str(A).unwrap(),
        json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot", "context": "prod", "clusterUID": "u-1",
               "taken": "2026-03-01T10:00:00Z", "kinds": ["Pod", "PodDisruptionBudget", "ConfigMap"]}),
        json!({"apiVersion": "apps/v1", "kind": "StatefulSetList", "items": []}),
    ]);
    let kinds: Vec<_> = listed.observed.iter().copied().collect();
    assert_eq!(kinds, [Kind::Node, Kind::Pod, Kind::PodDisruptionBudget, Kind::StatefulSet]);
    assert_eq!((listed.context.as_deref(), listed.cluster.as_deref()), (Some("prod"), Some("u-1")));
    assert_eq!((listed.taken, listed.taken_inferred), (Some("2026-03-01T10:00:00Z".parse().unwrap()), false));
}

#[test]
fn unknown_kinds_are_counted_and_those_with_a_scale_are_owners() {
    let snapshot = observe::from_values([
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}),
        json!({"apiVersion": "longhorn.io/v1beta2", "kind": "Node", "metadata": {"name": "n"}}),
        json!({"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": {"name": "j"}}),
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r", "namespace": "a", "uid": "u"}, "spec": {"replicas": 3}}),
    ]);
    let skipped: Vec<_> = snapshot.skipped.iter().map(|(kind, count)| (&**kind, *count)).collect();
    assert_eq!(skipped, [("ConfigMap", 2), ("Job", 1), ("Node", 1)]);
    assert!(snapshot.nodes.is_empty() && snapshot.observed.is_empty());
    assert_eq!(snapshot.workloads[0].kind, WorkloadKind::Scaled("Rollout".into()));
    assert_eq!(snapshot.workloads[0].replicas, Some(3));
}

#[test]
fn when_a_dump_was_taken_is_the_newest_past_moment_in_it() {
    let snapshot = observe::from_values([
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "creationTimestamp": "2026-01-01T00:00:00Z"},
               "status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-02T00:00:00Z", "lastTransitionTime": null}]}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "deletionTimestamp": "2026-02-01T00:00:00Z"}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n", "namespace": "kube-node-lease"},
               "spec": {"renewTime": "2026-01-03T04:05:06.789012Z"}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "leader", "namespace": "x"}, "spec": {}}),
    ]);
    assert_eq!(snapshot.taken, Some("2026-01-03T04:05:06.789012Z".parse().unwrap()));
    assert!(snapshot.taken_inferred);
    assert_eq!(snapshot.leases.len(), 1);
}

#[test]
fn malformed_pods_have_a_meaning() {
    let bare = pod(json!(null), json!(null));
    assert!(bare.spec.no_containers && bare.phase == Phase::Pending && !bare.ready && bare.owner.is_none());
    assert_eq!((bare.spec.requests.pods, bare.spec.requests.cpu, bare.spec.scored), (1, 0, (0, 0)));
    assert_eq!((&*bare.uid, bare.spec.grace_seconds, bare.node), ("a/p", 30, None));
    let lost = pod(json!({"nodeName": "gone", "containers": [{}]}), json!({"phase": "Running"}));
    let world = World::build(observe::from_values([json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "a"}, "spec": {"nodeName": "gone", "containers": [{}]}})]));
    assert_eq!(lost.node.as_deref(), Some("gone"));
    assert_eq!(world.pods_on("gone").count(), 1, "a pod on a node that is not there still stands on it");
}

#[test]
fn pods_say_how_they_are() {
    let sick = pod(
        json!({"containers": [{"name": "c"}]}),
        json!({"phase": "Running",
               "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
               "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
    );
    assert!(sick.crash_looping && !sick.ready && sick.ready_since.is_some() && !sick.marked_unschedulable);
    let waiting = pod(
        json!({"schedulingGates": [{"name": "g"}]}),
        json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
    );
    assert!(waiting.marked_unschedulable && waiting.spec.gates.len() == 1);
    let gated = pod(
        json!({}),
        json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}),
    );
    assert!(!gated.marked_unschedulable);
}

#[test]
fn volumes_and_ports_that_matter_are_kept() {
    let spec = pod(
        json!({"hostNetwork": true,
               "initContainers": [{"restartPolicy": "Always", "ports": [{"containerPort": 9}]}, {"ports": [{"containerPort": 8}]}],
               "containers": [{"ports": [{"containerPort": 80, "hostPort": 8080, "hostIP": "10.0.0.1", "protocol": "UDP"}, {"containerPort": 443}]}],
               "volumes": [{"name": "h", "hostPath": {"path": "/"}}, {"name": "e", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory"}},
                           {"name": "c", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "s", "secret": {}}, {"name": "k", "configMap": {}},
                           {"name": "p", "projected": {}}, {"name": "x", "ephemeral": {}}, {"name": "d", "csi": {"driver": "drv"}},
                           {"name": "n", "nfs": {"server": "s"}}, {"name": "bare"}]}),
        json!({}),
    )
    .spec;
    let ports: Vec<_> =
        spec.host_ports.iter().map(|port| format!("{} {} {}", port.address, port.protocol, port.port)).collect();
    assert_eq!(ports, ["0.0.0.0 TCP 9", "0.0.0.0 TCP 443", "10.0.0.1 UDP 8080"]);
    let volumes: Vec<_> = spec.volumes.iter().map(|volume| (&*volume.name, volume.source.clone())).collect();
    assert_eq!(
        volumes,
        [
            ("bare", VolumeSource::EmptyDir { memory: false }),
            ("c", VolumeSource::Claim("data".into())),
            ("d", VolumeSource::Csi("drv".into())),
            ("e", VolumeSource::EmptyDir { memory: false }),
            ("h", VolumeSource::HostPath),
            ("m", VolumeSource::EmptyDir { memory: true }),
            ("n", VolumeSource::Other("nfs".into())),
            ("x", VolumeSource::Ephemeral(Box::default())),
        ]
    );
}

#[test]
fn in_tree_disks_and_templates_of_claims_are_read() {
    let spec = pod(
        json!({"volumes": [
            {"name": "a", "awsElasticBlockStore": {"volumeID": "aws://eu-1a/vol-1", "readOnly": true}},
            {"name": "b", "rbd": {"monitors": ["m2", "m1"], "image": "i", "pool": "p"}},
            {"name": "c", "cinder": {"volumeID": "v"}},
            {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}}}}}},
        ]}),
        json!({}),
    )
    .spec;
    let disks: Vec<_> = (spec.volumes.iter())
        .filter_map(|volume| if let VolumeSource::Disk(disk) = &volume.source { Some(disk) } else { None })
        .map(|disk| {
            (&*disk.kind, &*disk.id, disk.read_only, disk.disk.as_ref().map(|disk| (&*disk.driver, &*disk.handle)))
        })
        .collect();
    assert_eq!(
        disks,
        [
            ("awsElasticBlockStore", "aws://eu-1a/vol-1", true, Some(("ebs.csi.aws.com", "vol-1"))),
            ("rbd", "p/i", false, None),
            ("cinder", "v", false, Some(("cinder.csi.openstack.org", "v"))),
        ]
    );
    let asked = ClaimSpec {
        class: Some("fast".into()),
        access_modes: ["ReadWriteOnce".into()].into(),
        bytes: 1 << 30,
        ..ClaimSpec::default()
    };
    assert_eq!(spec.volumes.last().unwrap().source, VolumeSource::Ephemeral(Box::new(asked)));
}

#[test]
fn claims_and_volumes_keep_what_binds_them() {
    let claim = |meta: Value, spec: Value, phase: &str| -> Claim {
        let mut object = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "a"},
            "spec": spec, "status": {"phase": phase}});
        object["metadata"].as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
        one(object).claims.remove(0)
    };
    let plain = claim(json!({}), json!({}), "Pending");
    assert!(!plain.bound && !plain.lost && !plain.deleting && plain.volume.is_none() && plain.selected_node.is_none());
    assert_eq!((&*plain.uid, &plain.spec), ("a/c", &ClaimSpec::default()));
    let full = claim(
        json!({"uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"kind": "Pod", "name": "p", "controller": true}],
            "annotations": {"pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "n",
                            "volume.beta.kubernetes.io/storage-class": "old"}}),
        json!({"volumeName": "v", "storageClassName": "new", "accessModes": ["ReadWriteOncePod"], "volumeMode": "Block",
            "resources": {"requests": {"storage": "1500Mi"}}, "selector": {"matchLabels": {"k": "v"}}, "volumeAttributesClassName": "gold"}),
        "Lost",
    );
    assert!(full.bound && full.lost && full.deleting && full.spec.block && full.spec.selector.is_some());
    assert_eq!(
        (full.volume.as_deref(), full.selected_node.as_deref(), full.owner.as_deref()),
        (Some("v"), Some("n"), Some("a/p"))
    );
    assert_eq!(
        (full.spec.class.as_deref(), full.spec.bytes),
        (Some("old"), 1500 << 20),
        "the beta annotation goes first"
    );
    assert_eq!(claim(json!({}), json!({"storageClassName": ""}), "Bound").spec.class, None);

    let volume = |meta: Value, spec: Value| -> PersistentVolume {
        let mut object = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": spec, "status": {"phase": "Available"}});
        object["metadata"].as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
        one(object).volumes.remove(0)
    };
    let disk =
        |driver: &str, handle: &str, in_tree| Some(Disk { driver: driver.into(), handle: handle.into(), in_tree });
    let zone = json!({"labels": {"topology.kubernetes.io/zone": "z1__z2"}});
    for (meta, spec, expected) in [
        (json!({}), json!({"csi": {"driver": "d", "volumeHandle": "h"}}), disk("d", "h", false)),
        (json!({}), json!({"csi": {"driver": "d"}}), disk("d", "", false)),
        (json!({}), json!({"cinder": {"volumeID": "h"}}), disk("cinder.csi.openstack.org", "h", true)),
        (json!({}), json!({"azureDisk": {"diskURI": "/h"}}), disk("disk.csi.azure.com", "/h", true)),
        (zone, json!({"gcePersistentDisk": {"pdName": "h"}}), disk("pd.csi.storage.gke.io", "z1__z2/h", true)),
        (json!({}), json!({"portworxVolume": {"volumeID": "h"}}), disk("pxd.portworx.com", "h", true)),
        (json!({}), json!({"nfs": {"server": "s"}}), None),
    ] {
        assert_eq!(volume(meta, spec.clone()).disk, expected, "{spec}");
    }
    let full = volume(
        json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "labels": {"k": "v"}}),
        json!({"capacity": {"storage": "1Gi"}, "storageClassName": "s", "volumeMode": "Filesystem", "local": {"path": "/"},
            "claimRef": {"namespace": "a", "name": "c", "uid": "u"}}),
    );
    assert!(full.available && full.deleting && full.local && !full.block);
    assert_eq!((full.bytes, full.class.as_deref(), full.claim_uid.as_deref()), (1 << 30, Some("s"), Some("u")));
    let csi = one(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
        "metadata": {"name": "n", "annotations": {"storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/cinder,kubernetes.io/gce-pd"}},
        "spec": {"drivers": [{"name": "d", "allocatable": {"count": 3}}, {"name": "e"}]}}));
    assert_eq!(csi.csi_nodes[0].drivers.values().copied().collect::<Vec<_>>(), [Some(3), None]);
    assert_eq!(csi.csi_nodes[0].migrated.len(), 2);
    let broken =
        observe::from_values([json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"},
        "spec": {"capacity": {"storage": "much"}}})]);
    assert!(broken.gaps[0].contains("spec.capacity.storage"), "{:?}", broken.gaps);
}

/// The disruption controller knows whom it waits for by name: a StatefulSet's pod that came back counts as gone until then.
#[test]
fn a_budget_that_waits_to_see_an_eviction_done_is_counted_anew() {
    let counts = |allowed: u32, disrupted: Value| {
        let budget = one(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "a", "generation": 1}, "spec": {"maxUnavailable": 1},
            "status": {"observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2,
                "expectedPods": 3, "disruptedPods": disrupted}}));
        budget.budgets[0].status.is_some()
    };
    let one = json!({"db-0": "2026-11-22T14:25:25Z"});
    assert!(!counts(0, one.clone()));
    assert!(counts(1, one));
    assert!(counts(0, json!({})) && counts(0, json!(null)));
}

#[test]
fn budgets_without_a_selector_select_nothing() {
    let budget = |version: &str, spec: Value| {
        one(json!({"apiVersion": version, "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "a", "generation": 2},
            "spec": spec, "status": {"observedGeneration": 1, "disruptionsAllowed": 1}})).budgets.remove(0)
    };
    for (version, selector, expected) in [
        ("policy/v1", json!(null), None),
        ("policy/v1", json!({}), Some(Selector::default())),
        ("policy/v1beta1", json!(null), None),
        ("policy/v1beta1", json!({}), None),
    ] {
        assert_eq!(budget(version, json!({"selector": selector})).selector, expected, "{version} {selector}");
    }
    let full = budget(
        "policy/v1",
        json!({"minAvailable": "50%", "maxUnavailable": 0, "unhealthyPodEvictionPolicy": "AlwaysAllow"}),
    );
    assert_eq!(
        (full.min_available, full.max_unavailable),
        (Some(IntOrPercent::Percent(50)), Some(IntOrPercent::Count(0)))
    );
    assert_eq!(
        (full.unhealthy, full.status),
        (UnhealthyPodEviction::AlwaysAllow, None),
        "a status of an older generation is none"
    );
    let broken = observe::from_values([json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"}, "spec": {"minAvailable": "half"}})]);
    assert!(
        broken.budgets.is_empty() && broken.gaps[0].contains("neither a count nor a percentage"),
        "{:?}",
        broken.gaps
    );
}

#[test]
fn nodes_without_capacity_have_none() {
    let node = |status: Value| {
        one(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": status})).nodes.remove(0)
    };
    let none = node(json!(null));
    assert!(!none.ready() && none.allocatable.pods == 0 && none.allocatable.cpu == 0);
    assert_eq!(
        node(json!({"capacity": {"cpu": 4, "pods": "110"}})).allocatable.cpu,
        4000,
        "capacity stands in for allocatable"
    );
    assert_eq!(node(json!({"capacity": {"cpu": 4}, "allocatable": {"cpu": "3500m"}})).allocatable.cpu, 3500);
}

#[test]
fn jobs_say_whether_they_want_a_replacement() {
    let job = |spec: Value, conditions: Value| {
        one(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec, "status": {"conditions": conditions}})).workloads.remove(0)
    };
    let done = job(json!({"parallelism": 3}), json!([{"type": "Complete", "status": "True"}]));
    assert!(done.finished && done.replicas == Some(3));
    assert_eq!(job(json!({"suspend": true}), json!(null)).replicas, Some(0));
    let rules = json!({"podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}});
    assert!(job(rules, json!([])).ignores_disruption);
    assert!(!job(json!({}), json!([{"type": "Complete", "status": "False"}])).finished);
}

#[test]
fn servers_stand_in_the_dump_or_are_inferred_from_nodes() {
    let node = json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n", "labels": {"node.kubernetes.io/instance-type": "m3.medium", "topology.kubernetes.io/zone": "z"}},
        "spec": {"providerID": "openstack:///abc"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let down = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "down"}});
    let mut inferred = observe::from_values([node.clone(), down]);
    observe::infer_servers(&mut inferred);
    let told: Vec<_> = inferred.servers.iter().map(|s| (&*s.id, &*s.flavor, s.state, s.inferred)).collect();
    assert_eq!(told, [("abc", "m3.medium", ServerState::Active, true), ("down", "", ServerState::Unknown, true)]);
    let own = json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": "n"},
        "spec": {"id": "abc", "provider": "js2", "flavor": "m3.medium", "zone": "nova", "floatingAddress": true, "metadata": {"k": "v"}},
        "status": {"state": "SHELVED_OFFLOADED", "task": null, "since": "2026-01-01T00:00:00Z"}});
    let mut told = observe::from_values([
        node,
        own,
        json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Flavor",
        "metadata": {"name": "m3.medium"}, "spec": {"provider": "js2", "capacity": {"cpu": 8, "memory": "30Gi"}}}),
    ]);
    observe::infer_servers(&mut told);
    assert_eq!(told.servers.len(), 1);
    assert!(
        told.servers[0].state == ServerState::ShelvedOffloaded
            && !told.servers[0].inferred
            && told.servers[0].floating_address
    );
    assert_eq!((told.flavors[0].capacity.cpu, told.flavors[0].capacity.memory), (8000, 30 << 30));
}

#[test]
fn memory_comes_back_as_it_was_written() {
    let memory: tidegate::model::Memory =
        serde_json::from_value(json!({"pools": {"workers": {"members": 10, "failedWakes": 1}}})).unwrap();
    let item = json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Memory", "memory": memory});
    assert_eq!(one(item).memory, memory);
}

/// A name that would write lines of its own into the output is no Kubernetes name: the object is left out, and its name
/// told by numbers.
#[test]
fn a_name_that_forges_output_is_left_out() {
    for bad in ["n1\nBrake none", "n1\u{202e}drow", "n1\u{1b}[2J", "n1\u{200b}"] {
        for kind in ["Node", "Pod", "Namespace"] {
            let item = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": bad, "uid": "u"}});
            let snapshot = observe::from_values([item]);
            assert!(snapshot.nodes.is_empty() && snapshot.pods.is_empty() && snapshot.namespaces.is_empty());
            let gap = &snapshot.gaps[0];
            assert!(gap.contains("would forge") && gap.contains("\\u{"), "{gap}");
            assert!(!gap.contains(bad), "{gap:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(cut in 0..2000_usize, put in "\\PC{0,6}|[\\[\\]{}\":,\n -]{0,6}", yaml: bool) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}],
             "volumes": [{"name": "v", "emptyDir": {}}]}, "status": {"phase": "Running"}},
            {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": {"minAvailable": "5%"}}]});
        let mut dump = if yaml { serde_yaml::to_string(&list).unwrap() } else { serde_json::to_string_pretty(&list).unwrap() };
        let at = (0..=cut % (dump.len() + 1)).rev().find(|at| dump.is_char_boundary(*at)).unwrap();
        if put.is_empty() {
            dump.truncate(at);
        } else {
            dump.insert_str(at, &put);
        }
        if let Ok(snapshot) = text(&dump) {
            World::build(snapshot);
        }
    }
}
