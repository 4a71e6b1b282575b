//! When the nodes that a window wants will all be there, and whether that is too late.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::pool_decision::WAKE_PRIOR;
use super::steps::at_once;
use crate::model::World;
use crate::policy::{Policy, Pool};
use crate::schedule::Holding;

/// A pool that is needed in more nodes than this is judged as if it were this many: the measured times are at most 32,
/// and from here on it is the longest of them that counts.
const MOST: u32 = 24;

/// `start 12:45, all ready 12:52 (p95 13:03: LATE)` for so many nodes that are woken before a window opens. What is
/// measured is one node's time; all of `wakes` are there when the slowest is (H21).
pub fn arrival(
    policy: &Policy,
    world: &World,
    pool: &Pool,
    wakes: usize,
    holding: &Holding,
    now: Timestamp,
) -> Option<String> {
    let said = holding.said.iter().find(|said| said.won && said.opens.is_some_and(|opens| opens >= now))?;
    let opens = said.opens.filter(|_| wakes > 0)?;
    let zone = TimeZone::get(&policy.time_zone).unwrap_or(TimeZone::UTC);
    let today = now.to_zoned(zone.clone()).date();
    let clock = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        at.strftime(if at.date() == today { "%H:%M" } else { "%a %H:%M" }).to_string()
    };
    let late = |at: Timestamp| if at > opens { ": LATE" } else { "" };
    let wakes = u32::try_from(wakes).unwrap_or(u32::MAX);
    let rounds = i32::try_from(wakes.div_ceil(at_once(pool, wakes))).unwrap_or(i32::MAX);
    let after = |one: SignedDuration| now.checked_add(one.saturating_mul(rounds)).unwrap_or(Timestamp::MAX);
    let times = world.memory.pools.get(&pool.name).map(|memory| memory.wake_times.as_slice()).unwrap_or_default();
    let head = format!("pool {}: {} opens {}; start {}", pool.name, said.by, clock(opens), clock(now));
    Some(match (all_ready(times, wakes, 50), all_ready(times, wakes, 95)) {
        (Some(half), Some(most)) => {
            let (half, most) = (after(half), after(most));
            format!("{head}, all ready {} (p95 {}{})", clock(half), clock(most), late(most))
        }
        _ => {
            let ready = after(WAKE_PRIOR);
            let minutes = WAKE_PRIOR.as_mins();
            format!("{head}, all ready {}{} (nothing measured, {minutes} min assumed)", clock(ready), late(ready))
        }
    })
}

/// The time within which all of `nodes` are ready with a chance of at least `percent`, from the times of single nodes:
/// the shortest measured one that single nodes keep often enough for all of them to keep it. None if nothing is measured.
fn all_ready(times: &[SignedDuration], nodes: u32, percent: u128) -> Option<SignedDuration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let nodes = nodes.clamp(1, MOST);
    let of = u128::try_from(sorted.len()).ok()?.checked_pow(nodes)?.checked_mul(percent)?;
    let enough =
        |kept: u128| kept.checked_pow(nodes).and_then(|kept| kept.checked_mul(100)).is_none_or(|kept| kept >= of);
    let place = (1..=sorted.len()).find(|place| u128::try_from(*place).is_ok_and(enough));
    sorted.get(place?.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.95 of one node is the 31st of 32; nine nodes are all there only when the slowest is (H21).
    #[test]
    fn the_last_of_many_counts() {
        let times: Vec<SignedDuration> = (1..=32).map(SignedDuration::from_mins).collect();
        for (nodes, percent, minutes) in [(1, 50, 16), (1, 95, 31), (9, 50, 30), (9, 95, 32), (5000, 50, 32)] {
            let found = all_ready(&times, nodes, percent).map(|time| time.as_mins());
            assert_eq!(found, Some(minutes), "{nodes} nodes, {percent} %");
        }
        assert_eq!(all_ready(&times[..1], 9, 95), Some(SignedDuration::from_mins(1)));
        assert_eq!(all_ready(&[], 9, 95), None);
    }
}
