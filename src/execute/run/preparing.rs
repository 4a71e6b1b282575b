//! What the machine is told, taken from policy, plan and world.

use jiff::{SignedDuration, Timestamp};

use crate::execute::machine::{FreezeSpan, HookRule, PoolSettings, RelaxedSpan, Rules, Settings};
use crate::model::{Memory, World};
use crate::plan::{Plan, Refusal, wake_lead};
use crate::policy::{Hook, OFFLOAD_TIMEOUT, Policy, Pool};
use crate::schedule::{Held, holds, turns};

/// A freeze that opens later than this finds no apply at work.
const HORIZON: SignedDuration = SignedDuration::from_hours(48);
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
            provider: pool.provider.clone(),
            create: pool.create.clone(),
            max_parked: pool.max_parked,
            offload_timeout: offload_timeout(policy, pool),
            parallelism: pool.parallelism,
            max_unavailable: pool.max_unavailable,
            active,
            deletes_parked_nodes: pool.deletes_parked_nodes,
            adopt: pool.adopt,
            shared_with: pool.shared_with.clone(),
            freezes: freezes(policy, pool, now),
            relaxed: relaxed(policy, pool, now, wake_lead(world, pool)),
        };
        (pool.name.clone(), settings)
    });
    Settings {
        policy: policy.name.clone(),
        drain: policy.drain.clone(),
        pools: pools.collect(),
        wake: policy.wake.clone(),
        hooks: policy.hooks.iter().map(hook_rule).collect(),
        put_off: 0,
        no_wait,
        longest_wait: LONGEST_WAIT,
        memory,
        recheck: Box::new(Rules { drain: policy.drain.clone() }),
    }
}

/// The provider's, or of a pool without one what any provider gets.
fn offload_timeout(policy: &Policy, pool: &Pool) -> SignedDuration {
    let provider = pool.provider.as_ref().and_then(|name| policy.providers.get(name));
    provider.map_or(OFFLOAD_TIMEOUT, |provider| provider.kind.offload_timeout())
}

fn hook_rule(hook: &Hook) -> HookRule {
    HookRule { name: hook.name.clone(), when: hook.when, on_failure: hook.on_failure }
}

fn freezes(policy: &Policy, pool: &Pool, now: Timestamp) -> Vec<FreezeSpan> {
    let span = |from: Timestamp, held: Held| FreezeSpan {
        name: held.name,
        from,
        until: held.until.unwrap_or(Timestamp::MAX),
        overrun: held.overrun,
    };
    let open = holds(policy, pool, now, SignedDuration::ZERO).freeze.map(|held| span(now, held));
    let until = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let later = (turns(policy, pool, now, until, SignedDuration::ZERO).into_iter())
        .filter_map(|turn| turn.holding.freeze.map(|held| span(turn.at, held)));
    open.into_iter().chain(later).collect()
}

/// The protections that may be ignored from now on: a list that holds until the next turn.
fn relaxed(policy: &Policy, pool: &Pool, now: Timestamp, lead: SignedDuration) -> Vec<RelaxedSpan> {
    let until = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let mut holding = (now, holds(policy, pool, now, lead).relaxed);
    let mut spans = Vec::new();
    for turn in turns(policy, pool, now, until, lead) {
        let (from, keys) = std::mem::replace(&mut holding, (turn.at, turn.holding.relaxed));
        spans.push(RelaxedSpan { from, until: turn.at, keys });
    }
    spans.push(RelaxedSpan { from: holding.0, until, keys: holding.1 });
    spans.retain(|span| !span.keys.is_empty());
    spans
}

/// What is left of a plan when nothing may be taken away: brakes and half an observation stop only that (H6). In a
/// cluster that the policy is not for, nothing is left.
pub fn only_giving(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let ours = !plan.refusals.iter().any(Refusal::forbids_all);
    plan.steps.retain(|step| ours && !step.verb.takes());
    plan
}
