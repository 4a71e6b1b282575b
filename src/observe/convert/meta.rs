//! Names, owners and moments.

use jiff::Timestamp;

use super::Converter;
use crate::model::{Labels, Name, Owner, PodKey};
use crate::observe::raw::{Meta, OwnerRef};

/// Annotations that only repeat the object.
const REPEATING: [&str; 1] = ["kubectl.kubernetes.io/last-applied-configuration"];

impl Converter {
    /// The name of an object; an object without one cannot be told from others.
    pub(super) fn object_name(&mut self, meta: &Meta) -> Result<Name, String> {
        match &meta.name {
            Some(name) if name.0.contains(forges) => {
                Err("its name has characters that no Kubernetes name has and that would forge what is printed".into())
            }
            Some(name) if !name.0.is_empty() => Ok(self.intern.name(&name.0)),
            _ => Err("it has no `metadata.name`".into()),
        }
    }

    /// Namespace and name; the namespace is `default` where none is given, as with `kubectl apply`.
    pub(super) fn key(&mut self, meta: &Meta) -> Result<PodKey, String> {
        let namespace = meta.namespace.as_ref().map_or("", |namespace| namespace.0.as_str());
        if namespace.contains(forges) {
            return Err("its namespace has characters that no Kubernetes name has".into());
        }
        let namespace = self.intern.name(if namespace.is_empty() { "default" } else { namespace });
        Ok(PodKey { namespace, name: self.object_name(meta)? })
    }

    /// The UID; `otherwise` where a dump has none.
    pub(super) fn uid(&mut self, meta: &Meta, otherwise: &str) -> Name {
        let uid = meta.uid.as_deref().filter(|uid| !uid.is_empty());
        self.intern.name(uid.unwrap_or(otherwise))
    }

    /// Annotations without those that only repeat the object.
    pub(super) fn annotations(&mut self, meta: &mut Meta) -> Labels {
        self.intern.labels(meta.annotations.take(), &REPEATING)
    }

    /// The owner that is the controller, if there is one. Without a UID it gets the one that [`made_up_uid`] gives to
    /// its workload, so that both find each other in slimmed dumps.
    pub(super) fn controller(&mut self, namespace: &str, meta: &mut Meta) -> Option<Owner> {
        let owners = meta.owner_references.take().unwrap_or_default();
        let OwnerRef { api_version, kind, name, uid, .. } =
            owners.into_iter().find(|owner| owner.controller == Some(true))?;
        let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default().0);
        let uid = uid.filter(|uid| !uid.is_empty()).unwrap_or_else(|| made_up_uid(&kind, namespace, &name));
        Some(Owner {
            api_version: self.intern.name(&api_version.unwrap_or_default()),
            kind: self.intern.name(&kind),
            name: self.intern.name(&name),
            uid: self.intern.name(&uid),
        })
    }

    /// A moment in the past, RFC 3339: it counts for when the dump was taken.
    pub(super) fn past(&mut self, text: Option<&str>, field: &str) -> Result<Option<Timestamp>, String> {
        let moment = moment(text, field)?;
        self.newest = self.newest.max(moment);
        Ok(moment)
    }
}

/// Controls, and what turns or hides the direction of reading: printed, they would write lines of their own.
pub fn forges(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Such characters by their numbers, so that they can be told.
pub fn told(text: &str) -> String {
    text.chars().map(|c| if forges(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// A moment that may lie in the future, RFC 3339; null and empty are none.
pub(super) fn moment(text: Option<&str>, field: &str) -> Result<Option<Timestamp>, String> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| format!("`{field}` is not a time: `{text}`")),
    }
}

/// The UID of a workload or a pod in a dump without UIDs.
pub(super) fn made_up_uid(kind: &str, namespace: &str, name: &str) -> String {
    if kind == "Pod" { format!("{namespace}/{name}") } else { format!("{kind} {namespace}/{name}") }
}
