//! What a node must get back, kept outside of the Node too: ConfigMap `tidegate-node-NAME`.
//!
//! The record of what we did to a node is an annotation on it, and a Node may be deleted while its server is parked: by a
//! cloud controller that does not find the server, or by a person (H24). So:
//!
//! - Before a patch that cordons a node or changes its record, the record is written here, with the Node's UID, labels,
//!   annotations, taints, provider id and pod ranges as they were before we touched it. Whatever the annotation says, this
//!   says too.
//! - Before a patch that takes the annotation off, this is removed. A crash between the two leaves the annotation, which is
//!   enough.
//! - A Node that has another UID than its record has was made anew, by a kubelet, and knows nothing of what it was. As long
//!   as the record is here it counts as the Node it was, with that UID and the annotation; the patch that gives it back also
//!   gives it the labels, annotations and taints that it lost, and here the record goes last.
//! - A record with the UID of a Node that has no annotation was left behind by a crash, and one with another provider id than
//!   the Node has is that of another machine: it counts for nothing, and goes with the next memory that is written.
//! - Where no Node has the name, the record stands in for it, not Ready and cordoned; the first patch makes the Node again
//!   from it, cordoned. Once neither Node nor server is there nobody wants it back, and what joins cluster and provider shows
//!   it no more.
//!
//! Records of nodes that are only chosen to go later (the soft taint) are not kept: nothing of them would be missed.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, PostParams};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Call;
use super::client::Live;
use super::pages::whole;
use super::patch::text;
use crate::cluster::{ClusterError, NodeMark, NodePatch, NodeRecord, keys};
use crate::model::{Change, Name, Node, Taint, TaintEffect};
use crate::observe::{SnapshotFile, read_object};

const KEY: &str = "record.json";
/// Label of these ConfigMaps.
const LABEL: &str = "tidegate.dev/keeps";
const TRIES: u32 = 5;
/// Taints and annotations that belong to whoever runs the node now.
const LIVING: [&str; 4] =
    ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "csi.volume.kubernetes.io/", "tidegate.dev/"];

/// What is kept of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptRecord {
    /// The node's name.
    pub node: String,
    /// The Node's UID when we cordoned it.
    pub uid: String,
    /// `spec.providerID` then.
    pub provider_id: Option<String>,
    /// `spec.podCIDRs` then.
    #[serde(default)]
    pub pod_ranges: Vec<String>,
    /// Its labels before we touched it.
    pub labels: BTreeMap<String, String>,
    /// Its annotations before.
    pub annotations: BTreeMap<String, String>,
    /// Its taints before, without those that say how it is at the moment.
    pub taints: Vec<Taint>,
    /// The annotation's value.
    pub record: Name,
}

fn map_name(node: &str) -> String {
    format!("tidegate-node-{node}")
}

