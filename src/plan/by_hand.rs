//! A person's word: what is asked for by hand, as it goes into the memory that a plan is made with.

use std::mem::discriminant;

use jiff::Timestamp;

use super::explain::state_words;
use super::members::{Inventory, Member, State};
use super::{Code, Evidence, Reason, node_rules};
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
    pub fn in_memory(&self, world: &World) -> Memory {
        let mut memory = world.memory.clone();
        for asked in &self.asked {
            memory.ask(asked.clone());
        }
        memory
    }

    /// Nodes of a pool that is asked for, which a person holds or asked otherwise for by name: that stands, each with
    /// whose word it is.
    pub fn stands_beside(&self, policy: &Policy, world: &World, now: Timestamp) -> Vec<(Name, String)> {
        let inventory = Inventory::take(policy, world);
        let mut found = Vec::new();
        for asked in self.asked.iter().filter(|asked| matches!(asked.target, Target::Pool(_))) {
            for member in members(policy, &inventory, &asked.target) {
                let target = Target::Node(member.name.clone());
                if self.asked.iter().any(|asked| asked.target == target) {
                    continue;
                }
                let by_name = world.memory.asked(&target, now);
                let by_name = by_name.filter(|other| discriminant(&other.wish) != discriminant(&asked.wish));
                let kept = match (asked.wish, &member.state) {
                    (Wish::Awake(_), State::Parked(_)) | (Wish::Parked, State::Active | State::OwnCordon(_)) => {
                        member.node.as_deref().and_then(node_rules::hold)
                    }
                    _ => None,
                };
                let words = by_name.map(ByHand::words).or(kept.map(|reason| reason.text));
                found.extend(words.map(|words| (member.name.clone(), words)));
            }
        }
        found
    }

    /// What a plan for it is narrowed to: what was asked for, without nodes of a pool for which another word stands, so
    /// that nothing else is carried out with it.
    pub fn targets(&self, policy: &Policy, world: &World, now: Timestamp) -> Vec<Target> {
        let beside = self.stands_beside(policy, world, now);
        let inventory = Inventory::take(policy, world);
        let mut targets = Vec::new();
        for asked in &self.asked {
            let stands = |name: &Name| beside.iter().any(|(node, _)| node == name);
            let pool = matches!(asked.target, Target::Pool(_));
            if pool && members(policy, &inventory, &asked.target).any(|member| stands(&member.name)) {
                let left = members(policy, &inventory, &asked.target).filter(|member| !stands(&member.name));
                targets.extend(left.map(|member| Target::Node(member.name.clone())));
            } else {
                targets.push(asked.target.clone());
            }
        }
        targets
    }

    /// Of pools that were to be awake: the nodes that are not, and how many nodes there are.
    pub fn asleep(&self, policy: &Policy, world: &World, now: Timestamp) -> (Vec<Asleep>, usize) {
        let inventory = Inventory::take(policy, world);
        let beside = self.stands_beside(policy, world, now);
        let pools = self.asked.iter().filter(|asked| matches!(asked.wish, Wish::Awake(_)));
        let pools = pools.filter(|asked| matches!(asked.target, Target::Pool(_)));
        let there = pools.flat_map(|asked| members(policy, &inventory, &asked.target));
        let there: Vec<&Member> = there.filter(|member| member.exists()).collect();
        let asleep = there.iter().filter(|member| member.state != State::Active).map(|member| {
            let word = beside.iter().find(|(node, _)| *node == member.name);
            Asleep {
                node: member.name.clone(),
                why: word.map_or_else(|| state_words(&member.state), |(_, word)| word.clone()),
                by_name: word.is_some(),
            }
        });
        (asleep.collect(), there.len())
    }

    /// Nodes that are as they were asked to be: on the way counts too.
    pub fn met(&self, policy: &Policy, world: &World) -> usize {
        let inventory = Inventory::take(policy, world);
        let met = |asked: &ByHand| {
            let is = |member: &&Member| match (asked.wish, &member.state) {
                (Wish::Parked, State::Parked(_) | State::StoppedByOther(_)) => true,
                (Wish::Awake(_), State::Active | State::Waking) => true,
                (Wish::Drained, State::OwnCordon(_)) => emptied(world, &member.name),
                _ => false,
            };
            members(policy, &inventory, &asked.target).filter(is).count()
        };
        self.asked.iter().map(met).sum()
    }
}

/// A node of a pool that was to be awake, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asleep {
    /// Which.
    pub node: Name,
    /// By whose word, or in what state it is.
    pub why: String,
    /// Somebody asked for it by its name.
    pub by_name: bool,
}

/// Whether only pods are left on a node that no drain moves: its DaemonSets', its own, and those at their end.
pub fn emptied(world: &World, node: &str) -> bool {
    world.pods_on(node).all(|pod| pod.daemon() || pod.mirror() || pod.finished() || pod.terminating())
}

/// That a person asked for it.
pub fn reason(asked: &ByHand) -> Reason {
    Reason {
        code: Code::Override,
        text: asked.words(),
        evidence: Evidence { until: asked.until, ..Evidence::default() },
        origin: None,
    }
}

/// By whose word a member of `pool` is away: what was asked for it by name, else for the pool. None if it is not, or if
/// nobody asked.
pub fn away<'a>(memory: &'a Memory, member: &Member, pool: &Name, now: Timestamp) -> Option<&'a ByHand> {
    let by_name = memory.asked(&Target::Node(member.name.clone()), now);
    let asked = by_name.or_else(|| memory.asked(&Target::Pool(pool.clone()), now))?;
    let is =
        matches!((asked.wish, &member.state), (Wish::Parked, State::Parked(_)) | (Wish::Drained, State::OwnCordon(_)));
    is.then_some(asked)
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
