//! May these nodes be touched at all? A second reading of what keeps a node, and of what is ours to give back.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::case::{Case, Life, Wanted, takes};
use super::violation::{Found, Rule};
use crate::model::{Name, Node, NodeMark, NodeMemory, PodKey, Volume, VolumeSource, keys};
use crate::plan::{Step, Verb};
use crate::policy::Overrun;
use crate::schedule::{Held, holds};

/// Annotations by which a person or another system keeps a node, with the value that means it (None: any).
const KEPT_BY: [(&str, Option<&str>); 3] = [
    (keys::HOLD, None),
    ("cluster-autoscaler.kubernetes.io/scale-down-disabled", Some("true")),
    ("karpenter.sh/do-not-disrupt", Some("true")),
];

/// Labels, annotations and taints of systems that act on nodes themselves (H16), with the name that `sharedWith` uses in
/// lower case, without spaces and hyphens.
const OWNED_BY: [(&str, &str); 13] = [
    ("karpenter.sh/nodepool", "karpenter"),
    ("karpenter.sh/provisioner-name", "karpenter"),
    ("karpenter.sh/disrupted", "karpenter"),
    ("ToBeDeletedByClusterAutoscaler", "clusterautoscaler"),
    ("DeletionCandidateOfClusterAutoscaler", "clusterautoscaler"),
    ("cluster.x-k8s.io/machine", "clusterapi"),
    ("machine.openshift.io/machine", "openshiftmachineapi"),
    ("remediation.medik8s.io/exclude-from-remediation", "nodehealthcheck"),
    ("spotinst.io/node-lifecycle", "ocean"),
    ("spotinst.io/ocean-vng-id", "ocean"),
    ("magnum.openstack.org/nodegroup", "magnum"),
    ("magnum.openstack.org/role", "magnum"),
    ("eks.amazonaws.com/nodegroup", "eksnodegroups"),
];

/// Pods that are storage themselves (H11), by a label.
const STORAGE: [(&str, &str); 3] = [
    ("longhorn.io/component", "instance-manager"),
    ("app", "rook-ceph-osd"),
    ("app.kubernetes.io/component", "linstor-satellite"),
];

/// Every step acts on a member of its pool, takes nothing from a node that stays, and gives back only what is ours.
pub fn check(case: &Case<'_>, found: &mut Found) {
    for step in &case.plan.steps {
        if step.pool.is_empty() && case.pool_of(&step.node).is_none() {
            if let Some(why) = not_given_back(case, step) {
                found.step(step, Rule::NotOurs, why);
            }
            continue;
        }
        let Some(wanted) = case.pool_of(&step.node).filter(|wanted| *wanted.pool.name == *step.pool) else {
            found.step(step, Rule::Member, format!("{} is no member of pool {}", step.node, step.pool));
            continue;
        };
        // What is of no use to anybody is judged as a creation is.
        let in_use = case.has(Verb::Drain, &step.node) || case.repaired(&step.node);
        if takes(step) && (step.verb != Verb::Delete || in_use) {
            if let Some(freeze) =
                wanted.holding.freeze.as_ref().filter(|freeze| !ran_before(case, wanted, step, freeze))
            {
                found.step(step, Rule::Freeze, format!("freeze {} is open", freeze.text()));
            }
            if let Some(why) = stays(case, wanted, &step.node) {
                found.step(step, Rule::Kept, why);
            }
        }
        if case.drained_by_hand(&step.node) && !matches!(step.verb, Verb::Cordon | Verb::Drain | Verb::Record) {
            found.step(step, Rule::Kept, "a person drained it, and it stays so".to_owned());
        }
        if step.verb == Verb::Wake
            && case.node(&step.node).is_some_and(|node| node.annotations.contains_key(keys::HOLD))
        {
            found.step(step, Rule::Kept, "it is held by a person".to_owned());
        }
        if let Some(why) = not_ours(case, wanted, step).filter(|_| !case.repaired(&step.node)) {
            found.step(step, Rule::NotOurs, why);
        }
        if step.verb == Verb::Wake
            && let Some(failure) = memory(case, &step.node).and_then(|memory| memory.wake_failure.as_ref())
            && failure.next > case.plan.now
        {
            found.step(step, Rule::Kept, format!("its last wake failed, it is tried again at {}", failure.next));
        }
        let pool = case.world.memory.pools.get(&wanted.pool.name).and_then(|memory| memory.backoff_until);
        if let Some(until) = pool.filter(|until| *until > case.plan.now)
            && matches!(step.verb, Verb::Wake | Verb::Create)
            && !case.awake_by_hand(&step.node)
        {
            found.step(step, Rule::Kept, format!("its pool backs off until {until} after failed wakes"));
        }
    }
}

/// Whether the node was being drained when a freeze opened that lets drains finish; a wind-down only cordons.
fn ran_before(case: &Case<'_>, wanted: &Wanted<'_>, step: &Step, freeze: &Held) -> bool {
    let ours = case.life(&step.node) == (Life::Cordoned { ours: true });
    let record = case.record(&step.node).filter(|record| ours && record.mark == NodeMark::Draining);
    record.is_some_and(|record| {
        let then = holds(case.policy, wanted.pool, record.since, SignedDuration::ZERO);
        record.since < freeze.from && freeze.overrun == Overrun::Finish && then.winding_down_to.is_none()
    })
}

