//! Money: per hour now and after, until the next change, for a week, and the day the allocation runs out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::members::{Inventory, Member, State};
use super::prices::{Prices, share_of_state, unpriced};
use super::{Code, CostLine, Kept, PlanCost, PoolPlan, Step, Verb};
use crate::model::{Money, World};
use crate::policy::{Idle, Policy, Pool};
use crate::schedule::{Turn, turns};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest look ahead for the end of an allocation.
const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// What a plan makes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    /// It runs when the plan is done.
    Runs,
    /// It is parked by the plan.
    Parks,
    /// It does not run, and is ours to wake.
    Sleeps,
    /// Nothing can be done with it, so it goes on costing what it costs.
    Stays,
}

impl Lot {
    fn of(member: &Member, verbs: &BTreeSet<(Verb, &str)>) -> Self {
        let has = |verb: Verb| verbs.contains(&(verb, &*member.name));
        match &member.state {
            _ if has(Verb::Park) => Self::Parks,
            _ if has(Verb::Wake) => Self::Runs,
            State::Active | State::OwnCordon(_) => Self::Runs,
            State::Waking if has(Verb::Uncordon) => Self::Runs,
            State::Parked(_) => Self::Sleeps,
            _ => Self::Stays,
        }
    }
}

/// A pool's part in the forecast.
struct Course<'a> {
    pool: &'a Pool,
    members: Vec<(&'a Member, Lot)>,
    /// From when on how many are active, rising in time; before the first the plan's outcome.
    levels: Vec<(Timestamp, u32)>,
}

impl Course<'_> {
    /// When the number of active nodes changes.
    fn changes(&self) -> impl Iterator<Item = Timestamp> {
        self.levels.iter().map(|(at, _)| *at)
    }

    /// Cost per hour at `at`.
    fn per_hour(&self, prices: &Prices<'_>, at: Timestamp) -> Money {
        let begun = self.levels.partition_point(|(from, _)| *from <= at);
        let level = begun.checked_sub(1).and_then(|last| self.levels.get(last));
        level.map_or_else(|| self.outcome(prices), |(_, active)| self.with(prices, *active))
    }

    /// Cost per hour when the plan is done, each member in the state that it leaves it in.
    fn outcome(&self, prices: &Prices<'_>) -> Money {
        let each = self.members.iter().filter_map(|(member, lot)| match lot {
            Lot::Runs => prices.active(self.pool, member),
            Lot::Parks => prices.parked(self.pool, member),
            Lot::Sleeps | Lot::Stays => prices.now(self.pool, member),
        });
        each.fold(Money::ZERO, Money::plus)
    }

    /// Cost per hour with so many active: the dearest are active, in doubt it costs more.
    fn with(&self, prices: &Prices<'_>, active: u32) -> Money {
        let ours = self.members.iter().filter(|(_, lot)| *lot != Lot::Stays);
        let mut costs: Vec<(Money, Money)> = ours
            .map(|(member, lot)| {
                let parked =
                    if *lot == Lot::Sleeps { prices.now(self.pool, member) } else { prices.parked(self.pool, member) };
                (prices.active(self.pool, member).unwrap_or_default(), parked.unwrap_or_default())
            })
            .collect();
        costs.sort_by(|a, b| b.cmp(a));
        let active = usize::try_from(active).unwrap_or(usize::MAX);
        let each = costs.iter().enumerate().map(|(index, (on, off))| if index < active { *on } else { *off });
        let stays = self.members.iter().filter(|(_, lot)| *lot == Lot::Stays);
        stays.filter_map(|(member, _)| prices.now(self.pool, member)).chain(each).fold(Money::ZERO, Money::plus)
    }

    /// Whether there are nodes and no rate has a price for any.
    fn unpriced(&self, prices: &Prices<'_>) -> bool {
        let there: Vec<&Member> = self.members.iter().map(|(member, _)| *member).filter(|one| one.exists()).collect();
        !there.is_empty() && there.iter().all(|member| unpriced(prices, self.pool, member).is_some())
    }

    /// Cost per hour of everything that exists, running.
    fn all_on(&self, prices: &Prices<'_>) -> Money {
        let there = self.members.iter().filter(|(member, _)| member.exists());
        there.filter_map(|(member, _)| prices.active(self.pool, member)).fold(Money::ZERO, Money::plus)
    }
}

