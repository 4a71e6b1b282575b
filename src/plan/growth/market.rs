//! Buying for pods that can be counted: those of which it is known beforehand how many a new node takes. Who minds other
//! pods in a way that cannot be counted is left to be asked about one by one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choose::Growth;
use super::demand::Alike;
use super::offered::Candidate;
use super::packing::{Bin, Item, Kind, Problem, other_than, pack};
use crate::model::{Labels, Name, Pod, Resources};
use crate::placement::{Evenly, Ties};
use crate::plan::bounds::Bounds;
use crate::plan::candidates::Nearness;

/// Pods of one likeness that may go to one part of what is offered.
struct Lot {
    /// Index of the likeness.
    alike: usize,
    /// Only where this label has this value.
    only: Option<(Name, Name)>,
    count: u32,
    most: u32,
}

/// What is bought, with the lots that its bins are filled from.
struct Order {
    lots: Vec<Lot>,
    /// The sort of each kind.
    sorts: Vec<usize>,
    bins: Vec<Bin>,
}

impl Growth<'_, '_> {
    /// Buys for those that can be counted, until nothing that is left fits on anything that may come.
    pub(super) fn buy(&mut self, alike: &mut [Alike], bounds: &mut Bounds<'_>) {
        let samples: Vec<Option<Arc<Pod>>> = alike.iter().map(|alike| alike.one().cloned()).collect();
        let mut ties: Vec<Ties> = samples.iter().map(|sample| self.ties(sample.as_deref())).collect();
        Ties::tangle(&mut ties);
        let mut tiers: BTreeSet<_> = self.candidates.iter().map(|candidate| self.tier(candidate)).collect();
        while let Some(tier) = tiers.pop_first() {
            loop {
                let order = self.order(&tier, alike, &ties);
                if self.fetch(&order, alike, bounds) {
                    break;
                }
            }
            // What is spread counts what has come.
            for (sample, ties) in samples.iter().zip(&mut ties).filter(|(_, ties)| ties.spread.is_some()) {
                ties.spread = self.ties(sample.as_deref()).spread;
            }
        }
        for ((alike, sample), ties) in alike.iter_mut().zip(&samples).zip(&ties) {
            if let Some(evenly) = ties.spread.as_ref().filter(|_| !ties.tangled) {
                sample.iter().for_each(|sample| self.even_out(alike, sample, evenly));
            }
        }
        // The last nodes may have room for those that were too many for the ones before.
        self.settle_in(alike, |_| true);
    }

    fn ties(&mut self, pod: Option<&Pod>) -> Ties {
        pod.map(|pod| self.site().ties(pod)).unwrap_or_default()
    }

    /// What is tried before what costs: what is nearer, then what the policy prefers.
    fn tier(&self, candidate: &Candidate) -> (Nearness, Reverse<i32>, usize) {
        let weight = self.pooled.get(candidate.pool).map_or(0, |pooled| pooled.pool.weight);
        (candidate.nearness, Reverse(weight), candidate.rank)
    }

    /// What is best bought of a tier.
    fn order(&mut self, tier: &(Nearness, Reverse<i32>, usize), alike: &[Alike], ties: &[Ties]) -> Order {
        let mut of_sort: BTreeMap<usize, (u32, usize, u32)> = BTreeMap::new();
        for (index, candidate) in self.candidates.iter().enumerate() {
            let room = self.left.get(candidate.pool).is_some_and(|left| *left > 0);
            if candidate.hindrance.is_none() && room && self.tier(candidate) == *tier {
                let many = if candidate.nearness == Nearness::Absent { u32::MAX } else { 1 };
                let entry = of_sort.entry(candidate.sort).or_insert((candidate.tries, index, 0));
                entry.2 = entry.2.saturating_add(many);
            }
        }
        let mut offered: Vec<(u32, usize, u32)> = of_sort.into_values().collect();
        offered.sort_unstable();
        let kinds: Vec<usize> = offered.iter().map(|(_, index, _)| *index).collect();
        let lots = self.lots(alike, ties, &kinds);
        let sorts: Vec<usize> =
            kinds.iter().filter_map(|index| self.candidates.get(*index)).map(|one| one.sort).collect();
        let problem = self.problem(alike, &lots, &offered);
        let by_kind = |choice: &BTreeMap<usize, u32>| -> BTreeMap<usize, u32> {
            let kinds = sorts.iter().enumerate();
            kinds.filter_map(|(kind, sort)| Some((kind, *choice.get(sort)?))).collect()
        };
        let refused: Vec<BTreeMap<usize, u32>> = self.refused.choices.iter().map(by_kind).collect();
        let bins = match self.refused.below {
            _ if lots.is_empty() => Vec::new(),
            None => pack(&problem),
            Some(below) => other_than(&problem, &refused, below.saturating_sub(self.cost())),
        };
        Order { lots, sorts, bins }
    }

