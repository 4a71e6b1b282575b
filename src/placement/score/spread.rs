//! Scores by soft topology spread: the constraint's own, or the scheduler's default for pods of one owner.

use std::collections::{BTreeMap, BTreeSet};

use super::logarithm::{POINT, logarithm};
use crate::model::{Name, Pod, PodSpec, Selector, Spread};
use crate::placement::index::NodeIx;
use crate::placement::matcher::Matcher;
use crate::placement::node_rules::{selected, tolerated};
use crate::placement::room::Room;
use crate::placement::site::Site;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// The constraints that the scheduler adds to a pod without any, over the pods of its owner.
fn by_default(owner: &Selector) -> Vec<Spread> {
    let spread = |key: &str, max_skew| Spread {
        max_skew,
        topology_key: key.into(),
        hard: false,
        selector: Some(owner.clone()),
        min_domains: None,
        honor_affinity: true,
        honor_taints: false,
        match_label_keys: Vec::new(),
    };
    vec![spread(HOSTNAME, 3), spread(ZONE, 5)]
}

/// One constraint at work.
struct Constraint {
    spread: Spread,
    matcher: Matcher,
    /// Pods per domain of a candidate; for hostnames they are counted on the node.
    counts: BTreeMap<Name, i64>,
    weight: i128,
}

/// The score of each of `nodes`, 0 to 100; None if the pod has no soft spread.
pub fn score(site: &Site, pod: &Pod, nodes: &[NodeIx]) -> Option<Vec<i64>> {
    let own = !pod.spec.spread.is_empty();
    let soft = if own {
        pod.spec.spread.iter().filter(|spread| !spread.hard).cloned().collect()
    } else {
        let owner = pod.owner.as_ref().and_then(|owner| site.owners.get(&owner.uid))?;
        if owner.requirements.is_empty() { Vec::new() } else { by_default(owner) }
    };
    if soft.is_empty() {
        return None;
    }
    // The scheduler's own constraints do not ask that every label be there.
    let complete = |room: &Room| !own || soft.iter().all(|spread| room.node.labels.contains_key(&spread.topology_key));
    let rooms: Vec<Option<&Room>> = nodes.iter().map(|at| site.room(*at).filter(|room| complete(room))).collect();
    let candidates: Vec<&Room> = rooms.iter().copied().flatten().collect();
    let constraints: Vec<Constraint> = soft
        .iter()
        .map(|spread| {
            let matcher = Matcher::counted(spread, &pod.key.namespace, &pod.labels);
            let mut domains = candidates.len();
            let mut counts = BTreeMap::new();
            if &*spread.topology_key != HOSTNAME {
                counts = candidates.iter().map(|room| (value(room, &spread.topology_key), 0)).collect();
                domains = counts.len();
                let all = site.order.iter().filter_map(|at| site.room(*at)).filter(|room| complete(room));
                for room in all.filter(|room| counts_for(spread, &pod.spec, room)) {
                    if let Some(count) = counts.get_mut(&value(room, &spread.topology_key)) {
                        *count += pods(site, room, &matcher);
                    }
                }
            }
            let weight = logarithm(u64::try_from(domains).unwrap_or(u64::MAX).saturating_add(2));
            Constraint { spread: spread.clone(), matcher, counts, weight }
        })
        .collect();
    let raw: Vec<Option<i64>> = rooms.iter().map(|room| room.map(|room| sum(site, room, &constraints))).collect();
    let known: BTreeSet<i64> = raw.iter().copied().flatten().collect();
    let (least, most) = (known.first().copied().unwrap_or(0), known.last().copied().unwrap_or(0));
    let normal = |raw: &Option<i64>| match raw {
        None => 0,
        Some(_) if most == 0 => 100,
        Some(raw) => 100 * (most + least - raw) / most,
    };
    Some(raw.iter().map(normal).collect())
}

/// Pods around the node, weighted by how many domains there are, rounded.
fn sum(site: &Site, room: &Room, constraints: &[Constraint]) -> i64 {
    let mut sum = 0;
    for Constraint { spread, matcher, counts, weight } in constraints {
        if !room.node.labels.contains_key(&spread.topology_key) {
            continue;
        }
        let count = if &*spread.topology_key == HOSTNAME {
            pods(site, room, matcher)
        } else {
            counts.get(&value(room, &spread.topology_key)).copied().unwrap_or(0)
        };
        sum += i128::from(count) * weight + ((i128::from(spread.max_skew) - 1) << POINT);
    }
    i64::try_from((sum + (1 << (POINT - 1))) >> POINT).unwrap_or(i64::MAX)
}

/// The value of the label; empty without it.
fn value(room: &Room, key: &Name) -> Name {
    room.node.labels.get(key).cloned().unwrap_or_else(|| "".into())
}

fn counts_for(spread: &Spread, spec: &PodSpec, room: &Room) -> bool {
    (!spread.honor_affinity || selected(spec, &room.node.name, &room.node.labels))
        && (!spread.honor_taints || room.state.taints.iter().all(|taint| tolerated(&spec.tolerations, taint)))
}

fn pods(site: &Site, room: &Room, matcher: &Matcher) -> i64 {
    let counted = room.placed.iter().filter(|there| {
        let class = site.classes.get(there.class);
        class.is_some_and(|class| {
            !class.terminating && matcher.means(&class.namespace, &there.labels, &site.namespaces, false)
        })
    });
    i64::try_from(counted.count()).unwrap_or(i64::MAX)
}
