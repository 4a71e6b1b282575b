//! Is this the policy and the snapshot that the plan was made from, and does it say truly what it rests on?

use super::case::Case;
use super::violation::{Found, Rule};
use crate::model::{World, digest};
use crate::plan::{FORMAT_VERSION, OTHER_CLUSTER, Plan, unknown};
use crate::policy::Policy;

/// Format, digests, cluster.
pub fn check(plan: &Plan, world: &World, policy: &Policy, found: &mut Found) {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(&plan.format_version) != major(FORMAT_VERSION) {
        let text = format!("it has format {}, and this version reads {FORMAT_VERSION}", plan.format_version);
        found.plan(Rule::Format, text);
    }
    if let Some(edited) = plan.edited() {
        found.plan(Rule::Edited, edited);
    }
    if *plan.policy.digest != *policy.digest || *plan.policy.name != *policy.name {
        let text = format!("it was made from another policy than `{}` as it is given", policy.name);
        found.plan(Rule::Policy, text);
    }
    if *plan.time_zone != *policy.time_zone {
        found.plan(Rule::Policy, format!("it shows times in {}, the policy in {}", plan.time_zone, policy.time_zone));
    }
    if plan.snapshot.digest != digest(world) || plan.snapshot.cluster.as_deref() != world.cluster.as_deref() {
        found.plan(Rule::Snapshot, "it was made from another snapshot than the one given");
    }
}

/// A plan may say less of itself than is true, with a reason; never more.
pub fn applyable(case: &Case<'_>, found: &mut Found) {
    let (plan, world, policy) = (case.plan, case.world, case.policy);
    let mut missing: Vec<String> = world.gaps.clone();
    missing.extend(unknown::needed(world).iter().map(|kind| format!("{kind} was not listed")));
    for kind in unknown::kinds(world) {
        if !plan.snapshot.unknown.contains(&kind.to_string()) {
            found.plan(Rule::Applyable, format!("{kind} was not listed, and it does not say so"));
        }
    }
    if world.servers.values().any(|server| server.inferred) {
        missing.push("the provider was not asked for its servers".to_owned());
    }
    missing.extend(case.disputed.iter().map(|node| format!("two pools take {node} in")));
    if policy.cluster.is_some() && policy.cluster != world.cluster {
        missing.push("the policy is for another cluster".to_owned());
        if !plan.refusals.iter().any(|refusal| refusal.brake == OTHER_CLUSTER) {
            found.plan(Rule::Brake, "the policy is for another cluster, and it does not say so");
        }
    }
    let old = world.taken.is_some_and(|taken| plan.now.duration_since(taken) > policy.brakes.max_snapshot_age);
    if plan.snapshot.old.is_some() != old {
        let what = if old { "is too old for an apply, and it does not say so" } else { "is not as old as it says" };
        found.plan(Rule::Snapshot, format!("the snapshot {what}"));
    }
    if let Some(why) = missing.first() {
        if plan.applyable {
            found.plan(Rule::Applyable, format!("it says that it may be carried out, and may not: {why}"));
        }
        if plan.complete {
            found.plan(Rule::Applyable, format!("it says that it is complete, and is not: {why}"));
        }
    }
    if !plan.targets.is_empty() && plan.complete {
        found.plan(Rule::Applyable, "it says that it is complete, and is narrowed to some objects");
    }
    if plan.complete != plan.caveats.is_empty() {
        found.plan(Rule::Applyable, "it is complete exactly if it has no caveats");
    }
    if let Some(refusal) = plan.refusals.first().filter(|_| plan.applyable) {
        let text = format!("it says that it may be carried out, and brake {} holds", refusal.brake);
        found.plan(Rule::Applyable, text);
    }
    if plan.applyable && plan.steps.is_empty() {
        found.plan(Rule::Applyable, "it says that it may be carried out, and has no steps");
    }
    if !plan.applyable && !plan.steps.is_empty() && plan.caveats.is_empty() && plan.refusals.is_empty() {
        found.plan(Rule::Applyable, "it says that it may not be carried out, and not why");
    }
}