    /// Who waits and can be counted, by where each may go.
    fn lots(&self, alike: &[Alike], ties: &[Ties], kinds: &[usize]) -> Vec<Lot> {
        let mut lots = Vec::new();
        for (at, (alike, ties)) in alike.iter().zip(ties).enumerate() {
            let Some(pod) = alike.one().filter(|_| !ties.tangled) else { continue };
            let count = u32::try_from(alike.pods.len()).unwrap_or(u32::MAX);
            let most = ties.most;
            let mut lot = |only, count| lots.push(Lot { alike: at, only, count, most });
            match (&ties.spread, &ties.together) {
                (Some(evenly), _) => {
                    let values = self.values(pod, &evenly.label, kinds);
                    let shares = shares(evenly, values.into_keys(), count);
                    for (value, count) in shares.into_iter().filter(|(_, count)| *count > 0) {
                        lot(Some((evenly.label.clone(), value)), count);
                    }
                }
                (None, Some(together)) => {
                    let values = self.values(pod, &together.label, kinds);
                    let open =
                        values.into_iter().filter(|(value, _)| together.at.is_empty() || together.at.contains(value));
                    // The cheapest for what a node there has.
                    let best = open.min_by(|(one, (cost, room)), (other, (other_cost, other_room))| {
                        let cross = cost.saturating_mul(*other_room).cmp(&other_cost.saturating_mul(*room));
                        cross.then_with(|| one.cmp(other))
                    });
                    if let Some((value, _)) = best {
                        lot(Some((together.label.clone(), value)), count);
                    }
                }
                (None, None) => lot(None, count),
            }
        }
        lots
    }

    /// The values that a label has on what is offered and suits the pod, each with cost and room of its cheapest.
    fn values(&self, pod: &Pod, label: &Name, kinds: &[usize]) -> BTreeMap<Name, (i128, i128)> {
        let mut values: BTreeMap<Name, (i128, i128)> = BTreeMap::new();
        let mut known: BTreeMap<&Name, bool> = BTreeMap::new();
        for candidate in kinds.iter().filter_map(|index| self.candidates.get(*index)) {
            let Some(value) = self.label(candidate, label) else { continue };
            let look = self.nexts.look(candidate);
            if !*known.entry(look).or_insert_with(|| self.removals.site().suits(pod, look)) {
                continue;
            }
            let offer = (candidate.cost, candidate.room.max(1));
            let best = values.entry(value).or_insert(offer);
            if offer.0.saturating_mul(best.1) < best.0.saturating_mul(offer.1) {
                *best = offer;
            }
        }
        values
    }

    fn label(&self, candidate: &Candidate, label: &Name) -> Option<Name> {
        let of_node = |labels: &Labels| labels.get(label).cloned();
        match &candidate.build {
            Some(build) => build.shape.labels.get(label).cloned(),
            None => self.member(candidate)?.node.as_ref().and_then(|node| of_node(&node.labels)),
        }
    }

    fn problem(&mut self, alike: &[Alike], lots: &[Lot], offered: &[(u32, usize, u32)]) -> Problem {
        let pods: Vec<&Pod> = lots.iter().filter_map(|lot| alike.get(lot.alike)?.one().map(|pod| &**pod)).collect();
        let extended: BTreeSet<Name> = (pods.iter().flat_map(|pod| &pod.spec.requests.extended))
            .filter(|(_, amount)| **amount > 0)
            .map(|(name, _)| name.clone())
            .collect();
        let amounts = |of: &Resources, pods: i64| -> Vec<i64> {
            let fixed = [of.cpu, of.memory, pods, of.ephemeral_storage];
            fixed.into_iter().chain(extended.iter().map(|name| of.extended(name))).collect()
        };
        let items = lots.iter().zip(&pods).map(|(lot, pod)| {
            let asks = amounts(&pod.spec.requests, 1).into_iter().map(|asks| asks.max(0)).collect();
            Item { asks, count: lot.count, most: lot.most }
        });
        let mut problem = Problem { items: items.collect(), ..Problem::default() };
        let mut takes: BTreeMap<(usize, Name), Arc<[bool]>> = BTreeMap::new();
        for (_, index, many) in offered {
            let Some(candidate) = self.named(*index) else {
                // It keeps its place, and there is none of it.
                problem.kinds.push(Kind { has: Vec::new(), cost: 1, left: 0, pool: 0, takes: Arc::default() });
                continue;
            };
            let look = self.nexts.look(&candidate).clone();
            let taken = takes.entry((candidate.pool, look)).or_insert_with_key(|(_, look)| {
                let takes = lots.iter().zip(&pods).map(|(lot, pod)| {
                    let here = lot
                        .only
                        .as_ref()
                        .is_none_or(|(label, value)| self.label(&candidate, label).as_ref() == Some(value));
                    let may = alike.get(lot.alike).is_some_and(|alike| alike.may(&candidate.name));
                    here && may && self.removals.site().suits(pod, look)
                });
                takes.collect()
            });
            let takes = taken.clone();
            let left = self.left_on(&candidate);
            problem.kinds.push(Kind {
                has: amounts(&left, left.pods),
                cost: candidate.price(),
                left: *many,
                pool: candidate.pool,
                takes,
            });
        }
        let absent = offered.iter().any(|(_, index, _)| {
            self.candidates.get(*index).is_some_and(|candidate| candidate.nearness == Nearness::Absent)
        });
        let names = |pool: usize| self.free.get(pool).map_or(0, |free| u32::try_from(free.len()).unwrap_or(u32::MAX));
        let pools = self.left.iter().enumerate();
        problem.pools = pools.map(|(pool, left)| if absent { names(pool).min(*left) } else { *left }).collect();
        problem
    }

