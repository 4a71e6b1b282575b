//! The limits over all pools: nothing is woken that lifts what runs above one, counted again from nodes and servers.

use super::case::{Case, Life};
use super::violation::{Found, Rule};
use crate::model::Money;
use crate::plan::Verb;
use crate::policy::Pool;

/// What runs when everything that is woken runs and nothing is parked yet, against each limit.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let woken = |name: &str| case.has(Verb::Wake, name) || case.has(Verb::Create, name);
    let (mut sums, mut brought) = ([0_i128; 5], [0_i128; 5]);
    for wanted in &case.pools {
        for name in &wanted.members {
            let off = matches!(case.life(name), Life::Parked { .. } | Life::Absent);
            if off && !woken(name) {
                continue;
            }
            let adds = member(case, wanted.pool, name);
            sums.iter_mut().zip(adds).for_each(|(sum, add)| *sum += add);
            if off && woken(name) {
                brought.iter_mut().zip(adds).for_each(|(sum, add)| *sum += add);
            }
        }
    }
    let limits = &case.policy.limits;
    let most = [
        Some(limits.resources.cpu),
        Some(limits.resources.memory),
        limits.resources.extended.values().next().copied(),
        limits.nodes.map(i64::from),
        limits.cost_per_hour.map(|Money(micros)| micros),
    ];
    for (((what, sum), brought), most) in
        ["cpu", "memory", "gpus", "nodes", "costPerHour"].iter().zip(sums).zip(brought).zip(most)
    {
        if let Some(most) = most.map(i128::from).filter(|most| sum > *most && brought > 0) {
            found.plan(Rule::Limit, format!("with what is woken {sum} would run, above `limits.{what}`, {most}"));
        }
    }
}

/// Millicores, bytes, GPUs, nodes and millionths per hour of one member.
fn member(case: &Case<'_>, pool: &Pool, name: &str) -> [i128; 5] {
    let server = case.server(name);
    let of_flavor = || {
        let server = server?;
        Some(&case.world.flavors.get(&(server.provider.clone(), server.flavor.clone()))?.capacity)
    };
    let made = || case.machine(case.pool_of(name)?, &case.plan.creation(name)?.flavor);
    let known = case.node(name).map(|node| &node.capacity).or_else(of_flavor).cloned();
    let has = known.or_else(made).unwrap_or_default();
    let gpus = has.extended.iter().filter(|(name, _)| name.ends_with("/gpu"));
    let gpus: i128 = gpus.map(|(_, count)| i128::from(*count).max(0)).sum();
    let cost = super::money::running(case, pool, name).map_or(0, |Money(micros)| i128::from(micros).max(0));
    [i128::from(has.cpu).max(0), i128::from(has.memory).max(0), gpus, 1, cost]
}
