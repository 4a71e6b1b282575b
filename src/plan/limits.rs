//! How much may run in all, over every pool: what that leaves to be brought, and what to say where it is passed.

use super::members::{Inventory, Member, State};
use super::prices::Prices;
use super::{Code, Evidence, Reason};
use crate::model::{Money, Resources, World, print_cpu};
use crate::policy::{Policy, Pool};

/// What runs or comes of what the limits count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    cpu: i64,
    memory: i64,
    gpus: i64,
    nodes: i64,
    cost: i64,
}

impl Count {
    /// What one member adds. What nobody knows of it counts as nothing.
    fn of(pool: &Pool, member: &Member, world: &World, prices: &Prices<'_>) -> Self {
        let by_flavor = || {
            let server = member.server.as_ref()?;
            world.flavors.get(&(server.provider.clone(), server.flavor.clone())).map(|flavor| &flavor.capacity)
        };
        let nothing = Resources::default();
        let has = member.node.as_ref().map(|node| &node.capacity).or_else(by_flavor).unwrap_or(&nothing);
        let gpus = has.extended.iter().filter(|(name, _)| name.ends_with("/gpu")).map(|(_, count)| (*count).max(0));
        Self {
            cpu: has.cpu.max(0),
            memory: has.memory.max(0),
            gpus: gpus.fold(0, i64::saturating_add),
            nodes: 1,
            cost: prices.active(pool, member).map_or(0, |Money(micros)| micros.max(0)),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_add(other.cpu),
            memory: self.memory.saturating_add(other.memory),
            gpus: self.gpus.saturating_add(other.gpus),
            nodes: self.nodes.saturating_add(other.nodes),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

/// One limit, read against a count.
struct Line {
    field: &'static str,
    most: i64,
    is: fn(&Count) -> i64,
    shown: fn(i64) -> String,
}

/// The limits and what counts against them.
#[derive(Clone)]
pub struct Limits<'a> {
    policy: &'a Policy,
    world: &'a World,
    prices: Prices<'a>,
    count: Count,
}

impl<'a> Limits<'a> {
    /// Counts what runs or is on its way, in any state but parked: nothing that the plan takes away is off before it is.
    pub fn count(policy: &'a Policy, inventory: &Inventory, world: &'a World, prices: Prices<'a>) -> Self {
        let mut count = Count::default();
        for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
            for member in members.iter().filter(|member| runs(&member.state)) {
                count = count.plus(Count::of(pool, member, world, &prices));
            }
        }
        Self { policy, world, prices, count }
    }

    fn lines(&self) -> Vec<Line> {
        let limits = &self.policy.limits;
        let number = |count: i64| count.to_string();
        let mut lines = vec![
            Line { field: "cpu", most: limits.resources.cpu, is: |count| count.cpu, shown: cores },
            Line { field: "memory", most: limits.resources.memory, is: |count| count.memory, shown: gibibytes },
        ];
        let gpus = limits.resources.extended.values().next();
        lines.extend(gpus.map(|most| Line { field: "gpus", most: *most, is: |count| count.gpus, shown: number }));
        let nodes = limits.nodes.map(i64::from);
        lines.extend(nodes.map(|most| Line { field: "nodes", most, is: |count| count.nodes, shown: number }));
        let cost = limits.cost_per_hour.map(|Money(micros)| micros);
        let money = |micros: i64| Money(micros).to_string();
        lines.extend(cost.map(|most| Line { field: "costPerHour", most, is: |count| count.cost, shown: money }));
        lines
    }

    /// Why the member cannot be woken beside what runs already; None if it can: exactly at a limit is allowed.
    pub fn refuses(&self, pool: &Pool, member: &Member) -> Option<Reason> {
        let adds = Count::of(pool, member, self.world, &self.prices);
        let after = self.count.plus(adds);
        let line = self.lines().into_iter().find(|line| (line.is)(&adds) > 0 && (line.is)(&after) > line.most)?;
        let shown = |count: &Count| (line.shown)((line.is)(count));
        let default = if self.by_default(line.field) { "the default `limits." } else { "`limits." };
        Some(Reason {
            code: Code::Limit,
            text: format!(
                "{default}{}` is {}: {} runs or comes, and it has {}",
                line.field,
                (line.shown)(line.most),
                shown(&self.count),
                shown(&adds)
            ),
            evidence: Evidence { key: Some(format!("limits.{}", line.field)), ..Evidence::default() },
            origin: self.policy.limits.origin.clone(),
        })
    }

    /// What the member costs per hour while it runs, in millionths; what has no price costs most.
    pub fn price(&self, pool: &Pool, member: &Member) -> i64 {
        self.prices.active(pool, member).map_or(i64::MAX, |Money(micros)| micros)
    }

    /// The member is woken: it counts from now on.
    pub fn take(&mut self, pool: &Pool, member: &Member) {
        self.count = self.count.plus(Count::of(pool, member, self.world, &self.prices));
    }

    fn by_default(&self, field: &str) -> bool {
        self.policy.limits.defaulted.iter().any(|defaulted| **defaulted == *field)
    }

    /// What is passed already: `1204 cores run, above …`.
    pub fn passed(&self) -> Passed {
        let mut passed = Passed::default();
        for line in self.lines().into_iter().filter(|line| (line.is)(&self.count) > line.most) {
            let (is, most, field) = ((line.shown)((line.is)(&self.count)), (line.shown)(line.most), line.field);
            if self.by_default(field) {
                let text = format!(
                    "{is} run, above the default `limits.{field}` of {most}: write the one that is meant as `spec.limits.{field}`"
                );
                passed.by_default.push(text);
            } else {
                passed.written.push(format!("{is} run, above `limits.{field}` of {most}: nothing is woken"));
            }
        }
        passed
    }
}

/// Limits that are passed as things are.
#[derive(Debug, Default)]
pub struct Passed {
    /// Those that somebody wrote.
    pub written: Vec<String>,
    /// Those that hold because nobody wrote any: then nobody knows of them either.
    pub by_default: Vec<String>,
}

/// `4000Gi`, `3999.9Gi`: in the unit of the default, so that figures compare.
fn gibibytes(bytes: i64) -> String {
    let tenths = (i128::from(bytes) * 10) >> 30;
    if bytes % (1 << 30) == 0 { format!("{}Gi", bytes >> 30) } else { format!("{}.{}Gi", tenths / 10, tenths % 10) }
}

fn cores(millicores: i64) -> String {
    let cores = print_cpu(millicores);
    if cores == "1" { "1 core".to_owned() } else { format!("{cores} cores") }
}

/// Whether a member counts: it runs, or may.
fn runs(state: &State) -> bool {
    !matches!(state, State::Parked(_) | State::StoppedByOther(_) | State::Absent)
}
