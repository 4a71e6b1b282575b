//! What a pool takes of a catalog: the offerings that meet all that it says.

use std::collections::{BTreeMap, BTreeSet};

use super::content::{SYSTEM, ZONE};
use super::{Catalog, CatalogFlavor, Offering};
use crate::model::{CapacityType, Name, Requirement};

/// Labels that requirements alone may use: how many millicores, MiB and GPUs the machine has.
pub(super) const SIZES: [&str; 3] =
    ["tidegate.dev/instance-cpu-milli", "tidegate.dev/instance-memory-mib", "tidegate.dev/instance-gpus"];

/// What a pool says.
pub(crate) struct Choice<'a> {
    /// Only these flavors; empty is all.
    pub flavors: &'a [Name],
    /// Only these zones; empty is all.
    pub zones: &'a [Name],
    /// Bought in one of these ways.
    pub types: &'a [CapacityType],
    /// All of them hold.
    pub requirements: &'a [Requirement],
}

/// What is left of a catalog; or what the first thing that left nothing was about.
pub(crate) fn chosen(catalog: &Catalog, choice: &Choice<'_>) -> Result<Catalog, String> {
    let mut left = catalog.clone();
    let named: BTreeSet<&Name> = choice.flavors.iter().collect();
    left.flavors.retain(|flavor| named.is_empty() || named.contains(&flavor.name));
    nothing(&left, "`flavors`")?;
    // An image is of one system, and it is Linux where nobody says otherwise.
    if !choice.requirements.iter().any(|one| &*one.key == SYSTEM) {
        left.flavors.retain(|flavor| flavor.labels.get(SYSTEM).is_none_or(|system| &**system == "linux"));
        nothing(&left, "the system: none of its flavors is for `linux`")?;
    }
    for flavor in &mut left.flavors {
        flavor.offerings = zoned(flavor, choice.zones);
    }
    keep(&mut left, "`zones`", |_, _| true)?;
    for requirement in choice.requirements {
        let why = format!("the requirement on `{}`", requirement.key);
        keep(&mut left, &why, |flavor, one| requirement.matches(&labels(flavor, one)))?;
    }
    let written: Vec<String> = choice.types.iter().map(ToString::to_string).collect();
    let types = format!("how servers may be bought ({})", written.join(", "));
    keep(&mut left, &types, |_, one| choice.types.contains(&one.capacity_type))?;
    keep(&mut left, "what may be had at all: nothing is `available`", |_, one| one.available)?;
    // Beside prices what has none would be free.
    if left.priced() {
        keep(&mut left, "prices", |_, one| one.price.is_some())?;
    }
    Ok(left)
}

fn keep(left: &mut Catalog, why: &str, meets: impl Fn(&CatalogFlavor, &Offering) -> bool) -> Result<(), String> {
    for flavor in &mut left.flavors {
        let mut offerings = std::mem::take(&mut flavor.offerings);
        offerings.retain(|one| meets(flavor, one));
        flavor.offerings = offerings;
    }
    left.flavors.retain(|flavor| !flavor.offerings.is_empty());
    nothing(left, why)
}

fn nothing(left: &Catalog, why: &str) -> Result<(), String> {
    if left.flavors.is_empty() { Err(why.to_owned()) } else { Ok(()) }
}

/// Its offerings in these zones; one that leaves its zone to the pool is in each.
fn zoned(flavor: &CatalogFlavor, zones: &[Name]) -> Vec<Offering> {
    let mut found = Vec::new();
    for one in &flavor.offerings {
        match &one.zone {
            None if !zones.is_empty() => {
                found.extend(zones.iter().map(|zone| Offering { zone: Some(zone.clone()), ..one.clone() }));
            }
            Some(zone) if !zones.is_empty() && !zones.contains(zone) => {}
            _ => found.push(one.clone()),
        }
    }
    found
}

/// What a requirement may compare.
fn labels(flavor: &CatalogFlavor, one: &Offering) -> BTreeMap<Name, Name> {
    let mut labels = flavor.labels.clone();
    labels.extend(one.zone.iter().map(|zone| (ZONE.into(), zone.clone())));
    labels.insert(CapacityType::LABEL.into(), one.capacity_type.word().into());
    let gpus: i64 = flavor.capacity.extended.iter().filter(|(name, _)| name.ends_with("/gpu")).map(|(_, n)| *n).sum();
    let amounts = [flavor.capacity.cpu, flavor.capacity.memory >> 20, gpus];
    labels.extend(SIZES.iter().zip(amounts).map(|(key, amount)| ((*key).into(), amount.to_string().into())));
    labels
}

/// Every label that a requirement on this catalog may name.
pub(crate) fn known_keys(catalog: &Catalog) -> BTreeSet<Name> {
    let own = catalog.flavors.iter().flat_map(|flavor| flavor.labels.keys().cloned());
    let ours = SIZES.iter().copied().chain([CapacityType::LABEL, ZONE]).map(Name::from);
    own.chain(ours).collect()
}
