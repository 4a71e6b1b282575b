//! Money: per hour now and after, until the next change, for a week, and the day the allocation runs out.

use jiff::{SignedDuration, Timestamp};

use super::brakes::Left;
use super::course::{Course, courses};
use super::members::Inventory;
use super::prices::{Prices, share_of_state, unpriced};
use super::{CostLine, Kept, PlanCost, PoolPlan, Refusal, Step};
use crate::model::{Money, World};
use crate::policy::Policy;

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest look ahead for the end of an allocation.
const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// What a plan costs, as far as the brakes leave it to be carried out. None without rates.
pub fn cost(
    policy: &Policy,
    world: &World,
    inventory: &Inventory,
    (pools, kept): (&[PoolPlan], &[Kept]),
    (steps, refusals): (&[Step], &[Refusal]),
    now: Timestamp,
) -> Option<PlanCost> {
    let left = Left::by(refusals);
    let prices = Prices::at(policy, now);
    let unit = prices.unit()?.to_string();
    let week_end = now.checked_add(WEEK).unwrap_or(Timestamp::MAX);
    let horizon = if policy.allocation.is_some() { HORIZON } else { WEEK };
    let next = pools.iter().filter_map(|pool| pool.next_change.as_ref()).map(|next| next.at).min();
    let end = now.checked_add(horizon).unwrap_or(Timestamp::MAX).max(next.unwrap_or(now));
    let courses = courses(policy, world, inventory, (pools, kept), (steps, left), (now, end));
    let mut lines = Vec::new();
    let mut notes = vec!["images, volumes and traffic are not in these figures".to_owned()];
    notes.extend(braked(left, refusals));
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

/// What a brake does to the figures.
fn braked(left: Left, refusals: &[Refusal]) -> Option<String> {
    let names: Vec<&str> = refusals.iter().map(|refusal| refusal.brake.as_str()).collect();
    let what = match left {
        Left::All => return None,
        Left::Giving => "nothing is taken away",
        Left::Nothing => "nothing at all is done",
    };
    let (brake, holds) = if names.len() == 1 { ("brake", "holds") } else { ("brakes", "hold") };
    Some(format!("{brake} {} {holds}: {what}, and these figures are for as long as that is so", names.join(", ")))
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

/// What a pool costs from `from` until `until`.
pub(super) fn spent(policy: &Policy, course: &Course<'_>, from: Timestamp, until: Timestamp) -> Money {
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
    let unit = &cost.unit;
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
