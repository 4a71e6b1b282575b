//! Who of a pool could come: what is nearest to taking pods first, and what is in the way of each.

use std::sync::Arc;

use jiff::Timestamp;

use super::creating::{Blueprint, remains};
use super::members::{Member, State};
use super::pool_decision::Pooled;
use super::removal::Removals;
use super::{Code, Reason, long_parked, node_rules, wakes};
use crate::model::{CapacityType, NodeMark};

/// How near a node is to taking pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Up, and cordoned by us.
    Cordoned,
    /// On its way up by our doing.
    Waking,
    /// Kept, not running, and ours to wake.
    Parked,
    /// There is no server: one may be made.
    Absent,
}

impl Pooled<'_> {
    /// Who is up, and who could be brought. Nobody is who a person started, parked or drained by hand.
    pub(super) fn roll(&self) -> (Vec<usize>, Vec<(Nearness, usize)>) {
        let mut up: Vec<usize> = Vec::new();
        let mut can: Vec<(Nearness, usize)> = Vec::new();
        for (index, member) in self.members.iter().enumerate() {
            match &member.state {
                // Who asks for it by hand may be who started it.
                State::Active => up.push(index),
                _ if member.left_alone_until(self.now).is_some() && self.asked_to_wake(member).is_none() => {}
                State::OwnCordon(_) if self.holding.winding_down_to.is_some() => up.push(index),
                // It has not been looked at whether it has what it needs.
                State::OwnCordon(NodeMark::Waking) | State::Waking => can.push((Nearness::Waking, index)),
                State::Joining if self.remains(member).is_none() => can.push((Nearness::Waking, index)),
                // Its server is told to go.
                State::OwnCordon(NodeMark::Deleting) => {}
                State::OwnCordon(_) => can.push((Nearness::Cordoned, index)),
                State::Absent if !self.blueprints.is_empty() => can.push((Nearness::Absent, index)),
                State::Parked(_) => can.push((Nearness::Parked, index)),
                _ => {}
            }
        }
        can.retain(|(_, index)| self.members.get(*index).is_some_and(|member| !self.asked_to_go(member)));
        can.sort_by_key(|(_, index)| (self.overdue(*index), *index));
        (up, can)
    }

    /// Who is cordoned by us and is to sleep by hand, and cannot: it is given back, and so it serves the floor.
    pub(super) fn stuck(&self, removals: &mut Removals<'_>) -> Vec<(Nearness, usize)> {
        let asked = self.members.iter().enumerate().filter(|(_, member)| {
            matches!(member.state, State::OwnCordon(_))
                && self.holding.winding_down_to.is_none()
                && member.left_alone_until(self.now).is_none()
                && self.asked_to_sleep(member).is_some()
                && self.asked_to_drain(member).is_none()
        });
        let stuck = asked.filter(|(_, member)| self.cannot_go(member, removals));
        stuck.map(|(index, _)| (Nearness::Cordoned, index)).collect()
    }

    fn cannot_go(&self, member: &Member, removals: &mut Removals<'_>) -> bool {
        let staying = node_rules::staying(self.policy, self.pool, member, self.world, self.now);
        if staying.iter().any(|reason| reason.code == Code::StartedByHand) {
            return false;
        }
        !staying.is_empty()
            || match removals.pods(&member.name, &self.holding.relaxed) {
                Err(_) => true,
                Ok(movers) => !removals.can_remove(&member.name, &movers, &|_| true),
            }
    }

    /// Why the server of a member is destroyed although it is no node that goes.
    pub(super) fn remains(&self, member: &Member) -> Option<Reason> {
        remains(self.policy, self.pool, member, self.world, self.now)
    }

    /// What may be made for a member that does not exist, or was and has not joined; the cheapest for what it has first.
    pub(super) fn build(&self, member: &Member) -> Option<Arc<Blueprint>> {
        let made = member.server.as_ref()?;
        let same = |blueprint: &&Arc<Blueprint>| blueprint.flavor == made.flavor;
        let zoned = |blueprint: &&Arc<Blueprint>| same(blueprint) && blueprint.zone == made.zone;
        let how = CapacityType::of(made);
        let bought = |blueprint: &&Arc<Blueprint>| zoned(blueprint) && blueprint.capacity_type == how;
        self.blueprints
            .iter()
            .find(bought)
            .or_else(|| self.blueprints.iter().find(zoned))
            .or_else(|| self.blueprints.iter().find(same))
            .cloned()
    }

    /// Why nothing is made by a blueprint now: the provider refused it a while ago (H8).
    pub(super) fn refused(&self, blueprint: &Blueprint) -> Option<Reason> {
        wakes::offering_backs_off(self.world, self.pool, blueprint, self.now)
    }

    /// What is in the way of bringing a member, but for the quota.
    pub(super) fn hindrance(&self, member: &Member, nearness: Nearness, by_hand: bool) -> Option<Reason> {
        let parked = nearness == Nearness::Parked;
        // Of those that do not exist one is as good as another.
        let own = matches!(nearness, Nearness::Waking | Nearness::Parked);
        let node = || wakes::node_backs_off(self.world, &member.name, self.now).filter(|_| own);
        let new = nearness >= Nearness::Parked;
        let pool = || wakes::pool_backs_off(self.world, self.pool, self.now).filter(|_| new && !by_hand);
        let held = || member.node.as_deref().filter(|_| parked).and_then(node_rules::hold);
        let refused = || node_rules::refuses(member, "wake").filter(|_| parked);
        let skewed = || node_rules::skewed(member, self.world).filter(|_| nearness > Nearness::Cordoned && !by_hand);
        node().or_else(pool).or_else(held).or_else(refused).or_else(skewed)
    }

    /// Since when it is parked if that is longer than the policy likes, else the end of time: who sleeps longest comes first.
    pub(super) fn overdue(&self, index: usize) -> Timestamp {
        let member = self.members.get(index);
        let since = member.and_then(|member| long_parked::since(self.pool, member, self.world, self.now));
        since.unwrap_or(Timestamp::MAX)
    }

    /// How often its last wakes failed in a row: who failed least comes first (H8).
    pub(super) fn tries(&self, index: usize) -> u32 {
        self.members.get(index).map_or(0, |member| wakes::failed(self.world, &member.name))
    }
}