fn texts(node: &Value, path: &str) -> BTreeMap<String, String> {
    let entries = node.pointer(path).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn living(key: &str) -> bool {
    LIVING.iter().any(|prefix| key.starts_with(prefix))
}

impl KeptRecord {
    fn of(node: &Value, record: &Name) -> Self {
        let ours: Option<NodeRecord> = serde_json::from_str(text_at(node, keys::RECORD)).ok();
        let (labels, annotations) = ours.map(|ours| (ours.labels, ours.annotations)).unwrap_or_default();
        let without = |path: &str, ours: &std::collections::BTreeSet<Name>| {
            let mut map = texts(node, path);
            map.retain(|key, _| !ours.contains(key.as_str()) && key != keys::RECORD);
            map
        };
        let taints =
            node.pointer("/spec/taints").cloned().and_then(|taints| serde_json::from_value::<Vec<Taints>>(taints).ok());
        let taints = taints.into_iter().flatten().map(Taint::from).filter(|taint| !living(&taint.key));
        let ranges = node.pointer("/spec/podCIDRs").cloned();
        Self {
            node: text(node, "/metadata/name").to_owned(),
            uid: text(node, "/metadata/uid").to_owned(),
            provider_id: Some(text(node, "/spec/providerID").to_owned()).filter(|id| !id.is_empty()),
            pod_ranges: ranges.and_then(|ranges| serde_json::from_value(ranges).ok()).unwrap_or_default(),
            labels: without("/metadata/labels", &labels),
            annotations: without("/metadata/annotations", &annotations),
            taints: taints.collect(),
            record: record.clone(),
        }
    }

    /// The patch, with what the Node lost when it was deleted. What stands there now is not overwritten.
    pub(super) fn with_what_was_lost(&self, node: &Value, patch: &NodePatch) -> NodePatch {
        let mut whole = patch.clone();
        for (there, kept, set) in [
            (texts(node, "/metadata/labels"), &self.labels, &mut whole.labels),
            (texts(node, "/metadata/annotations"), &self.annotations, &mut whole.annotations),
        ] {
            for (key, value) in kept.iter().filter(|(key, _)| !there.contains_key(*key) && !living(key)) {
                set.entry(key.as_str().into()).or_insert_with(|| Some(value.as_str().into()));
            }
        }
        // A node that takes pods has some: they would be thrown off it, past every budget.
        let cordoned = node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true);
        let fit = |taint: &&Taint| {
            !patch.remove_taints.contains(*taint) && (cordoned || taint.effect != TaintEffect::NoExecute)
        };
        whole.add_taints.extend(self.taints.iter().filter(fit).cloned());
        whole
    }

    /// Whether a Node of that name is another machine.
    fn of_another(&self, provider_id: Option<&str>) -> bool {
        let told = provider_id.filter(|id| !id.is_empty());
        self.provider_id.as_deref().zip(told).is_some_and(|(kept, now)| kept != now)
    }

    /// The Node as it would be made again.
    fn as_object(&self) -> Value {
        let mut annotations = self.annotations.clone();
        annotations.insert(keys::RECORD.to_owned(), self.record.to_string());
        let taints: Vec<Value> = self.taints.iter().map(|taint| json!(Taints::from(taint))).collect();
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.node, "labels": self.labels, "annotations": annotations},
            "spec": {
                "unschedulable": true,
                "providerID": self.provider_id,
                "podCIDRs": self.pod_ranges,
                "podCIDR": self.pod_ranges.first(),
                "taints": taints,
            },
        })
    }

    /// The Node that is not there, as it counts.
    fn as_stand_in(&self) -> Value {
        let mut object = self.as_object();
        if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.insert("uid".to_owned(), json!(self.uid));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.insert(keys::DELETED.to_owned(), json!(""));
            }
        }
        object
    }
}

/// A taint as Kubernetes writes it.
#[derive(Serialize, Deserialize)]
struct Taints {
    key: Name,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    value: Name,
    effect: TaintEffect,
}

impl From<Taints> for Taint {
    fn from(Taints { key, value, effect }: Taints) -> Self {
        Self { key, value, effect }
    }
}

impl From<&Taint> for Taints {
    fn from(Taint { key, value, effect }: &Taint) -> Self {
        Self { key: key.clone(), value: value.clone(), effect: *effect }
    }
}

fn text_at<'a>(node: &'a Value, annotation: &str) -> &'a str {
    let annotations = node.pointer("/metadata/annotations");
    annotations.and_then(|map| map.get(annotation)).and_then(Value::as_str).unwrap_or_default()
}

fn kept(map: &ConfigMap) -> Option<KeptRecord> {
    serde_json::from_str(map.data.as_ref()?.get(KEY)?).ok()
}

/// The record that a patch sets, if it is one that is kept.
fn sets(patch: &NodePatch) -> Option<&Name> {
    let record = patch.annotations.get(keys::RECORD)?.as_ref()?;
    let read: NodeRecord = serde_json::from_str(record).ok()?;
    (read.mark != NodeMark::Leaving).then_some(record)
}

fn takes_off(patch: &NodePatch) -> bool {
    patch.annotations.get(keys::RECORD).is_some_and(Option::is_none)
}

