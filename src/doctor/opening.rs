//! Whether anything opens the windows, and on time: a policy by itself does nothing (H21).

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Level};
use crate::model::World;
use crate::plan::{Inventory, missed, wake_lead};
use crate::policy::Policy;
use crate::schedule::turns;

/// Changes older than that say nothing of today.
const BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Whether the last change that was due was done by somebody, or something is there that will do the next.
pub fn windows(policy: &Policy, world: &World, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "windows";
    const ADVICE: &str = "`tidegate schedule --format crontab` (or `systemd`) prints timers that run `apply` when something \
                          changes; schedules of CI services start late or not at all";
    if policy.pools.iter().all(|pool| pool.windows.is_empty()) {
        return vec![Finding::ok(CHECK, "the policy has no windows to be opened")];
    }
    let from = now.checked_sub(BACK).unwrap_or(Timestamp::MIN);
    let last = (policy.pools.iter())
        .flat_map(|pool| turns(policy, pool, from, now, wake_lead(world, pool)))
        .map(|turn| turn.at)
        .max();
    // A memory of an older version does not say which policy was applied.
    let ran = world.memory.applied.as_ref().map(|applied| applied.at).or(world.memory.written);
    let mut late = missed(policy, world, &Inventory::take(policy, world), now).into_iter();
    if let Some(first) = late.next() {
        let more = late.len();
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        return vec![Finding::new(CHECK, Level::Error, format!("{first}{more}"), ADVICE)];
    }
    let finding = match (last, ran) {
        (_, None) => Finding::new(
            CHECK,
            Level::Warning,
            "nothing shows that `apply` was ever run here: windows do not open by themselves",
            ADVICE,
        ),
        (Some(due), Some(written)) if written < due => Finding::new(
            CHECK,
            Level::Error,
            format!("nothing was done about the last change, due {due}: `apply` was last run {written}"),
            ADVICE,
        ),
        (_, Some(written)) => {
            Finding::ok(CHECK, format!("the last change was seen to: `apply` was last run {written}"))
        }
    };
    vec![finding]
}
