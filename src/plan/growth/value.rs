//! What nodes give for what they cost, in whole numbers.

use std::cmp::Ordering;

use crate::model::Resources;

/// What a GiB of memory is worth in millicores, and one of anything that few nodes have.
const GIB: i128 = 100;
const RARE: i128 = 10_000;

/// How large something is, in millicores: a GiB of memory counts as a tenth of a core, a GPU as ten cores. Never 0, so that
/// a pod that asks for nothing counts too.
pub fn size(resources: &Resources) -> i128 {
    let memory = (i128::from(resources.memory.max(0)) * GIB) >> 30;
    // Huge pages count in bytes, and are memory.
    let extended = resources.extended.iter().filter(|(name, amount)| **amount > 0 && !name.starts_with("hugepages-"));
    let rare: i128 = extended.map(|(_, amount)| i128::from(*amount) * RARE).sum();
    (i128::from(resources.cpu.max(0)) + memory + rare).max(1)
}

/// What bringing a node would give, and what it would cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its pool's weight: larger is preferred.
    pub weight: i32,
    /// How many ways to buy it are preferred: fewer is better.
    pub rank: usize,
    /// Per hour, in millionths, or in [`size`] where prices are not known; 0 for what runs already.
    pub cost: i128,
    /// The [`size`] of the pods that it takes.
    pub serves: i128,
    /// The [`size`] of all that it has.
    pub room: i128,
}

impl Offer {
    /// `Less` is the better: weight, then how it is bought, then cost for what is served, then the one that serves more, then the smaller.
    pub fn order(&self, other: &Self) -> Ordering {
        let cross = |one: &Self, two: &Self| one.cost.saturating_mul(two.serves);
        (other.weight.cmp(&self.weight))
            .then_with(|| self.rank.cmp(&other.rank))
            .then_with(|| cross(self, other).cmp(&cross(other, self)))
            .then_with(|| other.serves.cmp(&self.serves))
            .then_with(|| self.room.cmp(&other.room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_for_what_it_serves_is_the_best() {
        let offer = |weight, cost, serves| Offer { weight, rank: 0, cost, serves, room: 16 };
        for (better, worse, why) in [
            (offer(0, 4, 8), offer(0, 5, 8), "the same for less"),
            (offer(0, 4, 8), offer(0, 4, 7), "more for the same"),
            (offer(0, 8, 16), offer(0, 4, 8), "as cheap, and fewer nodes"),
            (offer(0, 4, 5), offer(0, 16, 5), "a large one for little is dear"),
            (offer(0, 0, 1), offer(0, 1, 100), "what runs already costs nothing"),
            (offer(1, 9, 1), offer(0, 1, 9), "preferred pools come first"),
            (offer(0, 9, 1), Offer { rank: 1, ..offer(0, 1, 9) }, "as it is best bought, before what costs less"),
            (Offer { room: 4, ..offer(0, 0, 2) }, offer(0, 0, 2), "no larger than it must be"),
        ] {
            assert_eq!(better.order(&worse), Ordering::Less, "{why}");
            assert_eq!(worse.order(&better), Ordering::Greater, "{why}");
        }
    }

    #[test]
    fn nothing_overflows_and_nothing_is_worth_nothing() {
        let most = Resources { cpu: i64::MAX, memory: i64::MAX, ..Resources::default() };
        assert!(size(&most) > size(&Resources { cpu: i64::MAX, ..Resources::default() }));
        assert_eq!(size(&Resources { cpu: -5, memory: i64::MIN, ..Resources::default() }), 1);
    }
}
