//! Brakes: what must be listed as a refusal is, and nothing is that does not hold.

use std::collections::BTreeSet;

use super::case::{Case, Life, Wanted, takes};
use super::violation::{Found, Rule};
use crate::model::{IntOrPercent, Kind, Name, Node, Pod, VolumeSource, keys};
use crate::plan::{NOT_LISTED, OTHER_CLOUD, PodAction, Step, Verb};
use crate::policy::Members;

/// Every brake that can be judged from policy and snapshot alone. The age of a snapshot counts when a plan is carried
/// out, whether the cluster is the right one is asked with the plan's identity.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let brakes = &case.policy.brakes;
    let ends = |verb: Verb| case.plan.steps.iter().filter(move |step| step.verb == verb);
    let deletes = ends(Verb::Delete).filter(|step| case.has(Verb::Drain, &step.node) || case.repaired(&step.node));
    let deletes = deletes.count();
    let parks = ends(Verb::Park).count() + deletes;
    let strange =
        ends(Verb::Delete).filter(|step| case.server(&step.node).is_some() && case.made(&step.node).is_none());
    let strange = u32::try_from(strange.count()).unwrap_or(u32::MAX);
    let active: u32 = case.pools.iter().map(|wanted| case.count(wanted, |life| life == Life::Active)).sum();
    let most = brakes.max_nodes.map_or(u64::MAX, |most| match most {
        IntOrPercent::Count(count) => u64::from(count),
        IntOrPercent::Percent(percent) => u64::from(active) * u64::from(percent) / 100,
    });
    let remembered = &case.world.memory.pools;
    let shrank = case.pools.iter().any(|wanted| {
        let before = remembered.get(&wanted.pool.name).map_or(0, |memory| {
            let claims = |name: &&Name| claims(case, wanted, name);
            let named = u64::try_from(memory.names.iter().filter(claims).count()).unwrap_or(u64::MAX);
            if memory.names.is_empty() { u64::from(memory.members) } else { named }
        });
        let there = case.count(wanted, |life| life != Life::Absent);
        u64::from(there) * 100 < before.saturating_mul(u64::from(brakes.min_inventory))
    });
    let emptied = case.policy.pools.is_empty() && remembered.values().any(|memory| memory.members > 0);
    for (brake, holds) in [
        ("max-nodes", u64::try_from(parks).unwrap_or(u64::MAX) > most),
        ("max-deletes", strange > brakes.max_deletes),
        ("inventory-shrank", shrank),
        ("empty-policy", emptied),
        ("unready-share", stops_autoscaler(case)),
        (OTHER_CLOUD, elsewhere(case)),
        (NOT_LISTED, blind(case) || (partial(case) && case.plan.steps.iter().any(takes))),
    ] {
        let said = case.plan.refusals.iter().any(|refusal| refusal.brake == brake);
        if holds && !said {
            found.plan(Rule::Brake, format!("brake {brake} holds, and it does not say so"));
        }
        if said && !holds {
            found.plan(Rule::Brake, format!("it says that brake {brake} holds, and it does not"));
        }
    }
}

