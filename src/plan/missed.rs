//! Windows that opened while nobody applied the policy: timers of CI services come late or not at all (H21).

use jiff::{SignedDuration, Timestamp};

use super::members::{Inventory, State};
use super::wake_lead;
use crate::model::{World, counted};
use crate::policy::Policy;
use crate::schedule::{holds, turns};

/// An apply that runs every five minutes is later than a window by less.
const ON_TIME: SignedDuration = SignedDuration::from_mins(10);
/// Older ones say nothing of today.
const BACK: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Windows that are told of one pool, the newest.
const TOLD: usize = 3;

/// For each pool the windows that wanted more nodes than there are and that began after the last apply of this policy; one
/// in words for each. Of a policy that was never applied, or applied as another one, nothing can be told.
pub fn missed(policy: &Policy, world: &World, inventory: &Inventory, now: Timestamp) -> Vec<String> {
    let Some(applied) = world.memory.applied.as_ref().filter(|applied| *applied.digest == *policy.digest) else {
        return Vec::new();
    };
    let from = now.checked_sub(BACK).unwrap_or(Timestamp::MIN).max(applied.at);
    // What the last apply saw itself is not counted.
    let after = from.checked_add(SignedDuration::from_nanos(1)).unwrap_or(from);
    let mut found = Vec::new();
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        let lead = wake_lead(world, pool);
        let active = members.iter().filter(|member| member.state == State::Active).count();
        let mut floor = holds(policy, pool, from, lead).floor;
        let turns = turns(policy, pool, after, now, lead);
        let mut lines = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            let more = turn.holding.floor > floor;
            floor = turn.holding.floor;
            if !more || usize::try_from(floor).is_ok_and(|floor| active >= floor) {
                continue;
            }
            let end = turns.get(index + 1..).unwrap_or_default().iter().find(|later| later.holding.floor < floor);
            let why = turn.why.join(", ");
            let (nodes, were) = (counted(floor, "node"), if floor == 1 { "was" } else { "were" });
            let last = format!("the last `apply` began {}", applied.at);
            match end {
                Some(end) => lines.push(format!(
                    "pool {}: missed: {nodes} {were} wanted from {} until {} ({why}), and {last}",
                    pool.name, turn.at, end.at
                )),
                None => {
                    let late = now.duration_since(turn.at);
                    if late > ON_TIME {
                        let minutes = late.as_mins();
                        lines.push(format!(
                            "pool {}: {minutes} min LATE: {nodes} {were} wanted from {} on ({why}), and {last}",
                            pool.name, turn.at
                        ));
                    }
                }
            }
        }
        let skipped = lines.len().saturating_sub(TOLD);
        if skipped > 0 {
            found.push(format!("pool {}: {skipped} more windows were missed before these", pool.name));
        }
        found.extend(lines.into_iter().skip(skipped));
    }
    found
}
