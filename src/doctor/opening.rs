//! Whether anything opens the windows: a policy by itself does nothing (H21).

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Level};
use crate::model::World;
use crate::plan::wake_lead;
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
    let finding = match (last, world.memory.written) {
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
