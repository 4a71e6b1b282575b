//! Headroom: spare capacity in units that nothing divides, placed as if each were a pod of its pool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::automatic::automatic;
use super::demand::Alike;
use super::document::{HeadroomPlan, HeadroomUnits};
use crate::model::{Name, Pod, PodKey, PodSpec, Resources, Toleration, World};
use crate::placement::passes;
use crate::plan::Reason;
use crate::plan::pool_decision::Pooled;
use crate::plan::removal::Removals;
use crate::policy::{Headroom, HeadroomUnit, Pool};

/// The units of one size that a pool is to keep.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// One of them.
    pub unit: HeadroomUnit,
    /// After which workload it is shaped, for automatic headroom.
    pub like: Option<String>,
}

/// What a pool keeps, and what is known of it before anything comes or goes.
#[derive(Debug)]
pub struct Spare {
    /// The pool's index.
    pub pool: usize,
    /// The units, the largest first.
    pub wanted: Vec<Wanted>,
    /// How automatic headroom was worked out.
    pub calculation: Option<String>,
    /// Before this nothing comes for units that are missing; None if it may now.
    pub refill_at: Option<Timestamp>,
    /// Since when units are missing, if they are; known only after they were placed.
    pub short_since: Option<Timestamp>,
}

impl Spare {
    /// What `pooled` is to keep now; None if nothing.
    pub fn of(index: usize, pooled: &Pooled<'_>) -> Option<Self> {
        let asked = pooled.holding.headroom.as_ref()?;
        let mut wanted: Vec<Wanted> =
            asked.units.iter().map(|unit| Wanted { unit: unit.clone(), like: None }).collect();
        let (shaped, calculation) = asked.automatic.map(|share| automatic(pooled, share)).unzip();
        wanted.extend(shaped.into_iter().flatten());
        wanted.sort_by_key(|wanted| std::cmp::Reverse(super::value::size(&wanted.unit.size)));
        (!wanted.is_empty() || calculation.is_some()).then_some(Self {
            pool: index,
            wanted,
            calculation,
            refill_at: None,
            short_since: None,
        })
    }

    /// The units as pods that only the pool's nodes take.
    pub fn alike(&self, pooled: &Pooled<'_>) -> Vec<Alike> {
        let members = members(pooled);
        // What may come to the pool tolerates what its nodes always carry.
        let nodes = pooled.members.iter().filter_map(|member| member.node.as_ref());
        let new = pooled.blueprints.iter().flat_map(|build| &build.shape.taints);
        let lasting = nodes.flat_map(|node| &node.taints).chain(new).filter(|taint| !passes(taint));
        let tolerations: BTreeSet<Toleration> = lasting
            .map(|taint| Toleration {
                key: Some(taint.key.clone()),
                value: Some(taint.value.clone()),
                effect: Some(taint.effect),
                seconds: None,
            })
            .collect();
        let sizes = self.wanted.iter().enumerate();
        let alike = sizes.map(|(size, wanted)| {
            let spec = Arc::new(spec(&wanted.unit.size, tolerations.clone()));
            let pods = (0..wanted.unit.count).map(|number| Arc::new(unit(pooled.pool, size, number, spec.clone())));
            Alike { pods: pods.collect(), demand: self.refill_at.is_none(), only: Some(members.clone()) }
        });
        alike.collect()
    }

