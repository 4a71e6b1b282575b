//! What is counted of plans and of what was carried out, since the process began.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::execute::{Event, EventKind};

/// Upper ends of the buckets for the time that a step takes, in seconds.
pub const BUCKETS: [u64; 12] = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];

/// How long something took, as Prometheus counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How many took at most so long, by [`BUCKETS`]; not summed up.
    pub within: [u64; BUCKETS.len()],
    /// All of them together, in milliseconds.
    pub sum_ms: u64,
    /// How many.
    pub count: u64,
}

impl Times {
    fn take(&mut self, ms: u64) {
        if let Some(slot) = BUCKETS.iter().position(|end| ms <= end * 1000).and_then(|index| self.within.get_mut(index))
        {
            *slot += 1;
        }
        self.sum_ms = self.sum_ms.saturating_add(ms);
        self.count += 1;
    }
}

/// The counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Plans made.
    pub plans: u64,
    /// Observations of everything.
    pub observations: u64,
    /// Times that something could not be done, by part.
    pub errors: BTreeMap<&'static str, u64>,
    /// Executions by how they ended.
    pub applies: BTreeMap<&'static str, u64>,
    /// Steps by verb and outcome.
    pub steps: BTreeMap<(String, &'static str), u64>,
    /// How long steps took that were done, by verb.
    pub times: BTreeMap<String, Times>,
    /// Evictions that the cluster accepted.
    pub evictions: u64,
    /// Times that a budget was waited for.
    pub budget_waits: u64,
    /// Nodes that were given back.
    pub given_back: u64,
    begun: BTreeMap<String, Timestamp>,
}

impl Counters {
    /// Counts what happened.
    pub fn take(&mut self, event: &Event) {
        let step = event.step.clone().unwrap_or_default();
        let verb = step.split('/').next().unwrap_or_default().to_owned();
        match event.kind {
            EventKind::StepStarted if !step.is_empty() => drop(self.begun.insert(step, event.time)),
            EventKind::StepDone | EventKind::StepFailed if !verb.is_empty() => {
                let done = event.kind == EventKind::StepDone;
                if let Some(begun) = self.begun.remove(&step).filter(|_| done) {
                    let ms = event.time.duration_since(begun).as_millis();
                    self.times.entry(verb.clone()).or_default().take(u64::try_from(ms).unwrap_or(0));
                }
                *self.steps.entry((verb, if done { "done" } else { "failed" })).or_default() += 1;
            }
            EventKind::PodEvicted => self.evictions += 1,
            EventKind::Waiting if event.budget.is_some() => self.budget_waits += 1,
            EventKind::GivenBack => self.given_back += 1,
            // What is begun next begins anew.
            EventKind::Summary => self.begun.clear(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_counted_with_the_time_it_took() {
        let mut counters = Counters::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let event =
            |kind, second, step: &str| Event { step: Some(step.to_owned()), ..Event::new(kind, at(second), "") };
        counters.take(&event(EventKind::StepStarted, 0, "park/a"));
        counters.take(&event(EventKind::StepStarted, 10, "park/b"));
        counters.take(&event(EventKind::StepDone, 90, "park/a"));
        counters.take(&event(EventKind::StepFailed, 95, "park/b"));
        counters.take(&event(EventKind::StepDone, 96, "wake/never-begun"));
        assert_eq!(counters.steps[&("park".to_owned(), "done")], 1);
        assert_eq!(counters.steps[&("park".to_owned(), "failed")], 1);
        let park = &counters.times["park"];
        assert_eq!((park.count, park.sum_ms, park.within[5]), (1, 90_000, 1), "what failed took no time");
        assert!(!counters.times.contains_key("wake"));
    }

    #[test]
    fn what_takes_longer_than_the_last_bucket_is_in_the_count_alone() {
        let mut times = Times::default();
        for ms in [0, 1_000, 1_001, u64::MAX] {
            times.take(ms);
        }
        assert_eq!((times.within[0], times.within[1], times.count, times.sum_ms), (2, 1, 4, u64::MAX));
        assert_eq!(times.within.iter().sum::<u64>(), 3);
    }
}
