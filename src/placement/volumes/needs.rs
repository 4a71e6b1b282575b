//! What a pod's volumes ask of any node.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::storage::{Storage, Used, ephemeral, provisioned};
use super::topology::{Zones, zones};
use super::unfit::VolumeUnfit;
use crate::model::{
    Claim, ClaimSpec, Disk, InlineDisk, Kind, Name, PersistentVolume, Pod, PodKey, StorageClass, VolumeSource,
};

/// What a pod that is placed anew asks. Empty for most pods.
#[derive(Clone, Debug, Default)]
pub struct VolumeNeeds {
    /// Why no node will do; everything else is empty then.
    pub(super) refused: Option<VolumeUnfit>,
    /// The volumes of bound claims.
    pub(super) bound: Vec<Arc<PersistentVolume>>,
    /// An ephemeral volume's claim is bound to a volume that does not exist.
    pub(super) ephemeral_gone: bool,
    /// Zones that the node must be in.
    pub(super) zones: Zones,
    /// Claims that wait for the pod, the smallest first. One that is mounted twice is there twice: the scheduler looks for
    /// two volumes then.
    pub(super) waiting: Vec<Waiting>,
    /// Claims that only one pod may use.
    pub(super) exclusive: Vec<PodKey>,
    /// What must be attached.
    pub(super) attach: Vec<Disk>,
    /// In-tree disks that the pod names.
    pub(super) disks: Vec<InlineDisk>,
}

/// A claim that gets its volume where its pod goes.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// The claim.
    pub key: PodKey,
    /// Its UID, if it is there.
    pub uid: Option<Name>,
    /// What it asks for.
    pub spec: ClaimSpec,
    /// Its class.
    pub class: Arc<StorageClass>,
    /// The node that its volume is being made for.
    pub selected: Option<Name>,
}

impl VolumeNeeds {
    /// Why no node will do.
    pub fn refused(&self) -> Option<&VolumeUnfit> {
        self.refused.as_ref()
    }

    /// Whether volumes are no matter for the pod.
    pub fn is_empty(&self) -> bool {
        self.refused.is_none() && self.attach.is_empty() && self.disks.is_empty() && !self.claims()
    }

    fn claims(&self) -> bool {
        !self.bound.is_empty() || !self.waiting.is_empty() || !self.exclusive.is_empty() || self.ephemeral_gone
    }

    /// Looks up what `pod`, placed anew, asks. A pod that is bound stands for its replacement, which gets new claims for
    /// its ephemeral volumes. A claim that a controller is about to make from a template counts as made.
    pub(super) fn of(pod: &Pod, storage: &Storage) -> Self {
        let mut needs = Self::default();
        match needs.look_up(pod, storage) {
            Ok(()) => needs,
            Err(refused) => Self { refused: Some(refused), ..Self::default() },
        }
    }

    fn look_up(&mut self, pod: &Pod, storage: &Storage) -> Result<(), VolumeUnfit> {
        let read = |kinds: &[Kind]| read_all(storage.unread(kinds));
        let mut used: Vec<(Used, bool)> = Vec::new();
        for volume in &pod.spec.volumes {
            match &volume.source {
                VolumeSource::Claim(name) => {
                    read(&[Kind::PersistentVolumeClaim])?;
                    let key = PodKey::new(pod.key.namespace.clone(), name.clone());
                    let claim = storage.claim(&key).ok_or_else(|| VolumeUnfit::NoClaim(name.clone()))?;
                    used.push((Used::Claim(claim.clone()), false));
                }
                VolumeSource::Ephemeral(spec) => {
                    read(&[Kind::PersistentVolumeClaim])?;
                    let key = ephemeral(pod, &volume.name);
                    match storage.claim(&key).filter(|_| pod.node.is_none()) {
                        Some(claim) => used.push((Used::Claim(claim.clone()), true)),
                        None => used.push((Used::ToCome(key, spec.clone()), true)),
                    }
                }
                VolumeSource::Disk(disk) => {
                    self.attach.extend(disk.disk.clone().filter(|disk| !disk.handle.is_empty()));
                    self.disks.push((**disk).clone());
                }
                _ => {}
            }
        }
        for (used, is_ephemeral) in &used {
            let Used::Claim(claim) = used else { continue };
            usable(claim, *is_ephemeral, pod)?;
        }
        for (used, _) in &used {
            self.binding(used, storage, read)?;
        }
        for (used, is_ephemeral) in &used {
            self.volume(used, *is_ephemeral, storage)?;
            self.attach.extend(storage.disk(used));
        }
        let mut seen = BTreeSet::new();
        self.attach.retain(|disk| seen.insert(disk.clone()));
        self.waiting.sort_by(|a, b| (a.spec.bytes, &a.key).cmp(&(b.spec.bytes, &b.key)));
        Ok(())
    }