/// How many of a pool are active from when on: the floor, and what is kept above it for as long as that lasts. Under a
/// freeze nobody goes.
fn levels(planned: &PoolPlan, turns: &[Turn], held: &[Timestamp]) -> Vec<(Timestamp, u32)> {
    let ends = held.iter().copied().filter(|until| *until < Timestamp::MAX);
    let mut moments: Vec<Timestamp> = turns.iter().map(|turn| turn.at).chain(ends).collect();
    moments.sort_unstable();
    moments.dedup();
    let (mut floor, mut ceiling, mut frozen) = (planned.floor, planned.ceiling, planned.freeze.is_some());
    let mut active = planned.desired;
    let mut turns = turns.iter().peekable();
    let mut levels = Vec::new();
    for at in moments {
        while let Some(turn) = turns.next_if(|turn| turn.at <= at) {
            let holding = &turn.holding;
            (floor, ceiling, frozen) = (holding.floor, holding.ceiling.unwrap_or(u32::MAX), holding.freeze.is_some());
        }
        let kept = u32::try_from(held.iter().filter(|until| **until > at).count()).unwrap_or(u32::MAX);
        let wanted = floor.max(kept.min(ceiling));
        active = if frozen { wanted.max(active) } else { wanted };
        levels.push((at, active));
    }
    levels
}

/// Until when what keeps a node that is not needed does so, as far as anybody knows; None if nothing does.
fn held_until(kept: &Kept) -> Option<Timestamp> {
    if kept.reasons.first().is_some_and(|reason| reason.code == Code::Floor) {
        return None;
    }
    let in_its_way = kept.reasons.iter().filter(|reason| {
        !matches!(reason.code, Code::Floor | Code::OverCeiling | Code::AboveCeiling | Code::WindDown | Code::NotNeeded)
    });
    in_its_way.map(|reason| reason.evidence.until.unwrap_or(Timestamp::MAX)).max()
}

