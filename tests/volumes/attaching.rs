//! Volumes that attach to one node, and nodes that attach so many.

use serde_json::{Value, json};
use tidegate::placement::Site;

use crate::build::*;

#[test]
fn a_claim_for_one_pod_only_is_in_use_wherever_that_pod_is() {
    let exclusive = || {
        let mut claim = bound("x", "v");
        claim["spec"]["accessModes"] = json!(["ReadWriteOncePod"]);
        claim
    };
    let world = world_of(vec![
        node("n", json!({})),
        node("m", json!({})),
        exclusive(),
        volume("v", json!({})),
        pod("p", None, uses("x")),
        pod("q", Some("m"), uses("x")),
    ]);
    let mut site = Site::new(&world);
    assert_eq!(words(&site, &world, "p", "n"), [ONLY_ONE]);
    site.lift(get(&world, "q"), "m");
    assert!(site.fits(get(&world, "p"), "n"));
}

#[test]
fn a_disk_for_one_node_goes_to_another_when_its_pod_does() {
    // ReadWriteOnce is no matter to the scheduler: the disk is detached first, and the pod waits for that.
    let world = world_of(vec![
        node("n", json!({})),
        node("m", json!({})),
        csi_node("n", 1),
        bound("x", "v"),
        volume("v", json!({})),
        attachment("v", "m"),
        pod("p", Some("m"), uses("x")),
    ]);
    let site = Site::new(&world);
    assert!(site.fits(get(&world, "p"), "n"));
}

#[test]
fn a_node_attaches_so_many_volumes_and_no_more() {
    let base = |limit: u32| {
        vec![csi_node("n", limit), bound("x", "v"), volume("v", json!({})), bound("y", "w"), volume("w", json!({}))]
    };
    let with = |limit: u32, rest: Vec<Value>| [base(limit), rest].concat();
    let twice = || {
        let mut same = volume("same", json!({}));
        same["spec"]["csi"]["volumeHandle"] = json!("v");
        same
    };
    let of_class = |provisioner: &str| {
        vec![class("c", json!({"provisioner": provisioner})), claim("z", json!({"spec": {"storageClassName": "c"}}))]
    };
    let other_driver = || volume("v", json!({"spec": {"csi": {"driver": "other"}}}));
    for (objects, wanted, expected) in [
        (with(1, vec![]), "x", vec![]),
        (with(0, vec![]), "x", vec![FULL]),
        (
            with(0, vec![other_driver()])[0..1].iter().cloned().chain([bound("x", "v"), other_driver()]).collect(),
            "x",
            vec![],
        ),
        (with(1, vec![pod("q", Some("n"), uses("y"))]), "x", vec![FULL]),
        (with(2, vec![pod("q", Some("n"), uses("y"))]), "x", vec![]),
        (with(1, vec![pod("q", Some("n"), uses("x"))]), "x", vec![]),
        (with(1, vec![pod("q", Some("n"), uses("s")), bound("s", "same"), twice()]), "x", vec![]),
        (with(1, vec![attachment("w", "n")]), "x", vec![FULL]),
        (with(2, vec![attachment("w", "n"), pod("q", Some("n"), uses("y"))]), "x", vec![]),
        (with(1, vec![attachment("w", "m")]), "x", vec![]),
        // As the scheduler has it: attached without a pod, and brought by this pod, it counts twice.
        (with(1, vec![attachment("v", "n")]), "x", vec![FULL]),
        (with(2, vec![attachment("v", "n")]), "x", vec![]),
        (with(1, of_class("d")), "z", vec![]),
        (with(0, of_class("d")), "z", vec![FULL]),
        (with(0, of_class("e")), "z", vec![]),
        (vec![bound("x", "v"), volume("v", json!({}))], "x", vec![]),
    ] {
        assert_eq!(says(uses(wanted), objects.clone()), expected, "{wanted} {objects:?}");
    }
}

