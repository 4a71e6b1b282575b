//! The instance types of Karpenter's kwok provider, as its file lists them.

use super::amount::{GPU, money, put};
use super::content::{ARCH, SYSTEM, TYPE, ZONE};
use super::{Catalog, CatalogFlavor, Offering};
use crate::model::{CapacityType, Name, Resources, parse_bytes, parse_cpu_milli, parse_units};
use crate::policy::finding::Findings;
use crate::policy::located::Located;
use crate::policy::node::{Node, Scalar, Value};

/// A list of mappings of which the first has offerings: nobody else writes that.
pub(super) fn like(node: &Node) -> bool {
    let Value::List(items) = &node.value else { return false };
    items.first().is_some_and(|first| field(first, "offerings").is_some())
}

/// Reads the list. What is wrong with it is in `out`.
pub(super) fn karpenter(node: &Node, out: &mut Findings) -> Option<(Catalog, Vec<Located<Name>>)> {
    let Value::List(items) = &node.value else { return None };
    let (mut flavors, mut names) = (Vec::new(), Vec::new());
    for item in items {
        let Some(name) = text(item, "name", out) else { continue };
        names.push(Located { value: Name::from(name.text.as_str()), span: name.span });
        let capacity = resources(item, out);
        let mut labels = std::collections::BTreeMap::from([(Name::from(TYPE), Name::from(name.text.as_str()))]);
        if let Some(Value::Scalar(arch)) = field(item, "architecture").map(|arch| &arch.value) {
            labels.insert(ARCH.into(), arch.text.as_str().into());
        }
        // One that may run several runs what the image is.
        let systems: Vec<&Scalar> = list(item, "operatingSystems").iter().filter_map(scalar).collect();
        let system = systems.iter().find(|system| system.text == "linux").or_else(|| systems.first());
        labels.insert(SYSTEM.into(), system.map_or_else(|| "linux".into(), |system| system.text.as_str().into()));
        let offerings = list(item, "offerings").iter().filter_map(|one| offering(one, out)).collect();
        flavors.push(CatalogFlavor { name: name.text.as_str().into(), labels, capacity, allocatable: None, offerings });
    }
    // Karpenter says of its prices that they are dollars, and nothing in the file.
    Some((Catalog { unit: Some("USD".into()), flavors, ..Catalog::default() }, names))
}

fn resources(item: &Node, out: &mut Findings) -> Resources {
    let mut resources = Resources::default();
    let Some(Node { value: Value::Map(entries), .. }) = field(item, "resources") else {
        out.error("missing-field", item.span, "an instance type needs `resources`")
            .help("add them, such as `\"resources\": {\"cpu\": \"4\", \"memory\": \"16Gi\"}`");
        return resources;
    };
    for (name, amount) in entries {
        let Some(written) = scalar(amount) else {
            out.error("wrong-type", amount.span, format!("found {}, expected an amount", amount.found()))
                .help("write it like `\"16Gi\"`");
            continue;
        };
        let read = match name.text.as_str() {
            "cpu" => parse_cpu_milli(&written.text),
            "memory" | "ephemeral-storage" => parse_bytes(&written.text),
            _ => parse_units(&written.text),
        };
        match read {
            Ok(amount) if amount >= 0 => {
                let gpu = name.text == "gpu";
                put(&mut resources, if gpu { GPU } else { &name.text }, amount);
            }
            Ok(_) => {
                out.error("out-of-range", amount.span, format!("`{}` is negative", written.text))
                    .help("write 0 or more");
            }
            Err(error) => {
                out.error("bad-quantity", amount.span, error).help("write it like `\"16Gi\"`");
            }
        }
    }
    resources
}

fn offering(node: &Node, out: &mut Findings) -> Option<Offering> {
    let mut capacity_type = CapacityType::OnDemand;
    let mut zone = None;
    for requirement in list(node, "Requirements") {
        let key = text(requirement, "key", out)?;
        let values: Vec<&Scalar> = list(requirement, "values").iter().filter_map(scalar).collect();
        let one = match values.as_slice() {
            [one] => *one,
            _ if key.text == ZONE || key.text == CapacityType::LABEL => {
                let message = format!("an offering has one value of `{}`", key.text);
                out.error("out-of-range", requirement.span, message)
                    .help("write one offering for each zone and each capacity type, as Karpenter does");
                continue;
            }
            _ => continue,
        };
        if key.text == ZONE {
            zone = Some(Name::from(one.text.as_str()));
        } else if key.text == CapacityType::LABEL {
            let Some(known) = CapacityType::of_word(&one.text) else {
                out.error("unknown-value", one.span, format!("`{}` is not a way to buy a server", one.text))
                    .help("known are `reserved`, `spot` and `on-demand`");
                continue;
            };
            capacity_type = known;
        }
    }
    let price = field(node, "Price").and_then(|price| {
        let read = scalar(price).and_then(|price| money(&price.text));
        if read.is_none() {
            out.error("wrong-type", price.span, format!("found {}, expected a price", price.found()))
                .help("write an amount per hour such as `0.25`");
        }
        read
    });
    let unavailable = field(node, "Available").and_then(scalar).is_some_and(|available| available.text == "false");
    Some(Offering { capacity_type, zone, price, available: !unavailable })
}

fn scalar(node: &Node) -> Option<&Scalar> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
}

fn list<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    match field(node, name).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// A text that must be there.
fn text<'n>(node: &'n Node, name: &str, out: &mut Findings) -> Option<&'n Scalar> {
    let found = field(node, name).and_then(scalar).filter(|found| !found.text.is_empty());
    if found.is_none() {
        out.error("missing-field", node.span, format!("it needs `{name}`")).help(format!("add `\"{name}\": \"…\"`"));
    }
    found
}
