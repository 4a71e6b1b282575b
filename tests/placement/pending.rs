//! Pending pods: room that is promised, gates, and why a pod waits in the scheduler's own message.

use serde_json::{Value, json};
use tidegate::placement::{Site, Unfit};

use super::{get, merge, node, pod, world};

fn asks(cpu: &str, rest: Value) -> Value {
    let mut spec = json!({"containers": [{"resources": {"requests": {"cpu": cpu}}}]});
    merge(&mut spec, rest);
    spec
}

/// What a promise of node `n` to the pod `vip` of priority 5 keeps off there: pods of that priority and below.
#[test]
fn a_promised_node_holds_room_against_lesser_pods() {
    let hostname = "kubernetes.io/hostname";
    let term = json!([{"topologyKey": hostname, "labelSelector": {"matchLabels": {"app": "p"}}}]);
    let vips = json!([{"topologyKey": hostname, "labelSelector": {"matchLabels": {"app": "vip"}}}]);
    let nobody = json!([{"topologyKey": hostname, "labelSelector": {"matchLabels": {"app": "nobody"}}}]);
    let apart = |term: Value| json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}});
    let port = json!({"containers": [{"ports": [{"hostPort": 80}], "resources": {"requests": {"cpu": "1"}}}]});
    let spread = json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": hostname,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}]});
    let mut everyone = spread.clone();
    everyone["topologySpreadConstraints"][0]["labelSelector"] = json!({});
    for (promised, wanted, reason) in [
        (asks("3", json!({})), asks("2", json!({})), Unfit::Insufficient("cpu".into())),
        (port.clone(), port, Unfit::HostPorts),
        // The scheduler looks at other pods only for a pod that asks for it, or that a placed pod has something against.
        (asks("1", apart(term)), asks("1", apart(nobody)), Unfit::ExistingAntiAffinity),
        (asks("1", json!({})), asks("1", apart(vips)), Unfit::PodAntiAffinity),
        (asks("1", json!({})), asks("1", spread), Unfit::Spread),
        // By a selector without conditions nobody counts who is there, and everybody who is promised.
        (asks("1", json!({})), asks("1", everyone), Unfit::Spread),
    ] {
        let verdict = |priority: i32, nominated: Value| {
            let mut vip = pod("vip", promised.clone());
            vip["spec"]["priority"] = json!(5);
            vip["status"] = nominated;
            let mut p = pod("p", wanted.clone());
            p["spec"]["priority"] = json!(priority);
            let world = world(vec![node("m", json!({})), node("n", json!({})), vip, p]);
            let site = Site::new(&world);
            assert!(site.fits(get(&world, "vip"), "n"), "its own promise is no obstacle");
            assert_eq!(site.fits(get(&world, "p"), "n"), site.unfit(get(&world, "p"), "n").is_empty());
            site.unfit(get(&world, "p"), "n")
        };
        let nominated = json!({"nominatedNodeName": "n"});
        assert_eq!(verdict(5, nominated.clone()), std::slice::from_ref(&reason), "{wanted}");
        assert_eq!(verdict(6, nominated), [], "{wanted}");
        assert_eq!(verdict(5, json!({})), [], "nothing is promised");
    }
}

/// Two passes must hold: a promise never helps. The pod may not follow one that is only promised.
#[test]
fn a_promise_is_no_company() {
    let near = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "vip"}}}]}}});
    let mut vip = pod("vip", json!({"priority": 5}));
    vip["status"] = json!({"nominatedNodeName": "n"});
    let world = world(vec![node("n", json!({})), vip, pod("p", near)]);
    assert_eq!(Site::new(&world).unfit(get(&world, "p"), "n"), [Unfit::PodAffinity]);
}

#[test]
fn the_message_is_the_schedulers() {
    let small = json!({"status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "10"}}});
    let tainted = json!({"spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}});
    let cordoned = json!({"spec": {"unschedulable": true, "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]}});
    let nodes = || {
        vec![
            node("a", small.clone()),
            node("b", small.clone()),
            node("c", tainted.clone()),
            node("d", cordoned.clone()),
        ]
    };
    let message = |spec: Value| {
        let mut objects = nodes();
        objects.push(pod("p", spec));
        objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "other", "namespace": "a"}}));
        for kind in ["PersistentVolume", "StorageClass", "CSINode", "CSIDriver", "VolumeAttachment"] {
            objects.push(json!({"apiVersion": "v1", "kind": format!("{kind}List"), "items": []}));
        }
        let world = world(objects);
        Site::new(&world).diagnosis(get(&world, "p")).to_string()
    };
    let named = |fields: Value| json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": fields}]}}}});
    let name = |name: &str| json!({"key": "metadata.name", "operator": "In", "values": [name]});
    for (spec, expected) in [
        (
            json!({"containers": [{"resources": {"requests": {"cpu": "2", "memory": "2Gi"}}}]}),
            "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu, 2 Insufficient memory.",
        ),
        (
            named(json!([name("c")])),
            "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't satisfy plugin(s) [NodeAffinity].",
        ),
        (named(json!([name("a"), name("b")])), "0/4 nodes are available: pod affinity terms conflict."),
        (
            json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "gone"}}]}),
            "0/4 nodes are available: persistentvolumeclaim \"gone\" not found.",
        ),
        (
            json!({"containers": [{}]}),
            "2/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.",
        ),
    ] {
        assert_eq!(message(spec.clone()), expected, "{spec}");
    }
}

#[test]
fn a_gated_pod_fits_nowhere() {
    let world = world(vec![node("n", json!({})), pod("p", json!({"schedulingGates": [{"name": "quota"}]}))]);
    let site = Site::new(&world);
    assert_eq!(site.unfit(get(&world, "p"), "n"), [Unfit::Gated]);
    assert_eq!(site.best_home(get(&world, "p"), |_| true), None);
}

/// H7: the Node of a parked server is kept, tainted, and stays a domain without pods.
#[test]
fn h7_a_closed_node_stays_a_domain_unless_its_taint_counts() {
    let spread = |policy: Value| {
        let mut spread = json!({"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "web"}}});
        merge(&mut spread, policy);
        json!({"topologySpreadConstraints": [spread]})
    };
    let web = |name: &str, mut spec: Value, at: &str| {
        if !at.is_empty() {
            spec["nodeName"] = json!(at);
        }
        let mut web = pod(name, spec);
        web["metadata"]["labels"] = json!({"app": "web"});
        web
    };
    for (policy, homes) in [(json!({}), vec![]), (json!({"nodeTaintsPolicy": "Honor"}), vec!["a", "b"])] {
        let world = world(vec![
            node("a", json!({})),
            node("b", json!({})),
            node("c", json!({})),
            web("x", spread(policy.clone()), "a"),
            web("y", spread(policy.clone()), "b"),
            web("z", spread(policy.clone()), "c"),
        ]);
        let mut site = Site::new(&world);
        site.close("c");
        let z = get(&world, "z");
        site.lift(z, "c");
        let found: Vec<String> = site.homes(z).iter().map(ToString::to_string).collect();
        assert_eq!(found, homes, "{policy}");
    }
}
