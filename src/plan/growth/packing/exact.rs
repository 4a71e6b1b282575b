//! The sure way: every packing that is not worse already, for the few things that it is worth it for.

use std::collections::BTreeMap;

use super::problem::{Bin, Item, Problem, Rest, fitting, put};

/// A bin that is bought.
#[derive(Clone, Debug)]
struct Open {
    kind: usize,
    free: Vec<i64>,
    load: Vec<(usize, u32)>,
}

/// A search under way.
struct Search<'p> {
    problem: &'p Problem,
    among: &'p [usize],
    /// Each thing's item, the largest first.
    things: Vec<usize>,
    /// What all things from each one on ask for together.
    volumes: Vec<Vec<i64>>,
    /// Of each dimension the cheapest: cost and amount.
    cheapest: Vec<Option<(i128, i64)>>,
    open: Vec<Open>,
    rest: Rest,
    least: i128,
    best: Option<Vec<Open>>,
    steps: u32,
    /// Choices of bins that are no use, by how many of each kind.
    refused: &'p [BTreeMap<usize, u32>],
}

/// The cheapest bins for all of `wanted` that cost less than `below` and are none that were refused, by looking at no more than `steps` places; None if
/// none was found.
pub fn cheaper(
    problem: &Problem,
    rest: &Rest,
    (wanted, among): (&[u32], &[usize]),
    (below, steps): (i128, u32),
    refused: &[BTreeMap<usize, u32>],
) -> Option<Vec<Bin>> {
    let mut things: Vec<usize> = Vec::new();
    for (item, count) in wanted.iter().enumerate() {
        things.extend((0..*count).map(|_| item));
    }
    let size = |item: &usize| -> i128 {
        let asks = problem.items.get(*item).map(|item| item.asks.as_slice()).unwrap_or_default();
        let largest = |at: usize| problem.kinds.iter().filter_map(|kind| kind.has.get(at)).max().copied().unwrap_or(0);
        let shares =
            asks.iter().enumerate().map(|(at, asks)| i128::from(*asks) * 1_000_000 / i128::from(largest(at).max(1)));
        shares.max().unwrap_or(0)
    };
    things.sort_by_cached_key(|item| (std::cmp::Reverse(size(item)), *item));
    let dimensions = problem.items.first().map_or(0, |item| item.asks.len());
    let mut volumes = vec![vec![0_i64; dimensions]];
    for item in things.iter().rev() {
        let mut sum = volumes.last().cloned().unwrap_or_default();
        let asks = problem.items.get(*item).map(|item| item.asks.as_slice()).unwrap_or_default();
        sum.iter_mut().zip(asks).for_each(|(sum, asks)| *sum = sum.saturating_add(*asks));
        volumes.push(sum);
    }
    volumes.reverse();
    let cheapest = (0..dimensions).map(|at| {
        let offers = among.iter().filter_map(|kind| problem.kinds.get(*kind));
        let offers = offers.filter_map(|kind| Some((kind.cost, *kind.has.get(at)?))).filter(|(_, has)| *has > 0);
        offers.min_by(|one, other| (one.0 * i128::from(other.1)).cmp(&(other.0 * i128::from(one.1))))
    });
    let cheapest = cheapest.collect();
    let (rest, open) = (rest.clone(), Vec::new());
    let mut search =
        Search { problem, among, things, volumes, cheapest, open, rest, least: below, best: None, steps, refused };
    search.go(0, 0, 0);
    let best = search.best?;
    Some(best.into_iter().map(|open| Bin { kind: open.kind, load: open.load, times: 1 }).collect())
}

impl Search<'_> {
    /// Places the thing at `at` and all after it; `cost` is bought already, and equal things go into no earlier bin than
    /// `from`, where the last one went.
    fn go(&mut self, at: usize, cost: i128, from: usize) {
        let Some(thing) = self.things.get(at).copied() else {
            let mut choice = BTreeMap::new();
            self.open.iter().for_each(|open| *choice.entry(open.kind).or_insert(0_u32) += 1);
            if !self.refused.contains(&choice) {
                (self.least, self.best) = (cost, Some(self.open.clone()));
            }
            return;
        };
        let Some(item) = self.problem.items.get(thing) else { return };
        let from = if at > 0 && self.things.get(at - 1) == Some(&thing) { from } else { 0 };
        let mut tried: Vec<(usize, Vec<i64>, u32)> = Vec::new();
        for bin in from..self.open.len() {
            if self.spent(at, cost) {
                return;
            }
            let Some(open) = self.open.get(bin) else { return };
            let here = open.load.iter().find(|(other, _)| *other == thing).map_or(0, |(_, count)| *count);
            let takes = self.problem.kinds.get(open.kind).and_then(|kind| kind.takes.get(thing)) == Some(&true);
            if !takes || fitting(&open.free, item) == 0 || here >= item.most {
                continue;
            }
            // Two bins with the same room are the same, if nothing but room counts.
            let state = (open.kind, open.free.clone(), here);
            if tried.contains(&state) {
                continue;
            }
            tried.push(state);
            self.change(bin, thing, item, true);
            self.go(at + 1, cost, bin);
            self.change(bin, thing, item, false);
        }
        for kind in self.among {
            let Some(offer) = self.problem.kinds.get(*kind) else { continue };
            let takes = offer.takes.get(thing) == Some(&true) && fitting(&offer.has, item) > 0;
            if !takes || self.rest.left(self.problem, *kind) == 0 || cost + offer.cost >= self.least {
                continue;
            }
            if self.spent(at, cost) {
                return;
            }
            let bought = Bin { kind: *kind, load: Vec::new(), times: 1 };
            self.rest.take(self.problem, &bought, 1);
            self.open.push(Open { kind: *kind, free: offer.has.clone(), load: Vec::new() });
            let bin = self.open.len() - 1;
            self.change(bin, thing, item, true);
            self.go(at + 1, cost + offer.cost, bin);
            self.open.pop();
            self.rest.take(self.problem, &bought, -1);
        }
    }

    /// Whether it is no use to go on: nothing cheaper can come of it, or the steps are used up.
    fn spent(&mut self, at: usize, cost: i128) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps == 0 || cost + self.needed(at) >= self.least
    }

    /// What the things from `at` on cost at least: of the scarcest dimension, at its best price.
    fn needed(&self, at: usize) -> i128 {
        let Some(volumes) = self.volumes.get(at) else { return 0 };
        let by_dimension = volumes.iter().zip(&self.cheapest).enumerate().map(|(dimension, (volume, cheapest))| {
            let free =
                self.open.iter().filter_map(|open| open.free.get(dimension)).map(|free| i128::from(*free).max(0));
            let lacks = i128::from(*volume) - free.sum::<i128>();
            match cheapest {
                Some((cost, has)) if lacks > 0 => (lacks * cost + i128::from(*has) - 1) / i128::from(*has),
                _ => 0,
            }
        });
        by_dimension.max().unwrap_or(0)
    }

    fn change(&mut self, bin: usize, thing: usize, item: &Item, comes: bool) {
        let Some(open) = self.open.get_mut(bin) else { return };
        if comes {
            put(&mut open.free, item, 1);
            match open.load.iter_mut().find(|(other, _)| *other == thing) {
                Some((_, count)) => *count += 1,
                None => open.load.push((thing, 1)),
            }
        } else {
            open.free.iter_mut().zip(&item.asks).for_each(|(free, asks)| *free = free.saturating_add(*asks));
            if let Some((_, count)) = open.load.iter_mut().find(|(other, _)| *other == thing) {
                *count -= 1;
            }
            open.load.retain(|(_, count)| *count > 0);
        }
    }
}
