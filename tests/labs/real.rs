//! The real API server and scheduler: sets a scene, asks for a pod, clears away.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::binder;
use crate::door::{Door, Reply};
use crate::scene::NAMESPACES;

/// Kinds that scenes are made of: their path, and whether they live in namespaces. In the order in which they are cleared.
const KINDS: &[(&str, &str, bool)] = &[
    ("Pod", "/api/v1/pods", true),
    ("Node", "/api/v1/nodes", false),
    ("PersistentVolumeClaim", "/api/v1/persistentvolumeclaims", true),
    ("PersistentVolume", "/api/v1/persistentvolumes", false),
    ("StorageClass", "/apis/storage.k8s.io/v1/storageclasses", false),
    ("CSINode", "/apis/storage.k8s.io/v1/csinodes", false),
    ("CSIDriver", "/apis/storage.k8s.io/v1/csidrivers", false),
    ("CSIStorageCapacity", "/apis/storage.k8s.io/v1/csistoragecapacities", true),
    ("VolumeAttachment", "/apis/storage.k8s.io/v1/volumeattachments", false),
    ("ReplicaSet", "/apis/apps/v1/replicasets", true),
    ("StatefulSet", "/apis/apps/v1/statefulsets", true),
    ("Service", "/api/v1/services", true),
    ("Namespace", "/api/v1/namespaces", false),
];

/// An empty list of each kind: with these, what is not there is known not to be.
pub fn empty_lists() -> impl Iterator<Item = Value> {
    KINDS.iter().map(|(kind, ..)| json!({"kind": format!("{kind}List"), "items": []}))
}

/// How long the scheduler may take for one pod.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Real {
    door: Door,
    /// UIDs of owners by namespace and name, which is how scenes call them.
    owners: BTreeMap<String, String>,
}

/// What came of creating an object.
pub enum Made {
    Object(Box<Value>),
    /// The API server does not allow it.
    Refused(String),
}