/// Why a node that no pool has is not to be given back (H28): only its own policy does that, to what runs.
fn not_given_back(case: &Case<'_>, step: &Step) -> Option<&'static str> {
    let life = case.life(&step.node);
    match case.record(&step.node) {
        _ if step.verb != Verb::Uncordon => Some("no pool has it: it can only be given back"),
        None => Some("it carries no record of ours"),
        Some(record) if record.policy != case.policy.name => Some("another policy has it"),
        Some(record) if record.mark == NodeMark::Parked => Some("it is parked"),
        Some(_) if case.asked_by_name(&step.node) => Some("somebody asked for it by hand, by its name"),
        Some(_) if !matches!(life, Life::Active | Life::Cordoned { ours: true }) => Some("it is not up"),
        Some(_) => None,
    }
}

fn memory<'a>(case: &Case<'a>, node: &str) -> Option<&'a NodeMemory> {
    case.world.memory.nodes.get(node)
}

/// Why a step gives back, or takes, what is not Tidegate's.
fn not_ours(case: &Case<'_>, wanted: &Wanted<'_>, step: &Step) -> Option<String> {
    let life = case.life(&step.node);
    let marked = case.record(&step.node).is_some();
    let wrong = match step.verb {
        Verb::Wake => match life {
            Life::Parked { ours: true } => return None,
            Life::Parked { ours: false } => "its server was stopped by somebody else",
            _ => "its server is not parked",
        },
        Verb::Record => match (life, case.record(&step.node).map(|record| record.mark)) {
            (Life::Parked { ours: true }, Some(NodeMark::Draining)) => return None,
            (Life::Parked { .. }, _) => "its record is not behind",
            _ => "its server is not parked",
        },
        Verb::Cordon => match life {
            Life::Active | Life::Cordoned { ours: true } => return None,
            Life::Cordoned { ours: false } => "somebody else cordoned it",
            _ => "it is not active",
        },
        Verb::Uncordon if life == Life::Active && !marked => "it is not cordoned",
        Verb::Uncordon if case.has(Verb::Create, &step.node) || case.made(&step.node).is_some() => return None,
        Verb::Uncordon if !marked && !wanted.pool.adopt && !case.has(Verb::Wake, &step.node) => {
            "it carries no record of ours"
        }
        _ => return None,
    };
    Some(wrong.to_owned())
}

/// What keeps a node, whatever its pods would allow.
fn stays(case: &Case<'_>, wanted: &Wanted<'_>, name: &str) -> Option<String> {
    let pool = wanted.pool;
    if pool.keep.iter().any(|pattern| pattern.matches(name)) {
        return Some("the policy keeps it".to_owned());
    }
    if let Some(pod) = case.world.unread.get(name).and_then(|pods| pods.first()) {
        return Some(format!("{pod} is on it, and nobody can read what it needs"));
    }
    if case.awake_by_hand(name) {
        return Some("a person wants it awake".to_owned());
    }
    if !pool.front_doors_allowed && case.server(name).is_some_and(|server| server.floating_address) {
        return Some("its server has a floating address".to_owned());
    }
    let remembered = memory(case, name);
    let failed = remembered.and_then(|memory| memory.drain_failure.as_ref()).map(|failure| failure.next);
    let barred = failed.max(remembered.and_then(|memory| memory.not_before));
    if let Some(until) = barred.filter(|until| *until > case.plan.now) {
        return Some(format!("it was given back and is not tried again before {until}"));
    }
    case.node(name).and_then(|node| by_object(case, wanted, node))
}

fn by_object(case: &Case<'_>, wanted: &Wanted<'_>, node: &Node) -> Option<String> {
    if node.control_plane() {
        return Some("it belongs to the control plane".to_owned());
    }
    let record = case.record(&node.name);
    let ours = |key: &str| record.as_ref().is_some_and(|r| r.annotations.contains(key) || r.labels.contains(key));
    let kept = |(key, value): &&(&str, Option<&str>)| {
        let says = node.annotations.get(*key).is_some_and(|found| value.is_none_or(|value| **found == *value));
        says && !ours(key)
    };
    if let Some((key, _)) = KEPT_BY.iter().find(kept) {
        return Some(format!("its annotation {key} keeps it"));
    }
    let shared = |owner: &str| {
        wanted.pool.shared_with.iter().any(|name| {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_lowercase()).eq(owner.chars())
        })
    };
    let marked = |key: &str| {
        let there = node.labels.contains_key(key) || node.annotations.contains_key(key);
        (there || node.taints.iter().any(|taint| &*taint.key == key)) && !ours(key)
    };
    if let Some((key, _)) = OWNED_BY.iter().find(|(key, owner)| marked(key) && !shared(owner)) {
        return Some(format!("somebody else acts on it too ({key})"));
    }
    let running = || case.world.pods_on(&node.name).filter(|pod| !pod.finished());
    if !wanted.pool.node_storage_allowed
        && let Some(pod) = running().find(|pod| {
            let stores = STORAGE.iter().any(|(key, value)| pod.labels.get(*key).is_some_and(|is| **is == **value));
            stores || local_volume(case, &pod.key, &pod.spec.volumes)
        })
    {
        return Some(format!("the data of {} lives here", pod.key));
    }
    let web = |port: u16| matches!(port, 80 | 443);
    if !wanted.pool.front_doors_allowed
        && let Some(pod) = running().find(|pod| pod.daemon() && pod.spec.host_ports.iter().any(|port| web(port.port)))
    {
        return Some(format!("{} takes traffic in here", pod.key));
    }
    None
}

fn local_volume(case: &Case<'_>, pod: &PodKey, volumes: &BTreeSet<Volume>) -> bool {
    let bound = |claim: &Name| {
        let key = PodKey::new(pod.namespace.clone(), claim.clone());
        let volume = case.world.claims.get(&key).and_then(|claim| claim.volume.as_ref());
        volume.and_then(|name| case.world.volumes.get(name)).is_some_and(|volume| volume.local)
    };
    volumes.iter().any(|volume| matches!(&volume.source, VolumeSource::Claim(claim) if bound(claim)))
}
