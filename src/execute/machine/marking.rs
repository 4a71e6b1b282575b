//! The patches that mark a node.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::cluster::{NodeMark, NodePatch, NodeRecord, keys};
use crate::model::{Name, Node, Taint, TaintEffect};

/// The taint on nodes that will go later in the same plan (H14).
pub fn leaving_taint() -> Taint {
    Taint { key: keys::LEAVING.into(), value: "".into(), effect: TaintEffect::PreferNoSchedule }
}

fn with_record(node: &Node, record: &NodeRecord) -> NodePatch {
    NodePatch {
        uid: node.uid.clone(),
        annotations: [(Name::from(keys::RECORD), Some(record.to_annotation()))].into(),
        ..NodePatch::default()
    }
}

/// Chosen to go later: the soft taint and the record.
pub fn choose(node: &Node, policy: &Name, pool: &Name, now: Timestamp) -> NodePatch {
    let taint = leaving_taint();
    let mut record = NodeRecord {
        mark: NodeMark::Leaving,
        since: now,
        policy: policy.clone(),
        pool: pool.clone(),
        labels: BTreeSet::new(),
        taints: BTreeSet::new(),
        extended: node.capacity.extended.clone(),
    };
    // A taint that somebody else put there is not ours to remove.
    if !node.taints.contains(&taint) {
        record.taints.insert(taint.clone());
    }
    NodePatch { add_taints: record.taints.clone(), ..with_record(node, &record) }
}

/// Cordon, mark and label in one patch (H12, H15).
pub fn cordon(node: &Node, before: Option<NodeRecord>, policy: &Name, pool: &Name, now: Timestamp) -> NodePatch {
    let mut record = before.unwrap_or_else(|| NodeRecord {
        mark: NodeMark::Draining,
        since: now,
        policy: policy.clone(),
        pool: pool.clone(),
        labels: BTreeSet::new(),
        taints: BTreeSet::new(),
        extended: node.capacity.extended.clone(),
    });
    record.mark = NodeMark::Draining;
    let label = Name::from(keys::EXCLUDE_FROM_LOAD_BALANCERS);
    let mut patch = NodePatch { unschedulable: Some(true), ..NodePatch::default() };
    if !node.labels.contains_key(&label) {
        record.labels.insert(label.clone());
        patch.labels.insert(label, Some("".into()));
    }
    let with = with_record(node, &record);
    NodePatch { uid: with.uid, annotations: with.annotations, ..patch }
}

/// Parked: the soft taint has done its work, the cordon and the rest stay until it comes back.
pub fn seal(node: &Node, mut record: NodeRecord, now: Timestamp) -> NodePatch {
    record.mark = NodeMark::Parked;
    record.since = now;
    let removed = std::mem::take(&mut record.taints);
    NodePatch { remove_taints: removed, ..with_record(node, &record) }
}

/// Being woken. One that is adopted gets its record here, so that its cordon is ours from now on.
pub fn wake(node: &Node, record: Option<NodeRecord>, policy: &Name, pool: &Name, now: Timestamp) -> NodePatch {
    let mut record = record.unwrap_or_else(|| NodeRecord {
        mark: NodeMark::Waking,
        since: now,
        policy: policy.clone(),
        pool: pool.clone(),
        labels: BTreeSet::new(),
        taints: BTreeSet::new(),
        extended: node.capacity.extended.clone(),
    });
    record.mark = NodeMark::Waking;
    record.since = now;
    with_record(node, &record)
}
