//! How good a choice of nodes is, by a count that no choice goes below.

use std::collections::BTreeMap;

use crate::model::{Name, Resources};

/// Amounts by resource; pods count one slot each.
fn amounts(of: &Resources, slots: i64) -> BTreeMap<Name, i128> {
    let named = [("cpu", of.cpu), ("memory", of.memory), ("ephemeral-storage", of.ephemeral_storage), ("pods", slots)];
    let named = named.into_iter().map(|(name, amount)| (Name::from(name), i128::from(amount.max(0))));
    named.chain(of.extended.iter().map(|(name, amount)| (name.clone(), i128::from((*amount).max(0))))).collect()
}

/// So many nodes are needed at least for all that is `asked`, whatever is chosen of those that have what is in `rooms`: of
/// the scarcest resource, all that is asked for over what the largest has.
pub fn at_least<'r>(asked: impl Iterator<Item = &'r Resources>, rooms: impl Iterator<Item = &'r Resources>) -> usize {
    let mut total: BTreeMap<Name, i128> = BTreeMap::new();
    for asks in asked {
        amounts(asks, 1).into_iter().for_each(|(name, amount)| *total.entry(name).or_insert(0) += amount);
    }
    let mut largest: BTreeMap<Name, i128> = BTreeMap::new();
    for room in rooms {
        for (name, amount) in amounts(room, room.pods) {
            let most = largest.entry(name).or_insert(0);
            *most = amount.max(*most);
        }
    }
    let needed = total.iter().filter_map(|(name, total)| {
        let most = largest.get(name).filter(|most| **most > 0)?;
        usize::try_from((total + most - 1) / most).ok()
    });
    needed.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cpu: i64, memory: i64) -> Resources {
        Resources { cpu, memory, pods: 4, ..Resources::default() }
    }

    /// The fewest nodes that hold all, by trying everything.
    fn fewest(asked: &[Resources], rooms: &mut [(Resources, bool)]) -> Option<usize> {
        let Some((first, rest)) = asked.split_first() else { return Some(rooms.iter().filter(|room| room.1).count()) };
        let mut best: Option<usize> = None;
        for at in 0..rooms.len() {
            let before = rooms[at].clone();
            let room = &mut rooms[at].0;
            if room.cpu < first.cpu || room.memory < first.memory || room.pods < 1 {
                continue;
            }
            (room.cpu, room.memory, room.pods) = (room.cpu - first.cpu, room.memory - first.memory, room.pods - 1);
            rooms[at].1 = true;
            let found = fewest(rest, rooms);
            best = best.into_iter().chain(found).min();
            rooms[at] = before;
        }
        best
    }

    #[test]
    fn the_bound_is_never_above_the_optimum() {
        let mut seed = 11_u64;
        let mut dice = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            1 + i64::try_from((seed >> 33) % sides).unwrap()
        };
        let (mut packed, mut reached) = (0, 0);
        for _ in 0..1000 {
            let asked: Vec<Resources> = (0..dice(6)).map(|_| of(dice(4), dice(4))).collect();
            let rooms: Vec<Resources> = (0..dice(4)).map(|_| of(3 + dice(6), 3 + dice(6))).collect();
            let bound = at_least(asked.iter(), rooms.iter());
            let mut open: Vec<(Resources, bool)> = rooms.into_iter().map(|room| (room, false)).collect();
            if let Some(fewest) = fewest(&asked, &mut open) {
                assert!(bound <= fewest, "{bound} > {fewest}: {asked:?} on {open:?}");
                (packed, reached) = (packed + 1, reached + usize::from(bound == fewest));
            }
        }
        assert!(packed > 300 && reached > packed / 2, "{reached} of {packed} bounds are the optimum");
    }
}
