//! What a change of policy does to one cluster: now, and over a horizon. Not what its text says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::brakes::Left;
use super::course::{Course, courses};
use super::decide::plan;
use super::forecast::spent;
use super::members::Inventory;
use super::{Plan, PolicyRef, Reason, Verb, wake_lead};
use crate::model::{Money, World};
use crate::policy::Policy;
use crate::schedule::{Holding, holds, turns};

/// The version of the document.
const FORMAT_VERSION: &str = "1.0";

/// So far it is looked ahead for the first thing that two policies would do differently.
const YEAR: SignedDuration = SignedDuration::from_hours(366 * 24);

/// What differs between two policies for one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Difference {
    /// The version of this format.
    pub format_version: String,
    /// The instant for which both plans are made.
    pub now: Timestamp,
    /// The end of the horizon.
    pub until: Timestamp,
    /// The new policy's zone.
    pub time_zone: String,
    /// The policy that is compared with.
    pub old: Side,
    /// The policy in question.
    pub new: Side,
    /// Nodes with which the two would do different things now, by name.
    pub nodes: Vec<NodeDifference>,
    /// Every pool of either, by name.
    pub pools: Vec<PoolDifference>,
    /// When what is wanted of a pool differs, by pool, then by time.
    pub spans: Vec<SpanDifference>,
    /// Where they do the same up to the end of the horizon: when that ends, looked for up to a year ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_at: Option<Timestamp>,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Side {
    /// Which policy.
    pub policy: PolicyRef,
    /// Steps that it would take now.
    pub steps: u32,
    /// Seconds of active nodes over the horizon, all pools.
    pub node_seconds: u64,
    /// The unit of its money; absent without rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What the pools cost over the horizon, in millionths; absent without rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
    /// What holds it back altogether, by brake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
}

/// A node with which the two do different things now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeDifference {
    /// Which.
    pub node: String,
    /// What the old policy does.
    pub old: Deed,
    /// What the new one does.
    pub new: Deed,
}

/// What a plan does with a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deed {
    /// In their order; none if it stays as it is.
    pub verbs: Vec<Verb>,
    /// Why, or why it stays; empty for a node that the policy does not know.
    pub reason: String,
}

/// A pool over the horizon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolDifference {
    /// Its name.
    pub pool: String,
    /// By the old policy; absent where that has no such pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<PoolSide>,
    /// By the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<PoolSide>,
}

/// A pool over the horizon, by one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolSide {
    /// Active nodes when its plan is done.
    pub active: u32,
    /// Seconds of active nodes.
    pub node_seconds: u64,
    /// What they cost, in millionths; absent without rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
}

/// A span in which the two want different things of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpanDifference {
    /// Which.
    pub pool: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; the end of the horizon if not before.
    pub until: Timestamp,
    /// What the old policy wants; absent where it has no such pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Wanted>,
    /// What the new one wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Wanted>,
    /// What begins or ends at `from`, in either.
    pub why: Vec<String>,
}

/// What a policy wants of a pool at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    /// Nodes that are active then, as far as the calendar says.
    pub active: u32,
    /// The least.
    pub floor: u32,
    /// The most; absent is all members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<u32>,
    /// A freeze that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<String>,
    /// Spare capacity, in the policy's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<String>,
}

impl Difference {
    /// Whether the two do the same.
    pub fn is_none(&self) -> bool {
        self.the_same_so_far() && self.differs_at.is_none()
    }

    /// Whether they do the same up to the end of the horizon.
    pub fn the_same_so_far(&self) -> bool {
        self.nodes.is_empty() && self.spans.is_empty() && self.old.cost_micros == self.new.cost_micros
    }
}

/// A pool's coming by one policy: from when on what is wanted, rising in time, the first from `now`; and why.
type Line = Vec<(Timestamp, Wanted, Vec<String>)>;

/// All of one policy.
struct Half {
    plan: Plan,
    pools: BTreeMap<String, (PoolSide, Line)>,
}

