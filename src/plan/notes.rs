//! What else is worth saying: what the plan rests on, what is not acted on, and when nodes that come are there.

use jiff::Timestamp;

use super::arrival::arrival;
use super::members::{Inventory, State};
use super::pool_decision::Decision;
use super::{Step, basis, behind, long_parked, unknown, unready, wakes};
use crate::model::{OTHER_OWNERS, World, counted};
use crate::policy::Policy;
use crate::schedule::Holding;

/// Why a plan rests on less than everything.
pub fn caveats(world: &World) -> Vec<String> {
    let mut caveats: Vec<String> = world.gaps.clone();
    let inferred = world.servers.values().any(|server| server.inferred);
    caveats.extend(unknown::caveat(world));
    caveats.extend(basis::partial(world));
    if inferred {
        let text = "servers are the provider's, and `kubectl` does not list them: taken from the nodes, so whether one has \
                    a floating address (`front-door`) is not known";
        caveats.push(text.to_owned());
    }
    caveats
}

/// Everything else worth saying.
pub fn notes(
    policy: &Policy,
    world: &World,
    steps: &[Step],
    decisions: &[Decision],
    inventory: &Inventory,
    holdings: &[Holding],
    now: Timestamp,
) -> Vec<String> {
    let help = "look at the provider (quota, free hosts, the image) and at the nodes' boot; a wake that works mends it";
    let broken = wakes::broken(policy, world).into_iter();
    let mut notes: Vec<String> = broken.map(|broken| format!("{broken}; {help}")).collect();
    for pool in &policy.pools {
        let unheard = OTHER_OWNERS.iter().filter(|owner| owner.named_in(&pool.shared_with) && owner.skip.is_none());
        notes.extend(
            unheard.map(|owner| format!("pool {} is shared with {}: {}", pool.name, owner.name, owner.by_hand)),
        );
    }
    for (((pool, decision), holding), members) in policy.pools.iter().zip(decisions).zip(holdings).zip(&inventory.pools)
    {
        let wakes = decision.coming.iter().filter_map(|coming| members.get(coming.member));
        let wakes = wakes
            .filter(|member| matches!(member.state, State::Parked(_) | State::Waking | State::Absent | State::Joining))
            .count();
        notes.extend(arrival(policy, world, pool, wakes, holding, now));
    }
    let unremembered = policy.pools.iter().zip(decisions).filter(|(_, decision)| decision.unremembered);
    let unremembered: Vec<&str> = unremembered.map(|(pool, _)| &*pool.name).collect();
    if !unremembered.is_empty() {
        notes.push(format!(
            "since when nodes of {} are not needed is not remembered: their wait (`unneededFor`) counts as over",
            unremembered.join(", ")
        ));
    }
    notes.extend(long_parked::notes(policy, world, decisions, inventory, now));
    notes.extend(unready::notes(&policy.pools, world, steps));
    for pool in &policy.pools {
        if let Ok(deleted @ 1..) = u32::try_from(behind::deleted(pool, world, steps).count()) {
            notes.push(format!(
                "pool {}: the Node object of {} is deleted once the server is parked, and made again before it is woken \
                 (`parkedNode: delete`)",
                pool.name,
                counted(deleted, "node")
            ));
        }
    }
    if world.taken_inferred {
        notes.push("the snapshot does not say when it was taken; its newest timestamp stands in".to_owned());
    }
    notes.extend(unknown::note(world));
    let skipped: Vec<String> = world.skipped.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if !skipped.is_empty() {
        notes.push(format!("not looked at: {}", skipped.join(", ")));
    }
    notes
}