impl Real {
    /// A server with the namespaces, priorities and runtime classes that scenes use.
    pub fn new(socket: &Path) -> Result<Self, String> {
        let mut real = Self { door: Door::new(socket), owners: BTreeMap::new() };
        for name in NAMESPACES {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            real.prepare("/api/v1/namespaces", &namespace)?;
        }
        // Nobody preempts: whom the scheduler would evict for a pod is not what is compared.
        for (name, value) in [("usual", 0), ("low", -10), ("high", 1000)] {
            let class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
                "value": value, "globalDefault": name == "usual", "preemptionPolicy": "Never"});
            real.prepare("/apis/scheduling.k8s.io/v1/priorityclasses", &class)?;
        }
        let runtime = json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "heavy"},
            "handler": "heavy", "overhead": {"podFixed": {"cpu": "300m", "memory": "100Mi"}}});
        real.prepare("/apis/node.k8s.io/v1/runtimeclasses", &runtime)?;
        Ok(real)
    }

    fn prepare(&mut self, path: &str, object: &Value) -> Result<(), String> {
        match self.door.call("POST", path, Some(object))? {
            Reply { status: 409, .. } => Ok(()),
            reply => reply.done().map(drop),
        }
    }

    /// Removes what is left of another scene.
    pub fn clear(&mut self) -> Result<(), String> {
        for (kind, path, in_namespaces) in KINDS.iter().filter(|(kind, ..)| *kind != "Namespace") {
            let there = self.door.get(path)?["items"].take();
            if there.as_array().is_none_or(Vec::is_empty) {
                continue;
            }
            // No controller takes finalizers off.
            let held = there.as_array().into_iter().flatten().filter(|one| one["metadata"]["finalizers"].is_array());
            for one in held.filter(|_| *kind == "PersistentVolumeClaim") {
                let text = |field: &str| one["metadata"][field].as_str().unwrap_or_default();
                let patch = json!({"metadata": {"finalizers": null}});
                let path = format!("{}/{}", within(path, text("namespace")), text("name"));
                self.door.call("PATCH", &path, Some(&patch))?.done()?;
            }
            let namespaces = if *in_namespaces { NAMESPACES } else { &[""] };
            for namespace in namespaces {
                let path = format!("{}?gracePeriodSeconds=0", within(path, namespace));
                self.door.call("DELETE", &path, None)?.done().map_err(|error| format!("clear {kind}: {error}"))?;
            }
        }
        Ok(())
    }

    /// Creates `object`, its status included. A deletion timestamp in it means that it is then deleted, with grace.
    pub fn create(&mut self, object: &Value) -> Result<Made, String> {
        let (kind, meta) = (object["kind"].as_str().unwrap_or_default(), &object["metadata"]);
        let (_, path, _) = KINDS.iter().find(|(known, ..)| *known == kind).ok_or(format!("what is a `{kind}`?"))?;
        let path = within(path, meta["namespace"].as_str().unwrap_or_default());
        let one = format!("{path}/{}", meta["name"].as_str().unwrap_or_default());
        if kind == "Namespace" {
            let patch = json!([{"op": "add", "path": "/metadata/labels", "value": meta["labels"]}]);
            return Ok(Made::Object(Box::new(self.door.call("PATCH", &one, Some(&patch))?.done()?)));
        }
        let mut wanted = object.clone();
        let ends = wanted["metadata"].as_object_mut().and_then(|meta| meta.remove("deletionTimestamp")).is_some();
        for owner in wanted["metadata"]["ownerReferences"].as_array_mut().into_iter().flatten() {
            let uid = owner["uid"].as_str().and_then(|key| self.owners.get(key));
            if let Some(uid) = uid {
                owner["uid"] = json!(uid);
            }
        }
        let reply = self.door.call("POST", &path, Some(&wanted))?;
        if [400, 403, 422].contains(&reply.status) {
            return Ok(Made::Refused(reply.message().to_owned()));
        }
        let mut made = reply.done().map_err(|error| format!("create {one}: {error}"))?;
        if ["ReplicaSet", "StatefulSet"].contains(&kind) {
            let text = |field: &str| made["metadata"][field].as_str().unwrap_or_default().to_owned();
            self.owners.insert(format!("{}/{}", text("namespace"), text("name")), text("uid"));
        }
        if let Some(status) = object.get("status").filter(|_| kind != "Node") {
            let patch = json!({"status": status});
            let reply = self.door.call("PATCH", &format!("{one}/status"), Some(&patch))?;
            if reply.status == 422 {
                self.remove(&made)?;
                return Ok(Made::Refused(reply.message().to_owned()));
            }
            made = reply.done().map_err(|error| format!("status of {one}: {error}"))?;
        }
        if ends {
            self.door.call("DELETE", &one, None)?.done()?;
            made = self.door.get(&one)?;
        }
        Ok(Made::Object(Box::new(made)))
    }

    /// Everything there is, as lists.
    pub fn dump(&mut self) -> Result<Vec<Value>, String> {
        KINDS.iter().map(|(_, path, _)| self.door.get(path)).collect()
    }

    /// What the scheduler makes of `pod`, which was just created.
    pub fn verdict(&mut self, pod: &Value) -> Result<Answer, String> {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
        if let Some(answer) = Answer::of(pod)? {
            return Ok(answer);
        }
        let mut version = text("resourceVersion");
        loop {
            let path = format!(
                "{}?watch=1&resourceVersion={version}&fieldSelector=metadata.name={}",
                within("/api/v1/pods", &text("namespace")),
                text("name")
            );
            let found = self.door.watch(&path, PATIENCE, |event| {
                let pod = &event["object"];
                match Answer::of(pod).transpose() {
                    Some(answer) => Some(answer.map(Step::Answered)),
                    None => pod["status"]["nominatedNodeName"].is_string().then(|| Ok(Step::Waits(pod.clone()))),
                }
            })?;
            match found.ok_or_else(|| format!("the scheduler said nothing of {} in {PATIENCE:?}", text("name")))?? {
                Step::Answered(answer) => return Ok(answer),
                Step::Waits(pod) => {
                    binder::bind_claims(&mut self.door, &pod)?;
                    version = pod["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
                }
            }
        }
    }

    /// The object as it is now.
    pub fn again(&mut self, pod: &Value) -> Result<Value, String> {
        self.door.get(&path_of(pod))
    }

    /// Removes a pod at once.
    pub fn remove(&mut self, pod: &Value) -> Result<(), String> {
        self.door.call("DELETE", &format!("{}?gracePeriodSeconds=0", path_of(pod)), None)?.done().map(drop)
    }
}

enum Step {
    Answered(Answer),
    /// The node is chosen, and the claims are to be bound before the pod is.
    Waits(Value),
}

fn path_of(pod: &Value) -> String {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    format!("{}/{}", within("/api/v1/pods", text("namespace")), text("name"))
}

fn within(path: &str, namespace: &str) -> String {
    match path.rsplit_once('/') {
        Some((group, kind)) if !namespace.is_empty() => format!("{group}/namespaces/{namespace}/{kind}"),
        _ => path.to_owned(),
    }
}
