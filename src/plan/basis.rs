//! What a plan rests on: what was not listed, how old it is, and what must not be said without it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::removal::Mover;
use super::{PodAction, Refusal, Step, Verb};
use crate::model::{KUBECTL, Kind, Node, Pod, TaintEffect, VolumeSource, World, counted};
use crate::policy::Policy;

/// The brake that holds where nobody can tell what would become of the pods.
pub const NOT_LISTED: &str = "not-listed";

/// The namespace that every cluster has pods in.
const SYSTEM: &str = "kube-system";

/// Why nobody can tell what becomes of a node's pods; budgets count only where one is evicted.
pub fn unlisted(world: &World, evicts: bool) -> Option<&'static str> {
    if !world.knows(Kind::Pod) {
        return Some("what runs on it is unknown: pods were not listed");
    }
    (evicts && !world.knows(Kind::PodDisruptionBudget))
        .then_some("whether its pods may be evicted is unknown: disruption budgets were not listed")
}

fn evicts(step: &Step) -> bool {
    step.pods.iter().any(|pod| pod.action == PodAction::Evict)
}

/// The same of all nodes that go, for the plan's one line. None if nothing is taken away.
pub fn blind(world: &World, steps: &[Step]) -> Option<&'static str> {
    if !steps.iter().any(|step| step.verb.takes()) {
        return None;
    }
    if !world.knows(Kind::Pod) {
        return Some("What runs on the nodes that go is unknown: pods were not listed.");
    }
    (steps.iter().any(evicts) && !world.knows(Kind::PodDisruptionBudget))
        .then_some("Whether the pods may be evicted is unknown: disruption budgets were not listed.")
}

/// Why what was listed looks like the objects of some namespaces only, as `kubectl get` gives them without `-A`: a cluster
/// whose nodes are Ready runs pods in kube-system, and a disk that hangs on a node has its claim. What Tidegate itself
/// listed, live or into a file, is of all of them.
pub fn partial(world: &World) -> Option<String> {
    if world.api_server.is_some() || !world.knows(Kind::Pod) || world.pods.is_empty() {
        return None;
    }
    let ready = u32::try_from(world.nodes.values().filter(|node| node.ready()).count()).unwrap_or(u32::MAX);
    let pods = || world.pods.keys().any(|key| &*key.namespace == SYSTEM);
    if ready > 0 && world.namespaces.contains_key(SYSTEM) && !pods() {
        let nodes = counted(ready, "node");
        return Some(format!(
            "{nodes} Ready and not one pod of {SYSTEM}: this looks like a part of the namespaces only"
        ));
    }
    let unnamed = !world.knows(Kind::Namespace);
    if let Some(why) = one_namespace(world).filter(|_| unnamed && ready > 0) {
        return Some(format!("{} Ready and {why}", counted(ready, "node")));
    }
    if let Some(why) = disk_of_nobody(world).filter(|_| unnamed) {
        return Some(why);
    }
    if !world.knows(Kind::PersistentVolumeClaim) {
        return None;
    }
    let claims = world.attachments.values().filter(|attachment| attachment.attached).filter_map(|attachment| {
        let volume = world.volumes.get(attachment.volume.as_ref()?)?;
        volume.claim.as_ref().zip(Some(&attachment.node))
    });
    let (claim, node) = claims.into_iter().find(|(claim, _)| !world.claims.contains_key(*claim))?;
    Some(format!(
        "the disk of claim {claim} hangs on {node}, and that claim is not listed: this looks like a part of the \
         namespaces only"
    ))
}

/// That one namespace has all pods, and it is not the one that none lacks.
fn one_namespace(world: &World) -> Option<String> {
    let mut namespaces = world.pods.keys().map(|key| &*key.namespace);
    let first = namespaces.next()?;
    (first != SYSTEM && namespaces.all(|namespace| namespace == first)).then(|| {
        format!(
            "every listed pod is in namespace {first}, not one in {SYSTEM}: this looks like a part of the namespaces only"
        )
    })
}

/// A disk that a kubelet has mounted for a pod, where no pod that was listed on its node has a disk.
fn disk_of_nobody(world: &World) -> Option<String> {
    let on_disk = |pod: &Pod| {
        let bare = |source: &VolumeSource| matches!(source, VolumeSource::HostPath | VolumeSource::EmptyDir { .. });
        pod.spec.volumes.iter().any(|volume| !bare(&volume.source))
    };
    let node = world.nodes.values().find(|node| {
        let used = node.ready() && !node.volumes_in_use.is_empty();
        used && !world.pods_on(&node.name).any(|pod| on_disk(pod))
    })?;
    let disk = node.volumes_in_use.first()?;
    Some(format!(
        "{} has disk {disk} in use, and no listed pod there has a disk: this looks like a part of the namespaces only",
        node.name
    ))
}

