//! Scores by soft topology spread: the constraint's own, or the scheduler's default for pods of one owner.

use std::collections::{BTreeMap, BTreeSet};

use super::by_class::ByClass;
use super::logarithm::{POINT, logarithm};
use crate::model::{Name, Pod, PodKey, PodSpec, Selector, Spread};
use crate::placement::index::NodeIx;
use crate::placement::matcher::Matcher;
use crate::placement::node_rules::{selected, tolerated};
use crate::placement::room::{Placed, Room};
use crate::placement::site::Site;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// The constraints that the scheduler adds to a pod without any, over the pods that are [`alike`].
fn by_default(alike: &Selector) -> Vec<Spread> {
    let spread = |key: &str, max_skew| Spread {
        max_skew,
        topology_key: key.into(),
        hard: false,
        selector: Some(alike.clone()),
        min_domains: None,
        honor_affinity: true,
        honor_taints: false,
        match_label_keys: Vec::new(),
    };
    vec![spread(HOSTNAME, 3), spread(ZONE, 5)]
}

/// The pods that its Services and its owner select together with it.
fn alike(site: &Site, pod: &Pod) -> Selector {
    let first = PodKey::new(pod.key.namespace.clone(), "");
    let near = site.services.range(first..).take_while(|(key, _)| key.namespace == pod.key.namespace);
    let services = near.map(|(_, selector)| selector).filter(|selector| selector.matches(&pod.labels));
    let owner = pod.owner.as_ref().and_then(|owner| site.owners.get(&owner.uid));
    let requirements = services.chain(owner).flat_map(|selector| selector.requirements.iter().cloned());
    Selector { requirements: requirements.collect() }
}

/// One constraint at work.
struct Constraint<'a> {
    key: Name,
    max_skew: i64,
    count: Count<'a>,
    /// Pods per domain of a candidate; None for hostnames, whose pods are counted on the node.
    domains: Option<BTreeMap<Option<Name>, i64>>,
    weight: i128,
}

/// Counts the pods of a node that matter.
struct Count<'a> {
    site: &'a Site,
    matcher: Matcher,
    counted: ByClass<'a, bool>,
}

impl Count<'_> {
    fn on(&mut self, room: &Room) -> i64 {
        let Self { site, matcher, counted } = self;
        let counts = |there: &&Placed| {
            counted.of(there, |class| {
                !class.terminating && matcher.means(&class.namespace, &there.labels, &site.namespaces, false)
            })
        };
        i64::try_from(room.placed.iter().filter(counts).count()).unwrap_or(i64::MAX)
    }
}

/// The score of each of `nodes`, 0 to 100; None if the pod has no soft spread.
pub fn score(site: &Site, pod: &Pod, nodes: &[NodeIx]) -> Option<Vec<i64>> {
    let own = !pod.spec.spread.is_empty();
    let soft = if own {
        pod.spec.spread.iter().filter(|spread| !spread.hard).cloned().collect()
    } else {
        let alike = alike(site, pod);
        if alike.requirements.is_empty() { Vec::new() } else { by_default(&alike) }
    };
    if soft.is_empty() {
        return None;
    }
    // The scheduler's own constraints do not ask that every label be there.
    let complete = |room: &Room| !own || soft.iter().all(|spread| room.node.labels.contains_key(&spread.topology_key));
    let rooms: Vec<Option<&Room>> = nodes.iter().map(|at| site.room(*at).filter(|room| complete(room))).collect();
    let candidates: Vec<&Room> = rooms.iter().copied().flatten().collect();
    let mut constraints: Vec<Constraint<'_>> = Vec::new();
    for spread in &soft {
        let matcher = Matcher::counted(spread, &pod.key.namespace, &pod.labels);
        let counted = ByClass::new(site, std::iter::once(&matcher));
        let mut count = Count { site, matcher, counted };
        let domain = |room: &Room| room.node.labels.get(&spread.topology_key).cloned();
        let mut domains: Option<BTreeMap<Option<Name>, i64>> = None;
        if &*spread.topology_key != HOSTNAME {
            let mut counts: BTreeMap<Option<Name>, i64> = candidates.iter().map(|room| (domain(room), 0)).collect();
            let all = site.order.iter().filter_map(|at| site.room(*at)).filter(|room| complete(room));
            for room in all.filter(|room| counts_for(spread, &pod.spec, room)) {
                if let Some(pods) = counts.get_mut(&domain(room)) {
                    *pods += count.on(room);
                }
            }
            domains = Some(counts);
        }
        let number = domains.as_ref().map_or(candidates.len(), BTreeMap::len);
        let weight = logarithm(u64::try_from(number).unwrap_or(u64::MAX).saturating_add(2));
        let (key, max_skew) = (spread.topology_key.clone(), i64::from(spread.max_skew));
        constraints.push(Constraint { key, max_skew, count, domains, weight });
    }
    let raw: Vec<Option<i64>> = rooms.iter().map(|room| room.map(|room| sum(room, &mut constraints))).collect();
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
fn sum(room: &Room, constraints: &mut [Constraint<'_>]) -> i64 {
    let mut sum = 0;
    for Constraint { key, max_skew, count, domains, weight } in constraints {
        let Some(value) = room.node.labels.get(key) else { continue };
        let pods = match domains {
            None => count.on(room),
            Some(domains) => domains.get(&Some(value.clone())).copied().unwrap_or(0),
        };
        sum += i128::from(pods) * *weight + ((i128::from(*max_skew) - 1) << POINT);
    }
    i64::try_from((sum + (1 << (POINT - 1))) >> POINT).unwrap_or(i64::MAX)
}

fn counts_for(spread: &Spread, spec: &PodSpec, room: &Room) -> bool {
    (!spread.honor_affinity || selected(spec, &room.node.name, &room.node.labels))
        && (!spread.honor_taints || room.state.taints.iter().all(|taint| tolerated(&spec.tolerations, taint)))
}
