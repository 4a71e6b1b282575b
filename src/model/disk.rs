//! Disks, and the in-tree volume plugins that CSI drivers have taken over.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Name;

/// A disk that a CSI driver attaches to nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Disk {
    /// The CSI driver.
    pub driver: Name,
    /// What it calls the disk; empty if unknown.
    pub handle: Name,
    /// Written for an in-tree plugin that the driver has taken over.
    pub in_tree: bool,
}

/// An in-tree disk named in a pod itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InlineDisk {
    /// Its field in the pod: `gcePersistentDisk`, `rbd`, …
    pub kind: Name,
    /// What tells it from others of its kind.
    pub id: Name,
    /// Ceph monitors, for `rbd`: two images are one only if they share a monitor.
    pub monitors: BTreeSet<Name>,
    /// `readOnly`.
    pub read_only: bool,
    /// What it is to the CSI driver that has taken over, if one has.
    pub disk: Option<Disk>,
}

/// An in-tree volume plugin whose volumes a CSI driver attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The field of a pod's or PersistentVolume's source.
    pub field: &'static str,
    /// The plugin, as provisioners and CSINodes name it.
    pub plugin: &'static str,
    /// The CSI driver.
    pub driver: &'static str,
    /// The node label that stands for the zone, where the driver has one of its own.
    pub zone: Option<&'static str>,
}

/// The plugins that kube-scheduler 1.37 takes for migrated.
pub const MIGRATED: [Migrated; 5] = [
    Migrated {
        field: "awsElasticBlockStore",
        plugin: "kubernetes.io/aws-ebs",
        driver: "ebs.csi.aws.com",
        zone: Some("topology.ebs.csi.aws.com/zone"),
    },
    Migrated {
        field: "gcePersistentDisk",
        plugin: "kubernetes.io/gce-pd",
        driver: "pd.csi.storage.gke.io",
        zone: Some("topology.gke.io/zone"),
    },
    Migrated {
        field: "cinder",
        plugin: "kubernetes.io/cinder",
        driver: "cinder.csi.openstack.org",
        zone: Some("topology.cinder.csi.openstack.org/zone"),
    },
    Migrated { field: "azureDisk", plugin: "kubernetes.io/azure-disk", driver: "disk.csi.azure.com", zone: None },
    Migrated {
        field: "portworxVolume",
        plugin: "kubernetes.io/portworx-volume",
        driver: "pxd.portworx.com",
        zone: None,
    },
];
