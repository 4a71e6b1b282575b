//! Our own catalogs: YAML or JSON documents with `kind: Catalog`.

use super::amount::{GPU, put};
use super::content::{ARCH, SYSTEM, TYPE};
use super::{Catalog, CatalogFlavor, Offering};
use crate::model::{CapacityType, Name, Resources};
use crate::policy::finding::Findings;
use crate::policy::located::Located;
use crate::policy::node::Node;
use crate::policy::wire::object::{object, words};
use crate::policy::wire::{Bytes, Choice, Decimal, Labels, Millicores, Pairs, Text, Version, Wire};

words! { CapacityType, "CapacityType", "a way to buy a server" {
    "reserved" => CapacityType::Reserved,
    "spot" => CapacityType::Spot,
    "on-demand" => CapacityType::OnDemand,
} }

/// The kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind;

words! { Kind, "CatalogKind", "a kind of catalog" { "Catalog" => Kind } }

object! {
    /// Amounts of what a machine has.
    Amounts, "an amount" {
        /// CPU.
        cpu = "cpu": Millicores,
        /// Memory.
        memory = "memory": Bytes,
        /// Local storage that pods may use.
        ephemeral_storage = "ephemeralStorage": Bytes,
        /// Pods.
        pods = "pods": u32,
        /// GPUs (`nvidia.com/gpu`).
        gpu = "gpu": u32,
        /// Other resources, by the name that its device plugin gives them.
        others = "others": Pairs<u32>,
    }
}

object! {
    /// One way to have a flavor.
    WrittenOffering, "an offering" {
        /// Its availability zone; the pool's `zones`, or the provider's choice, if none is written.
        zone = "zone": Text,
        /// How it is bought; `on-demand` by default.
        capacity_type = "capacityType": Choice<CapacityType>,
        /// What it costs per hour.
        price = "price": Decimal,
        /// Whether it may be had now; `true` by default.
        available = "available": bool,
    }
}

object! {
    /// A size of machine, and how it may be had.
    Flavor, "a flavor" {
        /// Its name, as the provider knows it.
        name = "name": Text [required],
        /// Its architecture, as `kubernetes.io/arch` says it: `amd64`, `arm64`.
        arch = "arch": Text,
        /// Its operating system, as `kubernetes.io/os` says it; `linux` by default.
        os = "os": Text,
        /// Other labels that its nodes have.
        labels = "labels": Labels,
        /// What the machine has.
        capacity = "capacity": Amounts [required],
        /// What pods may ask of it; by default the capacity less what is reserved. What it leaves out is as in `capacity`.
        allocatable = "allocatable": Amounts,
        /// What of it pods cannot ask for, instead of `allocatable`; by default as the pool says.
        reserved = "reserved": Amounts,
        /// How it may be had; at the list price wherever the pool likes, if none is written.
        offerings = "offerings": Vec<Located<WrittenOffering>>,
    }
}

object! {
    /// What may be had.
    Spec, "`spec`" {
        /// What its prices count, such as `SU` or `USD`: needed where it has any, and the same as the policy's rates.
        unit = "unit": Text,
        /// The flavors.
        flavors = "flavors": Vec<Located<Flavor>> [required],
    }
}

object! {
    /// Flavors that pools may draw from (`create.catalog`), with what they have, where they are to be had and for how much.
    Document, "a catalog" {
        /// `tidegate.dev/v1alpha1`.
        api_version = "apiVersion": Choice<Version> [required],
        /// `Catalog`.
        kind = "kind": Choice<Kind> [required],
        /// What may be had.
        spec = "spec": Spec [required],
    }
}

/// Reads a document. What is wrong with it is in `out`.
pub(super) fn own(node: &Node, out: &mut Findings) -> Option<(Catalog, Vec<Located<Name>>)> {
    let document = Document::read(node, out)?;
    let spec = document.spec?.value;
    let unit = spec.unit.as_ref().map(|unit| unit.name());
    let listed = spec.flavors.as_ref().map(|list| list.span);
    let (mut flavors, mut names) = (Vec::new(), Vec::new());
    for written in spec.flavors.into_iter().flat_map(|list| list.value) {
        let (Some(name), Some(capacity)) = (&written.name, &written.capacity) else { continue };
        names.push(Located { value: name.name(), span: name.span });
        flavors.push(flavor(&written, name.name(), amounts(capacity, Resources::default()), out));
    }
    let catalog = Catalog { unit, flavors, ..Catalog::default() };
    if let Some(list) = listed.filter(|_| catalog.unit.is_none() && catalog.priced()) {
        out.error("missing-field", list, "it has prices and does not say in what").help("add `unit: USD` to `spec`");
    }
    Some((catalog, names))
}

