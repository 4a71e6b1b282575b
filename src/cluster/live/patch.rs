//! One patch of a Node, with preconditions: the UID that is meant, and the version that it was made from.
//!
//! Taints are a list and can only be written whole, so every patch is made from a fresh read and names its version; others
//! who write meanwhile are not overwritten. On a conflict it is made again only if what it changes is as it was.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node as Object;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::client::Live;
use crate::cluster::{ClusterError, NodePatch, keys};
use crate::model::{Name, Node, Taint};

/// A kubelet writes a few times a minute, and so do others.
const TRIES: u32 = 6;

/// Everything that a patch would change, as it is.
#[derive(Debug, PartialEq)]
struct View {
    uid: String,
    unschedulable: Option<bool>,
    labels: BTreeMap<Name, Option<Value>>,
    annotations: BTreeMap<Name, Option<Value>>,
    taints: BTreeMap<Taint, bool>,
}

impl View {
    fn of(node: &Value, patch: &NodePatch) -> Self {
        let map = |path: &str, keys: &BTreeMap<Name, Option<Name>>| {
            let there = node.pointer(path);
            keys.keys().map(|key| (key.clone(), there.and_then(|map| map.get(&**key)).cloned())).collect()
        };
        let taints = patch.add_taints.iter().chain(&patch.remove_taints);
        let present = |taint: &Taint| taints_of(node).any(|found| is(found, taint));
        Self {
            uid: text(node, "/metadata/uid").to_owned(),
            unschedulable: patch.unschedulable.map(|_| unschedulable(node)),
            labels: map("/metadata/labels", &patch.labels),
            annotations: map("/metadata/annotations", &patch.annotations),
            taints: taints.map(|taint| (taint.clone(), present(taint))).collect(),
        }
    }
}

pub(super) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn unschedulable(node: &Value) -> bool {
    node.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false)
}

fn taints_of(node: &Value) -> impl Iterator<Item = &Value> {
    node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten()
}

fn is(found: &Value, taint: &Taint) -> bool {
    let (key, value, effect) = (text(found, "/key"), text(found, "/value"), text(found, "/effect"));
    key == &*taint.key && value == &*taint.value && effect == format!("{:?}", taint.effect)
}

/// The request's body: a merge patch.
fn body(node: &Value, patch: &NodePatch) -> Value {
    let entries = |map: &BTreeMap<Name, Option<Name>>| -> Map<String, Value> {
        map.iter().map(|(key, value)| (key.to_string(), json!(value))).collect()
    };
    let mut metadata = Map::from_iter([("resourceVersion".to_owned(), json!(text(node, "/metadata/resourceVersion")))]);
    for (field, map) in [("labels", &patch.labels), ("annotations", &patch.annotations)] {
        if !map.is_empty() {
            metadata.insert(field.to_owned(), Value::Object(entries(map)));
        }
    }
    let mut spec = Map::new();
    if let Some(unschedulable) = patch.unschedulable {
        // As `kubectl uncordon` leaves it.
        spec.insert("unschedulable".to_owned(), if unschedulable { Value::Bool(true) } else { Value::Null });
    }
    let before: Vec<Value> = taints_of(node).cloned().collect();
    let mut after = before.clone();
    after.retain(|found| !patch.remove_taints.iter().any(|taint| is(found, taint)));
    for taint in patch.add_taints.iter().filter(|taint| !before.iter().any(|found| is(found, taint))) {
        let mut fresh = json!({"key": taint.key, "effect": format!("{:?}", taint.effect)});
        if let (false, Some(fields)) = (taint.value.is_empty(), fresh.as_object_mut()) {
            fields.insert("value".to_owned(), json!(taint.value));
        }
        after.push(fresh);
    }
    if after != before {
        spec.insert("taints".to_owned(), Value::Array(after));
    }
    json!({"metadata": metadata, "spec": spec})
}

/// Whether the node is not what the patch was made for: a cordon that is not ours is not taken over, and what is not ours
/// any more is not taken off.
fn others(node: &Value, patch: &NodePatch, lost: bool) -> bool {
    let recorded = lost || node.pointer("/metadata/annotations").is_some_and(|map| map.get(keys::RECORD).is_some());
    let gives_back = patch.annotations.get(keys::RECORD).is_some_and(Option::is_none);
    match patch.unschedulable {
        Some(true) => unschedulable(node) && !recorded,
        Some(false) => gives_back && !recorded,
        None => false,
    }
}

