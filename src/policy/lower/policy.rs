//! The policy as a whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::catalogs::one_unit;
use super::conflicts::cannot_both_hold;
use super::context::Context;
use super::digest::digest;
use super::doubts;
use super::drain::drain;
use super::hooks::hooks;
use super::limits::{brakes, limits, parks, providers};
use super::members::no_node_twice;
use super::merge::{Merged, merge};
use super::money::{allocation, rates};
use super::overrides::overrides;
use super::pools::{Known, Schedule, pool, schedules};
use super::schedulers::schedulers;
use super::wake::wake;
use crate::model::Name;
use crate::policy::finding::Findings;
use crate::policy::load::Catalogs;
use crate::policy::wire::Document;
use crate::policy::{Beside, Policy, PolicyFile, Pool};

/// Makes one policy of all documents. What has an error is left out of it.
pub(crate) fn lower(
    documents: Vec<Document>,
    files: Vec<PolicyFile>,
    (beside, catalogs): (&Beside, &Catalogs),
    out: &mut Findings,
) -> Policy {
    let names: Vec<Name> = files.iter().map(|file| file.path.clone()).collect();
    let merged = merge(documents, out);
    let mut cx = Context { files: &names, beside, out, windows: BTreeMap::new(), without_lead: BTreeSet::new() };
    if let Some(name) = &merged.name {
        cx.well_formed("policy", name);
    }
    if let Some(zone) = &merged.time_zone {
        doubts::zone(zone, &mut cx);
    }
    let zone = merged.time_zone.as_ref().map_or_else(|| Name::from("UTC"), |zone| zone.value.0.clone());
    let here = crate::schedule::zone(&zone).unwrap_or(TimeZone::UTC);

    let limits = limits(&merged.limits, &mut cx);
    let all_providers = providers(&merged.providers, &mut cx);
    // A provider whose fields are wrong is still one that pools may name.
    let provider_names: Vec<&str> =
        merged.providers.iter().filter_map(|provider| provider.name.as_ref()).map(|name| name.as_str()).collect();
    let mut all_schedules = schedules(&merged.schedules, &zone, &mut cx);

    cx.unique("pool", merged.pools.iter().filter_map(|pool| pool.name.as_ref()));
    let mut known = Known {
        schedules: &mut all_schedules,
        providers: &provider_names,
        kinds: &all_providers,
        catalogs,
        zone: &zone,
    };
    let mut pools: Vec<_> = merged.pools.iter().filter_map(|written| pool(written, &mut known, &mut cx)).collect();
    no_node_twice(&merged.pools, &mut cx);
    parks(&pools, &merged.pools, &all_providers, &mut cx);
    cannot_both_hold(&pools, &mut cx);
    doubts::pools(&pools, &merged.pools, &mut cx);
    doubts::exceptions(&pools, &mut cx);

    let pool_names: Vec<&str> =
        merged.pools.iter().filter_map(|pool| pool.name.as_ref()).map(|name| name.as_str()).collect();
    let overrides = overrides(&merged.overrides, &pools, (&pool_names, &here), &mut cx);
    let drain = drain(&merged.drain, &mut cx);
    let wake = wake(&merged.wake, &mut cx);
    let hooks = hooks(&merged.hooks, &mut cx);
    let rates = rates(&merged.rates, (&provider_names, &here), &mut cx);
    one_unit(&merged.pools, &pools, &rates, &mut cx);
    let priced = !merged.rates.is_empty() || pools.iter().any(has_prices);
    let allocation = allocation(&merged.allocation, (priced, &here), &mut cx);
    let brakes = brakes(&merged.brakes, &mut cx);
    let schedulers = schedulers(&merged.schedulers, &mut cx);

    if !cx.out.has_errors() {
        without_effect(&merged, &all_schedules, &mut cx);
    }

    // The order in which pools are written means nothing, in one file or over several.
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    let mut policy = Policy {
        name: merged.name.map_or_else(|| "policy".into(), |name| name.name()),
        digest: "".into(),
        files,
        cluster_origin: merged.cluster.as_ref().map(|cluster| cx.origin(cluster.span)),
        revisions: Vec::new(),
        cluster: merged.cluster.map(|cluster| cluster.name()),
        time_zone: zone,
        limits,
        providers: all_providers,
        pools,
        overrides,
        drain,
        wake,
        hooks,
        rates,
        allocation,
        brakes,
        schedulers,
    };
    policy.digest = digest(&policy);
    policy
}

fn has_prices(pool: &Pool) -> bool {
    pool.create.as_ref().and_then(|create| create.catalog.as_ref()).is_some_and(|catalog| catalog.priced())
}

/// Warns of what is written and changes nothing. Only said of a policy without errors, which may be the cause.
fn without_effect(merged: &Merged, schedules: &BTreeMap<Name, Schedule>, cx: &mut Context<'_>) {
    for written in &merged.schedules {
        let Some(name) = &written.name else { continue };
        if schedules.get(name.as_str()).is_some_and(|schedule| !schedule.used) {
            cx.out
                .warning("unused", name.span, format!("no pool uses the schedule `{}`", name.as_str()))
                .help(format!("add `schedules: [{}]` to a pool, or remove it", name.as_str()));
        }
    }
    if merged.pools.is_empty() {
        cx.out
            .warning(
                "no-pools",
                merged.name.as_ref().map(|name| name.span).unwrap_or_default(),
                "the policy has no pools",
            )
            .help("add `pools`; a policy without them leaves every node as it is");
    }
}
