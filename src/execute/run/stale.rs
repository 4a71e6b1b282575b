//! Whether a plan that was agreed to is still the plan that would be made now, and if not what changed.

use std::collections::BTreeMap;

use crate::cluster::NodeRecord;
use crate::model::World;
use crate::plan::{
    Code, INCOMPLETE, Inventory, Outage, Plan, PodAction, PodMove, Precondition, Reason, State, Step, Verb, emptied,
    verb_name,
};
use crate::policy::Policy;

/// What differs between the plan that was agreed to and the one made now from the same policy in this world: its steps
/// and their preconditions. Empty if nothing does.
pub fn stale(saved: &Plan, fresh: &Plan, world: &World) -> Vec<String> {
    let mut changes = another(saved, fresh);
    changes.extend(applyable(saved, fresh));
    if fresh.complete && !saved.complete {
        changes.push("the plan says that it is not complete, one made now is".to_owned());
    }
    changes.extend(interrupted(saved, fresh));
    for refusal in fresh.refusals.iter().filter(|new| !saved.refusals.iter().any(|old| old.brake == new.brake)) {
        changes.push(format!("brake {}: {}", refusal.brake, refusal.text));
    }
    for refusal in saved.refusals.iter().filter(|old| !fresh.refusals.iter().any(|new| old.brake == new.brake)) {
        changes.push(format!("brake {} does not hold any more", refusal.brake));
    }
    let (before, after) = (by_id(saved), by_id(fresh));
    for (node, steps) in by_node(before.values().filter(|step| !after.contains_key(step.id.as_str()))) {
        let why = why_not(node, &steps, fresh, world).map(|why| format!(": {why}")).unwrap_or_default();
        changes.push(format!("{node}: no {} any more{why}", verbs(&steps)));
    }
    for (node, steps) in by_node(after.values().filter(|step| !before.contains_key(step.id.as_str()))) {
        let why = steps.first().map(|step| format!(": {}", step.reason.text)).unwrap_or_default();
        changes.push(format!("{node}: {} is needed now{why}", verbs(&steps)));
    }
    for (id, step) in &before {
        if let Some(now) = after.get(id) {
            compare(id, step, now, (saved.knows_servers(), world), &mut changes);
        }
    }
    changes
}

/// What the plan made now does beyond the one that was agreed to; empty where its steps are some of those. That it does
/// less, or in another order, is within.
pub fn beyond(saved: &Plan, fresh: &Plan) -> Vec<String> {
    let mut news = another(saved, fresh);
    news.extend(interrupted(saved, fresh));
    let before = by_id(saved);
    for (node, steps) in by_node(by_id(fresh).values().filter(|step| !before.contains_key(step.id.as_str()))) {
        let why = steps.first().map(|step| format!(": {}", step.reason.text)).unwrap_or_default();
        news.push(format!("{node}: {} is new{why}", verbs(&steps)));
    }
    for step in &fresh.steps {
        let Some(old) = before.get(step.id.as_str()) else { continue };
        let uid = |step: &Step| {
            step.preconditions.iter().find_map(|condition| match condition {
                Precondition::Node { uid } => Some(uid.clone()),
                _ => None,
            })
        };
        if uid(old) != uid(step) {
            news.push(format!("{}: another node has that name now", step.id));
        }
        if saved.knows_servers() && old.server != step.server
            || (old.verb, &old.node, &old.pool, &old.provider_verb)
                != (step.verb, &step.node, &step.pool, &step.provider_verb)
        {
            news.push(format!("{} is another step now", step.id));
        }
        for entry in step.pods.iter().filter(|entry| entry.action != PodAction::Stays) {
            let agreed = old.pods.iter().find(|known| (&known.pod, &known.uid) == (&entry.pod, &entry.uid));
            let harder = |agreed: &PodMove| {
                entry.action == PodAction::Evict && agreed.action != PodAction::Evict
                    || entry.lost && !agreed.lost
                    || entry.delete_on_timeout && !agreed.delete_on_timeout
            };
            if agreed.is_none_or(harder) {
                let lost = if entry.lost { ", and nothing makes it again" } else { "" };
                news.push(format!("{}: {} {}{lost}", step.id, entry.pod, happens(entry.action)));
            }
        }
    }
    news
}

