//! What is bought for pods that wait, where each template of a case is one flavor in one zone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate::model::{Kind, World};
use tidegate::observe;
use tidegate::plan::{Plan, Verb, plan, verify};
use tidegate::policy::{Policy, PolicySource, load};

use crate::case::Case;
use crate::growth::refused;

const ZONE: &str = "topology.kubernetes.io/zone";
const HOST: &str = "kubernetes.io/hostname";

/// One pool whose catalog has a flavor for each template; larger ones cost more.
fn policy(case: &Case) -> Policy {
    let mut flavors = String::new();
    for (number, template) in case.params()["templates"].as_array().unwrap().iter().enumerate() {
        let (labels, has) = (&template["metadata"]["labels"], &template["status"]["allocatable"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (cpu, memory, pods) = (text(&has["cpu"]), text(&has["memory"]), text(&has["pods"]));
        let room = format!("{{cpu: {cpu}, memory: {memory}, pods: {pods}}}");
        let cores = cpu.trim_end_matches('m');
        flavors.push_str(&format!(
            "    - {{name: f{number}, arch: {}, capacity: {room}, allocatable: {room}, offerings: [{{zone: {}, price: {cores}}}]}}\n",
            text(&labels["kubernetes.io/arch"]),
            text(&labels[ZONE]),
        ));
    }
    let catalog =
        format!("apiVersion: tidegate.dev/v1alpha1\nkind: Catalog\nspec:\n  unit: USD\n  flavors:\n{flavors}");
    let policy = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: case}\nspec:\n  \
                  providers: [{name: cloud, openstack: {cloud: x}}]\n  pools:\n    - name: new\n      \
                  nodes: {names: \"new-{1..50}\"}\n      idle: delete\n      create: {image: any, catalog: c.yaml}\n";
    let source = |path: &str, text: &str| PolicySource { path: path.into(), text: text.as_bytes().to_vec() };
    let loaded = load(&[source("policy.yaml", policy), source("c.yaml", &catalog)]);
    loaded.policy.unwrap_or_else(|| panic!("{catalog}\n{:#?}", loaded.problems))
}

/// Where each pod that waited has a place.
fn homes(plan: &Plan) -> BTreeMap<String, String> {
    let pods = plan.waiting.iter().flat_map(|waiting| &waiting.pods);
    pods.filter_map(|pod| Some((pod.pod.clone(), pod.node.clone()?))).collect()
}

/// The value of a label on each node, those that come too.
fn domains(world: &World, plan: &Plan, key: &str) -> BTreeMap<String, String> {
    let mut domains: BTreeMap<String, String> = (world.nodes.values())
        .filter_map(|node| Some((node.name.to_string(), node.labels.get(key)?.to_string())))
        .collect();
    for step in plan.steps.iter().filter(|step| step.verb == Verb::Create) {
        let label = if key == HOST { Some(&step.node) } else { step.creation.as_ref().unwrap().labels.get(key) };
        domains.extend(label.map(|label| (step.node.clone(), label.clone())));
    }
    domains
}

/// The labels of the pods that are spread, if any are; all pods count where none are.
fn meant(pods: &[Value]) -> Option<BTreeMap<String, String>> {
    let labels = |pod: &Value| pod.pointer("/spec/topologySpreadConstraints/0/labelSelector/matchLabels").cloned();
    pods.iter().find_map(labels).map(|labels| serde_json::from_value(labels).unwrap())
}

pub fn provision(case: &Case) -> Result<(), String> {
    let list = |name: &str| case.value[name].as_array().cloned().unwrap_or_default();
    let pods = list("pods");
    // Where the case says who is to be placed, nobody has asked for the others.
    let asked = |key: &str| case.expected()["to_place"].as_array().is_none_or(|list| list.contains(&json!(key)));
    let key = |pod: &Value| {
        let of = |field: &str| pod["metadata"][field].as_str().unwrap().to_owned();
        format!("{}/{}", of("namespace"), of("name"))
    };
    let mut objects: Vec<Value> =
        pods.iter().map(|pod| if asked(&key(pod)) { refused(pod.clone()) } else { pod.clone() }).collect();
    objects.extend(list("nodes"));
    let mut snapshot = observe::from_values(objects);
    if let Some(gap) = snapshot.gaps.first() {
        return Err(gap.clone());
    }
    snapshot.observed = Kind::ALL.into_iter().collect();
    let (world, policy) = (World::build(snapshot), policy(case));
    let plan = plan(&policy, &world, "2026-11-22T19:00:00Z".parse().unwrap()).0;
    let wrong = verify(&plan, &world, &policy);
    if !wrong.is_empty() {
        return Err(format!("{wrong:?}"));
    }
    let (expected, homes) = (case.expected(), homes(&plan));
    let waiting: BTreeSet<String> = world
        .pods
        .values()
        .filter(|pod| pod.node.is_none())
        .map(|pod| pod.key.to_string())
        .filter(|key| asked(key))
        .collect();
    let unscheduled: Vec<&String> = waiting.iter().filter(|pod| !homes.contains_key(*pod)).collect();
    let mut answer = json!({
        "unscheduled": unscheduled.len(),
        "scheduled": homes.len(),
        "new_nodes": plan.steps.iter().filter(|step| step.verb == Verb::Create).count(),
        "unscheduled_pods": unscheduled,
        "scheduled_pods": homes.keys().collect::<Vec<_>>(),
        "topology_key": expected["topology_key"],
        // Who must have a place, and who is asked about, stands for itself if it has one.
        "must_schedule": placed(&expected["must_schedule"], &homes),
        "to_place": placed(&expected["to_place"], &homes),
    });
    for (key, same) in [("same_node", true), ("different_nodes", false)] {
        let groups = expected[key].as_array().cloned().unwrap_or_default();
        let holds = |group: &Value| {
            let nodes: Vec<&String> =
                group.as_array().into_iter().flatten().filter_map(|pod| homes.get(pod.as_str()?)).collect();
            let distinct: BTreeSet<&&String> = nodes.iter().collect();
            distinct.len() == if same { 1 } else { nodes.len() }
        };
        answer[key] = groups.into_iter().filter(holds).collect();
    }
    if let Some(key) = expected["topology_key"].as_str() {
        let (domains, meant) = (domains(&world, &plan, key), meant(&pods));
        let mut counts: BTreeMap<&String, u32> = BTreeMap::new();
        let namespaces: BTreeSet<&str> = waiting.iter().filter_map(|pod| pod.split('/').next()).collect();
        let running = world.pods.values().filter(|pod| !pod.finished() && !pod.terminating());
        for pod in running.filter(|pod| namespaces.contains(&*pod.key.namespace)) {
            let counts_here = meant.as_ref().is_none_or(|meant| {
                meant.iter().all(|(key, value)| pod.labels.get(key.as_str()).is_some_and(|label| **label == **value))
            });
            let node = pod.node.as_ref().map(ToString::to_string).or_else(|| homes.get(&pod.key.to_string()).cloned());
            if let Some(domain) = node.and_then(|node| domains.get(&node)).filter(|_| counts_here) {
                *counts.entry(domain).or_insert(0) += 1;
            }
        }
        answer["pods_per_domain"] = counts.values().copied().collect();
    }
    case.compare(&answer)
}

/// Those of the list that have a place.
fn placed(list: &Value, homes: &BTreeMap<String, String>) -> Value {
    let list = list.as_array().into_iter().flatten();
    list.filter(|pod| pod.as_str().is_some_and(|pod| homes.contains_key(pod))).cloned().collect()
}