    /// Sorts a claim that has no volume: it waits for the pod, or the pod waits for it.
    fn binding(
        &mut self,
        used: &Used,
        storage: &Storage,
        read: impl Fn(&[Kind]) -> Result<(), VolumeUnfit>,
    ) -> Result<(), VolumeUnfit> {
        let (key, spec, claim) = match used {
            Used::Claim(claim) if claim.bound && claim.volume.is_some() => return read(&[Kind::PersistentVolume]),
            Used::Claim(claim) => (&claim.key, &claim.spec, Some(claim)),
            Used::ToCome(key, spec) => (key, &**spec, None),
        };
        read(&[Kind::StorageClass])?;
        let wants_one = claim.is_some_and(|claim| claim.volume.is_some());
        let class = storage.waiting_class(spec).filter(|_| !wants_one).ok_or(VolumeUnfit::Unbound)?;
        // Where one can be made it fits, whatever else is free somewhere.
        if !provisioned(class) {
            read(&[Kind::PersistentVolume])?;
        }
        read_all(storage.unread_for(class))?;
        self.waiting.push(Waiting {
            key: key.clone(),
            uid: claim.map(|claim| claim.uid.clone()),
            spec: spec.clone(),
            class: class.clone(),
            selected: claim.and_then(|claim| claim.selected_node.clone()),
        });
        Ok(())
    }

    /// What the volume of a bound claim asks.
    fn volume(&mut self, used: &Used, is_ephemeral: bool, storage: &Storage) -> Result<(), VolumeUnfit> {
        let Used::Claim(claim) = used else { return Ok(()) };
        if !is_ephemeral && claim.spec.access_modes.contains("ReadWriteOncePod") {
            self.exclusive.push(claim.key.clone());
        }
        let Some(name) = claim.volume.as_ref() else { return Ok(()) };
        match storage.volume(name) {
            Some(volume) => {
                // The scheduler looks at zone labels for claims that the pod names, not for those made for it.
                self.zones.extend(if is_ephemeral { Zones::new() } else { zones(volume) });
                self.bound.push(volume.clone());
            }
            None if is_ephemeral => self.ephemeral_gone = true,
            None => return Err(VolumeUnfit::NoVolume(name.clone())),
        }
        Ok(())
    }
}

/// An error if anything is unread.
fn read_all(unread: Vec<Kind>) -> Result<(), VolumeUnfit> {
    if unread.is_empty() { Ok(()) } else { Err(VolumeUnfit::NotRead(unread)) }
}

/// What is wrong with a claim itself.
fn usable(claim: &Claim, is_ephemeral: bool, pod: &Pod) -> Result<(), VolumeUnfit> {
    let name = || claim.key.name.clone();
    if claim.lost {
        return Err(VolumeUnfit::Lost(name(), claim.volume.clone().unwrap_or_default()));
    }
    if claim.deleting {
        return Err(VolumeUnfit::Deleting(name()));
    }
    if is_ephemeral && claim.owner.as_ref() != Some(&pod.uid) {
        return Err(VolumeUnfit::NotOwned(claim.key.clone(), pod.key.clone()));
    }
    Ok(())
}
