//! From a quick packing to a good one: other prices of the dimensions, then pieces of it packed anew.

use std::collections::BTreeMap;

use super::exact::cheaper;
use super::greedy::greedy;
use super::problem::{Bin, Problem, Rest};

/// Up to so many things everything is tried at once.
pub const FEW: usize = 14;
/// Places that are looked at for that, and for a piece.
const WHOLE: u32 = 60_000;
const PIECE: u32 = 2_000;
/// The bins that are used least are packed anew in twos and threes: so many are looked at.
const LOOSE: usize = 12;
const LOOSEST: usize = 7;
/// So often something is found at most before the packing stands.
const ROUNDS: u32 = 40;
/// Items times kinds up to which every price is tried.
const SPACIOUS: usize = 40_000;

/// A packing of as much as there is room for: the more important first where there is not enough.
pub fn pack(problem: &Problem) -> Vec<Bin> {
    let problem = &problem.without_outsize();
    let written: Vec<usize> = (0..problem.items.len()).collect();
    let all: Vec<usize> = (0..problem.kinds.len()).collect();
    let whole = problem.rest();
    let among = problem.worth(&whole.counts, &all);
    let prices = prices(problem, &among);
    let mut weighed: Vec<Vec<i128>> = Vec::new();
    for price in &prices {
        let weights = weights(problem, price);
        if !weighed.contains(&weights) {
            weighed.push(weights);
        }
    }
    let mut best: Option<(i128, Vec<Bin>)> = None;
    for (number, weights) in weighed.iter().enumerate() {
        if number > 1 && problem.items.len() * among.len() > SPACIOUS {
            break;
        }
        for order in [written.clone(), by_weight(weights)] {
            let mut rest = whole.clone();
            let bins = greedy(problem, &mut rest, (weights, &order), &among);
            let cost = problem.cost(&bins);
            if rest.counts.iter().any(|count| *count > 0) {
                // Something goes without: then who is more important decides, and nothing is moved about.
                return best.map_or(bins, |(_, best)| best);
            }
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, bins));
            }
        }
    }
    let Some((cost, bins)) = best else { return Vec::new() };
    let things: u64 = whole.counts.iter().map(|count| u64::from(*count)).sum();
    let found = (things <= FEW as u64).then(|| cheaper(problem, &whole, (&whole.counts, &among), (cost, WHOLE), &[]));
    match found {
        Some(Some(better)) => better,
        Some(None) => bins,
        None => improve(problem, bins, &among, &weighed),
    }
}

/// The cheapest packing of everything below a cost whose bins are none of the choices that were `refused`, each by how many
/// of each kind; nothing if there is none, or too much waits to try everything.
pub fn other_than(problem: &Problem, refused: &[BTreeMap<usize, u32>], below: i128) -> Vec<Bin> {
    let problem = &problem.without_outsize();
    let all: Vec<usize> = (0..problem.kinds.len()).collect();
    let whole = problem.rest();
    let things = whole.counts.iter().map(|count| u64::from(*count)).sum::<u64>();
    if things > FEW as u64 {
        return Vec::new();
    }
    cheaper(problem, &whole, (&whole.counts, &all), (below, WHOLE), refused).unwrap_or_default()
}

/// What each dimension may count per unit: at the price of who has most of it for the money, all together, one alone, or
/// two.
fn prices(problem: &Problem, among: &[usize]) -> Vec<Vec<i128>> {
    const FINE: i128 = 1 << 30;
    let dimensions = problem.items.first().map_or(0, |item| item.asks.len());
    let each: Vec<i128> = (0..dimensions)
        .map(|at| {
            let kinds = among.iter().filter_map(|kind| problem.kinds.get(*kind));
            let offers = kinds.filter_map(|kind| Some((kind.cost, *kind.has.get(at)?))).filter(|(_, has)| *has > 0);
            offers.map(|(cost, has)| cost * FINE / i128::from(has)).min().unwrap_or(0)
        })
        .collect();
    let only = |wanted: &[usize]| -> Vec<i128> {
        each.iter().enumerate().map(|(at, price)| if wanted.contains(&at) { *price } else { price / 1000 }).collect()
    };
    let mut prices = vec![each.clone()];
    prices.push(only(&[0, 1]));
    prices.extend((0..dimensions).map(|at| only(&[at])));
    prices
}

