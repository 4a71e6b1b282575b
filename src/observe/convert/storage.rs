//! Storage objects and node leases.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Converter;
use crate::model::{
    Claim, CsiNode, Name, NodeTerm, Operator, PersistentVolume, PodKey, Requirement, StorageClass, VolumeAttachment,
};
use crate::observe::raw;

/// Labels that tie a volume from before node affinity to a place.
const ZONE_LABELS: [&str; 4] = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

impl Converter {
    pub(in crate::observe) fn claim(&mut self, raw: raw::Claim) -> Result<Claim, String> {
        let spec = raw.spec.unwrap_or_default();
        Ok(Claim {
            key: self.key(&raw.metadata.unwrap_or_default())?,
            volume: self.optional(spec.volume_name),
            class: self.optional(spec.storage_class_name),
            access_modes: self.name_set(spec.access_modes),
        })
    }

    pub(in crate::observe) fn persistent_volume(
        &mut self,
        raw: raw::PersistentVolume,
    ) -> Result<PersistentVolume, String> {
        let meta = raw.metadata.unwrap_or_default();
        let spec = raw.spec.unwrap_or_default();
        let required = spec.node_affinity.and_then(|affinity| affinity.required);
        let terms = required.map(|required| required.node_selector_terms.unwrap_or_default());
        let terms = terms.map(|terms| terms.into_iter().map(|term| self.node_term(term)).collect::<Result<_, _>>());
        let name = self.object_name(&meta)?;
        let labels = meta.labels.unwrap_or_default().into_iter();
        let zone_labels = labels.filter(|(key, _)| ZONE_LABELS.contains(&key.as_str()));
        Ok(PersistentVolume {
            name,
            node_affinity: terms.transpose()?,
            zone_labels: zone_labels.map(|(key, value)| (self.intern.name(&key), self.intern.name(&value.0))).collect(),
            driver: self.optional(spec.csi.and_then(|csi| csi.driver)),
            local: spec.local.is_some() || spec.host_path.is_some(),
            access_modes: self.name_set(spec.access_modes),
            claim: spec.claim_ref.map(|claim| PodKey {
                namespace: self.intern.name(&claim.namespace.unwrap_or_default()),
                name: self.intern.name(&claim.name.unwrap_or_default()),
            }),
        })
    }

    pub(in crate::observe) fn storage_class(&mut self, raw: raw::StorageClass) -> Result<StorageClass, String> {
        let topologies = raw.allowed_topologies.unwrap_or_default().into_iter().map(|topology| NodeTerm {
            labels: topology
                .match_label_expressions
                .unwrap_or_default()
                .into_iter()
                .map(|label| Requirement {
                    key: self.intern.name(&label.key.unwrap_or_default()),
                    operator: Operator::In,
                    values: label.values.unwrap_or_default().iter().map(|value| self.intern.name(&value.0)).collect(),
                })
                .collect(),
            fields: Vec::new(),
        });
        Ok(StorageClass {
            topologies: topologies.collect(),
            name: self.object_name(&raw.metadata.unwrap_or_default())?,
            provisioner: self.intern.name(&raw.provisioner.unwrap_or_default()),
            waits_for_consumer: raw.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"),
        })
    }

    pub(in crate::observe) fn csi_node(&mut self, raw: raw::CsiNode) -> Result<CsiNode, String> {
        let drivers = raw.spec.unwrap_or_default().drivers.unwrap_or_default().into_iter().map(|driver| {
            let limit = driver.allocatable.and_then(|allocatable| allocatable.count);
            (self.intern.name(&driver.name.unwrap_or_default()), limit)
        });
        let drivers = drivers.collect();
        Ok(CsiNode { name: self.object_name(&raw.metadata.unwrap_or_default())?, drivers })
    }

    pub(in crate::observe) fn attachment(&mut self, raw: raw::VolumeAttachment) -> Result<VolumeAttachment, String> {
        let spec = raw.spec.unwrap_or_default();
        Ok(VolumeAttachment {
            name: self.object_name(&raw.metadata.unwrap_or_default())?,
            attacher: self.intern.name(&spec.attacher.unwrap_or_default()),
            node: self.intern.name(&spec.node_name.unwrap_or_default()),
            volume: self.optional(spec.source.and_then(|source| source.persistent_volume_name)),
            attached: raw.status.and_then(|status| status.attached).unwrap_or(false),
        })
    }

    /// The node's name and when its kubelet last renewed; None for the lease of something else.
    pub(in crate::observe) fn lease(&mut self, raw: raw::Lease) -> Result<Option<(Name, Timestamp)>, String> {
        let key = self.key(&raw.metadata.unwrap_or_default())?;
        let renewed = raw.spec.unwrap_or_default().renew_time;
        let renewed = self.past(renewed.as_deref(), "spec.renewTime")?;
        Ok(renewed.filter(|_| &*key.namespace == "kube-node-lease").map(|renewed| (key.name, renewed)))
    }

    fn optional(&mut self, text: Option<String>) -> Option<Name> {
        text.filter(|text| !text.is_empty()).map(|text| self.intern.name(&text))
    }

    fn name_set(&mut self, names: Option<Vec<String>>) -> BTreeSet<Name> {
        names.unwrap_or_default().iter().map(|name| self.intern.name(name)).collect()
    }
}
