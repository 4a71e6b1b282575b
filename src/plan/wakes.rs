//! Wakes that failed: a node, and its pool, are left in peace for a while, and a pool where none works is broken (H8).

use jiff::Timestamp;

use super::creating::Blueprint;
use super::{Code, Evidence, Reason};
use crate::model::World;
use crate::policy::{Policy, Pool};

/// How often the last wakes of a node failed in a row.
pub fn failed(world: &World, node: &str) -> u32 {
    world.memory.nodes.get(node).and_then(|memory| memory.wake_failure.as_ref()).map_or(0, |failure| failure.tries)
}

/// Why a node is not woken yet: its own last wake failed.
pub fn node_backs_off(world: &World, node: &str, now: Timestamp) -> Option<Reason> {
    let failure = world.memory.nodes.get(node)?.wake_failure.as_ref().filter(|failure| failure.next > now)?;
    Some(Reason {
        code: Code::BackOff,
        text: format!("its last wake failed ({}), {} in a row", failure.why, failure.tries),
        evidence: Evidence { until: Some(failure.next), ..Evidence::default() },
        origin: None,
    })
}

/// Why no node of a pool is woken yet: another of its nodes failed to wake, and this one would as likely.
pub fn pool_backs_off(world: &World, pool: &Pool, now: Timestamp) -> Option<Reason> {
    let memory = world.memory.pools.get(&pool.name)?;
    let until = memory.backoff_until.filter(|until| *until > now)?;
    let (name, fails) = (&pool.name, memory.failed_wakes);
    let (code, text) = if memory.broken() {
        (Code::PoolBroken, format!("pool {name} is broken: its wakes failed {fails} times in a row, next try {until}"))
    } else {
        (Code::BackOff, format!("pool {name} backs off after a failed wake until {until}"))
    };
    let evidence = Evidence { until: Some(until), ..Evidence::default() };
    Some(Reason { code, text, evidence, origin: Some(pool.origin.clone()) })
}

/// Why nothing is made by this blueprint in a pool yet: the provider refused the last one, or the whole flavor.
pub fn offering_backs_off(world: &World, pool: &Pool, build: &Blueprint, now: Timestamp) -> Option<Reason> {
    let refused = &world.memory.pools.get(&pool.name)?.refused;
    if refused.is_empty() {
        return None;
    }
    let whats = [build.offering(), build.flavor.clone()];
    let (what, failure) = whats.iter().find_map(|what| {
        let failure = refused.get(what).filter(|failure| failure.next > now)?;
        Some((what, failure))
    })?;
    Some(Reason {
        code: Code::BackOff,
        text: format!("the provider made no {what} ({}), {} in a row", failure.why, failure.tries),
        evidence: Evidence { until: Some(failure.next), ..Evidence::default() },
        origin: Some(pool.origin.clone()),
    })
}

/// What is said of each broken pool, whether something is to be woken in it now or not.
pub fn broken(policy: &Policy, world: &World) -> Vec<String> {
    let memory = |pool: &Pool| world.memory.pools.get(&pool.name).filter(|memory| memory.broken());
    let pools = policy.pools.iter().filter_map(|pool| memory(pool).map(|memory| (&pool.name, memory.failed_wakes)));
    pools.map(|(name, fails)| format!("pool {name} is broken: its wakes failed {fails} times in a row")).collect()
}
