//! How many new nodes pending pods need: the planner's answer where every node that could come is a parked one.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate::model::{Pod, World};
use tidegate::observe;
use tidegate::plan::{Code, Outlook, Plan, Utilisation, Verb, plan};
use tidegate::policy::{Policy, PolicySource, load};

use crate::case::Case;

/// A policy of these pools, each in YAML, with limits in YAML.
fn policy(limits: &str, pools: &[String]) -> Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: case}}\nspec:\n  \
         limits: {{{limits}}}\n  pools:\n{}",
        pools.concat()
    );
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.clone().into_bytes() }]);
    loaded.policy.unwrap_or_else(|| panic!("{text}\n{:#?}", loaded.problems))
}

/// A node like `like` that Tidegate parked, with its server.
fn parked(like: &Value, name: &str, pool: &str) -> [Value; 2] {
    let mut node = like.clone();
    let record = json!({"mark": "parked", "since": "2020-01-01T00:00:00Z", "policy": "case", "pool": pool});
    node["metadata"]["name"] = json!(name);
    node["metadata"]["uid"] = json!(format!("uid-{name}"));
    node["metadata"]["annotations"]["tidegate.dev/record"] = json!(record.to_string());
    if !node["metadata"]["labels"]["kubernetes.io/hostname"].is_null() {
        node["metadata"]["labels"]["kubernetes.io/hostname"] = json!(name);
    }
    node["spec"]["unschedulable"] = json!(true);
    node["spec"]["providerID"] = json!(format!("openstack:///id-{name}"));
    let server = json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": name},
        "spec": {"id": format!("id-{name}"), "flavor": "any"}, "status": {"state": "SHELVED_OFFLOADED"},
    });
    [node, server]
}

/// A pending pod that the scheduler refused; others are as they are.
pub fn refused(mut pod: Value) -> Value {
    if pod["spec"]["nodeName"].is_null() {
        pod["status"]["conditions"] =
            json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"}]);
    }
    pod
}

fn list(case: &Case, name: &str) -> Vec<Value> {
    case.value[name].as_array().cloned().unwrap_or_default()
}

fn planned(policy: &Policy, objects: Vec<Value>) -> Result<Plan, String> {
    let snapshot = observe::from_values(objects);
    match snapshot.gaps.first() {
        Some(gap) => Err(gap.clone()),
        None => Ok(plan(policy, &World::build(snapshot), "2020-12-18T17:00:00Z".parse().unwrap()).0),
    }
}

fn woken(plan: &Plan, pool: &str) -> usize {
    plan.steps.iter().filter(|step| step.verb == Verb::Wake && step.pool == pool).count()
}

/// New nodes of one kind, where the nodes that are there take no pod.
pub fn template_node_count(case: &Case) -> Result<(), String> {
    let mut pods: Vec<Value> = list(case, "pods");
    for set in case.params()["pending_sets"].as_array().into_iter().flatten() {
        for _ in 0..set["count"].as_u64().unwrap() {
            let mut pod = set["pod"].clone();
            let name = format!("estimatee-{}", pods.len());
            pod["metadata"]["uid"] = json!(format!("uid-{name}"));
            pod["metadata"]["name"] = json!(name);
            pods.push(pod);
        }
    }
    let most = case.params()["max_nodes"].as_u64().unwrap_or(u64::try_from(pods.len()).unwrap());
    let mut objects: Vec<Value> = pods.into_iter().map(refused).collect();
    for mut node in list(case, "nodes") {
        node["spec"]["unschedulable"] = json!(true);
        objects.push(node);
    }
    for number in 0..most {
        objects.extend(parked(&case.params()["template_node"], &format!("new-{number}"), "new"));
    }
    let pool = "    - {name: new, nodes: {names: \"new-*\"}}\n".to_owned();
    let plan = planned(&policy("cpu: 1000000, memory: 1000000Gi", &[pool]), objects)?;
    let scheduled = plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Comes);
    let scheduled: usize = scheduled.map(|waiting| waiting.pods.len()).sum();
    case.compare(&json!({"nodes": woken(&plan, "new"), "pods_scheduled": scheduled}))
}