/// What a plan costs. None without rates.
pub fn cost(
    policy: &Policy,
    world: &World,
    inventory: &Inventory,
    (pools, kept): (&[PoolPlan], &[Kept]),
    steps: &[Step],
    now: Timestamp,
) -> Option<PlanCost> {
    let prices = Prices::at(policy, now);
    let unit = prices.unit()?.to_string();
    let week_end = now.checked_add(WEEK).unwrap_or(Timestamp::MAX);
    let horizon = if policy.allocation.is_some() { HORIZON } else { WEEK };
    let next = pools.iter().filter_map(|pool| pool.next_change.as_ref()).map(|next| next.at).min();
    let end = now.checked_add(horizon).unwrap_or(Timestamp::MAX).max(next.unwrap_or(now));
    let verbs: BTreeSet<(Verb, &str)> = steps.iter().map(|step| (step.verb, step.node.as_str())).collect();
    let stepped: BTreeSet<&str> = steps.iter().map(|step| step.node.as_str()).collect();
    let demand = steps.iter().filter(|step| matches!(step.reason.code, Code::Demand | Code::Headroom));
    let demanded: BTreeSet<&str> = demand.map(|step| step.node.as_str()).collect();
    let kept: BTreeMap<&str, &Kept> = kept.iter().map(|kept| (kept.node.as_str(), kept)).collect();
    let mut courses = Vec::new();
    for ((pool, members), planned) in policy.pools.iter().zip(&inventory.pools).zip(pools) {
        let lead = super::pool_decision::wake_lead(world, pool);
        let members: Vec<_> = members.iter().map(|member| (member, Lot::of(member, &verbs))).collect();
        let deletes = pool.idle == Idle::Delete;
        // What pods need is needed for as long as anybody knows.
        let served = |name: &str| demanded.contains(name);
        let left = members.iter().filter(|(member, lot)| {
            *lot == Lot::Runs && (deletes || !stepped.contains(&*member.name) || served(&member.name))
        });
        // What a narrowed plan did not look at stays as it is, and nothing is ever deleted.
        let held = left.filter_map(|(member, _)| match kept.get(&*member.name) {
            Some(kept) if !deletes && !served(&member.name) => held_until(kept),
            _ => Some(Timestamp::MAX),
        });
        let held: Vec<Timestamp> = held.collect();
        courses.push(Course { pool, members, levels: levels(planned, &turns(policy, pool, now, end, lead), &held) });
    }
    let mut lines = Vec::new();
    let mut notes = vec!["images, volumes and traffic are not in these figures".to_owned()];
    let mut total = (Money::ZERO, Money::ZERO, Money::ZERO, Money::ZERO);
    for course in &courses {
        let running = course.members.iter().filter_map(|(member, _)| prices.now(course.pool, member));
        let running = running.fold(Money::ZERO, Money::plus);
        let after = course.outcome(&prices);
        let week = spent(policy, course, now, week_end);
        let on = |at| course.all_on(&Prices::at(policy, at));
        let always = spend(&corners(policy, [], now, week_end), now, on);
        lines.push(CostLine {
            what: course.pool.name.to_string(),
            now_per_hour_micros: running.0,
            after_per_hour_micros: after.0,
            week_micros: week.0,
            no_price: week == Money::ZERO && course.unpriced(&prices),
        });
        total = (total.0.plus(running), total.1.plus(after), total.2.plus(week), total.3.plus(always));
        for flavor in course.members.iter().filter_map(|(member, _)| unpriced(&prices, course.pool, member)) {
            let note = format!("no price for {flavor}: its nodes are not in these figures");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    let others = Others::of(policy, world, inventory, now, end);
    let other = others.line(policy, now, week_end);
    let today = total.0.plus(Money(other.now_per_hour_micros));
    let (allocation_ends, left) = runs_out(policy, &courses, &others, today, now, end).unzip();
    let until_next =
        next.map(|next| courses.iter().map(|course| spent(policy, course, now, next)).fold(Money::ZERO, Money::plus).0);
    let mut cost = PlanCost {
        unit,
        pools: lines,
        now_per_hour_micros: total.0.0,
        after_per_hour_micros: total.1.0,
        until_next_change_micros: until_next,
        week_micros: total.2.0,
        always_on_week_micros: total.3.0,
        allocation_ends,
        allocation_left_micros: left.flatten().map(|left: Money| left.0),
        other,
        notes,
    };
    cost.notes.extend(about_allocation(policy, &cost, today, now));
    Some(cost)
}

/// Nodes and servers in no pool: they stay as they are, and their prices change.
struct Others {
    /// From when on what all of them cost per hour, rising in time; the first is now.
    levels: Vec<(Timestamp, Money)>,
    /// There are some, and no rate has a price for any now.
    no_price: bool,
}

impl Others {
    fn of(policy: &Policy, world: &World, inventory: &Inventory, now: Timestamp, end: Timestamp) -> Self {
        let (mut priced, mut unpriced) = (false, false);
        let mut per_hour = |at: Timestamp| {
            let prices = Prices::at(policy, at);
            let mut sum = Money::ZERO;
            for server in world.servers.values() {
                let node = server.node.as_ref().unwrap_or(&server.name);
                if !inventory.pool_of.contains_key(node) {
                    let provider = policy.providers.keys().find(|name| **name == server.provider);
                    let price = prices.of(provider, &server.flavor, share_of_state(server.state));
                    if at == now {
                        (priced, unpriced) = (priced || price.is_some(), unpriced || price.is_none());
                    }
                    sum = sum.plus(price.unwrap_or_default());
                }
            }
            sum
        };
        let mut moments = corners(policy, [], now, end);
        moments.retain(|at| *at < end);
        let levels = std::iter::once(now).chain(moments).map(|at| (at, per_hour(at))).collect();
        Self { levels, no_price: unpriced && !priced }
    }

    fn per_hour(&self, at: Timestamp) -> Money {
        let begun = self.levels.partition_point(|(from, _)| *from <= at);
        begun.checked_sub(1).and_then(|last| self.levels.get(last)).map_or(Money::ZERO, |(_, cost)| *cost)
    }

    fn line(&self, policy: &Policy, now: Timestamp, week_end: Timestamp) -> CostLine {
        let per_hour = self.per_hour(now);
        CostLine {
            what: "other nodes".to_owned(),
            now_per_hour_micros: per_hour.0,
            after_per_hour_micros: per_hour.0,
            week_micros: spend(&corners(policy, [], now, week_end), now, |at| self.per_hour(at)).0,
            no_price: self.no_price,
        }
    }
}

/// The moments in `(from, until]` between which a cost per hour does not change: those given and the dates of rates, and
/// `until` as the last.
fn corners(
    policy: &Policy,
    levels: impl IntoIterator<Item = Timestamp>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Timestamp> {
    let rates = policy.rates.iter().filter_map(|rate| rate.from);
    let mut corners: Vec<Timestamp> = levels.into_iter().chain(rates).collect();
    corners.retain(|at| *at > from && *at < until);
    corners.push(until);
    corners.sort_unstable();
    corners.dedup();
    corners
}

/// What is spent from `from` to the last of `corners`, between which `per_hour` does not change.
fn spend(corners: &[Timestamp], from: Timestamp, per_hour: impl Fn(Timestamp) -> Money) -> Money {
    let mut sum = Money::ZERO;
    let mut at = from;
    for corner in corners {
        sum = sum.plus(per_hour(at).per_hour_for(corner.duration_since(at).as_secs()));
        at = *corner;
    }
    sum
}

fn spent(policy: &Policy, course: &Course<'_>, from: Timestamp, until: Timestamp) -> Money {
    let corners = corners(policy, course.changes(), from, until);
    spend(&corners, from, |at| course.per_hour(&Prices::at(policy, at), at))
}

/// What to know of the date on which an allocation runs out.
fn about_allocation(policy: &Policy, cost: &PlanCost, today: Money, now: Timestamp) -> Vec<String> {
    let Some(allocation) = &policy.allocation else { return Vec::new() };
    if cost.unpriced() {
        return vec!["no node has a price, so when the allocation is used up is not known".to_owned()];
    }
    let mut notes = Vec::new();
    let unit = policy.rates.first().map_or("", |rate| &*rate.unit);
    if now > allocation.as_of {
        let as_of = allocation.as_of;
        notes.push(format!(
            "what was spent since the balance was read at {as_of} is an estimate, at the {today} {unit}/h of now"
        ));
    }
    if cost.allocation_ends.is_none() {
        notes.push("the allocation lasts longer than five years at this policy".to_owned());
    }
    notes
}

/// When the balance is used up at this policy, other nodes included; the allocation's own end with what is left if that
/// is earlier. A moment that has passed if what everything costs now, `today`, has used it up since the balance was read.
fn runs_out(
    policy: &Policy,
    courses: &[Course<'_>],
    others: &Others,
    today: Money,
    now: Timestamp,
    end: Timestamp,
) -> Option<(Timestamp, Option<Money>)> {
    let allocation = policy.allocation.as_ref()?;
    let mut corners = corners(policy, courses.iter().flat_map(Course::changes), now, end);
    corners.push(now);
    corners.extend(allocation.ends.filter(|ends| *ends < end));
    corners.sort_unstable();
    corners.dedup();
    let (mut at, mut left) = (allocation.as_of, allocation.balance);
    for corner in corners.into_iter().filter(|corner| *corner > allocation.as_of) {
        if let Some(ends) = allocation.ends.filter(|ends| *ends <= at) {
            return Some((ends, Some(left)));
        }
        let prices = Prices::at(policy, at);
        let each = courses.iter().map(|course| course.per_hour(&prices, at));
        let per_hour = if at < now { today } else { each.fold(others.per_hour(at), Money::plus) };
        let cost = per_hour.per_hour_for(corner.duration_since(at).as_secs());
        if cost > left {
            return Some((used_up(at, left, per_hour), None));
        }
        left = left.minus(cost);
        at = corner;
    }
    allocation.ends.filter(|ends| *ends <= at).map(|ends| (ends, Some(left)))
}

/// When a balance is used up that is spent from `from` at so much per hour.
fn used_up(from: Timestamp, balance: Money, per_hour: Money) -> Timestamp {
    let seconds = i128::from(balance.0.max(0)) * 3600 / i128::from(per_hour.0.max(1));
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    from.checked_add(seconds).unwrap_or(Timestamp::MAX)
}
