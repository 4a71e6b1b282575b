//! A snapshot as a file that the reader of dumps reads back to the same snapshot.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use crate::model::{Flavor, Kind, Memory, Resources, Server, Snapshot};

/// The version of Tidegate's own items.
const OURS: &str = "tidegate.dev/v1alpha1";

/// What says nothing to a plan and may hold secrets, in every container.
const OF_CONTAINERS: [&str; 4] = ["env", "envFrom", "command", "args"];

/// Objects as an API server has them, packed until they are written: a List that kubectl could create, with an item
/// `kind: Snapshot` that says what was listed, where, when, and what could not be read.
#[derive(Debug, Default)]
pub struct SnapshotFile {
    parts: BTreeMap<String, GzEncoder<Vec<u8>>>,
    /// Nodes that count as others than they are, by name: UID, and annotations that they lack.
    instead: BTreeMap<String, (String, BTreeMap<String, String>)>,
    stand_ins: BTreeMap<String, Value>,
}

/// The list of Nodes.
const NODES: &str = "nodes";

impl SnapshotFile {
    /// Begins a list, named by `part`; what was kept of it before is dropped.
    pub fn begin(&mut self, part: &str) {
        self.parts.insert(part.to_owned(), GzEncoder::new(Vec::new(), Compression::fast()));
    }

    /// Drops a list that cannot be had whole.
    pub fn forget(&mut self, part: &str) {
        self.parts.remove(part);
    }

    /// Keeps one object, which need not say of which version and kind it is. What may hold secrets is left out.
    pub fn item(&mut self, part: &str, api_version: &str, kind: &str, text: &[u8]) {
        let Some(part) = self.parts.get_mut(part) else { return };
        let Ok(Value::Object(mut object)) = serde_json::from_slice(text) else { return };
        object.insert("apiVersion".to_owned(), api_version.into());
        object.insert("kind".to_owned(), kind.into());
        prune(&mut object);
        // Packing into memory does not fail.
        let _ = write_item(part, &Value::Object(object));
    }

    /// The Node of this name was made anew and counts as the one that it was: with this UID, and with these annotations
    /// where it has none of that key.
    pub fn counts_as(&mut self, node: &str, uid: &str, annotations: BTreeMap<String, String>) {
        self.instead.insert(node.to_owned(), (uid.to_owned(), annotations));
    }

    /// Stands in for a Node that is not there. It is written if the snapshot has it.
    pub fn stand_in(&mut self, node: &str, object: Value) {
        self.stand_ins.insert(node.to_owned(), object);
    }

    /// Writes all of it, with what else `snapshot` holds: servers, flavors, quotas, memory.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(self, snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
        write!(out, r#"{{"apiVersion":"v1","kind":"List","items":[{}"#, head(snapshot))?;
        for (part, packed) in self.parts {
            let packed = packed.finish()?;
            let mut unpacked = GzDecoder::new(packed.as_slice());
            if part != NODES {
                io::copy(&mut unpacked, out)?;
                continue;
            }
            for line in BufReader::new(unpacked).lines() {
                write_node(out, &line?, &self.instead)?;
            }
            let there = |name: &str| snapshot.nodes.iter().any(|node| *node.name == *name);
            for (_, object) in self.stand_ins.iter().filter(|(name, _)| there(name)) {
                write_item(out, object)?;
            }
        }
        let known = |kind| snapshot.observed.contains(&kind);
        let servers = snapshot.servers.iter().filter(|_| known(Kind::Server)).map(server);
        let flavors = snapshot.flavors.iter().filter(|_| known(Kind::Flavor)).map(flavor);
        let quotas = snapshot.quotas.iter().map(|quota| json!({"apiVersion": OURS, "kind": "Quota", "quota": quota}));
        for item in servers.chain(flavors).chain(quotas) {
            write_item(out, &item)?;
        }
        if snapshot.memory != Memory::default() {
            write_item(out, &json!({"apiVersion": OURS, "kind": "Memory", "memory": snapshot.memory}))?;
        }
        writeln!(out, "\n]}}")
    }
}

