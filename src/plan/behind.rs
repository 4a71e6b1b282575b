//! Nodes whose servers were parked after the execution that drained them was cut short: their records are behind.

use super::members::{Inventory, Member, State};
use super::{Code, Evidence, Precondition, Reason, Step, Verb, verb_name};
use crate::model::{Node, NodeMark, Target, World, keys};
use crate::policy::{Policy, Pool};

/// The step that completes the record of each such node that `targets` ask about and that `steps` leave alone. It says what
/// is there, and takes nothing away but the Node object where the pool has it deleted, which its text says.
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

/// The nodes of `pool` whose Node objects `steps` delete: where the policy says so, of all that become parked, and whose
/// Node is there.
pub fn deleted<'a>(pool: &Pool, world: &World, steps: &'a [Step]) -> impl Iterator<Item = &'a str> {
    let parked = steps.iter().filter(|step| matches!(step.verb, Verb::Park | Verb::Record) && step.pool == *pool.name);
    let there = |name: &&str| world.nodes.get(*name).is_some_and(|node| is_there(node));
    parked.filter(|_| pool.deletes_parked_nodes).map(|step| step.node.as_str()).filter(there)
}

/// Whether there is such an object, and not only what is kept of it.
fn is_there(node: &Node) -> bool {
    !node.annotations.contains_key(keys::DELETED)
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
    let mut text = "its server is parked, its record does not say so yet".to_owned();
    if pool.deletes_parked_nodes && member.node.as_ref().is_some_and(|node| is_there(node)) {
        text.push_str("; then its Node object is deleted (`parkedNode: delete`)");
    }
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
            text,
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
