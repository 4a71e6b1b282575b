//! Money: what steps change per hour and what pools cost now, read again from the rates; the rest done again.

use super::case::Case;
use super::violation::{Found, Rule};
use crate::model::{CapacityType, Money, NodeMark, PerMille, Server, ServerState};
use crate::plan::brakes::Left;
use crate::plan::members::Inventory;
use crate::plan::{StepCost, Verb, forecast};
use crate::policy::{Catalog, Idle, Pool, Rate, StateShares};

/// Every figure that is in a unit of money.
pub fn check(case: &Case<'_>, found: &mut Found) {
    for step in &case.plan.steps {
        let pool = case.pool_of(&step.node).map(|wanted| wanted.pool);
        let cost = pool.and_then(|pool| step_cost(case, pool, step.verb, &step.node));
        if step.cost != cost.map(|Money(per_hour_micros)| StepCost { per_hour_micros }) {
            let is = cost.map_or("nothing".to_owned(), |cost| cost.to_string());
            found.step(step, Rule::Cost, format!("it changes {is} per hour by the rates"));
        }
    }
    let Some(said) = &case.plan.cost else {
        if !case.policy.rates.is_empty() || case.policy.pools.iter().any(|pool| listed(pool).is_some()) {
            found.plan(Rule::Cost, "the policy has rates and the plan no cost");
        }
        return;
    };
    let mut all = Money::ZERO;
    let left = Left::by(&case.plan.refusals);
    for (wanted, line) in case.pools.iter().zip(&said.pools) {
        let each = wanted.members.iter().filter_map(|name| now(case, wanted.pool, name));
        let sum = each.fold(Money::ZERO, Money::plus);
        if sum.0 != line.now_per_hour_micros {
            found.pool(&wanted.pool.name, Rule::Cost, format!("it costs {sum} per hour now by the rates"));
        }
        let steps = case.plan.steps.iter().filter(|step| *step.pool == *wanted.pool.name && left.has(step.verb));
        let steps = steps.filter_map(|step| step.cost).map(|cost| Money(cost.per_hour_micros));
        let leaving = wanted.members.iter().filter_map(|name| leaving(case, wanted.pool, name));
        let after = steps.chain(leaving).fold(sum, Money::plus);
        if after.0 != line.after_per_hour_micros {
            let text = format!(
                "it costs {after} per hour once the steps that no brake holds back are done, and what the provider is at, \
                 which is all that changes it"
            );
            found.pool(&wanted.pool.name, Rule::Cost, text);
        }
        all = all.plus(sum);
    }
    if all.0 != said.now_per_hour_micros {
        found.plan(Rule::Cost, format!("its pools cost {all} per hour now by the rates"));
    }
    let inventory = Inventory::take(case.policy, case.world);
    let plan = case.plan;
    let again = forecast::cost(
        case.policy,
        case.world,
        &inventory,
        (&plan.pools, &plan.kept),
        (&plan.steps, &plan.refusals),
        plan.now,
    );
    if again.as_ref() != Some(said) {
        found.plan(Rule::Cost, "its forecast is not what rates and schedule give");
    }
}

fn step_cost(case: &Case<'_>, pool: &Pool, verb: Verb, node: &str) -> Option<Money> {
    let (charged, full) = price(case, pool, node)?;
    if verb == Verb::Create {
        return Some(full.share(charged.active));
    }
    // A restart leaves the price as it was.
    if verb == Verb::Delete && case.server(node).is_none() || case.restarted(node) {
        return None;
    }
    let share = match verb {
        Verb::Delete => PerMille(0),
        Verb::Wake => charged.active,
        Verb::Wait if !case.has(Verb::Wake, node) => charged.active,
        Verb::Park => parked(pool.idle, &charged),
        _ => return None,
    };
    let change = full.share(share).minus(full.share(state(case.server(node).map(AsRef::as_ref), &charged)));
    (verb != Verb::Wait || change != Money::ZERO).then_some(change)
}

/// What a member costs per hour while it runs.
pub fn running(case: &Case<'_>, pool: &Pool, node: &str) -> Option<Money> {
    let (charged, full) = price(case, pool, node)?;
    Some(full.share(charged.active))
}

