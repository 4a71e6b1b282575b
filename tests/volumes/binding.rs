//! Claims: which can be used, and which volume one gets that has none.

use serde_json::{Value, json};
use tidegate::model::{Kind, World};
use tidegate::observe;
use tidegate::placement::Site;

use crate::build::*;

#[test]
fn a_claim_that_cannot_be_used_refuses_every_node() {
    let deleting = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    for (objects, expected) in [
        (vec![], "persistentvolumeclaim \"x\" not found"),
        (vec![claim("x", json!({}))], UNBOUND),
        (vec![claim("x", json!({"spec": {"storageClassName": "gone"}}))], UNBOUND),
        (
            vec![
                claim("x", json!({"spec": {"storageClassName": "c"}})),
                class("c", json!({"volumeBindingMode": "Immediate"})),
            ],
            UNBOUND,
        ),
        (
            vec![
                claim("x", json!({"spec": {"storageClassName": "c", "volumeName": "v"}})),
                class("c", json!({})),
                volume("v", json!({})),
            ],
            UNBOUND,
        ),
        (vec![bound("x", "v")], "persistentvolume \"v\" not found"),
        (
            vec![claim("x", json!({"spec": {"volumeName": "v"}, "status": {"phase": "Lost"}}))],
            "persistentvolumeclaim \"x\" bound to non-existent persistentvolume \"v\"",
        ),
        (vec![claim("x", deleting)], "persistentvolumeclaim \"x\" is being deleted"),
    ] {
        assert_eq!(says(uses("x"), objects), [expected]);
    }
}

