//! Where a volume can be: node affinity, zone labels, the topologies of a class.

use std::collections::BTreeSet;

use crate::model::{MIGRATED, Migrated, Name, Node, NodeTerm, Operator, PersistentVolume, Requirement, StorageClass};
use crate::placement::node_rules::term_holds;

const ZONE: &str = "topology.kubernetes.io/zone";
const REGION: &str = "topology.kubernetes.io/region";
const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
const BETA_REGION: &str = "failure-domain.beta.kubernetes.io/region";

/// Zone and region labels of a volume, with the values that any node label of that key must have.
pub type Zones = Vec<(&'static str, BTreeSet<Name>)>;

/// The zones that a volume's labels name. A list is parted by `__`; one with an empty part does not count.
pub fn zones(volume: &PersistentVolume) -> Zones {
    let labelled = [BETA_ZONE, BETA_REGION, ZONE, REGION].into_iter();
    labelled
        .filter_map(|key| {
            let values: BTreeSet<Name> = parts(volume.labels.get(key)?).collect();
            (!values.contains("")).then_some((key, values))
        })
        .collect()
}

fn parts(label: &str) -> impl Iterator<Item = Name> {
    label.split("__").map(|part| part.trim().into())
}

/// Whether a node is in these zones. A node without any such label is everywhere; an old label of the volume is compared
/// with a node's new one where the node has no old one.
pub fn in_zones(zones: &Zones, node: &Node) -> bool {
    let labels = &node.labels;
    if ![BETA_ZONE, BETA_REGION, ZONE, REGION].iter().any(|key| labels.contains_key(*key)) {
        return true;
    }
    zones.iter().all(|(key, values)| {
        let new = match *key {
            BETA_ZONE => ZONE,
            BETA_REGION => REGION,
            key => key,
        };
        labels.get(*key).or_else(|| labels.get(new)).is_some_and(|zone| values.contains(zone))
    })
}

/// Whether the node affinity of `volume` lets it be on `node`. Where the in-tree plugin of the volume counts as
/// `migrated` on the node, its zone is that of the CSI driver's label.
pub fn can_be_on(volume: &PersistentVolume, node: &Node, migrated: &BTreeSet<Name>) -> bool {
    let holds = |terms: &[NodeTerm]| terms.iter().any(|term| term_holds(term, &"".into(), &node.labels));
    let taken_over = volume.disk.as_ref().filter(|disk| disk.in_tree).and_then(|disk| {
        let known = MIGRATED.iter().find(|one| *one.driver == *disk.driver);
        known.filter(|one| migrated.contains(one.plugin))
    });
    match taken_over.map_or_else(|| volume.node_affinity.clone(), |plugin| translated(volume, plugin)) {
        None => true,
        Some(terms) => holds(&terms),
    }
}

/// The node affinity that an in-tree volume has for the CSI driver.
fn translated(volume: &PersistentVolume, plugin: &Migrated) -> Option<Vec<NodeTerm>> {
    let terms = volume.node_affinity.clone();
    let Some(own) = plugin.zone else { return terms };
    let named = |key: &str| terms.iter().flatten().flat_map(|term| &term.labels).any(|label| *label.key == *key);
    let old = !named(ZONE)
        && (named(BETA_ZONE) || (!volume.labels.contains_key(ZONE) && volume.labels.contains_key(BETA_ZONE)));
    let (zone, region) = if old { (BETA_ZONE, BETA_REGION) } else { (ZONE, REGION) };
    let in_affinity = named(zone);
    let rename = |mut term: NodeTerm| {
        for label in &mut term.labels {
            match &*label.key {
                key if key == zone => label.key = own.into(),
                key if key == region => label.key = REGION.into(),
                _ => {}
            }
        }
        term
    };
    let terms = terms.map(|terms| terms.into_iter().map(rename).collect::<Vec<_>>());
    let values: BTreeSet<Name> =
        volume.labels.get(zone).iter().flat_map(|label| parts(label)).filter(|zone| !zone.is_empty()).collect();
    if in_affinity || values.is_empty() {
        return terms;
    }
    let mut terms = terms.filter(|terms| !terms.is_empty()).unwrap_or_else(|| vec![NodeTerm::default()]);
    for term in &mut terms {
        term.labels.push(Requirement { key: own.into(), operator: Operator::In, values: values.clone() });
    }
    Some(terms)
}

/// Whether a class has volumes made for this node.
pub fn provisions(class: &StorageClass, node: &Node) -> bool {
    let allowed = &class.topologies;
    !class.provisioner.is_empty()
        && &*class.provisioner != "kubernetes.io/no-provisioner"
        && (allowed.is_empty() || allowed.iter().any(|term| term_holds(term, &node.name, &node.labels)))
}
