//! Which pending pods are demand: those that the scheduler refused, and for which a node may be brought.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::value::size;
use crate::model::{Labels, Name, Pod, PodKey, World};
use crate::placement::Site;
use crate::plan::{Code, Evidence, Reason, running};

/// No node is brought for pods of a lower priority than this, as Cluster Autoscaler has it by default.
const CUTOFF: i32 = -10;

/// Pending pods that are the same to every node.
#[derive(Clone, Debug)]
pub struct Alike {
    /// The pods, by name.
    pub pods: Vec<Arc<Pod>>,
    /// The scheduler refused them: nodes are brought for them. Others only take room.
    pub demand: bool,
    /// Only these nodes take them: those of the pool that keeps them as headroom.
    pub only: Option<Arc<BTreeSet<Name>>>,
}

impl Alike {
    /// One of them.
    pub fn one(&self) -> Option<&Arc<Pod>> {
        self.pods.first()
    }

    /// Whether they may go to a node at all.
    pub fn may(&self, node: &Name) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(node))
    }

    /// Whether a pod that is placed elsewhere may make a place for them.
    pub fn looks_around(&self) -> bool {
        self.one().is_some_and(|pod| {
            let near = pod.spec.affinity.as_ref().is_some_and(|affinity| !affinity.pod.is_empty());
            near || pod.spec.spread.iter().any(|spread| spread.hard)
        })
    }

    /// How much so many of them ask for.
    pub fn size(&self, pods: usize) -> i128 {
        let pods = i128::try_from(pods).unwrap_or(i128::MAX);
        self.one().map_or(0, |pod| size(&pod.spec.requests).saturating_mul(pods))
    }
}

/// Who waits.
#[derive(Debug, Default)]
pub struct Demand {
    /// In the order in which they are placed: more important first, then larger, then by name.
    pub alike: Vec<Alike>,
    /// Pods for which nothing is brought and that take no room, with the reason.
    pub ignored: Vec<(Arc<Pod>, Reason)>,
}

impl Demand {
    /// Finds every pending pod.
    pub fn of(world: &World) -> Self {
        let mut demand = Self::default();
        type Likeness<'a> = (bool, &'a Name, &'a Labels, usize);
        let mut groups: BTreeMap<Likeness<'_>, Alike> = BTreeMap::new();
        let pending = world.pods.values().filter(|pod| pod.node.is_none());
        let mut promises = Promises::default();
        for pod in pending.filter(|pod| !pod.finished() && !pod.terminating() && !pod.mirror()) {
            if let Some(reason) = ignored(pod).or_else(|| promises.of(world, pod)) {
                demand.ignored.push((pod.clone(), reason));
                continue;
            }
            let asked_for = pod.marked_unschedulable;
            // Pods from one template share their spec.
            let template = Arc::as_ptr(&pod.spec).addr();
            let group = groups.entry((asked_for, &pod.key.namespace, &pod.labels, template));
            group.or_insert_with(|| Alike { pods: Vec::new(), demand: asked_for, only: None }).pods.push(pod.clone());
        }
        demand.alike = groups.into_values().collect();
        // Their own names decide: an address is another one in each run.
        demand.alike.sort_by_cached_key(|alike| {
            alike.one().map(|pod| (Reverse(pod.spec.priority), Reverse(size(&pod.spec.requests)), pod.key.clone()))
        });
        demand
    }
}

/// Why nothing is brought for a pending pod, and it takes no room in the simulation.
fn ignored(pod: &Pod) -> Option<Reason> {
    let reason = |code, text: String| Some(Reason { code, text, evidence: Evidence::default(), origin: None });
    if !pod.spec.gates.is_empty() {
        let gates: Vec<&str> = pod.spec.gates.iter().map(|gate| &**gate).collect();
        return reason(Code::Gated, format!("their scheduling gates ({}) are still there", gates.join(", ")));
    }
    if pod.daemon() {
        return reason(Code::DaemonSet, "a DaemonSet's pods come with their nodes and bring none".to_owned());
    }
    if pod.spec.priority < CUTOFF {
        let text = format!("of priority {}: nothing is brought for pods below {CUTOFF}", pod.spec.priority);
        return reason(Code::LowPriority, text);
    }
    None
}

/// Nodes that the scheduler promised to pods. A promise counts where pods have still to go from the node; one of a node that
/// is gone, that is shut or that has room now is none: the scheduler looks at every node again.
#[derive(Debug, Default)]
struct Promises {
    site: Option<Site>,
}

impl Promises {
    fn of(&mut self, world: &World, pod: &Pod) -> Option<Reason> {
        let node = pod.nominated_node.as_ref()?;
        let site = self.site.get_or_insert_with(|| running::site(world));
        site.makes_room(world, pod, node).then(|| Reason {
            code: Code::Nominated,
            text: format!("the scheduler makes room for them on {node} by pushing out others"),
            evidence: Evidence { node: Some(node.to_string()), ..Evidence::default() },
            origin: None,
        })
    }
}

/// Why nothing is brought yet for pods that nobody refused.
pub fn not_refused() -> Reason {
    let text = "the scheduler has not refused them yet".to_owned();
    Reason { code: Code::NotRefused, text, evidence: Evidence::default(), origin: None }
}

/// The first of some pods and how many more: `shop/cart-1, shop/cart-2 and 7 more`.
pub fn named(pods: &[PodKey]) -> String {
    match pods {
        [] => String::new(),
        [one] => one.to_string(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}
