//! What nodes cost per hour, by flavor, state and date.

use jiff::Timestamp;

use super::StepCost;
use super::members::{Member, State};
use crate::model::{CapacityType, Money, Name, PerMille, ServerState};
use crate::policy::{Idle, Policy, Pool, Rate};

/// Prices at one moment.
#[derive(Clone, Copy)]
pub struct Prices<'a> {
    policy: &'a Policy,
    at: Timestamp,
}

impl<'a> Prices<'a> {
    /// The prices that hold at `at`.
    pub fn at(policy: &'a Policy, at: Timestamp) -> Self {
        Self { policy, at }
    }

    /// The unit, if there are any rates, or prices in a catalog.
    pub fn unit(&self) -> Option<&'a Name> {
        let catalogs =
            self.policy.pools.iter().filter_map(|pool| pool.create.as_ref()?.catalog.as_ref()?.unit.as_ref());
        self.policy.rates.first().map(|rate| &rate.unit).or_else(|| catalogs.into_iter().next())
    }

    /// The latest rate that has begun and has a price for the flavor.
    fn rate(&self, provider: Option<&Name>, flavor: &str) -> Option<(&'a Rate, Money)> {
        let begun = self.policy.rates.iter().filter(|rate| rate.from.is_none_or(|from| from <= self.at));
        let fits = begun.filter(|rate| rate.provider.is_none() || rate.provider.as_ref() == provider);
        let priced = fits.filter_map(|rate| rate.per_hour.get(flavor).map(|price| (rate, *price)));
        priced.max_by_key(|(rate, _)| (rate.from, rate.provider.is_some()))
    }

    /// Full price and shares of a flavor.
    pub fn of(&self, provider: Option<&Name>, flavor: &str, share: Share) -> Option<Money> {
        let (rate, price) = self.rate(provider, flavor)?;
        let share = match share {
            Share::Active => rate.charged.active,
            Share::Suspended => rate.charged.suspended,
            Share::Stopped => rate.charged.stopped,
            Share::Shelved => rate.charged.shelved,
            Share::Nothing => PerMille(0),
        };
        Some(price.share(share))
    }

    /// The price of a member: at the list price what the rates say, else what the pool's catalog says of how it was bought.
    /// Of what a catalog alone has a price for, all is charged in every state.
    fn member(&self, pool: &Pool, member: &Member, share: Share) -> Option<Money> {
        let flavor = flavor(pool, member)?;
        let how = member.server.as_deref().map_or(CapacityType::OnDemand, CapacityType::of);
        let listed = || self.of(pool.provider.as_ref(), flavor, share);
        let catalog = || {
            let zone = member.server.as_ref().and_then(|server| server.zone.as_deref());
            let price = pool.create.as_ref()?.catalog.as_ref()?.price(flavor, zone, how)?;
            Some(if share == Share::Nothing { Money::ZERO } else { price })
        };
        if how == CapacityType::OnDemand { listed().or_else(catalog) } else { catalog() }
    }

    /// What a member costs per hour in the state it is in.
    pub fn now(&self, pool: &Pool, member: &Member) -> Option<Money> {
        self.member(pool, member, share_of(member))
    }

    /// What it costs running.
    pub fn active(&self, pool: &Pool, member: &Member) -> Option<Money> {
        self.member(pool, member, Share::Active)
    }

    /// What it costs parked the pool's way.
    pub fn parked(&self, pool: &Pool, member: &Member) -> Option<Money> {
        self.member(pool, member, share_parked(pool.idle))
    }

    /// What it costs when the provider has done what it does with it, which takes it away.
    pub fn gone(&self, pool: &Pool, member: &Member) -> Option<Money> {
        let going = member.server.as_ref()?.going()?;
        self.member(pool, member, share_of_state(going))
    }

    /// What bringing it up (or parking it) changes per hour.
    pub fn change(&self, pool: &Pool, member: &Member, up: bool) -> Option<StepCost> {
        let now = self.now(pool, member)?;
        let after = if up { self.active(pool, member)? } else { self.parked(pool, member)? };
        Some(StepCost { per_hour_micros: after.minus(now).0 })
    }
}

impl Prices<'_> {
    /// What destroying it changes per hour.
    pub fn destroyed(&self, pool: &Pool, member: &Member) -> Option<StepCost> {
        Some(StepCost { per_hour_micros: Money::ZERO.minus(self.now(pool, member)?).0 })
    }
}

/// Which share of the price is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// It runs.
    Active,
    /// Its memory is on disk.
    Suspended,
    /// It is switched off on its host.
    Stopped,
    /// It has no host.
    Shelved,
    /// There is none.
    Nothing,
}

fn share_parked(idle: Idle) -> Share {
    match idle {
        Idle::Shelve => Share::Shelved,
        Idle::Stop => Share::Stopped,
        Idle::Suspend => Share::Suspended,
        Idle::Delete => Share::Nothing,
    }
}

/// The share for a server's state.
pub fn share_of_state(state: ServerState) -> Share {
    match state {
        ServerState::Shelved | ServerState::ShelvedOffloaded => Share::Shelved,
        ServerState::Shutoff => Share::Stopped,
        ServerState::Suspended | ServerState::Paused => Share::Suspended,
        ServerState::Deleted => Share::Nothing,
        ServerState::Build | ServerState::Active | ServerState::Error | ServerState::Unknown => Share::Active,
    }
}

fn share_of(member: &Member) -> Share {
    match (&member.server, &member.state) {
        (_, State::Absent) | (None, State::LeftOver) => Share::Nothing,
        (Some(server), _) => share_of_state(server.state),
        (None, _) => Share::Active,
    }
}

fn flavor<'m>(pool: &'m Pool, member: &'m Member) -> Option<&'m str> {
    let known = member.server.as_ref().map(|server| &*server.flavor).filter(|flavor| !flavor.is_empty());
    known.or(pool.flavor.as_deref())
}

/// The member's flavor where none of the rates has a price for it.
pub fn unpriced<'m>(prices: &Prices<'_>, pool: &'m Pool, member: &'m Member) -> Option<&'m str> {
    let flavor = flavor(pool, member).unwrap_or("(unknown flavor)");
    (member.exists() && prices.active(pool, member).is_none()).then_some(flavor)
}
