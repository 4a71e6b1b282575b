//! Pods and nodes that no API server would let in, or that nobody expects: an answer for each, and no trace of a what-if.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::observe;
use tidegate::placement::{Site, Strategy as Scoring};

use super::{get, merge, node, pod, world};

/// Asks everything there is to ask about every pod on every node, and what-if.
fn asked_everything(world: &World) {
    let mut site = Site::new(world);
    let picture = |site: &Site| {
        let each = world.pods.values().map(|pod| {
            let unfit: Vec<_> = world.nodes.keys().map(|node| site.unfit(pod, node)).collect();
            let fits: Vec<bool> = world.nodes.keys().map(|node| site.fits(pod, node)).collect();
            let mut homes = site.homes(pod);
            assert_eq!(site.best_home(pod, |_| true).is_some(), !homes.is_empty(), "{}", pod.key);
            let ranking: Vec<_> = [Scoring::LeastAllocated, Scoring::MostAllocated]
                .map(|strategy| site.ranking(pod, strategy).len())
                .into();
            assert_eq!(ranking, [homes.len(); 2]);
            assert_eq!(site.diagnosis(pod).nodes, world.nodes.len());
            homes.sort();
            for (node, (unfit, fits)) in world.nodes.keys().zip(unfit.iter().zip(&fits)) {
                assert_eq!(unfit.is_empty(), *fits, "{} on {node}: {unfit:?}", pod.key);
                assert_eq!(homes.contains(node), *fits, "{} on {node}", pod.key);
            }
            (unfit, homes)
        });
        each.collect::<Vec<_>>()
    };
    let before = picture(&site);
    let mark = site.mark();
    for (pod, node) in world.pods.values().zip(world.nodes.keys().cycle()) {
        site.place(pod, node);
        site.close(node);
        site.open(node);
    }
    picture(&site);
    site.roll_back(mark);
    assert!(picture(&site) == before, "what-if left a trace");
}

fn required(kind: &str, term: Value) -> Value {
    json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": term}}})
}

fn on_nodes(expression: Value) -> Value {
    required("nodeAffinity", json!({"nodeSelectorTerms": [{"matchExpressions": [expression]}]}))
}

/// `fits` is what the rule says of the only node, which has the labels `size: 3` and its host name.
#[test]
fn malformed_terms_have_an_answer() {
    let every = json!({"matchExpressions": []});
    let spread = |rest: Value| {
        let mut spread = json!({"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "p"}}});
        merge(&mut spread, rest);
        json!({"topologySpreadConstraints": [spread]})
    };
    for (spec, fits) in [
        (on_nodes(json!({"key": "size", "operator": "In", "values": []})), false),
        (on_nodes(json!({"key": "size", "operator": "NotIn", "values": []})), false),
        (on_nodes(json!({"key": "size", "operator": "Exists", "values": ["3"]})), false),
        (on_nodes(json!({"key": "size", "operator": "Gt", "values": ["two"]})), false),
        (on_nodes(json!({"key": "size", "operator": "Gt", "values": ["1", "2"]})), false),
        (on_nodes(json!({"key": "size", "operator": "Lt", "values": ["99999999999999999999"]})), false),
        (on_nodes(json!({"key": "size", "operator": "Gt", "values": ["-9223372036854775808"]})), true),
        (on_nodes(json!({"key": "", "operator": "Exists"})), false),
        (required("nodeAffinity", json!({"nodeSelectorTerms": []})), false),
        (required("nodeAffinity", json!({"nodeSelectorTerms": [{}]})), false),
        (
            required(
                "nodeAffinity",
                json!({"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.namespace", "operator": "In", "values": ["n"]}]}]}),
            ),
            false,
        ),
        (required("podAffinity", json!([{"topologyKey": "", "labelSelector": every}])), false),
        (required("podAffinity", json!([{"labelSelector": every}])), false),
        (required("podAntiAffinity", json!([{"topologyKey": "", "labelSelector": every}])), true),
        (required("podAntiAffinity", json!([{"topologyKey": "nowhere"}])), true),
        (required("podAntiAffinity", json!([])), true),
        (spread(json!({"topologyKey": ""})), false),
        (spread(json!({"maxSkew": 0})), false),
        (spread(json!({"maxSkew": -2_147_483_648_i64})), false),
        (spread(json!({"maxSkew": 2_147_483_647})), true),
        (spread(json!({"minDomains": -5})), true),
        (spread(json!({"minDomains": 2_147_483_647})), true),
        (spread(json!({"labelSelector": null})), true),
        (json!({"tolerations": [{"operator": "Nonsense"}], "nodeSelector": {}}), true),
        (json!({"nodeSelector": {"": ""}}), false),
        (
            json!({"containers": [{"ports": [{"hostPort": 0}, {"hostPort": 65535, "protocol": "NONE", "hostIP": "x"}]}]}),
            true,
        ),
    ] {
        let shown = spec.to_string();
        let world = world(vec![node("n", json!({"metadata": {"labels": {"size": "3"}}})), pod("p", spec)]);
        assert_eq!(Site::new(&world).fits(get(&world, "p"), "n"), fits, "{shown}");
        asked_everything(&world);
    }
}

