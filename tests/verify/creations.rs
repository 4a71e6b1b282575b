//! Steps that make and destroy servers: whatever is changed in one of them is found.

use serde_json::json;
use tidegate::plan::{Plan, PodAction, Precondition, Rule, Step, StepCost, Verb};
use tidegate::policy::Policy;

use super::fixture::{Cluster, merge, policy_of};
use super::goods::{CALM, Good};

fn policy() -> Policy {
    let cloud = "  providers: [{name: cloud, openstack: {cloud: shop}}]\n";
    let pool = "      min: 1\n      idle: delete\n      create:\n        image: ubuntu\n        flavors: [m3.medium, m3.large]\n        \
                zones: [nova, east]\n        labels: {tier: burst}\n        taints: [{key: team, value: a, effect: PreferNoSchedule}]\n";
    let rates = "  rates: [{unit: SU, perHour: {m3.medium: 8, m3.large: 20}}]\n";
    policy_of("worker-{1..4}", pool, &format!("{rates}{cloud}"))
}

fn flavor(name: &str, cores: u32) -> serde_json::Value {
    json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "Flavor", "metadata": {"name": name},
        "spec": {"capacity": {"cpu": cores.to_string(), "memory": "30Gi", "ephemeral-storage": "60Gi"}},
    })
}

/// Two servers for two pods that wait.
fn making() -> Good {
    let mut cluster = Cluster::workers(1);
    cluster.items.extend([flavor("m3.medium", 8), flavor("m3.large", 16)]);
    cluster.pod("busy", "worker-1", "busy", "8");
    for number in 1..=2 {
        let pod = cluster.pod(&format!("cart-{number}"), "", "cart", "8");
        pod["spec"].as_object_mut().unwrap().remove("nodeName");
        let waits =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"});
        merge(pod, json!({"status": {"phase": "Pending", "conditions": [waits]}}));
    }
    let good = Good::of(policy(), &cluster, CALM);
    assert_eq!(good.plan.steps.iter().filter(|step| step.verb == Verb::Create).count(), 2, "{:#?}", good.plan.steps);
    good
}

/// Two servers that Tidegate made go, one with a pod that has another home.
fn unmaking() -> Good {
    let mut cluster = Cluster::workers(3);
    cluster.items.extend([flavor("m3.medium", 8), flavor("m3.large", 16)]);
    let mark = "pool=workers policy=test at=2026-11-01T00:00:00Z cluster=c-1";
    for item in
        cluster.items.iter_mut().filter(|item| item["kind"] == "Server" && item["metadata"]["name"] != "worker-1")
    {
        item["spec"]["metadata"] = json!({"tidegate_created": mark});
    }
    cluster.pod("web-1", "worker-2", "web", "100m");
    cluster.pod("web-2", "worker-1", "web", "100m");
    let good = Good::of(policy(), &cluster, CALM);
    assert_eq!(good.plan.steps.iter().filter(|step| step.verb == Verb::Delete).count(), 2, "{:#?}", good.plan.steps);
    good
}

type Tamper = fn(&mut Step);

/// Changes the first step of `verb` in each way, and sees it found: by `rule` where one is named, else by any.
fn each_is_found(good: &Good, verb: Verb, changes: &[(&str, Option<Rule>, Tamper)]) {
    for (what, rule, change) in changes {
        let mut plan: Plan = good.plan.clone();
        change(plan.steps.iter_mut().find(|step| step.verb == verb).unwrap());
        assert_ne!(plan, good.plan, "{what} changes nothing");
        let rules = good.rules(&plan);
        match rule {
            Some(rule) => assert!(rules.contains(rule), "{what}: {rule} is not among {rules:?}"),
            None => assert!(!rules.is_empty(), "{what} is not found"),
        }
    }
}

/// What every step has.
const ANY: &[(&str, Option<Rule>, Tamper)] = &[
    ("its id", None, |step| step.id.push('x')),
    ("its pool", None, |step| step.pool.push('x')),
    ("its node", None, |step| step.node = "worker-4".to_owned()),
    ("a node of no pool", None, |step| step.node = "stranger".to_owned()),
    ("the provider's verb", None, |step| step.provider_verb = Some("sing".to_owned())),
    ("no verb of the provider", None, |step| step.provider_verb = None),
    ("its server", None, |step| step.server = Some("id-worker-1".to_owned())),
    ("what it comes after", None, |step| step.after = vec!["park/nobody".to_owned()]),
    ("its reason", None, |step| step.reason.text.push('x')),
    ("its evidence", None, |step| step.reason.evidence.pod = Some("a/ghost".to_owned())),
    ("its line", None, |step| step.reason.origin = None),
    ("its cost", Some(Rule::Cost), |step| step.cost = Some(StepCost { per_hour_micros: 1 })),
    ("no cost", Some(Rule::Cost), |step| step.cost = None),
    ("its preconditions", None, |step| step.preconditions.push(Precondition::Marked)),
    ("its verb", None, |step| step.verb = Verb::Uncordon),
];