impl Live {
    pub(super) fn nodes(&self) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &ApiResource::erase::<Object>(&()))
    }

    /// The Node as it stands there.
    pub(super) async fn found_node(&self, name: &Name) -> Result<Option<Value>, ClusterError> {
        let nodes = self.nodes();
        let found = self.again(&Call::new("get", format!("node {name}")), || nodes.get_opt(name)).await?;
        Ok(found.map(|node| json!(node)))
    }

    /// See [`crate::cluster::Cluster::patch_node`].
    pub(super) async fn write_node(&self, name: &Name, patch: &NodePatch) -> Result<Node, ClusterError> {
        let new = !self.records.borrow().contains_key(name);
        let written = self.try_to_write(name, patch).await;
        if let (true, Err(ClusterError::Conflict(_) | ClusterError::Forbidden { .. })) = (new, &written) {
            // What was not done needs no record. If it cannot be removed now it says nothing of the Node that is there.
            drop(self.forget_record(name).await);
        }
        written
    }

    async fn try_to_write(&self, name: &Name, patch: &NodePatch) -> Result<Node, ClusterError> {
        let conflict = || ClusterError::Conflict(format!("node {name}"));
        let mut seen: Option<View> = None;
        for _ in 0..TRIES {
            let node = match self.found_node(name).await? {
                Some(node) => node,
                None => {
                    // What stands in for it may be there all the same.
                    if self.records_unread.get() {
                        self.read_records().await?;
                        self.records_unread.set(false);
                    }
                    self.make_again(name, patch).await?.ok_or_else(|| ClusterError::NotFound(format!("node {name}")))?
                }
            };
            let lost = self.lost(name, &node);
            let uid = lost.as_ref().map_or(text(&node, "/metadata/uid"), |kept| &kept.uid);
            let view = View::of(&node, patch);
            let moved = seen.as_ref().is_some_and(|seen| *seen != view);
            if moved || (!patch.uid.is_empty() && uid != &*patch.uid) || others(&node, patch, lost.is_some()) {
                return Err(conflict());
            }
            seen = Some(view);
            self.before_patch(name, &node, patch, lost.as_ref()).await?;
            let whole = lost.as_ref().map(|kept| kept.with_what_was_lost(&node, patch));
            let body = Patch::Merge(body(&node, whole.as_ref().unwrap_or(patch)));
            let nodes = self.nodes();
            let call = Call::new("patch", format!("node {name}"));
            match self.once(&call, nodes.patch(name, &PatchParams::default(), &body)).await {
                Err(ClusterError::Conflict(_)) => {}
                Err(error) => return Err(error),
                Ok(patched) => {
                    self.after_patch(name, patch).await?;
                    return self.as_node(&call, json!(patched)).await;
                }
            }
        }
        Err(conflict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaintEffect;

    fn taint(key: &str) -> Taint {
        Taint { key: key.into(), value: "".into(), effect: TaintEffect::PreferNoSchedule }
    }

    #[test]
    fn taints_of_others_stay_as_they_are_whatever_they_carry() {
        let theirs = json!({"key": "gpu", "value": "yes", "effect": "NoExecute", "timeAdded": "2026-11-22T12:00:00Z"});
        let ours = json!({"key": "tidegate.dev/leaving", "effect": "PreferNoSchedule"});
        let node = |taints: Value| json!({"metadata": {"resourceVersion": "7"}, "spec": {"taints": taints}});
        let leaving = taint("tidegate.dev/leaving");
        let add = NodePatch { add_taints: [leaving.clone()].into(), ..NodePatch::default() };
        let remove = NodePatch { remove_taints: [leaving].into(), ..NodePatch::default() };
        for (before, patch, after) in [
            (json!([theirs]), &add, Some(json!([theirs, ours]))),
            (json!([ours, theirs]), &add, None),
            (json!([ours, theirs]), &remove, Some(json!([theirs]))),
            (json!([theirs]), &remove, None),
            (Value::Null, &add, Some(json!([ours]))),
        ] {
            let body = body(&node(before), patch);
            assert_eq!(body.pointer("/spec/taints"), after.as_ref());
            assert_eq!(text(&body, "/metadata/resourceVersion"), "7");
        }
    }

    #[test]
    fn a_cordon_is_taken_over_from_nobody_and_given_back_only_while_it_is_ours() {
        let node = |cordoned: bool, record: bool| {
            let annotations = if record { json!({keys::RECORD: "{}"}) } else { json!({}) };
            json!({"metadata": {"annotations": annotations}, "spec": {"unschedulable": cordoned}})
        };
        let record = |value: Option<Name>| [(Name::from(keys::RECORD), value)].into();
        let cordon =
            NodePatch { unschedulable: Some(true), annotations: record(Some("{}".into())), ..NodePatch::default() };
        let back = NodePatch { unschedulable: Some(false), annotations: record(None), ..NodePatch::default() };
        let adopted = NodePatch { unschedulable: Some(false), ..NodePatch::default() };
        for (patch, cordoned, recorded, refused) in [
            (&cordon, false, false, false),
            (&cordon, true, false, true),
            (&cordon, true, true, false),
            (&back, true, true, false),
            (&back, true, false, true),
            (&adopted, true, false, false),
        ] {
            assert_eq!(others(&node(cordoned, recorded), patch, false), refused, "{patch:?} {cordoned} {recorded}");
        }
        assert!(!others(&node(false, false), &back, true), "the record is kept outside of the Node");
    }
}
