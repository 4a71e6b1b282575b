//! What parked nodes do to a cluster that counts NotReady ones: predicted before it is done.

use std::collections::{BTreeMap, BTreeSet};

use super::{Refusal, Step, Verb, behind};
use crate::model::{Name, Node, SUSPENDED, World, keys};
use crate::policy::{Policy, Pool};

/// Cluster Autoscaler does nothing any more with a larger share of unready nodes, in per cent
/// (`--max-total-unready-percentage`), and more than so many (`--ok-total-unready-count`).
const AUTOSCALER: (u64, u64) = (45, 3);
/// The node controller evicts more slowly, or not at all in a zone of 50 nodes or less, from this share on, in per cent,
/// and from so many (`--unhealthy-zone-threshold`).
const EVICTION: (u64, u64) = (55, 3);

/// Nodes that will not be Ready, of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    unready: u64,
    all: u64,
}

impl Share {
    fn per_cent(self) -> u64 {
        self.unready * 100 / self.all.max(1)
    }

    fn halts_autoscaler(self, most: u64) -> bool {
        self.unready * 100 > self.all * most && self.unready > AUTOSCALER.1
    }

    fn slows_eviction(self) -> bool {
        self.unready * 100 >= self.all * EVICTION.0 && self.unready >= EVICTION.1
    }
}

/// The shares when the plan is done, by zone and in all. Nodes without a zone are in one of their own; those whose Node
/// object is deleted while their server is parked are in none.
fn predicted(pools: &[Pool], world: &World, steps: &[Step]) -> (BTreeMap<Name, Share>, Share) {
    let of = |verb: Verb| -> BTreeSet<&str> {
        steps.iter().filter(|step| step.verb == verb).map(|step| step.node.as_str()).collect()
    };
    let (parked, back) = (of(Verb::Park), of(Verb::Wait));
    let (mut zones, mut total): (BTreeMap<Name, Share>, Share) = Default::default();
    let deleted: BTreeSet<&str> = pools.iter().flat_map(|pool| behind::deleted(pool, world, steps)).collect();
    for node in world.nodes.values() {
        let name = &*node.name;
        let stands_in = node.annotations.contains_key(keys::DELETED);
        if (stands_in || deleted.contains(name)) && !back.contains(name) {
            continue;
        }
        let unready = !back.contains(name) && (parked.contains(name) || !node.ready());
        for share in [zones.entry(zone(node)).or_default(), &mut total] {
            share.all += 1;
            share.unready += u64::from(unready);
        }
    }
    (zones, total)
}

fn zone(node: &Node) -> Name {
    node.labels.get("topology.kubernetes.io/zone").cloned().unwrap_or_default()
}

/// Whether a Cluster Autoscaler runs in the cluster, by the labels its charts and manifests give it.
fn autoscaler_runs(world: &World) -> bool {
    const LABELS: [&str; 3] = ["app.kubernetes.io/name", "k8s-app", "app"];
    let named = |text: &str| text.ends_with("cluster-autoscaler");
    world
        .pods
        .values()
        .filter(|pod| !pod.finished())
        .any(|pod| LABELS.iter().any(|key| pod.labels.get(*key).is_some_and(|value| named(value))))
}

/// Says what the plan does to those who count NotReady nodes; nothing where it parks none.
pub fn notes(pools: &[Pool], world: &World, steps: &[Step]) -> Vec<String> {
    if !steps.iter().any(|step| step.verb == Verb::Park) {
        return Vec::new();
    }
    let (zones, total) = predicted(pools, world, steps);
    let mut notes = Vec::new();
    for (zone, share) in zones.iter().filter(|(_, share)| share.slows_eviction()) {
        let place = if zone.is_empty() { "without a zone".to_owned() } else { format!("in zone {zone}") };
        notes.push(format!(
            "{} of {} nodes {place} will be NotReady ({}%): from {}% on Kubernetes evicts pods from failed nodes there \
             slowly, or not at all",
            share.unready,
            share.all,
            share.per_cent(),
            EVICTION.0
        ));
    }
    if total.halts_autoscaler(AUTOSCALER.0) {
        notes.push(format!(
            "{} of {} nodes will be NotReady ({}%): a Cluster Autoscaler before 1.36 halts where more than {}% and more \
             than {} are",
            total.unready,
            total.all,
            total.per_cent(),
            AUTOSCALER.0,
            AUTOSCALER.1
        ));
    }
    notes
}

/// The brake where a Cluster Autoscaler runs and would stop.
pub fn brake(policy: &Policy, world: &World, steps: &[Step]) -> Option<Refusal> {
    let total = predicted(&policy.pools, world, steps).1;
    let parks = steps.iter().any(|step| step.verb == Verb::Park);
    let most = policy.brakes.max_unready;
    (parks && total.halts_autoscaler(u64::from(most)) && autoscaler_runs(world)).then(|| Refusal {
        brake: "unready-share".to_owned(),
        text: format!(
            "{} of {} nodes would be NotReady, and the Cluster Autoscaler that runs here halts where more than {most}% and \
             more than {} are: park fewer, or raise its `--max-total-unready-percentage` and `brakes.maxUnready` with it \
             (from its version 1.36 on it knows parked nodes by their condition `{SUSPENDED}`: raise the latter alone)",
            total.unready, total.all, AUTOSCALER.1
        ),
        origin: policy.brakes.origin.clone(),
    })
}
