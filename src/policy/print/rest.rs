//! The effective policy as a whole, with its limits, providers, overrides and money.

use super::drain::{brakes, drain, wake};
use super::lines::{DEFAULT, Lines, amount, bytes, cpu, length, list, quoted, share};
use super::pools::pools;
use super::schedules::schedules;
use crate::policy::{HookCall, HookTime, OnFailure, Policy, ProviderKind};

/// The policy as it counts: every value with the line that says it, or `default`. The output is itself a policy, and it
/// means the same.
pub fn print_effective(policy: &Policy) -> String {
    let mut spec = Lines::default();
    if let Some(cluster) = &policy.cluster {
        spec.plain("cluster", quoted(cluster));
    }
    let zone_remark = if &*policy.time_zone == "UTC" { DEFAULT } else { "" };
    spec.add(format!("timeZone: {}", quoted(&policy.time_zone)), zone_remark);
    spec.block("limits", "", limits(policy));
    spec.block("providers", "", providers(policy));
    spec.block("schedules", "", schedules(policy));
    if policy.pools.is_empty() {
        spec.plain("pools", "[]");
    }
    spec.block("pools", "", pools(policy));
    spec.block("overrides", "", overrides(policy));
    spec.block("drain", "", drain(policy));
    spec.block("wake", "", wake(policy));
    spec.block("hooks", "", hooks(policy));
    spec.block("rates", "", rates(policy));
    if let Some(allocation) = &policy.allocation {
        let mut lines = Lines::default();
        lines.field("balance", amount(allocation.balance), Some(&allocation.origin));
        lines.plain("asOf", quoted(&allocation.as_of.to_string()));
        if let Some(ends) = allocation.ends {
            lines.plain("ends", quoted(&ends.to_string()));
        }
        spec.block("allocation", "", lines);
    }
    spec.block("brakes", "", brakes(policy));
    spec.block("schedulers", "", schedulers(policy));

    let mut all = Lines::default();
    all.plain("apiVersion", "tidegate.dev/v1alpha1");
    all.plain("kind", "CapacityPolicy");
    all.plain("metadata", format!("{{name: {}}}", quoted(&policy.name)));
    all.block("spec", "", spec);
    all.text()
}

fn limits(policy: &Policy) -> Lines {
    let limits = &policy.limits;
    let mut lines = Lines::default();
    let written = |field: &str| {
        let defaulted = limits.defaulted.iter().any(|name| &**name == field);
        limits.origin.as_ref().filter(|_| !defaulted)
    };
    lines.field("cpu", cpu(limits.resources.cpu), written("cpu"));
    lines.field("memory", bytes(limits.resources.memory), written("memory"));
    match limits.nodes {
        Some(nodes) => lines.field("nodes", nodes, written("nodes")),
        None => lines.add("# nodes: no limit", DEFAULT),
    }
    match limits.resources.extended.values().next() {
        Some(gpus) => lines.field("gpus", gpus, written("gpus")),
        None => lines.add("# gpus: no limit", DEFAULT),
    }
    match limits.cost_per_hour {
        Some(cost) => lines.field("costPerHour", amount(cost), written("costPerHour")),
        None => lines.add("# costPerHour: no limit", DEFAULT),
    }
    lines
}

fn providers(policy: &Policy) -> Lines {
    let mut all = Lines::default();
    for provider in policy.providers.values() {
        let mut lines = Lines::default();
        lines.field("name", quoted(&provider.name), Some(&provider.origin));
        match &provider.kind {
            ProviderKind::Openstack { cloud, region, offload_timeout } => {
                let region = region.as_ref().map(|region| format!(", region: {}", quoted(region))).unwrap_or_default();
                let patience = length(*offload_timeout);
                lines.plain("openstack", format!("{{cloud: {}{region}, offloadTimeout: {patience}}}", quoted(cloud)));
            }
            ProviderKind::Command { run, deadline, parks } => {
                let parks: Vec<&str> = parks.iter().map(|idle| idle.verb()).collect();
                let parks = if parks.is_empty() { String::new() } else { format!(", parks: [{}]", parks.join(", ")) };
                lines.plain("command", format!("{{run: {}, deadline: {}{parks}}}", list(run), length(*deadline)));
            }
        }
        all.item(lines);
    }
    all
}

fn hooks(policy: &Policy) -> Lines {
    let mut all = Lines::default();
    for hook in &policy.hooks {
        let mut lines = Lines::default();
        lines.field("name", quoted(&hook.name), Some(&hook.origin));
        lines.plain(
            "when",
            match hook.when {
                HookTime::BeforeDrain => "beforeDrain",
                HookTime::AfterWake => "afterWake",
            },
        );
        match &hook.call {
            HookCall::Command(words) => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                lines.plain("command", format!("[{}]", words.join(", ")));
            }
            HookCall::Webhook(url) => lines.plain("webhook", quoted(url)),
        }
        lines.plain("deadline", length(hook.deadline));
        lines.plain(
            "onFailure",
            match hook.on_failure {
                OnFailure::Stop => "stop",
                OnFailure::Ignore => "ignore",
            },
        );
        all.item(lines);
    }
    all
}

fn overrides(policy: &Policy) -> Lines {
    let mut all = Lines::default();
    for entry in &policy.overrides {
        let mut lines = Lines::default();
        lines.field("target", quoted(&entry.target.to_string()), Some(&entry.origin));
        for (key, number) in [("min", entry.ask.min), ("max", entry.ask.max), ("replicas", entry.ask.replicas)] {
            if let Some(number) = number {
                lines.plain(key, number);
            }
        }
        lines.plain("expires", quoted(&entry.expires.to_string()));
        lines.plain("reason", quoted(&entry.reason));
        if let Some(author) = &entry.author {
            lines.plain("author", quoted(author));
        }
        all.item(lines);
    }
    all
}

fn rates(policy: &Policy) -> Lines {
    let mut all = Lines::default();
    for rate in &policy.rates {
        let mut lines = Lines::default();
        lines.field("unit", quoted(&rate.unit), Some(&rate.origin));
        if let Some(provider) = &rate.provider {
            lines.plain("provider", quoted(provider));
        }
        match rate.from {
            Some(from) => lines.plain("from", quoted(&from.to_string())),
            None => lines.add("# from: always", DEFAULT),
        }
        let prices: Vec<String> =
            rate.per_hour.iter().map(|(flavor, price)| format!("{}: {}", quoted(flavor), amount(*price))).collect();
        lines.plain("perHour", format!("{{{}}}", prices.join(", ")));
        let shares = &rate.charged;
        lines.plain(
            "charged",
            format!(
                "{{active: {}, suspended: {}, stopped: {}, shelved: {}}}",
                share(shares.active),
                share(shares.suspended),
                share(shares.stopped),
                share(shares.shelved)
            ),
        );
        all.item(lines);
    }
    all
}

fn schedulers(policy: &Policy) -> Lines {
    let mut all = Lines::default();
    for scheduler in &policy.schedulers {
        let mut lines = Lines::default();
        lines.field("name", quoted(&scheduler.name), Some(&scheduler.origin));
        lines.plain("scoring", format!("{:?}", scheduler.scoring));
        all.item(lines);
    }
    all
}
