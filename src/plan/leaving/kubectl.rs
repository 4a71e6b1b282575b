//! The refusals of `kubectl drain`, as one more order of rules: its flags are the only switches.

use super::table::{Asked, Ruling};
use super::{ownership, pod_rules};
use crate::model::{PodKey, VolumeSource, WorkloadKind};
use crate::plan::{Code, Evidence, Reason};

fn blocks(asked: &Asked<'_>, code: Code, text: String) -> Ruling {
    let evidence = Evidence { pod: Some(asked.pod.key.to_string()), ..Evidence::default() };
    Ruling::Blocks(Reason { code, text, evidence, origin: None })
}

/// A finished pod is deleted, whoever owned it.
pub fn finished(asked: &Asked<'_>) -> Option<Ruling> {
    asked.pod.finished().then_some(Ruling::Goes)
}

/// A DaemonSet's pod stays with `--ignore-daemonsets` and blocks without; an orphan of one goes with `--force`.
pub fn daemon(asked: &Asked<'_>) -> Option<Ruling> {
    let owner = asked.pod.owner.as_ref().filter(|owner| &*owner.kind == "DaemonSet")?;
    let key = PodKey::new(asked.pod.key.namespace.clone(), owner.name.clone());
    let orphan = !asked.world.workloads.contains_key(&(WorkloadKind::DaemonSet, key));
    if orphan {
        let text = format!("DaemonSet {} of {} is not there (use --force)", owner.name, asked.pod.key);
        return Some(if asked.settings.force { Ruling::Goes } else { blocks(asked, Code::ControllerNotFound, text) });
    }
    if asked.settings.ignore_daemonsets {
        return pod_rules::daemon(asked);
    }
    let text = format!("{} belongs to a DaemonSet (use --ignore-daemonsets)", asked.pod.key);
    Some(blocks(asked, Code::DaemonSet, text))
}

/// An emptyDir blocks without `--delete-emptydir-data`, in memory or not; a hostPath does not.
pub fn empty_dir(asked: &Asked<'_>) -> Option<Ruling> {
    let mut volumes = asked.pod.spec.volumes.iter();
    let volume = volumes.find(|volume| matches!(volume.source, VolumeSource::EmptyDir { .. }))?;
    if asked.settings.delete_emptydir_data {
        return None;
    }
    let text = format!("{} has local storage ({}; use --delete-emptydir-data)", asked.pod.key, volume.name);
    Some(blocks(asked, Code::LocalStorage, text))
}

/// A pod without a controller blocks without `--force`.
pub fn replicated(asked: &Asked<'_>) -> Option<Ruling> {
    if asked.settings.force { None } else { ownership::replicated(asked) }
}
