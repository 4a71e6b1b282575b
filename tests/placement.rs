//! The free room of nodes: what-if leaves no trace, the short way and the long way agree, and size does not hurt.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "placement/changes.rs"]
mod changes;
#[path = "placement/company.rs"]
mod company;
#[path = "placement/hostile.rs"]
mod hostile;
#[path = "placement/pending.rs"]
mod pending;
#[path = "placement/scores.rs"]
mod scores;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{Name, Pod, World};
use tidegate::observe;
use tidegate::placement::{Site, Unfit};

fn world(objects: Vec<Value>) -> World {
    let snapshot = observe::from_values(objects);
    assert!(snapshot.gaps.is_empty(), "{:?}", snapshot.gaps);
    World::build(snapshot)
}

fn node(name: &str, rest: Value) -> Value {
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"zone": "z", "kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}, "conditions": [{"type": "Ready", "status": "True"}]},
    });
    merge(&mut node, rest);
    node
}

fn pod(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": {"app": name}}, "spec": spec})
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

fn get<'a>(world: &'a World, name: &str) -> &'a Arc<Pod> {
    world.pods.values().find(|pod| &*pod.key.name == name).unwrap()
}

/// Why the pod with `spec` does not fit on the node with `rest`.
fn answer(rest: Value, spec: Value) -> Vec<String> {
    let world = world(vec![node("n", rest), pod("p", spec)]);
    Site::new(&world).unfit(get(&world, "p"), "n").iter().map(ToString::to_string).collect()
}

#[test]
fn says_why_not() {
    let requests = |list: Value| json!({"containers": [{"resources": {"requests": list}}]});
    let affinity = |terms: Value| json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
    let selector_says_no = "node(s) didn't match Pod's node affinity/selector";
    for (rest, spec, expected) in [
        (json!({}), json!({}), vec![]),
        (json!({}), requests(json!({"cpu": "4", "memory": "8Gi"})), vec![]),
        (
            json!({}),
            requests(json!({"cpu": "4001m", "memory": "9Gi"})),
            vec!["Insufficient cpu", "Insufficient memory"],
        ),
        (json!({}), requests(json!({"nvidia.com/gpu": 1})), vec!["Insufficient nvidia.com/gpu"]),
        (json!({"status": {"allocatable": {"pods": "0"}}}), json!({}), vec!["Too many pods"]),
        (json!({"status": {"allocatable": null, "capacity": null}}), json!({}), vec!["Too many pods"]),
        (json!({"status": {"conditions": null}}), json!({}), vec!["node(s) were not ready"]),
        (json!({"spec": {"unschedulable": true}}), json!({}), vec!["node(s) were unschedulable"]),
        (json!({"spec": {"unschedulable": true}}), json!({"tolerations": [{"operator": "Exists"}]}), vec![]),
        (
            json!({"spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}}),
            json!({}),
            vec!["node(s) had untolerated taint {k: v}"],
        ),
        (json!({"spec": {"taints": [{"key": "k", "value": "v", "effect": "PreferNoSchedule"}]}}), json!({}), vec![]),
        (
            json!({"spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}}),
            json!({"tolerations": [{"key": "k", "effect": "NoExecute"}]}),
            vec![],
        ),
        (
            json!({"spec": {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]}}),
            json!({"tolerations": [{"key": "k", "value": "w"}]}),
            vec!["node(s) had untolerated taint {k: v}"],
        ),
        (json!({}), json!({"nodeSelector": {"zone": "z"}}), vec![]),
        (json!({}), json!({"nodeSelector": {"zone": "y"}}), vec![selector_says_no]),
        (json!({}), affinity(json!([])), vec![selector_says_no]),
        (json!({}), affinity(json!([{}])), vec![selector_says_no]),
        (
            json!({}),
            affinity(json!([{}, {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}])),
            vec![],
        ),
        (
            json!({}),
            affinity(json!([{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}]}])),
            vec![selector_says_no],
        ),
        (
            json!({}),
            affinity(
                json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["y", "z"]}, {"key": "x", "operator": "DoesNotExist"}]}]),
            ),
            vec![],
        ),
        (
            json!({"metadata": {"labels": {"size": "5"}}}),
            affinity(json!([{"matchExpressions": [{"key": "size", "operator": "Gt", "values": ["4"]}]}])),
            vec![],
        ),
        (
            json!({"metadata": {"labels": {"size": "5"}}}),
            affinity(json!([{"matchExpressions": [{"key": "size", "operator": "Lt", "values": ["5"]}]}])),
            vec![selector_says_no],
        ),
        (
            json!({}),
            json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}}]}}}),
            vec![],
        ),
        (
            json!({}),
            json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]}),
            vec![],
        ),
        (
            json!({}),
            json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]}),
            vec![],
        ),
        (
            json!({}),
            json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}),
            vec![
                "PersistentVolumeClaim not read, so where its volumes can be is unknown: add `kubectl get \
                 pv,pvc,sc,csinode,csidriver,csistoragecapacity,volumeattachment -A -o json` to the snapshot, and if there are none `kubectl get --raw \
                 /api/v1/persistentvolumeclaims`",
            ],
        ),
        (
            json!({}),
            json!({"volumes": [{"name": "v", "nfs": {}}, {"name": "w", "emptyDir": {}}, {"name": "x", "hostPath": {}}]}),
            vec![],
        ),
        (
            json!({}),
            json!({"resourceClaims": [{"name": "r"}]}),
            vec!["its dynamic resource claims are not simulated and count as no"],
        ),
    ] {
        assert_eq!(answer(rest.clone(), spec.clone()), expected, "{spec} on {rest}");
    }
}