/// The refusal to take anything away half-seeing, with the next step.
pub fn refusal(world: &World, steps: &[Step]) -> Option<Refusal> {
    let Some(why) = blind(world, steps) else {
        let why = partial(world).filter(|_| steps.iter().any(|step| step.verb.takes()))?;
        let all = if world.knows(Kind::Namespace) {
            ""
        } else {
            "; where these are all, `kubectl get ns -o json > ns.json`, as one more file, says so"
        };
        let text = format!("{why}; look again with `{KUBECTL} > cluster.json`, whose `-A` lists them all{all}");
        return Some(Refusal { brake: NOT_LISTED.to_owned(), text, origin: None });
    };
    let why = why.trim_end_matches('.');
    let none = if world.knows(Kind::Pod) {
        "; in a cluster that has none, `kubectl get --raw /apis/policy/v1/poddisruptionbudgets > pdb.json` says so, \
         as one more file of `--snapshot`"
    } else {
        ""
    };
    let text = format!("{why}; look again with `{KUBECTL} > cluster.json`{none}");
    Some(Refusal { brake: NOT_LISTED.to_owned(), text, origin: None })
}

/// The brake that holds where an observation that should be whole is not.
pub const INCOMPLETE: &str = "incomplete";

/// The refusal to take anything away on what is known to be half. A dump of `kubectl` lists no servers: what it lacks is
/// looked at again, live or in a sandbox, before anything is carried out, so that it is refused there.
pub fn half(world: &World, caveats: &[String], steps: &[Step], for_apply: bool) -> Option<Refusal> {
    let whole = world.knows(Kind::Server) && !world.servers.values().any(|server| server.inferred);
    let takes = steps.iter().any(|step| step.verb.takes());
    (takes && !caveats.is_empty() && (whole || for_apply)).then(|| Refusal {
        brake: INCOMPLETE.to_owned(),
        text: format!("the plan is not complete: {}", caveats.join("; ")),
        origin: None,
    })
}

/// What becomes of the pods of a node that is not needed.
pub fn homes(world: &World, movers: &[Mover]) -> String {
    let waited: Vec<&Mover> = movers.iter().filter(|mover| mover.action == PodAction::Wait).collect();
    let evicts = movers.iter().any(|mover| mover.action == PodAction::Evict);
    if let Some(unlisted) = unlisted(world, evicts) {
        return unlisted.to_owned();
    }
    let lost: Vec<&Mover> = movers.iter().filter(|m| m.action == PodAction::Evict && world.loses(&m.pod)).collect();
    let lost = match lost.as_slice() {
        [] => String::new(),
        [one] => format!("; but {} is LOST: nothing makes it again", one.pod.key),
        many => format!("; but {} pods are LOST: nothing makes them again", many.len()),
    };
    let waiting = match waited.as_slice() {
        [] if !evicts => return "nothing on it has to move".to_owned(),
        [] => return format!("everything on it has another home{lost}"),
        [one] => format!("{} is waited for", one.pod.key),
        many => format!("{} pods are waited for", many.len()),
    };
    let rest = if evicts { "everything else on it has another home" } else { "nothing else on it has to move" };
    format!("{waiting}, {rest}{lost}")
}

/// What to say of a snapshot that is older than `brakes.maxSnapshotAge` at the plan's now.
pub fn old(policy: &Policy, world: &World, now: Timestamp) -> Option<String> {
    let age = now.duration_since(world.taken?);
    let most = policy.brakes.max_snapshot_age;
    (age > most).then(|| {
        format!(
            "the snapshot is {} older than this plan's now: the cluster may have changed; `apply` refuses one older \
             than {most:#} (brakes.maxSnapshotAge)",
            words(age)
        )
    })
}

/// A length of time in its largest fitting unit, rounded down.
fn words(age: SignedDuration) -> String {
    let (minutes, hours) = (age.as_mins(), age.as_hours());
    let days = hours / 24;
    let (count, unit) = match (days, hours) {
        (731.., _) => (days / 365, "years"),
        (2.., _) => (days, "days"),
        (_, 2..) => (hours, "hours"),
        _ => (minutes, "minutes"),
    };
    format!("{count} {unit}")
}

/// Said where some node takes new pods now and none does when the plan is done.
pub fn nobody_left(world: &World, steps: &[Step]) -> Option<&'static str> {
    let takes_pods = |node: &Node| {
        let open = node.taints.iter().all(|taint| taint.effect == TaintEffect::PreferNoSchedule);
        open && node.ready() && !node.unschedulable
    };
    let last: BTreeMap<&str, Verb> = steps.iter().map(|step| (step.node.as_str(), step.verb)).collect();
    let after = |name: &str| last.get(name).map(|verb| *verb == Verb::Uncordon);
    // Where every node is tainted, pods tolerate it, and a tainted node counts.
    let tainted = !world.nodes.values().any(|node| takes_pods(node));
    let takes = |node: &Node| if tainted { node.ready() && !node.unschedulable } else { takes_pods(node) };
    let before = world.nodes.values().any(|node| takes(node));
    let left = world.nodes.values().any(|node| after(&node.name).unwrap_or_else(|| takes(node)));
    (before && !left).then_some("No node that takes pods is left: new pods wait until one is back.")
}
