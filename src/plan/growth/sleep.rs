//! Pods that sleep: nothing is brought for them, in no pool, until the one that would take them may have more nodes (H20).

use std::sync::Arc;

use jiff::Timestamp;

use super::choose::Growth;
use super::demand::Alike;
use super::why::Why;
use crate::model::{Name, Pod};
use crate::plan::{Reason, sleeping};

impl Growth<'_, '_> {
    /// Takes out of what waits who sleeps, each with why and until when: the policy lets it, and a pool that would take it
    /// has as many nodes as it may, for now.
    pub(super) fn put_to_sleep(&mut self, alike: &mut [Alike]) -> Vec<(Arc<Pod>, Reason)> {
        let shut: Vec<(usize, Name, Timestamp)> = (self.pooled.iter().enumerate())
            .filter(|(index, _)| self.left.get(*index) == Some(&0))
            .filter_map(|(index, pooled)| Some((index, pooled.pool.name.clone(), pooled.wakes_at()?)))
            .collect();
        let Some(drain) = self.pooled.first().map(|pooled| &pooled.policy.drain).filter(|_| !shut.is_empty()) else {
            return Vec::new();
        };
        let mut asleep = Vec::new();
        let mut why = Why::new(self);
        for alike in alike.iter_mut().filter(|alike| alike.only.is_none()) {
            let Some(one) = alike.pods.iter().find(|pod| drain.sleeps(pod).is_some()).cloned() else { continue };
            let Some((_, pool, until)) = shut.iter().find(|(index, ..)| why.would_take(*index, &one)) else { continue };
            let (sleep, rest) =
                std::mem::take(&mut alike.pods).into_iter().partition(|pod| drain.sleeps(pod).is_some());
            alike.pods = rest;
            let sleep: Vec<Arc<Pod>> = sleep;
            asleep.extend(sleep.into_iter().filter_map(|pod| {
                let reason = sleeping::reason(pool, drain.sleeps(&pod)?, *until);
                Some((pod, reason))
            }));
        }
        asleep
    }
}