#[test]
fn a_change_in_what_is_made_is_found() {
    let good = making();
    each_is_found(&good, Verb::Create, ANY);
    each_is_found(
        &good,
        Verb::Create,
        &[
            ("nothing that is made", Some(Rule::Creation), |step| step.creation = None),
            ("another flavor", Some(Rule::Creation), |step| made(step).flavor = "g3.large".to_owned()),
            ("a dearer flavor of the template", None, |step| made(step).flavor = "m3.large".to_owned()),
            ("another image", Some(Rule::Creation), |step| made(step).image = "debian".to_owned()),
            ("another zone", Some(Rule::Creation), |step| made(step).zone = Some("west".to_owned())),
            ("another zone of the template", None, |step| {
                let zone = &mut made(step).zone;
                *zone = Some(if zone.as_deref() == Some("nova") { "east" } else { "nova" }.to_owned());
            }),
            ("no zone", Some(Rule::Creation), |step| made(step).zone = None),
            ("a label less", Some(Rule::Creation), |step| drop(made(step).labels.remove("tier"))),
            ("another label", Some(Rule::Creation), |step| drop(made(step).labels.insert("tier".into(), "b".into()))),
            ("a label more", None, |step| drop(made(step).labels.insert("gpu".into(), "yes".into()))),
            ("a taint less", Some(Rule::Creation), |step| made(step).taints.clear()),
            ("a taint that is none", Some(Rule::Creation), |step| made(step).taints.push("x".to_owned())),
            ("more cores", Some(Rule::Creation), |step| made(step).milli_cpu += 1),
            ("fewer cores", None, |step| made(step).milli_cpu -= 1),
            ("more memory", Some(Rule::Creation), |step| made(step).memory_bytes = 31 << 30),
            ("less memory", None, |step| made(step).memory_bytes -= 1),
            ("more disk", Some(Rule::Creation), |step| made(step).ephemeral_bytes = 1 << 50),
            ("more pods", None, |step| made(step).pods += 1),
            ("a GPU", Some(Rule::Creation), |step| made(step).others.extend([("nvidia.com/gpu".into(), 1)])),
        ],
    );
    // What another step has of it is no better.
    let mut plan = good.plan.clone();
    let creation = plan.steps.iter().find_map(|step| step.creation.clone());
    plan.steps.iter_mut().find(|step| step.verb == Verb::Wait).unwrap().creation = creation;
    assert!(plan == good.plan || !good.rules(&plan).is_empty());
    let mut plan = good.plan.clone();
    plan.steps.retain(|step| step.node != "worker-2");
    plan.steps.iter_mut().for_each(|step| step.after.retain(|id| !id.ends_with("/worker-2")));
    assert_ne!(good.rules(&plan), [], "one that is left out");
}

fn made(step: &mut Step) -> &mut tidegate::plan::Creation {
    step.creation.as_mut().unwrap()
}

#[test]
fn a_change_in_what_is_destroyed_is_found() {
    let good = unmaking();
    each_is_found(&good, Verb::Delete, ANY);
    let creation = making().plan.steps.into_iter().find_map(|step| step.creation);
    let mut plan = good.plan.clone();
    plan.steps.iter_mut().find(|step| step.verb == Verb::Delete).unwrap().creation = creation;
    assert!(good.rules(&plan).contains(&Rule::Creation));
    // Not drained, though somebody is on it or it runs well.
    let mut plan = good.plan.clone();
    plan.steps.retain(|step| step.verb == Verb::Delete);
    plan.steps.iter_mut().for_each(|step| step.after.clear());
    assert!(good.rules(&plan).contains(&Rule::Creation), "{:?}", good.rules(&plan));
    // One that Tidegate did not make.
    let mut world = good.world.clone();
    for server in good.world.servers.values() {
        let mut server = (**server).clone();
        server.metadata.clear();
        world.apply(tidegate::model::Change::Server(server));
    }
    let strange = Good { world, plan: good.plan.clone(), policy: good.policy.clone() };
    assert!(strange.rules(&good.plan).contains(&Rule::Creation));
    // A pool that keeps its servers.
    let parks = good.policy.pools[0].clone();
    let mut policy = good.policy.clone();
    policy.pools[0] = tidegate::policy::Pool { idle: tidegate::policy::Idle::Shelve, ..parks };
    let kept = Good { policy, world: good.world.clone(), plan: good.plan.clone() };
    assert!(kept.rules(&good.plan).contains(&Rule::Creation));
    let evictions = good.plan.steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.action == PodAction::Evict);
    assert_eq!(evictions.count(), 1);
}
