//! Nodes whose servers were parked after the execution that drained them was cut short: their records are behind.

use super::members::{Inventory, Member, State};
use super::{Code, Evidence, Precondition, Reason, Step, Verb, verb_name};
use crate::model::{NodeMark, Target};
use crate::policy::{Policy, Pool};

/// The step that completes the record of each such node that `targets` ask about and that `steps` leave alone. Nothing is
/// taken away by it: the record says what is there.
pub fn recorded(policy: &Policy, inventory: &Inventory, targets: &[Target], steps: &[Step]) -> Vec<Step> {
    let asked = |pool: &Pool, member: &Member| {
        let names = [Target::Pool(pool.name.clone()), Target::Node(member.name.clone())];
        targets.is_empty() || names.iter().any(|name| targets.contains(name))
    };
    let alone = |member: &Member| steps.iter().all(|step| *step.node != *member.name);
    let pools = policy.pools.iter().zip(&inventory.pools);
    let members = pools.flat_map(|(pool, members)| members.iter().map(move |member| (pool, member)));
    members
        .filter(|(pool, member)| behind(member) && asked(pool, member) && alone(member))
        .map(|(pool, member)| step(pool, member))
        .collect()
}

fn behind(member: &Member) -> bool {
    let draining = member.record.as_ref().is_some_and(|record| record.mark == NodeMark::Draining);
    let silent = member.node.as_ref().is_some_and(|node| node.unschedulable && !node.ready());
    draining && silent && matches!(member.state, State::Parked(_))
}

fn step(pool: &Pool, member: &Member) -> Step {
    let uid = member.node.as_ref().map(|node| node.uid.to_string()).filter(|uid| !uid.is_empty());
    let mut preconditions: Vec<Precondition> = uid.map(|uid| Precondition::Node { uid }).into_iter().collect();
    preconditions.push(Precondition::Marked);
    Step {
        id: format!("{}/{}", verb_name(Verb::Record), member.name),
        verb: Verb::Record,
        provider_verb: None,
        pool: pool.name.to_string(),
        node: member.name.to_string(),
        server: member.server.as_ref().filter(|server| !server.inferred).map(|server| server.id.to_string()),
        after: Vec::new(),
        reason: Reason {
            code: Code::RecordBehind,
            text: "its server is parked, its record does not say so yet".to_owned(),
            evidence: Evidence::default(),
            origin: Some(pool.origin.clone()),
        },
        preconditions,
        origin: Some(pool.origin.clone()),
        cost: None,
        pods: Vec::new(),
        creation: None,
    }
}
