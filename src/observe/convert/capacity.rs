//! CSI drivers and the room that they have for new volumes.

use super::Converter;
use crate::model::{CsiDriver, StorageCapacity, parse_bytes};
use crate::observe::raw;
use crate::observe::raw::Scalar;

impl Converter {
    pub(in crate::observe) fn csi_driver(&mut self, raw: raw::CsiDriver) -> Result<CsiDriver, String> {
        let spec = raw.spec.unwrap_or_default();
        Ok(CsiDriver {
            name: self.object_name(&raw.metadata.unwrap_or_default())?,
            storage_capacity: spec.storage_capacity.unwrap_or(false),
            must_be_there: spec.prevent_pod_scheduling_if_missing.unwrap_or(false),
        })
    }

    pub(in crate::observe) fn storage_capacity(
        &mut self,
        raw: raw::StorageCapacity,
    ) -> Result<StorageCapacity, String> {
        Ok(StorageCapacity {
            key: self.key(&raw.metadata.unwrap_or_default())?,
            class: self.intern.name(&raw.storage_class_name.unwrap_or_default()),
            nodes: raw.node_topology.map(|selector| self.selector(selector)).transpose()?,
            bytes: bytes(raw.capacity, "capacity")?,
            largest: bytes(raw.maximum_volume_size, "maximumVolumeSize")?,
        })
    }
}

fn bytes(amount: Option<Scalar>, field: &str) -> Result<Option<i64>, String> {
    let parsed = |amount: Scalar| parse_bytes(&amount.0).map_err(|why| format!("`{field}`: {why}"));
    amount.filter(|amount| !amount.0.is_empty()).map(parsed).transpose()
}
