//! Scores by preferred affinity and anti-affinity of pods, in both directions.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::by_class::ByClass;
use super::double::Double;
use crate::model::{Name, Pod, PodSpec, PodTerm};
use crate::placement::class::Class;
use crate::placement::index::NodeIx;
use crate::placement::matcher::Matcher;
use crate::placement::room::Placed;
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
    let mut drawn = ByClass::new(site, own.iter().map(|(_, matcher, _)| matcher));
    for room in site.order.iter().filter_map(|at| site.room(*at)) {
        for there in &room.placed {
            let pulls = drawn.of(there, |class| pulls(site, pod, &own, there, class));
            for (weight, key) in pulls.iter() {
                if let Some(pair) = room.node.labels.get_key_value(key) {
                    *pairs.entry(pair).or_insert(0) += weight;
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

/// What a pod that is there adds to the domains of its node: by the terms of the pod that comes, and by its own.
fn pulls(site: &Site, pod: &Pod, own: &[(i64, Matcher, &Name)], there: &Placed, class: &Class) -> Rc<[(i64, Name)]> {
    let of_ours =
        own.iter().filter(|(_, matcher, _)| matcher.means(&class.namespace, &there.labels, &site.namespaces, false));
    let of_theirs = required(&there.spec).chain(preferred(&there.spec)).filter(|(_, term)| {
        let matcher = Matcher::of(term, &class.namespace, &there.labels);
        matcher.means(&pod.key.namespace, &pod.labels, &site.namespaces, false)
    });
    let of_ours = of_ours.map(|(weight, _, key)| (*weight, (*key).clone()));
    of_ours.chain(of_theirs.map(|(weight, term)| (weight, term.topology_key.clone()))).collect()
}
