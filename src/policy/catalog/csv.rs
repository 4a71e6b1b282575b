//! Price lists as tables: one flavor in a line, its columns by their names in the first.

use std::collections::BTreeMap;

use super::amount::{GPU, bytes, cores, count, money, put};
use super::content::{ARCH, SYSTEM, TYPE};
use super::{Catalog, CatalogFlavor, Offering};
use crate::model::{CapacityType, Money, Name, Resources};
use crate::policy::finding::Findings;
use crate::policy::located::{Located, Span};

/// One cell, without its quotes, and where it stands.
struct Cell<'t> {
    text: &'t str,
    span: Span,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Name,
    Cpu,
    Memory(i64),
    Disk(i64),
    Arch,
    Zone,
    CapacityType,
    AllocatableCpu,
    AllocatableMemory(i64),
    Pods,
    Gpus,
    Price,
}

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

impl Column {
    /// What a name in the first line means; None is a column that tells nothing to a plan.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "instance_type" | "flavor" | "name" => Self::Name,
            "vcpu" | "vcpus" | "cpu" => Self::Cpu,
            "memory_mib" => Self::Memory(MIB),
            "memory_gib" | "ram_gb" => Self::Memory(GIB),
            "local_disk_gb" => Self::Disk(GIB),
            "arch" => Self::Arch,
            "zone" => Self::Zone,
            "capacity_type" => Self::CapacityType,
            "allocatable_cpu_milli" => Self::AllocatableCpu,
            "allocatable_memory_mib" => Self::AllocatableMemory(MIB),
            "allocatable_pods" => Self::Pods,
            "gpu_count" | "gpu" => Self::Gpus,
            _ if unit(name).is_some() => Self::Price,
            _ => return None,
        })
    }
}

/// What the prices of a column count: `price_usd_per_hour_us_east_1` counts USD.
fn unit(name: &str) -> Option<Name> {
    let (head, _) = name.split_once("_per_hour")?;
    Some(head.rsplit('_').next().unwrap_or(head).to_ascii_uppercase().into())
}

/// Whether the first line names columns that a price list has.
pub(super) fn like(text: &str) -> bool {
    let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    let columns: Vec<Column> = first.split(',').filter_map(|name| Column::of(name.trim())).collect();
    columns.contains(&Column::Name) && columns.len() > 1
}

/// Reads the table. What is wrong with it is in `out`.
pub(super) fn csv(text: &str, file: u32, out: &mut Findings) -> Option<(Catalog, Vec<Located<Name>>)> {
    let mut lines = rows(text, file);
    let head = lines.next()?;
    let mut columns: Vec<Option<Column>> = head.iter().map(|cell| Column::of(cell.text)).collect();
    let mut seen: BTreeMap<Column, Span> = BTreeMap::new();
    for (cell, column) in head.iter().zip(&mut columns) {
        let Some(kind) = *column else { continue };
        if let Some(first) = seen.get(&kind) {
            let message = format!("two columns say the same, and `{}` is the second", cell.text);
            out.error("said-twice", cell.span, message).help("keep one of the two").see(*first, "the first one");
            *column = None;
        }
        seen.entry(kind).or_insert(cell.span);
    }
    let start = head.first().map(|cell| cell.span).unwrap_or_default();
    let memory = seen.keys().any(|column| matches!(column, Column::Memory(_)));
    for (found, what) in [(seen.contains_key(&Column::Cpu), "vcpu"), (memory, "memory_gib")] {
        if !found {
            out.error("missing-field", start, format!("the list has no column `{what}`"))
                .help(format!("add it: its first line names the columns, such as `instance_type,{what}`"));
        }
    }
    if out.has_errors() {
        return None;
    }
    let unit = head.iter().find(|cell| Column::of(cell.text) == Some(Column::Price)).and_then(|cell| unit(cell.text));
    let (mut flavors, mut names): (Vec<CatalogFlavor>, Vec<Located<Name>>) = (Vec::new(), Vec::new());
    for cells in lines {
        if let [Cell { text: "", .. }] = cells.as_slice() {
            continue;
        }
        if cells.len() != columns.len() {
            let span = cells.first().map(|cell| cell.span).unwrap_or_default();
            let message = format!("the line has {} cells, and the first line names {}", cells.len(), columns.len());
            out.error("wrong-type", span, message).help("give it as many, empty ones where nothing is known");
            continue;
        }
        let Some((name, flavor)) = row(&columns, &cells, out) else { continue };
        // Other zones and types of one flavor stand in lines of their own.
        match flavors.last_mut().filter(|last| last.name == flavor.name && last.capacity == flavor.capacity) {
            Some(last) if zoned(last) && zoned(&flavor) => last.offerings.extend(flavor.offerings),
            _ => {
                names.push(name);
                flavors.push(flavor);
            }
        }
    }
    Some((Catalog { unit, flavors, ..Catalog::default() }, names))
}

