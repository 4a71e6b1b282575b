//! A fingerprint of what was observed: equal worlds have equal digests, in whatever order they were read.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::World;

/// SHA-256, in hex, over every object in the order of its key. When the snapshot was taken does
/// not count, and of gaps only the number: their words name files and lines.
pub fn digest(world: &World) -> String {
    let mut hash = Sha256::new();
    all(&mut hash, "nodes", world.nodes.values());
    all(&mut hash, "pods", world.pods.values());
    all(&mut hash, "budgets", world.budgets.values());
    all(&mut hash, "workloads", world.workloads.values());
    all(&mut hash, "claims", world.claims.values());
    all(&mut hash, "volumes", world.volumes.values());
    all(&mut hash, "classes", world.classes.values());
    all(&mut hash, "csi", world.csi_nodes.values());
    all(&mut hash, "drivers", world.csi_drivers.values());
    all(&mut hash, "capacities", world.capacities.values());
    all(&mut hash, "attachments", world.attachments.values());
    all(&mut hash, "namespaces", &world.namespaces);
    all(&mut hash, "leases", &world.leases);
    all(&mut hash, "services", world.services.values());
    all(&mut hash, "servers", world.servers.values());
    all(&mut hash, "flavors", world.flavors.values());
    if !world.webhooks.is_empty() {
        all(&mut hash, "webhooks", world.webhooks.values());
    }
    if !world.quotas.is_empty() {
        all(&mut hash, "quotas", world.quotas.values());
    }
    if world.version.is_some() || world.here.is_some() {
        all(&mut hash, "around", [(&world.version, &world.here)]);
    }
    if !world.unread.is_empty() {
        all(&mut hash, "unread", &world.unread);
    }
    all(&mut hash, "rest", [(&world.cluster, &world.observed, &world.skipped, world.gaps.len(), &world.memory)]);
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn all<T: Serialize>(hash: &mut Sha256, section: &str, items: impl IntoIterator<Item = T>) {
    hash.update(section.as_bytes());
    for item in items {
        // A value that cannot be written as JSON does not occur among model types: their map keys are strings.
        hash.update(serde_json::to_vec(&item).unwrap_or_default());
        hash.update([0]);
    }
}
