//! The conditions under which a step may start: those that hold now, neither fewer nor others.

use std::collections::BTreeSet;

use super::case::{Case, Life};
use super::violation::{Found, Rule};
use crate::model::ServerState;
use crate::plan::{Precondition, Step, Verb};

/// Every step names its node and server as they are, with what must still be so.
pub fn check(case: &Case<'_>, found: &mut Found) {
    for step in &case.plan.steps {
        let server = case.server(&step.node).filter(|server| !server.inferred);
        if step.server.as_deref() != server.map(|server| &*server.id) {
            let id = server.map_or("unknown", |server| &*server.id);
            found.step(step, Rule::Precondition, format!("the node's server is {id}"));
        }
        let named = step.server.as_deref().and_then(|id| case.world.servers.get(id));
        if let Some(rival) = named.and_then(|server| case.rival(&step.node, server)) {
            found.step(step, Rule::Precondition, format!("the server that it names is that of {rival} too"));
        }
        let uid = case.node(&step.node).map(|node| node.uid.to_string()).filter(|uid| !uid.is_empty());
        let mut needed: BTreeSet<Precondition> = uid.map(|uid| Precondition::Node { uid }).into_iter().collect();
        let begun = case.life(&step.node) == Life::Cordoned { ours: true };
        let state =
            server.map(|server| Precondition::Server { id: server.id.to_string(), state: server.state.to_string() });
        match step.verb {
            Verb::Cordon if !begun => drop(needed.insert(Precondition::NotCordonedByOther)),
            Verb::Uncordon => drop(needed.insert(Precondition::NotCordonedByOther)),
            Verb::Park => {
                needed.insert(Precondition::Marked);
                needed.extend(state);
            }
            Verb::Delete => {
                if case.has(Verb::Drain, &step.node) || case.repaired(&step.node) {
                    needed.insert(Precondition::Marked);
                }
                needed.extend(state);
            }
            Verb::Record => drop(needed.insert(Precondition::Marked)),
            // What is parked before by the same plan is not yet as it will be.
            Verb::Wake if !case.restarted(&step.node) => needed.extend(state),
            _ => {}
        }
        let said: BTreeSet<Precondition> = step.preconditions.iter().cloned().collect();
        if said != needed {
            found.step(step, Rule::Precondition, "its conditions are not those that hold now");
        }
        provider_verb(case, step, found);
    }
}

fn provider_verb(case: &Case<'_>, step: &Step, found: &mut Found) {
    let idle = case.pool_of(&step.node).map(|wanted| wanted.pool.idle);
    let verb = match (step.verb, case.server(&step.node).map(|server| server.state)) {
        (Verb::Park, _) => idle.map(|idle| idle.verb()),
        (Verb::Create, _) => Some("create"),
        (Verb::Delete, _) => Some("delete"),
        (Verb::Wake, Some(ServerState::Shelved | ServerState::ShelvedOffloaded)) => Some("unshelve"),
        (Verb::Wake, Some(ServerState::Shutoff)) => Some("start"),
        (Verb::Wake, Some(ServerState::Suspended | ServerState::Paused)) => Some("resume"),
        (Verb::Wake, _) => idle.map(|idle| idle.wake_verb()),
        _ => None,
    };
    if step.provider_verb.as_deref() != verb {
        let verb = verb.unwrap_or("nothing");
        found.step(step, Rule::Precondition, format!("the provider is to {verb} here"));
    }
}