#[test]
fn host_ports_meet_by_address_and_protocol() {
    let port = |ip: &str, protocol: &str| json!({"containers": [{"ports": [{"hostPort": 80, "containerPort": 80, "hostIP": ip, "protocol": protocol}]}]});
    for (there, wanted, fits) in [
        (port("", "TCP"), port("10.0.0.1", "TCP"), false),
        (port("10.0.0.2", "TCP"), port("10.0.0.1", "TCP"), true),
        (port("10.0.0.1", "TCP"), port("0.0.0.0", ""), false),
        (port("", "UDP"), port("", "TCP"), true),
    ] {
        let mut bound = there.clone();
        bound["nodeName"] = json!("n");
        let world = world(vec![node("n", json!({})), pod("there", bound), pod("p", wanted.clone())]);
        assert_eq!(Site::new(&world).fits(get(&world, "p"), "n"), fits, "{wanted} beside {there}");
    }
}

#[test]
fn anothers_anti_affinity_bars_its_domain_only() {
    let anti = json!({"nodeName": "n1", "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "p"}}}]}}});
    let world = world(vec![
        node("n1", json!({})),
        node("n2", json!({})),
        pod("lonely", anti),
        pod("p", json!({})),
        pod("q", json!({})),
    ]);
    let mut site = Site::new(&world);
    let homes =
        |site: &Site, pod: &str| site.homes(get(&world, pod)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(homes(&site, "p"), ["n2"]);
    assert_eq!(homes(&site, "q"), ["n1", "n2"]);
    assert_eq!(site.unfit(get(&world, "p"), "n1"), [Unfit::ExistingAntiAffinity]);
    site.lift(get(&world, "lonely"), "n1");
    assert_eq!(homes(&site, "p"), ["n1", "n2"]);
}

#[test]
fn a_closed_node_takes_nothing_and_an_opened_one_forgets_passing_conditions() {
    let parked = json!({"spec": {"unschedulable": true, "taints": [
        {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}, {"key": "team", "value": "a", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}});
    let everything = json!({"tolerations": [{"operator": "Exists"}]});
    let world = world(vec![node("n", parked), pod("p", everything), pod("q", json!({}))]);
    let mut site = Site::new(&world);
    assert_eq!(site.unfit(get(&world, "p"), "n"), [Unfit::NotReady]);
    site.open("n");
    assert_eq!(site.unfit(get(&world, "p"), "n"), []);
    assert!(matches!(&site.unfit(get(&world, "q"), "n")[..], [Unfit::Taint(taint)] if &*taint.key == "team"));
    site.close("n");
    assert_eq!(site.unfit(get(&world, "p"), "n"), [Unfit::Unschedulable]);
    assert_eq!(site.unfit(get(&world, "p"), "nowhere"), [Unfit::NodeName]);
}

#[test]
fn least_allocated_comes_first_and_names_break_ties() {
    let busy = |node: &str, cpu: &str| json!({"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}]});
    let world = world(vec![
        node("a", json!({})),
        node("b", json!({})),
        node("c", json!({})),
        node("d", json!({})),
        pod("x", busy("a", "3")),
        pod("y", busy("b", "1")),
        pod("z", busy("c", "3900m")),
        pod("p", json!({"containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]})),
    ]);
    let site = Site::new(&world);
    let homes: Vec<String> = site.homes(get(&world, "p")).iter().map(ToString::to_string).collect();
    assert_eq!(homes, ["d", "b", "a"]);
}

fn small_pod() -> impl Strategy<Value = Value> {
    (0..5_u32, 0..3_u32, 0..4_u8, any::<bool>(), any::<bool>()).prop_map(|(cpu, memory, extra, anti, gpu)| {
        let mut spec =
            json!({"containers": [{"resources": {"requests": {"cpu": cpu, "memory": format!("{memory}Gi")}}}]});
        match extra {
            0 => spec["nodeSelector"] = json!({"kubernetes.io/hostname": "n1"}),
            1 => spec["tolerations"] = json!([{"key": "k", "operator": "Exists"}]),
            2 => spec["containers"][0]["ports"] = json!([{"hostPort": 80}]),
            _ => {}
        }
        if gpu {
            spec["containers"][0]["resources"]["requests"]["x.io/gpu"] = json!(1);
        }
        if anti {
            spec["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "p0"}}}]}});
        }
        spec
    })
}

proptest! {
    #[test]
    fn what_if_leaves_no_trace_and_both_ways_agree(
        specs in prop::collection::vec(small_pod(), 1..8),
        acts in prop::collection::vec((0..4_u8, 0..8_usize, 0..4_usize), 0..20),
        keep in 0..20_usize,
    ) {
        let mut objects: Vec<Value> = vec![
            node("n0", json!({})),
            node("n1", json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}})),
            node("n2", json!({"status": {"allocatable": {"x.io/gpu": "2"}}})),
            node("n3", json!({"spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}})),
        ];
        objects.extend(specs.iter().enumerate().map(|(index, spec)| pod(&format!("p{index}"), spec.clone())));
        let world = world(objects);
        let pods: Vec<&Arc<Pod>> = world.pods.values().collect();
        let nodes: Vec<&Name> = world.nodes.keys().collect();
        let picture = |site: &Site| -> Vec<(Vec<Vec<Unfit>>, Vec<Name>)> {
            let all = |pod: &&Arc<Pod>| nodes.iter().map(|node| site.unfit(pod, node)).collect();
            pods.iter().map(|pod| (all(pod), site.homes(pod))).collect()
        };
        let mut site = Site::new(&world);
        let (mut mark, mut at_mark) = (site.mark(), picture(&site));
        for (number, (act, pod, node)) in acts.iter().enumerate() {
            if number == keep {
                (mark, at_mark) = (site.mark(), picture(&site));
            }
            let (pod, node) = (pods[pod % pods.len()], nodes[*node]);
            match act {
                0 => site.place(pod, node),
                1 => site.lift(pod, node),
                2 => site.close(node),
                _ => site.open(node),
            }
            for pod in &pods {
                let homes = site.homes(pod);
                for node in &nodes {
                    let fits = site.unfit(pod, node).is_empty();
                    prop_assert_eq!(site.fits(pod, node), fits);
                    prop_assert_eq!(homes.contains(node), fits);
                }
                prop_assert_eq!(site.best_home(pod, |_| true), homes.first().cloned());
            }
        }
        site.roll_back(mark);
        prop_assert_eq!(picture(&site), at_mark);
    }
}
