//! When not to take anything away: one message for each brake.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::members::Inventory;
use super::{Code, Plan, Refusal, Step, Verb};
use crate::model::{IntOrPercent, Kind, Name, World, counted, keys};
use crate::policy::{Members, Policy, Pool};

/// Every brake that the steps (or the inventory) would set off.
pub fn refusals(
    policy: &Policy,
    world: &World,
    inventory: &Inventory,
    steps: &[Step],
    now: Timestamp,
    for_apply: bool,
) -> Vec<Refusal> {
    let brakes = &policy.brakes;
    let origin = brakes.origin.clone();
    let mut refusals = Vec::new();
    let mut refuse = |brake: &str, text: String| {
        refusals.push(Refusal { brake: brake.to_owned(), text, origin: origin.clone() });
    };
    let had_members = world.memory.pools.values().any(|pool| pool.members > 0);
    if policy.pools.is_empty() && had_members {
        let text = "the policy has no pools and the last one had some: nothing is taken away; remove the nodes' marks by \
                    hand if that is meant";
        refuse("empty-policy", text.to_owned());
    }
    for (index, (pool, members)) in policy.pools.iter().zip(&inventory.pools).enumerate() {
        let present = members.iter().filter(|member| member.exists()).count();
        let present = u64::try_from(present).unwrap_or(u64::MAX);
        let claimed = claimed(index, pool, world, inventory);
        if present * 100 < u64::from(claimed) * u64::from(brakes.min_inventory) {
            refuse(
                "inventory-shrank",
                format!(
                    "pool {} had {} that the policy still claims, {present} of them seen now: this looks like a failed \
                     observation (wrong credentials, wrong cluster), not like a wish; if they are gone for good, take \
                     them out of the pool's `nodes`, or write `brakes: {{minInventory: 0}}` for one apply",
                    pool.name,
                    counted(claimed, "member")
                ),
            );
        }
    }
    let drained: BTreeSet<&str> =
        steps.iter().filter(|step| step.verb == Verb::Drain).map(|step| step.node.as_str()).collect();
    let used = |step: &Step| drained.contains(&*step.node) || step.reason.code == Code::Repair;
    let ends = |step: &&Step| step.verb == Verb::Park || step.verb == Verb::Delete && used(step);
    let parks = steps.iter().filter(ends).count();
    let active: usize = inventory.pools.iter().flatten().filter(|m| m.state == super::members::State::Active).count();
    let most = match brakes.max_nodes {
        None => usize::MAX,
        Some(IntOrPercent::Count(count)) => usize::try_from(count).unwrap_or(usize::MAX),
        Some(IntOrPercent::Percent(percent)) => {
            active.saturating_mul(usize::try_from(percent).unwrap_or(usize::MAX)) / 100
        }
    };
    if parks > most {
        refuse(
            "max-nodes",
            format!(
                "{} would go, brakes.maxNodes allows {most} in one apply",
                counted(u32::try_from(parks).unwrap_or(u32::MAX), "node")
            ),
        );
    }
    let made = |id: &str| world.servers.get(id).is_none_or(|server| server.metadata.contains_key(keys::CREATED));
    let adopted = |step: &&Step| step.verb == Verb::Delete && step.server.as_deref().is_some_and(|id| !made(id));
    let adopted = u32::try_from(steps.iter().filter(adopted).count()).unwrap_or(u32::MAX);
    if adopted > brakes.max_deletes {
        let text = format!(
            "{} that Tidegate did not make would be destroyed for good, brakes.maxDeletes allows {} in one apply",
            counted(adopted, "server"),
            brakes.max_deletes
        );
        refuse("max-deletes", text);
    }
    if let Some(taken) = world.taken.filter(|_| for_apply) {
        let age = now.duration_since(taken);
        if age > brakes.max_snapshot_age {
            refuse(
                "snapshot-too-old",
                format!("the snapshot is {age:#} old, brakes.maxSnapshotAge is {:#}", brakes.max_snapshot_age),
            );
        }
    }
    refusals
}

