//! Scores by what a node is: taints that prefer, and preferred node affinity.

use crate::model::{Node, PodSpec, TaintEffect};
use crate::placement::node_rules::{term_matches, tolerated};

/// How many PreferNoSchedule taints speak against the node.
pub fn discouraged(spec: &PodSpec, node: &Node) -> i64 {
    let soft = node.taints.iter().filter(|taint| taint.effect == TaintEffect::PreferNoSchedule);
    i64::try_from(soft.filter(|taint| !tolerated(&spec.tolerations, taint)).count()).unwrap_or(i64::MAX)
}

/// The weights of the preferred terms that the node meets.
pub fn preferred(spec: &PodSpec, node: &Node) -> i64 {
    let terms = spec.affinity.iter().flat_map(|affinity| &affinity.node_preferred);
    terms.filter(|(_, term)| term_matches(term, node)).map(|(weight, _)| i64::from(*weight)).sum()
}
