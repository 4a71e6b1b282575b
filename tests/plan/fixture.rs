//! Clusters and policies for the planner's tests, written as operators write them: YAML and Kubernetes JSON.

#![allow(dead_code)]

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::model::World;
use tidegate::plan::{Plan, plan};
use tidegate::policy::{Policy, PolicySource, load};

/// A policy for ten workers in Denver; `pool` and `rest` are indented YAML that is put in.
pub fn policy(pool: &str, rest: &str) -> Policy {
    policy_of("worker-{1..10}", pool, rest)
}

/// The same for other workers.
pub fn policy_of(nodes: &str, pool: &str, rest: &str) -> Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: test}}\nspec:\n  \
         timeZone: America/Denver\n{rest}  pools:\n    - name: workers\n      nodes: {{names: \"{nodes}\"}}\n{pool}"
    );
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.clone().into_bytes() }]);
    loaded.policy.unwrap_or_else(|| panic!("{text}\n{:#?}", loaded.problems))
}

/// The workshop: one worker, ten on Tuesdays from 13:00 for three hours, wanted 15 minutes before.
pub const WORKSHOP: &str = "      min: 1\n      max: 10\n      keep: [\"worker-1\"]\n      windows:\n        \
     - {name: workshop, start: \"0 13 * * TUE\", duration: 3h, lead: 15m, min: 10}\n";

/// Service units of Jetstream2.
pub const RATES: &str = "  rates:\n    - unit: SU\n      perHour: {m3.medium: 8}\n      \
     charged: {suspended: 75%, stopped: 50%, shelved: 0%}\n";

/// A cluster in the making.
#[derive(Clone, Default)]
pub struct Cluster {
    pub items: Vec<Value>,
}

impl Cluster {
    /// `count` active workers with 8 cores and 30 GiB, and everything listed.
    pub fn workers(count: usize) -> Self {
        let kinds = [
            "Node",
            "Pod",
            "PodDisruptionBudget",
            "Deployment",
            "ReplicaSet",
            "ReplicationController",
            "StatefulSet",
            "DaemonSet",
            "Job",
            "PersistentVolumeClaim",
            "PersistentVolume",
            "StorageClass",
            "CSINode",
            "CSIDriver",
            "CSIStorageCapacity",
            "VolumeAttachment",
            "PriorityClass",
            "Namespace",
            "Lease",
            "Service",
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
            "Server",
            "Flavor",
        ];
        let mut cluster = Self::default();
        cluster.items.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot", "metadata": {"name": "test"},
            "context": "test", "clusterUID": "c-1", "taken": "2026-11-22T19:00:00Z", "kinds": kinds,
        }));
        for number in 1..=count {
            cluster.node(&format!("worker-{number}"), json!({}), json!({}), "ACTIVE");
        }
        cluster
    }

    /// Adds a node and its server. `metadata` and `spec` are merged into the Node's.
    pub fn node(&mut self, name: &str, metadata: Value, spec: Value, state: &str) {
        let ready = if state == "ACTIVE" { "True" } else { "Unknown" };
        let mut meta = json!({"name": name, "uid": format!("uid-{name}"), "labels": {"kubernetes.io/hostname": name}});
        merge(&mut meta, metadata);
        let mut full = json!({"providerID": format!("openstack:///id-{name}")});
        merge(&mut full, spec);
        let room = json!({"cpu": "8", "memory": "30Gi", "pods": "110", "ephemeral-storage": "60Gi"});
        self.items.push(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": full,
            "status": {"allocatable": room, "capacity": room, "conditions": [{"type": "Ready", "status": ready}]},
        }));
        self.items.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": name},
            "spec": {"id": format!("id-{name}"), "flavor": "m3.medium"}, "status": {"state": state},
        }));
    }

    /// Adds a Ready pod of a ReplicaSet (`owner` is its name; empty is a bare pod).
    pub fn pod(&mut self, name: &str, node: &str, owner: &str, cpu: &str) -> &mut Value {
        let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
        let owners = if owner.is_empty() {
            json!([])
        } else {
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner,
                    "uid": format!("uid-{namespace}-{owner}"), "controller": true}])
        };
        self.items.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{namespace}-{name}"),
                         "labels": {"app": owner}, "annotations": {}, "ownerReferences": owners,
                         "creationTimestamp": "2026-11-01T00:00:00Z"},
            "spec": {"nodeName": node, "volumes": [],
                     "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "256Mi"}}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }));
        self.items.last_mut().unwrap()
    }

    /// Adds a budget over `app: owner` with the status the controller would have written.
    pub fn budget(&mut self, name: &str, app: &str, allowed: u32, healthy: u32, desired: u32, expected: u32) {
        self.items.push(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "generation": 1},
            "spec": {"minAvailable": desired, "selector": {"matchLabels": {"app": app}}},
            "status": {"disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": desired,
                       "expectedPods": expected, "observedGeneration": 1},
        }));
    }

    /// Adds what was remembered.
    pub fn memory(&mut self, memory: Value) {
        self.items.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Memory", "metadata": {"name": "memory"}, "memory": memory,
        }));
    }

    /// Everything, with the owners that its pods name.
    pub fn whole(&self) -> Vec<Value> {
        let mut items = self.items.clone();
        items.extend(owners(&self.items));
        items
    }

    pub fn world(&self) -> World {
        World::build(tidegate::observe::from_values(self.whole()))
    }

    /// The plan for `policy` at `now`.
    pub fn plan(&self, policy: &Policy, now: &str) -> Plan {
        plan(policy, &self.world(), at(now)).0
    }
}

pub fn at(now: &str) -> Timestamp {
    now.parse().unwrap()
}

pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// The controllers that pods name and that nobody wrote down, with as many replicas as they have pods. Owners called
/// `gone` stay away.
fn owners(items: &[Value]) -> Vec<Value> {
    let there = |kind: &Value, namespace: &Value, name: &Value| {
        items.iter().any(|item| {
            let meta = &item["metadata"];
            item["kind"] == *kind && meta["name"] == *name && (meta["namespace"] == *namespace || namespace.is_null())
        })
    };
    let mut found: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
    for pod in items.iter().filter(|item| item["kind"] == "Pod") {
        let (owner, namespace) = (&pod["metadata"]["ownerReferences"][0], &pod["metadata"]["namespace"]);
        let known = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"];
        let known = owner["kind"].as_str().is_some_and(|kind| known.contains(&kind));
        if !known || owner["name"] == "gone" || there(&owner["kind"], namespace, &owner["name"]) {
            continue;
        }
        let entry = found.entry(format!("{}{namespace}{}", owner["kind"], owner["name"])).or_insert_with(|| {
            json!({
                "apiVersion": owner["apiVersion"], "kind": owner["kind"], "spec": {"replicas": 0},
                "metadata": {"name": owner["name"], "namespace": namespace, "uid": owner["uid"]},
            })
        });
        entry["spec"]["replicas"] = json!(entry["spec"]["replicas"].as_u64().unwrap_or(0) + 1);
    }
    found.into_values().collect()
}
