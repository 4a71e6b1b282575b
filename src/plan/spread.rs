//! Kept Nodes of parked servers are empty domains of hard spreads (H7).
//!
//! Where a domain stays with no pods, no other may hold more than `maxSkew` of them. What is placed now is asked of
//! [`Site`]; here it is asked whether all pods of a workload would still find room were each of them made again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::budgets::root;
use super::{Code, Evidence, Reason};
use crate::model::{Name, Node, Pod, PodSpec, Spread, World, counted};
use crate::placement::{Site, term_matches};

/// The hard spreads of a cluster, each with the domains that still take pods.
#[derive(Clone, Debug)]
pub struct Spreads<'a> {
    world: &'a World,
    all: Vec<Counted<'a>>,
    open: BTreeSet<Name>,
    /// Nodes that are no domain any more once they are parked: the Node object goes too (`parkedNode: delete`).
    forgotten: BTreeSet<Name>,
}

/// One hard spread of one workload that counts tainted nodes.
#[derive(Clone, Debug)]
struct Counted<'a> {
    /// One of its pods.
    pod: &'a Pod,
    spread: &'a Spread,
    /// Pods that count.
    pods: usize,
    /// Nodes that take pods, by domain.
    domains: BTreeMap<Name, usize>,
}

impl<'a> Spreads<'a> {
    /// As the cluster is now.
    pub fn new(world: &'a World) -> Self {
        let mut owners = BTreeSet::new();
        let mut all = Vec::new();
        for pod in world.pods.values().filter(|pod| there(pod)) {
            let hard = || pod.spec.spread.iter().filter(|spread| counts_parked(spread));
            if hard().next().is_some() && pod.owner.as_ref().is_some_and(|owner| owners.insert(&owner.uid)) {
                let counted =
                    |spread| Counted { pod, spread, pods: matching(world, pod, spread), domains: BTreeMap::new() };
                all.extend(hard().map(counted));
            }
        }
        let mut spreads = Self { world, all, open: BTreeSet::new(), forgotten: BTreeSet::new() };
        for node in world.nodes.values().filter(|node| node.ready() && !node.unschedulable) {
            spreads.open(&node.name);
        }
        spreads
    }

    /// These nodes are no domains once they are parked.
    pub fn forget(&mut self, nodes: impl IntoIterator<Item = Name>) {
        self.forgotten.extend(nodes);
    }

    /// The node takes pods.
    pub fn open(&mut self, node: &str) {
        let Some(node) = self.world.nodes.get(node) else { return };
        if self.open.insert(node.name.clone()) {
            for counted in &mut self.all {
                if let Some(domain) = counted.domain(node) {
                    *counted.domains.entry(domain).or_insert(0) += 1;
                }
            }
        }
    }

    /// The node takes no pods any more.
    pub fn close(&mut self, node: &str) {
        let Some(node) = self.world.nodes.get(node) else { return };
        if self.open.remove(&node.name) {
            for counted in &mut self.all {
                counted.leave(node);
            }
        }
    }

    /// Why `node` cannot go: its kept Node would be a domain without pods, and the others could not take them all.
    pub fn stays(&self, node: &str) -> Vec<Reason> {
        let Some(node) = self.world.nodes.get(node).filter(|node| !self.forgotten.contains(&node.name)) else {
            return Vec::new();
        };
        let open = self.open.contains(&node.name);
        self.all.iter().filter_map(|counted| counted.strands(self.world, node, open)).collect()
    }
}

impl Counted<'_> {
    /// The domain of a node that the spread counts.
    fn domain(&self, node: &Node) -> Option<Name> {
        let eligible = !self.spread.honor_affinity || wants(&self.pod.spec, node);
        node.labels.get(&self.spread.topology_key).filter(|_| eligible).cloned()
    }

    fn leave(&mut self, node: &Node) {
        if let Some(domain) = self.domain(node)
            && let Some(nodes) = self.domains.get_mut(&domain)
        {
            *nodes = nodes.saturating_sub(1);
            if *nodes == 0 {
                self.domains.remove(&domain);
            }
        }
    }

    fn strands(&self, world: &World, node: &Node, open: bool) -> Option<Reason> {
        let nodes = self.domains.get(&self.domain(node)?).copied().unwrap_or(0);
        if nodes > usize::from(open) {
            return None;
        }
        let others = self.domains.len().saturating_sub(nodes);
        let room = usize::try_from(self.spread.max_skew).unwrap_or(1).max(1).saturating_mul(others);
        (self.pods > room).then(|| {
            let count = |count: usize, one: &str| counted(u32::try_from(count).unwrap_or(u32::MAX), one);
            let (others, pods) = (count(others, "other domain"), count(self.pods, "pod"));
            let why = format!("its {others} would take {room} of {pods}");
            reason(world, self.pod, &self.spread.topology_key, &why)
        })
    }
}

/// Why a pod that finds no home keeps its node, if parked nodes alone are in its way: were they no domains, it had one.
pub fn in_the_way(world: &World, site: &Site, pod: &Pod) -> Option<Reason> {
    let key = pod.spec.spread.iter().find(|spread| counts_parked(spread))?.topology_key.clone();
    let mut spec = PodSpec::clone(&pod.spec);
    for spread in spec.spread.iter_mut().filter(|spread| spread.hard) {
        spread.honor_taints = true;
    }
    let honest = Pod { spec: Arc::new(spec), ..pod.clone() };
    site.best_home(&honest, |_| true)
        .map(|_| reason(world, pod, &key, &format!("{} would have no other home", pod.key)))
}

fn reason(world: &World, pod: &Pod, key: &Name, why: &str) -> Reason {
    let workload = root(world, pod).map(|root| root.name);
    let of = workload.clone().unwrap_or_else(|| pod.key.to_string());
    Reason {
        code: Code::SpreadDomainStays,
        text: format!("{of} spreads hard over {key}, and the parked node would stay a domain without pods: {why}"),
        evidence: Evidence {
            pod: Some(pod.key.to_string()),
            workload,
            key: Some(key.to_string()),
            ..Evidence::default()
        },
        origin: None,
    }
}

fn counts_parked(spread: &Spread) -> bool {
    spread.hard && !spread.honor_taints
}

fn there(pod: &Pod) -> bool {
    !pod.finished() && !pod.terminating()
}

/// The pods that a spread of `pod` counts.
fn matching(world: &World, pod: &Pod, spread: &Spread) -> usize {
    let Some(selector) = &spread.selector else { return 0 };
    let alike = |other: &Pod| spread.match_label_keys.iter().all(|key| other.labels.get(key) == pod.labels.get(key));
    let others = world.pods.values().filter(|other| other.key.namespace == pod.key.namespace && there(other));
    others.filter(|other| selector.matches(&other.labels) && alike(other)).count()
}

/// Whether the pod's node selector and required node affinity take the node in.
fn wants(spec: &PodSpec, node: &Node) -> bool {
    let by_selector = spec.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
    let terms = spec.affinity.as_ref().and_then(|affinity| affinity.node.as_ref());
    by_selector && terms.is_none_or(|terms| terms.iter().any(|term| term_matches(term, node)))
}
