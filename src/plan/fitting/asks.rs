//! What a pod asks of resources, beside what nodes have of them.

use std::cmp::Reverse;

use super::document::Asks;
use crate::model::{Name, Pod, PodSpec, World, print_bytes, print_cpu};
use crate::placement::{Site, Unfit};
use crate::plan::NodeAnswer;

/// What a resource is counted in.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// Thousandths of a core.
    Millicores,
    /// Bytes.
    Bytes,
    /// Whole things.
    Units,
}

impl Measure {
    /// As Kubernetes writes it.
    pub fn print(self, number: i64) -> String {
        match self {
            Self::Millicores => print_cpu(number),
            Self::Bytes => print_bytes(number),
            Self::Units => number.to_string(),
        }
    }
}

/// What a pod asks of a resource, and what that counts.
pub fn asked(spec: &PodSpec, resource: &Name) -> (i64, Measure) {
    let requests = &spec.requests;
    match &**resource {
        "cpu" => (requests.cpu, Measure::Millicores),
        "memory" => (requests.memory, Measure::Bytes),
        "ephemeral-storage" => (requests.ephemeral_storage, Measure::Bytes),
        name if name.starts_with("hugepages-") => (requests.extended(name), Measure::Bytes),
        name => (requests.extended(name), Measure::Units),
    }
}

/// The resources of which a node has too little left, those that most nodes lack first.
pub fn asks(world: &World, site: &Site, pod: &Pod, nodes: &[NodeAnswer]) -> Vec<Asks> {
    let mut lacks: std::collections::BTreeMap<Name, usize> = std::collections::BTreeMap::new();
    for answer in nodes.iter().filter(|answer| !answer.fits) {
        for unfit in site.unfit(pod, &answer.node) {
            if let Unfit::Insufficient(resource) = unfit {
                *lacks.entry(resource).or_default() += 1;
            }
        }
    }
    let mut lacks: Vec<(Name, usize)> = lacks.into_iter().collect();
    lacks.sort_by_key(|(name, count)| (Reverse(*count), name.clone()));
    let tell = |(resource, _): (Name, usize)| {
        let (asked, measure) = asked(&pod.spec, &resource);
        let there = || world.nodes.keys().filter_map(|node| site.left(node, &resource));
        let most = |of: fn((i64, i64)) -> i64| measure.print(there().map(of).max().unwrap_or(0).max(0));
        Asks {
            asked: measure.print(asked),
            most_left: most(|(left, _)| left),
            largest: most(|(_, has)| has),
            resource: resource.to_string(),
        }
    };
    lacks.into_iter().map(tell).collect()
}
