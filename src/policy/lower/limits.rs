//! Limits, brakes and providers.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::context::Context;
use super::windows::GPU;
use crate::model::{Name, Resources};
use crate::policy::located::Located;
use crate::policy::wire::{self, Percent};
use crate::policy::{Brakes, Limits, OFFLOAD_TIMEOUT, Provider, ProviderKind};

/// Millicores of all pools unless the policy says otherwise: 1000 cores.
const CPU: i64 = 1_000_000;
/// Bytes of all pools unless the policy says otherwise: 4000 GiB.
const MEMORY: i64 = 4000 << 30;

/// The limits, written or by default.
pub(crate) fn limits(written: &Option<Located<wire::Limits>>, cx: &mut Context<'_>) -> Limits {
    let none = wire::Limits::default();
    let fields = written.as_ref().map_or(&none, |limits| &limits.value);
    let mut resources = Resources { cpu: CPU, memory: MEMORY, ..Resources::default() };
    if let Some(cpu) = &fields.cpu {
        resources.cpu = cpu.value.0;
    }
    if let Some(memory) = &fields.memory {
        resources.memory = memory.value.0;
    }
    if let Some(gpus) = &fields.gpus {
        resources.extended.insert(GPU.into(), i64::from(gpus.value));
    }
    Limits {
        resources,
        nodes: fields.nodes.as_ref().map(|nodes| nodes.value),
        cost_per_hour: fields.cost_per_hour.as_ref().map(|cost| cost.value.0),
        defaulted: wire::Limits::FIELDS
            .iter()
            .filter(|field| !fields.has(field))
            .map(|field| (*field).into())
            .collect(),
        origin: written.as_ref().map(|limits| cx.origin(limits.span)),
    }
}

/// A whole percentage.
pub(crate) fn whole_percent(percent: &Option<Located<Percent>>, default: u32, cx: &mut Context<'_>) -> u32 {
    match percent {
        None => default,
        Some(percent) => {
            if !percent.value.0.is_multiple_of(10) {
                cx.out
                    .error("out-of-range", percent.span, "this percentage cannot have decimals")
                    .help("write it like `50%`");
            }
            percent.value.0 / 10
        }
    }
}

/// A duration that cannot be nothing.
pub(crate) fn some_time(
    length: &Option<Located<wire::Length>>,
    default_seconds: i64,
    cx: &mut Context<'_>,
) -> SignedDuration {
    match length {
        None => SignedDuration::from_secs(default_seconds),
        Some(length) => {
            if length.value.0 <= SignedDuration::ZERO {
                cx.out
                    .error("out-of-range", length.span, "this duration must be more than 0")
                    .help("write it like `120s`");
            }
            length.value.0
        }
    }
}

/// The brakes, written or by default.
pub(crate) fn brakes(written: &Option<Located<wire::Brakes>>, cx: &mut Context<'_>) -> Brakes {
    let none = wire::Brakes::default();
    let fields = written.as_ref().map_or(&none, |brakes| &brakes.value);
    Brakes {
        max_nodes: fields.max_nodes.as_ref().map(|most| most.value.0),
        max_deletes: fields.max_deletes.as_ref().map_or(3, |most| most.value),
        max_snapshot_age: some_time(&fields.max_snapshot_age, 600, cx),
        max_unready: whole_percent(&fields.max_unready, 45, cx),
        min_inventory: whole_percent(&fields.min_inventory, 50, cx),
        origin: written.as_ref().map(|brakes| cx.origin(brakes.span)),
    }
}

/// The providers by name.
pub(crate) fn providers(written: &[Located<wire::Provider>], cx: &mut Context<'_>) -> BTreeMap<Name, Provider> {
    cx.unique("provider", written.iter().filter_map(|provider| provider.name.as_ref()));
    let mut all = BTreeMap::new();
    for provider in written {
        let (Some(name), Some(openstack)) = (&provider.name, &provider.openstack) else { continue };
        let Some(cloud) = &openstack.cloud else { continue };
        let kind = ProviderKind::Openstack {
            cloud: cloud.name(),
            region: openstack.region.as_ref().map(|region| region.name()),
            offload_timeout: some_time(&openstack.offload_timeout, OFFLOAD_TIMEOUT.as_secs(), cx),
        };
        all.insert(name.name(), Provider { name: name.name(), kind, origin: cx.origin(name.span) });
    }
    all
}
