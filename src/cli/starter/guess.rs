//! Which nodes might make a pool: those that share a pool label, else those of one size.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Name, Node, VolumeSource, World};
use crate::report::fold;

/// Labels by which installers and clouds say which pool a node belongs to, the most telling first.
const POOL_LABELS: [&str; 12] = [
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "doks.digitalocean.com/node-pool",
    "worker.gardener.cloud/pool",
    "magnum.openstack.org/nodegroup",
    "k8s.scaleway.com/pool-name",
    "nodepool",
    "node-pool",
    "node.kubernetes.io/pool",
    "agentpool",
    "pool",
];

/// A pool that might be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// A name for it.
    pub name: String,
    /// How many nodes.
    pub size: usize,
    /// How many of them are Ready.
    pub ready: usize,
    /// Their names.
    pub nodes: BTreeSet<Name>,
    /// By this label, if they have one.
    pub label: Option<(Name, Name)>,
    /// By these names, if not.
    pub names: Vec<String>,
    /// The flavor, if they share one.
    pub flavor: Option<Name>,
    /// Nodes that had better stay, and why.
    pub keep: BTreeMap<Name, String>,
}

/// The pools that the workers of a cluster might make, by name. The control plane belongs to none.
pub fn guess(world: &World) -> Vec<Guess> {
    let workers: Vec<&Node> = world.nodes.values().map(AsRef::as_ref).filter(|node| !node.control_plane()).collect();
    let labelled = POOL_LABELS
        .iter()
        .find(|label| !workers.is_empty() && workers.iter().all(|node| node.labels.contains_key(**label)));
    let mut groups: BTreeMap<(Option<Name>, Option<Name>), Vec<&Node>> = BTreeMap::new();
    for node in workers {
        let value = labelled.and_then(|label| node.labels.get(*label)).cloned();
        let flavor = if value.is_some() { None } else { flavor(world, node) };
        groups.entry((value, flavor)).or_default().push(node);
    }
    let mut taken = BTreeSet::new();
    let several = groups.len() > 1;
    (groups.into_iter())
        .map(|((value, size), nodes)| {
            let flavors: BTreeSet<Option<Name>> = nodes.iter().map(|node| flavor(world, node)).collect();
            let shared = flavors.into_iter().reduce(|_, _| None).flatten();
            let wanted = match (&value, &size) {
                (Some(value), _) => value.to_string(),
                (None, Some(size)) if several => format!("workers-{size}"),
                _ => "workers".to_owned(),
            };
            Guess {
                name: unique(&plain(&wanted), &mut taken),
                size: nodes.len(),
                ready: nodes.iter().filter(|node| node.ready()).count(),
                nodes: nodes.iter().map(|node| node.name.clone()).collect(),
                label: labelled.zip(value).map(|(label, value)| ((*label).into(), value)),
                names: fold(nodes.iter().map(|node| &*node.name)),
                flavor: shared,
                keep: (nodes.iter())
                    .filter_map(|node| stays(world, node).map(|why| (node.name.clone(), why)))
                    .collect(),
            }
        })
        .collect()
}

fn flavor(world: &World, node: &Node) -> Option<Name> {
    const LABELS: [&str; 2] = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];
    let server = world.server_of(node).map(|server| server.flavor.clone()).filter(|flavor| !flavor.is_empty());
    server.or_else(|| LABELS.iter().find_map(|label| node.labels.get(*label)).cloned())
}

/// Why a node had better stay: it has an address that people know, or data.
fn stays(world: &World, node: &Node) -> Option<String> {
    if world.server_of(node).is_some_and(|server| server.floating_address) || !node.external_addresses.is_empty() {
        return Some("it has an address of its own that the outside may know".to_owned());
    }
    let holder = world.pods_on(&node.name).find(|pod| {
        let keeps = |source: &VolumeSource| matches!(source, VolumeSource::Claim(_) | VolumeSource::Ephemeral(_));
        !pod.finished() && pod.spec.volumes.iter().any(|volume| keeps(&volume.source))
    });
    holder.map(|pod| format!("{} uses a volume here", pod.key))
}

/// Lower-case letters, digits and dashes, as names in Kubernetes.
fn plain(text: &str) -> String {
    let dashed: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    // Room for a number behind it: names have at most 63 characters.
    match dashed.get(..57).unwrap_or(&dashed).trim_matches('-') {
        "" => "workers".to_owned(),
        name => name.to_owned(),
    }
}

fn unique(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let names = std::iter::once(wanted.to_owned()).chain((2_u32..).map(|count| format!("{wanted}-{count}")));
    names.into_iter().find(|name| taken.insert(name.clone())).unwrap_or_default()
}
