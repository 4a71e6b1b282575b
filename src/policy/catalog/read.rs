//! Tells which form a catalog's file has, and reads it.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::csv::{self, csv};
use super::karpenter::{self, karpenter};
use super::own::own;
use super::{Catalog, MOST_FLAVORS, MOST_OFFERINGS};
use crate::model::Name;
use crate::policy::MOST_BYTES;
use crate::policy::decode::decode;
use crate::policy::finding::Findings;
use crate::policy::located::{Located, Span};
use crate::policy::node::{Node, Value};

/// What every form is called where none is found.
const FORMS: &str = "a catalog is a document with `kind: Catalog` (`tidegate schema catalog --format markdown` has its fields), \
                     Karpenter's list of instance types in JSON, or a table whose first line names `instance_type`, `vcpu`, \
                     `memory_gib` and a price such as `price_usd_per_hour`";

/// Reads file number `file`, packed or not. Every problem is in `out`; None after an error.
pub(crate) fn read(bytes: &[u8], file: u32, out: &mut Findings) -> Option<Catalog> {
    let start = Span { file, line: 1, column: 1, ..Span::default() };
    let packed = bytes.starts_with(&[0x1f, 0x8b]);
    let unpacked = if packed { unpacked(bytes, start, out)? } else { bytes.to_vec() };
    if unpacked.len() > MOST_BYTES {
        out.error("file-too-large", start, format!("the catalog has more than {} MiB", MOST_BYTES >> 20))
            .help("leave out flavors that no pool takes");
        return None;
    }
    let mut mine = Findings::default();
    let found = match std::str::from_utf8(&unpacked) {
        Ok(text) if csv::like(text) => csv(text, file, &mut mine),
        _ => {
            let nodes = decode(&unpacked, file, &mut mine);
            match nodes.as_slice() {
                [] => None,
                [node] if karpenter::like(node) => karpenter(node, &mut mine),
                [node] if says_catalog(node) => own(node, &mut mine),
                [node, ..] => {
                    mine.error("not-a-catalog", Span { end: node.span.start, ..node.span }, "this is no catalog")
                        .help(FORMS);
                    None
                }
            }
        }
    };
    let catalog = found.and_then(|(catalog, names)| whole(catalog, &names, start, &mut mine));
    let good = !mine.has_errors();
    out.append(mine);
    catalog.filter(|_| good)
}

/// Bounds, flavors that are there twice, and their order.
fn whole(mut catalog: Catalog, names: &[Located<Name>], start: Span, out: &mut Findings) -> Option<Catalog> {
    let offerings: usize = catalog.flavors.iter().map(|flavor| flavor.offerings.len()).sum();
    for (count, most, what) in
        [(catalog.flavors.len(), MOST_FLAVORS, "flavors"), (offerings, MOST_OFFERINGS, "offerings")]
    {
        if count > most {
            out.error("too-many", start, format!("the catalog has {count} {what}, and {most} are read"))
                .help("leave out those that no pool takes");
            return None;
        }
    }
    if catalog.flavors.is_empty() && !out.has_errors() {
        out.error("empty-list", start, "the catalog has no flavors").help("name at least one");
    }
    let mut seen: BTreeMap<&Name, Span> = BTreeMap::new();
    for name in names {
        match seen.get(&name.value) {
            Some(first) => {
                out.error("duplicate-name", name.span, format!("there are two flavors called `{}`", name.value))
                    .help("give one of them another name, or join their offerings")
                    .see(*first, "the first one");
            }
            None => drop(seen.insert(&name.value, name.span)),
        }
    }
    catalog.flavors.sort_by(|one, other| one.name.cmp(&other.name));
    for flavor in &mut catalog.flavors {
        flavor.offerings.sort();
        flavor.offerings.dedup();
    }
    Some(catalog)
}

fn says_catalog(node: &Node) -> bool {
    let Value::Map(entries) = &node.value else { return false };
    entries
        .iter()
        .any(|(key, value)| key.text == "kind" && matches!(&value.value, Value::Scalar(kind) if kind.text == "Catalog"))
}

/// At most one byte more than may be.
fn unpacked(bytes: &[u8], start: Span, out: &mut Findings) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    match MultiGzDecoder::new(bytes).take(most).read_to_end(&mut text) {
        Ok(_) => Some(text),
        Err(error) => {
            out.error("not-text", start, format!("the catalog cannot be unpacked: {error}"))
                .help("pack it with `gzip` again, or name the file that is not packed");
            None
        }
    }
}
