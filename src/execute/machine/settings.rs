//! What the machine knows beside the plan: excerpts of the policy, and the table that says whether a pod may leave.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::past::Past;
use crate::model::{IntOrPercent, Memory, Name, Pod, World};
use crate::plan::leaving;
use crate::policy::{Drain, HookTime, Idle, OnFailure, Overrun, Template, Wake};

/// Whether a pod may leave its node, asked again right before it is made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may be evicted.
    Goes,
    /// It is no obstacle and is not evicted.
    Stays,
    /// It is waited for, at most so long; why.
    Waits(Option<SignedDuration>, String),
    /// The node stays; why.
    Blocks(String),
}

/// The one table of rules, as a value.
pub trait Recheck {
    /// What the table says of `pod` now. `relaxed` are the protections that may be ignored, by key.
    fn ask(&self, pod: &Pod, world: &World, now: Timestamp, relaxed: &[Name]) -> Leave;

    /// Whether it can ever say of `pod`, by the pod alone, that it is waited for.
    fn may_wait(&self, pod: &Pod) -> bool;
}

/// The table of the design, with the policy's `drain`.
pub struct Rules {
    /// The policy's entries.
    pub drain: Drain,
}

impl Recheck for Rules {
    fn ask(&self, pod: &Pod, world: &World, now: Timestamp, relaxed: &[Name]) -> Leave {
        let settings = leaving::Settings::default();
        let asked = leaving::Asked { pod, world, drain: &self.drain, now, relaxed, settings };
        match leaving::may_leave(&asked) {
            leaving::Ruling::Goes => Leave::Goes,
            leaving::Ruling::Stays(_) => Leave::Stays,
            leaving::Ruling::Waits(at_most, reason) => Leave::Waits(at_most, reason.text),
            leaving::Ruling::Blocks(reason) => Leave::Blocks(reason.text),
        }
    }

    fn may_wait(&self, pod: &Pod) -> bool {
        leaving::may_wait(pod, &self.drain)
    }
}

/// A span in which nothing is disrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeSpan {
    /// Its window.
    pub name: Name,
    /// From this instant.
    pub from: Timestamp,
    /// Up to this one.
    pub until: Timestamp,
    /// What happens to a drain that is running when it opens.
    pub overrun: Overrun,
}

/// A span in which protections of pods are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaxedSpan {
    /// From this instant.
    pub from: Timestamp,
    /// Up to this one.
    pub until: Timestamp,
    /// The protections' keys.
    pub keys: Vec<Name>,
}

/// A hook, as far as it decides anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRule {
    /// Its name.
    pub name: Name,
    /// When it is called.
    pub when: HookTime,
    /// What happens if it fails.
    pub on_failure: OnFailure,
}

/// What the machine knows of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// How its servers are parked.
    pub idle: Idle,
    /// The policy's name for its provider.
    pub provider: Option<Name>,
    /// How its servers are made.
    pub create: Option<Template>,
    /// Whoever slept for longer may have missed something.
    pub max_parked: SignedDuration,
    /// How long the provider gets to free the host of a shelved server.
    pub offload_timeout: SignedDuration,
    /// Nodes in transition at once.
    pub parallelism: u32,
    /// Nodes going at once, of those that were active when the plan was made.
    pub max_unavailable: Option<IntOrPercent>,
    /// Active nodes when the plan was made.
    pub active: u32,
    /// The Node objects of parked servers are deleted.
    pub deletes_parked_nodes: bool,
    /// Cordons and parked servers without a record of ours count as ours (H23).
    pub adopt: bool,
    /// Other owners of its nodes that the operator knows of (H16).
    pub shared_with: Vec<Name>,
    /// Freezes in the time that the execution may take.
    pub freezes: Vec<FreezeSpan>,
    /// Spans in the same time in which protections may be ignored, in order and side by side.
    pub relaxed: Vec<RelaxedSpan>,
}

impl PoolSettings {
    /// The freeze that is open at `now`.
    pub fn frozen(&self, now: Timestamp) -> Option<&FreezeSpan> {
        self.freezes.iter().find(|span| span.from <= now && now < span.until)
    }

    /// The protections that may be ignored at `now`, by key.
    pub fn relaxed(&self, now: Timestamp) -> &[Name] {
        self.relaxed.iter().find(|span| span.from <= now && now < span.until).map_or(&[], |span| &span.keys)
    }

    /// The next instant after `now` at which a freeze opens or ends.
    pub fn freeze_turn(&self, now: Timestamp) -> Option<Timestamp> {
        self.freezes.iter().flat_map(|span| [span.from, span.until]).filter(|at| *at > now).min()
    }

    /// Nodes that may be on their way out at once; at least one, or nothing would ever move.
    pub fn most_going(&self) -> u32 {
        let share = match self.max_unavailable {
            None => u32::MAX,
            Some(IntOrPercent::Count(count)) => count,
            Some(IntOrPercent::Percent(percent)) => {
                u32::try_from(u64::from(self.active) * u64::from(percent) / 100).unwrap_or(u32::MAX)
            }
        };
        share.min(self.parallelism).max(1)
    }
}

/// Everything the machine is told at its start.
pub struct Settings {
    /// `metadata.name` of the policy, for the marks.
    pub policy: Name,
    /// How nodes are drained.
    pub drain: Drain,
    /// Pools by name.
    pub pools: BTreeMap<Name, PoolSettings>,
    /// When a woken node may be uncordoned.
    pub wake: Wake,
    /// What is called before a drain and after a wake, in order.
    pub hooks: Vec<HookRule>,
    /// Steps that are left out for now, for their nodes are barred: the plan is not done without them.
    pub put_off: u32,
    /// Do not wait for pods that end by themselves: end when nothing else is left.
    pub no_wait: bool,
    /// Wait for them so long at most, when nothing else is left to do.
    pub longest_wait: SignedDuration,
    /// What is remembered at the start: the planner's.
    pub memory: Memory,
    /// The table of rules.
    pub recheck: Box<dyn Recheck>,
}

/// What a journal tells a machine that takes an execution up again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Acts that were numbered before.
    pub acts: u64,
    /// Ready pods by workload when the execution began: implied budgets hold over the whole of it (H1).
    pub ready: BTreeMap<String, u32>,
    /// What was begun with each node.
    pub past: BTreeMap<Name, Past>,
}