/// How many of the members that were remembered the policy still claims. What exists and is in no pool, or in another
/// one, was given up by an edit; what is gone counts unless the pool's names have no place for it.
fn claimed(index: usize, pool: &Pool, world: &World, inventory: &Inventory) -> u32 {
    let Some(memory) = world.memory.pools.get(&pool.name) else { return 0 };
    if memory.names.is_empty() {
        return memory.members;
    }
    let still = memory.names.iter().filter(|name| match (inventory.pool_of.get(*name), &pool.members) {
        (Some(now), _) => *now == index,
        (None, Members::Names(patterns)) => patterns.iter().any(|pattern| pattern.matches(name)),
        (None, Members::Labels(_)) => !world.nodes.contains_key(*name),
    });
    u32::try_from(still.count()).unwrap_or(u32::MAX)
}

/// Why this world is not the one that the policy is for: then nothing at all is done, giving capacity back included.
pub fn other_cluster(policy: &Policy, world: &World) -> Option<Refusal> {
    let pinned = policy.cluster.as_ref()?;
    let text = match &world.cluster {
        Some(seen) if seen == pinned => return None,
        Some(seen) => format!("the policy is for cluster {pinned}, this is cluster {seen}"),
        None => format!("the policy is for cluster {pinned}, and what was observed does not say which cluster it is"),
    };
    Some(Refusal { brake: OTHER_CLUSTER.to_owned(), text, origin: policy.cluster_origin.clone() })
}

/// Why the servers that were listed are not those of the nodes: several nodes of one provider name their servers, and not one
/// is there. Then nothing at all is done either.
pub fn other_cloud(policy: &Policy, world: &World, inventory: &Inventory) -> Option<Refusal> {
    if !world.knows(Kind::Server) || world.servers.values().any(|server| server.inferred) {
        return None;
    }
    let mut found: BTreeMap<Option<&Name>, (u32, u32)> = BTreeMap::new();
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        let named = members.iter().filter(|member| member.node.as_ref().is_some_and(|node| node.provider_id.is_some()));
        for member in named {
            let (nodes, servers) = found.entry(pool.provider.as_ref()).or_default();
            *nodes += 1;
            *servers += u32::from(member.server.is_some());
        }
    }
    let (provider, (nodes, _)) = found.into_iter().find(|(_, (nodes, servers))| *nodes > 1 && *servers == 0)?;
    let whose = provider.map(|name| format!("provider {name} shows")).unwrap_or_else(|| "was listed".to_owned());
    let text = format!(
        "not one server of {} is among what {whose}: this looks like another cloud, project or region",
        counted(nodes, "node")
    );
    let origin = provider.and_then(|name| policy.providers.get(name)).map(|provider| provider.origin.clone());
    Some(Refusal { brake: OTHER_CLOUD.to_owned(), text, origin })
}

/// It is not the policy's cluster.
pub const OTHER_CLUSTER: &str = "other-cluster";
/// It is not the cluster's cloud.
pub const OTHER_CLOUD: &str = "other-cloud";

impl Refusal {
    /// Whether it forbids every act, giving capacity back included.
    pub fn forbids_all(&self) -> bool {
        [OTHER_CLUSTER, OTHER_CLOUD].contains(&&*self.brake)
    }
}

impl Plan {
    /// Why it is not complete, without what a brake says already.
    pub fn caveats_beside_brakes(&self) -> impl Iterator<Item = &String> {
        self.caveats.iter().filter(|caveat| !self.refusals.iter().any(|refusal| refusal.text.contains(caveat.as_str())))
    }
}

/// What the brakes of a plan leave of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// All of it: no brake holds.
    All,
    /// What gives capacity back (H6).
    Giving,
    /// Nothing: it is not the policy's cluster, or not its cloud.
    Nothing,
}

impl Left {
    /// By these refusals.
    pub fn by(refusals: &[Refusal]) -> Self {
        if refusals.iter().any(Refusal::forbids_all) {
            return Self::Nothing;
        }
        if refusals.is_empty() { Self::All } else { Self::Giving }
    }

    /// Whether a step of such a verb is carried out.
    pub fn has(self, verb: Verb) -> bool {
        match self {
            Self::All => true,
            Self::Giving => !verb.takes(),
            Self::Nothing => false,
        }
    }
}
