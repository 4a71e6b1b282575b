//! Which pods may leave: asked of the same rules in the order of whoever's case it is.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::model::{Pod, PodKey, World};
use tidegate::plan::leaving::{Asked, Ruling, Settings, Table, daemon_evicted};
use tidegate::plan::{Allowances, Code, Rounds, Say};
use tidegate::policy::{Drain, OnTimeout};

use super::case::{Case, pod};

/// Settings as Cluster Autoscaler's defaults have them, with the case's own.
fn settings(params: &Value) -> Settings {
    let on = |key: &str, default: bool| params.get(key).and_then(Value::as_bool).unwrap_or(default);
    Settings {
        controllers_listed: on("controllers_listed", false),
        builtin_controllers_only: on("skip_nodes_with_custom_controller_pods", true),
        min_replicas: params.get("min_replica_count").and_then(Value::as_u64).map_or(0, |n| u32::try_from(n).unwrap()),
        evict_daemonsets: on("evict_daemonset_pods", false),
        force: on("force", false),
        ignore_daemonsets: on("ignore_daemonsets", false),
        delete_emptydir_data: on("delete_emptydir_data", false),
        ..Settings::default()
    }
}

/// A policy that says nothing about draining.
pub fn silent() -> Drain {
    let second = jiff::SignedDuration::from_secs;
    Drain {
        pod_timeout: second(120),
        ready_timeout: second(300),
        budget_timeout: second(600),
        longest_grace: second(600),
        implied: 50,
        on_timeout: OnTimeout::GiveBack,
        traffic_grace: second(30),
        disposable: Vec::new(),
        pods: Vec::new(),
        when_no_home: Vec::new(),
        origin: None,
    }
}

pub fn now(params: &Value) -> Timestamp {
    params.get("now").and_then(Value::as_str).and_then(|now| now.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Asks of a pod with the case's settings.
pub fn with<T>(case: &Case, world: &World, pod: &Pod, ask: impl FnOnce(&Asked<'_>) -> T) -> T {
    let params = case.params();
    let drain = silent();
    let settings = settings(params);
    ask(&Asked { pod, world, drain: &drain, now: now(params), relaxed: &[], settings })
}

/// Cluster Autoscaler's name for a reason.
pub fn reason(code: Code) -> &'static str {
    match code {
        Code::NoController => "NotReplicated",
        Code::ControllerNotFound => "ControllerNotFound",
        Code::MinReplicas => "MinReplicasReached",
        Code::LocalStorage => "LocalStorageRequested",
        Code::DoNotDisrupt => "NotSafeToEvictAnnotation",
        Code::SystemPod => "UnmovableKubeSystemPod",
        Code::Budget => "NotEnoughPdb",
        _ => "UnexpectedError",
    }
}

/// One named rule, one pod.
pub fn drain_rule(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let pod = pod(&world, case.params()["pod"].as_str().unwrap())?;
    let rule = case.params()["rule"].as_str().unwrap();
    let ruling = with(case, &world, pod, |asked| {
        // A rule that is asked by name is one that is in force, whatever switches it on.
        let settings = Settings { controllers_listed: true, ..asked.settings };
        Table::CLUSTER_AUTOSCALER.only(rule, &Asked { settings, ..*asked })
    });
    let (outcome, code) = match &ruling {
        None => ("undefined", None),
        Some(Ruling::Goes) => ("drain-ok", None),
        Some(Ruling::Stays("DaemonSet" | "finished")) => ("drain-ok", None),
        Some(Ruling::Stays(_)) => ("skip-drain", None),
        Some(Ruling::Waits(..)) => ("wait-for-completion", None),
        Some(Ruling::Blocks(reason)) => ("block-drain", Some(reason.code)),
    };
    case.compare(&json!({"outcome": outcome, "blocks": code.is_some(), "reason": code.map(reason)}))
}

/// A node as Cluster Autoscaler would empty it: a blocking pod ends the listing.
pub fn drain_node(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let node = case.params()["node"].as_str().unwrap();
    let (mut evict, mut daemons) = (Vec::new(), Vec::new());
    let order = case.value["pods"].as_array().unwrap().iter().filter(|pod| pod["spec"]["nodeName"] == node);
    for pod in order {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("default");
        let pod = &world.pods[&PodKey::new(namespace, pod["metadata"]["name"].as_str().unwrap())];
        let first = with(case, &world, pod, |asked| Table::CLUSTER_AUTOSCALER.first(asked));
        match first.map(|(_, ruling)| ruling) {
            Some(Ruling::Blocks(found)) => {
                return case.compare(&json!({
                    "removable": false, "pods_to_evict": evict, "daemonset_pods": daemons,
                    "blocking_pod": pod.key.to_string(), "reason": reason(found.code),
                }));
            }
            Some(Ruling::Stays("DaemonSet")) => daemons.push(pod.key.to_string()),
            Some(Ruling::Stays("finished") | Ruling::Goes) | None => evict.push(pod.key.to_string()),
            Some(Ruling::Stays(_) | Ruling::Waits(..)) => {}
        }
    }
    case.compare(&json!({"removable": true, "pods_to_evict": evict, "daemonset_pods": daemons}))
}

/// `kubectl drain` with its flags.
pub fn kubectl_drain(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let mut evicted = Vec::new();
    for pod in world.pods_on(case.params()["node"].as_str().unwrap()) {
        match with(case, &world, pod, |asked| Table::KUBECTL.first(asked)).map(|(_, ruling)| ruling) {
            Some(Ruling::Blocks(_)) => return case.compare(&json!({"drain_ok": false, "evicted": []})),
            Some(Ruling::Goes) => evicted.push(pod.key.to_string()),
            _ => {}
        }
    }
    case.compare(&json!({"drain_ok": true, "evicted": evicted}))
}

/// A node's pods by kind: those of DaemonSets (where they are to be evicted too, or ask for it) and the others.
pub fn drain_pod_sets(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let (mut daemons, mut others) = (Vec::new(), Vec::new());
    for pod in world.pods_on(case.params()["node"].as_str().unwrap()) {
        match with(case, &world, pod, |asked| Table::CLUSTER_AUTOSCALER.first(asked)).map(|(_, ruling)| ruling) {
            Some(Ruling::Stays("DaemonSet")) => {
                if with(case, &world, pod, daemon_evicted) {
                    daemons.push(pod.key.to_string());
                }
            }
            Some(Ruling::Stays("static pod")) => {}
            _ => others.push(pod.key.to_string()),
        }
    }
    case.compare(&json!({"daemonset_pods": daemons, "other_pods": others}))
}

/// Whether pods fit their budgets one after another, and all at once.
pub fn pdb_budget(case: &Case) -> Result<(), String> {
    let world = case.world()?;
    let one_by_one = world
        .pods
        .values()
        .all(|pod| with(case, &world, pod, |asked| Table::CLUSTER_AUTOSCALER.only("pdb", asked)).is_none());
    let drain = Drain { implied: 0, ..silent() };
    let allowances = Allowances::count(&world, &drain);
    let mut rounds = Rounds::default();
    let at_once = world.pods.values().all(|pod| match allowances.say(&world, &drain, pod) {
        Say::Free => true,
        Say::AtOnce(bound, most) => rounds.next(&bound, most) == 1,
        Say::Closed(_) => false,
    });
    case.compare(&json!({"can_evict": one_by_one, "in_parallel": at_once}))
}
