//! Limits, brakes and providers.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::context::Context;
use super::drain::names;
use super::windows::GPU;
use crate::model::{Name, Resources};
use crate::policy::located::Located;
use crate::policy::wire::{self, Percent};
use crate::policy::{Brakes, Idle, Limits, OFFLOAD_TIMEOUT, Pool, Provider, ProviderKind};

/// Seconds that one question to a program may take unless the policy says otherwise.
const DEADLINE: i64 = 300;
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
        if provider.has("openstack") == provider.has("command") {
            let what =
                if provider.has("command") { "is two things" } else { "does not say where its servers come from" };
            cx.out
                .error("one-provider", provider.span, format!("the provider {what}"))
                .help("give it either `openstack: {cloud: NAME}` or `command: {run: [PROGRAM, ARGUMENT]}`");
            continue;
        }
        let kind = match (&provider.openstack, &provider.command) {
            (Some(openstack), _) => self::openstack(openstack, cx),
            (None, Some(command)) => self::command(command, cx),
            (None, None) => None,
        };
        if let (Some(name), Some(kind)) = (&provider.name, kind) {
            all.insert(name.name(), Provider { name: name.name(), kind, origin: cx.origin(name.span) });
        }
    }
    all
}

fn openstack(written: &wire::Openstack, cx: &mut Context<'_>) -> Option<ProviderKind> {
    Some(ProviderKind::Openstack {
        cloud: written.cloud.as_ref()?.name(),
        region: written.region.as_ref().map(|region| region.name()),
        offload_timeout: some_time(&written.offload_timeout, OFFLOAD_TIMEOUT.as_secs(), cx),
    })
}

fn command(written: &Located<wire::Command>, cx: &mut Context<'_>) -> Option<ProviderKind> {
    let run = names(&written.run);
    if let Some(empty) = written.run.as_ref().filter(|_| run.is_empty()) {
        cx.out
            .error("empty", empty.span, "the command names no program")
            .help("write `run: [/usr/local/bin/servers, --site, lab]`");
    }
    let mut parks: Vec<Idle> = Vec::new();
    for way in written.parks.iter().flat_map(|list| &list.value.0) {
        if way.value.0 == Idle::Delete {
            cx.out
                .error("out-of-place", way.span, "to delete a server is no way to park it")
                .help("remove it here, and write `idle: delete` in the pool");
        } else if !parks.contains(&way.value.0) {
            parks.push(way.value.0);
        }
    }
    let deadline = some_time(&written.deadline, DEADLINE, cx);
    (!run.is_empty()).then_some(ProviderKind::Command { run, deadline, parks })
}

/// A pool's idle nodes have to go in a way that its provider knows.
pub(crate) fn parks(
    pools: &[Pool],
    written: &[Located<wire::Pool>],
    providers: &BTreeMap<Name, Provider>,
    cx: &mut Context<'_>,
) {
    for written in written {
        let Some(name) = &written.name else { continue };
        let Some(pool) = pools.iter().find(|pool| *pool.name == *name.as_str()) else { continue };
        let Some(provider) = pool.provider.as_ref().and_then(|provider| providers.get(provider)) else { continue };
        let ProviderKind::Command { parks, .. } = &provider.kind else { continue };
        if pool.idle == Idle::Delete || parks.contains(&pool.idle) {
            continue;
        }
        let verb = pool.idle.verb();
        let all: Vec<String> = parks.iter().map(|idle| format!("`idle: {}`", idle.verb())).collect();
        let others = if all.is_empty() { String::new() } else { format!("{}, ", all.join(", ")) };
        let message = format!("`idle: {verb}`, but the `parks` of provider `{}` does not name `{verb}`", provider.name);
        cx.out.error("cannot-park", written.idle.as_ref().map_or(name.span, |idle| idle.span), message).help(format!(
            "write {others}`idle: delete`, or `parks: [{verb}]` at the provider if its program knows how"
        ));
    }
}
