//! What is repaired: only nodes that have been NotReady for long enough and carry no pod that anybody waits for, few at once,
//! none in an outage, and in the policy's way.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Wanted};
use super::violation::{Found, Rule};
use crate::model::{Node, NodeMark, ServerState};
use crate::plan::{Code, Step, Verb};
use crate::policy::{Idle, Repair, RepairAction};

/// The steps of a node that is repaired, each after the one before.
const RESTART: [Verb; 5] = [Verb::Cordon, Verb::Park, Verb::Wake, Verb::Wait, Verb::Uncordon];
const PARK: [Verb; 2] = [Verb::Cordon, Verb::Park];
const DELETE: [Verb; 2] = [Verb::Cordon, Verb::Delete];

/// Every node that the plan says it repairs, and every one that it takes undrained and gives back.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let mut nodes: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in case.plan.steps.iter().filter(|step| case.repaired(&step.node)) {
        nodes.entry(step.node.as_str()).or_default().push(step);
    }
    let mut of_pool: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, steps) in &nodes {
        let Some(first) = steps.first() else { continue };
        let mut wrong = |text: String| found.step(first, Rule::Repair, text);
        in_order(steps, &mut wrong);
        let Some(wanted) = case.pool_of(name) else { continue };
        let Some(repair) = &wanted.pool.repair else {
            wrong(format!("pool {} repairs nothing", wanted.pool.name));
            continue;
        };
        let count = of_pool.entry(&*wanted.pool.name).or_default();
        *count += 1;
        if *count > repair.at_once {
            wrong(format!("{count} nodes of its pool are repaired at once, the policy allows {}", repair.at_once));
        }
        outage(case, wanted, repair, &mut wrong);
        way(case, wanted, repair, name, &mut wrong);
        match case.node(name) {
            None => wrong("there is no such Node".to_owned()),
            Some(node) => sick(case, repair, node, &mut wrong),
        }
    }
}

/// Exactly the steps of one of the ways, all for the same reason, each waiting for the one before it.
fn in_order(steps: &[&Step], wrong: &mut impl FnMut(String)) {
    let verbs: BTreeSet<Verb> = steps.iter().map(|step| step.verb).collect();
    let way = [&RESTART[..], &PARK[..], &DELETE[..]]
        .into_iter()
        .find(|way| way.iter().copied().collect::<BTreeSet<_>>() == verbs);
    let Some(way) = way else {
        return wrong("these steps repair nothing".to_owned());
    };
    if !steps.iter().all(|step| step.reason.code == Code::Repair && step.pods.is_empty()) {
        wrong("some of its steps are taken for another reason, or move pods".to_owned());
    }
    let id = |verb: &Verb| steps.iter().find(|step| step.verb == *verb).map(|step| (&step.id, &step.after));
    for pair in way.windows(2) {
        let [before, next] = pair else { continue };
        let waits = id(before).zip(id(next)).is_some_and(|((before, _), (_, after))| after.contains(before));
        if !waits {
            wrong("its steps do not wait for one another".to_owned());
        }
    }
}

/// So many of the pool's nodes are not Ready though their servers run that it is not the nodes.
fn outage(case: &Case<'_>, wanted: &Wanted<'_>, repair: &Repair, wrong: &mut impl FnMut(String)) {
    let (mut there, mut silent) = (0_u64, 0_u64);
    for node in wanted.members.iter().filter_map(|name| case.node(name)) {
        let server = case.server(&node.name);
        if server.is_some_and(|server| server.state.parked()) {
            continue;
        }
        let off = server.is_some_and(|server| {
            server.task.is_some() || !(server.state == ServerState::Active || server.state == ServerState::Unknown)
        });
        there += 1;
        silent += u64::from(!off && !node.ready());
    }
    if silent * 100 > there * u64::from(repair.max_not_ready) {
        wrong(format!("{silent} of {there} nodes of its pool are not Ready: nothing is repaired in an outage"));
    }
}

/// Restarted or replaced, as the policy says.
fn way(case: &Case<'_>, wanted: &Wanted<'_>, repair: &Repair, name: &str, wrong: &mut impl FnMut(String)) {
    if repair.action == RepairAction::Replace && case.has(Verb::Wake, name) {
        wrong("it is woken again, and the policy says to replace it".to_owned());
    }
    if (wanted.pool.idle == Idle::Delete) != case.has(Verb::Delete, name) {
        wrong("its server does not go in the way of its pool".to_owned());
    }
    let attached = case.world.attachments.values().any(|attachment| *attachment.node == *name);
    if attached && repair.action == RepairAction::Replace && case.has(Verb::Park, name) {
        wrong("a volume would stay with its parked server".to_owned());
    }
}

/// NotReady for long enough, running, nobody else's, and with nobody on it.
fn sick(case: &Case<'_>, repair: &Repair, node: &Node, wrong: &mut impl FnMut(String)) {
    let since = node.condition("Ready").and_then(|ready| ready.transition);
    let long = since.is_some_and(|since| case.plan.now.duration_since(since) >= repair.not_ready_for);
    if node.ready() || !long {
        wrong(format!("{} is not known to be NotReady for so long", node.name));
    }
    let runs = case
        .server(&node.name)
        .is_some_and(|server| server.task.is_none() && (server.state == ServerState::Active || server.inferred));
    if !runs {
        wrong("its server does not run".to_owned());
    }
    let ours = case.record(&node.name).map(|record| record.mark);
    if node.unschedulable && ours.is_none_or(|mark| mark == NodeMark::Leaving) {
        wrong("somebody else cordoned it".to_owned());
    }
    if matches!(ours, Some(NodeMark::Waking | NodeMark::Parked)) {
        wrong("it is on its way up".to_owned());
    }
    if case.asleep_by_hand(&node.name) {
        wrong("a person asked for it".to_owned());
    }
    let waits = |pod: &&std::sync::Arc<crate::model::Pod>| {
        !(pod.terminating() || pod.finished() || pod.daemon() || pod.mirror())
    };
    if let Some(pod) = case.world.pods_on(&node.name).find(waits) {
        wrong(format!("Kubernetes has not given up {} on it", pod.key));
    }
}