/// One item on a line of its own, behind another.
fn write_item(out: &mut dyn Write, item: &Value) -> io::Result<()> {
    write!(out, ",\n{item}")
}

/// A Node from its line, which ends what was written before it or begins with it.
fn write_node(
    out: &mut dyn Write,
    line: &str,
    instead: &BTreeMap<String, (String, BTreeMap<String, String>)>,
) -> io::Result<()> {
    let Ok(Value::Object(mut node)) = serde_json::from_str(line.trim_end_matches(',')) else { return Ok(()) };
    if let Some(Value::Object(meta)) = node.get_mut("metadata") {
        let found = meta.get("name").and_then(Value::as_str).and_then(|name| instead.get(name));
        if let Some((uid, annotations)) = found {
            meta.insert("uid".to_owned(), uid.as_str().into());
            let there = meta.entry("annotations").or_insert_with(|| json!({}));
            for (key, value) in annotations {
                if let Value::Object(there) = there {
                    there.entry(key.as_str()).or_insert_with(|| value.as_str().into());
                }
            }
        }
    }
    write_item(out, &Value::Object(node))
}

fn head(snapshot: &Snapshot) -> Value {
    json!({
        "apiVersion": OURS,
        "kind": "Snapshot",
        "context": snapshot.context,
        "server": snapshot.api_server,
        "serverVersion": snapshot.version,
        "observedFrom": snapshot.here.as_ref().map(ToString::to_string),
        "clusterUID": snapshot.cluster,
        "taken": snapshot.taken,
        "kinds": snapshot.observed,
        "gaps": snapshot.gaps,
        "unread": snapshot.unread,
    })
}

fn prune(object: &mut Map<String, Value>) {
    if let Some(Value::Object(meta)) = object.get_mut("metadata") {
        meta.remove("managedFields");
        if let Some(Value::Object(annotations)) = meta.get_mut("annotations") {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    if let Some(Value::Object(status)) = object.get_mut("status") {
        status.remove("images");
    }
    let Some(Value::Object(spec)) = object.get_mut("spec") else { return };
    containers(spec);
    let template = spec.get_mut("template").and_then(|template| template.get_mut("spec"));
    if let Some(Value::Object(template)) = template {
        containers(template);
    }
}

fn containers(spec: &mut Map<String, Value>) {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let Some(Value::Array(containers)) = spec.get_mut(list) else { continue };
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            OF_CONTAINERS.iter().for_each(|field| drop(container.remove(*field)));
        }
    }
}

fn server(server: &Server) -> Value {
    json!({
        "apiVersion": OURS,
        "kind": "Server",
        "metadata": {"name": server.name},
        "spec": {
            "id": server.id,
            "provider": server.provider,
            "flavor": server.flavor,
            "zone": server.zone,
            "node": server.node,
            "floatingAddress": server.floating_address,
            "metadata": server.metadata,
        },
        "status": {
            "state": server.state,
            "task": server.task,
            "since": server.since,
            "fault": server.fault,
            "setback": server.setback,
            "cannot": server.cannot,
            "volumes": server.volumes,
        },
    })
}

fn flavor(flavor: &Flavor) -> Value {
    let Resources { cpu, memory, ephemeral_storage, pods, extended } = &flavor.capacity;
    let mut capacity: BTreeMap<&str, String> = extended.iter().map(|(name, had)| (&**name, had.to_string())).collect();
    capacity.insert("cpu", format!("{cpu}m"));
    let whole = [("memory", memory), ("ephemeral-storage", ephemeral_storage), ("pods", pods)];
    capacity.extend(whole.map(|(name, had)| (name, had.to_string())));
    json!({
        "apiVersion": OURS,
        "kind": "Flavor",
        "metadata": {"name": flavor.name},
        "spec": {"provider": flavor.provider, "capacity": capacity},
    })
}