/// What a member costs per hour as it is. What does not exist costs nothing.
fn now(case: &Case<'_>, pool: &Pool, node: &str) -> Option<Money> {
    let left_over = case.record(node).is_some_and(|record| record.mark == NodeMark::Deleting);
    if case.server(node).is_none() && (case.node(node).is_none() || left_over) {
        return None;
    }
    let (charged, full) = price(case, pool, node)?;
    Some(full.share(state(case.server(node).map(AsRef::as_ref), &charged)))
}

/// What changes per hour by what the provider is doing with a member, where that takes it away.
fn leaving(case: &Case<'_>, pool: &Pool, node: &str) -> Option<Money> {
    let server = case.server(node)?;
    let (charged, full) = price(case, pool, node)?;
    let gone = full.share(of_state(server.going()?, &charged));
    Some(gone.minus(full.share(of_state(server.state, &charged))))
}

/// The whole of a price is charged in each state where nobody says otherwise.
const WHOLE: StateShares =
    StateShares { active: PerMille(1000), suspended: PerMille(1000), stopped: PerMille(1000), shelved: PerMille(1000) };

/// What a node's flavor costs: at the list price by the newest rate that has begun, one for its provider before one for all;
/// else by what its pool draws from.
fn price(case: &Case<'_>, pool: &Pool, node: &str) -> Option<(StateShares, Money)> {
    let server = case.server(node).filter(|server| !server.flavor.is_empty());
    let made = case.plan.creation(node);
    let (flavor, zone, how) = match (server, made) {
        (Some(server), _) => (&*server.flavor, server.zone.as_deref(), CapacityType::of(server)),
        (None, Some(made)) => (made.flavor.as_str(), made.zone.as_deref(), made.bought()),
        (None, None) => (pool.flavor.as_deref()?, None, CapacityType::OnDemand),
    };
    let mut best: Option<(&Rate, Money)> = None;
    for rate in case.policy.rates.iter().filter(|_| how == CapacityType::OnDemand) {
        let begun = rate.from.is_none_or(|from| from <= case.plan.now);
        let meant = rate.provider.is_none() || rate.provider == pool.provider;
        let Some(price) = rate.per_hour.get(flavor).filter(|_| begun && meant) else { continue };
        let rank = |rate: &Rate| (rate.from, rate.provider.is_some());
        if best.is_none_or(|(other, _)| rank(rate) >= rank(other)) {
            best = Some((rate, *price));
        }
    }
    if let Some((rate, price)) = best {
        return Some((rate.charged, price));
    }
    let offered = listed(pool)?.flavors.iter().find(|one| *one.name == *flavor)?;
    let same = || offered.offerings.iter().filter(|one| one.capacity_type == how);
    let there = same().filter(|one| one.zone.as_deref() == zone).filter_map(|one| one.price).max();
    Some((WHOLE, there.or_else(|| same().filter_map(|one| one.price).max())?))
}

/// What a pool draws from, if it has prices.
fn listed(pool: &Pool) -> Option<&Catalog> {
    let catalog = pool.create.as_ref()?.catalog.as_deref()?;
    catalog.flavors.iter().flat_map(|flavor| &flavor.offerings).any(|one| one.price.is_some()).then_some(catalog)
}

fn parked(idle: Idle, charged: &StateShares) -> PerMille {
    match idle {
        Idle::Shelve => charged.shelved,
        Idle::Stop => charged.stopped,
        Idle::Suspend => charged.suspended,
        Idle::Delete => PerMille(0),
    }
}

fn state(server: Option<&Server>, charged: &StateShares) -> PerMille {
    server.map_or(charged.active, |server| of_state(server.state, charged))
}

fn of_state(state: ServerState, charged: &StateShares) -> PerMille {
    match state {
        ServerState::Shelved | ServerState::ShelvedOffloaded => charged.shelved,
        ServerState::Shutoff => charged.stopped,
        ServerState::Suspended | ServerState::Paused => charged.suspended,
        ServerState::Deleted => PerMille(0),
        _ => charged.active,
    }
}
