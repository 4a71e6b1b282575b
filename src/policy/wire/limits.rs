//! Limits, brakes, providers and overrides as they stand in a file.

use super::numbers::{CountOrPercent, Decimal, Percent};
use super::object::object;
use super::quantities::{Bytes, Millicores};
use super::read::{Choice, OneOrMany};
use super::text::Text;
use super::times::{Length, When};
use crate::policy::Idle;

object! {
    /// Most capacity that may be active, over all pools.
    Limits, "`limits`" {
        /// CPU; 1000 by default.
        cpu = "cpu": Millicores,
        /// Memory; 4000Gi by default.
        memory = "memory": Bytes,
        /// Nodes; no limit by default.
        nodes = "nodes": u32,
        /// GPUs (`nvidia.com/gpu`); no limit by default.
        gpus = "gpus": u32,
        /// Cost per hour, in the unit of the rates; no limit by default.
        cost_per_hour = "costPerHour": Decimal,
    }
}

object! {
    /// When to refuse what takes capacity away.
    Brakes, "`brakes`" {
        /// Most nodes that one apply may take away; no limit by default.
        max_nodes = "maxNodes": CountOrPercent,
        /// Most servers that Tidegate did not make (`adopt: true`) and that one apply may delete; 3 by default.
        max_deletes = "maxDeletes": u32,
        /// Oldest snapshot that is acted on; 10m by default.
        max_snapshot_age = "maxSnapshotAge": Length,
        /// Largest share of NotReady nodes where a Cluster Autoscaler runs; 45% by default, as its own.
        max_unready = "maxUnready": Percent,
        /// Least share of the remembered nodes that must still be there; 50% by default.
        min_inventory = "minInventory": Percent,
    }
}

object! {
    /// An entry of clouds.yaml.
    Openstack, "`openstack`" {
        /// The entry's name.
        cloud = "cloud": Text [required],
        /// The region, where the entry has several.
        region = "region": Text,
        /// A shelved server that still holds its host so long after we asked to free it stays so, and counts as parked; 2m
        /// by default.
        offload_timeout = "offloadTimeout": Length,
    }
}

object! {
    /// Programs of the operator's own. The program is asked one question on its standard input, as JSON, and answers it on its
    /// standard output: `tidegate schema provider --format markdown` tells all of it. In a sandbox the servers are
    /// simulated, and no program is called.
    Command, "`command`" {
        /// The program and its arguments; no shell is between, and a relative path is seen from the folder that Tidegate
        /// runs in.
        run = "run": OneOrMany<Text> [required],
        /// How long one question may take; then the program is killed with all that it started. 5m by default.
        deadline = "deadline": Length,
        /// How it parks servers: some of `shelve`, `stop` and `suspend`. Without any it makes and deletes them only, and its
        /// pools say `idle: delete`.
        parks = "parks": OneOrMany<Choice<Idle>>,
    }
}

object! {
    /// Where servers come from: OpenStack, or programs of the operator's own.
    Provider, "a provider" {
        /// Its name; pools name it.
        name = "name": Text [required],
        /// OpenStack.
        openstack = "openstack": Openstack,
        /// Programs of the operator's own.
        command = "command": Command,
    }
}

object! {
    /// A temporary exception to the policy.
    Override, "an override" {
        /// `pool/P` or `node/N`. A node is kept awake by `min: 1` and parked by `max: 0`.
        target = "target": Text [required],
        /// Least active nodes.
        min = "min": u32,
        /// Most active nodes.
        max = "max": u32,
        /// Exactly so many active nodes, instead of `min` and `max`.
        replicas = "replicas": u32,
        /// When it ends; a day ends with its last instant.
        expires = "expires": When [required],
        /// Why.
        reason = "reason": Text [required],
        /// Who.
        author = "author": Text,
    }
}
