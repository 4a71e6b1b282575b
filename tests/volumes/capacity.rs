//! Room for new volumes, as drivers that count it say, and drivers that must be installed where a pod goes.

use serde_json::{Value, json};
use tidegate::placement::{Site, Strategy};

use crate::build::*;

const SPACE: &str = "node(s) did not have enough free storage";
const ABSENT: &str = "d CSI driver is not installed on the node";

fn driver(spec: Value) -> Value {
    object("storage.k8s.io/v1", "CSIDriver", "d", json!({"spec": spec}))
}

fn counting() -> Value {
    driver(json!({"storageCapacity": true}))
}

/// Room for class `c` in zone `z1`.
fn room(name: &str, rest: Value) -> Value {
    let mut room = object(
        "storage.k8s.io/v1",
        "CSIStorageCapacity",
        name,
        json!({"metadata": {"namespace": "storage"}, "storageClassName": "c",
               "nodeTopology": {"matchLabels": {"topology.kubernetes.io/zone": "z1"}}}),
    );
    merge(&mut room, rest);
    room
}

fn waits(name: &str) -> Value {
    claim(name, json!({"spec": {"storageClassName": "c"}}))
}

/// The claim asks for 10Gi.
#[test]
fn a_volume_is_made_only_where_there_is_room_for_it() {
    let has = |amount: &str| room("one", json!({"capacity": amount}));
    let elsewhere = json!({"capacity": "1Ti", "nodeTopology": {"matchLabels": {"topology.kubernetes.io/zone": "z2"}}});
    for (objects, expected) in [
        (vec![], None),
        (vec![driver(json!({}))], None),
        (vec![driver(json!({"storageCapacity": false})), has("1Gi")], None),
        (vec![counting()], Some(SPACE)),
        (vec![counting(), has("10Gi")], None),
        (vec![counting(), has("10239Mi")], Some(SPACE)),
        (vec![counting(), has("1Gi"), room("two", json!({"capacity": "1Ti"}))], None),
        (vec![counting(), room("one", elsewhere)], Some(SPACE)),
        (vec![counting(), room("one", json!({"capacity": "1Ti", "storageClassName": "other"}))], Some(SPACE)),
        (vec![counting(), room("one", json!({"capacity": "1Ti", "nodeTopology": null}))], Some(SPACE)),
        (vec![counting(), room("one", json!({"capacity": "1Ti", "nodeTopology": {}}))], None),
        (vec![counting(), room("one", json!({"capacity": "1Ti", "maximumVolumeSize": "5Gi"}))], Some(SPACE)),
        (vec![counting(), room("one", json!({"maximumVolumeSize": "50Gi"}))], None),
        (vec![counting(), room("one", json!({}))], Some(SPACE)),
        (vec![counting(), free("v", "10Gi", json!({}))], None),
    ] {
        let shown = json!(objects);
        let all = [objects, vec![waits("x"), class("c", json!({}))]].concat();
        assert_eq!(says(uses("x"), all), expected.into_iter().collect::<Vec<_>>(), "{shown}");
    }
}

/// The scheduler counts a claim as often as it is mounted.
#[test]
fn a_claim_that_is_mounted_twice_needs_two_volumes() {
    let twice = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}, {"name": "w", "persistentVolumeClaim": {"claimName": "x"}}]);
    let static_only = || class("c", json!({"provisioner": "kubernetes.io/no-provisioner"}));
    let one = free("v1", "10Gi", json!({}));
    let two = free("v2", "11Gi", json!({}));
    assert_eq!(says(twice.clone(), vec![waits("x"), static_only(), one.clone()]), [NOTHING]);
    assert_eq!(says(twice.clone(), vec![waits("x"), static_only(), one.clone(), two]), [""; 0]);
    assert_eq!(says(twice, vec![waits("x"), class("c", json!({})), one]), [""; 0], "the other is made");
}

/// Topology goes before room, and who asks for nothing needs none.
#[test]
fn room_is_looked_at_last() {
    let zones = json!({"allowedTopologies": [{"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": ["z2"]}]}]});
    assert_eq!(says(uses("x"), vec![counting(), waits("x"), class("c", zones)]), [NOTHING]);
    let mut nothing = waits("x");
    nothing["spec"]["resources"] = json!({});
    assert_eq!(says(uses("x"), vec![counting(), nothing, class("c", json!({}))]), [""; 0]);
}