/// What the two do differently from `now` until `until`.
pub fn difference(old: &Policy, new: &Policy, world: &World, now: Timestamp, until: Timestamp) -> Difference {
    let until = until.max(now);
    let mut difference = compared(old, new, world, now, until);
    let year = now.checked_add(YEAR).unwrap_or(until).max(until);
    if difference.the_same_so_far() && *old.digest != *new.digest {
        let later = compared(old, new, world, now, year);
        difference.differs_at = later.spans.iter().map(|span| span.from).min();
    }
    difference
}

fn compared(old: &Policy, new: &Policy, world: &World, now: Timestamp, until: Timestamp) -> Difference {
    let (old, new) = (Half::of(old, world, now, until), Half::of(new, world, now, until));
    let names: BTreeSet<&String> = old.pools.keys().chain(new.pools.keys()).collect();
    let pools = names.iter().map(|name| PoolDifference {
        pool: (*name).clone(),
        old: old.pools.get(*name).map(|(side, _)| side.clone()),
        new: new.pools.get(*name).map(|(side, _)| side.clone()),
    });
    let spans = names.iter().flat_map(|name| {
        let line = |half: &Half| half.pools.get(*name).map(|(_, line)| line.clone()).unwrap_or_default();
        spans(name, &line(&old), &line(&new), until)
    });
    Difference {
        format_version: FORMAT_VERSION.to_owned(),
        now,
        until,
        time_zone: new.plan.time_zone.clone(),
        nodes: nodes(&old.plan, &new.plan),
        pools: pools.collect(),
        spans: spans.collect(),
        differs_at: None,
        old: old.side(),
        new: new.side(),
    }
}

impl Half {
    fn of(policy: &Policy, world: &World, now: Timestamp, until: Timestamp) -> Self {
        let (plan, _) = plan(policy, world, now);
        let policy = &*policy.with_by_hand(&world.memory, now);
        let inventory = Inventory::take(policy, world);
        let done = (plan.steps.as_slice(), Left::by(&plan.refusals));
        let all = courses(policy, world, &inventory, (&plan.pools, &plan.kept), done, (now, until));
        let priced = plan.cost.is_some();
        let pools = all.iter().zip(&plan.pools).map(|(course, planned)| {
            let line = line(policy, world, course, planned.desired, now, until);
            let ends = line.iter().skip(1).map(|(at, ..)| *at).chain([until]);
            let seconds = line.iter().zip(ends).map(|((from, wanted, _), to)| {
                u64::from(wanted.active).saturating_mul(u64::try_from(to.duration_since(*from).as_secs()).unwrap_or(0))
            });
            let side = PoolSide {
                active: planned.desired,
                node_seconds: seconds.fold(0, u64::saturating_add),
                cost_micros: priced.then(|| spent(policy, course, now, until).0),
            };
            (planned.name.clone(), (side, line))
        });
        let pools = pools.collect();
        Self { plan, pools }
    }

    fn side(self) -> Side {
        let sides = || self.pools.values().map(|(side, _)| side);
        let cost = sides().filter_map(|side| side.cost_micros).map(Money).fold(Money::ZERO, Money::plus);
        Side {
            steps: u32::try_from(self.plan.steps.len()).unwrap_or(u32::MAX),
            node_seconds: sides().map(|side| side.node_seconds).fold(0, u64::saturating_add),
            unit: self.plan.cost.as_ref().map(|cost| cost.unit.clone()),
            cost_micros: self.plan.cost.as_ref().map(|_| cost.0),
            refusals: self.plan.refusals.iter().map(|refusal| refusal.brake.clone()).collect(),
            policy: self.plan.policy,
        }
    }
}

