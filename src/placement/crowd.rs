//! Does a pod find a node whatever comes before it? A bound that needs no order: how many nodes can the others spoil for
//! it at most, if they all mean to?

use std::collections::BTreeMap;

use super::class::looks_at_pods;
use super::site::Site;
use crate::model::{Name, Pod, PodSpec, VolumeSource};

/// Millicores, bytes of memory, bytes of scratch space, pods.
type Shape = [i64; 4];

/// How fine shares of the whole are.
const WHOLE: i128 = 1 << 32;

/// Pods that come in an order that nobody knows.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    shapes: BTreeMap<Shape, u32>,
}

fn shape(spec: &PodSpec) -> Shape {
    let asks = &spec.requests;
    [asks.cpu.max(0), asks.memory.max(0), asks.ephemeral_storage.max(0), 1]
}

impl Crowd {
    /// One more.
    pub fn add(&mut self, spec: &PodSpec) {
        *self.shapes.entry(shape(spec)).or_insert(0) += 1;
    }

    /// Everyone but one such pod.
    fn without(&self, spec: &PodSpec) -> Self {
        let mut others = self.clone();
        let own = shape(spec);
        if let Some(count) = others.shapes.get_mut(&own) {
            *count = count.saturating_sub(1);
        }
        others.shapes.retain(|_, count| *count > 0);
        others
    }

    fn total(&self, of: usize) -> i128 {
        self.shapes.iter().map(|(shape, count)| i128::from(amount(shape, of)) * i128::from(*count)).sum()
    }

    /// What every amount is a multiple of.
    fn grain(&self, of: usize) -> i128 {
        let amounts = self.shapes.keys().map(|shape| i128::from(amount(shape, of))).filter(|amount| *amount > 0);
        amounts.fold(0, gcd).max(1)
    }

    /// The least of `other` that comes with so much of `of`, by ratio: the shape that brings the least of it.
    fn along(&self, of: usize, other: usize) -> (i128, i128) {
        let pairs = self.shapes.keys().map(|shape| (amount(shape, other).into(), amount(shape, of).into()));
        let ratios = pairs.filter(|(_, of): &(i128, i128)| *of > 0);
        ratios.min_by(|(a, b), (c, d)| a.saturating_mul(*d).cmp(&c.saturating_mul(*b))).unwrap_or((0, 1))
    }
}

fn amount(shape: &Shape, of: usize) -> i64 {
    shape.get(of).copied().unwrap_or(0)
}