impl Live {
    /// Reads all records, to be laid over the Nodes from now on.
    ///
    /// # Errors
    /// They cannot be listed.
    pub(super) async fn read_records(&self) -> Result<(), ClusterError> {
        let (maps, chosen) = (self.maps(), ListParams::default().labels(LABEL));
        let call = Call::new("list", format!("configmaps in namespace {}", self.namespace()));
        let listed = match self.again(&call, || maps.list(&chosen)).await {
            Ok(listed) => whole(listed).map_err(|failed| call.error(&failed))?,
            // Nothing of ours was ever kept there.
            Err(ClusterError::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let read = listed.iter().filter_map(kept).map(|kept| (Name::from(kept.node.as_str()), kept));
        self.records.replace(read.collect());
        Ok(())
    }

    /// What is kept of a Node that was made anew since.
    pub(super) fn lost(&self, name: &Name, node: &Value) -> Option<KeptRecord> {
        let machine = text(node, "/spec/providerID");
        let lost = |kept: &&KeptRecord| kept.uid != text(node, "/metadata/uid") && !kept.of_another(Some(machine));
        self.records.borrow().get(name).filter(lost).cloned()
    }

    /// A Node that was made anew counts as the one that it was.
    pub(super) fn lay_over(&self, node: &mut Node) {
        let records = self.records.borrow();
        let lost = |kept: &&KeptRecord| *kept.uid != *node.uid && !kept.of_another(node.provider_id.as_deref());
        let Some(kept) = records.get(&node.name).filter(lost) else { return };
        node.uid = kept.uid.as_str().into();
        if !node.annotations.contains_key(keys::RECORD) {
            let mut annotations = (*node.annotations).clone();
            annotations.insert(keys::RECORD.into(), kept.record.clone());
            node.annotations = annotations.into();
        }
    }

    /// Nodes as they count, with those of which only the record is left.
    pub(super) fn lay_over_all(&self, nodes: &mut Vec<Node>) {
        let mut leftover = self.leftover.borrow_mut();
        leftover.clear();
        self.records.borrow_mut().retain(|name, kept| {
            let node = nodes.iter().find(|node| node.name == *name);
            let says = node.is_none_or(|node| match *node.uid == *kept.uid {
                true => node.annotations.contains_key(keys::RECORD),
                false => !kept.of_another(node.provider_id.as_deref()),
            });
            if !says {
                leftover.insert(name.clone());
            }
            says
        });
        nodes.iter_mut().for_each(|node| self.lay_over(node));
        let records = self.records.borrow();
        let missing = records.keys().filter(|name| !nodes.iter().any(|node| node.name == **name));
        let stand_ins: Vec<Node> = missing.filter_map(|name| self.stand_in(name)).collect();
        nodes.extend(stand_ins);
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Says in a file what counts: a snapshot that is read back is to be the one that was observed.
    pub(super) fn lay_over_file(&self, file: &mut SnapshotFile, nodes: &[Node]) {
        for (name, kept) in &*self.records.borrow() {
            let deleted = |node: &&Node| node.name == *name && node.annotations.contains_key(keys::DELETED);
            match nodes.iter().find(deleted) {
                Some(_) => file.stand_in(name, kept.as_stand_in()),
                None => {
                    let record = (keys::RECORD.to_owned(), kept.record.to_string());
                    file.counts_as(name, &kept.uid, [record].into());
                }
            }
        }
    }

    /// The Node that a record stands in for.
    pub(super) fn stand_in(&self, name: &Name) -> Option<Node> {
        let object = self.records.borrow().get(name)?.as_stand_in();
        match read_object(object) {
            Ok(Some(Change::Node(node))) => Some(node),
            _ => None,
        }
    }

    /// A change as it counts.
    pub(super) fn lay_over_change(&self, change: Change) -> Change {
        match change {
            Change::Node(mut node) => {
                self.lay_over(&mut node);
                Change::Node(node)
            }
            Change::NodeGone(name) => self.stand_in(&name).map_or(Change::NodeGone(name), Change::Node),
            other => other,
        }
    }

    /// A Node from the answer to a request, as it counts.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn as_node(&self, call: &Call, object: Value) -> Result<Node, ClusterError> {
        let name: Name = text(&object, "/metadata/name").into();
        let mut node = match self.node_of(call, object)? {
            Some(node) => node,
            // A watch was faster, and has seen a later state.
            None => self.read_node(&name).await?.ok_or_else(|| ClusterError::NotFound(format!("node {name}")))?,
        };
        self.lay_over(&mut node);
        Ok(node)
    }

    /// Makes a Node again of which only the record is left, if the patch is meant for it.
    pub(super) async fn make_again(&self, name: &Name, patch: &NodePatch) -> Result<Option<Value>, ClusterError> {
        let kept = self.records.borrow().get(name).cloned();
        let Some(kept) = kept.filter(|kept| patch.uid.is_empty() || *kept.uid == *patch.uid) else { return Ok(None) };
        // Given back without being there: nothing is left to be given back.
        if takes_off(patch) {
            self.forget_record(name).await?;
            return Ok(None);
        }
        let object = serde_json::from_value(kept.as_object())
            .map_err(|error| ClusterError::Unavailable(format!("the record of node {name}: {error}")))?;
        let call = Call::new("create", format!("node {name}"));
        let made = self.once(&call, self.nodes().create(&PostParams::default(), &object)).await?;
        Ok(Some(json!(made)))
    }

    /// What is done here before a patch is sent.
    pub(super) async fn before_patch(
        &self,
        name: &Name,
        node: &Value,
        patch: &NodePatch,
        lost: Option<&KeptRecord>,
    ) -> Result<(), ClusterError> {
        if let Some(record) = sets(patch) {
            let recorded = lost.is_some() || !text_at(node, keys::RECORD).is_empty();
            let known = self.records.borrow().get(name).filter(|_| recorded).cloned();
            // What people did to the Node since its cordon is theirs; of one that was made anew that is not all.
            let fresh = match known.filter(|_| lost.is_some()) {
                Some(known) => KeptRecord { record: record.clone(), ..known },
                None => KeptRecord::of(node, record),
            };
            return self.keep_record(name, fresh).await;
        }
        if takes_off(patch) && lost.is_none() {
            return self.forget_record(name).await;
        }
        Ok(())
    }

    /// What is done here after it was.
    pub(super) async fn after_patch(&self, name: &Name, patch: &NodePatch) -> Result<(), ClusterError> {
        if takes_off(patch) { self.forget_record(name).await } else { Ok(()) }
    }

    /// What is kept of a Node as it is now, before it is deleted; the version that was read, where one is kept of it.
    pub(super) async fn before_deletion(&self, name: &Name, uid: &Name) -> Result<Option<String>, ClusterError> {
        let known = self.records.borrow().get(name).filter(|kept| *kept.uid == **uid).cloned();
        let Some(known) = known else { return Ok(None) };
        let Some(node) = self.found_node(name).await?.filter(|node| text(node, "/metadata/uid") == &**uid) else {
            return Err(ClusterError::NotFound(format!("node {name}")));
        };
        let fresh = KeptRecord::of(&node, &known.record);
        if fresh != known {
            self.keep_record(name, fresh).await?;
        }
        Ok(Some(text(&node, "/metadata/resourceVersion").to_owned()))
    }

    async fn keep_record(&self, name: &Name, fresh: KeptRecord) -> Result<(), ClusterError> {
        let called = map_name(name);
        for _ in 0..TRIES {
            let there = self.one_of_the_maps(&called).await?;
            let text = serde_json::to_string_pretty(&fresh).unwrap_or_default();
            let map = ConfigMap {
                metadata: ObjectMeta {
                    name: Some(called.clone()),
                    labels: Some([(LABEL.to_owned(), "node".to_owned())].into()),
                    resource_version: there.and_then(|map| map.metadata.resource_version),
                    ..ObjectMeta::default()
                },
                data: Some([(KEY.to_owned(), text)].into()),
                ..ConfigMap::default()
            };
            match self.put_map(&map).await {
                Err(ClusterError::Conflict(_)) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.leftover.borrow_mut().remove(name);
                    self.records.borrow_mut().insert(name.clone(), fresh);
                    return Ok(());
                }
            }
        }
        Err(ClusterError::Conflict(format!("configmap {called}")))
    }

    /// Removes the records that say nothing of their Nodes: a crash left them before the Node was cordoned or after it was
    /// given back. Somebody else's business would they be once the Node is made anew.
    pub(super) async fn forget_leftovers(&self) {
        let names: Vec<Name> = self.leftover.borrow().iter().cloned().collect();
        for name in names {
            if self.remove_map(&map_name(&name)).await.is_ok() {
                self.leftover.borrow_mut().remove(&name);
            }
        }
    }

    pub(super) async fn forget_record(&self, name: &Name) -> Result<(), ClusterError> {
        if !self.records.borrow().contains_key(name) {
            return Ok(());
        }
        self.remove_map(&map_name(name)).await?;
        self.records.borrow_mut().remove(name);
        Ok(())
    }
}
