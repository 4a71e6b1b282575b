//! The quick way: again and again what serves most for its cost, as often as the same pattern can be had.

use std::cmp::Ordering;

use super::problem::{Bin, Problem, Rest, fitting, put};

/// What an item counts when kinds are compared.
pub type Weights = [i128];

/// A kind with what it would take now.
#[derive(Clone, Debug)]
struct Offer {
    kind: usize,
    cost: i128,
    value: i128,
    load: Vec<(usize, u32)>,
}

impl Offer {
    /// `Less` is the better: cost for what is served, then the one that serves more, then the first.
    fn order(&self, other: &Self) -> Ordering {
        let cross = |one: &Self, two: &Self| one.cost.saturating_mul(two.value);
        (cross(self, other).cmp(&cross(other, self)))
            .then_with(|| other.value.cmp(&self.value))
            .then_with(|| self.kind.cmp(&other.kind))
    }
}

/// Buys of `among` until nothing that is left fits into any. `order` is that in which a bin is filled.
///
/// Lazy: what is left only shrinks, and with it what a kind takes; so only the best by what was last seen is looked at
/// again, and it is bought if it stays the best.
pub fn greedy(problem: &Problem, rest: &mut Rest, (weights, order): (&Weights, &[usize]), among: &[usize]) -> Vec<Bin> {
    let mut bins: Vec<Bin> = Vec::new();
    let mut offers: Vec<Offer> = among.iter().filter_map(|kind| offer(problem, rest, weights, order, *kind)).collect();
    offers.sort_by(Offer::order);
    while !offers.is_empty() {
        let mut first = offers.remove(0);
        if !lasts(&first, rest) {
            let Some(again) = offer(problem, rest, weights, order, first.kind) else { continue };
            if offers.first().is_some_and(|next| next.order(&again) == Ordering::Less) {
                let at = offers.partition_point(|other| other.order(&again) == Ordering::Less);
                offers.insert(at, again);
                continue;
            }
            first = again;
        }
        let often = first.load.iter().filter_map(|(item, count)| rest.counts.get(*item)?.checked_div(*count)).min();
        let times = often.unwrap_or(0).min(rest.left(problem, first.kind));
        if times == 0 {
            continue;
        }
        let bin = Bin { kind: first.kind, load: first.load.clone(), times };
        rest.take(problem, &bin, 1);
        bins.push(bin);
        offers.insert(0, first);
    }
    bins
}

/// Whether as many are left as it took when it was looked at: then it takes the same.
fn lasts(offer: &Offer, rest: &Rest) -> bool {
    offer.load.iter().all(|(item, count)| rest.counts.get(*item).is_some_and(|left| left >= count))
}

fn offer(problem: &Problem, rest: &Rest, weights: &Weights, order: &[usize], kind: usize) -> Option<Offer> {
    if rest.left(problem, kind) == 0 {
        return None;
    }
    let cost = problem.kinds.get(kind)?.cost;
    let load = fill(problem, rest, order, kind);
    let value = load.iter().map(|(item, count)| weights.get(*item).copied().unwrap_or(0) * i128::from(*count)).sum();
    (!load.is_empty()).then_some(Offer { kind, cost, value, load })
}

/// What one bin of a kind takes of what is left, in this order.
fn fill(problem: &Problem, rest: &Rest, order: &[usize], kind: usize) -> Vec<(usize, u32)> {
    let Some(kind) = problem.kinds.get(kind) else { return Vec::new() };
    let mut free = kind.has.clone();
    let mut load = Vec::new();
    for at in order {
        let (Some(item), Some(waits), Some(true)) = (problem.items.get(*at), rest.counts.get(*at), kind.takes.get(*at))
        else {
            continue;
        };
        let count = if *waits == 0 { 0 } else { fitting(&free, item).min(*waits) };
        if count > 0 {
            put(&mut free, item, count);
            load.push((*at, count));
        }
    }
    load.sort_unstable();
    load
}
