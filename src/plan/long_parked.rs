//! Nodes that sleep for very long: what they need from time to time they do not get meanwhile.
//!
//! A kubelet renews its client certificate while it runs, by default in the last tenth to three tenths of a year. One that
//! sleeps through that cannot join any more, so who has slept for `maxParked` comes first at the next wake.

use jiff::{SignedDuration, Timestamp};

use super::members::{Inventory, Member, State};
use super::pool_decision::Decision;
use crate::model::{NodeMark, World, counted};
use crate::policy::{Policy, Pool};

/// Since when the member is parked, if that is longer than its pool's `maxParked`.
pub fn since(pool: &Pool, member: &Member, world: &World, now: Timestamp) -> Option<Timestamp> {
    if !matches!(member.state, State::Parked(_)) {
        return None;
    }
    let recorded = member.record.as_ref().filter(|record| record.mark == NodeMark::Parked).map(|record| record.since);
    let remembered = || world.memory.nodes.get(&member.name).and_then(|memory| memory.parked_since);
    let since = recorded.or_else(remembered)?;
    (now.duration_since(since) > pool.max_parked).then_some(since)
}

/// In days where it is whole days.
fn days(length: SignedDuration) -> String {
    let hours = length.as_hours();
    if SignedDuration::from_hours(hours) == length && hours % 24 == 0 {
        format!("{}d", hours / 24)
    } else {
        format!("{length:#}")
    }
}

/// What is to be said of them in each pool: of those that come, and of those that go on sleeping.
pub fn notes(
    policy: &Policy,
    world: &World,
    decisions: &[Decision],
    inventory: &Inventory,
    now: Timestamp,
) -> Vec<String> {
    let mut notes = Vec::new();
    for ((pool, members), decision) in policy.pools.iter().zip(&inventory.pools).zip(decisions) {
        let most = days(pool.max_parked);
        let mut asleep: Vec<(Timestamp, &str)> = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let Some(since) = since(pool, member, world, now) else { continue };
            if decision.coming.iter().any(|coming| coming.member == index) {
                notes.push(format!(
                    "{} has been parked since {since}: should it not join, its kubelet's certificate may have expired \
                     meanwhile",
                    member.name
                ));
            } else {
                asleep.push((since, &member.name));
            }
        }
        asleep.sort_unstable();
        if let Some((since, longest)) = asleep.first() {
            let count = counted(u32::try_from(asleep.len()).unwrap_or(u32::MAX), "node");
            notes.push(format!(
                "pool {}: {count} parked for longer than {most} (maxParked), {longest} longest, since {since}: the next wake \
                 takes the longest first; a kubelet's certificate expires while it sleeps",
                pool.name
            ));
        }
    }
    notes
}
