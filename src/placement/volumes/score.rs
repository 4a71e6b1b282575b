//! How well the volumes of a node suit the claims that wait for their pod. (VolumeBinding; since Kubernetes 1.37 in the
//! default profile)

use std::collections::BTreeMap;

use super::binding::Source;
use super::needs::{VolumeNeeds, Waiting};
use super::state::Volumes;
use crate::model::{Name, Node};

/// Asked bytes and those there are, of one class.
#[derive(Clone, Copy, Default)]
struct Share {
    asked: i128,
    there: i128,
}

impl Volumes {
    /// The scheduler's score of `node`, 0 to 100: the share that stays unused of the free volumes chosen there or, where
    /// none is, of the room out of which volumes are made; the mean over their classes. 0 where no driver counts its room.
    pub fn leeway(&self, needs: &VolumeNeeds, node: &Node) -> i64 {
        let choice = match needs.waiting.is_empty() {
            true => Vec::new(),
            false => self.choose(needs, node).unwrap_or_default(),
        };
        let any_free = choice.iter().any(|(_, source)| matches!(source, Source::Free(_)));
        let mut classes: BTreeMap<&Name, Share> = BTreeMap::new();
        for (key, source) in &choice {
            let claim = needs.waiting.iter().find(|claim| claim.key == *key);
            let Some((claim, class)) = claim.and_then(|claim| Some((claim, claim.spec.class.as_ref()?))) else {
                continue;
            };
            let Some(there) = self.there(claim, source, any_free) else { continue };
            let share = classes.entry(class).or_default();
            share.asked += i128::from(claim.spec.bytes);
            share.there = if any_free { share.there + there } else { there };
        }
        let left = |Share { asked, there }: &Share| match there {
            0 => 0,
            there if asked > there => 0,
            there => 100 - asked * 100 / there,
        };
        let (sum, count) = classes.values().fold((0, 0), |(sum, count), share| (sum + left(share), count + 1));
        // Halves are rounded up.
        let mean = if count == 0 { 0 } else { (2 * sum + count) / (2 * count) };
        i64::try_from(mean).unwrap_or(0)
    }

    /// The bytes that a claim is served from; None for one that does not count.
    fn there(&self, claim: &Waiting, source: &Source, any_free: bool) -> Option<i128> {
        match source {
            Source::Free(name) => self.storage.volume(name).map(|volume| i128::from(volume.bytes)),
            Source::Made(Some(key)) if !any_free => {
                let room = self.storage.capacity(&claim.class.name, key)?;
                Some(i128::from(room.bytes.unwrap_or(0)))
            }
            Source::Made(_) => None,
        }
    }
}
