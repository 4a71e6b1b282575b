//! Rules that read the pod's volumes: data that would be lost with the node.

use super::marks;
use super::table::{Asked, Ruling};
use crate::model::{Volume, VolumeSource};
use crate::plan::{Code, Evidence, Reason};
use crate::policy::Disposable;

const SAFE_LOCAL_VOLUMES: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// Whether the volume's data ends with the pod's stay on its node.
pub fn local(volume: &Volume) -> bool {
    matches!(volume.source, VolumeSource::HostPath | VolumeSource::EmptyDir { memory: false })
}

fn disposable(entry: &Disposable, asked: &Asked<'_>, volume: &str) -> bool {
    let pod = asked.pod;
    (entry.namespaces.is_empty() || entry.namespaces.contains(&pod.key.namespace))
        && entry.labels.as_ref().is_none_or(|selector| selector.matches(&pod.labels))
        && (entry.volumes.is_empty() || entry.volumes.iter().any(|pattern| glob(pattern, volume)))
}

/// Whether `text` is what `pattern` says, in which `*` stands for any run of characters.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or("");
    }
    rest.ends_with(last)
}

/// Local volumes of the pod that nobody declared disposable.
pub fn undeclared<'a>(asked: &Asked<'a>) -> impl Iterator<Item = &'a Volume> {
    let annotated = asked.pod.annotations.get(SAFE_LOCAL_VOLUMES);
    let asked = *asked;
    asked.pod.spec.volumes.iter().filter(move |volume| {
        local(volume)
            && !annotated.is_some_and(|names| names.split(',').any(|name| name == &*volume.name))
            && !asked.drain.disposable.iter().any(|entry| disposable(entry, &asked, &volume.name))
    })
}

/// Local storage that is not declared disposable blocks.
pub fn local_storage(asked: &Asked<'_>) -> Option<Ruling> {
    let volume = undeclared(asked).next()?;
    let what = |volume: &Volume| if volume.source == VolumeSource::HostPath { "hostPath" } else { "emptyDir" };
    let all: Vec<String> = undeclared(asked).map(|volume| format!("{} {}", what(volume), volume.name)).collect();
    let entry = marks::matching_entry(&asked.drain.pods, asked.pod).map(|entry| entry.origin.clone());
    Some(Ruling::Blocks(Reason {
        code: Code::LocalStorage,
        text: format!("{} has local storage ({}) that is not declared disposable", asked.pod.key, all.join(", ")),
        evidence: Evidence {
            pod: Some(asked.pod.key.to_string()),
            volume: Some(volume.name.to_string()),
            ..Evidence::default()
        },
        origin: entry,
    }))
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, text, fits) in [
            ("socket-dir", "socket-dir", true),
            ("socket-dir", "socket-dir2", false),
            ("*", "", true),
            ("tmp*", "tmp-volume", true),
            ("*-dir", "socket-dir", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
