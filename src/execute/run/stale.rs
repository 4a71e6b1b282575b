//! Whether a plan that was agreed to is still the plan that would be made now, and if not what changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Plan, Precondition, Step};

/// What differs between the plan that was agreed to and the one made now from the same policy: its steps and their
/// preconditions. Empty if nothing does.
pub fn stale(saved: &Plan, fresh: &Plan) -> Vec<String> {
    let mut changes = Vec::new();
    if saved.policy.digest != fresh.policy.digest {
        changes.push(format!("the policy `{}` is another one than when the plan was made", fresh.policy.name));
    }
    if saved.snapshot.cluster != fresh.snapshot.cluster {
        changes.push(format!(
            "the plan is for cluster {}, this is {}",
            saved.snapshot.cluster.as_deref().unwrap_or("unknown"),
            fresh.snapshot.cluster.as_deref().unwrap_or("unknown")
        ));
    }
    if saved.targets != fresh.targets {
        changes
            .push(format!("the plan is for {}, which names nothing that can be narrowed to", saved.targets.join(", ")));
    }
    if saved.steps.len() != by_id(saved).len() {
        changes.push("the plan has steps twice".to_owned());
    }
    if saved.applyable != fresh.applyable {
        let now = if fresh.applyable { "may" } else { "may not" };
        changes.push(format!("the plan {now} be carried out as things are now"));
    }
    for outage in fresh.outages.iter().filter(|outage| !saved.outages.contains(outage)) {
        changes.push(format!(
            "{} would have no Ready pod while {} moves, which the plan does not show",
            outage.workload, outage.pod
        ));
    }
    for refusal in fresh.refusals.iter().filter(|new| !saved.refusals.iter().any(|old| old.brake == new.brake)) {
        changes.push(format!("brake {}: {}", refusal.brake, refusal.text));
    }
    for refusal in saved.refusals.iter().filter(|old| !fresh.refusals.iter().any(|new| old.brake == new.brake)) {
        changes.push(format!("brake {} does not hold any more", refusal.brake));
    }
    let (before, after) = (by_id(saved), by_id(fresh));
    for (id, step) in &before {
        match after.get(id) {
            None => changes.push(format!("{id} is not needed or not possible any more{}", kept(fresh, &step.node))),
            Some(now) => compare(id, step, now, &mut changes),
        }
    }
    for (id, step) in &after {
        if !before.contains_key(id) {
            changes.push(format!("{id} is needed now: {}", step.reason.text));
        }
    }
    changes
}

fn by_id(plan: &Plan) -> BTreeMap<&str, &Step> {
    plan.steps.iter().map(|step| (step.id.as_str(), step)).collect()
}

fn kept(plan: &Plan, node: &str) -> String {
    let kept = plan.kept.iter().find(|kept| kept.node == node).and_then(|kept| kept.reasons.first());
    kept.map_or(String::new(), |reason| format!(": {}", reason.text))
}

fn compare(id: &str, saved: &Step, fresh: &Step, changes: &mut Vec<String>) {
    if saved.server != fresh.server {
        changes.push(format!(
            "{id} is about server {} now, not {}",
            fresh.server.as_deref().unwrap_or("unknown"),
            saved.server.as_deref().unwrap_or("unknown")
        ));
    }
    if (saved.verb, &saved.node, &saved.pool) != (fresh.verb, &fresh.node, &fresh.pool) {
        changes.push(format!(
            "{id} is {} of {} in pool {} now",
            crate::plan::verb_name(fresh.verb),
            fresh.node,
            fresh.pool
        ));
    }
    // Where a pod finds room and in which round it goes is a forecast; whether it goes is what was agreed to.
    let pods = |step: &Step| {
        step.pods.iter().map(|pod| (pod.pod.clone(), pod.uid.clone(), pod.action)).collect::<BTreeSet<_>>()
    };
    for (pod, _, action) in pods(fresh).difference(&pods(saved)) {
        changes.push(format!("{id}: {pod} is there now ({action:?})").to_lowercase());
    }
    for (pod, _, action) in pods(saved).difference(&pods(fresh)) {
        changes.push(format!("{id}: {pod} is not there any more ({action:?})").to_lowercase());
    }
    if saved.after != fresh.after {
        changes.push(format!("{id} comes after other steps now: {}", fresh.after.join(", ")));
    }
    for condition in &saved.preconditions {
        if !fresh.preconditions.contains(condition) {
            changes.push(format!("{id}: {} does not hold any more", words(condition)));
        }
    }
    for condition in &fresh.preconditions {
        if !saved.preconditions.contains(condition) {
            changes.push(format!("{id}: {} is new", words(condition)));
        }
    }
}

fn words(condition: &Precondition) -> String {
    match condition {
        Precondition::Node { uid } => format!("that the node has UID {uid}"),
        Precondition::NotCordonedByOther => "that nobody else cordoned the node".to_owned(),
        Precondition::Server { id, state } => format!("that server {id} is {state}"),
        Precondition::Marked => "that our mark is on the node".to_owned(),
    }
}
