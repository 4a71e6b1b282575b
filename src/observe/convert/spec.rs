//! Pod specs: the part that decides where a pod may run.

use std::collections::BTreeMap;

use super::Converter;
use super::requests::Running;
use crate::model::{HostPort, PodSpec, TaintEffect, Toleration, Volume, VolumeSource};
use crate::observe::raw;
use crate::observe::raw::Container;

impl Converter {
    pub(super) fn pod_spec(&mut self, raw: raw::PodSpec, running: &Running<'_>) -> Result<PodSpec, String> {
        let asked = self.requests(&raw, running)?;
        let sidecars =
            raw.init_containers.iter().flatten().filter(|one| one.restart_policy.as_deref() == Some("Always"));
        let long_running: Vec<&Container> = raw.containers.iter().flatten().chain(sidecars).collect();
        let has_readiness = long_running.iter().any(|container| container.readiness_probe.is_some())
            || raw.readiness_gates.as_ref().is_some_and(|gates| !gates.is_empty());
        let host_network = raw.host_network.unwrap_or(false);
        let mut host_ports = std::collections::BTreeSet::new();
        for port in long_running.iter().flat_map(|container| container.ports.iter().flatten()) {
            let number = port.host_port.filter(|port| *port != 0);
            let number = number.or(port.container_port.filter(|port| host_network && *port != 0));
            let Some(number) = number else { continue };
            let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
            host_ports.insert(HostPort {
                address: self.intern.name(&text(&port.host_ip).unwrap_or_else(|| "0.0.0.0".into())),
                protocol: self.intern.name(&text(&port.protocol).unwrap_or_else(|| "TCP".into())),
                port: u16::try_from(number).map_err(|_| format!("there is no port {number}"))?,
            });
        }
        let node_selector = raw.node_selector.unwrap_or_default().into_iter();
        let node_selector: BTreeMap<_, _> =
            node_selector.map(|(key, value)| (self.intern.name(&key), self.intern.name(&value.0))).collect();
        let tolerations = raw.tolerations.unwrap_or_default().into_iter().map(|one| self.toleration(one)).collect();
        let volumes = raw.volumes.unwrap_or_default().into_iter().filter_map(|one| self.volume(one).transpose());
        let volumes = volumes.collect::<Result<_, _>>()?;
        let spread = raw.topology_spread_constraints.unwrap_or_default().into_iter();
        let mut names = |parts: Option<Vec<_>>| -> Vec<_> {
            let parts = parts.unwrap_or_default().into_iter();
            parts.map(|part: raw::NamedPart| self.intern.name(&part.name.unwrap_or_default())).collect()
        };
        let (gates, resource_claims) = (names(raw.scheduling_gates), names(raw.resource_claims));
        Ok(PodSpec {
            requests: asked.real,
            scored: asked.scored,
            scored_asking: asked.asking,
            node_selector,
            affinity: raw.affinity.map(|affinity| self.affinity(affinity)).transpose()?.flatten(),
            tolerations,
            spread: spread.map(|spread| self.spread(spread)).collect::<Result<_, _>>()?,
            host_ports,
            volumes,
            grace_seconds: raw.termination_grace_period_seconds.unwrap_or(30),
            priority: raw.priority.unwrap_or(0),
            priority_class: raw.priority_class_name.filter(|name| !name.is_empty()).map(|name| self.intern.name(&name)),
            scheduler: raw
                .scheduler_name
                .filter(|name| !name.is_empty() && name != "default-scheduler")
                .map(|name| self.intern.name(&name)),
            gates,
            never_restarts: raw.restart_policy.as_deref() == Some("Never"),
            never_preempts: raw.preemption_policy.as_deref() == Some("Never"),
            restarts_on_failure: raw.restart_policy.as_deref() == Some("OnFailure"),
            has_readiness,
            resource_claims,
            no_containers: raw.containers.is_none_or(|containers| containers.is_empty()),
        })
    }

    /// An operator or an effect that does not exist tolerates nothing in Kubernetes; here it compares with a value that no
    /// taint has.
    fn toleration(&mut self, raw: raw::Toleration) -> Toleration {
        let value = match raw.operator.as_deref() {
            Some("Exists") => None,
            None | Some("" | "Equal") => Some(raw.value.unwrap_or_default().0),
            Some(other) => Some(format!("\0{other}")),
        };
        let known = ["", "NoSchedule", "PreferNoSchedule", "NoExecute"];
        let effect = raw.effect.as_deref().filter(|effect| !known.contains(effect));
        let value = effect.map_or(value, |effect| Some(format!("\0{effect}")));
        Toleration {
            key: raw.key.filter(|key| !key.is_empty()).map(|key| self.intern.name(&key)),
            value: value.map(|value| self.intern.name(&value)),
            effect: match raw.effect.as_deref() {
                Some("NoSchedule") => Some(TaintEffect::NoSchedule),
                Some("PreferNoSchedule") => Some(TaintEffect::PreferNoSchedule),
                Some("NoExecute") => Some(TaintEffect::NoExecute),
                _ => None,
            },
            seconds: raw.toleration_seconds,
        }
    }

    /// Secrets, config maps and projections do not matter; a volume without a source is an emptyDir, as the API server
    /// has it.
    fn volume(&mut self, raw: raw::Volume) -> Result<Option<Volume>, String> {
        let raw::Source { field, details } = raw.source.unwrap_or_default();
        let source = match field.as_str() {
            "secret" | "configMap" | "projected" | "downwardAPI" | "image" => return Ok(None),
            "" | "emptyDir" => VolumeSource::EmptyDir { memory: details.medium.as_deref() == Some("Memory") },
            "hostPath" => VolumeSource::HostPath,
            "persistentVolumeClaim" => VolumeSource::Claim(self.intern.name(&details.claim_name.unwrap_or_default())),
            "ephemeral" => {
                let template = details.volume_claim_template.unwrap_or_default();
                let spec =
                    self.claim_spec(&template.metadata.unwrap_or_default(), template.spec.unwrap_or_default())?;
                VolumeSource::Ephemeral(Box::new(spec))
            }
            "csi" => VolumeSource::Csi(self.intern.name(&details.driver.unwrap_or_default())),
            other => match self.inline_disk(other, details.disk) {
                Some(disk) => VolumeSource::Disk(Box::new(disk)),
                None => VolumeSource::Other(self.intern.name(other)),
            },
        };
        Ok(Some(Volume { name: self.intern.name(&raw.name), source }))
    }
}
