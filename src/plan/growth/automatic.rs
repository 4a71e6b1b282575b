//! Automatic headroom: a share of what is requested, in the shape of the workloads that request most.

use std::collections::BTreeMap;

use super::headroom::Wanted;
use super::value::size;
use crate::model::{Resources, print_cpu};
use crate::plan::budgets::root;
use crate::plan::pool_decision::Pooled;
use crate::policy::HeadroomUnit;

/// So many workloads give the units their shape.
const SHAPES: usize = 5;
/// More units than this are not kept, whatever the share: what asks for next to nothing would make thousands.
const MOST: u32 = 1000;

/// What a share of what is requested on the pool's nodes comes to, in thousandths, and how that was worked out. The shape
/// is that of the pods of the workloads that request most now: how often they scaled before is not known.
pub fn automatic(pooled: &Pooled<'_>, share: u32) -> (Vec<Wanted>, String) {
    let (mut cpu, mut memory) = (0_i128, 0_i128);
    let mut workloads: BTreeMap<String, (i128, Resources)> = BTreeMap::new();
    let on_nodes = pooled.members.iter().flat_map(|member| pooled.world.pods_on(&member.name));
    for pod in on_nodes.filter(|pod| !pod.finished() && !pod.daemon() && !pod.mirror() && !pod.terminating()) {
        let asks = &pod.spec.requests;
        cpu += i128::from(asks.cpu.max(0));
        memory += i128::from(asks.memory.max(0));
        let Some(root) = root(pooled.world, pod).filter(|_| asks.cpu > 0 || asks.memory > 0) else { continue };
        let shape = Resources { pods: 0, ephemeral_storage: 0, ..asks.clone() };
        let entry = workloads.entry(root.name).or_insert((0, shape));
        entry.0 += size(asks);
    }
    let part = |whole: i128| (whole * i128::from(share) + 999) / 1000;
    let (want_cpu, want_memory) = (part(cpu), part(memory));
    let mut shapes: Vec<(String, i128, Resources)> =
        workloads.into_iter().map(|(name, (weight, shape))| (name, weight, shape)).collect();
    shapes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    shapes.truncate(SHAPES);
    let mut counts = vec![0_u32; shapes.len()];
    let (mut has_cpu, mut has_memory, mut units) = (0_i128, 0_i128, 0_u32);
    // In turns, each for what is still missing of what it asks for.
    while units < MOST && !shapes.is_empty() {
        let before = units;
        for ((_, _, shape), count) in shapes.iter().zip(&mut counts) {
            let helps = has_cpu < want_cpu && shape.cpu > 0 || has_memory < want_memory && shape.memory > 0;
            if helps && units < MOST {
                has_cpu += i128::from(shape.cpu.max(0));
                has_memory += i128::from(shape.memory.max(0));
                (*count, units) = (*count + 1, units + 1);
            }
        }
        if units == before {
            break;
        }
    }
    let text = |cpu: i128, memory: i128| {
        let cores = print_cpu(i64::try_from(cpu).unwrap_or(i64::MAX));
        let tenths = (memory * 10) >> 30;
        format!("cpu {cores}, memory {}.{}Gi", tenths / 10, tenths % 10)
    };
    let decimals = if share.is_multiple_of(10) { String::new() } else { format!(".{}", share % 10) };
    let mut calculation = format!(
        "{}{decimals}% of the {} that pods on its nodes request is {}",
        share / 10,
        text(cpu, memory),
        text(want_cpu, want_memory)
    );
    if units > 0 {
        calculation
            .push_str(", in the shape of the workloads that request most now (how often each scaled is not known)");
    }
    let wanted = shapes
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|((name, _, shape), count)| Wanted { unit: HeadroomUnit { size: shape, count }, like: Some(name) });
    (wanted.collect(), calculation)
}
