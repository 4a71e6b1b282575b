//! Owners of pods.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Converter;
use super::meta::made_up_uid;
use crate::model::{Name, RebootLock, Workload, WorkloadKind};
use crate::observe::raw;
use crate::observe::raw::{AnySelector, WorkloadSpec};

/// Where kured says which node it reboots.
const REBOOT_LOCK: &str = "weave.works/kured-node-lock";

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
            reboot_times: reboot_times(&kind, &key.name, &spec),
            key,
            replicas: replicas(&kind, &spec),
            ignores_disruption: ignores_disruption(&spec),
            reboots: reboots(&meta),
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

/// The arguments by which kured is told on which days and at which times it may reboot; no other argument is kept.
fn reboot_times(kind: &WorkloadKind, name: &str, spec: &WorkloadSpec) -> Vec<Name> {
    const ABOUT: [&str; 4] = ["--reboot-days", "--start-time", "--end-time", "--time-zone"];
    if *kind != WorkloadKind::DaemonSet || !name.contains("kured") {
        return Vec::new();
    }
    let pod = spec.template.as_ref().and_then(|template| template.spec.as_ref());
    let containers = pod.and_then(|pod| pod.containers.as_ref()).into_iter().flatten();
    let words = containers.flat_map(|container| [&container.command, &container.args]).flatten().flatten();
    let mut words = words.map(|word| word.0.as_str());
    let mut times = Vec::new();
    while let Some(word) = words.next() {
        let flag = word.split_once('=').map_or(word, |(flag, _)| flag);
        if ABOUT.contains(&flag) {
            // A value may stand in a word of its own.
            let value = if word == flag { words.next().map(|value| format!("{flag}={value}")) } else { None };
            times.push(value.map_or_else(|| word.into(), |value| value.as_str().into()));
        }
    }
    times
}

/// Kured writes the lock on its own DaemonSet: one node, or several where `--concurrency` allows that. Durations are in
/// nanoseconds, and 0 is for ever. What cannot be read locks nothing.
fn reboots(meta: &raw::Meta) -> Vec<RebootLock> {
    #[derive(Deserialize)]
    struct Held {
        #[serde(rename = "nodeID")]
        node: String,
        created: Option<Timestamp>,
        #[serde(rename = "TTL", default)]
        time_to_live: i64,
    }
    #[derive(Deserialize)]
    struct Several {
        locks: Vec<Held>,
    }
    let Some(text) = meta.annotations.as_ref().and_then(|all| all.get(REBOOT_LOCK)) else { return Vec::new() };
    let one = serde_json::from_str::<Held>(&text.0).map(|held| vec![held]);
    let held = one.or_else(|_| serde_json::from_str::<Several>(&text.0).map(|several| several.locks));
    let until = |held: &Held| {
        let created = held.created.filter(|_| held.time_to_live > 0)?;
        created.checked_add(SignedDuration::from_nanos(held.time_to_live)).ok()
    };
    let lock = |held: Held| RebootLock { until: until(&held), node: held.node.into() };
    held.unwrap_or_default().into_iter().map(lock).collect()
}
