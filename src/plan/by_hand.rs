//! A person's word: what is asked for by hand, as it goes into the memory that a plan is made with.

use std::collections::BTreeSet;

use super::members::{Inventory, Member, State};
use crate::model::{ByHand, Memory, Name, Target, Wish, World};
use crate::policy::Policy;

/// What is asked for by hand together with a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// In the order in which it was said.
    pub asked: Vec<ByHand>,
}

impl Word {
    /// Nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// The memory of `world`, and this.
    pub fn in_memory(&self, policy: &Policy, world: &World) -> Memory {
        let mut memory = world.memory.clone();
        if self.is_empty() {
            return memory;
        }
        let inventory = Inventory::take(policy, world);
        for asked in &self.asked {
            let nodes: BTreeSet<Name> =
                members(policy, &inventory, &asked.target).map(|member| member.name.clone()).collect();
            memory.ask(asked.clone(), &nodes);
        }
        memory
    }

    /// Nodes that are as they were asked to be: on the way counts too.
    pub fn met(&self, policy: &Policy, world: &World) -> usize {
        let inventory = Inventory::take(policy, world);
        let met = |asked: &ByHand| {
            let is = |member: &&Member| match (asked.wish, &member.state) {
                (Wish::Parked, State::Parked(_) | State::StoppedByOther(_)) => true,
                (Wish::Awake(_), State::Active | State::Waking) => true,
                (Wish::Drained, State::OwnCordon(_)) => world.pods_on(&member.name).all(|pod| pod.daemon()),
                _ => false,
            };
            members(policy, &inventory, &asked.target).filter(is).count()
        };
        self.asked.iter().map(met).sum()
    }
}

/// The nodes that a target names.
pub fn members<'a>(
    policy: &'a Policy,
    inventory: &'a Inventory,
    target: &'a Target,
) -> impl Iterator<Item = &'a Member> {
    let pools = policy.pools.iter().zip(&inventory.pools);
    pools.flat_map(move |(pool, members)| {
        members.iter().filter(move |member| match target {
            Target::Pool(name) => *name == pool.name,
            Target::Node(name) => *name == member.name,
        })
    })
}

/// How many members of a pool can be awake: those that exist.
pub fn can_be_awake(policy: &Policy, world: &World, pool: &Name) -> u32 {
    let inventory = Inventory::take(policy, world);
    let target = Target::Pool(pool.clone());
    let there = members(policy, &inventory, &target).filter(|member| {
        matches!(member.state, State::Active | State::OwnCordon(_) | State::Parked(_) | State::Waking | State::Busy(_))
    });
    u32::try_from(there.count()).unwrap_or(u32::MAX)
}
