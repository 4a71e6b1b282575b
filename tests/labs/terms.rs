//! Random selectors, affinities and spread constraints.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::scene::{Mix, NAMESPACES};

/// Labels of nodes, with values that pods ask for: not all of them exist.
pub const NODE_LABELS: &[(&str, &[&str])] = &[
    ("topology.kubernetes.io/zone", &["a", "b", "d"]),
    ("disk", &["ssd", "hdd", ""]),
    ("size", &["1", "3", "5"]),
    ("kubernetes.io/hostname", &["n1", "n2"]),
];

const TOPOLOGIES: &[&str] = &[
    "kubernetes.io/hostname",
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/zone",
    "disk",
];

const POD_LABELS: &[(&str, &[&str])] =
    &[("app", &["web", "db", "cache"]), ("tier", &["x", "y"]), ("pod-template-hash", &["h1", "h2"])];

/// For a pod labelled `app`: many look for their own like.
pub fn affinity(dice: &mut Dice, mix: &Mix, app: &str) -> Option<Value> {
    let mut affinity = json!({});
    if dice.percent(mix.chance("nodeaffinity", 15)) {
        let terms: Vec<Value> = (0..dice.from(1, 3)).map(|_| node_term(dice)).collect();
        affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            json!({"nodeSelectorTerms": terms});
    }
    if dice.percent(mix.chance("preferences", 15)) {
        let preferred: Vec<Value> =
            (0..dice.from(1, 3)).map(|_| json!({"weight": dice.from(1, 100), "preference": node_term(dice)})).collect();
        affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = json!(preferred);
    }
    for (kind, feature) in [("podAffinity", "affinity"), ("podAntiAffinity", "antiaffinity")] {
        if dice.percent(mix.chance(feature, 15)) {
            let terms: Vec<Value> = (0..dice.pick(&[1, 1, 2])).map(|_| pod_term(dice, app)).collect();
            affinity[kind]["requiredDuringSchedulingIgnoredDuringExecution"] = json!(terms);
        }
        if dice.percent(mix.chance("preferences", 10)) {
            let preferred: Vec<Value> = (0..dice.from(1, 2))
                .map(|_| json!({"weight": dice.from(1, 100), "podAffinityTerm": pod_term(dice, app)}))
                .collect();
            affinity[kind]["preferredDuringSchedulingIgnoredDuringExecution"] = json!(preferred);
        }
    }
    (affinity != json!({})).then_some(affinity)
}

fn node_term(dice: &mut Dice) -> Value {
    let mut term = json!({});
    let count = dice.pick(&[0, 1, 1, 1, 2]);
    let expressions: Vec<Value> = (0..count).map(|_| node_requirement(dice)).collect();
    if !expressions.is_empty() {
        term["matchExpressions"] = json!(expressions);
    }
    if dice.percent(20) {
        let fields: Vec<Value> = (0..dice.pick(&[1, 1, 2]))
            .map(|_| {
                json!({"key": "metadata.name", "operator": dice.pick(&["In", "In", "NotIn"]),
                    "values": [dice.pick(&["n1", "n2", "n3", "none"])]})
            })
            .collect();
        term["matchFields"] = json!(fields);
    }
    term
}

fn node_requirement(dice: &mut Dice) -> Value {
    let (key, values) = dice.pick(NODE_LABELS);
    match dice.pick(&["In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]) {
        operator @ ("Gt" | "Lt") => {
            json!({"key": "size", "operator": operator, "values": [dice.pick(&["0", "2", "3", "6"])]})
        }
        operator @ ("In" | "NotIn") => json!({"key": key, "operator": operator, "values": chosen(dice, values)}),
        operator => json!({"key": key, "operator": operator}),
    }
}

fn chosen(dice: &mut Dice, values: &[&str]) -> Value {
    let some: Vec<&str> = values.iter().copied().filter(|_| dice.percent(50)).collect();
    if some.is_empty() { json!([dice.pick(values)]) } else { json!(some) }
}

/// A label selector; some select every pod, many those labelled `app`.
fn selector(dice: &mut Dice, app: &str) -> Value {
    if dice.percent(40) {
        return json!({"matchLabels": {"app": app}});
    }
    let mut selector = json!({});
    if dice.percent(70) {
        let (key, values) = dice.pick(&POD_LABELS[..2]);
        selector["matchLabels"] = json!({key: dice.pick(values)});
    }
    if dice.percent(25) {
        let (key, values) = dice.pick(POD_LABELS);
        let requirement = match dice.pick(&["In", "NotIn", "Exists", "DoesNotExist"]) {
            operator @ ("In" | "NotIn") => json!({"key": key, "operator": operator, "values": chosen(dice, values)}),
            operator => json!({"key": key, "operator": operator}),
        };
        selector["matchExpressions"] = json!([requirement]);
    }
    selector
}

fn pod_term(dice: &mut Dice, app: &str) -> Value {
    let mut term = json!({"topologyKey": dice.pick(TOPOLOGIES)});
    if dice.percent(95) {
        term["labelSelector"] = selector(dice, app);
        if dice.percent(15) {
            term["matchLabelKeys"] = json!(["pod-template-hash"]);
        } else if dice.percent(15) {
            term["mismatchLabelKeys"] = json!([dice.pick(&["pod-template-hash", "tier"])]);
        }
    }
    if dice.percent(30) {
        let mut some = dice.some(NAMESPACES, 50);
        some.extend(dice.percent(10).then_some("nowhere"));
        term["namespaces"] = json!(some);
    }
    if dice.percent(30) {
        term["namespaceSelector"] = match dice.below(4) {
            0 => json!({}),
            1 => json!({"matchLabels": {"team": "one"}}),
            2 => json!({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}),
            _ => json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["two"]}]}),
        };
    }
    term
}

pub fn spread(dice: &mut Dice, mix: &Mix, app: &str) -> Vec<Value> {
    let mut constraints = Vec::new();
    for feature in ["spread", "preferences"] {
        if !dice.percent(mix.chance(feature, 15)) {
            continue;
        }
        let hard = feature == "spread";
        for topology in dice.some(&["kubernetes.io/hostname", "topology.kubernetes.io/zone", "disk"], 45) {
            let mut made = json!({
                "maxSkew": dice.pick(&[1, 1, 1, 2, 3]), "topologyKey": topology,
                "whenUnsatisfiable": if hard { "DoNotSchedule" } else { "ScheduleAnyway" },
            });
            if dice.percent(95) {
                made["labelSelector"] = selector(dice, app);
                if dice.percent(20) {
                    made["matchLabelKeys"] = json!(["pod-template-hash"]);
                }
            }
            if hard && dice.percent(30) {
                made["minDomains"] = json!(dice.from(1, 4));
            }
            if dice.percent(60) {
                made["nodeAffinityPolicy"] = json!(dice.pick(&["Honor", "Ignore"]));
            }
            if dice.percent(40) {
                made["nodeTaintsPolicy"] = json!(dice.pick(&["Honor", "Ignore"]));
            }
            constraints.push(made);
        }
    }
    constraints
}