/// Whether the plan that was agreed to was carried out whole: each of its nodes is as its last step leaves it, and nothing is
/// to be done to one of them now.
pub fn carried_out(saved: &Plan, fresh: &Plan, world: &World, policy: &Policy) -> bool {
    let inventory = Inventory::take(policy, world);
    let is_so = |step: &Step| {
        let member = inventory.pools.iter().flatten().find(|member| *member.name == *step.node);
        let same = step.preconditions.iter().all(|condition| match condition {
            Precondition::Node { uid } => world.nodes.get(step.node.as_str()).is_some_and(|node| *node.uid == **uid),
            _ => true,
        });
        same && member.is_some_and(|member| match (step.verb, &member.state) {
            (Verb::Park | Verb::Record, State::Parked(_))
            | (Verb::Cordon, State::OwnCordon(_))
            | (Verb::Delete, State::Absent) => true,
            (Verb::Drain, State::OwnCordon(_)) => emptied(world, &step.node),
            (Verb::Wake | Verb::Wait | Verb::Uncordon, State::Active) => true,
            _ => false,
        })
    };
    let mut last: BTreeMap<&str, &Step> = BTreeMap::new();
    for step in &saved.steps {
        last.insert(&step.node, step);
    }
    let same = saved.policy.digest == fresh.policy.digest
        && saved.snapshot.cluster == fresh.snapshot.cluster
        && saved.intact() != Some(false);
    let untouched = fresh.steps.iter().all(|step| !last.contains_key(step.node.as_str()));
    same && untouched && !last.is_empty() && last.into_values().all(is_so)
}

/// What makes it a plan for something else altogether.
fn another(saved: &Plan, fresh: &Plan) -> Vec<String> {
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
    changes
}

/// Workloads that would be without a Ready pod, and that the plan does not show.
fn interrupted(saved: &Plan, fresh: &Plan) -> Vec<String> {
    let new = fresh.outages.iter().filter(|outage| !saved.outages.contains(outage));
    let words = |outage: &Outage| {
        format!("{} would have no Ready pod while {} moves, which the plan does not show", outage.workload, outage.pod)
    };
    new.map(words).collect()
}

/// A plan without steps is never to be carried out; its steps are compared one by one.
fn applyable(saved: &Plan, fresh: &Plan) -> Option<String> {
    let why = |plan: &Plan| match plan.caveats.as_slice() {
        [] => String::new(),
        caveats => format!(" ({})", caveats.join("; ")),
    };
    // What a brake refuses is compared brake by brake.
    let may = |plan: &Plan| plan.applyable || plan.refusals.iter().any(|refusal| refusal.brake != INCOMPLETE);
    if may(saved) == may(fresh) || saved.steps.is_empty() || fresh.steps.is_empty() {
        return None;
    }
    Some(if may(fresh) {
        format!("the plan says that it is not to be carried out{}, one made now may be", why(saved))
    } else {
        format!("as things are now the plan may not be carried out{}", why(fresh))
    })
}

fn by_id(plan: &Plan) -> BTreeMap<&str, &Step> {
    plan.steps.iter().map(|step| (step.id.as_str(), step)).collect()
}

fn by_node<'s>(steps: impl Iterator<Item = &'s &'s Step>) -> BTreeMap<&'s str, Vec<&'s Step>> {
    let mut of_node: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        of_node.entry(step.node.as_str()).or_default().push(step);
    }
    of_node
}

fn verbs(steps: &[&Step]) -> String {
    steps.iter().map(|step| verb_name(step.verb)).collect::<Vec<_>>().join(", ")
}

/// Why the steps of a node are not those of the plan made now: what is seen of node and server, or why the node stays.
fn why_not(name: &str, steps: &[&Step], fresh: &Plan, world: &World) -> Option<String> {
    let conditions = || steps.iter().flat_map(|step| &step.preconditions);
    for condition in conditions() {
        if let Precondition::Node { uid } = condition.clone()
            && !uid.is_empty()
        {
            match world.nodes.get(name) {
                None => return Some("there is no such node any more".to_owned()),
                Some(node) if *node.uid != *uid => return Some("another node has that name now".to_owned()),
                Some(_) => {}
            }
        }
    }
    for condition in conditions() {
        if let Precondition::Server { id, state } = condition {
            match world.servers.get(id.as_str()) {
                None => return Some(format!("server {id} is not there any more")),
                Some(server) if server.state.to_string() != *state => {
                    return Some(format!("server {id} is {}, not {state}", server.state));
                }
                Some(server) => {
                    if let Some(task) = &server.task {
                        return Some(format!("the provider is at work on server {id} ({task})"));
                    }
                }
            }
        }
    }
    let kept = fresh.kept.iter().find(|kept| kept.node == name).and_then(|kept| kept.reasons.first());
    let node = world.nodes.get(name);
    let foreign = node.is_some_and(|node| node.unschedulable && matches!(NodeRecord::of(node), Ok(None)));
    let until = |reason: &Reason| reason.evidence.until.map(|until| format!(", until {until}")).unwrap_or_default();
    kept.map(|reason| {
        format!("{}{}", reason.text, if reason.code == Code::RecentlyFailed { until(reason) } else { String::new() })
    })
    .or_else(|| foreign.then(|| "somebody else cordoned it".to_owned()))
    .or_else(|| node.filter(|node| !node.ready()).map(|_| "the node is not Ready".to_owned()))
}

