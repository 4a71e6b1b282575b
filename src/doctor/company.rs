//! Who else acts on the nodes: owners of their own rules (H16).

use std::collections::BTreeMap;

use super::matching::some;
use super::{Finding, Level};
use crate::model::{NodeRecord, OTHER_OWNERS, OtherOwner, World};
use crate::plan::Inventory;
use crate::policy::{Policy, Pool};

/// Other owners of the pools' nodes (H16).
pub fn owners(policy: &Policy, world: &World) -> Vec<Finding> {
    const CHECK: &str = "other-owners";
    let inventory = Inventory::take(policy, world);
    let mut shared: BTreeMap<(usize, &str), Vec<String>> = BTreeMap::new();
    for (index, members) in inventory.pools.iter().enumerate() {
        for node in members.iter().filter_map(|member| member.node.as_deref()) {
            let record = NodeRecord::of(node).ok().flatten();
            let claims = OTHER_OWNERS.iter().filter(|owner| owner.claims(node, record.as_ref()).is_some());
            for owner in claims {
                shared.entry((index, owner.name)).or_default().push(node.name.to_string());
            }
        }
    }
    let mut found = Vec::new();
    for ((index, name), nodes) in shared {
        let owner = OTHER_OWNERS.iter().find(|owner| owner.name == name);
        if let (Some(pool), Some(owner)) = (policy.pools.get(index), owner) {
            found.extend(owned(CHECK, pool, owner, &nodes));
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(CHECK, "no other system that adds, removes or repairs nodes marks those of the pools"));
    }
    found
}

fn owned(check: &str, pool: &Pool, owner: &OtherOwner, nodes: &[String]) -> Option<Finding> {
    let (name, nodes) = (owner.name, some(nodes));
    let text = format!("{name} acts on nodes of pool {}: {nodes}", pool.name);
    if !owner.named_in(&pool.shared_with) {
        let advice = format!(
            "they stay as they are (`other-owner`). Take them out of its hands, or write `sharedWith: [{name}]` in the pool{}",
            if owner.by_hand.is_empty() { String::new() } else { format!("; {}", owner.by_hand) }
        );
        return Some(Finding::new(check, Level::Warning, text, advice));
    }
    let advice = match owner.skip {
        Some(mark) => {
            format!("shared by the policy: while a node is parked it carries `{}`, nothing is to be done", mark.key)
        }
        None => owner.by_hand.to_owned(),
    };
    let level = if owner.skip.is_some() { Level::Ok } else { Level::Warning };
    Some(Finding::new(check, level, text, advice))
}
