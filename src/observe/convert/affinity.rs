//! Affinity and topology spread.

use super::Converter;
use crate::model::{Affinity, Name, PodTerm, Spread};
use crate::observe::raw;

impl Converter {
    pub(super) fn affinity(&mut self, raw: raw::Affinity) -> Result<Option<Affinity>, String> {
        let mut affinity = Affinity::default();
        if let Some(node) = raw.node_affinity {
            if let Some(required) = node.required {
                let terms = required.node_selector_terms.unwrap_or_default().into_iter();
                affinity.node = Some(terms.map(|term| self.node_term(term)).collect::<Result<_, _>>()?);
            }
            for preferred in node.preferred.unwrap_or_default() {
                let term = self.node_term(preferred.preference.unwrap_or_default())?;
                affinity.node_preferred.push((preferred.weight.unwrap_or(0), term));
            }
        }
        (affinity.pod, affinity.pod_preferred) = self.pod_affinity(raw.pod_affinity)?;
        (affinity.anti, affinity.anti_preferred) = self.pod_affinity(raw.pod_anti_affinity)?;
        Ok((affinity != Affinity::default()).then_some(affinity))
    }

    #[allow(clippy::type_complexity)]
    fn pod_affinity(&mut self, raw: Option<raw::PodAffinity>) -> Result<(Vec<PodTerm>, Vec<(i32, PodTerm)>), String> {
        let raw = raw.unwrap_or_default();
        let required = raw.required.unwrap_or_default().into_iter().map(|term| self.pod_term(term));
        let required = required.collect::<Result<_, _>>()?;
        let mut preferred = Vec::new();
        for weighted in raw.preferred.unwrap_or_default() {
            let term = self.pod_term(weighted.pod_affinity_term.unwrap_or_default())?;
            preferred.push((weighted.weight.unwrap_or(0), term));
        }
        Ok((required, preferred))
    }

    fn pod_term(&mut self, raw: raw::PodAffinityTerm) -> Result<PodTerm, String> {
        Ok(PodTerm {
            selector: raw.label_selector.map(|selector| self.selector(selector)).transpose()?,
            namespaces: raw.namespaces.unwrap_or_default().iter().map(|name| self.intern.name(name)).collect(),
            namespace_selector: raw.namespace_selector.map(|selector| self.selector(selector)).transpose()?,
            topology_key: self.intern.name(&raw.topology_key.unwrap_or_default()),
            match_label_keys: self.names(raw.match_label_keys),
            mismatch_label_keys: self.names(raw.mismatch_label_keys),
        })
    }

    pub(super) fn spread(&mut self, raw: raw::Spread) -> Result<Spread, String> {
        Ok(Spread {
            max_skew: raw.max_skew.unwrap_or(1),
            topology_key: self.intern.name(&raw.topology_key.unwrap_or_default()),
            hard: raw.when_unsatisfiable.as_deref() != Some("ScheduleAnyway"),
            selector: raw.label_selector.map(|selector| self.selector(selector)).transpose()?,
            min_domains: raw.min_domains,
            honor_affinity: raw.node_affinity_policy.as_deref() != Some("Ignore"),
            honor_taints: raw.node_taints_policy.as_deref() == Some("Honor"),
            match_label_keys: self.names(raw.match_label_keys),
        })
    }

    fn names(&mut self, raw: Option<Vec<String>>) -> Vec<Name> {
        raw.unwrap_or_default().iter().map(|name| self.intern.name(name)).collect()
    }
}
