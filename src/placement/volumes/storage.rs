//! The storage objects of a snapshot, arranged for the questions that placement asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Claim, ClaimSpec, CsiDriver, Disk, Kind, MIGRATED, Name, PersistentVolume, Pod, PodKey, StorageCapacity,
    StorageClass, VolumeSource, World,
};

/// What does not change while a simulation moves pods.
#[derive(Debug, Default)]
pub struct Storage {
    read: BTreeSet<Kind>,
    claims: BTreeMap<PodKey, Arc<Claim>>,
    volumes: BTreeMap<Name, Arc<PersistentVolume>>,
    classes: BTreeMap<Name, Arc<StorageClass>>,
    drivers: BTreeMap<Name, CsiDriver>,
    /// Drivers that some node has.
    installed: BTreeSet<Name>,
    /// Room for new volumes, by class and then by key.
    capacities: BTreeMap<Name, Vec<StorageCapacity>>,
    /// Volumes that any claim may take, by class; the smallest first, then by name.
    pub(super) free: BTreeMap<Name, Vec<Arc<PersistentVolume>>>,
    /// Volumes kept for a claim that is not bound to them yet, by name.
    pub(super) kept: BTreeMap<PodKey, Vec<Arc<PersistentVolume>>>,
}

/// A claim that a pod uses.
#[derive(Clone, Debug)]
pub enum Used {
    /// It is there.
    Claim(Arc<Claim>),
    /// It will be made from a pod's template under this name.
    ToCome(PodKey, Box<ClaimSpec>),
}

/// The kinds that were not read, and without which nobody can tell where some class of `world` has its volumes made.
pub fn unread_of_classes(world: &World) -> BTreeSet<Kind> {
    let storage = Storage::drivers_of(world);
    let waiting = world.classes.values().filter(|class| class.waits_for_consumer);
    waiting.flat_map(|class| storage.unread_for(class)).collect()
}

impl Storage {
    /// What makes volumes, and what is known of it.
    fn drivers_of(world: &World) -> Self {
        Self {
            read: world.observed.clone(),
            drivers: world.csi_drivers.clone(),
            installed: world.csi_nodes.values().flat_map(|node| node.drivers.keys().cloned()).collect(),
            ..Self::default()
        }
    }

    pub(super) fn new(world: &World) -> Self {
        let mut storage = Self {
            claims: world.claims.iter().map(|(key, claim)| (key.clone(), Arc::new(claim.clone()))).collect(),
            volumes: world.volumes.iter().map(|(name, volume)| (name.clone(), Arc::new(volume.clone()))).collect(),
            classes: world.classes.iter().map(|(name, class)| (name.clone(), Arc::new(class.clone()))).collect(),
            ..Self::drivers_of(world)
        };
        for capacity in world.capacities.values() {
            storage.capacities.entry(capacity.class.clone()).or_default().push(capacity.clone());
        }
        for volume in storage.volumes.values().filter(|volume| !volume.deleting) {
            match (&volume.claim, &volume.class) {
                (Some(claim), _) => {
                    let bound = |claim: &Arc<Claim>| claim.bound;
                    if !storage.claims.get(claim).is_some_and(bound) {
                        storage.kept.entry(claim.clone()).or_default().push(volume.clone());
                    }
                }
                (None, Some(class)) if volume.available => {
                    storage.free.entry(class.clone()).or_default().push(volume.clone());
                }
                (None, _) => {}
            }
        }
        for volumes in storage.free.values_mut() {
            volumes.sort_by(|a, b| (a.bytes, &a.name).cmp(&(b.bytes, &b.name)));
        }
        storage
    }

    /// Which of these kinds the snapshot does not know.
    pub(super) fn unread(&self, kinds: &[Kind]) -> Vec<Kind> {
        kinds.iter().copied().filter(|kind| !self.read.contains(kind)).collect()
    }

