//! When the nodes that a window wants will all be there, and whether that is too late.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::pool_decision::WAKE_PRIOR;
use super::steps::at_once;
use crate::model::{World, counted};
use crate::policy::{Policy, Pool};
use crate::schedule::{Holding, Level, Said, Turn};

/// A pool that is needed in more nodes than this is judged as if it were this many: the measured times are at most 32,
/// and from here on it is the longest of them that counts.
const MOST: u32 = 24;

/// `start 12:45, all ready 12:52 (p95 13:03: LATE)` for so many nodes that are woken before a window opens, or in it.
/// What is measured is one node's time; all of `wakes` are there when the slowest is (H21).
pub fn arrival(
    policy: &Policy,
    world: &World,
    pool: &Pool,
    wakes: usize,
    holding: &Holding,
    now: Timestamp,
) -> Option<String> {
    let window = |said: &&Said| said.won && said.level == Level::Window && matches!(&*said.what, "min" | "replicas");
    let said = holding.said.iter().find(window).filter(|_| wakes > 0)?;
    let opens = said.opens.or(said.from)?;
    let zone = TimeZone::get(&policy.time_zone).unwrap_or(TimeZone::UTC);
    let today = now.to_zoned(zone.clone()).date();
    let clock = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        at.strftime(if at.date() == today { "%H:%M" } else { "%a %H:%M" }).to_string()
    };
    // What begins when the window is open is late however fast it is.
    let late = |at: Timestamp| if opens >= now && at > opens { ": LATE" } else { "" };
    let after = |wake: SignedDuration| now.checked_add(wake).unwrap_or(Timestamp::MAX);
    let verb = if opens >= now { "opens" } else { "is open since" };
    let head = format!("pool {}: {} {verb} {}; start {}", pool.name, said.by, clock(opens), clock(now));
    Some(match Wakes::expected(world, pool, wakes) {
        Wakes::Measured { half, most } => {
            let (half, most) = (after(half), after(most));
            format!("{head}, all ready {} (p95 {}{})", clock(half), clock(most), late(most))
        }
        Wakes::Assumed(all) => {
            let ready = after(all);
            format!("{head}, all ready {}{} ({})", clock(ready), late(ready), assumed())
        }
    })
}

/// What it means that the window behind the next change has no lead, or less than a wake takes: its nodes are not all
/// there when it opens.
pub fn late_ahead(world: &World, pool: &Pool, desired: u32, next: &Turn) -> Option<String> {
    let decides = |said: &&Said| said.won && said.level == Level::Window && matches!(&*said.what, "min" | "replicas");
    let said = next.holding.said.iter().find(decides)?;
    let wakes = next.holding.floor.saturating_sub(desired);
    let count = usize::try_from(wakes).unwrap_or(usize::MAX);
    if let (1.., Some(opens)) = (wakes, said.opens) {
        return too_short(pool, said, (wakes, Wakes::expected(world, pool, count)), opens, next.at);
    }
    if wakes == 0 || said.from != Some(next.at) {
        return None;
    }
    let ready = match Wakes::expected(world, pool, count) {
        Wakes::Measured { half, most } => format!("{} min later (p95 {} min)", half.as_mins(), most.as_mins()),
        Wakes::Assumed(all) => format!("{} min later ({})", all.as_mins(), assumed()),
    };
    let (nodes, are) = (counted(wakes, "node"), if wakes == 1 { "is" } else { "are all" });
    let begins = if wakes == 1 { "begins" } else { "begin" };
    Some(format!(
        "pool {}: {} has no `lead`: {nodes} {begins} to wake when it opens, {}, and {are} ready {ready}",
        pool.name, said.by, next.at
    ))
}

fn too_short(
    pool: &Pool,
    said: &Said,
    (wakes, expected): (u32, Wakes),
    opens: Timestamp,
    begin: Timestamp,
) -> Option<String> {
    let lead = opens.duration_since(begin);
    let (all, basis) = match expected {
        Wakes::Measured { most, .. } => (most, "p95 of what was measured".to_owned()),
        Wakes::Assumed(all) => (all, assumed()),
    };
    let late = all.checked_sub(lead).filter(SignedDuration::is_positive)?;
    let minutes = |time: SignedDuration| time.as_secs().saturating_add(59) / 60;
    let (nodes, are) = (counted(wakes, "node"), if wakes == 1 { "it is ready" } else { "all are ready" });
    let begins = if wakes == 1 { "begins" } else { "begin" };
    Some(format!(
        "pool {}: {} opens {opens}; its `lead` is too short: {nodes} {begins} to wake {} min before, and {are} {} min LATE \
         ({basis})",
        pool.name,
        said.by,
        minutes(lead),
        minutes(late)
    ))
}

fn assumed() -> String {
    format!("nothing measured, {} min assumed", WAKE_PRIOR.as_mins())
}

/// How long it takes until all of some nodes are ready.
enum Wakes {
    /// With a chance of one half, and of 95 %.
    Measured { half: SignedDuration, most: SignedDuration },
    /// Nothing is measured.
    Assumed(SignedDuration),
}

impl Wakes {
    fn expected(world: &World, pool: &Pool, wakes: usize) -> Self {
        let wakes = u32::try_from(wakes).unwrap_or(u32::MAX);
        let rounds = i32::try_from(wakes.div_ceil(at_once(pool, wakes))).unwrap_or(i32::MAX);
        let all = |one: SignedDuration| one.saturating_mul(rounds);
        let times = world.memory.pools.get(&pool.name).map(|memory| memory.wake_times.as_slice()).unwrap_or_default();
        match (all_ready(times, wakes, 50), all_ready(times, wakes, 95)) {
            (Some(half), Some(most)) => Self::Measured { half: all(half), most: all(most) },
            _ => Self::Assumed(all(WAKE_PRIOR)),
        }
    }
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
