//! What runs in the cluster: Deployments with and without budgets, StatefulSets, Jobs, DaemonSets, CoreDNS as kubespray
//! ships it, and the bare pods of people who are logged in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::both::{KEPT, workers};
use crate::kubectl::{kubectl, make, until};

/// What must stay Ready of each app, by the label `app`.
pub type Least = BTreeMap<String, usize>;

/// A pod's template. `ready` and `gone` are seconds.
pub fn template(app: &str, ready: &str, gone: &str) -> Value {
    json!({"metadata": {"labels": {"app": app},
            "annotations": {"kubernetes-lab/ready-after": ready, "kubernetes-lab/terminate-after": gone}},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [{"name": "c", "image": "lab/pause:1",
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}}}]}})
}

/// Spread over the nodes where that is possible.
fn spread(app: &str, mut template: Value) -> Value {
    template["spec"]["topologySpreadConstraints"] = json!([{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": app}}}]);
    template
}

pub fn workload(kind: &str, namespace: &str, app: &str, replicas: usize, template: &Value) -> Value {
    let mut made = json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": app, "namespace": namespace, "labels": {"lab": "workshop"}},
        "spec": {"selector": {"matchLabels": {"app": app}}, "template": template}});
    if kind != "DaemonSet" {
        made["spec"]["replicas"] = json!(replicas);
    }
    if kind == "StatefulSet" {
        made["spec"]["serviceName"] = json!(app);
        made["spec"]["podManagementPolicy"] = json!("Parallel");
    }
    made
}

pub fn budget(app: &str, mut spec: Value) -> Value {
    spec["selector"] = json!({"matchLabels": {"app": app}});
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": app, "namespace": "apps", "labels": {"lab": "workshop"}}, "spec": spec})
}

/// Everything, and what must stay of it.
pub fn whole() -> (Vec<Value>, Least) {
    let (mut objects, mut least) = (Vec::new(), Least::new());
    for number in 1..=40_usize {
        let (app, replicas) = (format!("app-{number}"), [2, 3, 1, 2][number % 4]);
        let seconds = |times: usize| format!("{}s", times + 1);
        let pod = spread(&app, template(&app, &seconds(number % 6), &seconds(number % 4)));
        objects.push(workload("Deployment", "apps", &app, replicas, &pod));
        let kept = match (replicas, number % 6) {
            (1, _) => 0,
            (_, 1) => {
                objects.push(budget(&app, json!({"minAvailable": 1})));
                1
            }
            (_, 3) => {
                objects.push(budget(&app, json!({"maxUnavailable": 1})));
                replicas - 1
            }
            (_, 5) => {
                objects.push(budget(&app, json!({"minAvailable": "50%"})));
                replicas.div_ceil(2)
            }
            // No budget: half of it by `drain.implied` (H1).
            _ => replicas.div_ceil(2),
        };
        least.insert(app, kept);
    }
    for app in ["db-1", "db-2"] {
        objects.push(workload("StatefulSet", "apps", app, 3, &spread(app, template(app, "3s", "2s"))));
        objects.push(budget(app, json!({"maxUnavailable": 1})));
        least.insert(app.to_owned(), 2);
    }
    for (app, class) in [("node-agent", "system-node-critical"), ("nodelocaldns", "system-cluster-critical")] {
        let mut pod = template(app, "1s", "1s");
        pod["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
        pod["spec"]["priorityClassName"] = json!(class);
        objects.push(workload("DaemonSet", "kube-system", app, 0, &pod));
    }
    objects.push(coredns());
    least.insert("coredns".to_owned(), 1);
    for app in ["job-1", "job-2"] {
        let mut pod = template(app, "0s", "1s");
        pod["metadata"]["annotations"] = json!({"kubernetes-lab/complete-after": "30s"});
        pod["spec"]["restartPolicy"] = json!("Never");
        objects.push(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": app, "namespace": "apps"},
            "spec": {"template": pod}}));
    }
    for person in ["dana", "eli"] {
        let mut pod = template("session", "1s", "2s");
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!(format!("jupyter-{person}"));
        pod["metadata"]["namespace"] = json!("jhub");
        pod["metadata"]["labels"]["component"] = json!("singleuser-server");
        objects.push(pod);
    }
    (objects, least)
}

/// Two replicas that are never on one node, better on the control plane, no budget.
fn coredns() -> Value {
    let mut pod = template("coredns", "2s", "2s");
    pod["metadata"]["labels"]["k8s-app"] = json!("kube-dns");
    pod["spec"]["priorityClassName"] = json!("system-cluster-critical");
    pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "linux"});
    pod["spec"]["tolerations"] = json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
    let selector = json!({"matchLabels": {"k8s-app": "kube-dns"}});
    pod["spec"]["affinity"] = json!({
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            [{"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}]},
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference":
            {"matchExpressions": [{"key": "node-role.kubernetes.io/control-plane", "operator": "In", "values": [""]}]}}]}});
    let mut made = workload("Deployment", "kube-system", "coredns", 2, &pod);
    made["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "10%"}});
    made
}

pub fn ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.clone().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

pub fn pods(namespace: &str) -> Vec<Value> {
    let listed = kubectl(&["get", "pods", "-n", namespace, "-o", "json"]).unwrap();
    serde_json::from_str::<Value>(&listed).unwrap()["items"].as_array().unwrap().clone()
}

/// Makes objects and waits until so many of each app are Ready.
pub fn running(objects: &[Value], wanted: &BTreeMap<String, usize>) {
    make(objects);
    stand(wanted);
}

/// Waits until so many of each app are Ready.
pub fn stand(wanted: &BTreeMap<String, usize>) {
    until("every app to be Ready", || {
        let mut there: BTreeMap<String, usize> = BTreeMap::new();
        for pod in pods("apps").iter().filter(|pod| ready(pod) && pod["metadata"]["deletionTimestamp"].is_null()) {
            *there.entry(pod["metadata"]["labels"]["app"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        wanted.iter().all(|(app, count)| there.get(app).copied().unwrap_or(0) == *count).then_some(())
    });
    // The disruption controller has counted them, too.
    until("every budget to be met", || {
        let listed = kubectl(&["get", "pdb", "-n", "apps", "-o", "json"]).unwrap();
        let listed = serde_json::from_str::<Value>(&listed).unwrap();
        let met = |budget: &Value| {
            let count = |field: &str| budget["status"][field].as_i64().unwrap_or(-1);
            count("currentHealthy") == count("expectedPods") && count("expectedPods") > 0
        };
        listed["items"].as_array().unwrap().iter().all(met).then_some(())
    });
}

/// Makes objects while this node alone takes pods.
pub fn only_on(node: &str, objects: &[Value], wanted: &BTreeMap<String, usize>) {
    let all = workers();
    let others: Vec<&str> = all.iter().map(String::as_str).chain([KEPT]).filter(|other| *other != node).collect();
    kubectl(&[&["cordon"], others.as_slice()].concat()).unwrap();
    running(objects, wanted);
    kubectl(&[&["uncordon"], others.as_slice()].concat()).unwrap();
}