/// What was promised to a pod that was placed is gone for the next, which the driver shows only later.
#[test]
fn room_that_was_promised_is_gone_until_it_is_taken_back() {
    for (size, both) in [("15Gi", false), ("20Gi", true)] {
        let world = world_of(vec![
            node("n", json!({"topology.kubernetes.io/zone": "z1"})),
            pod("p", None, uses("x")),
            pod("q", None, uses("y")),
            waits("x"),
            waits("y"),
            class("c", json!({})),
            counting(),
            room("one", json!({"capacity": size})),
        ]);
        let mut site = Site::new(&world);
        let mark = site.mark();
        site.place(get(&world, "p"), "n");
        assert_eq!(site.fits(get(&world, "q"), "n"), both, "{size}");
        site.roll_back(mark);
        assert!(site.fits(get(&world, "q"), "n"), "{size}");
    }
}

#[test]
fn the_scheduler_prefers_where_more_room_is_left() {
    let zoned = |name: &str, zone: &str| node(name, json!({"topology.kubernetes.io/zone": zone}));
    let in_zone = |zone: &str, amount: &str| {
        room(zone, json!({"capacity": amount, "nodeTopology": {"matchLabels": {"topology.kubernetes.io/zone": zone}}}))
    };
    let points = |rooms: Vec<Value>| -> Vec<(i64, String)> {
        let nodes = vec![zoned("n1", "z1"), zoned("n2", "z2"), pod("p", None, uses("x")), waits("x")];
        let world = world_of([nodes, vec![class("c", json!({}))], rooms].concat());
        let ranked = Site::new(&world).ranking(get(&world, "p"), Strategy::LeastAllocated);
        ranked.into_iter().map(|(score, name)| (score, name.to_string())).collect()
    };
    let without = points(vec![]);
    assert_eq!(without[0].0, without[1].0);
    let base = without[0].0;
    let with = points(vec![counting(), in_zone("z1", "20Gi"), in_zone("z2", "100Gi")]);
    assert_eq!(with, [(base + 90, "n2".to_owned()), (base + 50, "n1".to_owned())]);
}

/// `preventPodSchedulingIfMissing`, in the default profile since Kubernetes 1.37.
#[test]
fn a_driver_may_have_to_be_there_before_its_pods() {
    let must = || driver(json!({"preventPodSchedulingIfMissing": true}));
    let other = || object("storage.k8s.io/v1", "CSINode", "n", json!({"spec": {"drivers": [{"name": "e"}]}}));
    for (objects, expected) in [
        (vec![must()], Some(ABSENT)),
        (vec![must(), other()], Some(ABSENT)),
        (vec![must(), csi_node("n", 5)], None),
        (vec![driver(json!({})), other()], None),
        (vec![other()], None),
    ] {
        let shown = json!(objects);
        let all = [objects, vec![bound("x", "v"), volume("v", json!({}))]].concat();
        assert_eq!(says(uses("x"), all), expected.into_iter().collect::<Vec<_>>(), "{shown}");
    }
}

/// Whether a driver counts its room is never guessed; a provisioner that no node has installed is none.
#[test]
fn a_driver_that_was_not_read_is_a_reason_only_if_there_may_be_one() {
    let objects =
        |csi: Value| vec![node("n", json!({})), pod("p", None, uses("x")), waits("x"), class("c", json!({})), csi];
    let other = object("storage.k8s.io/v1", "CSINode", "n", json!({"spec": {"drivers": [{"name": "e"}]}}));
    let both: &[&str] = &["CSIDriver", "CSIStorageCapacity"];
    for (unread, csi, missing) in [
        (both, csi_node("n", 5), Some("CSIDriver, CSIStorageCapacity not read")),
        (both, other, None),
        (&["CSIStorageCapacity"], csi_node("n", 5), None),
        (&["CSIStorageCapacity"], counting(), Some("CSIStorageCapacity not read")),
    ] {
        let world = world_without(unread, objects(csi));
        let said = words(&Site::new(&world), &world, "p", "n").join("; ");
        assert_eq!(said.is_empty(), missing.is_none(), "{unread:?}: {said}");
        assert!(said.starts_with(missing.unwrap_or_default()), "{said}");
        assert!(missing.is_none() || said.contains("--raw /apis/storage.k8s.io/v1/csistoragecapacities"), "{said}");
    }
}
