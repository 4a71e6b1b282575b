//! Pods: who they are, where they run and how they are.

use super::Converter;
use super::meta::moment;
use super::requests::Running;
use crate::model::{Phase, Pod};
use crate::observe::raw;

impl Converter {
    /// A pod. It may name a node that is not in the dump; without containers it uses one pod slot and nothing else.
    pub(in crate::observe) fn pod(&mut self, raw: raw::Pod) -> Result<Pod, String> {
        let mut meta = raw.metadata.unwrap_or_default();
        let (mut spec, status) = (raw.spec.unwrap_or_default(), raw.status.unwrap_or_default());
        let key = self.key(&meta)?;
        let node = spec.node_name.take().filter(|name| !name.is_empty()).map(|name| self.intern.name(&name));
        let nominated = status.nominated_node_name.as_deref().filter(|name| !name.is_empty());
        let nominated_node = nominated.map(|name| self.intern.name(name));
        let (mut ready, mut ready_since, mut marked_unschedulable) = (false, None, false);
        let mut unscheduled_message = None;
        for condition in status.conditions.iter().flatten() {
            let holds = condition.status.as_ref().is_some_and(|status| status.0 == "True");
            let field = "status.conditions.lastTransitionTime";
            let since = self.past(condition.last_transition_time.as_deref(), field)?;
            match condition.kind.as_deref() {
                Some("Ready") => (ready, ready_since) = (holds, since),
                Some("PodScheduled") => {
                    marked_unschedulable = !holds && condition.reason.as_deref() == Some("Unschedulable");
                    let message = condition.message.as_deref().filter(|message| !holds && !message.is_empty());
                    unscheduled_message = message.map(|message| self.intern.name(message));
                }
                _ => {}
            }
        }
        let statuses = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
        let crash_looping = statuses.into_iter().any(|container| {
            let waiting = container.state.as_ref().and_then(|state| state.waiting.as_ref());
            waiting.is_some_and(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"))
        });
        let phase = match status.phase.as_deref() {
            None | Some("" | "Pending") => Phase::Pending,
            Some("Running") => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            Some(_) => Phase::Unknown,
        };
        let spec = self.pod_spec(spec, &Running::of(&status))?;
        Ok(Pod {
            uid: self.uid(&meta, &key.to_string()),
            annotations: self.annotations(&mut meta),
            labels: self.intern.labels(meta.labels.take(), &[]),
            created: self.past(meta.creation_timestamp.as_deref(), "metadata.creationTimestamp")?,
            deletion: moment(meta.deletion_timestamp.as_deref(), "metadata.deletionTimestamp")?,
            owner: self.controller(&key.namespace, &mut meta),
            key,
            node,
            nominated_node,
            phase,
            ready,
            ready_since,
            marked_unschedulable,
            unscheduled_message,
            crash_looping,
            spec: self.intern.spec(spec),
        })
    }
}
