//! Claims that wait for their pod: a volume that is free, or one made for the node. (VolumeBinding)

use std::collections::BTreeSet;
use std::sync::Arc;

use super::needs::Waiting;
use super::storage::Storage;
use super::topology::{can_be_on, provisions};
use crate::model::{Name, Node, PersistentVolume, PodKey};

/// The volume that each claim would get on a node, or None where one is made; in the order of the claims.
pub type Choice = Vec<(PodKey, Option<Name>)>;

/// A node to look for volumes on.
pub struct Place<'a> {
    /// The node.
    pub node: &'a Node,
    /// Volumes that other claims were promised.
    pub taken: &'a BTreeSet<Name>,
}

impl Place<'_> {
    /// What the claims would get here; None if one gets nothing. Each takes the smallest volume that will do, and a
    /// volume is made where there is none.
    pub fn choose(&self, claims: &[Waiting], storage: &Storage) -> Option<Choice> {
        let mut chosen: BTreeSet<Name> = BTreeSet::new();
        let mut choice = Choice::new();
        for claim in claims {
            let volume = match &claim.selected {
                Some(selected) if *selected == self.node.name => None,
                Some(_) => return None,
                None => self.find(claim, storage, &chosen),
            };
            match volume {
                Some(volume) => {
                    chosen.insert(volume.name.clone());
                    choice.push((claim.key.clone(), Some(volume.name.clone())));
                }
                None if provisions(&claim.class, self.node) => choice.push((claim.key.clone(), None)),
                None => return None,
            }
        }
        Some(choice)
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