/// Whether a pool had a node and would still take it in. Of what is gone nobody knows the labels.
fn claims(case: &Case<'_>, wanted: &Wanted<'_>, name: &Name) -> bool {
    let gone = case.pool_of(name).is_none() && case.node(name).is_none();
    wanted.members.contains(name)
        || gone
            && match &wanted.pool.members {
                Members::Labels(_) => true,
                Members::Names(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
            }
}

/// A Cluster Autoscaler runs, and would see more NotReady nodes than `brakes.maxUnready` and than three.
fn stops_autoscaler(case: &Case<'_>) -> bool {
    let autoscaler = |pod: &Pod| {
        let name = |key: &str| pod.labels.get(key).is_some_and(|value| value.ends_with("cluster-autoscaler"));
        !pod.finished() && (name("app.kubernetes.io/name") || name("k8s-app") || name("app"))
    };
    let dark = |name: &Name, node: &Node| match node.ready() {
        true => case.has(Verb::Park, name) && !case.restarted(name),
        false => !case.has(Verb::Wait, name),
    };
    // What has no Node object is counted by nobody.
    let forgets = |name: &Name| {
        let pool = case.pools.iter().find(|wanted| wanted.members.contains(name));
        pool.is_some_and(|wanted| wanted.pool.deletes_parked_nodes)
            && (case.has(Verb::Park, name) || case.has(Verb::Record, name))
            && !case.restarted(name)
    };
    let away = |name: &Name, node: &Node| {
        forgets(name) || node.annotations.contains_key(keys::DELETED) && !case.has(Verb::Wait, name)
    };
    let nodes: Vec<_> = case.world.nodes.iter().filter(|(name, node)| !away(name, node)).collect();
    let unready = nodes.iter().filter(|(name, node)| dark(name, node)).count();
    let parks = case.plan.steps.iter().any(|step| step.verb == Verb::Park);
    let most = usize::try_from(case.policy.brakes.max_unready).unwrap_or(usize::MAX);
    let beyond = unready > 3 && unready.saturating_mul(100) > nodes.len().saturating_mul(most);
    parks && beyond && case.world.pods.values().any(|pod| autoscaler(pod))
}

/// Whether a provider with several nodes that name their servers has none of them.
fn elsewhere(case: &Case<'_>) -> bool {
    let world = case.world;
    let provider = |wanted: &Wanted<'_>| wanted.pool.provider.clone();
    let providers: BTreeSet<_> = case.pools.iter().map(provider).collect();
    let asked = world.knows(Kind::Server) && !world.servers.values().any(|server| server.inferred);
    asked
        && providers.into_iter().any(|of| {
            let pools = case.pools.iter().filter(|wanted| provider(wanted) == of);
            let members: BTreeSet<&Name> = pools.flat_map(|wanted| wanted.members.iter()).collect();
            let named = members.iter().filter(|name| case.node(name).is_some_and(|node| node.provider_id.is_some()));
            let named: Vec<_> = named.collect();
            named.len() > 1 && named.iter().all(|name| case.server(name).is_none())
        })
}

/// Whether something is taken away that nobody knows to be empty, or an eviction is made whose budgets nobody knows.
fn blind(case: &Case<'_>) -> bool {
    let mut taking = case.plan.steps.iter().filter(|step| takes(step));
    let evicts = |step: &Step| step.pods.iter().any(|pod| pod.action == PodAction::Evict);
    if case.world.knows(Kind::Pod) {
        !case.world.knows(Kind::PodDisruptionBudget) && taking.any(evicts)
    } else {
        taking.next().is_some()
    }
}

/// Whether pods were listed that leave kube-system out though a node is Ready, or a disk hangs on a node, or is in use
/// there, whose claim or pod was left out.
/// A list of Tidegate's own, which says where the API server is, leaves none out.
fn partial(case: &Case<'_>) -> bool {
    let world = case.world;
    if world.api_server.is_some() || world.pods.is_empty() || !world.knows(Kind::Pod) {
        return false;
    }
    let system = world.namespaces.keys().any(|name| **name == *"kube-system");
    let runs = world.pods.values().any(|pod| *pod.key.namespace == *"kube-system");
    let unclaimed = world.attachments.values().filter(|one| one.attached).any(|one| {
        let volume = one.volume.as_ref().and_then(|name| world.volumes.get(name));
        volume.and_then(|volume| volume.claim.as_ref()).is_some_and(|claim| !world.claims.contains_key(claim))
    });
    let lists_namespaces = world.knows(Kind::Namespace);
    let spaces: BTreeSet<&Name> = world.pods.keys().map(|key| &key.namespace).collect();
    let alone = !lists_namespaces && spaces.len() == 1 && !runs;
    let mounts = |pod: &Pod| {
        let of_node = |source: &VolumeSource| matches!(source, VolumeSource::EmptyDir { .. } | VolumeSource::HostPath);
        !pod.spec.volumes.iter().all(|volume| of_node(&volume.source))
    };
    let mounting = |node: &Node| world.pods.values().any(|pod| pod.node.as_ref() == Some(&node.name) && mounts(pod));
    let mut using = world.nodes.values().filter(|node| node.ready() && !node.volumes_in_use.is_empty());
    let mounted_by_nobody = !lists_namespaces && using.any(|node| !mounting(node));
    mounted_by_nobody
        || ((alone || system && !runs) && world.nodes.values().any(|node| node.ready()))
        || (unclaimed && world.knows(Kind::PersistentVolumeClaim))
}