/// What each item counts at these prices, at least 1.
fn weights(problem: &Problem, price: &[i128]) -> Vec<i128> {
    let weigh = |asks: &[i64]| asks.iter().zip(price).map(|(asks, price)| i128::from(*asks) * price).sum::<i128>();
    problem.items.iter().map(|item| (weigh(&item.asks) >> 10).max(1)).collect()
}

fn by_weight(weights: &[i128]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|item| (std::cmp::Reverse(weights.get(*item).copied()), *item));
    order
}

/// Packs the loosest bins anew, two or three at a time, for as long as it gets cheaper.
fn improve(problem: &Problem, mut bins: Vec<Bin>, among: &[usize], weighed: &[Vec<i128>]) -> Vec<Bin> {
    let Some(weights) = weighed.first() else { return bins };
    for _ in 0..ROUNDS {
        let (mut loose, fixed) = loosest(problem, bins, weights);
        let mut rest = problem.rest();
        fixed.iter().chain(&loose).for_each(|bin| rest.take(problem, bin, 1));
        let better = pieces(loose.len()).into_iter().find_map(|piece| {
            let taken: Vec<Bin> = piece.iter().filter_map(|at| loose.get(*at).cloned()).collect();
            Some((piece, anew(problem, &rest, &taken, among, weighed)?))
        });
        let found = better.is_some();
        if let Some((piece, new)) = better {
            let mut at = 0;
            loose.retain(|_| {
                at += 1;
                !piece.contains(&(at - 1))
            });
            loose.extend(new);
        }
        bins = fixed.into_iter().chain(loose).collect();
        if !found {
            break;
        }
    }
    bins
}

/// The bins that give least for what they cost, each by itself, and all others.
fn loosest(problem: &Problem, bins: Vec<Bin>, weights: &[i128]) -> (Vec<Bin>, Vec<Bin>) {
    let value = |bin: &Bin| -> i128 {
        bin.load.iter().map(|(item, count)| weights.get(*item).copied().unwrap_or(0) * i128::from(*count)).sum()
    };
    let cost = |bin: &Bin| problem.kinds.get(bin.kind).map_or(0, |kind| kind.cost);
    let mut sorted = bins;
    sorted.sort_by(|one, other| {
        let cross = |one: &Bin, two: &Bin| value(one).saturating_mul(cost(two));
        cross(one, other).cmp(&cross(other, one)).then_with(|| (one.kind, &one.load).cmp(&(other.kind, &other.load)))
    });
    let (mut loose, mut fixed) = (Vec::new(), Vec::new());
    for mut bin in sorted {
        while bin.times > 0 && loose.len() < LOOSE {
            loose.push(Bin { times: 1, ..bin.clone() });
            bin.times -= 1;
        }
        if bin.times > 0 {
            fixed.push(bin);
        }
    }
    (loose, fixed)
}

/// One by one, in twos, and the loosest in threes.
fn pieces(count: usize) -> Vec<Vec<usize>> {
    let mut pieces: Vec<Vec<usize>> = (0..count).map(|one| vec![one]).collect();
    pieces.extend((0..count).flat_map(|one| (one + 1..count).map(move |other| vec![one, other])));
    let few = count.min(LOOSEST);
    for one in 0..few {
        for other in one + 1..few {
            pieces.extend((other + 1..few).map(|third| vec![one, other, third]));
        }
    }
    pieces
}

/// Cheaper bins for what is in these, if there are any.
fn anew(problem: &Problem, rest: &Rest, taken: &[Bin], among: &[usize], weighed: &[Vec<i128>]) -> Option<Vec<Bin>> {
    let mut rest = rest.clone();
    taken.iter().for_each(|bin| rest.take(problem, bin, -1));
    let cost = problem.cost(taken);
    let cheap: Vec<usize> =
        among.iter().copied().filter(|kind| problem.kinds.get(*kind).is_some_and(|kind| kind.cost < cost)).collect();
    let cheap = problem.worth(&rest.counts, &cheap);
    let things: u64 = rest.counts.iter().map(|count| u64::from(*count)).sum();
    if things <= FEW as u64 {
        return cheaper(problem, &rest, (&rest.counts, &cheap), (cost, PIECE), &[]);
    }
    weighed.iter().find_map(|weights| {
        let mut rest = rest.clone();
        let bins = greedy(problem, &mut rest, (weights, &by_weight(weights)), &cheap);
        (rest.counts.iter().all(|count| *count == 0) && problem.cost(&bins) < cost).then_some(bins)
    })
}
