//! The metrics: what is there and wanted, what was done, what is wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::exposition::{Exposition, thousandths};
use super::view::{Role, View};
use crate::plan::{Plan, PoolPlan, verb_name};

/// The parts that something may be wrong with: each has a sample whether or not it is.
pub const PARTS: [&str; 5] = ["apply", "cluster", "leader", "observation", "policy"];

/// The page at the wall clock's `now`.
pub fn metrics(view: &View, now: Timestamp) -> String {
    let mut page = Exposition::default();
    itself(view, now, &mut page);
    counted(view, &mut page);
    let empty = [];
    let pools = view.plan.as_ref().map_or(&empty[..], |plan| &plan.pools);
    of_pools(pools, view.plan.as_deref(), &mut page);
    of_plan(view, &mut page);
    money(view.plan.as_deref(), &mut page);
    page.finish()
}

fn code(code: impl serde::Serialize) -> String {
    serde_json::to_value(code).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn age(now: Timestamp, then: Timestamp) -> i64 {
    now.duration_since(then).as_secs().max(0)
}

fn itself(view: &View, now: Timestamp, page: &mut Exposition) {
    page.family("tidegate_build_info", "gauge", "The version that runs");
    page.sample("tidegate_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let leads = u8::from(view.role == Role::Leading);
    page.gauge("tidegate_leader", "1 on the replica that decides and acts", leads);
    page.family("tidegate_trouble", "gauge", "1 where something is not as it should be, by part");
    for part in PARTS {
        page.sample("tidegate_trouble", &[("part", part)], u8::from(view.troubles.contains_key(part)));
    }
    page.family("tidegate_policy_info", "gauge", "The policy that holds, by name, digest and commit");
    if let Some(policy) = &view.policy {
        let commit = policy.commits.join(" ");
        let of = [("name", policy.name.as_str()), ("digest", &policy.digest), ("commit", &commit)];
        page.sample("tidegate_policy_info", &of, 1);
    }
    page.family("tidegate_policy_age_seconds", "gauge", "Since the policy was last read and found good");
    if let Some(policy) = &view.policy {
        page.sample("tidegate_policy_age_seconds", &[], age(now, policy.read));
    }
    page.family("tidegate_plan_age_seconds", "gauge", "Since the last plan was made");
    if view.plan.is_some() {
        page.sample("tidegate_plan_age_seconds", &[], age(now, view.planned));
    }
}

fn counted(view: &View, page: &mut Exposition) {
    let counters = &view.counters;
    page.counter("tidegate_plans_total", "Plans made", counters.plans);
    page.counter("tidegate_observations_total", "Observations of everything", counters.observations);
    page.family("tidegate_errors_total", "counter", "Times that something could not be done, by part");
    for part in PARTS {
        page.sample("tidegate_errors_total", &[("part", part)], counters.errors.get(part).copied().unwrap_or(0));
    }
    page.family("tidegate_applies_total", "counter", "Executions of a plan, by how they ended");
    for (end, count) in &counters.applies {
        page.sample("tidegate_applies_total", &[("end", end)], count);
    }
    page.family("tidegate_steps_total", "counter", "Steps that came to an end, by verb and outcome");
    for ((verb, outcome), count) in &counters.steps {
        page.sample("tidegate_steps_total", &[("verb", verb), ("outcome", outcome)], count);
    }
    page.family("tidegate_step_duration_seconds", "histogram", "How long steps took that were done, by verb");
    for (verb, times) in &counters.times {
        page.times("tidegate_step_duration_seconds", &[("verb", verb)], times);
    }
    page.counter("tidegate_evictions_total", "Evictions that the cluster accepted", counters.evictions);
    page.counter("tidegate_budget_waits_total", "Times that a disruption budget was waited for", counters.budget_waits);
    page.counter("tidegate_nodes_given_back_total", "Nodes given back before they went", counters.given_back);
    let work = view.work.as_ref();
    page.gauge("tidegate_acting", "1 while a plan is carried out", u8::from(work.is_some()));
}

fn of_pools(pools: &[PoolPlan], plan: Option<&Plan>, page: &mut Exposition) {
    page.family("tidegate_nodes", "gauge", "Nodes by pool and state");
    for pool in pools {
        for (state, count) in [
            ("absent", pool.absent),
            ("active", pool.active),
            ("cordoned", pool.cordoned),
            ("parked", pool.parked),
            ("unsettled", pool.unsettled),
        ] {
            page.sample("tidegate_nodes", &[("pool", &pool.name), ("state", state)], count);
        }
    }
    let mut each = |name: &str, help: &str, value: &dyn Fn(&PoolPlan) -> Option<i64>| {
        page.family(name, "gauge", help);
        for pool in pools {
            if let Some(value) = value(pool) {
                page.sample(name, &[("pool", &pool.name)], value);
            }
        }
    };
    each("tidegate_pool_floor_nodes", "The least active nodes wanted", &|pool| Some(pool.floor.into()));
    each("tidegate_pool_ceiling_nodes", "The most active nodes wanted", &|pool| Some(pool.ceiling.into()));
    each("tidegate_pool_wanted_nodes", "Nodes that are up when the plan is done", &|pool| Some(pool.desired.into()));
    each("tidegate_pool_shortfall_nodes", "Nodes that the floor lacks now", &|pool| {
        Some(pool.floor.saturating_sub(pool.active).into())
    });
    each("tidegate_pool_frozen", "1 while a freeze is open", &|pool| Some(pool.freeze.is_some().into()));
    each("tidegate_pool_next_change_timestamp_seconds", "When the schedule changes next", &|pool| {
        pool.next_change.as_ref().map(|next| next.at.as_second())
    });
    each("tidegate_headroom_wanted_units", "Units of spare capacity wanted", &|pool| {
        pool.headroom.as_ref().map(|kept| kept.units.iter().map(|unit| i64::from(unit.wanted)).sum())
    });
    each("tidegate_headroom_held_units", "Units that have room when the plan is done", &|pool| {
        pool.headroom.as_ref().map(|kept| kept.units.iter().map(|unit| i64::from(unit.kept)).sum())
    });
    page.family("tidegate_nodes_unclaimed", "gauge", "Nodes with a record of ours that no pool has any more");
    if let Some(plan) = plan {
        page.sample("tidegate_nodes_unclaimed", &[], plan.unclaimed.len());
    }
}

fn of_plan(view: &View, page: &mut Exposition) {
    let plan = view.plan.as_deref();
    page.family("tidegate_plan_steps", "gauge", "Steps of the last plan, by verb");
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    plan.iter().flat_map(|plan| &plan.steps).for_each(|step| *steps.entry(verb_name(step.verb)).or_default() += 1);
    for (verb, count) in steps {
        page.sample("tidegate_plan_steps", &[("verb", verb)], count);
    }
    page.family("tidegate_plan_complete", "gauge", "1 if everything that the plan rests on was known");
    if let Some(plan) = plan {
        page.sample("tidegate_plan_complete", &[], u8::from(plan.complete));
    }
    page.family("tidegate_refusals", "gauge", "Brakes that hold the last plan back");
    for refusal in plan.iter().flat_map(|plan| &plan.refusals) {
        page.sample("tidegate_refusals", &[("brake", &refusal.brake)], 1);
    }
    let mut count = |name: &str, label: &str, help: &str, codes: &mut dyn Iterator<Item = (String, usize)>| {
        let mut by_code: BTreeMap<String, usize> = BTreeMap::new();
        codes.for_each(|(code, count)| *by_code.entry(code).or_default() += count);
        page.family(name, "gauge", help);
        for (code, count) in by_code {
            page.sample(name, &[(label, &code)], count);
        }
    };
    let mut waiting = plan.iter().flat_map(|plan| &plan.waiting).map(|all| (code(all.reason.code), all.pods.len()));
    count("tidegate_waiting_pods", "reason", "Pods that wait for a node, by what becomes of them", &mut waiting);
    let kept = plan.iter().flat_map(|plan| &plan.kept).filter_map(|kept| kept.reasons.first());
    let mut kept = kept.map(|reason| (code(reason.code), 1));
    count("tidegate_kept_nodes", "code", "Nodes that stay as they are, by the first reason", &mut kept);
    page.family("tidegate_node_state_since_timestamp_seconds", "gauge", "Since when a node is in its state");
    for node in view.nodes.iter() {
        if let Some(since) = node.since {
            let state = node.state.split(" (").next().unwrap_or_default();
            let pool = node.pool.as_deref().unwrap_or("");
            let of = [("pool", pool), ("node", node.node.as_str()), ("state", state)];
            page.sample("tidegate_node_state_since_timestamp_seconds", &of, since.as_second());
        }
    }
}

fn money(plan: Option<&Plan>, page: &mut Exposition) {
    page.family("tidegate_cost_per_hour", "gauge", "What the nodes of a pool cost per hour, in the unit of its rates");
    let cost = plan.and_then(|plan| plan.cost.as_ref());
    let unit = cost.map_or("", |cost| cost.unit.as_str());
    for line in cost.iter().flat_map(|cost| cost.pools.iter().chain([&cost.other])).filter(|line| !line.no_price) {
        let value = thousandths(i128::from(line.now_per_hour_micros) / 1000);
        page.sample("tidegate_cost_per_hour", &[("pool", &line.what), ("unit", unit)], value);
    }
    let known = cost.filter(|cost| !cost.unpriced());
    page.family("tidegate_cost_week", "gauge", "What all pools cost in the coming seven days");
    if let Some(cost) = known {
        page.sample("tidegate_cost_week", &[("unit", unit)], thousandths(i128::from(cost.week_micros) / 1000));
    }
    page.family("tidegate_cost_always_on_week", "gauge", "The same with every node active");
    if let Some(cost) = known {
        let always = thousandths(i128::from(cost.always_on_week_micros) / 1000);
        page.sample("tidegate_cost_always_on_week", &[("unit", unit)], always);
    }
    page.family("tidegate_allocation_ends_timestamp_seconds", "gauge", "When the allocation runs out at this policy");
    if let Some(ends) = cost.and_then(|cost| cost.allocation_ends) {
        page.sample("tidegate_allocation_ends_timestamp_seconds", &[], ends.as_second());
    }
}
