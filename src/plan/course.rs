//! How many nodes of a pool will be active, and in which state the others, from a plan's end on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::brakes::Left;
use super::members::{Inventory, Member, State};
use super::prices::{Prices, unpriced};
use super::{Code, Creation, Kept, PoolPlan, Step, Verb};
use crate::model::{Money, Name, Server, World};
use crate::policy::{Policy, Pool};
use crate::schedule::{Turn, turns};

/// What a plan makes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lot {
    /// It runs when the plan is done.
    Runs,
    /// It is parked by the plan.
    Parks,
    /// It does not run, and is ours to wake.
    Sleeps,
    /// The provider takes it away already; ours to wake later, or not.
    Leaves(bool),
    /// Nothing can be done with it, so it goes on costing what it costs.
    Stays,
}

impl Lot {
    fn of(member: &Member, verbs: &BTreeSet<(Verb, &str)>) -> Self {
        let has = |verb: Verb| verbs.contains(&(verb, &*member.name));
        match &member.state {
            _ if has(Verb::Park) && !has(Verb::Wake) || has(Verb::Delete) => Self::Parks,
            _ if has(Verb::Wake) || has(Verb::Create) => Self::Runs,
            State::Active | State::OwnCordon(_) => Self::Runs,
            State::Waking | State::Joining if has(Verb::Uncordon) => Self::Runs,
            State::Parked(_) => Self::Sleeps,
            State::Busy(_) if member.server.as_ref().is_some_and(|server| server.going().is_some()) => {
                Self::Leaves(member.record.is_some())
            }
            _ => Self::Stays,
        }
    }
}

/// A pool's part in the forecast.
pub(super) struct Course<'a> {
    pub pool: &'a Pool,
    pub members: Vec<(Cow<'a, Member>, Lot)>,
    /// From when on how many are active, rising in time; before the first the plan's outcome.
    pub levels: Vec<(Timestamp, u32)>,
}

impl Course<'_> {
    /// When the number of active nodes changes.
    pub fn changes(&self) -> impl Iterator<Item = Timestamp> {
        self.levels.iter().map(|(at, _)| *at)
    }

    /// Cost per hour at `at`.
    pub fn per_hour(&self, prices: &Prices<'_>, at: Timestamp) -> Money {
        let begun = self.levels.partition_point(|(from, _)| *from <= at);
        let level = begun.checked_sub(1).and_then(|last| self.levels.get(last));
        level.map_or_else(|| self.outcome(prices), |(_, active)| self.with(prices, *active))
    }

    /// Cost per hour when the plan is done, each member in the state that it leaves it in.
    pub fn outcome(&self, prices: &Prices<'_>) -> Money {
        let each = self.members.iter().filter_map(|(member, lot)| match lot {
            Lot::Runs => prices.active(self.pool, member),
            lot => at_rest(prices, self.pool, member, *lot),
        });
        each.fold(Money::ZERO, Money::plus)
    }

    /// Cost per hour with so many active: the dearest are active, in doubt it costs more.
    fn with(&self, prices: &Prices<'_>, active: u32) -> Money {
        let others = |lot: &Lot| matches!(lot, Lot::Stays | Lot::Leaves(false));
        let ours = self.members.iter().filter(|(_, lot)| !others(lot));
        let mut costs: Vec<(Money, Money)> = ours
            .map(|(member, lot)| {
                let parked = at_rest(prices, self.pool, member, *lot);
                (prices.active(self.pool, member).unwrap_or_default(), parked.unwrap_or_default())
            })
            .collect();
        costs.sort_by(|a, b| b.cmp(a));
        let active = usize::try_from(active).unwrap_or(usize::MAX);
        let each = costs.iter().enumerate().map(|(index, (on, off))| if index < active { *on } else { *off });
        let stays = self.members.iter().filter(|(_, lot)| others(lot));
        let stays = stays.filter_map(|(member, lot)| at_rest(prices, self.pool, member, *lot));
        stays.chain(each).fold(Money::ZERO, Money::plus)
    }

    /// Whether there are nodes and no rate has a price for any.
    pub fn unpriced(&self, prices: &Prices<'_>) -> bool {
        let there: Vec<&Member> = self.members.iter().map(|(member, _)| &**member).filter(|one| one.exists()).collect();
        !there.is_empty() && there.iter().all(|member| unpriced(prices, self.pool, member).is_some())
    }

    /// Cost per hour of everything that exists, running.
    pub fn all_on(&self, prices: &Prices<'_>) -> Money {
        let there = self.members.iter().filter(|(member, _)| member.exists());
        there.filter_map(|(member, _)| prices.active(self.pool, member)).fold(Money::ZERO, Money::plus)
    }
}

/// What a member costs per hour that is not to run.
fn at_rest(prices: &Prices<'_>, pool: &Pool, member: &Member, lot: Lot) -> Option<Money> {
    match lot {
        Lot::Runs | Lot::Parks => prices.parked(pool, member),
        Lot::Leaves(_) => prices.gone(pool, member),
        Lot::Sleeps | Lot::Stays => prices.now(pool, member),
    }
}

