//! Pools of the effective policy.

use super::lines::{Lines, bytes, cpu, length, list, quoted, selector};
use super::schedules::{calendar, exceptional, headroom};
use crate::model::{IntOrPercent, Name, Requirement};
use crate::policy::{Members, Policy, Pool, Repair, Template};

/// A count, or a percentage in quotes.
pub(super) fn count_or_percent(value: IntOrPercent) -> String {
    match value {
        IntOrPercent::Count(count) => count.to_string(),
        IntOrPercent::Percent(percent) => quoted(&format!("{percent}%")),
    }
}

/// All pools in their order.
pub(super) fn pools(policy: &Policy) -> Lines {
    let mut all = Lines::default();
    policy.pools.iter().for_each(|pool| all.item(self::pool(pool, policy)));
    all
}

fn pool(pool: &Pool, policy: &Policy) -> Lines {
    let mut lines = Lines::default();
    let at = |field: &str| pool.origins.get(field);
    lines.field("name", quoted(&pool.name), Some(&pool.origin));
    if let Some(provider) = &pool.provider {
        lines.field("provider", quoted(provider), at("provider"));
    }
    if let Some(flavor) = &pool.flavor {
        lines.field("flavor", quoted(flavor), at("flavor"));
    }
    let nodes = match &pool.members {
        Members::Names(patterns) => format!("{{names: {}}}", list(patterns.iter().map(|pattern| &pattern.text))),
        Members::Labels(labels) => format!("{{selector: {}}}", selector(labels)),
    };
    lines.field("nodes", nodes, at("nodes"));
    if !pool.keep.is_empty() {
        lines.field("keep", list(pool.keep.iter().map(|pattern| &pattern.text)), at("keep"));
    }
    match pool.replicas {
        Some(replicas) => lines.field("replicas", replicas, at("replicas")),
        None => {
            lines.field("min", pool.min, at("min"));
            match pool.max {
                Some(max) => lines.field("max", max, at("max")),
                None => lines.add("# max: all of them", super::lines::DEFAULT),
            }
        }
    }
    lines.field("idle", pool.idle.verb(), at("idle"));
    lines.field("parallelism", pool.parallelism, at("parallelism"));
    match pool.max_unavailable {
        Some(most) => lines.field("maxUnavailable", count_or_percent(most), at("maxUnavailable")),
        None => lines.add("# maxUnavailable: no limit besides parallelism", super::lines::DEFAULT),
    }
    match pool.min_parked {
        Some(least) => lines.field("minParked", length(least), at("minParked")),
        None => lines.add("# minParked: twice the time to park and wake, at least 1h", super::lines::DEFAULT),
    }
    lines.field("maxParked", length(pool.max_parked), at("maxParked"));
    lines.field("unneededFor", length(pool.unneeded_for), at("unneededFor"));
    lines.field("cooldown", length(pool.cooldown), at("cooldown"));
    lines.field("windDown", length(pool.wind_down), at("windDown"));
    match &pool.repair {
        Some(asked) => lines.field("repair", repair(asked), at("repair")),
        None => lines.add("# repair: none", super::lines::DEFAULT),
    }
    lines.field("weight", pool.weight, at("weight"));
    let rule = |allowed: bool| if allowed { "allowed" } else { "protected" };
    lines.field("nodeStorage", rule(pool.node_storage_allowed), at("nodeStorage"));
    lines.field("frontDoors", rule(pool.front_doors_allowed), at("frontDoors"));
    lines.field("adopt", pool.adopt, at("adopt"));
    lines.field("parkedNode", if pool.deletes_parked_nodes { "delete" } else { "keep" }, at("parkedNode"));
    if !pool.shared_with.is_empty() {
        lines.field("sharedWith", list(&pool.shared_with), at("sharedWith"));
    }
    match &pool.headroom {
        Some(asked) => lines.field("headroom", headroom(asked), at("headroom")),
        None => lines.add("# headroom: none", super::lines::DEFAULT),
    }
    if let Some(template) = &pool.create {
        lines.block("create", "", create(template));
    }
    let mut schedules: Vec<&Name> = Vec::new();
    let of_windows = pool.windows.iter().filter_map(|window| window.schedule.as_ref());
    for name in of_windows.chain(pool.exceptions.iter().filter_map(|exception| exception.schedule.as_ref())) {
        if !schedules.contains(&name) {
            schedules.push(name);
        }
    }
    if !schedules.is_empty() {
        lines.plain("schedules", list(schedules));
    }
    calendar(pool.windows.iter().filter(|window| window.schedule.is_none()), policy, "windows", &mut lines);
    exceptional(pool.exceptions.iter().filter(|exception| exception.schedule.is_none()), &mut lines);
    lines
}

