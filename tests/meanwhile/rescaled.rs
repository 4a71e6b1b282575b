//! A workload is scaled while its pods are drained: nothing waits for what will never come, nothing that comes is lost.

use std::cell::Cell;

use tidegate::model::PodKey;

use super::executing::{Stage, exit, lines, policy};
use super::{SUNDAY, with};

/// Two pods, on two of the nodes that go; a budget lets one of them go at a time.
const SCHEDULERS: &str = "user-scheduler-dac5f2a0";

#[test]
fn h3_what_is_scaled_during_its_drain_is_neither_waited_for_in_vain_nor_lost() {
    let policy = policy("jetstream-workshop");
    let start = Stage::workshop(SUNDAY, "").sandbox.snapshot();
    let undisturbed = with(&Stage::of(start.clone(), ""), &policy, true, |_, _| {}).1;
    let total = undisturbed.len();
    let (first, last) = (undisturbed[0].time, undisturbed[total - 1].time);
    let key = PodKey::new("jhub", SCHEDULERS);
    let evictions = Cell::new(0);
    for pods in [0, 1, 3, 6] {
        for at in (1..total).step_by(5) {
            let stage = Stage::of(start.clone(), "");
            let once = Cell::new(true);
            let (outcome, told) = with(&stage, &policy, true, |count, _| {
                if count == at && once.take() {
                    stage.sandbox.scale(&key, pods).unwrap();
                }
            });
            let context = format!("{pods} pods at event {at} of {total}: {outcome:?}\n{}", lines(&told));
            assert!([0, 6].contains(&exit(&outcome)), "{context}");
            // Who takes pods away may break the budget by that.
            if pods > 1 {
                stage.sound();
            }
            evictions.set(evictions.get() + told.iter().filter(|event| event.message.contains(SCHEDULERS)).count());
            if pods == 0 {
                // Nobody comes in the place of those that were let go.
                let took = told[told.len() - 1].time.duration_since(first);
                let usual = last.duration_since(first);
                assert!(took <= usual + jiff::SignedDuration::from_mins(1), "{took:#} instead of {usual:#}: {context}");
            }
            // What came to a node meanwhile may be too young to leave.
            stage.until("2026-11-22T16:00:00Z");
            let (outcome, told) = stage.apply(&policy);
            // The only one that is left is held by its budget where it is.
            let fewest = if pods == 1 { 8 } else { 9 };
            let parked = stage.parked();
            assert!(exit(&outcome) == 0 && parked >= fewest, "{parked}: {context}\nthen\n{}", lines(&told));
            stage.sandbox.advance(jiff::SignedDuration::from_mins(10)).unwrap();
            let world = stage.world();
            let ready = world.pods.values().filter(|pod| pod.key.name.starts_with(SCHEDULERS) && pod.ready).count();
            assert_eq!(ready, pods as usize, "{context}");
            assert!(stage.plan(&policy).steps.is_empty(), "{context}");
        }
    }
    assert!(evictions.get() > 0, "some were under way");
}
