//! Kinds that were not listed: each is unknown, not none, and what the planner then cannot know is said of each.

use crate::model::{Kind, World};
use crate::placement::unread_of_classes;

/// Kinds without which the same thing is not known.
struct Blank {
    kinds: &'static [Kind],
    what: &'static str,
}

/// Without one of these a removal is a guess, so that a plan is not complete.
const NEEDED: [Blank; 6] = [
    Blank { kinds: &[Kind::Node], what: "which nodes there are, and how they are" },
    Blank { kinds: &[Kind::Pod], what: "what runs on the nodes" },
    Blank { kinds: &[Kind::PodDisruptionBudget], what: "how many pods of a workload may go at once" },
    Blank { kinds: &[Kind::ReplicaSet], what: "whether what recreates pods of Deployments is there" },
    Blank { kinds: &[Kind::VolumeAttachment], what: "which disks still hang on a node that their pods left" },
    Blank { kinds: &[Kind::Server], what: "which machines run behind the nodes" },
];

/// What says how much room drivers have.
const ROOM: &[Kind] = &[Kind::CSIDriver, Kind::CSIStorageCapacity];

/// Without one of these a plan is careful, or assumes the best and says so here.
const USEFUL: [Blank; 9] = [
    Blank {
        kinds: &[Kind::StatefulSet, Kind::DaemonSet, Kind::Job, Kind::ReplicationController],
        what: "whether the owner that a pod names is still there; it counts as there",
    },
    Blank { kinds: &[Kind::Deployment], what: "how many pods a Deployment wants; its ReplicaSets stand in" },
    Blank {
        kinds: &[Kind::PersistentVolumeClaim, Kind::PersistentVolume, Kind::StorageClass, Kind::CSINode],
        what: "where a disk can follow its pod; without them pods with claims have no other home",
    },
    Blank {
        kinds: ROOM,
        what: "where a driver has room for a new disk; without them pods that wait for one have no home",
    },
    Blank { kinds: &[Kind::Namespace], what: "which cluster this is, and which namespaces an affinity means by label" },
    Blank {
        kinds: &[Kind::Service],
        what: "whether traffic comes through nodes; it counts as if it did, and `kubectl get svc` tells",
    },
    Blank {
        kinds: &[Kind::ValidatingWebhookConfiguration, Kind::MutatingWebhookConfiguration],
        what: "whether a webhook that everything needs would lose its last backend; `kubectl get` of them tells",
    },
    Blank { kinds: &[Kind::Lease], what: "when each kubelet was last heard of" },
    Blank { kinds: &[Kind::PriorityClass, Kind::Flavor], what: "nothing that this version decides by" },
];

/// Every kind that was not listed.
pub fn kinds(world: &World) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| !world.knows(*kind)).collect()
}

/// Those without which a plan is not complete.
pub fn needed(world: &World) -> Vec<Kind> {
    NEEDED.iter().flat_map(|blank| absent(blank, world)).collect()
}

fn absent(blank: &Blank, world: &World) -> Vec<Kind> {
    blank.kinds.iter().copied().filter(|kind| !world.knows(*kind)).collect()
}

/// What cannot be known without the kinds that a plan needs, but for the servers where they were taken from the nodes:
/// that is said otherwise.
pub fn caveat(world: &World) -> Option<String> {
    let inferred = world.servers.values().any(|server| server.inferred);
    said(NEEDED.iter().filter(|blank| !(inferred && blank.kinds.contains(&Kind::Server))), world)
}

/// What cannot be known without the others.
pub fn note(world: &World) -> Option<String> {
    // A cluster without such objects looks as if they were not listed: said only where some class may need them.
    let room = unread_of_classes(world);
    let counts = |blank: &&Blank| blank.kinds != ROOM || !room.is_empty();
    said(USEFUL.iter().filter(counts), world)
}

fn said<'a>(blanks: impl Iterator<Item = &'a Blank>, world: &World) -> Option<String> {
    let named = blanks.filter_map(|blank| {
        let kinds: Vec<String> = absent(blank, world).iter().map(ToString::to_string).collect();
        (!kinds.is_empty()).then(|| format!("{} ({})", kinds.join(", "), blank.what))
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| format!("not listed, so unknown: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_place() {
        let mut kinds: Vec<Kind> = NEEDED.iter().chain(&USEFUL).flat_map(|blank| blank.kinds).copied().collect();
        kinds.sort();
        assert_eq!(kinds, Kind::ALL);
    }
}