#[test]
fn a_waiting_claim_takes_a_free_volume_or_has_one_made() {
    let static_only = || class("c", json!({"provisioner": "kubernetes.io/no-provisioner"}));
    let topology = |zones: Value| {
        class(
            "c",
            json!({"allowedTopologies": [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": zones}]}]}),
        )
    };
    let waits = |rest: Value| {
        let mut waits = claim("x", json!({"spec": {"storageClassName": "c"}}));
        merge(&mut waits, rest);
        waits
    };
    let plain = || waits(json!({}));
    let for_node =
        |node: &str| waits(json!({"metadata": {"annotations": {"volume.kubernetes.io/selected-node": node}}}));
    let promised = |rest: Value| {
        let mut free = free(
            "v",
            "10Gi",
            json!({"spec": {"claimRef": {"namespace": "a", "name": "x", "uid": "uid-x"}}, "status": {"phase": "Pending"}}),
        );
        merge(&mut free, rest);
        free
    };
    for (claim, class, volumes, expected) in [
        (plain(), class("c", json!({})), vec![], vec![]),
        (plain(), topology(json!(["z1"])), vec![], vec![]),
        (plain(), topology(json!(["z2"])), vec![], vec![NOTHING]),
        (plain(), topology(json!([])), vec![], vec![NOTHING]),
        (plain(), topology(json!(["z2"])), vec![free("v", "10Gi", json!({}))], vec![]),
        (plain(), static_only(), vec![], vec![NOTHING]),
        (plain(), class("c", json!({"provisioner": ""})), vec![], vec![NOTHING]),
        (for_node("n"), class("c", json!({})), vec![], vec![]),
        (for_node("m"), class("c", json!({})), vec![], vec![NOTHING]),
        (for_node("n"), static_only(), vec![free("v", "10Gi", json!({}))], vec![NOTHING]),
        (plain(), static_only(), vec![free("v", "10Gi", json!({}))], vec![]),
        (plain(), static_only(), vec![free("v", "9Gi", json!({}))], vec![NOTHING]),
        (
            plain(),
            static_only(),
            vec![free("v", "20Gi", json!({"spec": {"storageClassName": "other"}}))],
            vec![NOTHING],
        ),
        (plain(), static_only(), vec![free("v", "20Gi", json!({"spec": {"volumeMode": "Block"}}))], vec![NOTHING]),
        (
            waits(json!({"spec": {"volumeMode": "Block"}})),
            static_only(),
            vec![free("v", "20Gi", json!({"spec": {"volumeMode": "Block"}}))],
            vec![],
        ),
        (
            plain(),
            static_only(),
            vec![free("v", "20Gi", json!({"spec": {"accessModes": ["ReadOnlyMany"]}}))],
            vec![NOTHING],
        ),
        (
            plain(),
            static_only(),
            vec![free("v", "20Gi", json!({"spec": {"volumeAttributesClassName": "gold"}}))],
            vec![NOTHING],
        ),
        (plain(), static_only(), vec![free("v", "20Gi", json!({"status": {"phase": "Released"}}))], vec![NOTHING]),
        (
            plain(),
            static_only(),
            vec![free("v", "20Gi", json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))],
            vec![NOTHING],
        ),
        (
            plain(),
            static_only(),
            vec![free("v", "20Gi", json!({"spec": affinity("disk", json!(["hdd"]))}))],
            vec![NOTHING],
        ),
        (plain(), static_only(), vec![free("v", "20Gi", json!({"spec": affinity("disk", json!(["ssd"]))}))], vec![]),
        (
            plain(),
            static_only(),
            vec![free("v", "20Gi", json!({"spec": {"claimRef": {"namespace": "a", "name": "y"}}}))],
            vec![NOTHING],
        ),
        (
            waits(json!({"spec": {"selector": {"matchLabels": {"k": "v"}}}})),
            static_only(),
            vec![free("v", "20Gi", json!({}))],
            vec![NOTHING],
        ),
        (
            waits(json!({"spec": {"selector": {"matchLabels": {"k": "v"}}}})),
            static_only(),
            vec![free("v", "20Gi", json!({"metadata": {"labels": {"k": "v"}}}))],
            vec![],
        ),
        (plain(), static_only(), vec![promised(json!({}))], vec![]),
        (plain(), static_only(), vec![promised(json!({"spec": {"claimRef": {"uid": "another"}}}))], vec![NOTHING]),
        (
            plain(),
            static_only(),
            vec![free("w", "10Gi", json!({})), promised(json!({"spec": affinity("disk", json!(["hdd"]))}))],
            vec![NOTHING],
        ),
    ] {
        let shown = format!("{claim} {class} {volumes:?}");
        let objects = [vec![claim, class], volumes].concat();
        assert_eq!(says(uses("x"), objects), expected, "{shown}");
    }
}

#[test]
fn two_claims_do_not_share_a_free_volume() {
    let waits = |name: &str, size: &str| {
        claim(name, json!({"spec": {"storageClassName": "c", "resources": {"requests": {"storage": size}}}}))
    };
    let both = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}, {"name": "w", "persistentVolumeClaim": {"claimName": "y"}}]);
    let static_only = class("c", json!({"provisioner": "kubernetes.io/no-provisioner"}));
    let objects = |sizes: [&str; 2]| {
        vec![
            waits("x", "5Gi"),
            waits("y", "1Gi"),
            static_only.clone(),
            free("v", sizes[0], json!({})),
            free("w", sizes[1], json!({})),
        ]
    };
    assert_eq!(says(both.clone(), objects(["5Gi", "1Gi"])), Vec::<String>::new());
    assert_eq!(says(both.clone(), objects(["5Gi", "8Gi"])), Vec::<String>::new());
    assert_eq!(says(both, objects(["4Gi", "4Gi"])), [NOTHING]);

    let world = world_of(vec![
        node("n", json!({})),
        waits("x", "1Gi"),
        waits("y", "1Gi"),
        static_only,
        free("v", "1Gi", json!({})),
        pod("p", None, uses("x")),
        pod("q", None, uses("y")),
        pod("r", None, uses("x")),
    ]);
    let mut site = Site::new(&world);
    let mark = site.mark();
    site.place(get(&world, "p"), "n");
    assert_eq!(words(&site, &world, "q", "n"), [NOTHING], "the only volume is promised to another claim");
    assert!(site.fits(get(&world, "r"), "n"), "the claim itself has it");
    site.roll_back(mark);
    assert!(site.fits(get(&world, "q"), "n"));
}

#[test]
fn a_claim_that_was_promised_a_volume_on_a_node_stays_there() {
    let world = world_of(vec![
        node("n", json!({})),
        node("m", json!({})),
        class("c", json!({})),
        claim("x", json!({"spec": {"storageClassName": "c"}})),
        pod("p", None, uses("x")),
        pod("q", None, uses("x")),
    ]);
    let mut site = Site::new(&world);
    site.place(get(&world, "p"), "m");
    assert_eq!(words(&site, &world, "q", "n"), [NOTHING]);
    assert_eq!(site.homes(get(&world, "q")), ["m".into()]);
    site.lift(get(&world, "p"), "m");
    assert!(site.fits(get(&world, "q"), "n"));
}

