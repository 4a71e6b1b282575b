//! Scores by preferred affinity and anti-affinity of pods, in both directions.

use std::collections::BTreeMap;

use super::double::Double;
use crate::model::{Name, Pod, PodSpec, PodTerm};
use crate::placement::index::NodeIx;
use crate::placement::matcher::Matcher;
use crate::placement::site::Site;

/// What required affinity of a pod that is there counts for a pod that it means: `hardPodAffinityWeight`.
const REQUIRED: i64 = 1;

/// A term with its weight; negative for anti-affinity.
type Weighted<'a> = (i64, &'a PodTerm);

fn preferred(spec: &PodSpec) -> impl Iterator<Item = Weighted<'_>> {
    spec.affinity.iter().flat_map(|affinity| {
        let near = affinity.pod_preferred.iter().map(|(weight, term)| (i64::from(*weight), term));
        near.chain(affinity.anti_preferred.iter().map(|(weight, term)| (-i64::from(*weight), term)))
    })
}

fn required(spec: &PodSpec) -> impl Iterator<Item = Weighted<'_>> {
    spec.affinity.iter().flat_map(|affinity| &affinity.pod).map(|term| (REQUIRED, term))
}

/// The score of each of `nodes`, 0 to 100.
pub fn score(site: &Site, pod: &Pod, nodes: &[NodeIx]) -> Vec<i64> {
    let own: Vec<(i64, Matcher, &Name)> = preferred(&pod.spec)
        .map(|(weight, term)| (weight, Matcher::of(term, &pod.key.namespace, &pod.labels), &term.topology_key))
        .collect();
    let mut pairs: BTreeMap<(&Name, &Name), i64> = BTreeMap::new();
    for room in site.order.iter().filter_map(|at| site.room(*at)) {
        for there in &room.placed {
            let Some(class) = site.classes.get(there.class) else { continue };
            if own.is_empty() && there.spec.affinity.is_none() {
                continue;
            }
            let mut note = |weight: i64, key| {
                if let Some((key, value)) = room.node.labels.get_key_value(key) {
                    *pairs.entry((key, value)).or_insert(0) += weight;
                }
            };
            for (weight, matcher, key) in &own {
                if matcher.means(&class.namespace, &there.labels, &site.namespaces, false) {
                    note(*weight, *key);
                }
            }
            for (weight, term) in required(&there.spec).chain(preferred(&there.spec)) {
                let matcher = Matcher::of(term, &class.namespace, &there.labels);
                if matcher.means(&pod.key.namespace, &pod.labels, &site.namespaces, false) {
                    note(weight, &term.topology_key);
                }
            }
        }
    }
    let sum = |at: &NodeIx| -> i64 {
        let labels = site.room(*at).map(|room| &room.node.labels);
        labels.map_or(0, |labels| labels.iter().filter_map(|pair| pairs.get(&pair)).sum())
    };
    let sums: Vec<i64> = nodes.iter().map(sum).collect();
    let (least, most) = (sums.iter().min().copied().unwrap_or(0), sums.iter().max().copied().unwrap_or(0));
    let share = |sum: &i64| Double::ratio(i128::from(sum - least), i128::from(most - least)).percent();
    sums.iter().map(share).collect()
}
