//! What `explain` is asked about: `node/NAME`, `pool/NAME`, `pod/NAMESPACE/NAME`, `headroom`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::Failure;
use crate::model::{Name, PodKey, Target, World};

/// An object of the cluster or of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A node or a pool.
    Planned(Target),
    /// A pod; without its namespace where the name alone is given.
    Pod(Option<Name>, Name),
    /// What all pools keep free, or one.
    Headroom(Option<Name>),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(target) => target.fmt(f),
            Self::Pod(None, name) => write!(f, "pod/{name}"),
            Self::Pod(Some(namespace), name) => write!(f, "pod/{namespace}/{name}"),
            Self::Headroom(None) => f.write_str("headroom"),
            Self::Headroom(Some(pool)) => write!(f, "headroom/{pool}"),
        }
    }
}

/// Reads an [`Object`]. Shells complete its kinds.
#[derive(Clone, Copy, Debug)]
pub struct ObjectParser;

impl TypedValueParser for ObjectParser {
    type Value = Object;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Object, clap::Error> {
        let text = value.to_string_lossy();
        object(&text).ok_or_else(|| {
            let wrong = format!(
                "`{text}` is not an object: write `node/NAME`, `pool/NAME`, `pod/NAMESPACE/NAME` or `headroom`\n"
            );
            clap::Error::raw(ErrorKind::InvalidValue, wrong)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        Some(Box::new(["node/", "pool/", "pod/", "headroom"].into_iter().map(PossibleValue::new)))
    }
}

/// A node or a pool as people name it: a bare name is a node's, and the words of `kubectl` are understood.
///
/// # Errors
/// It names neither.
pub fn target(text: &str) -> Result<Target, String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    match text.split_once('/') {
        Some(("nodes" | "no" | "node", name)) if !name.is_empty() => Ok(Target::Node(name.into())),
        Some(("pools" | "pool", name)) if !name.is_empty() => Ok(Target::Pool(name.into())),
        None if !text.is_empty() && !text.starts_with('-') && text.chars().all(bare) => Ok(Target::Node(text.into())),
        _ => text.parse(),
    }
}

fn object(text: &str) -> Option<Object> {
    match text.split_once('/') {
        None if text == "headroom" => return Some(Object::Headroom(None)),
        Some(("headroom", pool)) if !pool.is_empty() => return Some(Object::Headroom(Some(pool.into()))),
        _ => {}
    }
    let pod = ["pod/", "pods/", "po/"].iter().find_map(|kind| text.strip_prefix(kind));
    let Some(pod) = pod else { return target(text).ok().map(Object::Planned) };
    match pod.split_once('/') {
        None if !pod.is_empty() => Some(Object::Pod(None, pod.into())),
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Some(Object::Pod(Some(namespace.into()), name.into()))
        }
        _ => None,
    }
}

/// The pod that is meant. A name alone will do where only one namespace has such a pod.
///
/// # Errors
/// There is no such pod, or there are several.
pub fn pod(world: &World, namespace: Option<&Name>, name: &Name) -> Result<PodKey, Failure> {
    let found = listed_pod(world, namespace, name);
    let told = |gap: &&String| match namespace {
        Some(namespace) => gap.contains(&format!(": Pod {namespace}/{name} cannot be read")),
        None => gap.contains(&format!("/{name} cannot be read")) && gap.contains(": Pod "),
    };
    match (found, world.gaps.iter().find(told)) {
        (Err(_), Some(gap)) => Err(Failure::new(format!("the pod is there and cannot be explained: {gap}"))
            .hint("mend what is wrong with it, or take the snapshot again")),
        (found, _) => found,
    }
}

fn listed_pod(world: &World, namespace: Option<&Name>, name: &Name) -> Result<PodKey, Failure> {
    if let Some(namespace) = namespace {
        let key = PodKey::new(namespace.clone(), name.clone());
        if world.pods.contains_key(&key) {
            return Ok(key);
        }
        let near = near(world.pods.keys().filter(|key| key.namespace == *namespace).map(|key| &*key.name), name);
        let near = near.map(|near| format!("pod/{namespace}/{near}"));
        let elsewhere = || {
            let same = world.pods.keys().find(|key| key.name == *name);
            same.map(|key| format!("pod/{key}"))
        };
        let missing = missing(&format!("pod/{namespace}/{name}"), elsewhere().or(near));
        return Err(if world.pods.keys().any(|key| key.namespace == *namespace) {
            missing
        } else {
            missing.hint(empty(world, namespace))
        });
    }
    let keys: Vec<&PodKey> = world.pods.keys().filter(|key| key.name == *name).collect();
    match keys.as_slice() {
        [] => {
            let near = near(world.pods.keys().map(|key| &*key.name), name);
            let near = near.and_then(|near| world.pods.keys().find(|key| *key.name == *near));
            Err(missing(&format!("pod/{name}"), near.map(|key| format!("pod/{key}"))))
        }
        [key] => Ok((*key).clone()),
        several => {
            let failure = Failure::new(format!("{} namespaces have a pod `{name}`", several.len()));
            Err(several.iter().take(5).fold(failure, |failure, key| failure.hint(format!("write `pod/{key}`"))))
        }
    }
}

/// That a namespace has no pods, with one of a similar name that has.
fn empty(world: &World, namespace: &Name) -> String {
    let namespaces: BTreeSet<&str> = world.pods.keys().map(|key| &*key.namespace).collect();
    let near = near(namespaces.iter().copied(), namespace).map(|near| format!("; there is `{near}`"));
    format!("no pod of the snapshot is in a namespace `{namespace}`{}", near.unwrap_or_default())
}

/// `there is no …`, and what may have been meant.
pub fn missing(object: &str, near: Option<String>) -> Failure {
    let failure = Failure::new(format!("there is no {object}"));
    match near {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if object.starts_with("pod/") => {
            failure.hint("`kubectl get pods -A -o name` names them; the snapshot may be older or of another cluster")
        }
        None => failure.hint("`tidegate status` lists pools and nodes"),
    }
}

/// The name that is meant by `wanted`: the first that begins with it, as a Deployment's pods do with its name, else the
/// most similar one, else the first of which it is the end, as people call nodes.
pub fn near<'a>(names: impl Iterator<Item = &'a str> + Clone, wanted: &str) -> Option<&'a str> {
    let begins = names.clone().find(|name| name.starts_with(wanted));
    let similar = || {
        let nearest = names.clone().map(|name| (strsim::osa_distance(name, wanted), name)).min();
        nearest.filter(|(distance, _)| *distance <= wanted.chars().count() / 3).map(|(_, name)| name)
    };
    let ends = || names.clone().find(|name| name.strip_suffix(wanted).is_some_and(|front| front.ends_with(['-', '.'])));
    begins.or_else(similar).or_else(ends)
}
