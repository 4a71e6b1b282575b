//! Nodes.

use super::Converter;
use crate::model::{Condition, ConditionStatus, Node, Taint, TaintEffect};
use crate::observe::raw;

impl Converter {
    /// A node. Without `status.allocatable` the capacity counts, as the API server has it; without both it has zeros
    /// and takes no pod. A taint with an effect that does not exist counts as `NoSchedule`: in doubt it fits less.
    pub(in crate::observe) fn node(&mut self, raw: raw::Node) -> Result<Node, String> {
        let mut meta = raw.metadata.unwrap_or_default();
        let (spec, status) = (raw.spec.unwrap_or_default(), raw.status.unwrap_or_default());
        let capacity = self.resources(&status.capacity.unwrap_or_default())?;
        let allocatable = match &status.allocatable {
            Some(list) => self.resources(list)?,
            None => capacity.clone(),
        };
        let mut conditions = Vec::new();
        for condition in status.conditions.unwrap_or_default() {
            let field = "status.conditions.lastHeartbeatTime";
            let heartbeat = self.past(condition.last_heartbeat_time.as_deref(), field)?;
            let field = "status.conditions.lastTransitionTime";
            conditions.push(Condition {
                kind: self.intern.name(&condition.kind.unwrap_or_default()),
                status: match condition.status.unwrap_or_default().0.as_str() {
                    "True" | "true" => ConditionStatus::True,
                    "False" | "false" => ConditionStatus::False,
                    _ => ConditionStatus::Unknown,
                },
                heartbeat,
                transition: self.past(condition.last_transition_time.as_deref(), field)?,
            });
        }
        let taints = spec.taints.unwrap_or_default().into_iter().map(|taint| Taint {
            key: self.intern.name(&taint.key.unwrap_or_default()),
            value: self.intern.name(&taint.value.unwrap_or_default().0),
            effect: match taint.effect.as_deref() {
                Some("NoExecute") => TaintEffect::NoExecute,
                Some("PreferNoSchedule") => TaintEffect::PreferNoSchedule,
                _ => TaintEffect::NoSchedule,
            },
        });
        let taints = taints.collect();
        let addresses = status.addresses.unwrap_or_default().into_iter();
        let external = addresses.filter(|address| address.kind.as_deref() == Some("ExternalIP"));
        let external = external.filter_map(|address| address.address).map(|text| self.intern.name(&text));
        let external_addresses = external.collect();
        let in_use = status.volumes_in_use.unwrap_or_default();
        let volumes_in_use = in_use.iter().map(|text| self.intern.name(text)).collect();
        let kubelet = status.node_info.and_then(|info| info.kubelet_version).filter(|version| !version.is_empty());
        Ok(Node {
            name: self.object_name(&meta)?,
            uid: self.uid(&meta, ""),
            annotations: self.annotations(&mut meta),
            labels: self.intern.labels(meta.labels.take(), &[]),
            created: self.past(meta.creation_timestamp.as_deref(), "metadata.creationTimestamp")?,
            unschedulable: spec.unschedulable.unwrap_or(false),
            taints,
            provider_id: spec.provider_id.filter(|id| !id.is_empty()).map(|id| self.intern.name(&id)),
            allocatable,
            capacity,
            conditions,
            kubelet_version: kubelet.map(|version| self.intern.name(&version)),
            external_addresses,
            volumes_in_use,
        })
    }
}
