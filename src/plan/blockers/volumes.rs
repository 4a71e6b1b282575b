//! Local volumes in the way: which look like data, and the entries of `drain.disposable` that give them up.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::Ground;
use super::group::Found;
use super::selector::{quoted, selector};
use crate::model::Pod;
use crate::plan::leaving::{Asked, Settings, undeclared_volumes};

/// The pod's volumes on its node that nobody declared disposable.
pub fn local(pod: &Pod, ground: &Ground<'_>) -> Vec<String> {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let asked =
        Asked { pod, world: ground.world, drain: ground.drain, now, relaxed: &[], settings: Settings::default() };
    undeclared_volumes(&asked).map(|volume| volume.name.to_string()).collect()
}

/// Those of all pods of a group, each name once.
pub fn of_all(found: &Found<'_>, ground: &Ground<'_>) -> BTreeSet<String> {
    found.pods.iter().flat_map(|pod| local(pod, ground)).collect()
}

fn looks_kept(name: &str) -> bool {
    const KEPT: [&str; 10] =
        ["db", "data", "database", "storage", "store", "postgres", "mysql", "redis", "etcd", "wal"];
    name.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| KEPT.contains(&word))
}

fn stateful(pod: &Pod) -> bool {
    pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "StatefulSet")
}

/// Whether what the pod would lose looks like data that is kept: by a volume's name, or since it is a StatefulSet's.
pub fn data(pod: &Pod, ground: &Ground<'_>) -> bool {
    stateful(pod) || local(pod, ground).iter().any(|name| looks_kept(name))
}

/// The entries of `drain.disposable` that give up what a group keeps, and no more: one where one does it.
pub fn entries(found: &Found<'_>, ground: &Ground<'_>) -> Vec<String> {
    let mut by_selector: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pod in &found.pods {
        by_selector.entry(selector(pod)).or_default().extend(local(pod, ground));
    }
    let namespaces: BTreeSet<&str> = found.pods.iter().map(|pod| &*pod.key.namespace).collect();
    let all = of_all(found, ground);
    if let (true, [namespace]) = (by_selector.len() > 1, namespaces.into_iter().collect::<Vec<_>>().as_slice())
        && !others_lose(namespace, &all, found, ground)
    {
        by_selector = BTreeMap::from([(format!("namespaces: [{}]", quoted(namespace)), all)]);
    }
    let entry = |(selector, volumes): (String, BTreeSet<String>)| {
        let volumes: Vec<String> = volumes.iter().map(|volume| quoted(volume)).collect();
        format!("  - {{{selector}, volumes: [{}]}}", volumes.join(", "))
    };
    by_selector.into_iter().map(entry).collect()
}

/// Whether some pod of the namespace that is not of the group would lose all that it keeps by an entry for all of it, and
/// that is data, or the entry is for data: scratch space of others may go with scratch space.
fn others_lose(namespace: &str, volumes: &BTreeSet<String>, found: &Found<'_>, ground: &Ground<'_>) -> bool {
    let of_data = found.pods.iter().any(|pod| data(pod, ground));
    ground.world.pods.values().filter(|pod| &*pod.key.namespace == namespace && !pod.daemon()).any(|pod| {
        let kept = local(pod, ground);
        let lost = !kept.is_empty() && kept.iter().all(|volume| volumes.contains(volume));
        lost && (of_data || data(pod, ground)) && !found.names.contains(pod.key.to_string().as_str())
    })
}

/// What declaring these volumes disposable costs: said by name, and louder where it looks like data that is kept.
pub fn lost(found: &Found<'_>, ground: &Ground<'_>) -> String {
    let volumes: Vec<String> = of_all(found, ground).into_iter().collect();
    let kept: Vec<&str> = volumes.iter().filter(|name| looks_kept(name)).map(String::as_str).collect();
    let names = volumes.join(", ");
    match kept.as_slice() {
        [] if found.pods.iter().any(|pod| stateful(pod)) => {
            format!("LOSES what a StatefulSet keeps in {names} each time its node goes: only if nobody misses it")
        }
        [] => format!("loses what is in {names} each time its node goes: only if nobody misses it"),
        kept => format!(
            "LOSES DATA each time its node goes, {} by its name: only if nobody misses what is in {names}",
            kept.join(", ")
        ),
    }
}
