//! A live cluster played by a small server: what is read of it, and what is said when it cannot be read.

mod connecting;
mod filed;
mod lists;
mod logins;
mod reads;
mod server;
mod watches;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use server::{Lists, Server};
use tidegate::cluster::ClusterError;
use tidegate::cluster::live::{Connect, Live};
use tidegate::model::Snapshot;

/// How long one call may take in these tests.
const PATIENCE: Duration = Duration::from_secs(2);
/// No test takes so long unless something hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Each kind that a snapshot knows: its name, and where its list is.
const KINDS: [(&str, &str); 22] = [
    ("Namespace", "/api/v1/namespaces"),
    ("Node", "/api/v1/nodes"),
    ("Pod", "/api/v1/pods"),
    ("PodDisruptionBudget", "/apis/policy/v1/poddisruptionbudgets"),
    ("ReplicaSet", "/apis/apps/v1/replicasets"),
    ("Deployment", "/apis/apps/v1/deployments"),
    ("StatefulSet", "/apis/apps/v1/statefulsets"),
    ("DaemonSet", "/apis/apps/v1/daemonsets"),
    ("Job", "/apis/batch/v1/jobs"),
    ("ReplicationController", "/api/v1/replicationcontrollers"),
    ("PersistentVolumeClaim", "/api/v1/persistentvolumeclaims"),
    ("PersistentVolume", "/api/v1/persistentvolumes"),
    ("StorageClass", "/apis/storage.k8s.io/v1/storageclasses"),
    ("CSINode", "/apis/storage.k8s.io/v1/csinodes"),
    ("CSIDriver", "/apis/storage.k8s.io/v1/csidrivers"),
    ("CSIStorageCapacity", "/apis/storage.k8s.io/v1/csistoragecapacities"),
    ("VolumeAttachment", "/apis/storage.k8s.io/v1/volumeattachments"),
    ("PriorityClass", "/apis/scheduling.k8s.io/v1/priorityclasses"),
    ("Service", "/api/v1/services"),
    ("ValidatingWebhookConfiguration", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"),
    ("MutatingWebhookConfiguration", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"),
    ("Lease", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"),
];
const PODS: &str = "/api/v1/pods";
const NODES: &str = "/api/v1/nodes";

fn object(kind: &str, namespace: &str, name: &str, version: u64) -> Value {
    let mut meta = json!({"name": name, "uid": format!("uid-of-{name}"), "resourceVersion": version.to_string()});
    if !namespace.is_empty() {
        meta["namespace"] = namespace.into();
    }
    let path = KINDS.iter().find(|(name, _)| *name == kind).unwrap().1;
    let version = path
        .strip_prefix("/api/v1/")
        .map_or_else(|| path.split('/').skip(2).take(2).collect::<Vec<_>>().join("/"), |_| "v1".to_owned());
    json!({"apiVersion": version, "kind": kind, "metadata": meta})
}

fn pod(name: &str, version: u64) -> Value {
    let mut pod = object("Pod", "a", name, version);
    pod["spec"] = json!({"nodeName": "n-1", "containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}},
        "command": ["run", "--password=hunter2"], "env": [{"name": "TOKEN", "value": "hunter2"}]}]});
    pod["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    pod
}

fn node(name: &str, version: u64, cordoned: bool) -> Value {
    let mut node = object("Node", "", name, version);
    node["spec"] = json!({"unschedulable": cordoned});
    node["status"] = json!({"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-11-24T12:30:50Z"}]});
    node
}

/// One of each kind, and so many pods.
fn cluster(pods: usize) -> Lists {
    let one = |kind: &'static str| match kind {
        "Namespace" => vec![object(kind, "", "kube-system", 5)],
        "Node" => vec![node("n-1", 7, false), node("n-2", 8, false)],
        "Pod" => (0..pods).map(|number| pod(&format!("p-{number:04}"), 100)).collect(),
        "Lease" => {
            let mut lease = object(kind, "kube-node-lease", "n-1", 9);
            lease["spec"] = json!({"renewTime": "2026-11-24T12:30:55.000000Z"});
            vec![lease]
        }
        "PersistentVolume" | "StorageClass" | "CSINode" | "CSIDriver" | "PriorityClass" => {
            vec![object(kind, "", "it", 10)]
        }
        "VolumeAttachment" => {
            let mut attachment = object(kind, "", "it", 10);
            attachment["spec"] = json!({"attacher": "x", "nodeName": "n-1", "source": {"persistentVolumeName": "it"}});
            vec![attachment]
        }
        "Job" | "Service" | "CSIStorageCapacity" => Vec::new(),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => Vec::new(),
        _ => vec![object(kind, "a", "it", 10)],
    };
    KINDS.iter().map(|(kind, path)| ((*path).to_owned(), (*kind, one(kind)))).collect()
}

/// Answers to a list of pods that are none, or not all of one, and what is said of them.
fn no_lists() -> Vec<(Value, &'static str)> {
    let meta = json!({"resourceVersion": "1000"});
    vec![
        (json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success"}), "it is no list"),
        (json!({"metadata": meta, "items": []}), "it says kind `` of ``"),
        (
            json!({"apiVersion": "v1", "kind": "NodeList", "metadata": meta, "items": []}),
            "it says kind `NodeList` of `v1`",
        ),
        (json!({"apiVersion": "metrics/v1", "kind": "PodList", "metadata": meta, "items": []}), "of `metrics/v1`"),
        (json!({"apiVersion": "v1", "kind": "PodList", "metadata": meta}), "it is no list"),
        (json!({"apiVersion": "v1", "kind": "PodList", "metadata": meta, "items": null}), "has no `items`"),
        (
            json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"remainingItemCount": 500}, "items": []}),
            "the `PodList` leaves out 500 (`remainingItemCount`) and has no `continue`",
        ),
    ]
}

/// A page of a list of pods; an empty `next` is the last one's.
fn page_of_pods(next: &str, items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "10", "continue": next}, "items": items})
}

fn kubeconfig(folder: &Path, server: &str) -> std::path::PathBuf {
    let file = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: play\nclusters:\n- {{name: c, cluster: {{server: '{server}'}}}}\n\
         users:\n- {{name: u, user: {{token: t}}}}\ncontexts:\n- {{name: play, context: {{cluster: c, user: u}}}}\n\
         - {{name: other, context: {{cluster: nowhere, user: u}}}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// Runs to its end; a hang is a failure.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(HANGS, future).await.expect("it hangs") })
}

async fn connect(server: &Server) -> Live {
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig(folder.path(), &server.address());
    let asked = Connect { kubeconfig: Some(file), patience: PATIENCE, ..Connect::default() };
    Live::connect(&asked).await.unwrap()
}

fn observe(server: &Server) -> Result<Snapshot, ClusterError> {
    run(async { connect(server).await.observe().await })
}
