//! The question: items of several sizes, kinds of bins with their prices, and how many of each there may be.

use std::sync::Arc;

/// Things of one size that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What one asks of each dimension, none negative.
    pub asks: Vec<i64>,
    /// How many wait.
    pub count: u32,
    /// So many at most in one bin.
    pub most: u32,
}

/// Bins that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What one has of each dimension.
    pub has: Vec<i64>,
    /// What one costs, above 0.
    pub cost: i128,
    /// How many there are.
    pub left: u32,
    /// Which of [`Problem::pools`] it counts for.
    pub pool: usize,
    /// Which items may go into it, by index.
    pub takes: Arc<[bool]>,
}

/// What waits and what may be bought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The more important first.
    pub items: Vec<Item>,
    /// Of equals the first is bought.
    pub kinds: Vec<Kind>,
    /// How many bins of each pool there may be in all.
    pub pools: Vec<u32>,
}

/// So many bins that are bought, with the same in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Index of its kind.
    pub kind: usize,
    /// Item and number of each, by item.
    pub load: Vec<(usize, u32)>,
    /// How many.
    pub times: u32,
}

/// What is left of a problem while it is solved.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Items that wait.
    pub counts: Vec<u32>,
    /// Bins of each kind.
    pub kinds: Vec<u32>,
    /// Bins of each pool.
    pub pools: Vec<u32>,
}

impl Problem {
    /// All of it.
    pub fn rest(&self) -> Rest {
        Rest {
            counts: self.items.iter().map(|item| item.count).collect(),
            kinds: self.kinds.iter().map(|kind| kind.left).collect(),
            pools: self.pools.clone(),
        }
    }

    /// Without what fits into no kind at all.
    pub fn without_outsize(&self) -> Self {
        let mut left = self.clone();
        for (at, item) in left.items.iter_mut().enumerate() {
            let takes = |kind: &Kind| kind.takes.get(at) == Some(&true) && fitting(&kind.has, item) > 0;
            if !self.kinds.iter().any(takes) {
                item.count = 0;
            }
        }
        left
    }

    /// What these bins cost.
    pub fn cost(&self, bins: &[Bin]) -> i128 {
        let cost = |bin: &Bin| self.kinds.get(bin.kind).map_or(0, |kind| kind.cost) * i128::from(bin.times);
        bins.iter().map(cost).sum()
    }

    /// Which kinds are worth to look at for these items: each takes one of them, and none is beaten in everything by
    /// another of its pool that is not dearer and of which there are enough.
    pub fn worth(&self, wanted: &[u32], among: &[usize]) -> Vec<usize> {
        let takes = |kind: &Kind| {
            let mut pairs = kind.takes.iter().zip(wanted).zip(&self.items);
            pairs.any(|((takes, count), item)| *takes && *count > 0 && fitting(&kind.has, item) > 0)
        };
        let things = wanted.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
        let mut worth: Vec<(usize, &Kind)> = Vec::new();
        for at in among {
            let Some(kind) = self.kinds.get(*at).filter(|kind| kind.left > 0 && takes(kind)) else { continue };
            let beats = |one: &Kind, other: &Kind| {
                one.pool == other.pool
                    && one.left >= things
                    && one.cost <= other.cost
                    && (Arc::ptr_eq(&one.takes, &other.takes) || one.takes == other.takes)
                    && one.has.iter().zip(&other.has).all(|(one, other)| one >= other)
            };
            if !worth.iter().any(|(_, other)| beats(other, kind)) {
                worth.retain(|(_, other)| !beats(kind, other));
                worth.push((*at, kind));
            }
        }
        worth.into_iter().map(|(at, _)| at).collect()
    }
}

impl Rest {
    /// How many bins of a kind may still be bought.
    pub fn left(&self, problem: &Problem, kind: usize) -> u32 {
        let pool = problem.kinds.get(kind).and_then(|kind| self.pools.get(kind.pool)).copied().unwrap_or(0);
        self.kinds.get(kind).copied().unwrap_or(0).min(pool)
    }

    /// These are bought (`sign` 1), or given back (`sign` -1).
    pub fn take(&mut self, problem: &Problem, bin: &Bin, sign: i64) {
        let change = |of: Option<&mut u32>, by: i64| {
            if let Some(of) = of {
                *of = u32::try_from(i64::from(*of) - sign * by).unwrap_or(0);
            }
        };
        let times = i64::from(bin.times);
        change(self.kinds.get_mut(bin.kind), times);
        let pool = problem.kinds.get(bin.kind).map_or(usize::MAX, |kind| kind.pool);
        change(self.pools.get_mut(pool), times);
        for (item, count) in &bin.load {
            change(self.counts.get_mut(*item), i64::from(*count) * times);
        }
    }
}

/// How many of `item` there is room for.
pub fn fitting(free: &[i64], item: &Item) -> u32 {
    let asked = item.asks.iter().zip(free).filter(|(asks, _)| **asks > 0);
    let fits = asked.map(|(asks, free)| free.max(&0) / asks).min().unwrap_or(i64::from(u32::MAX));
    u32::try_from(fits).unwrap_or(u32::MAX).min(item.most)
}

/// So many of `item` come.
pub fn put(free: &mut [i64], item: &Item, count: u32) {
    for (free, asks) in free.iter_mut().zip(&item.asks) {
        *free = free.saturating_sub(asks.saturating_mul(i64::from(count)));
    }
}
