//! Volumes that are in some places only.

use serde_json::{Value, json};
use tidegate::placement::Site;

use crate::build::*;

#[test]
fn a_bound_volume_ties_its_pod_to_its_nodes_and_zones() {
    let zoned = |key: &str, zone: &str| json!({"metadata": {"labels": {key: zone}}});
    let (new, old) = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
    for (rest, expected) in [
        (json!({}), vec![]),
        (json!({"spec": affinity("topology.kubernetes.io/zone", json!(["z1", "z2"]))}), vec![]),
        (json!({"spec": affinity("topology.kubernetes.io/zone", json!(["z2"]))}), vec![CLASH]),
        (json!({"spec": affinity("kubernetes.io/hostname", json!(["n"]))}), vec![CLASH]),
        (json!({"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": []}}}}), vec![CLASH]),
        (
            json!({"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]}}}}),
            vec![CLASH],
        ),
        (zoned(new, "z1"), vec![]),
        (zoned(old, "z1"), vec![]),
        (zoned(old, "z2__z1"), vec![]),
        (zoned(old, " z2 __ z1 "), vec![]),
        (zoned(old, "z2__z3"), vec![ZONE]),
        (zoned(new, "z2__"), vec![]),
        (zoned("topology.kubernetes.io/region", "r"), vec![ZONE]),
        (
            json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z2"}}, "spec": affinity("disk", json!(["hdd"]))}),
            vec![CLASH, ZONE],
        ),
    ] {
        assert_eq!(says(uses("x"), vec![bound("x", "v"), volume("v", rest.clone())]), expected, "{rest}");
    }
    let anywhere = world_of(vec![
        node("m", json!({"disk": "ssd"})),
        pod("p", None, uses("x")),
        bound("x", "v"),
        volume("v", zoned(new, "z2")),
    ]);
    assert!(Site::new(&anywhere).fits(get(&anywhere, "p"), "m"), "a node without any zone is in all of them");
}

#[test]
fn an_in_tree_volume_is_where_the_csi_driver_of_a_migrated_node_has_it() {
    let (beta, zone, own) = (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
        "topology.cinder.csi.openstack.org/zone",
    );
    let migrated = |name: &str| {
        object(
            "storage.k8s.io/v1",
            "CSINode",
            name,
            json!({"metadata": {"annotations":
        {"storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/cinder"}}, "spec": {"drivers": []}}),
        )
    };
    let cinder = |rest: Value| {
        let mut volume = volume("v", rest);
        volume["spec"]["csi"] = json!(null);
        volume["spec"]["cinder"] = json!({"volumeID": "i"});
        volume
    };
    let labelled = json!({"metadata": {"labels": {beta: "nova"}}});
    for (labels, is_migrated, rest, fits) in [
        (json!({own: "nova"}), true, json!({"spec": affinity(zone, json!(["nova"]))}), true),
        (json!({own: "nova"}), false, json!({"spec": affinity(zone, json!(["nova"]))}), false),
        (json!({own: "other"}), true, json!({"spec": affinity(beta, json!(["nova"]))}), false),
        (json!({own: "nova"}), true, labelled.clone(), true),
        (json!({own: "other"}), true, labelled.clone(), false),
        (json!({own: "other"}), false, labelled, true),
    ] {
        let mut objects =
            vec![node("n", labels.clone()), pod("p", None, uses("x")), bound("x", "v"), cinder(rest.clone())];
        objects.extend(is_migrated.then(|| migrated("n")));
        let world = world_of(objects);
        assert_eq!(Site::new(&world).fits(get(&world, "p"), "n"), fits, "{labels} {is_migrated} {rest}");
    }
}

#[test]
fn volumes_that_any_node_mounts_ask_nothing() {
    let volumes = json!([{"name": "a", "nfs": {"server": "s"}}, {"name": "b", "csi": {"driver": "d"}}, {"name": "c", "fc": {}}, {"name": "d", "emptyDir": {}}]);
    assert_eq!(says(volumes, vec![csi_node("n", 0)]), Vec::<String>::new());
}
