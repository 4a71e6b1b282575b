//! What is attached to one node.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CsiNode, Disk, InlineDisk, Name};

/// The volumes of one node, with how many pods use each.
#[derive(Clone, Debug, Default)]
pub struct NodeVolumes {
    /// None: the node has no CSINode, so nothing is limited and in-tree disks count nowhere.
    csi: Option<CsiNode>,
    /// Driver and handle of what VolumeAttachments attach, with how many say so.
    attachments: BTreeMap<Name, BTreeMap<Name, i64>>,
    /// Driver and handle of what pods use.
    pods: BTreeMap<Name, BTreeMap<Name, i64>>,
    /// In-tree disks that pods name.
    disks: BTreeMap<InlineDisk, i64>,
}

impl NodeVolumes {
    pub(super) fn new(csi: Option<CsiNode>) -> Self {
        Self { csi, ..Self::default() }
    }

    /// A VolumeAttachment for this node came or went.
    pub(super) fn attachment(&mut self, driver: Name, handle: Name, comes: bool) {
        add(self.attachments.entry(driver).or_default(), &handle, if comes { 1 } else { -1 });
    }

    /// The in-tree plugins that count as migrated here.
    pub(super) fn migrated(&self) -> &BTreeSet<Name> {
        static NONE: BTreeSet<Name> = BTreeSet::new();
        self.csi.as_ref().map_or(&NONE, |csi| &csi.migrated)
    }

    /// Whether the scheduler counts this disk here: an in-tree one only where there is a CSINode.
    pub(super) fn counts(&self, disk: &Disk) -> bool {
        self.csi.is_some() || !disk.in_tree
    }

    /// A pod with these disks came (`sign` 1) or went (-1).
    pub(super) fn account(&mut self, attach: &[Disk], disks: &[InlineDisk], sign: i64) {
        for disk in attach {
            let handles = self.pods.entry(disk.driver.clone()).or_default();
            add(handles, &disk.handle, sign);
            if handles.is_empty() {
                self.pods.remove(&disk.driver);
            }
        }
        for disk in disks {
            add(&mut self.disks, disk, sign);
        }
    }

    /// Whether a pod here uses one of these disks in a way that excludes another. (VolumeRestrictions)
    pub(super) fn disk_in_use(&self, wanted: &[InlineDisk]) -> bool {
        let exclude = |one: &InlineDisk, other: &InlineDisk| {
            let same = one.kind == other.kind && one.id == other.id;
            let written = !(one.read_only && other.read_only);
            same && match &*one.kind {
                "awsElasticBlockStore" => true,
                "gcePersistentDisk" | "iscsi" => written,
                "rbd" => written && !one.monitors.is_disjoint(&other.monitors),
                _ => false,
            }
        };
        wanted.iter().any(|one| self.disks.keys().any(|other| exclude(one, other)))
    }

    /// Whether the node cannot attach these disks too. As the scheduler counts: a disk that a pod here uses counts once,
    /// one that is only attached counts again when a pod brings it. (NodeVolumeLimits)
    pub(super) fn too_many(&self, attach: &[Disk]) -> bool {
        let Some(csi) = &self.csi else { return false };
        let mut new: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        for disk in attach.iter().filter(|disk| !self.uses(disk)) {
            new.entry(&disk.driver).or_default().insert(&disk.handle);
        }
        new.into_iter().any(|(driver, handles)| {
            let Some(Some(limit)) = csi.drivers.get(driver) else { return false };
            self.attached(driver) + handles.len() > usize::try_from(*limit).unwrap_or(usize::MAX)
        })
    }

    /// Whether a driver is installed here.
    pub(super) fn has(&self, driver: &Name) -> bool {
        self.csi.as_ref().is_some_and(|csi| csi.drivers.contains_key(driver))
    }

    /// Whether the number of such disks is limited here.
    pub(super) fn limits(&self, attach: &[Disk]) -> bool {
        let limited =
            |disk: &Disk| self.csi.as_ref().is_some_and(|csi| matches!(csi.drivers.get(&disk.driver), Some(Some(_))));
        attach.iter().any(limited)
    }

    fn uses(&self, disk: &Disk) -> bool {
        self.pods.get(&disk.driver).is_some_and(|handles| handles.contains_key(&disk.handle))
    }

    fn attached(&self, driver: &Name) -> usize {
        let used = self.pods.get(driver);
        let only_attached = self.attachments.get(driver).into_iter().flat_map(BTreeMap::keys);
        let only_attached = only_attached.filter(|handle| !used.is_some_and(|used| used.contains_key(*handle)));
        used.map_or(0, BTreeMap::len) + only_attached.count()
    }
}

fn add<K: Ord + Clone>(counts: &mut BTreeMap<K, i64>, key: &K, sign: i64) {
    let count = counts.entry(key.clone()).or_insert(0);
    *count += sign;
    if *count == 0 {
        counts.remove(key);
    }
}
