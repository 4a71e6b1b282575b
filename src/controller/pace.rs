//! When to look again: at the schedule's next change, when something may be tried again, and not before.

use jiff::{SignedDuration, Timestamp};

use crate::model::Memory;
use crate::plan::Plan;

/// Everything is looked at anew so often, whatever the watches say: what people asked for by hand is in no watch.
pub const RELOOK: SignedDuration = SignedDuration::from_mins(10);

/// The next moment after the plan's own at which a plan may be another one although nothing in the cluster changed.
pub fn next_moment(plan: &Plan, memory: &Memory) -> Option<Timestamp> {
    let turns = plan.pools.iter().filter_map(|pool| pool.next_change.as_ref()).map(|next| next.at);
    let refills = plan.pools.iter().filter_map(|pool| pool.headroom.as_ref()?.refill_at);
    let kept = plan.kept.iter().flat_map(|kept| &kept.reasons).filter_map(|reason| reason.evidence.until);
    let waiting = plan.waiting.iter().filter_map(|waiting| waiting.reason.evidence.until);
    let by_hand = plan.by_hand.iter().filter_map(|asked| asked.until);
    let pools = memory.pools.values().filter_map(|pool| pool.backoff_until);
    let nodes = memory.nodes.values().flat_map(|node| {
        let drain = node.drain_failure.as_ref().map(|failure| failure.next);
        let wake = node.wake_failure.as_ref().map(|failure| failure.next);
        [drain, wake, node.not_before].into_iter().flatten()
    });
    let all = turns.chain(refills).chain(kept).chain(waiting).chain(by_hand).chain(pools).chain(nodes);
    all.filter(|at| *at > plan.now).min()
}

/// How long to leave something alone that did not work: longer each time.
#[derive(Clone, Debug)]
pub struct BackOff {
    first: SignedDuration,
    most: SignedDuration,
    tries: u32,
}

impl BackOff {
    /// From `first` on, doubling up to `most`.
    pub fn new(first: SignedDuration, most: SignedDuration) -> Self {
        Self { first, most, tries: 0 }
    }

    /// The next pause.
    pub fn pause(&mut self) -> SignedDuration {
        let doubled = 2_i32.saturating_pow(self.tries.min(20));
        self.tries = self.tries.saturating_add(1);
        self.first.checked_mul(doubled).unwrap_or(self.most).min(self.most)
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most_and_begin_anew() {
        let mut back_off = BackOff::new(SignedDuration::from_secs(5), SignedDuration::from_secs(30));
        let pauses: Vec<i64> = (0..5).map(|_| back_off.pause().as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 30, 30]);
        (0..100).for_each(|_| assert!(back_off.pause().as_secs() == 30));
        back_off.reset();
        assert_eq!(back_off.pause().as_secs(), 5);
    }
}