fn line(policy: &Policy, world: &World, course: &Course<'_>, desired: u32, now: Timestamp, until: Timestamp) -> Line {
    let lead = wake_lead(world, course.pool);
    let mut held = wanted(&holds(policy, course.pool, now, lead), desired);
    let turns = turns(policy, course.pool, now, until, lead);
    let mut turns = turns.iter().peekable();
    let mut line = vec![(now, held.clone(), Vec::new())];
    for (at, active) in course.levels.iter().filter(|(at, _)| *at < until) {
        let mut why = Vec::new();
        while let Some(turn) = turns.next_if(|turn| turn.at <= *at) {
            held = wanted(&turn.holding, *active);
            why.clone_from(&turn.why);
        }
        held.active = *active;
        if *at > now {
            line.push((*at, held.clone(), why));
        }
    }
    line
}

fn wanted(holding: &Holding, active: u32) -> Wanted {
    let headroom = holding.said.iter().filter(|said| said.won && said.what == "headroom");
    let headroom: Vec<&str> = headroom.map(|said| said.value.as_str()).collect();
    Wanted {
        active,
        floor: holding.floor,
        ceiling: holding.ceiling,
        freeze: holding.freeze.as_ref().map(|freeze| freeze.name.to_string()),
        headroom: (!headroom.is_empty()).then(|| headroom.join(", ")),
    }
}

/// Where two lines differ. Spans that meet and want the same are one.
fn spans(pool: &str, old: &Line, new: &Line, until: Timestamp) -> Vec<SpanDifference> {
    let moments: BTreeSet<Timestamp> = old.iter().chain(new).map(|(at, ..)| *at).collect();
    let at = |line: &Line, moment: Timestamp| {
        let begun = line.partition_point(|(from, ..)| *from <= moment);
        begun
            .checked_sub(1)
            .and_then(|last| line.get(last))
            .map(|(from, wanted, why)| (wanted.clone(), if *from == moment { why.clone() } else { Vec::new() }))
    };
    let mut spans: Vec<SpanDifference> = Vec::new();
    let ends = moments.iter().skip(1).copied().chain([until]);
    for (moment, end) in moments.iter().copied().zip(ends) {
        let (was, is) = (at(old, moment), at(new, moment));
        let mut why: Vec<String> = Vec::new();
        for text in [&was, &is].into_iter().flatten().flat_map(|(_, why)| why) {
            if !why.contains(text) {
                why.push(text.clone());
            }
        }
        let (was, is) = (was.map(|(wanted, _)| wanted), is.map(|(wanted, _)| wanted));
        if was == is {
            continue;
        }
        match spans.last_mut() {
            Some(last) if last.until == moment && (&last.old, &last.new) == (&was, &is) => last.until = end,
            _ => spans.push(SpanDifference { pool: pool.to_owned(), from: moment, until: end, old: was, new: is, why }),
        }
    }
    spans
}

fn nodes(old: &Plan, new: &Plan) -> Vec<NodeDifference> {
    let (mut was, mut is) = (deeds(old), deeds(new));
    let names: BTreeSet<String> = was.keys().chain(is.keys()).cloned().collect();
    let pairs = names.into_iter().map(|node| {
        let (old, new) = (was.remove(&node).unwrap_or_default(), is.remove(&node).unwrap_or_default());
        NodeDifference { node, old, new }
    });
    pairs.filter(|pair| pair.old.verbs != pair.new.verbs).collect()
}

fn deeds(plan: &Plan) -> BTreeMap<String, Deed> {
    let reason = |reason: Option<&Reason>| reason.map(|reason| reason.text.clone()).unwrap_or_default();
    let kept = plan
        .kept
        .iter()
        .map(|kept| (kept.node.clone(), Deed { verbs: Vec::new(), reason: reason(kept.reasons.first()) }));
    let mut deeds: BTreeMap<String, Deed> = kept.collect();
    for step in &plan.steps {
        let deed = deeds.entry(step.node.clone()).or_default();
        if deed.verbs.is_empty() {
            deed.reason.clone_from(&step.reason.text);
        }
        deed.verbs.push(step.verb);
    }
    deeds
}