    /// What is known when everything is decided: where each unit is.
    pub fn plan(
        &self,
        pool: &Pool,
        lodged: &BTreeMap<PodKey, Name>,
        short: &BTreeMap<PodKey, Reason>,
        removals: &Removals<'_>,
    ) -> HeadroomPlan {
        let units = self.wanted.iter().enumerate().map(|(size, wanted)| {
            let mut nodes: BTreeMap<String, u32> = BTreeMap::new();
            for number in 0..wanted.unit.count {
                let key = key(pool, size, number);
                if let Some(node) = removals.home(&key).or_else(|| lodged.get(&key)) {
                    *nodes.entry(node.to_string()).or_insert(0) += 1;
                }
            }
            let kept = nodes.values().sum();
            let mut keys = (0..wanted.unit.count).map(|number| key(pool, size, number));
            let missing = keys.find_map(|key| short.get(&key).cloned()).filter(|_| kept < wanted.unit.count);
            let asks = &wanted.unit.size;
            HeadroomUnits {
                milli_cpu: asks.cpu,
                memory_bytes: asks.memory,
                others: asks.extended.iter().map(|(name, count)| (name.to_string(), *count)).collect(),
                missing,
                size: words(asks),
                like: wanted.like.clone(),
                wanted: wanted.unit.count,
                kept,
                nodes,
            }
        });
        let units: Vec<HeadroomUnits> = units.collect();
        let short = units.iter().any(|units| units.kept < units.wanted);
        HeadroomPlan {
            units,
            calculation: self.calculation.clone(),
            short_since: self.short_since.filter(|_| short),
            refill_at: self.refill_at.filter(|_| short),
        }
    }
}

/// The nodes that take a pool's units.
pub fn members(pooled: &Pooled<'_>) -> Arc<BTreeSet<Name>> {
    Arc::new(pooled.members.iter().map(|member| member.name.clone()).collect())
}

/// Whether the pod is a unit, and of how large.
pub fn unit_words(pod: &Pod) -> Option<String> {
    pod.key.namespace.starts_with(MARK).then(|| words(&pod.spec.requests))
}

/// No namespace has a space in its name.
const MARK: &str = "headroom of ";

/// The namespace of a pool's units.
pub fn namespace(pool: &Pool) -> Name {
    format!("{MARK}{}", pool.name).into()
}

fn key(pool: &Pool, size: usize, number: u32) -> PodKey {
    PodKey::new(namespace(pool), format!("{size}-{number}"))
}

fn unit(pool: &Pool, size: usize, number: u32, spec: Arc<PodSpec>) -> Pod {
    Pod { marked_unschedulable: true, ..Pod::new(key(pool, size, number), spec) }
}

/// As a pod asks for it: one slot, and any memory and CPU scored as they are.
pub fn spec(size: &Resources, tolerations: BTreeSet<Toleration>) -> PodSpec {
    let requests = Resources { pods: 1, ..size.clone() };
    PodSpec { scored: (size.cpu, size.memory), requests, tolerations, priority: i32::MIN, ..PodSpec::default() }
}

/// `cpu 2, memory 8Gi`: what one unit is.
pub fn words(size: &Resources) -> String {
    let mut parts = Vec::new();
    if size.cpu > 0 {
        parts.push(format!("cpu {}", crate::model::print_cpu(size.cpu)));
    }
    if size.memory > 0 {
        parts.push(format!("memory {}", crate::model::print_bytes(size.memory)));
    }
    parts.extend(size.extended.iter().map(|(name, count)| format!("{name} {count}")));
    parts.join(", ")
}

/// Since when units were missing, by what was remembered, and when they may be refilled. Nobody who looked in the
/// meantime means that the wait is over.
pub fn refill(pooled: &Pooled<'_>, world: &World) -> (Timestamp, Option<Timestamp>) {
    let wait = pooled.holding.headroom.as_ref().map(Headroom::refill_after).unwrap_or_default();
    let (now, memory) = (pooled.now, &world.memory);
    let remembered = memory.pools.get(&pooled.pool.name).and_then(|pool| pool.headroom_short_since);
    let watched = memory.watched.is_some_and(|at| now.duration_since(at) < wait);
    let since = match remembered {
        Some(since) => since,
        None if watched => now,
        None => now.checked_sub(wait).unwrap_or(now),
    };
    let at = since.checked_add(wait).unwrap_or(Timestamp::MAX);
    (since, Some(at).filter(|at| *at > now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_said_in_the_units_of_policies() {
        let size = Resources { cpu: 2500, memory: 8 << 30, ..Resources::default() };
        assert_eq!(words(&size), "cpu 2500m, memory 8Gi");
    }
}