#[test]
fn in_tree_disks_count_for_the_driver_that_has_taken_over() {
    let limited = |driver: &str| {
        object(
            "storage.k8s.io/v1",
            "CSINode",
            "n",
            json!({"spec": {"drivers": [{"name": driver, "allocatable": {"count": 0}}]}}),
        )
    };
    for (field, source, plugin, driver) in [
        ("cinder", json!({"volumeID": "i"}), "kubernetes.io/cinder", "cinder.csi.openstack.org"),
        ("awsElasticBlockStore", json!({"volumeID": "i"}), "kubernetes.io/aws-ebs", "ebs.csi.aws.com"),
        ("gcePersistentDisk", json!({"pdName": "i"}), "kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
        ("azureDisk", json!({"diskURI": "i"}), "kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ] {
        let inline = json!([{"name": "v", field: source}]);
        assert_eq!(says(inline.clone(), vec![limited(driver)]), [FULL], "{field}");
        assert_eq!(says(inline, vec![]), Vec::<String>::new(), "{field} on a node without CSINode");
        let mut in_tree = volume("v", json!({"spec": {field: source}}));
        in_tree["spec"]["csi"] = json!(null);
        assert_eq!(says(uses("x"), vec![limited(driver), bound("x", "v"), in_tree]), [FULL], "{field}");
        let to_come = vec![
            limited(driver),
            class("c", json!({"provisioner": plugin})),
            claim("x", json!({"spec": {"storageClassName": "c"}})),
        ];
        assert_eq!(says(uses("x"), to_come), [FULL], "{plugin}");
    }
}

#[test]
fn an_in_tree_disk_is_for_one_pod_of_a_node_unless_all_only_read() {
    let disk = |field: &str, source: Value| json!([{"name": "v", field: source}]);
    let (gce, ebs, iscsi, rbd) = ("gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd");
    let image = |monitors: Value, pool: &str, read: bool| {
        disk(rbd, json!({"monitors": monitors, "pool": pool, "image": "i", "readOnly": read}))
    };
    for (there, wanted, fits) in [
        (disk(gce, json!({"pdName": "i"})), disk(gce, json!({"pdName": "i", "readOnly": true})), false),
        (
            disk(gce, json!({"pdName": "i", "readOnly": true})),
            disk(gce, json!({"pdName": "i", "readOnly": true})),
            true,
        ),
        (disk(gce, json!({"pdName": "i"})), disk(gce, json!({"pdName": "j"})), true),
        (
            disk(ebs, json!({"volumeID": "i", "readOnly": true})),
            disk(ebs, json!({"volumeID": "i", "readOnly": true})),
            false,
        ),
        (disk(ebs, json!({"volumeID": "i"})), disk(gce, json!({"pdName": "i"})), true),
        (disk(iscsi, json!({"iqn": "i"})), disk(iscsi, json!({"iqn": "i"})), false),
        (disk(iscsi, json!({"iqn": "i", "readOnly": true})), disk(iscsi, json!({"iqn": "i", "readOnly": true})), true),
        (image(json!(["a", "b"]), "p", false), image(json!(["b"]), "p", true), false),
        (image(json!(["a"]), "p", false), image(json!(["b"]), "p", false), true),
        (image(json!(["a"]), "p", false), image(json!(["a"]), "q", false), true),
        (image(json!(["a"]), "p", true), image(json!(["a"]), "p", true), true),
        (disk("cinder", json!({"volumeID": "i"})), disk("cinder", json!({"volumeID": "i"})), true),
    ] {
        let world = world_of(vec![
            node("n", json!({})),
            node("m", json!({})),
            pod("p", None, wanted.clone()),
            pod("q", Some("n"), there.clone()),
        ]);
        let site = Site::new(&world);
        assert_eq!(words(&site, &world, "p", "n"), if fits { vec![] } else { vec![DISK] }, "{wanted} beside {there}");
        assert!(site.fits(get(&world, "p"), "m"));
    }
}
