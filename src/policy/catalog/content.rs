//! What a catalog says, whatever its form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{CapacityType, Money, Name, Resources};

/// Which machine a node is: the label that catalogs, pods and kubelets name its flavor by.
pub(super) const TYPE: &str = "node.kubernetes.io/instance-type";
/// The label of its architecture.
pub(super) const ARCH: &str = "kubernetes.io/arch";
/// The label of its operating system.
pub(super) const SYSTEM: &str = "kubernetes.io/os";
/// The label of its zone.
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";

/// One way to have a flavor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offering {
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// Where; None leaves that to the pool or the provider.
    pub zone: Option<Name>,
    /// Per hour; None where the catalog does not say.
    pub price: Option<Money>,
    /// Whether it may be had at all now.
    pub available: bool,
}

/// A flavor of a catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogFlavor {
    /// Its name.
    pub name: Name,
    /// Labels that its nodes have: its own name, its architecture and system where they are known, and what the file adds.
    pub labels: BTreeMap<Name, Name>,
    /// What the machine has.
    pub capacity: Resources,
    /// What pods may ask of it; None leaves that to the pool's `reserved`.
    pub allocatable: Option<Resources>,
    /// How it may be had, by type, then by zone.
    pub offerings: Vec<Offering>,
}

/// What a file says, or what a pool takes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// The file, as the policy names it.
    pub named: Name,
    /// Where it stands.
    pub file: Name,
    /// What its prices count, such as `USD`; None where it does not say.
    pub unit: Option<Name>,
    /// By name.
    pub flavors: Vec<CatalogFlavor>,
}

impl Catalog {
    /// The flavor of that name.
    pub fn flavor(&self, name: &str) -> Option<&CatalogFlavor> {
        let at = self.flavors.binary_search_by(|flavor| (*flavor.name).cmp(name)).ok()?;
        self.flavors.get(at)
    }

    /// What a flavor costs per hour; where its zone is not in the catalog, as much as in the dearest.
    pub fn price(&self, flavor: &str, zone: Option<&str>, how: CapacityType) -> Option<Money> {
        let offered = || self.flavor(flavor).into_iter().flat_map(|flavor| &flavor.offerings);
        let same = offered().filter(|one| one.capacity_type == how);
        let there = same.clone().filter(|one| one.zone.as_deref() == zone);
        there.filter_map(|one| one.price).max().or_else(|| same.filter_map(|one| one.price).max())
    }

    /// Whether any of its offerings has a price.
    pub fn priced(&self) -> bool {
        self.flavors.iter().flat_map(|flavor| &flavor.offerings).any(|one| one.price.is_some())
    }
}
