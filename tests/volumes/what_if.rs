//! What-if with volumes: it leaves no trace, the short way and the long way agree, and so does a site built anew.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{Name, Pod, World};
use tidegate::placement::{Site, Unfit};

use crate::build::*;

/// One of few claims, bound or waiting, so that pods meet.
fn some_volumes() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        4 => (0..5_u8).prop_map(|claim| json!({"persistentVolumeClaim": {"claimName": format!("c{claim}")}})),
        1 => (0..2_u8, any::<bool>()).prop_map(|(disk, read)| json!({"gcePersistentDisk": {"pdName": format!("g{disk}"), "readOnly": read}})),
        1 => Just(json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "made"}}}})),
    ];
    prop::collection::vec(one, 0..3).prop_map(|volumes| {
        let named = volumes.into_iter().enumerate().map(|(number, mut volume)| {
            volume["name"] = json!(format!("v{number}"));
            volume
        });
        named.collect()
    })
}

fn storage(limits: [u32; 2], free_volumes: bool) -> Vec<Value> {
    let mut exclusive = bound("c1", "pv1");
    exclusive["spec"]["accessModes"] = json!(["ReadWriteOncePod"]);
    let mut objects = vec![
        node("n0", json!({"topology.kubernetes.io/zone": "z1"})),
        node("n1", json!({"topology.kubernetes.io/zone": "z2"})),
        node("n2", json!({"topology.kubernetes.io/zone": "z1"})),
        csi_node("n0", limits[0]),
        csi_node("n1", limits[1]),
        bound("c0", "pv0"),
        volume("pv0", json!({"spec": affinity("topology.kubernetes.io/zone", json!(["z1"]))})),
        exclusive,
        volume("pv1", json!({})),
        attachment("pv1", "n1"),
        claim("c2", json!({"spec": {"storageClassName": "made"}})),
        claim("c3", json!({"spec": {"storageClassName": "c"}})),
        claim("c4", json!({"spec": {"storageClassName": "c"}})),
        class("made", json!({})),
        class("c", json!({"provisioner": "kubernetes.io/no-provisioner"})),
    ];
    if free_volumes {
        objects.push(free("f0", "10Gi", json!({})));
        objects.push(free("f1", "20Gi", json!({"spec": affinity("topology.kubernetes.io/zone", json!(["z2"]))})));
    }
    objects
}

proptest! {
    #[test]
    fn what_if_with_volumes_leaves_no_trace(
        pods in prop::collection::vec(some_volumes(), 1..7),
        limits in [0..3_u32, 0..3_u32],
        acts in prop::collection::vec((0..7_usize, prop::option::of(0..3_usize)), 0..16),
        keep in 0..16_usize,
        free_volumes in any::<bool>(),
    ) {
        let mut objects = storage(limits, free_volumes);
        objects.extend(pods.iter().enumerate().map(|(index, volumes)| pod(&format!("p{index}"), None, volumes.clone())));
        let world = world_of(objects.clone());
        let all: Vec<&Arc<Pod>> = world.pods.values().collect();
        let nodes: Vec<&Name> = world.nodes.keys().collect();
        let picture = |site: &Site, of: &World| -> Vec<(Vec<Vec<Unfit>>, Vec<Name>)> {
            let unfit = |pod: &Arc<Pod>| nodes.iter().map(|node| site.unfit(&of.pods[&pod.key], node)).collect();
            all.iter().map(|pod| (unfit(pod), site.homes(&of.pods[&pod.key]))).collect()
        };
        let mut site = Site::new(&world);
        let (mut at, mut orderly): (Vec<Option<usize>>, bool) = (vec![None; all.len()], !free_volumes);
        let (mut mark, mut at_mark) = (site.mark(), picture(&site, &world));
        for (number, (pod, to)) in acts.iter().enumerate() {
            if number == keep {
                (mark, at_mark) = (site.mark(), picture(&site, &world));
            }
            let which = pod % all.len();
            let before = picture(&site, &world);
            let step = site.mark();
            if let Some(from) = at[which].take() {
                site.lift(all[which], nodes[from]);
            }
            if let Some(to) = to {
                orderly &= site.fits(all[which], nodes[*to]);
                site.place(all[which], nodes[*to]);
                at[which] = Some(*to);
            }
            let after = picture(&site, &world);
            // There and back, on a copy, for each act by itself.
            let mut back = site.clone();
            back.roll_back(step);
            prop_assert_eq!(picture(&back, &world), before);
            for (pod, (unfit, homes)) in all.iter().zip(&after) {
                for (node, unfit) in nodes.iter().zip(unfit) {
                    prop_assert_eq!(site.fits(pod, node), unfit.is_empty());
                    prop_assert_eq!(homes.contains(node), unfit.is_empty());
                }
            }
        }
        // Which volume a claim is promised depends on who came first, or came where it does not fit; all else does not.
        if orderly {
            let bound: Vec<Value> = objects.iter().cloned().map(|mut object| {
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                let place = all.iter().position(|pod| *pod.key.name == *name).filter(|_| object["kind"] == "Pod");
                if let Some(node) = place.and_then(|which| at[which]) {
                    object["spec"]["nodeName"] = json!(nodes[node]);
                }
                object
            }).collect();
            let anew = world_of(bound);
            prop_assert_eq!(picture(&Site::new(&anew), &world), picture(&site, &world));
        }
        site.roll_back(mark);
        prop_assert_eq!(picture(&site, &world), at_mark);
    }
}