    /// What pods may have of a candidate when it has come.
    fn left_on(&mut self, candidate: &Candidate) -> Resources {
        let mark = self.site().mark();
        self.open(candidate.pool, &candidate.name, candidate.build.as_deref());
        let left = self.site().free(&candidate.name);
        self.close(mark, &candidate.name, candidate.build.as_deref());
        left
    }

    /// Brings what was ordered, what serves the more important first. False if a bound is in the way: what is left is to be
    /// decided anew without what it refuses.
    fn fetch(&mut self, order: &Order, alike: &mut [Alike], bounds: &mut Bounds<'_>) -> bool {
        let mut bins: Vec<&Bin> = order.bins.iter().collect();
        bins.sort_by_key(|bin| (bin.load.first().map(|(lot, _)| *lot), bin.kind));
        for bin in bins {
            let Some(sort) = order.sorts.get(bin.kind).copied() else { continue };
            for _ in 0..bin.times {
                let index = self.candidates.iter().position(|one| one.sort == sort && one.hindrance.is_none());
                let Some((index, candidate)) = index.and_then(|index| Some((index, self.named(index)?))) else { break };
                if self.refuses(index, &candidate, bounds) {
                    return false;
                }
                self.bring_one(&candidate);
                for (lot, count) in &bin.load {
                    let Some(alike) = order.lots.get(*lot).and_then(|lot| alike.get_mut(lot.alike)) else { continue };
                    let count = usize::try_from(*count).unwrap_or(usize::MAX).min(alike.pods.len());
                    let pods: Vec<Arc<Pod>> = alike.pods.drain(..count).collect();
                    self.site().place_all(&pods, &candidate.name);
                    self.placed.entry(candidate.name.clone()).or_default().extend(pods);
                }
                self.chosen.push(candidate);
            }
        }
        true
    }

    /// Who is to be spread and is not, since not everything could be had, is asked about one by one.
    fn even_out(&mut self, alike: &mut Alike, sample: &Pod, evenly: &Evenly) {
        let (least, most) = (evenly.pods.values().min(), evenly.pods.values().max());
        if least.zip(most).is_none_or(|(least, most)| most - least <= evenly.max_skew) {
            return;
        }
        let chosen: BTreeSet<&Name> = self.chosen.iter().map(|candidate| &candidate.name).collect();
        let like = |pod: &Pod| {
            Arc::ptr_eq(&pod.spec, &sample.spec)
                && pod.labels == sample.labels
                && pod.key.namespace == sample.key.namespace
        };
        let of_them = self.placed.iter().filter(|(node, _)| chosen.contains(node));
        let back: Vec<(Name, Arc<Pod>)> = of_them
            .flat_map(|(node, pods)| pods.iter().map(move |pod| (node.clone(), pod.clone())))
            .filter(|(_, pod)| like(pod))
            .collect();
        for (node, pod) in back {
            self.site().lift(&pod, &node);
            self.leave(&pod, &node);
            alike.pods.push(pod);
        }
    }
}

/// How many go to each of `values`, so that no value has more than may be above another.
fn shares(evenly: &Evenly, values: impl Iterator<Item = Name>, count: u32) -> BTreeMap<Name, u32> {
    let mut shares: BTreeMap<Name, u32> = values.map(|value| (value, 0)).collect();
    let mut pods = evenly.pods.clone();
    for value in shares.keys() {
        pods.entry(value.clone()).or_insert(0);
    }
    for _ in 0..count {
        let fewest = pods.values().min().copied().unwrap_or(0);
        let next = pods.iter_mut().filter(|(value, _)| shares.contains_key(*value));
        let Some((value, there)) = next.min_by_key(|(value, there)| (**there, (*value).clone())) else { break };
        if *there + 1 - fewest > evenly.max_skew {
            break;
        }
        *there += 1;
        shares.entry(value.clone()).and_modify(|share| *share += 1);
    }
    shares
}