#[test]
fn an_ephemeral_volume_counts_by_its_claim_and_a_replacement_by_its_template() {
    let template = json!({"spec": {"storageClassName": "c", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let volumes = json!([{"name": "v", "ephemeral": {"volumeClaimTemplate": template}}]);
    let only = |zone: &str| {
        class(
            "c",
            json!({"allowedTopologies": [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": [zone]}]}]}),
        )
    };
    let owned = |by: &str, volume: &str| {
        let mut claim = bound("p-v", volume);
        claim["metadata"]["ownerReferences"] =
            json!([{"kind": "Pod", "name": by, "uid": format!("uid-{by}"), "controller": true}]);
        claim
    };
    let elsewhere = || volume("pv", json!({"spec": affinity("topology.kubernetes.io/zone", json!(["z2"]))}));
    for (objects, expected) in [
        (vec![only("z1")], vec![]),
        (vec![only("z2")], vec![NOTHING]),
        (vec![], vec![UNBOUND]),
        (vec![only("z1"), owned("p", "pv"), elsewhere()], vec![CLASH]),
        (
            vec![
                only("z1"),
                owned("p", "pv"),
                volume("pv", json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z2"}}})),
            ],
            vec![],
        ),
        (
            vec![only("z1"), owned("p", "pv")],
            vec!["node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"],
        ),
        (
            vec![only("z1"), owned("q", "pv"), elsewhere()],
            vec!["PVC a/p-v was not created for pod a/p (pod is not owner)"],
        ),
    ] {
        assert_eq!(says(volumes.clone(), objects.clone()), expected, "{objects:?}");
    }
    let world = world_of(vec![
        node("n", json!({"topology.kubernetes.io/zone": "z1"})),
        node("m", json!({"topology.kubernetes.io/zone": "z2"})),
        only("z1"),
        owned("p", "pv"),
        elsewhere(),
        pod("p", Some("m"), volumes),
    ]);
    assert_eq!(
        Site::new(&world).homes(get(&world, "p")),
        ["n".into()],
        "the replacement's claim is new, and its class wants z1"
    );
}

#[test]
fn what_was_not_read_is_no_and_says_how_to_get_it() {
    let limited = || {
        vec![node("n", json!({})), pod("p", None, uses("x")), bound("x", "v"), volume("v", json!({})), csi_node("n", 5)]
    };
    let waiting = || {
        vec![node("n", json!({})), pod("p", None, uses("x")), claim("x", json!({"spec": {"storageClassName": "c"}}))]
    };
    let unlimited = || {
        let csi = object("storage.k8s.io/v1", "CSINode", "n", json!({"spec": {"drivers": [{"name": "d"}]}}));
        vec![node("n", json!({})), pod("p", None, uses("x")), bound("x", "v"), volume("v", json!({})), csi]
    };
    let bare = || vec![node("n", json!({})), pod("p", None, uses("x"))];
    let only_claim = || vec![node("n", json!({})), pod("p", None, uses("x")), bound("x", "v")];
    let local = || {
        let mut volume = volume("v", json!({"spec": {"local": {"path": "/"}}}));
        volume["spec"]["csi"] = json!(null);
        vec![node("n", json!({})), pod("p", None, uses("x")), bound("x", "v"), volume]
    };
    let raw = |list: &str| format!(", and if there are none `kubectl get --raw {list}`");
    for (unread, objects, missing) in [
        (vec!["PersistentVolumeClaim"], bare(), Some("PersistentVolumeClaim")),
        (vec!["PersistentVolume"], only_claim(), Some("PersistentVolume")),
        (vec!["PersistentVolume", "StorageClass"], waiting(), Some("StorageClass")),
        (vec!["CSINode"], [only_claim(), vec![volume("v", json!({}))]].concat(), Some("CSINode")),
        (vec!["CSINode"], local(), None),
        (vec!["VolumeAttachment"], limited(), Some("VolumeAttachment")),
        (vec!["VolumeAttachment", "StorageClass"], unlimited(), None),
    ] {
        let world = world_without(&unread, objects);
        let said = words(&Site::new(&world), &world, "p", "n");
        let expected = missing.map(|kind| {
            format!(
                "{kind} not read, so where its volumes can be is unknown: add `kubectl get \
                 pv,pvc,sc,csinode,csidriver,csistoragecapacity,volumeattachment -A -o json` to the snapshot{}",
                match kind {
                    "PersistentVolumeClaim" => raw("/api/v1/persistentvolumeclaims"),
                    "PersistentVolume" => raw("/api/v1/persistentvolumes"),
                    "StorageClass" => raw("/apis/storage.k8s.io/v1/storageclasses"),
                    "CSINode" => raw("/apis/storage.k8s.io/v1/csinodes"),
                    "VolumeAttachment" => raw("/apis/storage.k8s.io/v1/volumeattachments"),
                    other => panic!("{other:?}"),
                }
            )
        });
        assert_eq!(said, expected.into_iter().collect::<Vec<_>>(), "{unread:?}");
    }
}

#[test]
fn an_empty_list_of_the_api_server_says_that_there_are_none() {
    let mut builder = observe::Builder::default();
    let list = br#"{"kind":"VolumeAttachmentList","apiVersion":"storage.k8s.io/v1","metadata":{"resourceVersion":"7"},"items":[]}"#;
    observe::read_bytes("attachments.json", list, &mut builder).unwrap();
    assert!(World::build(builder.finish()).knows(Kind::VolumeAttachment));
}
