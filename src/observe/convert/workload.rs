//! Owners of pods.

use super::Converter;
use super::meta::made_up_uid;
use crate::model::{Workload, WorkloadKind};
use crate::observe::raw;
use crate::observe::raw::{AnySelector, WorkloadSpec};

impl Converter {
    /// A workload of the kind called `kind`.
    pub(in crate::observe) fn workload(&mut self, kind: &str, raw: raw::Workload) -> Result<Workload, String> {
        let mut meta = raw.metadata.unwrap_or_default();
        let spec = raw.spec.unwrap_or_default();
        let key = self.key(&meta)?;
        let made_up = made_up_uid(kind, &key.namespace, &key.name);
        let finished = raw.status.unwrap_or_default().conditions.into_iter().flatten().any(|condition| {
            matches!(condition.kind.as_deref(), Some("Complete" | "Failed"))
                && condition.status.is_some_and(|status| status.0 == "True")
        });
        let kind = WorkloadKind::named(kind);
        Ok(Workload {
            owner: self.controller(&key.namespace, &mut meta),
            uid: self.uid(&meta, &made_up),
            key,
            replicas: replicas(&kind, &spec),
            ignores_disruption: ignores_disruption(&spec),
            parallel: spec.pod_management_policy.as_deref() == Some("Parallel"),
            selector: match spec.selector {
                None => None,
                Some(AnySelector::Plain(labels)) => Some(self.equal_to(labels)),
                Some(AnySelector::Selector(selector)) => Some(self.selector(selector)?),
            },
            finished: finished && kind == WorkloadKind::Job,
            kind,
        })
    }
}

fn replicas(kind: &WorkloadKind, spec: &WorkloadSpec) -> Option<u32> {
    let wanted = match kind {
        WorkloadKind::DaemonSet => return None,
        WorkloadKind::Job if spec.suspend == Some(true) => 0,
        WorkloadKind::Job => spec.parallelism.unwrap_or(1),
        _ => spec.replicas.unwrap_or(1),
    };
    Some(u32::try_from(wanted.max(0)).unwrap_or(u32::MAX))
}

/// The first rule that speaks of the condition DisruptionTarget decides, as in the Job controller.
fn ignores_disruption(spec: &WorkloadSpec) -> bool {
    let mut rules = spec.pod_failure_policy.iter().flat_map(|policy| policy.rules.iter().flatten());
    let about_disruption = rules.find(|rule| {
        rule.on_pod_conditions.iter().flatten().any(|condition| {
            condition.kind.as_deref() == Some("DisruptionTarget")
                && condition.status.as_ref().is_none_or(|status| status.0 == "True")
        })
    });
    about_disruption.is_some_and(|rule| rule.action.as_deref() == Some("Ignore"))
}