/// A term that cannot be understood leaves its pod out and says so: an observation with a gap takes nothing away.
#[test]
fn what_cannot_be_understood_is_a_gap() {
    let anti = |expression: Value| {
        required("podAntiAffinity", json!([{"topologyKey": "z", "labelSelector": {"matchExpressions": [expression]}}]))
    };
    for (spec, says) in [
        (on_nodes(json!({"key": "size", "operator": "Near", "values": ["3"]})), "there is no operator `Near`"),
        (on_nodes(json!({"key": "size"})), "there is no operator ``"),
        (anti(json!({"key": "app", "operator": "Gt", "values": ["3"]})), "a label selector knows no operator `Gt`"),
    ] {
        let snapshot = observe::from_values([pod("p", spec)]);
        assert!(snapshot.pods.is_empty());
        assert!(snapshot.gaps.len() == 1 && snapshot.gaps[0].contains(says), "{:?}", snapshot.gaps);
    }
}

#[test]
fn weights_of_any_size_and_sign_do_not_overflow() {
    let most = i64::from(i32::MAX);
    for weight in [-1, 0, most, -most - 1] {
        let pods = json!({"weight": weight, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}});
        let nodes = json!({"weight": weight, "preference": {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}});
        let many = |one: &Value| vec![one.clone(); 200];
        let preferred = |one: &Value| json!({"preferredDuringSchedulingIgnoredDuringExecution": many(one)});
        let affinity = json!({"podAffinity": preferred(&pods), "podAntiAffinity": preferred(&pods), "nodeAffinity": preferred(&nodes)});
        let mut objects = vec![node("m", json!({})), node("n", json!({}))];
        for (name, at) in [("p", None), ("x", Some("m")), ("y", Some("n")), ("z", Some("n"))] {
            let mut made = pod(name, json!({"affinity": affinity}));
            if let Some(at) = at {
                made["spec"]["nodeName"] = json!(at);
            }
            objects.push(made);
        }
        asked_everything(&world(objects));
    }
}

/// As large as an object of the API server can be: each term over another label.
#[test]
fn ten_thousand_terms_are_no_more_than_slow() {
    const MANY: usize = 10_000;
    let term = |number: usize| json!({"topologyKey": format!("key-{number}"), "labelSelector": {"matchLabels": {"app": format!("a{}", number % 7)}}});
    let terms: Vec<Value> = (0..MANY).map(term).collect();
    let spread = |number: usize| {
        json!({"maxSkew": 1, "topologyKey": format!("key-{number}"), "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "p"}}})
    };
    let node_terms: Vec<Value> = (0..MANY)
        .map(|number| json!({"matchExpressions": [{"key": format!("key-{number}"), "operator": "Exists"}]}))
        .collect();
    let tolerations: Vec<Value> =
        (0..MANY).map(|number| json!({"key": format!("k{number}"), "operator": "Exists"})).collect();
    for spec in [
        required("podAntiAffinity", json!(terms)),
        required("podAffinity", json!(terms)),
        json!({"topologySpreadConstraints": (0..MANY).map(spread).collect::<Vec<_>>()}),
        required("nodeAffinity", json!({"nodeSelectorTerms": node_terms})),
        json!({"tolerations": tolerations}),
    ] {
        let world = world(vec![node("m", json!({})), node("n", json!({})), pod("p", spec)]);
        let mut site = Site::new(&world);
        let p = get(&world, "p");
        let mark = site.mark();
        let before = site.homes(p);
        site.place(p, "m");
        assert_eq!(site.fits(p, "n"), site.unfit(p, "n").is_empty());
        site.roll_back(mark);
        assert_eq!(site.homes(p), before);
    }
}

/// Any amounts, negative ones too.
fn amount() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|amount| json!(amount)),
        any::<i64>().prop_map(|amount| json!(format!("{amount}m"))),
        (-100..100_i32).prop_map(|amount| json!(amount)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_amounts_have_an_answer(
        has in prop::collection::vec((amount(), amount(), amount()), 1..4),
        asks in prop::collection::vec((amount(), amount(), amount(), any::<bool>()), 1..6),
    ) {
        let mut objects = Vec::new();
        for (number, (cpu, memory, pods)) in has.iter().enumerate() {
            let allocatable = json!({"cpu": cpu, "memory": memory, "pods": pods, "example.com/x": memory});
            objects.push(node(&format!("m{number}"), json!({"status": {"allocatable": allocatable}})));
        }
        for (number, (cpu, memory, other, bound)) in asks.iter().enumerate() {
            let requests = json!({"cpu": cpu, "memory": memory, "example.com/x": other});
            let mut made = pod(&format!("p{number}"), json!({"containers": [{"resources": {"requests": requests}}]}));
            if *bound {
                made["spec"]["nodeName"] = json!("m0");
            }
            objects.push(made);
        }
        let mut snapshot = observe::from_values(objects);
        snapshot.gaps.clear();
        asked_everything(&World::build(snapshot));
    }
}
