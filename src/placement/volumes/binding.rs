//! Claims that wait for their pod: a volume that is free, or one made for the node. (VolumeBinding)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::needs::Waiting;
use super::storage::Storage;
use super::topology::{can_be_on, provisions};
use super::unfit::VolumeUnfit;
use crate::model::{Name, Node, PersistentVolume, PodKey, StorageCapacity};

/// Where the volume of a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It is there and free.
    Free(Name),
    /// It is made for the node; out of the room of this object, where the driver counts it.
    Made(Option<PodKey>),
}

/// What each claim would get on a node.
pub type Choice = Vec<(PodKey, Source)>;

/// A node to look for volumes on.
pub struct Place<'a> {
    /// The node.
    pub node: &'a Node,
    /// Volumes that other claims were promised.
    pub taken: &'a BTreeSet<Name>,
    /// Bytes that other claims were promised of the room that drivers have.
    pub drawn: &'a BTreeMap<PodKey, i128>,
}

impl Place<'_> {
    /// What the claims would get here, or why one gets nothing. Each takes the smallest volume that will do, and a volume
    /// is made where there is none.
    pub fn choose(&self, claims: &[Waiting], storage: &Storage) -> Result<Choice, VolumeUnfit> {
        if claims.iter().any(|claim| claim.selected.as_ref().is_some_and(|node| *node != self.node.name)) {
            return Err(VolumeUnfit::NothingToBind);
        }
        let mut chosen: BTreeSet<Name> = BTreeSet::new();
        let mut choice = Choice::new();
        let (mut to_make, others): (Vec<&Waiting>, Vec<&Waiting>) =
            claims.iter().partition(|claim| claim.selected.is_some());
        for claim in others {
            match self.find(claim, storage, &chosen) {
                Some(volume) => {
                    chosen.insert(volume.name.clone());
                    choice.push((claim.key.clone(), Source::Free(volume.name.clone())));
                }
                None => to_make.push(claim),
            }
        }
        for claim in to_make {
            choice.push((claim.key.clone(), Source::Made(self.make(claim, storage)?)));
        }
        Ok(choice)
    }

    /// The room out of which a volume would be made here. As the scheduler has it, the claims of one pod do not take room
    /// from each other; what other pods were promised, which the driver does not show yet, is gone.
    fn make(&self, claim: &Waiting, storage: &Storage) -> Result<Option<PodKey>, VolumeUnfit> {
        if !provisions(&claim.class, self.node) {
            return Err(VolumeUnfit::NothingToBind);
        }
        let Some(rooms) = storage.room(&claim.class).filter(|_| claim.spec.bytes > 0) else { return Ok(None) };
        let enough = |room: &&StorageCapacity| {
            let asked = i128::from(claim.spec.bytes);
            let drawn = self.drawn.get(&room.key).copied().unwrap_or(0);
            let limit = room.largest.or(room.bytes);
            limit.is_some_and(|limit| asked <= i128::from(limit))
                && (drawn == 0 || room.bytes.is_none_or(|bytes| asked <= i128::from(bytes) - drawn))
                && room.nodes.as_ref().is_some_and(|nodes| nodes.matches(&self.node.labels))
        };
        let room = rooms.iter().find(enough).ok_or(VolumeUnfit::NoSpace)?;
        Ok(Some(room.key.clone()))
    }

    /// A volume kept for the claim goes before all others, even if it cannot be here.
    fn find<'s>(
        &self,
        claim: &Waiting,
        storage: &'s Storage,
        chosen: &BTreeSet<Name>,
    ) -> Option<&'s Arc<PersistentVolume>> {
        let fits = |volume: &&Arc<PersistentVolume>| {
            !chosen.contains(&volume.name)
                && volume.bytes >= claim.spec.bytes
                && volume.block == claim.spec.block
                && volume.attributes_class == claim.spec.attributes_class
        };
        let here = |volume: &&Arc<PersistentVolume>| can_be_on(volume, self.node, &BTreeSet::new());
        let kept = storage.kept.get(&claim.key).into_iter().flatten();
        let mut kept = kept.filter(fits).filter(|volume| {
            volume.class == claim.spec.class
                && volume.claim_uid.as_ref().is_none_or(|uid| claim.uid.as_ref() == Some(uid))
        });
        if let Some(kept) = kept.next() {
            return Some(kept).filter(here);
        }
        let free = storage.free.get(claim.spec.class.as_ref()?)?.iter().filter(fits);
        let mut free = free.filter(|volume| {
            !self.taken.contains(&volume.name)
                && claim.spec.selector.as_ref().is_none_or(|selector| selector.matches(&volume.labels))
                && claim.spec.access_modes.is_subset(&volume.access_modes)
        });
        free.find(here)
    }
}
