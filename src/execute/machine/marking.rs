//! The patches that mark a node.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::course::Course;
use super::desk::Desk;
use crate::cluster::{NodeMark, NodePatch, NodeRecord, keys};
use crate::model::{Name, Node, OTHER_OWNERS, Place, SkipMark, Taint, TaintEffect, World};

/// What the marks of one node are made from.
pub struct Marking<'a> {
    /// The policy.
    policy: &'a Name,
    /// The pool.
    pool: &'a Name,
    /// Load balancers may send traffic to the node.
    balanced: bool,
    /// What tells the other owners that the pool is shared with to leave the node alone (H16).
    skip: Vec<SkipMark>,
    /// Where its server is (H27).
    zone: Option<Name>,
    /// Its CSI drivers (H10).
    drivers: BTreeSet<Name>,
}

impl Course {
    /// What this node is marked with.
    pub(super) fn marking<'a>(&'a self, desk: &'a Desk, world: &World) -> Marking<'a> {
        let shared = self.settings(desk).map_or(&[][..], |settings| &settings.shared_with);
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        Marking {
            policy: &desk.settings.policy,
            pool: &self.pool,
            balanced: world.balanced(),
            skip: OTHER_OWNERS.iter().filter(|owner| owner.named_in(shared)).filter_map(|owner| owner.skip).collect(),
            zone: server.and_then(|server| server.zone.clone()),
            drivers: world.csi_nodes.get(&self.node).into_iter().flat_map(|csi| csi.drivers.keys().cloned()).collect(),
        }
    }
}

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

impl Marking<'_> {
    fn record(&self, mark: NodeMark, node: &Node, now: Timestamp) -> NodeRecord {
        NodeRecord {
            mark,
            since: now,
            policy: self.policy.clone(),
            pool: self.pool.clone(),
            labels: BTreeSet::new(),
            annotations: BTreeSet::new(),
            taints: BTreeSet::new(),
            extended: node.capacity.extended.clone(),
            drivers: self.drivers.clone(),
            provider_id: node.provider_id.clone(),
            zone: self.zone.clone(),
        }
    }

    /// Chosen to go later: the soft taint and the record.
    pub fn choose(&self, node: &Node, now: Timestamp) -> NodePatch {
        let taint = leaving_taint();
        let mut record = self.record(NodeMark::Leaving, node, now);
        // A taint that somebody else put there is not ours to remove.
        if !node.taints.contains(&taint) {
            record.taints.insert(taint);
        }
        NodePatch { add_taints: record.taints.clone(), ..with_record(node, &record) }
    }

    /// Cordon, mark and whatever keeps load balancers and other owners away, in one patch (H12, H15, H16). What somebody
    /// else has set already is theirs.
    pub fn cordon(&self, node: &Node, before: Option<NodeRecord>, now: Timestamp) -> NodePatch {
        let mut record = before.unwrap_or_else(|| self.record(NodeMark::Draining, node, now));
        record.mark = NodeMark::Draining;
        let mut patch = NodePatch { unschedulable: Some(true), ..NodePatch::default() };
        let load_balancers = SkipMark { place: Place::Label, key: keys::EXCLUDE_FROM_LOAD_BALANCERS, value: "" };
        for mark in self.skip.iter().copied().chain(self.balanced.then_some(load_balancers)) {
            let (key, value) = (Name::from(mark.key), Some(Name::from(mark.value)));
            let (there, ours, set) = match mark.place {
                Place::Label => (&node.labels, &mut record.labels, &mut patch.labels),
                Place::Annotation => (&node.annotations, &mut record.annotations, &mut patch.annotations),
            };
            if !there.contains_key(&key) {
                ours.insert(key.clone());
                set.insert(key, value);
            }
        }
        let with = with_record(node, &record);
        patch.annotations.extend(with.annotations);
        NodePatch { uid: with.uid, ..patch }
    }

    /// Being woken. One that is adopted gets its record here, so that its cordon is ours from now on.
    pub fn wake(&self, node: &Node, record: Option<NodeRecord>, now: Timestamp) -> NodePatch {
        let mut record = record.unwrap_or_else(|| self.record(NodeMark::Waking, node, now));
        record.mark = NodeMark::Waking;
        record.since = now;
        with_record(node, &record)
    }
}

/// Drained, and about to go for good: the rest stays as it is, should its server be kept after all.
pub fn condemn(node: &Node, mut record: NodeRecord) -> NodePatch {
    record.mark = NodeMark::Deleting;
    with_record(node, &record)
}

/// Parked: the soft taint has done its work, the cordon and the rest stay until it comes back.
pub fn seal(node: &Node, mut record: NodeRecord, now: Timestamp) -> NodePatch {
    record.mark = NodeMark::Parked;
    record.since = now;
    let removed = std::mem::take(&mut record.taints);
    NodePatch { remove_taints: removed, ..with_record(node, &record) }
}