fn zoned(flavor: &CatalogFlavor) -> bool {
    flavor.offerings.iter().all(|one| one.zone.is_some() || one.capacity_type != CapacityType::OnDemand)
}

fn row(columns: &[Option<Column>], cells: &[Cell<'_>], out: &mut Findings) -> Option<(Located<Name>, CatalogFlavor)> {
    let mut name = None;
    let mut capacity = Resources::default();
    let mut allocatable = Resources::default();
    let mut labels: BTreeMap<Name, Name> = BTreeMap::from([(SYSTEM.into(), "linux".into())]);
    let mut offering = Offering { capacity_type: CapacityType::OnDemand, zone: None, price: None, available: true };
    let mut good = true;
    for (cell, column) in cells.iter().zip(columns).filter(|(cell, _)| !cell.text.is_empty()) {
        let Some(column) = *column else { continue };
        let mut number = |read: Option<i64>, like: &str| {
            if read.is_none() {
                good = false;
                out.error("wrong-type", cell.span, format!("found `{}`, expected a number", cell.text))
                    .help(format!("write it like `{like}`, or leave the cell empty"));
            }
            read.unwrap_or(0)
        };
        match column {
            Column::Name => name = Some(Located { value: Name::from(cell.text), span: cell.span }),
            Column::Cpu => capacity.cpu = number(cores(cell.text), "4"),
            Column::Memory(unit) => capacity.memory = number(bytes(cell.text, unit), "16"),
            Column::Disk(unit) => capacity.ephemeral_storage = number(bytes(cell.text, unit), "60"),
            Column::AllocatableCpu => allocatable.cpu = number(count(cell.text), "3920"),
            Column::AllocatableMemory(unit) => allocatable.memory = number(bytes(cell.text, unit), "6525"),
            Column::Pods => capacity.pods = number(count(cell.text), "58"),
            Column::Gpus => put(&mut capacity, GPU, number(count(cell.text), "1")),
            Column::Price => {
                let price = number(money(cell.text).map(|Money(micros)| micros), "0.25");
                offering.price = Some(Money(price));
            }
            Column::Arch => drop(labels.insert(ARCH.into(), cell.text.into())),
            Column::Zone => offering.zone = Some(cell.text.into()),
            Column::CapacityType => match CapacityType::of_word(cell.text) {
                Some(how) => offering.capacity_type = how,
                None => {
                    good = false;
                    out.error("unknown-value", cell.span, format!("`{}` is not a way to buy a server", cell.text))
                        .help("known are `reserved`, `spot` and `on-demand`");
                }
            },
        }
    }
    let start = cells.first().map(|cell| cell.span).unwrap_or_default();
    let Some(name) = name else {
        out.error("missing-field", start, "the line names no flavor").help("write its name in its first cell");
        return None;
    };
    if good && (capacity.cpu == 0 || capacity.memory == 0) {
        out.error("out-of-range", name.span, format!("flavor `{}` has no CPU or no memory", name.value))
            .help("write both, or take the line out");
        return None;
    }
    labels.insert(TYPE.into(), name.value.clone());
    let known = allocatable.cpu > 0 && allocatable.memory > 0;
    let allocatable = known.then(|| Resources { cpu: allocatable.cpu, memory: allocatable.memory, ..capacity.clone() });
    let flavor = CatalogFlavor { name: name.value.clone(), labels, capacity, allocatable, offerings: vec![offering] };
    good.then_some((name, flavor))
}

/// Lines and their cells. A cell may stand in double quotes; none has a line's end in it.
fn rows(text: &str, file: u32) -> impl Iterator<Item = Vec<Cell<'_>>> {
    let mut start = 0_usize;
    text.split('\n').enumerate().map(move |(index, line)| {
        let here = start;
        start = start.saturating_add(line.len()).saturating_add(1);
        let line = line.trim_end_matches('\r');
        let mut cells = Vec::new();
        let mut at = 0_usize;
        loop {
            let rest = line.get(at..).unwrap_or_default();
            let quoted = rest.strip_prefix('"').and_then(|rest| rest.find('"').map(|end| end + 2));
            let end =
                quoted.filter(|end| rest.get(*end..).is_some_and(|rest| rest.is_empty() || rest.starts_with(',')));
            let length = end.unwrap_or_else(|| rest.find(',').unwrap_or(rest.len()));
            let whole = rest.get(..length).unwrap_or_default();
            let text = whole.trim_start_matches('\u{feff}').trim();
            let text = if end.is_some() { text.trim_matches('"') } else { text };
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let column = line.get(..at).unwrap_or_default().chars().count() + 1;
            let (first, last) = (number(here + at), number(here + at + length));
            let span = Span { file, start: first, end: last, line: number(index + 1), column: number(column) };
            cells.push(Cell { text, span });
            at += length;
            if at >= line.len() {
                return cells;
            }
            at += 1;
            if at == line.len() {
                let span = Span { start: span.end, column: span.column.saturating_add(1), ..span };
                cells.push(Cell { text: "", span });
                return cells;
            }
        }
    })
}
