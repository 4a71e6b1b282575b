//! The whole check, in its order.

use super::case::Case;
use super::said::otherwise;
use super::violation::{Found, Rule};
use super::{
    Violation, brakes, creations, document, figures, graph, identity, limits, money, nodes, outages, pending, pods,
    preconditions, repairs, replay, rounds, sleep, width,
};
use crate::model::World;
use crate::plan::Plan;
use crate::policy::Policy;

/// Every violation found; empty means that each prefix is safe by simulation and that what the plan says is true.
pub fn verify(plan: &Plan, world: &World, policy: &Policy) -> Vec<Violation> {
    let mut found = Found::default();
    identity::check(plan, world, policy, &mut found);
    let mut shape = Found::default();
    graph::check(plan, &mut shape);
    // Without a graph there are no prefixes to look at.
    if !shape.nothing() {
        let mut all = found.all();
        all.extend(shape.all());
        return all;
    }
    let with_by_hand = policy.with_by_hand(&world.memory, plan.now);
    let case = Case::read(plan, world, &with_by_hand);
    identity::applyable(&case, &mut found);
    brakes::check(&case, &mut found);
    graph::order_on_nodes(plan, &mut found);
    nodes::check(&case, &mut found);
    creations::check(&case, &mut found);
    preconditions::check(&case, &mut found);
    repairs::check(&case, &mut found);
    pods::check(&case, &mut found);
    rounds::check(&case, &mut found);
    sleep::check(&case, &mut found);
    outages::check(&case, &mut found);
    width::check(&case, &mut found);
    replay::check(&case, &mut found);
    limits::check(&case, &mut found);
    pending::check(&case, &mut found);
    document::check(&case, &mut found);
    figures::check(&case, &mut found);
    money::check(&case, &mut found);
    if found.nothing() {
        otherwise(plan, world, policy).into_iter().for_each(|text| found.plan(Rule::Said, text));
    }
    found.all()
}
