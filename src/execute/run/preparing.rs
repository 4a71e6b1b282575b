//! What the machine is told, taken from policy, plan and world.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::cluster::NodeRecord;
use crate::execute::machine::{FreezeSpan, PoolSettings, Rules, Settings};
use crate::model::{Memory, World};
use crate::plan::{Plan, Verb};
use crate::policy::{Policy, Pool};
use crate::schedule::{Held, holds, turns};

/// A freeze that opens later than this finds no apply at work.
const HORIZON: SignedDuration = SignedDuration::from_hours(48);
/// A node that has not joined so long after its wake counts as failed (H8).
const JOIN_TIMEOUT: SignedDuration = SignedDuration::from_mins(15);
/// Nobody stays longer at a terminal for pods that end by themselves.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// The settings for one execution.
pub fn settings(
    policy: &Policy,
    plan: &Plan,
    world: &World,
    memory: Memory,
    no_wait: bool,
    now: Timestamp,
) -> Settings {
    let pools = policy.pools.iter().map(|pool| {
        let active = plan.pools.iter().find(|line| *line.name == *pool.name).map_or(0, |line| line.active);
        let settings = PoolSettings {
            idle: pool.idle,
            parallelism: pool.parallelism,
            max_unavailable: pool.max_unavailable,
            active,
            adopt: pool.adopt,
            freezes: freezes(policy, pool, now),
        };
        (pool.name.clone(), settings)
    });
    Settings {
        policy: policy.name.clone(),
        drain: policy.drain.clone(),
        pools: pools.collect(),
        join_timeout: JOIN_TIMEOUT,
        no_wait,
        longest_wait: LONGEST_WAIT,
        // Services are not read; a dump that has some says so among the kinds that were counted only.
        front_doors: world.skipped.get("Service").is_some_and(|count| *count > 0),
        memory,
        recheck: Box::new(Rules { drain: policy.drain.clone() }),
    }
}

fn freezes(policy: &Policy, pool: &Pool, now: Timestamp) -> Vec<FreezeSpan> {
    let span =
        |from: Timestamp, held: Held| FreezeSpan { name: held.name, from, until: held.until, overrun: held.overrun };
    let open = holds(policy, pool, now, SignedDuration::ZERO).freeze.map(|held| span(now, held));
    let until = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let later = (turns(policy, pool, now, until, SignedDuration::ZERO).into_iter())
        .filter_map(|turn| turn.holding.freeze.map(|held| span(turn.at, held)));
    open.into_iter().chain(later).collect()
}

/// What is left of a plan that is taken up again: nodes that were not begun go only if the plan made now, by the
/// brakes that hold now, still wants it. What was begun is brought to its end.
pub fn still_wanted(told: &Plan, fresh: &Plan, world: &World) -> (Plan, Vec<String>) {
    let wanted: BTreeSet<&str> =
        fresh.steps.iter().filter(|step| taking(step.verb)).map(|step| step.node.as_str()).collect();
    let begun = |node: &str| world.nodes.get(node).is_some_and(|node| matches!(NodeRecord::of(node), Ok(Some(_))));
    let mut plan = told.clone();
    let mut dropped = Vec::new();
    plan.steps.retain(|step| {
        let keep = !taking(step.verb) || wanted.contains(step.node.as_str()) || begun(&step.node);
        if !keep && dropped.last() != Some(&step.node) {
            dropped.push(step.node.clone());
        }
        keep
    });
    (plan, dropped)
}

fn taking(verb: Verb) -> bool {
    matches!(verb, Verb::Cordon | Verb::Drain | Verb::Park | Verb::Delete)
}

/// What is left of a plan when nothing may be taken away: brakes and half an observation stop only that (H6).
pub fn only_giving(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.steps.retain(|step| !taking(step.verb));
    plan
}