/// Groups of nodes, each of which may have more like its first, within limits. The group that is said to be chosen is the
/// one that the policy prefers.
pub fn scale_up(case: &Case) -> Result<(), String> {
    let params = case.params();
    let groups = params["node_groups"].as_object().unwrap();
    let chosen = params["chosen_group"].as_str();
    let plan = grown(case, chosen)?;
    let pods = |outlook: Outlook, held: bool| {
        let of_it = plan.waiting.iter().filter(move |one| one.outlook == outlook);
        let of_it = of_it.filter(move |one| outlook != Outlook::Waits || held == (one.reason.code == Code::Limit));
        of_it.flat_map(|one| one.pods.iter().map(|pod| pod.pod.clone()))
    };
    let comes = groups.keys().map(|group| woken(&plan, group)).sum::<usize>();
    let held: Vec<String> = pods(Outlook::Waits, true).collect();
    let mut expected = Case { question_type: case.question_type.clone(), value: case.value.clone() };
    // Each tells it in its own words; ours have a code.
    let limited = expected.value["expected"].as_object_mut().unwrap().remove("reason_contains").is_some();
    if limited && held.len() != params["pending"].as_array().unwrap().len() {
        return Err("not every pod is held back by a limit".to_owned());
    }
    let (mut triggered, mut remain) = (Vec::new(), pods(Outlook::Waits, false).collect::<Vec<_>>());
    if comes > 0 {
        triggered.extend(pods(Outlook::Comes, false).chain(held));
    } else {
        remain.extend(held);
    }
    let mut options = BTreeMap::new();
    for group in groups.keys().filter(|_| !case.expected()["options"].is_null()) {
        let alone = woken(&grown(case, Some(group))?, group);
        if alone > 0 {
            options.insert(group.clone(), alone);
        }
    }
    let group = groups.keys().find(|group| woken(&plan, group) > 0);
    expected.compare(&json!({
        "scale_up": comes > 0,
        "group": group,
        "add_nodes": group.map(|group| woken(&plan, group)),
        "pods_triggered": triggered,
        "pods_remain_unschedulable": remain,
        "pods_await_next_loop": [],
        "options": options,
    }))
}

/// The plan where one group is preferred.
fn grown(case: &Case, preferred: Option<&str>) -> Result<Plan, String> {
    let params = case.params();
    let nodes = list(case, "nodes");
    let mut objects: Vec<Value> = list(case, "pods").into_iter().map(refused).collect();
    let mut pools = Vec::new();
    let mut grouped: Vec<&str> = Vec::new();
    for (name, group) in params["node_groups"].as_object().unwrap() {
        let names: Vec<&str> = group["nodes"].as_array().unwrap().iter().map(|node| node.as_str().unwrap()).collect();
        let like = nodes.iter().find(|node| node["metadata"]["name"] == names[0]).unwrap();
        let there = u64::try_from(names.len()).unwrap();
        for number in there..group["max"].as_u64().unwrap() {
            objects.extend(parked(like, &format!("{name}-new-{number}"), name));
        }
        let weight = i32::from(preferred == Some(name));
        pools.push(format!(
            "    - {{name: {name}, nodes: {{names: [{}, \"{name}-new-*\"]}}, min: {there}, weight: {weight}}}\n",
            names.join(", ")
        ));
        grouped.extend(names);
    }
    // What counts for limits belongs to a pool: here to one that never changes.
    let others: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node["metadata"]["name"].as_str())
        .filter(|node| !grouped.contains(node))
        .collect();
    if !others.is_empty() {
        let count = others.len();
        pools.push(format!("    - {{name: others, nodes: {{names: [{}]}}, replicas: {count}}}\n", others.join(", ")));
    }
    objects.extend(nodes);
    let limit = |name: &str| params["limits"][name].as_u64();
    let mut limits = vec![format!("cpu: {}", limit("max_cores_total").unwrap_or(1 << 20))];
    limits.extend(limit("max_memory_total_bytes").map(|bytes| format!("memory: {bytes}")));
    limits.extend(limit("max_nodes_total").map(|nodes| format!("nodes: {nodes}")));
    planned(&policy(&limits.join(", "), &pools), objects)
}

/// How much of a node is requested, within one per cent.
pub fn node_utilization(case: &Case) -> Result<(), String> {
    let (world, params) = (case.world()?, case.params());
    let node = params["node"].as_str().and_then(|name| world.nodes.get(name)).ok_or("there is no such node")?;
    let left_out: fn(&Pod) -> bool =
        match (params["skip_daemonset_pods"].as_bool().unwrap(), params["skip_mirror_pods"].as_bool().unwrap()) {
            (true, true) => |pod| pod.daemon() || pod.mirror(),
            (true, false) => Pod::daemon,
            (false, true) => Pod::mirror,
            (false, false) => |_| false,
        };
    let found = Utilisation::of(&world, node, left_out);
    for (key, answer) in [("utilization", found.highest()), ("cpu_utilization", found.cpu)] {
        let Some(expected) = case.expected()[key].as_f64() else { continue };
        let answer = f64::from(answer.0) / 1000.0;
        if (answer - expected).abs() > expected * 0.01 {
            return Err(format!("{key}: expected {expected}, got {answer}"));
        }
    }
    Ok(())
}
