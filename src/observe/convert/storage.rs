//! Storage objects and node leases.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Converter;
use crate::model::{
    Claim, ClaimSpec, CsiNode, Disk, Name, NodeTerm, Operator, PersistentVolume, PodKey, Requirement, StorageClass,
    VolumeAttachment, parse_bytes,
};
use crate::observe::raw;
use crate::observe::raw::{Map, Meta};

/// The annotation that named the class before there was a field for it, and goes before it.
const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const MIGRATED_PLUGINS: &str = "storage.alpha.kubernetes.io/migrated-plugins";

impl Converter {
    pub(in crate::observe) fn claim(&mut self, raw: raw::Claim) -> Result<Claim, String> {
        let (mut meta, mut spec) = (raw.metadata.unwrap_or_default(), raw.spec.unwrap_or_default());
        let key = self.key(&meta)?;
        let phase = raw.status.unwrap_or_default().phase;
        let annotations = meta.annotations.as_ref();
        let selected = annotations.and_then(|annotations| annotations.get(SELECTED_NODE));
        Ok(Claim {
            uid: self.uid(&meta, &key.to_string()),
            selected_node: selected.map(|node| self.intern.name(&node.0)),
            bound: annotations.is_some_and(|annotations| annotations.contains_key(BIND_COMPLETED))
                || phase.as_deref() == Some("Bound"),
            lost: phase.as_deref() == Some("Lost"),
            deleting: meta.deletion_timestamp.is_some(),
            volume: self.optional(spec.volume_name.take()),
            spec: self.claim_spec(&meta, spec)?,
            owner: self.controller(&key.namespace, &mut meta).map(|owner| owner.uid),
            key,
        })
    }

    /// What a claim, or a template of one, asks for.
    pub(super) fn claim_spec(&mut self, meta: &Meta, raw: raw::ClaimSpec) -> Result<ClaimSpec, String> {
        Ok(ClaimSpec {
            class: self.class(meta, raw.storage_class_name),
            access_modes: self.name_set(raw.access_modes),
            bytes: bytes(raw.resources.and_then(|resources| resources.requests), "spec.resources.requests.storage")?,
            selector: raw.selector.map(|selector| self.selector(selector)).transpose()?,
            block: raw.volume_mode.as_deref() == Some("Block"),
            attributes_class: self.optional(raw.volume_attributes_class_name),
        })
    }

    pub(in crate::observe) fn persistent_volume(
        &mut self,
        raw: raw::PersistentVolume,
    ) -> Result<PersistentVolume, String> {
        let mut meta = raw.metadata.unwrap_or_default();
        let mut spec = raw.spec.unwrap_or_default();
        let required = spec.node_affinity.take().and_then(|affinity| affinity.required);
        let terms = required.map(|required| required.node_selector_terms.unwrap_or_default());
        let terms = terms.map(|terms| terms.into_iter().map(|term| self.node_term(term)).collect::<Result<_, _>>());
        let claim = spec.claim_ref.take();
        Ok(PersistentVolume {
            name: self.object_name(&meta)?,
            node_affinity: terms.transpose()?,
            disk: self.disk(&meta, &mut spec),
            local: spec.local.is_some() || spec.host_path.is_some(),
            class: self.class(&meta, spec.storage_class_name),
            bytes: bytes(spec.capacity, "spec.capacity.storage")?,
            access_modes: self.name_set(spec.access_modes),
            block: spec.volume_mode.as_deref() == Some("Block"),
            attributes_class: self.optional(spec.volume_attributes_class_name),
            claim_uid: self.optional(claim.as_ref().and_then(|claim| claim.uid.clone())),
            claim: claim.map(|claim| PodKey {
                namespace: self.intern.name(&claim.namespace.unwrap_or_default()),
                name: self.intern.name(&claim.name.unwrap_or_default()),
            }),
            available: raw.status.unwrap_or_default().phase.as_deref() == Some("Available"),
            deleting: meta.deletion_timestamp.is_some(),
            labels: self.intern.labels(meta.labels.take(), &[]),
        })
    }

    fn disk(&mut self, meta: &Meta, spec: &mut raw::VolumeSpec) -> Option<Disk> {
        if let Some(csi) = spec.csi.take() {
            let handle = self.intern.name(&csi.volume_handle.unwrap_or_default());
            return self.optional(csi.driver).map(|driver| Disk { driver, handle, in_tree: false });
        }
        let zone = ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"];
        let zone = zone.iter().find_map(|key| meta.labels.as_ref()?.get(*key)).map_or("", |zone| zone.0.as_str());
        let sources = [
            ("awsElasticBlockStore", spec.aws_elastic_block_store.take()),
            ("gcePersistentDisk", spec.gce_persistent_disk.take()),
            ("cinder", spec.cinder.take()),
            ("azureDisk", spec.azure_disk.take()),
            ("portworxVolume", spec.portworx_volume.take()),
        ];
        let (field, source) = sources.into_iter().find_map(|(field, source)| Some((field, source?)))?;
        self.migrated_disk(field, &source, zone)
    }

    fn class(&mut self, meta: &Meta, field: Option<String>) -> Option<Name> {
        let beta = meta.annotations.as_ref().and_then(|annotations| annotations.get(BETA_CLASS));
        self.optional(beta.map(|class| class.0.clone()).or(field))
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
        let meta = raw.metadata.unwrap_or_default();
        let migrated = meta.annotations.as_ref().and_then(|annotations| annotations.get(MIGRATED_PLUGINS));
        let migrated = migrated.iter().flat_map(|list| list.0.split(',')).filter(|plugin| !plugin.is_empty());
        let migrated = migrated.map(|plugin| self.intern.name(plugin)).collect();
        let drivers = raw.spec.unwrap_or_default().drivers.unwrap_or_default().into_iter().map(|driver| {
            let limit = driver.allocatable.and_then(|allocatable| allocatable.count);
            (self.intern.name(&driver.name.unwrap_or_default()), limit)
        });
        let drivers = drivers.collect();
        Ok(CsiNode { name: self.object_name(&meta)?, drivers, migrated })
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

/// The `storage` of a resource list; 0 if there is none.
fn bytes(list: Option<Map>, field: &str) -> Result<i64, String> {
    let amount = list.and_then(|mut list| list.remove("storage"));
    amount.map_or(Ok(0), |amount| parse_bytes(&amount.0).map_err(|why| format!("`{field}`: {why}")))
}
