//! What is bought against what would be best: on small random cases an exact solver tries everything, and at size a judge
//! that knows nothing of the planner counts the answer again.

use tidegate::plan::{plan, verify};

use crate::at;
use crate::growing::{Asks, Group, NOW, grow, judge, mixed, pack, pool, waiting};

/// A flavor as the solver sees it: millicores, MiB, pods, price in millionths.
type Flavor = (i64, i64, i64, i64);

/// The least that nodes for all `pods` (millicores, MiB) cost, each in its own node or beside others, by trying everything
/// that is not worse already. `prices` says what a node of each flavor counts.
fn least(pods: &[(i64, i64)], flavors: &[Flavor], count: fn(&Flavor) -> i64) -> Option<i64> {
    fn go(
        pods: &[(i64, i64)],
        flavors: &[Flavor],
        open: &mut Vec<(i64, i64, i64)>,
        cost: i64,
        best: &mut Option<i64>,
        count: fn(&Flavor) -> i64,
    ) {
        if best.is_some_and(|best| cost >= best) {
            return;
        }
        let Some(((milli, mib), rest)) = pods.split_first().map(|(first, rest)| (*first, rest)) else {
            *best = Some(cost);
            return;
        };
        let mut tried = Vec::new();
        for at in 0..open.len() {
            let before = open[at];
            // Two nodes with the same room left are the same.
            if before.0 < milli || before.1 < mib || before.2 < 1 || tried.contains(&before) {
                continue;
            }
            tried.push(before);
            open[at] = (before.0 - milli, before.1 - mib, before.2 - 1);
            go(rest, flavors, open, cost, best, count);
            open[at] = before;
        }
        for flavor in flavors.iter().filter(|one| one.0 >= milli && one.1 >= mib && one.2 >= 1) {
            open.push((flavor.0 - milli, flavor.1 - mib, flavor.2 - 1));
            go(rest, flavors, open, cost + count(flavor), best, count);
            open.pop();
        }
    }
    let mut pods = pods.to_vec();
    pods.sort_unstable_by(|one, other| other.cmp(one));
    let mut best = None;
    go(&pods, flavors, &mut Vec::new(), 0, &mut best, count);
    best
}

/// What a plan says of its quality: how many nodes are needed at least.
fn bound(notes: &[String]) -> Option<i64> {
    let note = notes.iter().find(|note| note.contains("at least"))?;
    note.rsplit_once("at least ")?.1.split(' ').next()?.parse().ok()
}

#[test]
fn nothing_is_bought_below_the_optimum_and_the_bound_is_true() {
    const CASES: usize = 400;
    let mut seed = 20_261_123_u64;
    let mut dice = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((seed >> 33) % sides).unwrap() + 1
    };
    let (mut gaps, mut worst, mut reached) = (0.0, (0.0, String::new()), 0);
    for _ in 0..CASES {
        let kinds = usize::try_from(dice(3)).unwrap();
        let flavors: Vec<Flavor> = (0..kinds)
            .map(|_| {
                let cores = dice(6);
                (cores * 1000, cores * 1024 * dice(4), dice(5) + 1, cores * 10_000 * (9 + dice(3)) / 10)
            })
            .collect();
        let offered: Vec<_> = (flavors.iter().enumerate())
            .map(|(number, (milli, mib, pods, price))| {
                (format!("f{number}"), *milli, *mib, *pods, format!("0.{price:06}"))
            })
            .collect();
        let groups: Vec<Group> = (0..dice(3))
            .map(|number| {
                let pods = usize::try_from(dice(3)).unwrap();
                Group::new(format!("w{number}"), pods, (dice(15) * 200, dice(16) * 256), Asks::Nothing)
            })
            .collect();
        let fits = |group: &&Group| flavors.iter().any(|one| one.0 >= group.milli && one.1 >= group.mib);
        let pods: Vec<(i64, i64)> = (groups.iter().filter(fits))
            .flat_map(|group| std::iter::repeat_n((group.milli, group.mib), group.pods))
            .collect();
        let (policy, world) = (pool(12, &offered, &["a"]), waiting(&groups));
        let plan = plan(&policy, &world, at(NOW)).0;
        assert_eq!(verify(&plan, &world, &policy), [], "{groups:?} {flavors:?}");
        let answer = judge(&plan, &groups);
        assert_eq!(answer.placed, pods.len(), "everybody who fits comes: {groups:?} {flavors:?}");
        let cost = least(&pods, &flavors, |one| one.3).unwrap();
        let nodes = least(&pods, &flavors, |_| 1).unwrap();
        assert!(answer.micros >= cost, "{} below the optimum of {cost}: {groups:?} {flavors:?}", answer.micros);
        assert!(bound(&plan.notes).is_none_or(|bound| bound <= nodes), "{:?} > {nodes}: {groups:?}", plan.notes);
        if cost > 0 {
            let gap = (answer.micros - cost) as f64 / cost as f64;
            gaps += gap;
            reached += usize::from(answer.micros == cost);
            if gap > worst.0 {
                worst = (gap, format!("{groups:?} {flavors:?}"));
            }
        }
    }
    println!(
        "mean gap {:.2} %, {reached} of {CASES} are the optimum, worst {:.0} %: {}",
        gaps / CASES as f64 * 100.0,
        worst.0 * 100.0,
        worst.1
    );
    assert!(reached * 2 > CASES, "{reached} of {CASES}");
}

/// At a fiftieth of the sizes that are measured: every pod has its place, by the judge and by the plan's own verifier.
#[test]
fn what_is_bought_at_size_is_sound_and_near_the_bound() {
    let kinds = [Asks::Nothing, Asks::ZoneSpread, Asks::HostAlone, Asks::ZoneTogether];
    for (name, (policy, groups), most) in
        [("pack", pack(1), Some(52)), ("grow", grow(1), Some(20)), ("mixed", mixed(200, &kinds), None)]
    {
        let world = waiting(&groups);
        let plan = plan(&policy, &world, at(NOW)).0;
        assert_eq!(verify(&plan, &world, &policy), [], "{name}");
        let answer = judge(&plan, &groups);
        assert_eq!((answer.placed, answer.left), (groups.iter().map(|group| group.pods).sum(), 0), "{name}");
        assert!(most.is_none_or(|most| answer.nodes <= most), "{name}: {answer:?}");
    }
}
