//! What is said of headroom: the units that the policy asks for, each where it is said to be, beside everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::case::{Case, Life};
use super::violation::{Found, Rule};
use crate::model::{Pod, PodKey, PodSpec, Resources, TaintEffect, Toleration};
use crate::placement::Site;
use crate::plan::{Code, HeadroomUnits, Verb};

/// Tries every unit in `site`, which is the cluster when the plan is done with all pods that have a node then.
pub fn check(case: &Case<'_>, mut site: Site, going: &BTreeSet<&str>, found: &mut Found) {
    let mut kept_on: BTreeSet<&str> = BTreeSet::new();
    for (line, wanted) in case.plan.pools.iter().zip(&case.pools) {
        let name = &wanted.pool.name;
        let asked = wanted.holding.headroom.as_ref();
        let units = line.headroom.iter().flat_map(|headroom| &headroom.units);
        let mut manual: BTreeMap<(i64, i64, Vec<i64>), i64> = BTreeMap::new();
        for unit in asked.into_iter().flat_map(|asked| &asked.units) {
            let size = (unit.size.cpu, unit.size.memory, unit.size.extended.values().copied().collect());
            *manual.entry(size).or_insert(0) += i64::from(unit.count);
        }
        for units in units {
            if units.like.is_none() {
                let size = (units.milli_cpu, units.memory_bytes, units.others.values().copied().collect());
                *manual.entry(size).or_insert(0) -= i64::from(units.wanted);
            }
            let told: u64 = units.nodes.values().map(|count| u64::from(*count)).sum();
            if told != u64::from(units.kept) || units.kept > units.wanted {
                found.pool(name, Rule::Headroom, format!("its units of {} do not add up", units.size));
            }
            for (node, count) in &units.nodes {
                kept_on.insert(node);
                let up = case.has(Verb::Uncordon, node) || case.life(node) == Life::Active;
                if !wanted.members.contains(node.as_str()) || !up || going.contains(node.as_str()) {
                    found.pool(name, Rule::Headroom, format!("{node} keeps no headroom when the plan is done"));
                }
                let unit = pod(units, case, node);
                for _ in 0..*count {
                    if let Some(unfit) = site.unfit(&unit, node).first() {
                        let text = format!("{node} has no room for a unit of {}: {unfit}", units.size);
                        found.pool(name, Rule::Headroom, text);
                        break;
                    }
                    site.place(&unit, node);
                }
            }
        }
        if manual.values().any(|count| *count != 0) {
            found.pool(name, Rule::Headroom, "its units are not those that the policy asks for");
        }
    }
    for step in case.plan.steps.iter().filter(|step| step.reason.code == Code::Headroom) {
        if !kept_on.contains(step.node.as_str()) {
            found.step(step, Rule::Headroom, "it comes for headroom, and none is kept there");
        }
    }
}

/// A unit as a pod that minds no lasting taint of the node.
fn pod(units: &HeadroomUnits, case: &Case<'_>, node: &str) -> Pod {
    let new = || case.new_node(node).map(|node| node.taints);
    let taints = case.node(node).map(|node| node.taints.clone()).or_else(new).unwrap_or_default();
    let lasting = taints.into_iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
    let tolerations = lasting.map(|taint| Toleration {
        key: Some(taint.key),
        value: Some(taint.value),
        effect: Some(taint.effect),
        seconds: None,
    });
    let extended = units.others.iter().map(|(name, count)| (name.as_str().into(), *count)).collect();
    let requests =
        Resources { cpu: units.milli_cpu, memory: units.memory_bytes, pods: 1, extended, ..Resources::default() };
    let spec = PodSpec { requests, tolerations: tolerations.collect(), ..PodSpec::default() };
    Pod::new(PodKey::new("headroom", "unit"), Arc::new(spec))
}