fn repair(asked: &Repair) -> String {
    format!(
        "{{notReadyFor: {}, action: {}, atOnce: {}, maxNotReady: {}}}",
        length(asked.not_ready_for),
        asked.action.word(),
        asked.at_once,
        quoted(&format!("{}%", asked.max_not_ready))
    )
}

fn requirement(one: &Requirement) -> String {
    let values = if one.values.is_empty() { String::new() } else { format!(", values: {}", list(&one.values)) };
    format!("{{key: {}, operator: {:?}{values}}}", quoted(&one.key), one.operator)
}

fn create(template: &Template) -> Lines {
    let mut lines = Lines::default();
    let at = Some(&template.origin);
    lines.field("image", quoted(&template.image), at);
    match (&template.catalog, template.flavors.is_empty()) {
        (None, _) | (_, false) => lines.field("flavors", list(&template.flavors), at),
        (Some(_), true) => lines.add("# flavors: all of the catalog that meet the rest", super::lines::DEFAULT),
    }
    if let Some(catalog) = &template.catalog {
        lines.field("catalog", quoted(&catalog.named), at);
        let types: Vec<&str> = template.capacity_types.iter().map(|how| how.word()).collect();
        lines.field("capacityTypes", format!("[{}]", types.join(", ")), at);
        if !template.requirements.is_empty() {
            let all: Vec<String> = template.requirements.iter().map(requirement).collect();
            lines.field("requirements", format!("[{}]", all.join(", ")), at);
        }
    }
    for (key, names) in
        [("zones", &template.zones), ("networks", &template.networks), ("securityGroups", &template.security_groups)]
    {
        match names.is_empty() {
            true => lines.add(format!("# {key}: the provider's choice"), super::lines::DEFAULT),
            false => lines.field(key, list(names), at),
        }
    }
    let named = [("keyPair", &template.key_pair), ("serverGroup", &template.server_group)];
    for (key, name) in named.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?))) {
        lines.field(key, quoted(name), at);
    }
    match (&template.user_data_file, &template.user_data) {
        (Some(file), _) => lines.field("userData", format!("{{file: {}}}", quoted(file)), at),
        (None, Some(text)) => lines.field("userData", quoted(text), at),
        (None, None) => {}
    }
    match template.boot_volume {
        Some(size) => lines.field("bootVolume", bytes(size), at),
        None => lines.add("# bootVolume: none, the host's disk", super::lines::DEFAULT),
    }
    if !template.labels.is_empty() {
        let labels = template.labels.iter().map(|(key, value)| format!("{}: {}", quoted(key), quoted(value)));
        lines.field("labels", format!("{{{}}}", labels.collect::<Vec<_>>().join(", ")), at);
    }
    if !template.taints.is_empty() {
        let taints = template.taints.iter().map(|taint| {
            let value =
                if taint.value.is_empty() { String::new() } else { format!("value: {}, ", quoted(&taint.value)) };
            format!("{{key: {}, {value}effect: {:?}}}", quoted(&taint.key), taint.effect)
        });
        lines.field("taints", format!("[{}]", taints.collect::<Vec<_>>().join(", ")), at);
    }
    let memory = template.reserved_memory.map(|memory| format!("memory: {}", bytes(memory)));
    let reserved = [Some(format!("cpu: {}", cpu(template.reserved_cpu))), memory];
    lines.field("reserved", format!("{{{}}}", reserved.into_iter().flatten().collect::<Vec<_>>().join(", ")), at);
    lines
}