    /// What must be read before a volume of `class` can be said to be made somewhere. A provisioner that no node has
    /// installed is no CSI driver, and no object can tell how much room it has.
    pub(super) fn unread_for(&self, class: &StorageClass) -> Vec<Kind> {
        let provisioner = &class.provisioner;
        let counts = match self.drivers.get(provisioner) {
            Some(driver) => driver.storage_capacity,
            None if self.read.contains(&Kind::CSIDriver) => false,
            None => {
                let known = self.read.contains(&Kind::CSINode);
                provisioned(class) && (!known || self.installed.contains(provisioner))
            }
        };
        if counts { self.unread(&[Kind::CSIDriver, Kind::CSIStorageCapacity]) } else { Vec::new() }
    }

    /// The objects that say how much room there is for volumes of `class`; None where its driver counts none.
    pub(super) fn room(&self, class: &StorageClass) -> Option<&[StorageCapacity]> {
        self.drivers.get(&class.provisioner).filter(|driver| driver.storage_capacity)?;
        Some(self.capacities.get(&class.name).map_or(&[], Vec::as_slice))
    }

    /// One of them.
    pub(super) fn capacity(&self, class: &Name, key: &PodKey) -> Option<&StorageCapacity> {
        self.capacities.get(class)?.iter().find(|capacity| capacity.key == *key)
    }

    /// Whether pods with volumes of `driver` need a node on which it is installed.
    pub(super) fn must_be_there(&self, driver: &Name) -> bool {
        self.drivers.get(driver).is_some_and(|driver| driver.must_be_there)
    }

    pub(super) fn claim(&self, key: &PodKey) -> Option<&Arc<Claim>> {
        self.claims.get(key)
    }

    pub(super) fn volume(&self, name: &str) -> Option<&Arc<PersistentVolume>> {
        self.volumes.get(name)
    }

    /// The class that makes claims wait for their pod.
    pub(super) fn waiting_class(&self, claim: &ClaimSpec) -> Option<&Arc<StorageClass>> {
        self.classes.get(claim.class.as_ref()?).filter(|class| class.waits_for_consumer)
    }

    /// The claims that a pod has as it is, those of ephemeral volumes that are not there yet included; claims that it
    /// names and that do not exist are left out.
    pub(super) fn used(&self, pod: &Pod) -> impl Iterator<Item = Used> {
        pod.spec.volumes.iter().filter_map(|volume| match &volume.source {
            VolumeSource::Claim(name) => {
                let key = PodKey::new(pod.key.namespace.clone(), name.clone());
                self.claim(&key).cloned().map(Used::Claim)
            }
            VolumeSource::Ephemeral(spec) => {
                let key = ephemeral(pod, &volume.name);
                Some(self.claim(&key).cloned().map_or_else(|| Used::ToCome(key, spec.clone()), Used::Claim))
            }
            _ => None,
        })
    }

    /// What a claim will attach: the disk of its volume, or one that its class will have made.
    pub(super) fn disk(&self, used: &Used) -> Option<Disk> {
        let (key, spec, volume) = match used {
            Used::Claim(claim) => (&claim.key, &claim.spec, claim.volume.as_ref()),
            Used::ToCome(key, spec) => (key, &**spec, None),
        };
        if let Some(volume) = volume.and_then(|name| self.volume(name)) {
            return volume.disk.clone().filter(|disk| !disk.handle.is_empty());
        }
        let provisioner = &self.classes.get(spec.class.as_ref()?)?.provisioner;
        let migrated = MIGRATED.iter().find(|migrated| *migrated.plugin == **provisioner);
        // No driver calls a disk so.
        let handle = format!("\0{key}").into();
        match migrated {
            Some(migrated) => Some(Disk { driver: migrated.driver.into(), handle, in_tree: true }),
            None => Some(Disk { driver: provisioner.clone(), handle, in_tree: false }),
        }
        .filter(|disk| !disk.driver.is_empty())
    }
}

/// Whether a CSI driver, or something like it, makes the volumes of a class.
pub fn provisioned(class: &StorageClass) -> bool {
    !class.provisioner.is_empty() && !class.provisioner.starts_with("kubernetes.io/")
}

/// The name of an ephemeral volume's claim.
pub fn ephemeral(pod: &Pod, volume: &str) -> PodKey {
    PodKey::new(pod.key.namespace.clone(), format!("{}-{volume}", pod.key.name))
}
