//! Money: per hour now and after, until the next change, for a week, and the day the allocation runs out.

use jiff::{SignedDuration, Timestamp};

use super::members::{Inventory, Member};
use super::prices::{Prices, share_of_state, unpriced};
use super::{CostLine, PlanCost, PoolPlan};
use crate::model::{Money, World};
use crate::policy::{Policy, Pool};
use crate::schedule::{Turn, turns};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest look ahead for the end of an allocation.
const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// A pool's part in the forecast.
struct Course<'a> {
    pool: &'a Pool,
    members: &'a [Member],
    /// Active when this plan is done.
    desired: u32,
    /// Active although the floor is lower: what the plan could not or need not park stays in the forecast.
    stuck: u32,
    turns: Vec<Turn>,
}

impl Course<'_> {
    /// Active nodes expected at `at`: the plan's outcome until the first change, then floor, what is stuck and ceiling.
    fn active_at(&self, at: Timestamp) -> u32 {
        let held = self.turns.iter().rev().find(|turn| turn.at <= at);
        let Some(turn) = held else { return self.desired };
        let ceiling = turn.holding.ceiling.unwrap_or(u32::MAX);
        turn.holding.floor.max(self.stuck.min(ceiling))
    }

    /// Cost per hour of the pool with so many active: the dearest are active, in doubt it costs more.
    fn per_hour(&self, prices: &Prices<'_>, active: u32) -> Money {
        let existing = self.members.iter().filter(|member| member.exists());
        let mut costs: Vec<(Money, Money)> = existing
            .map(|member| {
                let running = prices.active(self.pool, member).unwrap_or_default();
                (running, prices.parked(self.pool, member).unwrap_or_default())
            })
            .collect();
        costs.sort_by(|a, b| b.cmp(a));
        let active = usize::try_from(active).unwrap_or(usize::MAX);
        let each = costs.iter().enumerate().map(|(index, (on, off))| if index < active { *on } else { *off });
        each.fold(Money::ZERO, Money::plus)
    }
}