/// How many of a pool are active from when on, `active` when the plan is done: the floor, and what is kept above it for as
/// long as that lasts. Under a freeze nobody goes, and neither under a brake, of which nobody knows how long it holds.
fn levels(
    planned: &PoolPlan,
    turns: &[Turn],
    held: &[Timestamp],
    (mut active, left): (u32, Left),
) -> Vec<(Timestamp, u32)> {
    if left == Left::Nothing {
        return Vec::new();
    }
    let ends = held.iter().copied().filter(|until| *until < Timestamp::MAX);
    let mut moments: Vec<Timestamp> = turns.iter().map(|turn| turn.at).chain(ends).collect();
    moments.sort_unstable();
    moments.dedup();
    let (mut floor, mut ceiling, mut frozen) = (planned.floor, planned.ceiling, planned.freeze.is_some());
    let mut turns = turns.iter().peekable();
    let mut levels = Vec::new();
    for at in moments {
        while let Some(turn) = turns.next_if(|turn| turn.at <= at) {
            let holding = &turn.holding;
            (floor, ceiling, frozen) = (holding.floor, holding.ceiling.unwrap_or(u32::MAX), holding.freeze.is_some());
        }
        let kept = u32::try_from(held.iter().filter(|until| **until > at).count()).unwrap_or(u32::MAX);
        let wanted = floor.max(kept.min(ceiling));
        active = if frozen || left == Left::Giving { wanted.max(active) } else { wanted };
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

/// A member that is made costs what its flavor does.
fn of_flavor<'a>(member: &'a Member, made: &BTreeMap<&str, &Creation>) -> Cow<'a, Member> {
    match made.get(&*member.name).filter(|_| member.server.is_none()) {
        None => Cow::Borrowed(member),
        Some(creation) => {
            let flavor = creation.flavor.as_str().into();
            let zone = creation.zone.as_deref().map(Name::from);
            let metadata = creation.bought().metadata().into_iter().collect();
            let server =
                Server { name: member.name.clone(), flavor, zone, metadata, inferred: true, ..Server::default() };
            Cow::Owned(Member { server: Some(Arc::new(server)), ..member.clone() })
        }
    }
}

/// The course of each pool, in the policy's order, from `now` to `end`, by the steps that the brakes leave.
pub(super) fn courses<'a>(
    policy: &'a Policy,
    world: &World,
    inventory: &'a Inventory,
    (pools, kept): (&[PoolPlan], &[Kept]),
    (steps, left): (&[Step], Left),
    (now, end): (Timestamp, Timestamp),
) -> Vec<Course<'a>> {
    let steps: Vec<&Step> = steps.iter().filter(|step| left.has(step.verb)).collect();
    let verbs: BTreeSet<(Verb, &str)> = steps.iter().map(|step| (step.verb, step.node.as_str())).collect();
    let stepped: BTreeSet<&str> = steps.iter().map(|step| step.node.as_str()).collect();
    let creations = steps.iter().filter_map(|step| Some((step.node.as_str(), step.creation.as_ref()?)));
    let made: BTreeMap<&str, &Creation> = creations.collect();
    let demand = steps.iter().filter(|step| matches!(step.reason.code, Code::Demand | Code::Headroom));
    let demanded: BTreeSet<&str> = demand.map(|step| step.node.as_str()).collect();
    let kept: BTreeMap<&str, &Kept> = kept.iter().map(|kept| (kept.node.as_str(), kept)).collect();
    let mut courses = Vec::new();
    for ((pool, members), planned) in policy.pools.iter().zip(&inventory.pools).zip(pools) {
        let lead = super::pool_decision::wake_lead(world, pool);
        let members: Vec<_> =
            members.iter().map(|member| (of_flavor(member, &made), Lot::of(member, &verbs))).collect();
        // What pods need is needed for as long as anybody knows.
        let served = |name: &str| demanded.contains(name);
        let stay = members
            .iter()
            .filter(|(member, lot)| *lot == Lot::Runs && (!stepped.contains(&*member.name) || served(&member.name)));
        // What a narrowed plan did not look at stays as it is.
        let held = stay.filter_map(|(member, _)| match kept.get(&*member.name) {
            Some(kept) if !served(&member.name) => held_until(kept),
            _ => Some(Timestamp::MAX),
        });
        let held: Vec<Timestamp> = held.collect();
        let active = match left {
            Left::All => planned.desired,
            _ => u32::try_from(members.iter().filter(|(_, lot)| *lot == Lot::Runs).count()).unwrap_or(u32::MAX),
        };
        let levels = levels(planned, &turns(policy, pool, now, end, lead), &held, (active, left));
        courses.push(Course { pool, members, levels });
    }
    courses
}
