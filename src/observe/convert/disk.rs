//! Disks of volumes and pods, in-tree ones as the CSI drivers know them that have taken over.

use super::Converter;
use crate::model::{Disk, InlineDisk, MIGRATED};
use crate::observe::raw::DiskSource;

impl Converter {
    /// An in-tree disk that a pod names itself. Volumes of other kinds are none.
    pub(super) fn inline_disk(&mut self, field: &str, source: DiskSource) -> Option<InlineDisk> {
        let disk = self.migrated_disk(field, &source, "");
        let text = |text: Option<String>| text.unwrap_or_default();
        let id = match field {
            "gcePersistentDisk" => text(source.pd_name),
            "awsElasticBlockStore" | "cinder" | "portworxVolume" => text(source.volume_id),
            "azureDisk" => text(source.disk_uri),
            "iscsi" => text(source.iqn),
            "rbd" => format!("{}/{}", source.pool.as_deref().unwrap_or("rbd"), text(source.image)),
            _ => return None,
        };
        Some(InlineDisk {
            kind: self.intern.name(field),
            id: self.intern.name(&id),
            monitors: source.monitors.unwrap_or_default().iter().map(|one| self.intern.name(one)).collect(),
            read_only: source.read_only.unwrap_or(false),
            disk,
        })
    }

    /// What an in-tree disk is to the CSI driver that has taken over. A GCE disk's name is unique in its `zone` only.
    pub(super) fn migrated_disk(&mut self, field: &str, source: &DiskSource, zone: &str) -> Option<Disk> {
        let migrated = MIGRATED.iter().find(|migrated| migrated.field == field)?;
        let id = source.volume_id.as_deref().unwrap_or_default();
        let handle = match field {
            "gcePersistentDisk" => format!("{zone}/{}", source.pd_name.as_deref().unwrap_or_default()),
            "azureDisk" => source.disk_uri.clone().unwrap_or_default(),
            // `aws://zone/vol-1` and `vol-1` are one disk.
            "awsElasticBlockStore" if id.starts_with("aws://") => id.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => id.to_owned(),
        };
        Some(Disk { driver: self.intern.name(migrated.driver), handle: self.intern.name(&handle), in_tree: true })
    }
}