/// What a plan costs. None without rates.
pub fn cost(
    policy: &Policy,
    world: &World,
    inventory: &Inventory,
    pools: &[PoolPlan],
    now: Timestamp,
) -> Option<PlanCost> {
    let prices = Prices::at(policy, now);
    let unit = prices.unit()?.to_string();
    let week_end = now.checked_add(WEEK).unwrap_or(Timestamp::MAX);
    let horizon = if policy.allocation.is_some() { HORIZON } else { WEEK };
    let next = pools.iter().filter_map(|pool| pool.next_change.as_ref()).map(|next| next.at).min();
    let end = now.checked_add(horizon).unwrap_or(Timestamp::MAX).max(next.unwrap_or(now));
    let mut courses = Vec::new();
    for ((pool, members), planned) in policy.pools.iter().zip(&inventory.pools).zip(pools) {
        let lead = super::pool_decision::wake_lead(world, pool);
        let stuck = if planned.desired > planned.floor { planned.desired } else { 0 };
        courses.push(Course {
            pool,
            members,
            desired: planned.desired,
            stuck,
            turns: turns(policy, pool, now, end, lead),
        });
    }
    let mut lines = Vec::new();
    let mut notes = vec!["images, volumes and traffic are not in these figures".to_owned()];
    let mut total = (Money::ZERO, Money::ZERO, Money::ZERO, Money::ZERO);
    for course in &courses {
        let running = course.members.iter().filter_map(|member| prices.now(course.pool, member));
        let running = running.fold(Money::ZERO, Money::plus);
        let after = course.per_hour(&prices, course.desired);
        let week = spent(policy, course, now, week_end);
        let always = course.per_hour(&prices, u32::MAX).per_hour_for(WEEK.as_secs());
        lines.push(CostLine {
            what: course.pool.name.to_string(),
            now_per_hour_micros: running.0,
            after_per_hour_micros: after.0,
            week_micros: week.0,
        });
        total = (total.0.plus(running), total.1.plus(after), total.2.plus(week), total.3.plus(always));
        for flavor in course.members.iter().filter_map(|member| unpriced(&prices, course.pool, member)) {
            let note = format!("no price for {flavor}: its nodes are not in these figures");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    let other = others(policy, world, inventory, &prices);
    let until_next =
        next.map(|next| courses.iter().map(|course| spent(policy, course, now, next)).fold(Money::ZERO, Money::plus).0);
    Some(PlanCost {
        unit,
        pools: lines,
        now_per_hour_micros: total.0.0,
        after_per_hour_micros: total.1.0,
        until_next_change_micros: until_next,
        week_micros: total.2.0,
        always_on_week_micros: total.3.0,
        allocation_ends: runs_out(policy, &courses, Money(other.now_per_hour_micros), now, end),
        other,
        notes,
    })
}

/// Nodes and servers in no pool, as one line.
fn others(policy: &Policy, world: &World, inventory: &Inventory, prices: &Prices<'_>) -> CostLine {
    let mut sum = Money::ZERO;
    for server in world.servers.values() {
        let node = server.node.as_ref().unwrap_or(&server.name);
        if !inventory.pool_of.contains_key(node) {
            let provider = policy.providers.keys().find(|name| **name == server.provider);
            sum = sum.plus(prices.of(provider, &server.flavor, share_of_state(server.state)).unwrap_or_default());
        }
    }
    CostLine {
        what: "other nodes".to_owned(),
        now_per_hour_micros: sum.0,
        after_per_hour_micros: sum.0,
        week_micros: sum.per_hour_for(WEEK.as_secs()).0,
    }
}

/// The moments in `(from, until)` at which a course's cost per hour may change: its turns and the dates of rates.
fn corners(policy: &Policy, course: &Course<'_>, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let rates = policy.rates.iter().filter_map(|rate| rate.from);
    let mut corners: Vec<Timestamp> = course.turns.iter().map(|turn| turn.at).chain(rates).collect();
    corners.retain(|at| *at > from && *at < until);
    corners.push(until);
    corners.sort_unstable();
    corners.dedup();
    corners
}

fn spent(policy: &Policy, course: &Course<'_>, from: Timestamp, until: Timestamp) -> Money {
    let mut sum = Money::ZERO;
    let mut at = from;
    for corner in corners(policy, course, from, until) {
        let per_hour = course.per_hour(&Prices::at(policy, at), course.active_at(at));
        sum = sum.plus(per_hour.per_hour_for(corner.duration_since(at).as_secs()));
        at = corner;
    }
    sum
}

/// When the balance is used up at this policy, other nodes included; the allocation's own end if that is earlier.
fn runs_out(
    policy: &Policy,
    courses: &[Course<'_>],
    other: Money,
    now: Timestamp,
    end: Timestamp,
) -> Option<Timestamp> {
    let allocation = policy.allocation.as_ref()?;
    let mut left = allocation.balance;
    // What was spent since the balance was read is taken at today's rate: nothing else is known of it.
    let today = courses.iter().map(|course| course.per_hour(&Prices::at(policy, now), course.active_at(now)));
    let today = today.fold(other, Money::plus);
    left = left.minus(today.per_hour_for(now.duration_since(allocation.as_of).as_secs().max(0)));
    let mut corners: Vec<Timestamp> =
        courses.iter().flat_map(|course| self::corners(policy, course, now, end)).collect();
    corners.sort_unstable();
    corners.dedup();
    let mut at = now;
    for corner in corners {
        let prices = Prices::at(policy, at);
        let per_hour = courses.iter().map(|course| course.per_hour(&prices, course.active_at(at)));
        let per_hour = per_hour.fold(other, Money::plus);
        let cost = per_hour.per_hour_for(corner.duration_since(at).as_secs());
        if cost > left {
            let seconds = i128::from(left.0.max(0)) * 3600 / i128::from(per_hour.0.max(1));
            let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            let empty = at.checked_add(seconds).unwrap_or(Timestamp::MAX);
            return Some(allocation.ends.map_or(empty, |ends| ends.min(empty)));
        }
        left = left.minus(cost);
        at = corner;
    }
    allocation.ends.filter(|ends| *ends <= end)
}
