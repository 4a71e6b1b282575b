//! How well free volumes suit the claims that wait for their pod. (VolumeBinding; since Kubernetes 1.37 in the default profile)

use std::collections::BTreeMap;

use super::needs::VolumeNeeds;
use super::state::Volumes;
use crate::model::{Name, Node};

impl Volumes {
    /// The scheduler's score of `node`, 0 to 100: the share that the volumes chosen there leave unused, the mean over
    /// their classes. 0 where no free volume is chosen, be it that one is made.
    pub fn leeway(&self, needs: &VolumeNeeds, node: &Node) -> i64 {
        let choice = if needs.waiting.is_empty() { None } else { self.choose(needs, node) };
        let mut classes: BTreeMap<&Name, (i128, i128)> = BTreeMap::new();
        for (key, volume) in choice.iter().flatten() {
            let volume = volume.as_ref().and_then(|name| self.storage.volume(name));
            let claim = needs.waiting.iter().find(|claim| claim.key == *key);
            let (Some(volume), Some(claim)) = (volume, claim) else { continue };
            let Some(class) = &claim.spec.class else { continue };
            let sums = classes.entry(class).or_default();
            sums.0 += i128::from(claim.spec.bytes);
            sums.1 += i128::from(volume.bytes);
        }
        let left = |(asked, there): &(i128, i128)| match there {
            0 => 0,
            there if asked > there => 0,
            there => 100 - asked * 100 / there,
        };
        let (sum, count) = classes.values().fold((0, 0), |(sum, count), sums| (sum + left(sums), count + 1));
        // Halves are rounded up.
        let mean = if count == 0 { 0 } else { (2 * sum + count) / (2 * count) };
        i64::try_from(mean).unwrap_or(0)
    }
}