/// A plan that was made without knowing the servers says nothing about them that could have changed.
fn compare(id: &str, saved: &Step, fresh: &Step, (servers, world): (bool, &World), changes: &mut Vec<String>) {
    if servers && saved.server != fresh.server {
        changes.push(format!(
            "{id} is about server {} now, not {}",
            fresh.server.as_deref().unwrap_or("unknown"),
            saved.server.as_deref().unwrap_or("unknown")
        ));
    }
    if (saved.verb, &saved.node, &saved.pool) != (fresh.verb, &fresh.node, &fresh.pool) {
        changes.push(format!("{id} is {} of {} in pool {} now", verb_name(fresh.verb), fresh.node, fresh.pool));
    }
    if saved.provider_verb != fresh.provider_verb {
        let word = |step: &Step| step.provider_verb.clone().unwrap_or_else(|| "nothing".to_owned());
        changes.push(format!("{id} tells the provider to {} now, not to {}", word(fresh), word(saved)));
    }
    pods(id, saved, fresh, changes);
    if saved.after != fresh.after {
        changes.push(format!("{id} comes after other steps now: {}", fresh.after.join(", ")));
    }
    for condition in &saved.preconditions {
        if fresh.preconditions.contains(condition) {
            continue;
        }
        let node = world.nodes.get(saved.node.as_str());
        let record = node.filter(|node| node.unschedulable).and_then(|node| NodeRecord::of(node).ok().flatten());
        if let (Precondition::NotCordonedByOther, Some(record)) = (condition, record) {
            let NodeRecord { policy, since, .. } = record;
            changes.push(format!("{id}: an apply of policy `{policy}` cordoned the node already, at {since}"));
        } else {
            changes.push(format!("{id}: {} does not hold any more", words(condition)));
        }
    }
    for condition in &fresh.preconditions {
        let counts = servers || !matches!(condition, Precondition::Server { .. });
        if counts && !saved.preconditions.contains(condition) {
            changes.push(format!("{id}: {} is new", words(condition)));
        }
    }
}

/// Where a pod finds room and in which round it goes is a forecast; whether it goes is what was agreed to. Less than that
/// is as agreed: a pod that was waited for has ended, one that would go with its node came or went.
fn pods(id: &str, saved: &Step, fresh: &Step, changes: &mut Vec<String>) {
    fn named(step: &Step) -> BTreeMap<(&str, &str), &PodMove> {
        step.pods.iter().map(|entry| ((entry.pod.as_str(), entry.uid.as_str()), entry)).collect()
    }
    let (before, after) = (named(saved), named(fresh));
    for (key, entry) in &after {
        match before.get(key) {
            None if entry.action == PodAction::Stays => {}
            Some(old) if (old.action, entry.action) == (PodAction::Wait, PodAction::Stays) => {}
            None => changes.push(format!("{id}: {} is there now and {}", entry.pod, happens(entry.action))),
            Some(old) if old.action != entry.action => {
                changes.push(format!(
                    "{id}: {} {}, the plan says it {}",
                    entry.pod,
                    happens(entry.action),
                    happens(old.action)
                ));
            }
            Some(_) => {}
        }
    }
    for (key, entry) in &before {
        if entry.action == PodAction::Evict && !after.contains_key(key) {
            changes.push(format!("{id}: {} is not there any more", entry.pod));
        }
    }
}

fn happens(action: PodAction) -> &'static str {
    match action {
        PodAction::Evict => "would be evicted",
        PodAction::Wait => "would be waited for",
        PodAction::Stays => "goes with its node",
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
