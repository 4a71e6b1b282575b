//! What else the document says of nodes: each that is not parked goes or is kept with a reason, and none does both.

use std::collections::BTreeSet;

use super::case::{Case, Life, takes};
use super::violation::{Found, Rule};
use crate::plan::AskedByHand;

/// Every node is accounted for.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let plan = case.plan;
    let asked = case.world.memory.by_hand.iter().filter(|asked| asked.until.is_none_or(|until| until > plan.now));
    if !asked.map(AskedByHand::from).eq(plan.by_hand.iter().cloned()) {
        found.plan(Rule::Explained, "it shows other requests by hand than there are".to_owned());
    }
    let stepped: BTreeSet<&str> = plan.steps.iter().map(|step| step.node.as_str()).collect();
    let kept: BTreeSet<&str> = plan.kept.iter().map(|kept| kept.node.as_str()).collect();
    for step in plan.steps.iter().filter(|step| takes(step) && kept.contains(step.node.as_str())) {
        found.step(step, Rule::Explained, format!("{} goes and is said to be kept", step.node));
    }
    for kept in plan.kept.iter().filter(|kept| kept.reasons.is_empty()) {
        found.plan(Rule::Explained, format!("{} is kept without a reason", kept.node));
    }
    // A narrowed plan leaves nodes out that it was not asked about.
    if !plan.targets.is_empty() {
        return;
    }
    for wanted in &case.pools {
        let counts = |name: &&str| !matches!(case.life(name), Life::Parked { .. } | Life::Absent);
        let members = wanted.members.iter().map(|name| &**name).filter(counts);
        for name in members.filter(|name| !stepped.contains(name) && !kept.contains(name)) {
            found.pool(
                &wanted.pool.name,
                Rule::Explained,
                format!("{name} neither comes nor goes nor is kept with a reason"),
            );
        }
    }
}