fn gcd(one: i128, other: i128) -> i128 {
    let (mut one, mut other) = (one, other);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

impl Site {
    /// Whether `pod` finds a node among those that `may` lets it go to, whatever part of `crowd`, which it belongs to, is
    /// placed before it and wherever. False if that is not sure: a pod that looks at other pods, at ports, devices or
    /// volumes is never sure.
    pub fn surely_fits(&self, pod: &Pod, crowd: &Crowd, may: impl Fn(&Name) -> bool) -> bool {
        if !plain(&pod.spec) {
            return false;
        }
        let others = crowd.without(&pod.spec);
        let asks = shape(&pod.spec);
        self.ask(pod, |site, asked| {
            if !asked.against.is_empty() {
                return false;
            }
            let open = site.order.iter().filter(|at| site.takes(asked, **at));
            let open = open.filter(|at| site.room(**at).is_some_and(|room| may(&room.node.name)));
            let left: Vec<Shape> = open.filter_map(|at| Some(site.tiles.get(at.at())?.left())).collect();
            spoiled(&others, asks, &left).is_some_and(|spoiled| spoiled < left.len())
        })
    }
}

/// Whether only what every node has decides where it goes, beside the node's labels and taints.
fn plain(spec: &PodSpec) -> bool {
    let claims = |source: &VolumeSource| {
        matches!(source, VolumeSource::Claim(_) | VolumeSource::Ephemeral(_) | VolumeSource::Disk(_))
    };
    !looks_at_pods(spec)
        && spec.host_ports.is_empty()
        && spec.requests.extended.values().all(|amount| *amount <= 0)
        && !spec.volumes.iter().any(|volume| claims(&volume.source))
}

/// On how many nodes with so much `left` the others can leave less than is asked, at most; None if numbers are beyond
/// reckoning. Whoever spoils a node takes up some of what all of them ask for together: the shares of that, over all
/// resources by any weights, cannot come to more than the whole.
fn spoiled(others: &Crowd, asks: Shape, left: &[Shape]) -> Option<usize> {
    let totals: Vec<i128> = (0..asks.len()).map(|of| others.total(of)).collect();
    let used: Vec<usize> = (0..asks.len()).filter(|of| totals.get(*of).is_some_and(|total| *total > 0)).collect();
    let weights = used.iter().map(|of| vec![*of]).chain([used.clone()]);
    let mut least = left.len();
    for weighed in weights {
        let mut prices = Vec::with_capacity(left.len());
        for node in left {
            let mut price: Option<i128> = None;
            for of in used.iter().filter(|of| amount(&asks, **of) > 0) {
                let grain = others.grain(*of);
                let spare = i128::from(amount(node, *of)) - i128::from(amount(&asks, *of));
                let takes = (spare.max(0) / grain + 1).checked_mul(grain)?;
                let mut share = 0_i128;
                for other in &weighed {
                    let (part, per) = others.along(*of, *other);
                    let whole =
                        totals.get(*other)?.checked_mul(per)?.checked_mul(i128::try_from(weighed.len()).ok()?)?;
                    share += takes.checked_mul(part)?.checked_mul(WHOLE)? / whole.max(1);
                }
                price = Some(price.map_or(share, |price| price.min(share)));
            }
            prices.extend(price);
        }
        prices.sort_unstable();
        let mut rest = WHOLE;
        let count = prices.iter().take_while(|price| {
            rest -= **price;
            rest >= 0
        });
        least = least.min(count.count());
    }
    Some(if used.is_empty() { 0 } else { least })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(shapes: &[(i64, i64, u32)]) -> Crowd {
        Crowd { shapes: shapes.iter().map(|(cpu, memory, count)| ([*cpu, *memory, 0, 1], *count)).collect() }
    }

    #[test]
    fn others_spoil_as_many_nodes_as_they_fill() {
        let node = |cpu, memory| [cpu, memory, 0, 110];
        for (others, asks, left, most, why) in [
            (crowd(&[(1000, 1 << 30, 7)]), [1000, 1 << 30, 0, 1], vec![node(4000, 8 << 30); 2], 1, "equal: 8 places"),
            (
                crowd(&[(1000, 1 << 30, 8)]),
                [1000, 1 << 30, 0, 1],
                vec![node(4000, 8 << 30); 2],
                2,
                "equal: one too many",
            ),
            (crowd(&[(1000, 1 << 30, 2)]), [3000, 1 << 30, 0, 1], vec![node(4000, 8 << 30); 1], 1, "two small ones"),
            (crowd(&[(1000, 1 << 30, 1)]), [3000, 1 << 30, 0, 1], vec![node(4000, 8 << 30); 1], 0, "one leaves room"),
            (crowd(&[(1500, 1 << 30, 1)]), [3000, 1 << 30, 0, 1], vec![node(4000, 8 << 30); 2], 1, "one fits one node"),
            (crowd(&[]), [3000, 1 << 30, 0, 1], vec![node(4000, 8 << 30)], 0, "nobody"),
        ] {
            assert_eq!(spoiled(&others, asks, &left), Some(most), "{why}");
        }
        let huge = crowd(&[(i64::MAX, i64::MAX, u32::MAX)]);
        assert!(spoiled(&huge, [1, 1, 0, 1], &[node(i64::MAX, i64::MAX)]).is_none_or(|spoiled| spoiled == 1));
    }

    /// By every way to place the others: never fewer nodes than they can spoil.
    #[test]
    fn the_bound_is_never_below_what_an_adversary_reaches() {
        fn worst(left: &mut Vec<i64>, others: &[i64], asks: i64) -> usize {
            let now = left.iter().filter(|left| **left < asks).count();
            let Some((first, rest)) = others.split_first() else { return now };
            let mut most = worst(left, rest, asks);
            for at in 0..left.len() {
                if left[at] >= *first {
                    left[at] -= first;
                    most = most.max(worst(left, rest, asks));
                    left[at] += first;
                }
            }
            most.max(now)
        }
        let mut seed = 7_u64;
        let mut dice = |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((seed >> 33) % sides).unwrap()
        };
        for _ in 0..400 {
            let mut left: Vec<i64> = (0..1 + dice(3)).map(|_| 2 + dice(9)).collect();
            let others: Vec<i64> = (0..dice(6)).map(|_| 1 + dice(5)).collect();
            let asks = 1 + dice(5);
            left.retain(|left| *left >= asks);
            let mut shapes: BTreeMap<Shape, u32> = BTreeMap::new();
            others.iter().for_each(|cpu| *shapes.entry([*cpu, 0, 0, 1]).or_insert(0) += 1);
            let nodes: Vec<Shape> = left.iter().map(|cpu| [*cpu, 1, 1, 110]).collect();
            let bound = spoiled(&Crowd { shapes }, [asks, 0, 0, 1], &nodes).unwrap();
            let reached = worst(&mut left, &others, asks);
            assert!(bound >= reached, "{bound} < {reached}: {others:?} on {left:?}, {asks} asked");
        }
    }
}