fn flavor(written: &Located<Flavor>, name: Name, capacity: Resources, out: &mut Findings) -> CatalogFlavor {
    if let Some(zero) = written.capacity.as_ref().filter(|_| capacity.cpu == 0 || capacity.memory == 0) {
        out.error("out-of-range", zero.span, format!("flavor `{name}` has no CPU or no memory"))
            .help("write `cpu` and `memory` of the machine, such as `{cpu: 4, memory: 16Gi}`");
    }
    if let (Some(first), Some(second)) = (&written.allocatable, &written.reserved) {
        out.error("said-twice", second.span, "`allocatable` and `reserved` say the same thing")
            .help("keep one of the two")
            .see(first.span, "the other one");
    }
    let allocatable = match (&written.allocatable, &written.reserved) {
        (Some(asked), _) => Some((amounts(asked, capacity.clone()), asked.span)),
        (None, Some(kept)) => {
            let off = amounts(kept, Resources::default());
            let less = |has: i64, off: i64| has.saturating_sub(off);
            let mut left = capacity.clone();
            left.cpu = less(left.cpu, off.cpu);
            left.memory = less(left.memory, off.memory);
            left.ephemeral_storage = less(left.ephemeral_storage, off.ephemeral_storage);
            left.pods = less(left.pods, off.pods);
            for (name, amount) in &off.extended {
                let has = left.extended.entry(name.clone()).or_insert(0);
                *has = less(*has, *amount);
            }
            Some((left, kept.span))
        }
        (None, None) => None,
    };
    if let Some((asked, span)) = allocatable.as_ref().filter(|_| capacity.cpu > 0 && capacity.memory > 0) {
        let mut most = capacity.clone();
        most.raise_to(asked);
        if capacity.pods == 0 {
            most.pods = 0;
        }
        let negative = [asked.cpu, asked.memory, asked.ephemeral_storage, asked.pods];
        let below = negative.iter().chain(asked.extended.values()).any(|amount| *amount < 0);
        if most != capacity || below {
            let what = if below { "more of flavor `" } else { "more may be asked of flavor `" };
            let end = if below { "` is reserved than it has" } else { "` than it has" };
            out.error("out-of-range", *span, format!("{what}{name}{end}"))
                .help("compare it with `capacity`: pods get what is left of that");
        }
    }
    let mut labels: std::collections::BTreeMap<Name, Name> = Default::default();
    let pairs = written.labels.iter().flat_map(|pairs| &pairs.value.0);
    labels.extend(pairs.map(|(key, value)| (key.value.as_str().into(), value.name())));
    labels.insert(TYPE.into(), name.clone());
    labels.insert(SYSTEM.into(), written.os.as_ref().map_or_else(|| "linux".into(), |os| os.name()));
    labels.extend(written.arch.as_ref().map(|arch| (ARCH.into(), arch.name())));
    let offerings = match &written.offerings {
        None => vec![Offering { capacity_type: CapacityType::OnDemand, zone: None, price: None, available: true }],
        Some(list) => list.value.iter().map(offering).collect(),
    };
    let allocatable = allocatable.map(|(left, _)| left);
    CatalogFlavor { name, labels, capacity, allocatable, offerings }
}

fn offering(written: &Located<WrittenOffering>) -> Offering {
    Offering {
        capacity_type: written.capacity_type.as_ref().map_or(CapacityType::OnDemand, |how| how.value.0),
        zone: written.zone.as_ref().map(|zone| zone.name()),
        price: written.price.as_ref().map(|price| price.value.0),
        available: written.available.as_ref().is_none_or(|available| available.value),
    }
}

/// What is written, over what there is by default.
fn amounts(written: &Amounts, mut resources: Resources) -> Resources {
    if let Some(cpu) = &written.cpu {
        resources.cpu = cpu.value.0;
    }
    if let Some(memory) = &written.memory {
        resources.memory = memory.value.0;
    }
    if let Some(storage) = &written.ephemeral_storage {
        resources.ephemeral_storage = storage.value.0;
    }
    if let Some(pods) = &written.pods {
        resources.pods = i64::from(pods.value);
    }
    if let Some(gpu) = &written.gpu {
        put(&mut resources, GPU, i64::from(gpu.value));
    }
    for (name, count) in written.others.iter().flat_map(|others| &others.value.0) {
        put(&mut resources, &name.value, i64::from(count.value));
    }
    resources
}
